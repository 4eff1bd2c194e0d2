"""What `plugins new` writes is a whole distribution that loads as it is, under the name that was asked for."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from pathlib import Path

import pytest

from seqplay import plugin_choice, scaffold
from seqplay.engine import catalog
from seqplay.errors import UsageError, WriteError
from seqplay.options import options_of

TEMPLATES = Path(scaffold.__file__).parent


def written(folder: Path) -> dict[str, str]:
    """Content of each file by its path."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): path.read_text() for path in files}


@pytest.mark.parametrize(("kind", "word", "cased"), [("cell", "mycell", "MyCell"), ("model", "mymodel", "MyModel")])
def test_every_file_of_the_template_is_written_with_every_name_replaced(
    kind: str, word: str, cased: str, tmp_path: Path
) -> None:
    folder = scaffold.make("min_gru2", kind, tmp_path)
    assert folder == tmp_path / "seqplay-min-gru2"
    assert os.listdir(tmp_path) == [folder.name]

    def renamed(text: str) -> str:
        return text.replace(f"seqplay-{word}", folder.name).replace(word, "min_gru2").replace(cased, "MinGru2")

    template = written(TEMPLATES / kind)
    assert len(template) == 4
    assert written(folder) == {renamed(path): renamed(text) for path, text in template.items()}
    assert not re.search("my_?(cell|model)", str(written(folder)), re.IGNORECASE)


def test_names_are_replaced_in_one_pass(tmp_path: Path) -> None:
    for name, kind in [("mycell2", "cell"), ("mymodel2", "cell"), ("mycell_mymodel", "model"), ("seqplay", "cell")]:
        folder = scaffold.make(name, kind, tmp_path)
        content = (folder / f"seqplay_{name}.py").read_text()
        assert re.search(rf'^{name} = Architecture\(\s*name="{name}"', content, re.MULTILINE)
        declared = tomllib.loads((folder / "pyproject.toml").read_text())
        assert declared["project"]["name"] == folder.name == f"seqplay-{name.replace('_', '-')}"
        assert declared["project"]["entry-points"] == {f"seqplay.{kind}s": {name: f"seqplay_{name}:{name}"}}
        assert declared["tool"]["hatch"]["build"]["targets"]["wheel"] == {"only-include": [f"seqplay_{name}.py"]}


@pytest.mark.parametrize("kind", ["cell", "model"])
@pytest.mark.parametrize("name", ["mine", "h", "match", "c3po", "x" * 40])
def test_what_is_written_compiles_and_loads(
    name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQPLAY_PLUGINS", "*")
    folder = scaffold.make(name, kind, tmp_path)
    for path in folder.rglob("*.py"):
        ast.parse(path.read_text())
    reached = plugin_choice.use_file(f"{folder}/seqplay_{name}.py:{name}", kind)
    architecture, _ = catalog.load(reached, kind)
    assert (architecture.name, architecture.kind) == (name, kind)
    assert options_of(architecture.config)
    assert len((folder / f"seqplay_{name}.py").read_text().splitlines()) <= 40


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("MinGRU", "mingru"),
        ("min-gru", "min_gru"),
        ("min gru ", "min_gru"),
        ("../up", "up"),
        ("mine.py:Own", "mine_py_own"),
        ("X" * 50, "x" * 40),
        ("_mine", "mine"),
        ("2min", ""),
        ("한글", ""),
        ("", ""),
        ("mine\n", "mine"),
    ],
)
def test_what_can_be_no_modules_name_is_refused_with_one_that_can(name: str, instead: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^A name has small letters, digits and _, ") as told:
        scaffold.make(name, "cell", tmp_path)
    assert str(told.value).endswith(f" Perhaps: {instead}" if instead else f"unlike {name!r}.")
    assert "\n" not in str(told.value)
    assert os.listdir(tmp_path) == []
    if instead:
        assert scaffold.make(instead, "cell", tmp_path).is_dir()


@pytest.mark.parametrize(
    "name",
    ["class", "range", "float", "super", "torch", "tensor", "nn", "option", "config", "architecture", "dataclass"],
)
def test_a_name_that_the_file_needs_for_something_else_is_refused_with_another(name: str, tmp_path: Path) -> None:
    for kind in ("cell", "model"):
        with pytest.raises(UsageError, match=f"^The name {name} means something else .* Perhaps: {name}_{kind}$"):
            scaffold.make(name, kind, tmp_path)
        assert scaffold.make(f"{name}_{kind}", kind, tmp_path).is_dir()


def test_an_existing_folder_is_refused_and_not_changed(tmp_path: Path) -> None:
    folder = scaffold.make("mine", "cell", tmp_path)
    (folder / "README.md").unlink()
    (folder / "seqplay_mine.py").write_text("my own\n")
    before = written(folder)
    for kind in ("cell", "model"):
        with pytest.raises(WriteError, match=r"seqplay-mine is there already\. Choose another name, or remove it\.$"):
            scaffold.make("mine", kind, tmp_path)
    assert written(folder) == before


def test_a_symlink_to_nowhere_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "seqplay-mine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WriteError, match="is there already"):
        scaffold.make("mine", "cell", tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("place", ["/proc", "/dev/null"])
def test_where_nothing_can_be_written_another_place_is_asked_for(place: str) -> None:
    with pytest.raises(WriteError, match=rf"^Cannot write {place}/seqplay-mine: .*another place: --folder FOLDER$"):
        scaffold.make("mine", "cell", Path(place))


def test_folders_above_it_are_made(tmp_path: Path) -> None:
    assert scaffold.make("mine", "cell", tmp_path / "of" / "mine").parent == tmp_path / "of" / "mine"
