from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from seqplay.draw import plain
from seqplay.draw.box import boxed
from seqplay.draw.lines import Span
from seqplay.safe_text import cell_width

TEXT = [(Span("나는 오늘 아침 일찍"),), (Span("b"),)]


def drawn(lines=TEXT, width=20, height=4, *rest, **options):
    return [plain(line) for line in boxed(lines, width, height, *rest, **options)]


def test_a_box_is_exactly_this():
    assert drawn(TEXT, 22, 5, "제목", "설명 · 2") == [
        "╭─ 제목 ─────────────╮",
        "│ 나는 오늘 아침 일… │",
        "│ b                  │",
        "│                    │",
        "╰───────── 설명 · 2 ─╯",
    ]


def test_a_compact_box_is_one_rule_above_the_whole_width():
    assert drawn(TEXT, 22, 3, "writes", "step 7", compact=True) == [
        "─ writes ──── step 7 ─",
        "나는 오늘 아침 일찍   ",
        "b                     ",
    ]


def test_a_caption_gives_way_to_the_title():
    (rule, _) = drawn(TEXT, 20, 2, "a long title", "a caption", compact=True)
    assert "a long title" in rule
    assert "caption" not in rule


def test_focus_is_in_the_frame_and_in_the_title():
    top = boxed(TEXT, 20, 4, "writes", focused=True)[0]
    assert top[:2] == (Span("╭─", "focus"), Span(" "))
    assert Span("writes", "title") in top
    top = boxed(TEXT, 20, 4, "writes", role="error")[0]
    assert {role for _, role in top} == {"error", ""}


def test_a_title_of_spans_keeps_its_roles():
    top = boxed(TEXT, 30, 4, (Span("surprise", "primary"), Span(" copies", "muted")))[0]
    assert plain(top).startswith("╭─ surprise copies ─")
    assert "primary" in {role for _, role in top}


def test_ascii_only_draws_nothing_else():
    assert "".join(drawn([], 20, 4, "a", "b", ascii_only=True)).isascii()


WORDS = st.text(st.characters(exclude_categories=()) | st.sampled_from("한글👍🏽\u200d\u0301\n\t \x1b"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 8), WORDS, WORDS, st.booleans(), st.booleans())
def test_a_box_fills_any_size_exactly(width, height, title, caption, compact, focused):
    lines = drawn(TEXT, width, height, title, caption, compact=compact, focused=focused)
    assert len(lines) == height
    for line in lines:
        assert cell_len(line) <= cell_width(line) == width
        assert not set(line) & set("\n\t\x1b\u202e")
