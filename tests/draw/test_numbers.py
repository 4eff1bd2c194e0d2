import pytest

from seqplay.draw.numbers import (
    clock,
    common_decimals,
    decimals_for,
    grouped,
    number,
    pace,
    plural,
    reading,
    scientific,
    short,
)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1115394, 0, "1,115,394"), (1.5, 2, "1.50"), (-0.001, 2, "0.00"), (-1234.5, 1, "-1,234.5"), (0, 0, "0")],
)
def test_grouped(value, decimals, text):
    assert grouped(value, decimals) == text


@pytest.mark.parametrize(("value", "text"), [(0.0036, "3.6e-3"), (2e12, "2e12"), (-1.25e-7, "-1.25e-7")])
def test_scientific_has_no_padding(value, text):
    assert scientific(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.4699, "1.47"), (1234.5, "1,234"), (0.0036, "3.6e-3"), (0, "0.00"), (5e9, "5e9")]
)
def test_a_reading_shows_what_its_size_can_tell(value, text):
    assert reading(value) == text


def test_seconds_are_read_as_a_clock():
    assert [clock(seconds) for seconds in (0, 5, 90, 3661)] == ["0:00", "0:05", "1:30", "1:01:01"]


def test_a_pace_of_thousands_is_short():
    assert [pace(speed) for speed in (0.4, 812.4, 1000, 25_444)] == ["0", "812", "1.0k", "25.4k"]


def test_a_step_needs_the_decimals_that_tell_its_multiples_apart():
    assert [decimals_for(step) for step in (50, 1, 0.5, 0.2, 0.01, 0.005)] == [0, 0, 1, 1, 2, 3]


def test_a_column_has_three_decimals_or_what_its_smallest_needs_and_no_idle_zeros():
    assert common_decimals([1.5, 2.25]) == 2
    assert common_decimals([1.4712345]) == 3
    assert common_decimals([0.0021, 1.0]) == 4
    assert common_decimals([3.0, 12.0]) == 0
    assert common_decimals([]) == 0


def test_a_number_too_small_for_its_column_is_scientific():
    assert number(0.00001, 3) == "1e-5"
    assert number(0.0, 3) == "0.000"


@pytest.mark.parametrize(
    ("unit", "many", "name"),
    [
        ("character", "characters", "char"),
        ("word", "words", "word"),
        ("jamo", "jamo", "jamo"),
        ("token", "tokens", "token"),
    ],
)
def test_what_tokens_are_called(unit, many, name):
    assert (plural(unit), short(unit)) == (many, name)
