"""Which plugins are used: what SEQPLAY_PLUGINS names, and what is disabled for good."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from seqplay import paths, plugin_choice
from seqplay.errors import MissingError, RunError, UsageError, WriteError
from seqplay.plugin_choice import VARIABLE, FileEntry, use_file


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is not set, and what a test makes of it ends with the test."""
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text("x = 1\n")
    return tmp_path / "own.py"


def entries() -> list[tuple[str, str, str]]:
    return [(entry.kind, str(entry.path), entry.object) for entry in plugin_choice.chosen_files()]


# -- the variable


def test_without_the_variable_all_distributions_are_used_and_no_file() -> None:
    assert plugin_choice.chosen_distributions() is None
    assert entries() == []


@pytest.mark.parametrize("said", ["", " ", ",", " , "])
def test_an_empty_one_uses_none(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, said)
    assert plugin_choice.chosen_distributions() == []
    assert entries() == []


def test_names_are_kept_as_they_were_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "Seqplay_Min.GRU , seqplay--mamba,")
    assert plugin_choice.chosen_distributions() == ["Seqplay_Min.GRU", "seqplay--mamba"]


def test_a_star_is_all_that_is_installed_beside_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "*,/somewhere/own.py:Own")
    assert plugin_choice.chosen_distributions() is None
    assert entries() == [("cell", "/somewhere/own.py", "Own")]


def test_relative_paths_and_those_of_ones_home_are_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv(VARIABLE, "./own.py:A,in/../other.py:B,~/third.py:C,model=nets/mine.py:D,cell=e.py:E")
    assert entries() == [
        ("cell", f"{tmp_path}/own.py", "A"),
        ("cell", f"{tmp_path}/other.py", "B"),
        ("cell", "/home/somebody/third.py", "C"),
        ("model", f"{tmp_path}/nets/mine.py", "D"),
        ("cell", f"{tmp_path}/e.py", "E"),
    ]


def test_a_file_without_an_object_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/somewhere/own.py,/somewhere/own.py:")
    assert entries() == []


# -- a file that a command names


def test_a_file_that_is_used_has_a_name_without_its_folder_and_is_used_beside_all_others(own: Path) -> None:
    assert use_file(f"{own}:Own") == "own.py:Own"
    assert os.environ[VARIABLE] == f"*,cell={own}:Own"
    assert plugin_choice.chosen_distributions() is None


def test_a_relative_file_is_found_again_from_another_folder(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own.parent)
    use_file("own.py:Own")
    monkeypatch.chdir("/")
    assert entries() == [("cell", str(own), "Own")]


def test_a_model_may_be_said_to_be_one(own: Path) -> None:
    assert (use_file(f"{own}:A", "model"), use_file(f"model={own}:B")) == ("own.py:A", "own.py:B")
    assert entries() == [("model", str(own), "A"), ("model", str(own), "B")]


def test_naming_a_file_twice_names_it_once(own: Path) -> None:
    for _ in range(2):
        use_file(f"{own}:Own")
    assert os.environ[VARIABLE] == f"*,cell={own}:Own"


def test_the_file_that_was_named_last_comes_last(own: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "own.py"
    other.write_text("x = 2\n")
    for path in (own, other, own):
        use_file(f"{path}:Own")
    assert [path for _, path, _ in entries()] == [str(other), str(own)]


def test_with_no_plugins_a_file_that_a_command_names_is_used(own: Path) -> None:
    plugin_choice.use_none()
    use_file(f"{own}:Own")
    assert plugin_choice.chosen_distributions() == []
    assert entries() == [("cell", str(own), "Own")]


def test_processes_that_are_started_use_it_too(own: Path) -> None:
    use_file(f"{own}:Own")
    code = "from seqplay import plugins; print(plugins.find('own.py:Own').version, plugins.find('lstm').off)"
    told = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd="/", check=True)
    assert told.stdout == f"{hashlib.sha256(own.read_bytes()).hexdigest()} \n"


@pytest.mark.parametrize("typed", ["own.py", "own.py:", "own.py:a-b", "own.py:1", "own.py:a.b", "own.py: Own"])
def test_what_names_no_object_says_how(typed: str, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own.parent)
    with pytest.raises(UsageError, match=r"^Say which object of own\.py is the model: own\.py:NAME$"):
        use_file(typed, "model")
    assert VARIABLE not in os.environ


@pytest.mark.parametrize("name", ["none.py", "folder.py", "pipe.py", "large.py"])
def test_what_is_no_file_is_missing(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    with (tmp_path / "large.py").open("wb") as large:
        large.truncate(plugin_choice.LARGEST_FILE + 1)
    with pytest.raises(MissingError, match=rf"{tmp_path}/{name}(\.| has more than 1 MB)"):
        use_file(f"{tmp_path / name}:X")


@pytest.mark.parametrize("name", ["a,b.py", "a\x1bb.py", "a\u202eb.py", "a\udcffb.py"])
def test_a_path_that_the_variable_cannot_hold_or_a_terminal_would_obey_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(UsageError, match=r"^Rename "):
        use_file(f"{tmp_path / name}:X")
    assert VARIABLE not in os.environ


def test_a_files_hash_is_of_its_bytes_as_they_are_now(own: Path) -> None:
    entry = FileEntry(own, "Own")
    assert entry.sha256 == hashlib.sha256(b"x = 1\n").hexdigest()
    own.write_bytes(b"x = 2\n")
    assert entry.sha256 == hashlib.sha256(b"x = 2\n").hexdigest()
    own.unlink()
    assert entry.sha256 == "?"
    os.mkfifo(own)
    assert entry.sha256 == "?"  # and looking at it does not wait for whoever writes


# -- what is disabled for good


def test_nothing_is_disabled_at_first() -> None:
    assert plugin_choice.disabled() == set()
    assert not paths.home().exists()


def test_what_is_disabled_is_kept_for_this_user_alone(home_of_its_own: Path) -> None:
    plugin_choice.disable(["B_b", "a"])
    assert plugin_choice.disabled() == {"a", "b-b"}
    assert stat.S_IMODE(home_of_its_own.stat().st_mode) == 0o700
    assert stat.S_IMODE((home_of_its_own / "plugins.json").stat().st_mode) == 0o600
    assert (home_of_its_own / "plugins.json").read_text() == '{\n  "disabled": [\n    "a",\n    "b-b"\n  ]\n}\n'
    plugin_choice.disable([])
    assert plugin_choice.disabled() == set()


@pytest.mark.parametrize(
    "damaged",
    [
        *(b"", b"{", b"[]", b"3", b"\xff", b"{}", b'{"disabled": null}', b'{"disabled": "seqplay"}'),
        *(b'{"disabled": [3]}', b'{"disabled": {"a": 1}}', b"[" * 100_000, b" " * (plugin_choice.LARGEST_FILE + 1)),
    ],
    ids=lambda content: str(content[:24]),
)
def test_a_damaged_list_is_refused(damaged: bytes, home_of_its_own: Path) -> None:
    home_of_its_own.mkdir()
    (home_of_its_own / "plugins.json").write_bytes(damaged)
    with pytest.raises(RunError, match=r"plugins\.json"):
        plugin_choice.disabled()


def test_a_list_is_never_read_or_written_through_a_symlink(home_of_its_own: Path, tmp_path: Path) -> None:
    home_of_its_own.mkdir()
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text('{"disabled": ["a"]}')
    (home_of_its_own / "plugins.json").symlink_to(elsewhere)
    with pytest.raises(RunError, match="symlink"):
        plugin_choice.disabled()
    plugin_choice.disable(["b"])
    assert elsewhere.read_text() == '{"disabled": ["a"]}'
    assert plugin_choice.disabled() == {"b"}


def test_where_it_cannot_be_kept_that_is_said(home_of_its_own: Path) -> None:
    home_of_its_own.write_text("a file is in the way")
    assert plugin_choice.disabled() == set()
    with pytest.raises(WriteError, match="Set SEQPLAY_HOME"):
        plugin_choice.disable(["a"])


@pytest.mark.parametrize("name", ["Foo_Bar", "foo.bar", "FOO--bar", "foo-_.bar"])
def test_distributions_are_compared_in_one_spelling(name: str) -> None:
    assert plugin_choice.normal(name) == "foo-bar"
