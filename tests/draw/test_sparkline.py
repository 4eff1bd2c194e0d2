import math

from seqplay.draw import sparkline


def test_a_series_runs_from_the_lowest_to_the_highest_block():
    assert sparkline([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"


def test_more_values_than_cells_are_averaged():
    assert sparkline([0, 0, 10, 10], 2) == "▁█"


def test_missing_values_are_blank_and_a_constant_is_in_the_middle():
    assert sparkline([1, None, math.nan, 1], 9) == "▄  ▄"
    assert sparkline([None], 9) == " "
    assert sparkline([], 9) == ""
