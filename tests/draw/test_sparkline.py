import math

from seqplay.draw import plain, sparkline
from seqplay.draw.lines import Span
from seqplay.draw.sparkline import draw_sparkline


def test_a_series_runs_from_the_lowest_to_the_highest_block():
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"


def test_more_values_than_cells_are_averaged():
    assert sparkline([0, 0, 10, 10], 2) == "▁█"


def test_missing_values_are_blank_and_a_constant_is_in_the_middle():
    assert sparkline([1, None, math.nan, 1], 9) == "▄  ▄"
    assert sparkline([None], 9) == " "
    assert sparkline([], 9) == ""


def test_each_block_has_the_role_of_its_level():
    line = draw_sparkline([0.0, 4.0, None, 99.0], 9, 0.0, 8.0)
    assert line == (Span("▁", "level-0"), Span("▅", "level-2"), Span(" "), Span("█", "level-4"))
    assert plain(draw_sparkline([0.0, 8.0], 9, 0.0, 8.0, ascii_only=True)) == "_@"


def test_a_range_that_is_none_leaves_blanks():
    assert plain(draw_sparkline([1.0], 9, 2.0, 2.0)) == " "
    assert draw_sparkline([1.0], 0, 0.0, 2.0) == ()
