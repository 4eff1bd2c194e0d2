"""A series in one line of text, for a row of a table or a caption."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The values as blocks, lowest to highest, averaged where there are more than `width`. A missing one is blank."""
    count = min(len(values), max(0, width))
    parts = [values[index * len(values) // count : (index + 1) * len(values) // count] for index in range(count)]
    means = [_mean(part) for part in parts]
    known = [mean for mean in means if mean is not None]
    if not known:
        return " " * count
    low, room = min(known), max(known) - min(known)
    return "".join(" " if mean is None else _block(mean - low, room) for mean in means)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(value / len(known) for value in known) if known else None


def _block(height: float, room: float) -> str:
    if not 0 < room < math.inf:
        return _BLOCKS[len(_BLOCKS) // 2 - 1]
    return _BLOCKS[min(len(_BLOCKS) - 1, int(height / room * len(_BLOCKS)))]
