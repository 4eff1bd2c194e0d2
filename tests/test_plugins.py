"""What is installed is known by name without importing any of it, and a name never means two things."""

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from seqplay import plugin_choice, plugins
from seqplay.errors import MissingError, UsageError

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
    with pytest.raises(MissingError, match=r"^'lstm' is a cell, no model: --cell lstm$"):
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


# -- what is switched off, and single files


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Distributions one and two, which both have a cell `mix`, and One-Model, whose model has its own name alone."""
    distribution(tmp_path, "one", cells("mix = one:mix", "lstm = one:lstm"))
    distribution(tmp_path, "two", cells("mix = two:mix"))
    distribution(tmp_path, "One_Model", "[seqplay.models]\ngrower = grower:model\n", version="2.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SEQPLAY_PLUGINS", "*")
    return tmp_path


def names(kind: str = "cell") -> list[str]:
    return [name for name, plugin in plugins.installed(kind).items() if not plugin.built_in]


def test_names_stay_the_same_whoever_is_switched_off(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = list(plugins.found())
    assert names() == ["one:lstm", "one:mix", "two:mix"]
    plugins.switch("two", on=False)
    assert list(plugins.found()) == everything
    assert names() == ["one:lstm", "one:mix"]
    monkeypatch.setenv("SEQPLAY_PLUGINS", "TWO")
    assert list(plugins.found()) == everything
    assert names() == []
    plugins.switch("two", on=True)
    assert names() == ["two:mix"]


def test_the_variable_leaves_out_whom_it_does_not_name_but_never_a_built_in(
    three: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chosen, told in [("", "SEQPLAY_PLUGINS does not name it"), ("one", "SEQPLAY_PLUGINS does not name it")]:
        monkeypatch.setenv("SEQPLAY_PLUGINS", chosen)
        assert set(BUILT_IN) <= set(plugins.installed())
        assert plugins.found()["two:mix"].off == f"left out: {told}"
        with pytest.raises(MissingError, match=f"^The cell 'two:mix' of two 1.0 is left out: {told}$"):
            plugins.find("two:mix")
    assert names() == ["one:lstm", "one:mix"]
    assert names("model") == []
    monkeypatch.setenv("SEQPLAY_PLUGINS", "one.model")
    assert names("model") == ["grower"]


def brought(told: list[plugins.Plugin]) -> list[tuple[str, str]]:
    return [(plugin.distribution, plugin.name) for plugin in told]


@pytest.mark.parametrize("name", ["one", "ONE", "one:mix", "one:lstm"])
def test_a_distribution_is_disabled_by_its_name_or_by_that_of_what_it_brings(name: str, three: Path) -> None:
    assert brought(plugins.switch(name, on=False)) == [("one", "lstm"), ("one", "mix")]
    assert names() == ["two:mix"]
    with pytest.raises(
        MissingError, match=r"'one:lstm' of one 1\.0 is disabled\. Enable it: seqplay plugins enable one$"
    ):
        plugins.find("one:lstm")
    assert brought(plugins.switch(name, on=True)) == [("one", "lstm"), ("one", "mix")]
    assert names() == ["one:lstm", "one:mix", "two:mix"]


def test_what_is_disabled_stays_so_while_others_are_switched(three: Path) -> None:
    for name in ("grower", "one", "one"):
        plugins.switch(name, on=False)
    plugins.switch("one", on=True)
    assert names("model") == []
    assert names() == ["one:lstm", "one:mix", "two:mix"]
    assert plugins.found("model")["grower"].off.endswith("seqplay plugins enable One_Model")


@pytest.mark.parametrize("name", ["lstm", "seqplay", "SEQPLAY", "dcgan"])
def test_what_comes_with_seqplay_cannot_be_disabled(name: str, three: Path) -> None:
    with pytest.raises(UsageError, match=f"^'{name}' comes with seqplay"):
        plugins.switch(name, on=False)
    assert set(BUILT_IN) <= set(plugins.installed())


def test_a_distribution_of_a_built_ins_name_can_be_disabled(three: Path) -> None:
    distribution(three, "gru", cells("gru = gru:gru"))
    assert "gru:gru" in names()
    assert brought(plugins.switch("gru", on=False)) == [("gru", "gru")]
    assert "gru:gru" not in names()
    assert "gru" in plugins.installed()


def test_a_cell_and_a_model_of_one_name_and_two_makers_are_not_disabled_together(three: Path) -> None:
    distribution(three, "cellist", cells("twin = cellist:it"))
    distribution(three, "modeller", "[seqplay.models]\ntwin = modeller:it\n")
    with pytest.raises(UsageError, match=r"^'twin' is a cell and a model\. Name whose: cellist or modeller\.$"):
        plugins.switch("twin", on=False)
    assert "twin" in names() + names("model")


def test_one_that_is_no_longer_installed_can_be_enabled(three: Path) -> None:
    plugin_choice.disable(["gone", "one"])
    assert plugins.switch("Gone", on=True) == []
    assert plugin_choice.disabled() == {"one"}
    for on in (True, False):
        with pytest.raises(
            MissingError, match=r"^No plugin named 'gone'\. Did you mean 'grower'\? Installed: grower, one:lstm"
        ):
            plugins.switch("gone", on=on)


def test_advice_is_one_word_for_a_shell(three: Path) -> None:
    distribution(three, "evil; rm -rf ~", cells("worse = evil:cell"))
    plugins.switch("worse", on=False)
    assert plugins.found()["worse"].off == "disabled. Enable it: seqplay plugins enable 'evil; rm -rf ~'"


def test_a_single_file_is_found_by_its_name_and_object_and_cannot_be_disabled(three: Path) -> None:
    (three / "own.py").write_text("raise SystemExit('imported')\n")
    plugin_choice.use_file(f"{three}/own.py:Own")
    found = plugins.find("own.py:Own")
    sha256 = hashlib.sha256((three / "own.py").read_bytes()).hexdigest()
    assert (found.distribution, found.version, found.built_in) == ("the file own.py", sha256, False)
    assert found.origin == f"the file own.py {sha256[:12]}"
    with pytest.raises(MissingError, match=r"^The model 'own\.py:Own' is in a file, and a file is used only where you"):
        plugins.find("own.py:Own", "model")
    with pytest.raises(UsageError, match=r"^'own\.py:Own' is a single file"):
        plugins.switch("own.py:Own", on=False)


def test_of_two_files_of_one_name_the_last_that_was_named_is_used(three: Path) -> None:
    for folder in ("a", "b"):
        (three / folder).mkdir()
        (three / folder / "own.py").write_text(folder)
    for folder in ("a", "b", "a"):
        plugin_choice.use_file(f"{three / folder}/own.py:Own")
        assert plugins.find("own.py:Own").version == hashlib.sha256(folder.encode()).hexdigest()


def test_a_file_that_nobody_named_is_not_found_where_it_lies(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (three / "own.py").write_text("")
    monkeypatch.chdir(three)
    with pytest.raises(MissingError, match=r"Name it with its folder: --cell FOLDER/own\.py:Own$"):
        plugins.find("own.py:Own")
