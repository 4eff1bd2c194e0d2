"""The range of values that a chart shows: all that matters, but not a loss' first plunge: it would take all rows.

Where nothing comes after the plunge that more rows would show, the plunge is the story, and is seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.reduce import Reduced, drawable
from seqplay.draw.scale import Scale, step_for, widened

_PLUNGE = 0.06  # the part of a curve's columns that does not decide the range
_FLAT = 0.08  # half of all columns in so small a part of the range: the rest of the curve has no story of its own


def x_range(ordered: Sequence[Sequence[float]], x_end: float | None, x_start: float | None = None) -> Scale:
    """From `x_start`, or from 0 where that is near, to the end of the budget or of the longest curve."""
    starts, ends = [x[0] for x in ordered if x], [x[-1] for x in ordered if x]
    if drawable(x_start):
        return Scale(*widened(x_start, max(x_start, x_end if drawable(x_end) else max(ends, default=x_start))))
    if drawable(x_end):
        ends.append(x_end)
    high = max(ends, default=1.0)
    low = min(starts, default=0.0)
    if 0 <= low <= high / 4 or low > high:
        low = min(0.0, high)
    return Scale(*widened(low, high))


def y_range(
    rough: Sequence[Sequence[Reduced | None]], floors: Sequence[float], log: bool, rows: int, *, whole: bool = False
) -> Scale:
    """The range of all that matters: every floor near, every head, and the curves, `whole` or after their plunge."""
    curves = [[point for point in series if point] for series in rough]
    means = [point.mean for points in curves for point in points]
    if not means:
        return _rounded(min(floors), max(floors), log, rows)
    low, high = min(means), max(means)
    if not log and not whole:
        settled = sorted(point.mean for points in curves for point in points[int(len(points) * _PLUNGE) :])
        usual = max(settled[int((len(settled) - 1) * 0.97)], low)
        heads = [points[-1].mean for points in curves if points]
        # A head stays in sight unless it ran away so far that seeing it would flatten the rest.
        usual = max([usual, *(head for head in heads if head - low <= 4 * (usual - low))])
        flat = settled[len(settled) // 2] - low < _FLAT * (usual - low)
        if high - low > 1.5 * (usual - low) > 0 and not flat:
            high = usual
    span = high - low
    reachable = [floor for floor in floors if floor < low or floor <= high + span]
    return _rounded(min([low, *reachable]), max([high, *reachable]), log, rows)


def _rounded(low: float, high: float, log: bool, rows: int) -> Scale:
    """A little room, and edges that move in steps: a growing curve must not make the picture tremble."""
    if log:
        if high <= low * 1.01:
            return Scale(low / 1.5, high * 1.5, log=True)
        room = (high / low) ** 0.04
        return Scale(low / room, high * room, log=True)
    bottom, (low, high) = low, widened(low, high)
    span = high - low
    quarter = step_for(span, max(1.0, rows / 4.5)) / 4
    low, high = (low - span * 0.03) // quarter * quarter, -(-(high + span * 0.01) // quarter) * quarter
    return Scale(*widened(max(low, 0.0) if bottom >= 0 else low, high))
