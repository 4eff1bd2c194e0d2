from hypothesis import given
from hypothesis import strategies as st

from seqplay.draw.scale import Scale, clock_ticks, step_for, ticks, widened


def labels(scale, count, decimals=0):
    return [tick.label for tick in ticks(scale, count, decimals)]


def test_steps_are_1_2_or_5_times_a_power_of_ten():
    assert [step_for(span, 5) for span in (1, 5, 10, 23, 30)] == [0.2, 1, 2, 5, 5]


def test_a_loss_is_read_with_two_decimals_whatever_the_step():
    assert labels(Scale(1.2, 2.6), 3, 2) == ["1.50", "2.00", "2.50"]
    assert labels(Scale(1.0, 4.2), 3, 2) == ["1.00", "2.00", "3.00", "4.00"]
    assert labels(Scale(1.401, 1.419), 4, 2) == ["1.405", "1.410", "1.415"]


def test_counts_are_grouped_without_decimals():
    assert labels(Scale(0, 3780), 4) == ["0", "1,000", "2,000", "3,000"]


def test_very_large_and_very_small_ticks_are_scientific_and_distinct():
    assert labels(Scale(0, 4e9), 4) == ["0", "1e9", "2e9", "3e9", "4e9"]
    assert labels(Scale(0, 3e-5), 3) == ["0", "1e-5", "2e-5", "3e-5"]


def test_a_log_axis_has_1_2_5_where_there_is_room_and_decades_where_not():
    assert labels(Scale(1, 100, log=True), 8) == ["1", "2", "5", "10", "20", "50", "100"]
    assert labels(Scale(1e-3, 1e3, log=True), 6) == ["0.001", "0.01", "0.1", "1", "10", "100", "1,000"]
    assert labels(Scale(2e-6, 2e-3, log=True), 2) == ["1e-5", "1e-4", "0.001"]


def test_a_short_log_axis_has_even_ticks():
    assert labels(Scale(1.3, 1.9, log=True), 3, 2) == ["1.40", "1.60", "1.80"]


def test_a_log_scale_places_the_geometric_mean_in_the_middle():
    assert abs(Scale(1, 100, log=True).at(10) - 0.5) < 1e-12


def test_seconds_are_divided_like_a_clock():
    assert [tick.label for tick in clock_ticks(Scale(0, 120), 4)] == ["0:00", "0:30", "1:00", "1:30", "2:00"]


@given(st.floats(-1e150, 1e150), st.floats(0, 1e150), st.floats(1, 60))
def test_ticks_lie_on_the_scale_ascend_and_are_few(low, size, count):
    scale = Scale(*widened(low, low + size))
    values = [tick.value for tick in ticks(scale, count)]
    assert len(values) <= 4 * count + 2
    assert values == sorted(values)
    assert all(-1e-6 <= scale.at(value) <= 1 + 1e-6 for value in values)
