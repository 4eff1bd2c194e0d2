"""`seqplay rm` asks, moves to the trash, says how to get a run back, and never takes what is not seqplay's."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from seqplay.runs import commit, process
from seqplay.runs.best import MODEL
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.rows import to_json, to_line

from .conftest import code_of, seqplay, terminal
from .test_terminal_safety import names, obeyed

RECIPE = {"created": 1000.0, "source": "novel.txt", "cell": "lstm", "layers": 1, "hidden": 8}


@pytest.fixture
def runs(home: Path) -> Path:
    """Two runs that trained for a minute and a half."""
    for name in ("harbour", "harbour-2"):
        make(home / "runs" / name)
    return home / "runs"


def make(path: Path) -> RunFiles:
    run = RunFiles(path)
    run.path.mkdir(parents=True)
    run.recipe.write_bytes(to_json(RECIPE))
    run.log.write_bytes(to_line({"kind": "step", "step": 7, "train_loss": 2.5, "seconds": 90.0, "tokens": 900}))
    commit.commit(run.checkpoints, 4, {MODEL: bytes(200_000)})
    return run


def test_without_a_terminal_nothing_is_removed_unasked(runs: Path) -> None:
    result = seqplay(runs.parent, "rm", "harbour", stdin=b"y\n")
    assert (result.code, result.out) == (2, b"")
    assert result.lines == [
        "seqplay: There is no terminal to ask on. To remove without a question: seqplay rm --yes RUN"
    ]
    assert sorted(os.listdir(runs)) == ["harbour", "harbour-2"]


def test_a_removed_run_comes_back_as_the_message_says(runs: Path) -> None:
    odd = make(runs / "it's; mine")
    before = sorted(odd.path.rglob("*"))
    result = seqplay(runs.parent, "rm", "--yes", "it's")
    assert (result.code, result.out) == (0, b"")
    (line,) = result.lines
    assert line.startswith(f"it's; mine is in the trash: {runs.parent}/trash/it's; mine   Get it back with: mv ")
    assert not odd.path.exists()
    subprocess.run(["bash", "-c", line.partition("Get it back with: ")[2]], check=True)
    assert set(odd.path.rglob("*")) - {odd.lock} == set(before)


def test_one_wrong_name_and_nothing_is_removed(runs: Path) -> None:
    result = seqplay(runs.parent, "rm", "--yes", "harbour", "nobody", "harbour-2")
    assert result.code == 2
    assert "No run named 'nobody'" in result.lines[0]
    assert sorted(os.listdir(runs)) == ["harbour", "harbour-2"]


def test_a_live_run_among_others_and_nothing_is_removed(runs: Path) -> None:
    with WriterLock(RunFiles(runs / "harbour-2")):
        result = seqplay(runs.parent, "rm", "--yes", "--now", "harbour", "harbour-2")
    assert result.code == 75
    assert f"is being written by process {os.getpid()}" in result.lines[0]
    assert result.lines[0].endswith("stop it with: seqplay stop harbour-2")
    assert sorted(os.listdir(runs)) == ["harbour", "harbour-2"]


def test_the_note_of_a_dead_process_is_in_nobodys_way(runs: Path) -> None:
    run = RunFiles(runs / "harbour")
    dead = {**vars(process.this_process()), "started": "1"}
    run.process.write_bytes(to_json(dead))
    assert seqplay(runs.parent, "rm", "-y", "harbour").code == 0
    assert not run.path.exists()


def test_a_run_is_named_by_a_beginning_or_a_path_and_counted_once(runs: Path) -> None:
    result = seqplay(runs.parent, "rm", "--yes", "harbour-", f"{runs}/harbour-2/", "harbour-2")
    assert (result.code, len(result.lines)) == (0, 1)
    assert os.listdir(runs) == ["harbour"]


def test_now_deletes_what_seqplay_made_and_says_what_stays(runs: Path) -> None:
    notes = runs / "harbour" / "checkpoints" / "4" / "notes.txt"
    notes.write_text("mine")
    result = seqplay(runs.parent, "rm", "--yes", "--now", "harbour", "harbour-2")
    assert result.code == 0
    assert result.lines == [
        "harbour is deleted.",
        f"What seqplay did not make is still there: {notes}",
        "harbour-2 is deleted.",
    ]
    assert [path for path in runs.rglob("*") if path.is_file()] == [notes]
    assert not (runs.parent / "trash").exists()


def test_the_trash_is_emptied_by_path(runs: Path) -> None:
    seqplay(runs.parent, "rm", "--yes", "harbour")
    removed = runs.parent / "trash" / "harbour"
    refused = seqplay(runs.parent, "rm", "--yes", removed)
    assert refused.code == 2
    how = refused.lines[0].partition("delete it for good: seqplay ")[2]
    assert seqplay(runs.parent, *shlex.split(how), "--yes").code == 0
    assert not removed.exists()


# -- the question


@pytest.mark.parametrize("answer", ["", "ye", "\x04"])
def test_anything_but_yes_is_no(answer: str, runs: Path) -> None:
    child = terminal(runs.parent, "rm", "harbour")
    child.expect_exact("Move it to the trash? [y/N] ")
    asked = child.before.decode()
    assert "harbour: lstm 1x8, trained for 1:30, 2" in asked
    child.send(answer) if answer == "\x04" else child.sendline(answer)
    child.expect_exact("Nothing was removed.")
    assert code_of(child) == 0
    assert sorted(os.listdir(runs)) == ["harbour", "harbour-2"]


@pytest.mark.parametrize("answer", ["YES", "ㅛ"])
def test_yes_to_one_question_removes_all(answer: str, runs: Path) -> None:
    child = terminal(runs.parent, "rm", "harbour-2", "harbour")
    child.expect_exact("Move these 2 runs to the trash? [y/N] ")
    child.sendline(answer)
    child.expect_exact("harbour-2 is in the trash: ")
    child.expect_exact("harbour is in the trash: ")
    assert code_of(child) == 0
    assert os.listdir(runs) == []


def test_ctrl_c_at_the_question_is_130_and_nothing_is_removed(runs: Path) -> None:
    child = terminal(runs.parent, "rm", "--now", "harbour")
    child.expect_exact("Delete it for good? [y/N] ")
    child.sendintr()
    child.read()
    assert code_of(child) == 130
    assert sorted(os.listdir(runs)) == ["harbour", "harbour-2"]


def test_a_name_in_the_question_is_not_obeyed(home: Path) -> None:
    for name in names():
        make(home / "runs" / name)
    child = terminal(home, "rm", *os.listdir(home / "runs"))
    child.expect_exact("to the trash? [y/N] ")
    raw = child.before + child.after
    child.sendline("y")
    raw += child.read()
    assert code_of(child) == 0
    assert b"Get it back with: mv " in raw
    assert obeyed(raw) == []
