"""No name leads out of the runs directory, on any system (X5)."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.errors import UsageError
from seqplay.runs import shelf
from seqplay.runs.names import check_name, name_from

BAD = [
    *(
        "",
        ".",
        "..",
        "...",
        "../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "..\\x",
        "\\\\host\\share",
        ".hidden",
        "-rf",
        "--name",
    ),
    *("nul\0l", "a\nb", "\x1b[31mred", "bell\x07", "\x7f", "c1\x9b", "line\u2028", "\ud800", "dot.", "space "),
    *("CON", "con", "Aux.txt", "nul.tar.gz", "COM1", "lpt9.log", "COM¹", "CONIN$", "con .x"),
    *("x" * 201, "가" * 67, "x" * 300),
]
GOOD = [
    *(
        "novel",
        "소설",
        "소설 두 번째",
        "x" * 200,
        "가" * 66,
        "a..b",
        "a-b_c.d",
        "console",
        "com10",
        "COM",
        "50%",
        "🎈",
        "v1.2",
    )
]


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_a_name_that_could_do_harm_is_refused_on_one_clean_line(name: str, home: Path) -> None:
    with pytest.raises(UsageError, match="A run cannot be named") as raised:
        shelf.create(name, "x")
    text = str(raised.value)
    assert len(text) < 500
    assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)
    assert not home.exists() or os.listdir(home / "runs") == []


@pytest.mark.parametrize("name", GOOD)
def test_a_good_name_is_the_name_of_the_directory(name: str, home: Path) -> None:
    assert check_name(name) == name
    shelf.create(name, "x")
    assert os.listdir(home / "runs") == [name]


def test_hangul_typed_as_jamo_is_the_same_name() -> None:
    assert check_name(unicodedata.normalize("NFD", "소설")) == "소설"


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("novel", "novel"),
        ("소설", "소설"),
        (unicodedata.normalize("NFD", "소설"), "소설"),
        ("My  Novel\n", "My-Novel"),
        ("../../etc/passwd", "etc-passwd"),
        ("-", "run"),
        ("", "run"),
        ("...", "run"),
        (".bashrc", "bashrc"),
        ("con", "run-con"),
        ("aux.txt", "run-aux.txt"),
        ("\x1b[31mred\udcff", "[31mred"),
        ("가" * 100, "가" * 60),
    ],
)
def test_a_stem_becomes_a_legal_name_like_it(stem: str, name: str) -> None:
    assert name_from(stem) == name


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(st.characters(codec=None), max_size=300) | st.sampled_from(BAD))
def test_any_stem_becomes_a_legal_name_also_with_a_number_behind_it(stem: str) -> None:
    name = name_from(stem)
    assert check_name(name) == name
    assert check_name(f"{name}-123456") == f"{name}-123456"
    assert name_from(name) == name
