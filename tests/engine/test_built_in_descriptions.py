"""What the package says of its architectures is what they are; a declaration that no form can show is refused."""

import itertools
from pathlib import Path

import pytest
from tiny_plugins import GOOD, install

from seqplay import descriptions, options
from seqplay.engine.descriptions import describe, of_the_built_ins
from seqplay.errors import MissingError

COUNT = itertools.count()
HEAD = "from dataclasses import dataclass, field\nfrom seqplay import Architecture, option\n"
MADE = "cell = Architecture('x', 'cell', lambda *_: None, 'A sentence.', Config)\n"


def declared(line: str) -> str:
    return f"{HEAD}@dataclass(frozen=True)\nclass Config:\n    {line}\n{MADE}"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a cell whose module is still to be written: tests of one process must not share a module."""
    name = f"declares{next(COUNT)}"
    install(tmp_path, name, "")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_the_packages_file_is_what_its_architectures_say() -> None:
    """Make it again with: python -m seqplay.engine.descriptions"""
    assert descriptions.BUILT_IN.read_bytes() == of_the_built_ins()


def test_a_plugin_is_described_with_its_settings(installed: str, tmp_path: Path) -> None:
    (tmp_path / f"{installed}.py").write_text(GOOD)
    told = descriptions.from_json(describe(installed))
    assert (told.name, told.kind, told.summary, told.source) == (installed, "cell", "A good one.", "Somebody 2026")
    assert (told.distribution, told.version, told.built_in) == (installed, "1.0", False)
    assert [option.name for option in told.options] == ["heads", "keep", "norm", "window"]
    assert told.options[0] == options.Option("heads", int, 4, "attention heads a layer", 1, 64)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (HEAD + "class Config: pass\n" + MADE, "TypeError: must be called with a dataclass"),
        (HEAD + "Config = None\n" + MADE, "TypeError: None is not a module, class"),
        (declared("a: 'Nowhere' = option(1, help='x')"), "NameError: name 'Nowhere' is not defined"),
        (declared("a: list = option(1, help='x')"), "a is one of bool, int, float, str, not "),
        (declared("a: int = option('four', help='x')"), "a: its default 'four' is no int"),
        (declared("a: int = option(9, help='x', high=8)"), "a takes a whole number of at most 8, not '9'"),
        (declared("a: int = option(1, help='x', low=3, high=2)"), "a: its lowest value 3 is above its highest 2"),
        (declared("a: int = option(1, help='x', low='1')"), "a: its bound is a number, not '1'"),
        (declared("a: int = option(1, help=3)"), "a: help is text, not 3"),
        (declared("a: str = option('b', help='x', choices=('b', 2))"), "a: a choice is text, not 2"),
        (declared("a: int = field(default=1, metadata={'help': 'x'})"), "KeyError: 'low'"),
        (declared("a: int = field(default_factory=int, metadata=option(1, help='x').metadata)"), "a: its default"),
        (declared("pass").replace("'A sentence.'", "3"), "summary is text, not 3"),
    ],
    ids=lambda value: value.partition(",")[0] if "\n" not in value else "",
)
def test_a_declaration_that_no_form_can_show_is_refused(code: str, said: str, installed: str, tmp_path: Path) -> None:
    (tmp_path / f"{installed}.py").write_text(code)
    with pytest.raises(MissingError) as refused:
        describe(installed)
    begin = f"The cell '{installed}' of {installed} 1.0 ({installed}:cell) declares what cannot be shown: "
    assert str(refused.value).startswith(begin)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_what_is_not_installed_or_does_not_load_is_told_as_the_catalog_tells_it(installed: str, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"^No cell named 'lstmm'\. Did you mean 'lstm'\?"):
        describe("lstmm")
    (tmp_path / f"{installed}.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(MissingError, match="does not load: ModuleNotFoundError") as refused:
        describe(installed)
    assert isinstance(refused.value.__cause__, ModuleNotFoundError)
