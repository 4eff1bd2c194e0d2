"""A series in one line of blocks, for a row of a table, a caption or a box."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seqplay.draw.lines import Line, Span, merged

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS = "_.-=+*#@"
_LEVELS = 5


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The values as blocks, lowest to highest, averaged where there are more than `width`. A missing one is blank."""
    means = _means(values, width)
    known = [mean for mean in means if mean is not None]
    if not known:
        return " " * len(means)
    low, room = min(known), max(known) - min(known)
    return "".join(" " if mean is None else _block(mean - low, room) for mean in means)


def draw_sparkline(
    values: Sequence[float | None], width: int, low: float, high: float, *, ascii_only: bool = False
) -> Line:
    """The values from `low` to `high` as blocks, each with the role of its level: "level-0" to "level-4"."""
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    return merged([_levelled(mean, low, high, blocks) for mean in _means(values, width)])


def _levelled(value: float | None, low: float, high: float, blocks: str) -> Span:
    if value is None or not low < high or math.isinf(high - low):
        return Span(" ")
    part = max(0.0, min((value - low) / (high - low), 1.0))
    level, block = (min(count - 1, int(part * count)) for count in (_LEVELS, len(blocks)))
    return Span(blocks[block], f"level-{level}")


def _means(values: Sequence[float | None], width: int) -> list[float | None]:
    count = min(len(values), max(0, width))
    parts = [values[index * len(values) // count : (index + 1) * len(values) // count] for index in range(count)]
    return [_mean(part) for part in parts]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(value / len(known) for value in known) if known else None


def _block(height: float, room: float) -> str:
    if not 0 < room < math.inf:
        return _BLOCKS[len(_BLOCKS) // 2 - 1]
    return _BLOCKS[min(len(_BLOCKS) - 1, int(height / room * len(_BLOCKS)))]
