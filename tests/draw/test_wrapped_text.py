from hypothesis import given
from hypothesis import strategies as st

from seqplay.draw import Span, draw_text, plain, wrap
from seqplay.figures import Text
from seqplay.safe_text import cell_width, safe_text


def wrapped(text, width):
    return [plain(line) for line in wrap([Span(text)], width)]


def test_lines_break_at_spaces_by_cells():
    assert wrapped("나는 오늘 아침 일찍", 9) == ["나는 오늘", "아침 일찍"]


def test_newlines_blank_lines_and_indentation_stay():
    assert wrapped("a\n\n  b\n", 9) == ["a", "", "  b"]


def test_a_long_word_is_broken_between_characters_and_never_inside_one():
    assert wrapped("abcdefg", 3) == ["abc", "def", "g"]
    assert wrapped("e\u0301e\u0301e\u0301", 2) == ["e\u0301e\u0301", "e\u0301"]
    assert wrapped("한국어", 5) == ["한국", "어"]


def test_a_character_wider_than_the_page_is_an_ellipsis():
    assert wrapped("한a", 1) == ["…", "a"]


def test_tabs_become_spaces_and_controls_visible():
    assert wrapped("\ta\x1b", 20) == ["    a␛"]


def test_the_prompt_is_muted_and_runs_into_the_text():
    assert draw_text(Text("O me", prompt="ROMEO: "), 20) == [(Span("ROMEO: ", "muted"), Span("O me"))]


@given(st.text(st.characters(exclude_categories=())), st.integers(2, 12))
def test_nothing_but_white_space_is_lost(text, width):
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(safe_text(text).split())
    assert all(cell_width(line) <= width for line in lines)
