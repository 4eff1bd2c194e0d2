from seqplay.draw import Span, draw_bars, measure, plain
from seqplay.figures import Bars


def drawn(figure, width):
    return [plain(line) for line in draw_bars(figure, width)]


def test_the_largest_value_fills_the_room_and_the_others_their_part():
    assert drawn(Bars(("가", "b"), (50.0, 25.0), "%"), 20) == ["가 ━━━━━━━━━━━  50 %", "b  ━━━━━╸─────  25 %"]


def test_a_long_unit_is_said_once():
    assert drawn(Bars(("gzip",), (2.21,), "nats per character", "to beat"), 30) == [
        "to beat, nats per character",
        "gzip ━━━━━━━━━━━━━━━━━━━  2.21",
    ]


def test_a_small_value_is_not_nothing_and_a_negative_one_is():
    assert plain(measure(0.0001, 4)) == "╸───"
    assert drawn(Bars(("a", "b", "c"), (100.0, 0.01, -5.0)), 20) == [
        "a ━━━━━━━━━━  100.00",
        "b ╸─────────    0.01",
        "c ──────────   -5.00",
    ]


def test_a_missing_value_is_a_dash():
    assert drawn(Bars(("a", "b"), (1.0, None)), 12) == ["a ━━━━━━━  1", "b ───────  —"]


def test_numbers_outlive_lines_and_labels_when_there_is_no_room():
    figure = Bars(("a long label",), (46.8,), "%")
    assert [drawn(figure, width) for width in (16, 8, 6, 3)] == [
        ["a long l… 46.8 %"],
        ["… 46.8 %"],
        ["46.8 %"],
        ["46…"],
    ]


def test_heavy_is_primary_and_light_is_a_hairline():
    assert measure(0.5, 4) == [Span("━━", "primary"), Span("──", "hairline")]
