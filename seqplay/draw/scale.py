"""An axis: the range it spans, and ticks at the 1, 2, 5 of its size, or at halves and quarters of minutes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from seqplay.draw.numbers import clock, decimals_for, grouped, scientific

_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


class Tick(NamedTuple):
    value: float
    label: str


class Scale(NamedTuple):
    """A range of values, low < high; both are positive where `log` is set."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where `value` lies: 0 at `low`, 1 at `high`, outside of both beyond."""
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


def widened(low: float, high: float) -> tuple[float, float]:
    """A range that can be divided, around one that is a point."""
    middle = abs(low) / 2 + abs(high) / 2
    if high - low > max(middle * 1e-9, 1e-290):
        return low, high
    room = middle * 0.05 or 0.5
    return low - room, high + room


def step_for(span: float, count: float) -> float:
    """The 1, 2 or 5 times a power of ten that divides `span` into about `count` parts."""
    raw = span / max(1.0, count)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((factor * power for factor in (1, 2, 5) if raw <= factor * power * 1.25), 10 * power)


def ticks(scale: Scale, count: float, decimals: int = 0) -> list[Tick]:
    """About `count` ticks of a scale. Numbers below ten have `decimals` at least, so that zooming moves no column."""
    if scale.log:
        found = _log_ticks(scale, count)
        if len(found) > 1:
            return found
    step = step_for(scale.high - scale.low, count)
    found = _multiples(scale, step, _label_of(step, max(abs(scale.low), abs(scale.high)), decimals))
    return [tick for tick in found if tick.value > 0 or not scale.log]


def clock_ticks(scale: Scale, count: float) -> list[Tick]:
    """Ticks of a scale in seconds, as 0:30, 1:00."""
    raw = (scale.high - scale.low) / max(1.0, count)
    step = next((step for step in _CLOCK_STEPS if raw <= step), 86400 * math.ceil(raw / 86400))
    return _multiples(scale, step, clock)


def _multiples(scale: Scale, step: float, label: Callable[[float], str]) -> list[Tick]:
    tolerance = 1e-9
    first, last = math.ceil(scale.low / step - tolerance), math.floor(scale.high / step + tolerance)
    if last - first > 1000:  # a step lost in rounding
        return []
    return [Tick(number * step, label(number * step)) for number in range(first, last + 1)]


def _label_of(step: float, largest: float, least: int) -> Callable[[float], str]:
    if largest >= 1e9 or step < 1e-4:
        digits = max(1, min(15, math.floor(math.log10(largest / step) + 1e-9) + 1))
        return lambda value: scientific(value, digits) if abs(value) > step / 2 else "0"
    decimals = max(decimals_for(step), least if largest < 10 else 0)
    return lambda value: grouped(value, decimals)


def _log_ticks(scale: Scale, count: float) -> list[Tick]:
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    inside: list[float] = []
    for factors, every in (((1, 2, 5), 1), ((1, 3), 1), *(((1,), every) for every in range(1, last - first + 1))):
        powers = [10.0**power for power in range(first, last + 1) if power % every == 0]
        values = [factor * power for power in powers for factor in factors]
        inside = [value for value in values if scale.low * 0.999 <= value <= scale.high * 1.001]
        if len(inside) <= max(3.0, count * 1.5):
            break
    return [Tick(value, _log_label(value)) for value in inside]


def _log_label(value: float) -> str:
    if not 9e-4 < value < 1e6:
        return scientific(value, 1)
    return grouped(value, max(0, -math.floor(math.log10(value) + 1e-9)))
