import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from seqplay.safe_text import cell_width, clusters, fit, pad, safe_line, safe_text

ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
FORBIDDEN = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2066, 0x2070),
    *range(0xD800, 0xE000),
    *range(0xE0000, 0xE0080),
}


@pytest.mark.parametrize(
    ("unsafe", "visible"),
    [
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x00\r\x7f", "␀␍␡"),
        ("\x9b31m\x85", "\\x9b31m\\x85"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("\u2066\u2069\u200e\u200f\u061c", "\\u2066\\u2069\\u200e\\u200f\\u061c"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\ud800 \udfff", "\ufffd \ufffd"),
        ("\U000e0041\U000e007f", "\\U000e0041\\U000e007f"),
        ("\ufeffBOM", "\\ufeffBOM"),
    ],
)
def test_what_a_terminal_could_obey_becomes_visible(unsafe, visible):
    assert safe_text(unsafe) == visible


@pytest.mark.parametrize(
    "text", ["", "a\n\tb", "한국어 中文 café", "👨\u200d👩\u200d👧 ❤\ufe0f", "क्\u200dष", "[/b] [@click=app.quit]"]
)
def test_text_of_people_is_left_alone(text):
    assert safe_text(text) is text


def test_no_code_point_leaves_a_forbidden_one_and_a_second_pass_changes_nothing():
    kept = set()
    for code in range(0x110000):
        shown = safe_text(chr(code))
        if len(shown) == 1 and ord(shown) == code:
            kept.add(code)
        else:
            assert FORBIDDEN.isdisjoint(map(ord, shown)), hex(code)
            assert safe_text(shown) == shown, hex(code)
    assert kept & FORBIDDEN == {0x09, 0x0A}


@given(ANY_TEXT)
def test_safe_text_is_idempotent_and_encodable_without_controls(text):
    shown = safe_text(text)
    assert safe_text(shown) == shown
    assert FORBIDDEN.isdisjoint(map(ord, shown.replace("\n", "").replace("\t", "")))
    shown.encode()


@given(ANY_TEXT)
def test_safe_line_is_one_line_without_controls(text):
    line = safe_line(text)
    assert FORBIDDEN.isdisjoint(map(ord, line))
    assert len(line.splitlines()) <= 1
    assert safe_line(line) == line


def test_safe_line_draws_newline_and_tab():
    assert safe_line("a\r\n\tb") == "a␍⏎→b"


def test_only_newline_and_tab_may_be_kept():
    assert safe_text("a\n\tb", keep="\n") == "a\n␉b"
    with pytest.raises(AssertionError):
        safe_text("\x1b", keep="\x1b")


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("abc", 3),
        ("한글", 4),
        ("\u1112\u1161\u11ab", 2),  # conjoining jamo: one syllable
        ("ㅎㅏㄴ", 6),  # compatibility jamo: three letters
        ("e\u0301", 1),
        ("👍🏽", 2),
        ("👨\u200d👩\u200d👧", 2),
        ("❤", 1),
        ("❤\ufe0f", 2),
        ("1\ufe0f\u20e3", 2),
        ("a\u200bb", 2),
        ("━╸┈⠿…", 5),
        ("①漢ｶ", 4),
    ],
)
def test_cell_width_of(text, cells):
    assert cell_width(text) == cells == cell_len(text)


def test_cell_width_agrees_with_rich_for_every_assigned_character():
    different = [
        hex(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs") and cell_width(chr(code)) != cell_len(chr(code))
    ]
    assert different == []


@given(
    st.text(st.sampled_from(["a", "한", "\u1100", "\u1161", "👍", "👩", "🏽", "❤", "1", "\u0301", "\u200d", "\ufe0f"]))
)
def test_cell_width_agrees_with_rich_for_sequences(text):
    assert cell_width(text) == cell_len(text)


@given(st.text())
def test_clusters_are_the_whole_text(text):
    pieces = list(clusters(text))
    assert "".join(piece for piece, _ in pieces) == text
    assert sum(cells for _, cells in pieces) == cell_width(text)


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("hello", 5, "hello"),
        ("hello", 4, "hel…"),
        ("한국어", 5, "한국…"),
        ("한국어", 4, "한…"),
        ("한국어", 1, "…"),
        ("한국어", 0, ""),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
)
def test_fit_cuts_by_cells(text, width, fitted):
    assert fit(text, width) == fitted


def test_fit_takes_another_ellipsis_and_drops_one_that_is_too_wide():
    assert fit("abcdef", 5, ellipsis="...") == "ab..."
    assert fit("abcdef", 2, ellipsis="...") == ".."
    assert fit("abcdef", 3, ellipsis="") == "abc"


@given(st.text(), st.integers(0, 20), st.sampled_from(["left", "right", "center"]))
def test_pad_takes_exactly_its_width(text, width, align):
    assert cell_width(pad(text, width, align)) == width


def test_pad_aligns():
    assert [pad("한", 4, align) for align in ("left", "right", "center")] == ["한  ", "  한", " 한 "]
