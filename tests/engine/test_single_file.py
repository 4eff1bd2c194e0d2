"""An object of a single file is loaded from the bytes that were hashed, and leaves no trace beside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_plugins import FILE

from seqplay import plugin_choice, plugins
from seqplay.architecture import Architecture, NoOptions
from seqplay.engine import catalog, descriptions, single_file
from seqplay.errors import MissingError
from seqplay.options import options_of

ARCHITECTURE = """
from seqplay import Architecture, option
cell = Architecture("another name", "cell", lambda *_: None, "A cell.", contract=CONTRACT)
model = Architecture("grower", "model", lambda *_: None, "A model.", task="recognise")
"""
NEWER = "is written for contract 2; this seqplay has contract 1."


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQPLAY_PLUGINS", "*")
    monkeypatch.chdir(tmp_path)


def load(code: str | bytes, typed: str = "own.py:Own", kind: str = "cell") -> Architecture:
    """What is loaded from a file with this code."""
    path = Path(typed.partition(":")[0])
    path.write_bytes(code.encode() if isinstance(code, str) else code)
    return catalog.load(plugin_choice.use_file(typed, kind), kind)[0]


def why_not(code: str | bytes, typed: str = "own.py:Own", kind: str = "cell") -> str:
    """Why nothing is loaded from a file with this code, without how it begins."""
    with pytest.raises(MissingError) as told:
        load(code, typed, kind)
    said = str(told.value)
    assert "\n" not in said
    begin, _, rest = said.partition(f" ({typed}) ")
    assert begin.startswith(f"The {kind} '{typed}' of the file own.py ")
    return rest


def test_a_class_is_a_cell_with_the_config_of_its_constructor_and_its_first_line_of_words() -> None:
    found = load(FILE)
    assert (found.name, found.kind, found.summary) == ("own.py:Own", "cell", "Forgets slowly.")
    assert [(option.name, option.default, option.help) for option in options_of(found.config)] == [
        ("keep", 0.5, "share that is kept")
    ]
    module = found.module(found.config(), 3, 4)
    y, state = module(torch.zeros(2, 5, 3))
    assert (y.shape, state.shape) == ((2, 5, 4), (2, 4))


@pytest.mark.parametrize("annotation", ["", ": object", ": None", ": dict[str, int]", ": 'Config | None'"])
def test_a_class_without_a_config_of_its_own_has_nothing_to_set(annotation: str) -> None:
    assert load(FILE.replace(": Config, ", f"{annotation}, ")).config is NoOptions


def test_a_class_without_words_is_a_cell_of_a_single_file() -> None:
    assert (
        load("class Own:\n    def __init__(self, config, inputs, width): ...\n").summary == "A cell of a single file."
    )


def test_an_architecture_is_taken_as_it_is() -> None:
    code = ARCHITECTURE.replace("CONTRACT", "1")
    assert load(code, "own.py:cell").name == "another name"
    assert load(code, "own.py:model", "model").task == "recognise"


def test_what_is_told_of_a_file_is_what_is_told_of_every_plugin() -> None:
    load(FILE)
    told = descriptions.describe("own.py:Own")
    assert (told["name"], told["distribution"], told["built_in"]) == ("own.py:Own", "the file own.py", False)
    assert [option["name"] for option in told["options"]] == ["keep"]


@pytest.mark.parametrize(
    ("code", "typed", "why"),
    [
        (FILE, "own.py:Owm", "is not in the file. It has: Config, Own."),
        (FILE, "own.py:torch", "is no seqplay.Architecture but a module."),
        ("x = 3\n", "own.py:Own", "is not in the file. It has: nothing to use."),
        (ARCHITECTURE.replace("CONTRACT", "1"), "own.py:Cell", "is not in the file. It has: cell, model."),
        (ARCHITECTURE.replace("CONTRACT", "2"), "own.py:cell", NEWER),
        ("x = 3\n", "own.py:x", "is no seqplay.Architecture but a int."),
        ("class Own(\n", "own.py:Own", "does not load: SyntaxError: '(' was never closed (own.py, line 1)"),
        ("\n\n  x = 1\n", "own.py:Own", "does not load: IndentationError: unexpected indent (own.py, line 3)"),
        ("import nowhere_at_all", "own.py:Own", "does not load: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise SystemExit(3)", "own.py:Own", "does not load: SystemExit: 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_says_why_in_one_line(code: str, typed: str, why: str) -> None:
    assert why_not(code, typed) == why


def test_a_file_that_is_no_utf_8_is_a_syntax_error_of_that_file() -> None:
    told = why_not(b"x = 'caf\xe9'\nclass Own: ...\n")
    assert told.startswith("does not load: SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xe9")
    assert told.endswith("(own.py, line 1)")
    assert load(b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + FILE.lstrip().encode()).summary == "Forgets slowly."


def test_a_class_is_no_model() -> None:
    assert why_not(FILE, kind="model") == "is no seqplay.Architecture but a type."


def test_a_file_with_the_name_of_a_module_hides_none() -> None:
    found = load(FILE, "torch.py:Own")
    assert sys.modules["torch"] is torch
    assert found.module.__module__ == "seqplay_file_torch"
    assert str(Path.cwd()) not in sys.path


def test_nothing_is_written_beside_the_file() -> None:
    load(FILE)
    assert os.listdir() == ["own.py"]


def test_a_file_that_changes_between_listing_and_loading_is_not_run() -> None:
    Path("own.py").write_text(FILE)
    plugin_choice.use_file("own.py:Own")
    listed = plugins.find("own.py:Own")
    entry: Any = listed.entry
    Path("own.py").write_text("open('canary', 'w')\n" + FILE)
    with pytest.raises(single_file.FileError, match="just changed"):
        single_file.load(entry, listed.version)
    Path("own.py").unlink()
    with pytest.raises(single_file.FileError, match=r"^cannot be read: There is no such file"):
        single_file.load(entry, listed.version)
    assert os.listdir() == []


def test_a_file_that_grew_too_large_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    load(FILE)
    with open("own.py", "a") as file:
        file.write("#" * plugin_choice.LARGEST_FILE)
    with pytest.raises(MissingError, match="too large"):
        catalog.load("own.py:Own")


def test_it_is_run_once_in_a_process(tmp_path: Path) -> None:
    code = "import os\nos.mkdir('ran')  # which can be done once\nclass Own: pass\n"
    first = load(code)
    assert catalog.load("own.py:Own")[0].module is first.module
    assert load(code.replace("ran", "ran again")).module is not first.module


def test_a_class_without_words_is_not_described_by_those_of_torch() -> None:
    code = "from torch import nn\nclass Own(nn.Module): pass\n"
    assert load(code).summary == "A cell of a single file."


def test_annotations_that_only_a_type_checker_resolves_do_no_harm() -> None:
    code = """
from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from nowhere import Sequence
class Own:
    def __init__(self, config: Config, inputs: Sequence, width: int) -> None: ...
"""
    assert load(code).config is NoOptions


@pytest.mark.parametrize(("kind", "other", "name"), [("cell", "model", "model"), ("model", "cell", "cell")])
def test_an_architecture_of_another_kind_is_refused(kind: str, other: str, name: str) -> None:
    code = ARCHITECTURE.replace("CONTRACT", "1")
    assert why_not(code, f"own.py:{name}", kind) == f"is a {other}, no {kind}. Use it as one: --{other}"
