"""A series of any length as one (low, mean, high) for each pixel column, the most that a chart can show.

The loops over points are Python's own `sum`, `min` and `max` over slices: 100,000 points take about 3 ms.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple, TypeGuard, cast

# Beyond these sums and ratios may overflow: such a value is drawn like one that does not exist, or has no logarithm.
_LARGEST = 1e150
_SMALLEST = 1e-150

Number = float | None


def drawable(value: Number, *, positive: bool = False) -> TypeGuard[float]:
    """Whether a number exists and is of a size that can be drawn, on a log axis if `positive`."""
    return value is not None and (_SMALLEST if positive else -_LARGEST) < value < _LARGEST


class Series(NamedTuple):
    """Points, and of how many measured ones each is the mean; without counts each is one."""

    x: Sequence[float]
    y: Sequence[Number]
    counts: Sequence[int] = ()


class Reduced(NamedTuple):
    """All points of one pixel column."""

    column: int
    low: float
    mean: float
    high: float


def in_order(series: Series) -> Series:
    """The points by ascending, finite x."""
    ordered = sorted(series.x)
    total = sum(ordered)
    if -_LARGEST < total < _LARGEST and ordered == list(series.x):
        return series
    points = [point for point in zip(*series[: 3 if series.counts else 2], strict=True) if drawable(point[0])]
    points.sort(key=lambda point: point[0])
    return Series(*zip(*points, strict=True)) if points else Series((), ())


def within(series: Series, low: float, high: float) -> Series:
    """Of points in ascending x those from `low` to `high`, with the places where the line enters and leaves."""
    x, y, counts = series
    begin, end = bisect_left(x, low), bisect_right(x, high)
    entry = _between(series, begin, low) if begin == end or x[begin] > low else []
    leave = _between(series, end, high) if begin == end or x[end - 1] < high else []
    return Series(
        [*(at for at, _ in entry), *x[begin:end], *(at for at, _ in leave)],
        [*(value for _, value in entry), *y[begin:end], *(value for _, value in leave)],
        [*(1 for _ in entry), *counts[begin:end], *(1 for _ in leave)] if counts else (),
    )


def _between(series: Series, after: int, at: float) -> list[tuple[float, float]]:
    """The line's place at `at`, which lies before the point `after`; none at the ends of the line and in a gap."""
    if not 0 < after < len(series.x):
        return []
    (x0, x1), (y0, y1) = series.x[after - 1 : after + 1], series.y[after - 1 : after + 1]
    if not drawable(y0) or not drawable(y1):
        return []
    return [(at, y0 + (y1 - y0) * ((at - x0) / (x1 - x0)))]


def last(y: Sequence[Number]) -> Number:
    """The last value that exists."""
    return next((value for value in reversed(y) if drawable(value)), None)


def reduce(series: Series, low: float, high: float, columns: int, *, positive: bool = False) -> list[Reduced | None]:
    """Points in ascending x, as pixel columns from `low` to `high`; None stands between two that a gap parts.

    `positive` leaves out values that a logarithm cannot take.
    """
    x, y, counts = series
    found: list[Reduced | None] = []
    width = (high - low) / max(1, columns - 1)
    begin = 0
    for column in range(columns):
        end = bisect_left(x, low + (column + 0.5) * width, begin) if column < columns - 1 else len(x)
        if end > begin:
            reduced = _column(column, y[begin:end], counts[begin:end], positive)
            if reduced or (found and found[-1]):
                found.append(reduced)
            begin = end
    return found


def _column(column: int, values: Sequence[Number], counts: Sequence[int], positive: bool) -> Reduced | None:
    try:
        return _summary(column, cast(Sequence[float], values), counts, positive)
    except (TypeError, ValueError):
        known = [at for at, value in enumerate(values) if drawable(value, positive=positive)]
        numbers = [cast(float, values[at]) for at in known]
        return _summary(column, numbers, [counts[at] for at in known if counts], positive) if known else None


def _summary(column: int, values: Sequence[float], counts: Sequence[int], positive: bool) -> Reduced:
    """Raises ValueError where a value cannot be drawn, TypeError where one is None."""
    total, low, high = sum(values), min(values), max(values)
    if not (-_LARGEST < total < _LARGEST) or (positive and low <= _SMALLEST):
        raise ValueError("a value that cannot be drawn")
    points = sum(counts)
    mean = sum(map(mul, values, counts)) / points if points > 0 else total / len(values)
    return Reduced(column, low, min(max(mean, low), high), high)
