"""No name leads out of the runs directory, and no symlink in a run is ever written through (promise X5)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seqplay import wire
from seqplay.cli import train as train_command
from seqplay.engine import tasks, worker
from seqplay.engine.train import train
from seqplay.errors import DataError, RunError, UsageError, WriteError
from seqplay.processes import training
from seqplay.runs import commit, control, process, shelf
from seqplay.runs.best import MODEL
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.writable import check_writable

from .conftest import NEWEST, PATHS, change, every_file
from .test_corrupt_files import ended, refusal

NAMES = ["../x", "..", ".", "/tmp/x", "a/b", "a\\b", "x\0y", "CON", "nul.txt", "x" * 300, "\x1b[2J", "-rf", "dot.", ""]
MINE = b"mine\n"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_train_takes_no_name_that_leads_elsewhere_or_could_do_harm(name: str, home_of_its_own: Path) -> None:
    with pytest.raises(UsageError, match="A run cannot be named") as raised:
        train_command.command.main(["hello", f"--name={name}"], standalone_mode=False)
    assert str(raised.value).isprintable()
    assert not list(home_of_its_own.glob("runs/*"))


def test_a_naive_join_of_such_names_leaves_the_runs_directory(home_of_its_own: Path) -> None:
    runs = home_of_its_own / "runs"
    assert [Path(os.path.abspath(runs / name)).parent == runs for name in NAMES[:5]] == [False] * 5


# -- symlinks


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of the user's, with a file in it."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(MINE)
    return tmp_path / "elsewhere"


def link(path: Path, elsewhere: Path) -> None:
    """A symlink in a path's place, to the user's folder or to the file in it."""
    if path.is_dir():
        shutil.rmtree(path)
        path.symlink_to(elsewhere)
    else:
        path.unlink(missing_ok=True)
        path.symlink_to(elsewhere / "file")


def is_untouched(elsewhere: Path) -> bool:
    return os.listdir(elsewhere) == ["file"] and (elsewhere / "file").read_bytes() == MINE


def unfinish(run: RunFiles) -> None:
    run.log.write_bytes(b"".join(line for line in run.log.read_bytes().splitlines(True) if b'"done"' not in line[:20]))


def go_on(run: RunFiles) -> None:
    """What a trainer does with a run, the first look at it left out."""
    earlier = os.lstat(run.control).st_size if os.path.lexists(run.control) else 0
    with WriterLock(run):
        train(run, earlier_requests=earlier)


@pytest.mark.parametrize("place", PATHS)
def test_a_run_with_a_symlink_in_a_files_place_is_not_trained_and_one_line_says_why(
    place: str, run: RunFiles, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a trainer was started")

    monkeypatch.setattr(subprocess, "Popen", never)
    unfinish(run)
    link(getattr(run, place), elsewhere)
    before = every_file(run)
    for begin in (training.start, check_writable):
        with pytest.raises(WriteError, match=rf"{getattr(run, place).name}: .*never writes through one: remove it\.$"):
            begin(run)
    assert every_file(run) == before
    assert is_untouched(elsewhere)


@pytest.mark.parametrize("place", PATHS)
def test_also_without_that_first_look_nothing_is_written_through_a_symlink(
    place: str, run: RunFiles, elsewhere: Path
) -> None:
    unfinish(run)
    link(getattr(run, place), elsewhere)
    acts: list[Callable[[], object]] = [
        lambda: go_on(run),
        lambda: control.ask(run, "stop"),
        lambda: process.note_this_process(run),
        lambda: [ended(command, run) for command in ("sample", "show", "runs")],
        lambda: shelf.remove(run),
    ]
    for act in acts:
        assert "\n" not in str(refusal(act))
        assert is_untouched(elsewhere), place


@pytest.mark.parametrize("place", PATHS)
def test_a_dangling_symlink_makes_no_file_where_it_leads(place: str, run: RunFiles, elsewhere: Path) -> None:
    unfinish(run)
    link(getattr(run, place), elsewhere)
    getattr(run, place).unlink()
    getattr(run, place).symlink_to(elsewhere / "new")
    for act in (lambda: go_on(run), lambda: control.ask(run, "pause")):
        assert "\n" not in str(refusal(act))
    assert is_untouched(elsewhere)


@pytest.mark.parametrize("name", [str(NEWEST), f"{NEWEST}/{MODEL}", f"{NEWEST}/{commit.MANIFEST}"])
def test_a_symlink_among_the_checkpoints_is_neither_read_nor_written(name: str, run: RunFiles, elsewhere: Path) -> None:
    unfinish(run)
    shutil.copytree(run.checkpoints / str(NEWEST), elsewhere, dirs_exist_ok=True)
    (elsewhere / "file").write_bytes((elsewhere / Path(name).name).read_bytes() if "/" in name else MINE)
    before = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    link(run.checkpoints / name, elsewhere)
    with pytest.raises(RunError, match=r"symlink|no checkpoint of step"):
        commit.read_file(run.checkpoints, NEWEST, MODEL)
    if os.sep in name:
        go_on(run)  # from the checkpoint before it
        commit.verify(run.checkpoints, NEWEST)
    else:
        with pytest.raises(WriteError, match="never writes through one"):
            go_on(run)
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == before


def test_a_naive_append_writes_through_a_symlink(run: RunFiles, elsewhere: Path) -> None:
    link(run.log, elsewhere)
    with run.log.open("ab") as file:
        file.write(b"row\n")
    assert not is_untouched(elsewhere)


# -- paths in a run's own files


def test_no_path_in_a_plan_is_followed(run: RunFiles, elsewhere: Path) -> None:
    wanted = os.path.relpath(elsewhere / "file", run.path)
    plan = tasks.reopen(run)[1]
    change(run.plan, codec={**plan.codec, wanted: "0" * 64, str(elsewhere / "file"): "0" * 64})
    tasks.reopen(run)
    for data in (wanted, str(elsewhere / "file"), "../" * 20 + "etc/passwd", "x\0", ""):
        change(run.plan, data=data)
        with pytest.raises((DataError, RunError)):
            list(worker.answer(wire.Ask(str(run.path), "score", {})))
