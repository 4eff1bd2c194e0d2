"""What is kept of a plugin's description is worth exactly as long as the plugin stays as it was."""

import json
import os
import stat
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from seqplay import description_cache, descriptions, paths
from seqplay.description_cache import Broken, Place
from seqplay.descriptions import Description
from seqplay.plugin_choice import FileEntry
from seqplay.plugins import Plugin

MINE = Description("mine", "cell", "A cell.", "", (), "seqplay-mine", "0.3")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """Its module's package raises when it is imported."""
    site = tmp_path / "site"
    (site / "kept_mine" / "cells").mkdir(parents=True)
    for package in (site / "kept_mine", site / "kept_mine" / "cells"):
        (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (site / "kept_mine" / "cells" / "mine.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(str(site))
    entry = EntryPoint("mine", "kept_mine.cells.mine:cell", "seqplay.cells")
    return Plugin("mine", "cell", "seqplay-mine", "0.3", entry)


def place_of(plugin: Plugin, name: str = "mine") -> Place:
    place = description_cache.place(name, plugin)
    assert place is not None
    return place


@pytest.fixture
def kept(plugin: Plugin) -> Place:
    place = place_of(plugin)
    description_cache.write(place, MINE)
    return place


def test_what_was_kept_is_read_again(kept: Place, plugin: Plugin) -> None:
    assert description_cache.read(place_of(plugin)) == MINE


def test_why_it_is_broken_is_kept_too_until_it_works(kept: Place, plugin: Plugin) -> None:
    broken = Broken("needs einops, which is not installed here", "pip install einops")
    description_cache.write(kept, broken)
    assert description_cache.read(place_of(plugin)) == broken
    assert description_cache.read(place_of(replace(plugin, version="0.4"))) is None
    description_cache.write(kept, MINE)
    assert description_cache.read(place_of(plugin)) == MINE


@pytest.mark.parametrize("broken", [3, [], {}, {"reason": "no advice"}, None])
def test_a_damaged_reason_is_none(broken: object, kept: Place) -> None:
    kept.path.write_text(json.dumps({"of": kept.of, "broken": broken}))
    assert description_cache.read(kept) is None


def test_a_reason_is_never_longer_than_a_screen_takes(kept: Place) -> None:
    description_cache.write(kept, Broken("x" * 100_000, ""))
    assert description_cache.read(kept) == Broken("x" * descriptions.LONGEST_TEXT, "")


def test_of_a_single_file_it_holds_for_the_bytes_and_the_folder(tmp_path: Path) -> None:
    def place_of_file(folder: str, code: str) -> Place:
        path = tmp_path / folder / "own.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
        os.utime(path, ns=(1, 1))
        entry = FileEntry(path, "Own")
        return place_of(Plugin("own.py:Own", "cell", "the file own.py", entry.sha256, entry), "own.py:Own")

    description_cache.write(place_of_file("a", "x = 1"), MINE)
    assert description_cache.read(place_of_file("a", "x = 1")) == MINE
    assert description_cache.read(place_of_file("a", "x = 2")) is None
    assert description_cache.read(place_of_file("b", "x = 1")) is None


def test_it_is_kept_for_this_user_alone_below_the_cache(kept: Place) -> None:
    assert kept.path.parent.parent == paths.cache_dir()
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert os.listdir(kept.path.parent) == [kept.path.name]


def test_the_modules_file_is_found_and_no_package_on_the_way_is_imported(plugin: Plugin) -> None:
    found = description_cache.module_file(plugin.entry)
    assert found is not None
    assert found.parts[-3:] == ("kept_mine", "cells", "mine.py")


@pytest.mark.parametrize(
    "value",
    ["nowhere:cell", "kept_mine.nowhere:cell", "kept_mine.cells.mine.deeper:cell", "json.nowhere", "", "!", "a..b"],
)
def test_nothing_is_kept_of_a_module_without_a_file(value: str, plugin: Plugin) -> None:
    assert description_cache.place("mine", replace(plugin, entry=EntryPoint("mine", value, "seqplay.cells"))) is None


def test_a_module_that_changed_is_not_what_was_kept(kept: Place, plugin: Plugin) -> None:
    module = description_cache.module_file(plugin.entry)
    assert module is not None
    before = module.stat()
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns + 1000))
    assert description_cache.read(place_of(plugin)) is None
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert description_cache.read(place_of(plugin)) == MINE
    module.write_text("raise SystemExit('imported!')\n")
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert description_cache.read(place_of(plugin)) is None


@pytest.mark.parametrize("version", ["0.4", "0.3.post1"])
def test_another_version_is_not_what_was_kept(version: str, kept: Place, plugin: Plugin) -> None:
    assert description_cache.read(place_of(replace(plugin, version=version))) is None


def test_neither_is_another_seqplay_nor_another_name(
    kept: Place, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert description_cache.read(place_of(plugin, "seqplay-mine:mine")) is None
    monkeypatch.setattr(description_cache, "__version__", "99.0")
    assert description_cache.read(place_of(plugin)) is None


def test_a_damaged_file_is_none(kept: Place) -> None:
    whole = kept.path.read_bytes()
    for size in range(0, len(whole) - 1, 7):
        kept.path.write_bytes(whole[:size])
        assert description_cache.read(kept) is None
    for garbage in (b"[]", b"null", b"\xff", b"[" * 100_000, b'{"of": 3}', whole.replace(b'"cell"', b'"bell"')):
        kept.path.write_bytes(garbage)
        assert description_cache.read(kept) is None
    row = json.loads(whole)
    kept.path.write_text(json.dumps({**row, "description": {**row["description"], "options": [3]}}))
    assert description_cache.read(kept) is None
    kept.path.write_bytes(whole + b" " * description_cache.LIMIT_BYTES)
    assert description_cache.read(kept) == MINE  # what follows is not even read
    description_cache.write(kept, MINE)
    assert kept.path.read_bytes() == whole


def test_a_symlink_a_fifo_and_another_users_file_are_none(kept: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = kept.path.with_name("elsewhere")
    kept.path.rename(elsewhere)
    assert description_cache.read(kept) is None
    kept.path.symlink_to(elsewhere)
    assert description_cache.read(kept) is None
    kept.path.unlink()
    os.mkfifo(kept.path)
    assert description_cache.read(kept) is None
    kept.path.unlink()
    elsewhere.rename(kept.path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert description_cache.read(kept) is None


def test_a_cache_that_cannot_be_written_only_keeps_nothing(plugin: Plugin, home_of_its_own: Path) -> None:
    home_of_its_own.write_text("a file is in the way")
    description_cache.write(place_of(plugin), MINE)
    assert description_cache.read(place_of(plugin)) is None
