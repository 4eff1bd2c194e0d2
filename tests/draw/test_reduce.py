import math

from hypothesis import given
from hypothesis import strategies as st

from seqplay.draw.reduce import Reduced, in_order, last, reduce


def test_points_of_one_column_become_their_low_mean_and_high():
    assert reduce([0.0, 0.1, 0.2, 10.0], [1.0, 2.0, 6.0, 4.0], 0, 10, 11) == [Reduced(0, 1, 3, 6), Reduced(10, 4, 4, 4)]


def test_uneven_points_fall_into_the_columns_of_their_x():
    found = reduce([0.0, 1.0, 2.0, 50.0, 100.0], [5.0, 4.0, 3.0, 2.0, 1.0], 0, 100, 101)
    assert [point.column for point in found] == [0, 1, 2, 50, 100]


def test_missing_numbers_among_others_in_a_column_are_left_out():
    assert reduce([0.0, 0.1, 0.2], [1.0, None, math.nan], 0, 10, 2) == [Reduced(0, 1, 1, 1)]


def test_a_column_of_missing_numbers_is_one_gap():
    found = reduce([0.0, 4.0, 5.0, 10.0], [1.0, None, math.inf, 2.0], 0, 10, 11)
    assert found == [Reduced(0, 1, 1, 1), None, Reduced(10, 2, 2, 2)]


def test_values_without_a_logarithm_are_left_out_when_one_is_taken():
    assert reduce([0.0, 0.1], [0.0, 2.0], 0, 10, 2, positive=True) == [Reduced(0, 2, 2, 2)]


def test_points_out_of_order_are_sorted_with_their_values_and_infinite_x_is_left_out():
    x, y = in_order([3.0, 1.0, math.nan, 2.0, math.inf], [30.0, 10.0, 0.0, 20.0, 0.0])
    assert (list(x), list(y)) == ([1.0, 2.0, 3.0], [10.0, 20.0, 30.0])


def test_the_last_value_is_the_last_that_exists():
    assert last([1.0, 2.0, math.nan, None]) == 2.0
    assert last([None]) is None


@given(st.lists(st.tuples(st.floats(0, 1000), st.floats(-100, 100) | st.none())), st.integers(1, 50))
def test_no_value_is_lost_or_invented(points, columns):
    x, y = in_order(*zip(*points, strict=True)) if points else ((), ())
    found = [point for point in reduce(x, y, 0, 1000, columns) if point]
    known = [value for value in y if value is not None]
    assert min((point.low for point in found), default=None) == min(known, default=None)
    assert max((point.high for point in found), default=None) == max(known, default=None)
    assert [point.column for point in found] == sorted({point.column for point in found})
