import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.runs import growing
from seqplay.runs.growing import MOST, Growing


def grown(values, first=1):
    series = Growing()
    for step, value in enumerate(values, first):
        series.add(step, step * 0.5, step * 100, value)
    return series


def noise(count):
    return [random.Random(step).gauss(2.0, 0.1) for step in range(count)]


LONG = [value + 2 / (1 + step / 50) for step, value in enumerate(noise(6000))]


def test_a_short_series_is_drawn_as_it_is():
    curve = grown([3.0, None, 2.0]).curve("loss", "muted")
    assert (curve.name, curve.role, curve.x, curve.y) == ("loss", "muted", (1.0, 2.0, 3.0), (3.0, None, 2.0))
    assert curve.counts == ()


def test_every_point_is_found_on_three_axes():
    series = grown([3.0, 2.0])
    assert series.curve("loss", axis="seconds").x == (0.5, 1.0)
    assert series.curve("loss", axis="tokens").x == (100.0, 200.0)


def test_a_step_that_comes_again_takes_the_place_of_those_from_it_on():
    series = grown([5.0, 4.0, 3.0])
    series.add(2, 9.0, 900, 1.0)
    assert (list(series.steps), list(series.y)) == ([1, 2], [5.0, 1.0])


def test_a_series_that_was_cut_is_as_if_it_had_never_been_longer():
    cut, never = grown(LONG), grown(LONG[:4999])
    cut.cut(5000)
    for series in (cut, never):
        for step in range(5000, 5700):
            series.add(step, step * 0.5, step * 100, 1.5)
    assert cut.curve("loss") == never.curve("loss")
    assert len(cut.curve("loss").x) < MOST


def test_a_clock_that_runs_backwards_is_held():
    series = Growing()
    series.add(1, 10.0, 500, 1.0)
    series.add(2, 3.0, 200, 1.0)
    assert (list(series.seconds), list(series.tokens)) == ([10.0, 10.0], [500, 500])


def test_a_long_series_is_thinned_and_no_point_loses_its_weight():
    curve = grown(LONG).curve("loss")
    assert len(curve.x) < MOST < len(LONG)
    assert sum(curve.counts) == len(LONG)
    total = sum(value * count for value, count in zip(curve.y, curve.counts, strict=True))
    assert total == pytest.approx(sum(LONG))
    assert list(curve.x) == sorted(curve.x)


def test_a_thinned_series_ends_with_its_newest_point():
    for count in (5000, 5001, 5007, 5008, 5120):
        curve = grown(LONG[:count]).curve("loss")
        assert (curve.x[-1], curve.y[-1], curve.counts[-1]) == (count, LONG[count - 1], 1)


def test_a_spike_stays_a_point_of_its_own():
    spiked = [*LONG[:3000], 9.0, *LONG[3001:]]
    curve = grown(spiked).curve("loss")
    assert curve.y.count(9.0) == 1
    at = curve.y.index(9.0)
    assert abs(curve.x[at] - 3001) < 8
    assert all(value is not None and value < 4.1 for value in (*curve.y[:at], *curve.y[at + 1 :]))


def test_noise_is_no_news():
    curve = grown(noise(6000)).curve("loss")
    assert len(curve.x) < 6000 / 8 + 16


def test_a_series_that_stands_still_is_thinned():
    curve = grown([0.1] * 6000).curve("rate")
    assert len(curve.x) < 6000 / 8 + 16
    assert all(value == pytest.approx(0.1) for value in curve.y)


def test_a_gap_stays_a_gap():
    curve = grown([*LONG[:2000], *[None] * 100, *LONG[2100:]]).curve("loss")
    missing = [x for x, y in zip(curve.x, curve.y, strict=True) if y is None]
    assert 2001 <= min(missing) < 2010
    assert 2090 < max(missing) <= 2100


def test_a_part_is_drawn_point_by_point_with_one_beyond_either_end():
    curve = grown(LONG).curve("loss", low=3000.0, high=3010.0)
    assert curve.x == tuple(map(float, range(2999, 3012)))
    assert curve.y == tuple(LONG[2998:3011])


def test_a_part_that_nothing_was_measured_in_is_empty():
    assert Growing().curve("loss").x == ()
    assert grown([1.0, 2.0]).curve("loss", low=5.0, high=9.0).x == (2.0,)


def test_a_smoothed_series_is_its_exponential_mean():
    assert grown([4.0, 2.0, None, 3.0]).curve("loss", smooth=2).y == (4.0, 3.0, None, 3.0)


def test_smoothing_a_long_series_is_nearly_smoothing_its_points():
    mean, means = LONG[0], []
    for value in LONG:
        mean += (value - mean) / 100
        means.append(mean)
    curve = grown(LONG).curve("loss", smooth=100)
    assert all(
        y == pytest.approx(means[round(x) - 1], abs=0.02) for x, y in zip(curve.x, curve.y, strict=True) if x > 300
    )


def test_a_smoothed_part_begins_with_what_came_before_it():
    series = grown([5.0] * 99 + [4.0] + [1.0] * 100)
    assert series.curve("loss", low=101.0, smooth=10).y[0] == pytest.approx(4.9)


def test_a_key_turns_every_value_into_another_unit():
    curve = grown([0.0, None, 1.0]).curve("loss", key=math.exp)
    assert curve.y == (1.0, None, math.e)


def test_the_newest_point_at_or_before_a_place_is_found_on_each_axis():
    series = grown([3.0, None, 2.0])
    assert series.at(1.0) == (1, 3.0)
    assert series.at(1.4, "seconds") == (2, None)
    assert series.at(1e9, "tokens") == (3, 2.0)
    assert series.at(0.9) is None
    assert Growing().at(0.0) is None


def test_a_step_is_found_on_each_axis():
    series = grown([3.0, 2.0])
    assert (series.place(2, "seconds"), series.place(9, "tokens"), series.place(0)) == (1.0, 200.0, None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.floats(-100, 100), min_size=1, max_size=400), st.integers(2, 40), st.data())
def test_thinning_neither_loses_nor_invents(values, most, data):
    first = data.draw(st.integers(0, len(values)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "MOST", most)
        whole, part = (grown(values).curve("loss", low=low) for low in (None, float(first)))
    known = [value for value in values if value is not None]
    drawn = [(y, count) for y, count in zip(whole.y, whole.counts or (1,) * len(values), strict=True) if y is not None]
    assert sum(count for _, count in drawn) == len(known)
    assert sum(y * count for y, count in drawn) == pytest.approx(sum(known), abs=1e-6)
    assert all(min(known) - 1e-9 <= y <= max(known) + 1e-9 for y, _ in drawn)
    assert whole.y[-1] == part.y[-1] == values[-1]
    assert list(part.x) == sorted(part.x)
