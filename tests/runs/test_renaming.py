"""A run gets another name only while nobody writes it, and never that of another run."""

import os
from pathlib import Path

import pytest

from seqplay.errors import BusyError, UsageError, WriteError
from seqplay.runs import process, shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.rows import to_json


def make(name: str) -> RunFiles:
    run = shelf.create(name, "")
    run.recipe.write_bytes(to_json({"created": 1000.0}))
    return run


def test_a_renamed_run_is_the_same_directory_under_another_name(home: Path) -> None:
    run = make("novel")
    inode = os.stat(run.path).st_ino
    renamed = shelf.rename(run, "소설")
    assert renamed.path == home / "runs" / "소설"
    assert os.stat(renamed.path).st_ino == inode
    assert shelf.all_runs() == [renamed]
    with WriterLock(renamed):
        pass


def test_its_own_name_changes_nothing(home: Path) -> None:
    run = make("novel")
    with WriterLock(run):
        assert shelf.rename(run, "novel") == run


def test_a_run_that_is_written_keeps_its_name(home: Path) -> None:
    run = make("novel")
    with WriterLock(run), pytest.raises(BusyError, match="'novel' trains now: stop it first"):
        shelf.rename(run, "poem")
    with WriterLock(run, note=False), pytest.raises(BusyError, match="is being written"):
        shelf.rename(run, "poem")
    process.note_this_process(run)
    with pytest.raises(BusyError):
        shelf.rename(run, "poem")
    assert os.listdir(home / "runs") == ["novel"]


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_name_that_is_there_already_is_not_taken(home: Path, is_empty: bool) -> None:
    run = make("novel")
    other = shelf.create("poem", "") if is_empty else make("poem")
    before = sorted(os.listdir(other.path))
    with pytest.raises(UsageError, match="There is a run named 'poem' already"):
        shelf.rename(run, "poem")
    assert sorted(os.listdir(other.path)) == before
    assert run.recipe.exists()


@pytest.mark.parametrize("name", ["", "../novel", "a/b", ".hidden", "-rf", "CON", "new\nline", "x" * 300, "dot."])
def test_a_name_that_no_run_may_have_is_one_clear_line(home: Path, name: str) -> None:
    run = make("novel")
    with pytest.raises(UsageError, match=r"^A run cannot be named [^\n]*$"):
        shelf.rename(run, name)
    assert os.listdir(home / "runs") == ["novel"]


def test_a_run_that_is_gone_or_elsewhere_is_not_renamed(home: Path, tmp_path: Path) -> None:
    run = make("novel")
    elsewhere = RunFiles(tmp_path / "novel")
    os.rename(run.path, elsewhere.path)
    run.path.symlink_to(elsewhere.path)
    for gone in (run, elsewhere, RunFiles(home / "runs" / "nobody")):
        with pytest.raises(UsageError, match="There is no run named"):
            shelf.rename(gone, "poem")
    assert os.listdir(home / "runs") == ["novel"]


def test_a_rename_that_fails_leaves_no_claimed_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make("novel")

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(WriteError, match="Cannot write"):
        shelf.rename(run, "poem")
    assert os.listdir(home / "runs") == ["novel"]
