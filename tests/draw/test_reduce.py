import math

from hypothesis import given
from hypothesis import strategies as st

from seqplay.draw.reduce import Reduced, Series, in_order, last, reduce, within


def reduced(x, y, low, high, columns, counts=(), **options):
    return reduce(Series(x, y, counts), low, high, columns, **options)


def test_points_of_one_column_become_their_low_mean_and_high():
    found = reduced([0.0, 0.1, 0.2, 10.0], [1.0, 2.0, 6.0, 4.0], 0, 10, 11)
    assert found == [Reduced(0, 1, 3, 6), Reduced(10, 4, 4, 4)]


def test_the_mean_of_many_points_weighs_as_much_as_they_do():
    assert reduced([0.0, 0.1], [2.0, 5.0], 0, 10, 2, (2, 1)) == [Reduced(0, 2, 3, 5)]
    assert reduced([0.0, 0.1, 0.2], [2.0, None, 5.0], 0, 10, 2, (2, 7, 1)) == [Reduced(0, 2, 3, 5)]


def test_uneven_points_fall_into_the_columns_of_their_x():
    found = reduced([0.0, 1.0, 2.0, 50.0, 100.0], [5.0, 4.0, 3.0, 2.0, 1.0], 0, 100, 101)
    assert [point.column for point in found] == [0, 1, 2, 50, 100]


def test_missing_numbers_among_others_in_a_column_are_left_out():
    assert reduced([0.0, 0.1, 0.2], [1.0, None, math.nan], 0, 10, 2) == [Reduced(0, 1, 1, 1)]


def test_a_column_of_missing_numbers_is_one_gap():
    found = reduced([0.0, 4.0, 5.0, 10.0], [1.0, None, math.inf, 2.0], 0, 10, 11)
    assert found == [Reduced(0, 1, 1, 1), None, Reduced(10, 2, 2, 2)]


def test_values_without_a_logarithm_are_left_out_when_one_is_taken():
    assert reduced([0.0, 0.1], [0.0, 2.0], 0, 10, 2, positive=True) == [Reduced(0, 2, 2, 2)]


def test_points_out_of_order_are_sorted_with_their_values_and_infinite_x_is_left_out():
    found = in_order(Series([3.0, 1.0, math.nan, 2.0, math.inf], [30.0, 10.0, 0.0, 20.0, 0.0], [3, 1, 0, 2, 0]))
    assert [list(column) for column in found] == [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [1, 2, 3]]


def test_a_part_of_a_curve_begins_and_ends_where_its_line_enters_and_leaves():
    line = Series([0.0, 10.0, 20.0, 30.0], [0.0, 1.0, 2.0, 3.0], [7, 7, 7, 7])
    assert within(line, 5.0, 20.0) == Series([5.0, 10.0, 20.0], [0.5, 1.0, 2.0], [1, 7, 7])
    assert within(line, 12.0, 14.0) == Series([12.0, 14.0], [1.2, 1.4], [1, 1])
    assert within(line, 40.0, 50.0) == Series([], [], [])


def test_no_line_enters_through_a_gap():
    assert within(Series([0.0, 10.0, 20.0], [None, 1.0, None]), 5.0, 15.0) == Series([10.0], [1.0])


def test_the_last_value_is_the_last_that_exists():
    assert last([1.0, 2.0, math.nan, None]) == 2.0
    assert last([None]) is None


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(-100, 100) | st.none())), st.integers(1, 50))
def test_no_value_is_lost_or_invented(points, columns):
    series = in_order(Series(*zip(*points, strict=True))) if points else Series((), ())
    found = [point for point in reduce(series, 0, 1000, columns) if point]
    known = [value for value in series.y if value is not None]
    assert min((point.low for point in found), default=None) == min(known, default=None)
    assert max((point.high for point in found), default=None) == max(known, default=None)
    assert [point.column for point in found] == sorted({point.column for point in found})
