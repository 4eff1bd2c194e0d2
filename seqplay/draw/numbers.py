"""Numbers as people read them: grouped by thousands, as many decimals as tell something, and never 3.6e-03."""

from __future__ import annotations

import math
from collections.abc import Sequence


def grouped(value: float, decimals: int = 0) -> str:
    """1115394 as 1,115,394 and 1.5 with two decimals as 1.50."""
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if text.strip("-0.,") == "" else text


def scientific(value: float, digits: int = 3) -> str:
    """0.0036 as 3.6e-3."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"


def reading(value: float, decimals: int = 2) -> str:
    """A measured value on its own: with `decimals`, without them from 1,000, scientific where decimals show nothing."""
    size = abs(value)
    if size and (size >= 1e9 or size < 10.0**-decimals):
        return scientific(value)
    return grouped(value, decimals if size < 1000 else 0)


def clock(seconds: float) -> str:
    """90 as 1:30 and 3661 as 1:01:01."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def pace(speed: float) -> str:
    """So many a second: 812 as it is, and 25400 as 25.4k."""
    return f"{speed / 1000:.1f}k" if speed >= 1000 else f"{speed:.0f}"


def percent(share: float) -> str:
    """How much of something is done: 0.998 as 99 %, for it is 100 % only when nothing is left."""
    return f"{100 if share >= 1 else min(99, math.floor(100 * share + 1e-9))} %"


def plural(unit: str) -> str:
    """What several tokens are called: characters, words, and jamo, which is its own plural."""
    return unit if unit == "jamo" else f"{unit}s"


def short(unit: str) -> str:
    """A token's name where there is little room: char/s, word/s."""
    return "char" if unit == "character" else unit


def decimals_for(step: float) -> int:
    """The decimals that tell multiples of `step` apart."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def number(value: float, decimals: int) -> str:
    """A value in a column of numbers: grouped with `decimals`, scientific where those cannot show it."""
    size = abs(value)
    if size >= 1e12 or (decimals and 0 < size < 0.5 * 10.0**-decimals):
        return scientific(value)
    return grouped(value, decimals)


def common_decimals(values: Sequence[float]) -> int:
    """Decimals for a column of numbers: three, up to six where its smallest needs them, and none that are all zeros."""
    sizes = [abs(value) for value in values if 0 < abs(value) < 1e12]
    if not sizes:
        return 0
    wanted = max(3, min(6, 1 - math.floor(math.log10(min(sizes)))))
    return max(len(f"{size:.{wanted}f}".rstrip("0").partition(".")[2]) for size in sizes)
