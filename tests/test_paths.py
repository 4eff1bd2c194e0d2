"""Where things live, and that directories are made for their user alone."""

import os
import stat
from pathlib import Path

import pytest

from seqplay import paths
from seqplay.errors import WriteError


def test_seqplay_home_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQPLAY_HOME", str(tmp_path))
    assert paths.home() == tmp_path
    assert paths.runs_dir() == tmp_path / "runs"
    assert paths.cache_dir() == tmp_path / "cache"


def test_seqplay_home_may_be_relative_or_start_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("SEQPLAY_HOME", "here")
    assert paths.home() == tmp_path / "here"
    monkeypatch.setenv("SEQPLAY_HOME", "~/runs of mine")
    assert paths.home() == Path("/somewhere/runs of mine")


def test_without_seqplay_home_the_user_directories_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    monkeypatch.delenv("SEQPLAY_HOME", raising=False)
    assert paths.home() == Path(platformdirs.user_data_dir("seqplay", appauthor=False))
    assert paths.cache_dir() == Path(platformdirs.user_cache_dir("seqplay", appauthor=False))


def test_private_directories_and_their_new_parents_have_mode_0700(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        paths.make_private(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    for made in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert paths.make_private(tmp_path) == tmp_path
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_a_file_in_the_way_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for blocked in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(WriteError, match=r"Cannot make the directory .*file.*Set SEQPLAY_HOME"):
            paths.make_private(blocked)
