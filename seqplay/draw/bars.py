"""Measured lines: a heavy one on a light one, its number at the right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seqplay.draw.lines import Line, Span, framed, merged
from seqplay.draw.numbers import common_decimals, number
from seqplay.figures import Bars
from seqplay.safe_text import cell_width, fit, pad, safe_line

_SHORT_UNIT = 3  # "%", "s", "MB" ride on every number; longer ones are said once, beside the title
_MOST_LABEL = 0.4
_LEAST_LINE = 4


def draw_bars(figure: Bars, width: int) -> list[Line]:
    """One line for each label; the largest value fills the room, a negative one none of it.

    Where there is no room for a measured line its label and number are left, and at last the number alone.
    """
    width = max(1, width)
    unit = safe_line(figure.unit)
    rides = cell_width(unit) <= _SHORT_UNIT
    texts = _numbers(figure.values, f" {unit}" if rides and unit else "")
    labels = [safe_line(label) for label in figure.labels]
    number_room = max(map(cell_width, texts), default=0)
    widest = max(map(cell_width, labels), default=0)
    label_room = min(widest, max(1, int(width * _MOST_LABEL)))
    room = width - label_room - number_room - 3
    if room < _LEAST_LINE:
        room = 0
        label_room = max(0, min(widest, width - number_room - 1))
    largest = max((value for value in figure.values if value is not None and math.isfinite(value)), default=0.0)
    lines: list[Line] = []
    for label, value, text in zip(labels, figure.values, texts, strict=True):
        part = value / largest if value is not None and 0 < value < math.inf else 0.0
        middle = [Span(" "), *measure(part, room), Span("  ")] if room else [Span(" ")] if label_room else []
        lines.append(merged([Span(pad(label, label_room)), *middle, Span(fit(pad(text, number_room, "right"), width))]))
    return framed(lines, figure.title, figure.caption, width, "" if rides else unit)


def _numbers(values: Sequence[float | None], unit: str) -> list[str]:
    known = [value for value in values if value is not None and math.isfinite(value)]
    decimals = common_decimals(known)
    return ["—" if value is None or not math.isfinite(value) else number(value, decimals) + unit for value in values]


def measure(part: float, cells: int, role: str = "primary") -> list[Span]:
    """`part` (0 to 1) of a line of `cells` cells as a heavy line, the rest as a light one: ━━━╸────."""
    cells = max(0, cells)
    part = max(0.0, min(part, 1.0)) if not math.isnan(part) else 0.0
    halves = round(part * 2 * cells)
    if part > 0 and not halves and cells:
        halves = 1
    heavy = "━" * (halves // 2) + "╸" * (halves % 2)
    return [piece for piece in (Span(heavy, role), Span("─" * (cells - len(heavy)), "hairline")) if piece.text]
