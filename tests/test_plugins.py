"""What is installed is known by name without importing any of it, and a name never means two things."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from seqplay import plugins
from seqplay.errors import MissingError

BUILT_IN = ["gru", "lstm", "rnn"]
PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def distribution(site: Path, name: str, entry_points: str, version: str | None = "1.0", metadata: bool = True) -> None:
    """A tiny installed distribution below `site`, as pip leaves it; its modules need not exist to be listed."""
    folder = site / f"{name.replace('-', '_')}-{version or 0}.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text(entry_points)
    if metadata:
        lines = ["Metadata-Version: 2.1", f"Name: {name}", *([f"Version: {version}"] if version else [])]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")


def cells(*pairs: str) -> str:
    return "[seqplay.cells]\n" + "".join(f"{pair}\n" for pair in pairs)


def in_fresh_python(code: str, *sites: Path) -> Any:
    """What `code` prints as JSON in a fresh Python that has `sites` first on its path."""
    script = f"import sys\nsys.path[:0] = {[str(site) for site in sites]!r}\nimport json\n{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


LIST = """
from seqplay import plugins
found = plugins.installed()
print(json.dumps({name: [p.name, p.distribution, p.version, p.entry.value, p.built_in] for name, p in found.items()}))
"""


def listed(*sites: Path) -> dict[str, list[Any]]:
    """name -> [entry point, distribution, version, object, built in], without the built-ins."""
    found = in_fresh_python(LIST, *sites)
    assert [name for name, plugin in found.items() if plugin[4]] == BUILT_IN
    return {name: plugin for name, plugin in found.items() if not plugin[4]}


def test_the_built_ins_are_those_of_pyproject() -> None:
    groups = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]
    for kind, group in plugins.GROUPS.items():
        built_in = {name: p.entry.value for name, p in plugins.installed(kind).items() if p.built_in}
        assert built_in == groups.get(group, {})


def test_the_built_ins_are_found_by_their_plain_names_in_order() -> None:
    assert [name for name, plugin in plugins.installed("cell").items() if plugin.built_in] == BUILT_IN


def test_a_name_is_found_with_its_distribution_and_kind() -> None:
    found = plugins.find("lstm")
    assert (found.name, found.kind, found.distribution) == ("lstm", "cell", "seqplay")
    assert found.entry.value == "seqplay.engine.cells.lstm:lstm"


def test_an_unknown_name_is_answered_with_the_nearest_installed_one() -> None:
    with pytest.raises(MissingError, match=r"^No cell named 'lstmm'. Did you mean 'lstm'\? Installed: .*gru, lstm"):
        plugins.find("lstmm")


def test_a_cell_is_no_model() -> None:
    with pytest.raises(MissingError, match=r"^No model named 'lstm'\."):
        plugins.find("lstm", "model")


def test_looking_imports_neither_torch_nor_a_cells_module(tmp_path: Path) -> None:
    distribution(tmp_path, "loud", cells("loud = loud_module:cell"))
    (tmp_path / "loud_module.py").write_text("raise SystemExit('imported')\n")
    code = "from seqplay import plugins\nplugins.find('loud')\nprint(json.dumps(sorted(sys.modules)))"
    loaded = set(in_fresh_python(code, tmp_path))
    assert not loaded & {"torch", "numpy", "loud_module", "seqplay.engine", "seqplay.engine.cells.lstm"}


def test_a_third_party_of_a_new_name_has_it_plainly(tmp_path: Path) -> None:
    distribution(tmp_path, "seqplay-mine", cells("mine = mine.cell:it"), version="0.3")
    assert listed(tmp_path) == {"mine": ["mine", "seqplay-mine", "0.3", "mine.cell:it", False]}


def test_a_built_in_keeps_its_name_and_a_third_party_needs_its_own_in_front(tmp_path: Path) -> None:
    distribution(tmp_path, "aaa", cells("lstm = aaa:lstm", "other = aaa:other"))
    assert {name: plugin[1] for name, plugin in listed(tmp_path).items()} == {"aaa:lstm": "aaa", "other": "aaa"}


@pytest.mark.parametrize("order", [("one", "two"), ("two", "one")])
def test_of_two_third_parties_of_one_name_neither_has_it_plainly(tmp_path: Path, order: tuple[str, str]) -> None:
    for name in order:
        distribution(tmp_path / name, name, cells(f"mix = {name}:mix"))
    found = listed(*(tmp_path / name for name in order))
    assert list(found) == ["one:mix", "two:mix"]
    assert [plugin[3] for plugin in found.values()] == ["one:mix", "two:mix"]


def test_a_name_that_two_have_is_answered_with_both(tmp_path: Path) -> None:
    distribution(tmp_path, "one", cells("mix = one:mix"))
    distribution(tmp_path, "two", cells("mix = two:mix"))
    code = """
from seqplay import errors, plugins
try:
    plugins.find("mix")
except errors.MissingError as problem:
    print(json.dumps(str(problem)))
"""
    said = in_fresh_python(code, tmp_path)
    assert said.startswith("No cell named 'mix'. Did you mean '")
    assert "one:mix" in said
    assert "two:mix" in said


def test_the_same_distribution_twice_on_the_path_counts_once(tmp_path: Path) -> None:
    for place in ("first", "second"):
        distribution(tmp_path / place, "mine", cells("mine = mine:cell"), version="1.0" if place == "first" else "2.0")
    found = listed(tmp_path / "first", tmp_path / "second")
    assert {name: plugin[2] for name, plugin in found.items()} == {"mine": "1.0"}


def test_a_model_is_not_among_the_cells(tmp_path: Path) -> None:
    distribution(tmp_path, "grower", "[seqplay.models]\ndcgan2 = grower:model\n")
    assert listed(tmp_path) == {}
    code = "from seqplay import plugins\nprint(json.dumps(list(plugins.installed('model'))))"
    assert "dcgan2" in in_fresh_python(code, tmp_path)


def test_a_distribution_with_damaged_metadata_hides_nothing_of_the_others(tmp_path: Path) -> None:
    distribution(tmp_path, "good", cells("good = good:cell"))
    distribution(tmp_path, "bare", cells("bare = bare:cell"), metadata=False)
    distribution(tmp_path, "undated", cells("undated = undated:cell"), version=None)
    found = listed(tmp_path)
    assert found["good"][1:3] == ["good", "1.0"]
    assert {"bare", "undated"} <= set(found)
    assert all(isinstance(plugin[1], str) and isinstance(plugin[2], str) for plugin in found.values())


@pytest.mark.parametrize(
    "damaged",
    [b"[seqplay.cells]\nlstm\n", b"[seqplay.cells]\nx = \xff\xfe:cell\n", b"no section = 1\n", b"[seqplay.cells\n=\n"],
    ids=["no object", "no UTF-8", "no section", "no end"],
)
def test_entry_points_that_cannot_be_read_hide_nothing_of_the_others(
    damaged: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, version in (("first", "1.0"), ("second", "2.0")):
        distribution(tmp_path / place, "good", cells("good = good:cell"), version=version)
        monkeypatch.syspath_prepend(str(tmp_path / place))
    distribution(tmp_path / "first", "hurt", "")
    distribution(tmp_path / "first", "bare", cells("bare = bare:cell"), metadata=False)
    (tmp_path / "first" / "hurt-1.0.dist-info" / "entry_points.txt").write_bytes(damaged)
    found = plugins.installed()
    assert {name: plugin.version for name, plugin in found.items() if name == "good"} == {"good": "2.0"}
    assert {"bare", *BUILT_IN} <= set(found)
    assert found["lstm"].built_in
