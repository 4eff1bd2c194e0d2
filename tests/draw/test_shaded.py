import pytest

from seqplay.draw import Span, draw_shaded, plain
from seqplay.draw.shaded import shade
from seqplay.figures import Shaded


@pytest.mark.parametrize(
    ("value", "role"),
    [
        (None, ""),
        (float("nan"), ""),
        (-1, "shade-0"),
        (0, "shade-0"),
        (1.9, "shade-0"),
        (2, "shade-1"),
        (5, "shade-2"),
        (10, "shade-4"),
        (99, "shade-4"),
    ],
)
def test_a_value_between_low_and_high_has_a_level(value, role):
    assert shade(value, 0, 10) == role


def test_a_range_that_is_a_point_has_one_level():
    assert shade(3.0, 3.0, 3.0) == "shade-0"


def test_each_token_has_its_own_shade():
    assert draw_shaded(Shaded(("나", "는", "!"), (0.0, 8.0, None), 0, 8), 20) == [
        (Span("나", "shade-0"), Span("는", "shade-4"), Span("!"))
    ]


def test_a_newline_breaks_the_line_and_shows_its_own_shade():
    assert draw_shaded(Shaded(("a", "\n", "b"), (0.0, 8.0, 0.0), 0, 8), 20) == [
        (Span("a", "shade-0"), Span(" ", "shade-4")),
        (Span("b", "shade-0"),),
    ]


def test_a_word_of_several_tokens_is_not_torn():
    assert [plain(line) for line in draw_shaded(Shaded(("the", " o", "ther", " one"), (1.0,) * 4, 0, 8), 7)] == [
        "the",
        "other",
        "one",
    ]


def test_the_unit_explains_the_shades():
    lines = draw_shaded(Shaded(("a",), (1.0,), 0, 8, "bits"), 30)
    assert plain(lines[-1]) == "0          8 bits"
    assert [role for _, role in lines[-1]] == ["muted", "shade-1", "shade-2", "shade-3", "shade-4", "muted"]
