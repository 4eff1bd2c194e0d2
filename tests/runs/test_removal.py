"""Removing a run moves it; deleting it takes what seqplay made and nothing else, also in a crash (D19, X5)."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from seqplay import paths
from seqplay.errors import BusyError, RunError, UsageError, WriteError
from seqplay.runs import commit, shelf
from seqplay.runs.best import MODEL, STATE, TRAINING
from seqplay.runs.contents import contents, kept_files
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.rows import to_json

CHECKPOINT = {MODEL: b"m", TRAINING: b"t", STATE: b"{}"}


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def make(path: Path | None = None) -> RunFiles:
    """A run with every file that seqplay makes, and what a kill leaves."""
    run = shelf.create("novel", "") if path is None else RunFiles(path)
    run.path.mkdir(exist_ok=True)
    for kept in kept_files(run):
        kept.write_bytes(b"{}")
    run.recipe.write_bytes(to_json({"created": 1000.0}))
    (run.path / f".log.jsonl.{'0' * 16}.tmp").write_bytes(b"half")
    for step in (4, 8):
        commit.commit(run.checkpoints, step, CHECKPOINT)
    for kind in ("partial", "replaced", "removed"):
        (run.checkpoints / f".9.{kind}-{'0' * 16}").mkdir()
        (run.checkpoints / f".9.{kind}-{'0' * 16}" / MODEL).write_bytes(b"half")
    return run


def add_foreign(run: RunFiles, elsewhere: Path) -> list[Path]:
    """A user's files in every place, and symlinks out of the run."""
    elsewhere.mkdir()
    (elsewhere / MODEL).write_text("mine")
    files = [run.path / "notes.txt", run.path / "4", run.checkpoints / "8" / "notes.txt", run.checkpoints / "x.txt"]
    for path in files:
        path.write_text("mine")
    (run.path / "folder").mkdir()
    (run.path / "folder" / MODEL).write_text("mine")
    links = [run.path / "link", run.checkpoints / "10", run.checkpoints / "4" / "link"]
    for link in links:
        link.symlink_to(elsewhere)
    run.output.unlink()
    run.output.symlink_to(elsewhere / MODEL)
    return sorted([*files, run.path / "folder", *links, run.output])


def everything(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_nothing_is_left_of_a_deleted_run(home: Path) -> None:
    run = make()
    assert contents(run).foreign == []
    assert shelf.delete(run) == []
    assert everything(home) == ["runs"]


def test_what_seqplay_did_not_make_stays_at_its_place(home: Path, tmp_path: Path) -> None:
    run = make()
    foreign = add_foreign(run, tmp_path / "elsewhere")
    assert sorted(contents(run).foreign) == foreign
    assert sorted(shelf.delete(run)) == foreign
    left = {run.path / name for name in everything(run.path)}
    assert left - set(foreign) == {
        *(run.path / "folder" / MODEL, run.checkpoints, run.checkpoints / "4", run.checkpoints / "8")
    }
    assert everything(tmp_path / "elsewhere") == [MODEL]
    assert (tmp_path / "elsewhere" / MODEL).read_text() == "mine"
    assert os.listdir(home / "runs") == ["novel"]


def test_behind_symlinked_checkpoints_nothing_is_deleted(home: Path, tmp_path: Path) -> None:
    run = make()
    run.checkpoints.rename(tmp_path / "elsewhere")
    run.checkpoints.symlink_to(tmp_path / "elsewhere")
    before = everything(tmp_path / "elsewhere")
    assert shelf.delete(run) == [run.checkpoints]
    assert everything(tmp_path / "elsewhere") == before
    assert os.listdir(run.path) == ["checkpoints"]


def test_a_run_with_symlinked_checkpoints_is_moved_as_it_is(home: Path, tmp_path: Path) -> None:
    run = make()
    run.checkpoints.rename(tmp_path / "elsewhere")
    run.checkpoints.symlink_to(tmp_path / "elsewhere")
    assert (shelf.remove(run) / "checkpoints").is_symlink()
    assert commit.steps(tmp_path / "elsewhere") == [4, 8]


@pytest.mark.parametrize("act", [shelf.remove, shelf.delete])
def test_a_live_run_is_neither_moved_nor_deleted(act: Callable[[RunFiles], object], home: Path) -> None:
    run = make()
    before = everything(run.path)
    with WriterLock(run), pytest.raises(BusyError, match="stop it with: seqplay stop novel"):
        act(run)
    assert sorted({*everything(run.path), "process.json"}) == [
        name for name in sorted(before) if not name.endswith(".tmp")
    ]


@pytest.mark.parametrize("act", [shelf.remove, shelf.delete])
def test_a_symlink_to_a_run_is_refused(act: Callable[[RunFiles], object], home: Path, tmp_path: Path) -> None:
    run = make()
    (tmp_path / "link").symlink_to(run.path)
    with pytest.raises(UsageError, match="is a symlink"):
        act(RunFiles(tmp_path / "link"))
    assert contents(run).made


@pytest.mark.parametrize("recipe", [None, b"", b"{}", b'{"ingredients": []}'])
@pytest.mark.parametrize("act", [shelf.remove, shelf.delete])
def test_another_projects_checkpoints_are_not_taken_for_a_run(
    act: Callable[[RunFiles], object], recipe: bytes | None, home: Path, tmp_path: Path
) -> None:
    project = make(tmp_path / "project")
    project.recipe.unlink() if recipe is None else project.recipe.write_bytes(recipe)
    before = everything(project.path)
    with pytest.raises(RunError, match=r"recipe\.json"):
        act(shelf.find(str(project.path)))
    assert everything(project.path) == before


def test_a_run_in_another_folder_is_removed_by_its_path(home: Path, tmp_path: Path) -> None:
    make(tmp_path / "given")
    assert shelf.remove(shelf.find(str(tmp_path / "given"))) == home / "trash" / "given"
    make(tmp_path / "given")
    shelf.delete(shelf.find(str(tmp_path / "given")))
    assert not (tmp_path / "given").exists()


def test_on_another_disk_than_the_trash_deleting_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()

    def rename(source: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(UsageError, match=r"on another disk than the trash .* seqplay rm --now .*/runs/novel$"):
        shelf.remove(run)
    assert contents(run).made


def test_what_is_in_the_trash_is_only_deleted(home: Path) -> None:
    removed = RunFiles(shelf.remove(make()))
    with pytest.raises(UsageError, match=r"in the trash already.*seqplay rm --now .*/trash/novel$"):
        shelf.remove(removed)
    removed.recipe.write_bytes(b"\0")
    shelf.delete(removed)
    assert os.listdir(home / "trash") == []


def test_a_directory_that_cannot_be_changed_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()

    def rename(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "rename", rename)
    for act in (shelf.remove, shelf.delete):
        with pytest.raises(WriteError, match="Cannot write"):
            act(run)


def crash(at: int, act: Callable[[], object]) -> int:
    """Do it in a child that ends before its change number `at` of the file system; its exit code, 42 for a crash."""
    child = os.fork()
    if child == 0:
        left = at

        def counted(real: Callable[..., None]) -> Callable[..., None]:
            def change(*arguments: object) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(42)
                real(*arguments)

            return change

        for name in ("rename", "unlink", "rmdir"):
            setattr(os, name, counted(getattr(os, name)))
        try:
            act()
            os._exit(0)
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_wherever_a_deletion_is_killed_the_run_is_whole_or_broken_or_gone(home: Path) -> None:
    seen = []
    for at in range(1, 100):
        run = make()
        made = len(contents(run).made)
        code = crash(at, lambda run=run: shelf.delete(run))
        assert code in (0, 42)
        for left in shelf.all_runs():
            is_whole = left.recipe.exists()
            if is_whole:
                assert len(contents(left).made) >= made - 1  # a temporary file may be swept
            else:
                assert shelf.summarise(left).state == "broken"
            assert left == run or left == shelf.find(".novel")
            seen.append(is_whole)
            shelf.delete(left)
        for rest in (home / "runs").iterdir():
            rest.rmdir()  # no more than an empty directory is left of a run that is not listed any more
        if code == 0:
            break
    assert True in seen
    assert seen.count(False) > 10


# -- the text in the cache


def learned(name: str, data: str) -> RunFiles:
    """A run that learns the text of this SHA-256, which the cache holds with its ids."""
    run = shelf.create(name, "")
    run.recipe.write_text(f'{{"data": "{data}", "created": 1.0}}')
    for folder in (paths.texts_dir(), paths.ids_dir()):
        folder.mkdir(parents=True, exist_ok=True)
    (paths.texts_dir() / data).write_text("my diary")
    (paths.ids_dir() / f"{data}.{'0' * 32}").write_bytes(b"\1\2\3")
    return run


def cached() -> list[str]:
    return sorted(path.name for folder in (paths.texts_dir(), paths.ids_dir()) for path in folder.iterdir())


def test_with_a_deleted_run_its_text_leaves_the_cache(home: Path) -> None:
    kept = learned("kept", "b" * 64)
    shelf.delete(learned("diary", "a" * 64))
    assert cached() == ["b" * 64, f"{'b' * 64}.{'0' * 32}"]
    assert kept.recipe.exists()


@pytest.mark.parametrize("is_in_trash", [True, False])
def test_a_text_that_another_run_learns_stays(home: Path, is_in_trash: bool) -> None:
    other = learned("other", "a" * 64)
    if is_in_trash:
        shelf.remove(other)
    shelf.delete(learned("diary", "a" * 64))
    assert len(cached()) == 2


def test_a_run_that_is_moved_to_the_trash_keeps_its_text(home: Path) -> None:
    shelf.remove(learned("diary", "a" * 64))
    assert len(cached()) == 2


def test_a_recipe_of_a_stranger_deletes_no_other_file(home: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    shelf.delete(learned("own", "c" * 64))
    run = shelf.create("strange", "")
    run.recipe.write_text(f'{{"data": "../../../{victim.name}", "created": 1.0}}')
    shelf.delete(run)
    assert victim.read_text() == "precious"
