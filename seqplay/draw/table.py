"""A table: columns that line up, numbers on their decimal points, and what does not fit left out from the right."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seqplay.draw.lines import Line, Span, framed, merged
from seqplay.draw.numbers import common_decimals, grouped, number
from seqplay.figures import Table
from seqplay.safe_text import cell_width, pad, safe_line

_GAP = 2
# A column of texts is cut to this many cells, the first one to more, before the last column is dropped.
_LEAST_TEXT = 12
_LEAST_FIRST = 20

Value = str | int | float | None


def draw_table(figure: Table, width: int) -> list[Line]:
    """A muted header and a line for each row. None and NaN are drawn —."""
    width = max(1, width)
    cells = [_column([row[index] for row in figure.rows]) for index in range(len(figure.columns))]
    names = [safe_line(column.name) for column in figure.columns]
    numeric = [any(isinstance(row[index], int | float) for row in figure.rows) for index in range(len(names))]
    widths = [max(map(cell_width, [name, *column])) for name, column in zip(names, cells, strict=True)]
    widths = _fitted(widths, numeric, width)
    right = [is_number or column.align == "right" for is_number, column in zip(numeric, figure.columns, strict=True)]
    lines = [_line(names, widths, right, ["muted"] * len(names))] if any(names) else []
    for index in range(len(figure.rows)):
        texts = [column[index] for column in cells]
        lines.append(_line(texts, widths, right, ["muted" if text == "—" else "" for text in texts]))
    return framed(lines, figure.title, figure.caption, width)


def _line(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool], roles: Sequence[str]) -> Line:
    pieces: list[Span] = []
    for index, width in enumerate(widths):
        text = pad(texts[index], width, "right" if right[index] else "left")
        last = index == len(widths) - 1
        pieces += [Span(text.rstrip(" ") if last else text, roles[index]), Span("" if last else " " * _GAP)]
    return merged(pieces)


def _column(values: Sequence[Value]) -> list[str]:
    """A column's texts; numbers carry the blanks after them that put their decimal points in one place."""
    floats = [value for value in values if isinstance(value, float) and math.isfinite(value)]
    decimals = common_decimals(floats)
    texts = [_text(value, decimals) for value in values]
    is_number = [isinstance(value, int | float) and text != "—" for value, text in zip(values, texts, strict=True)]
    tails = [_tail(text) if numeric else 0 for text, numeric in zip(texts, is_number, strict=True)]
    longest = max(tails, default=0)
    return [
        text + " " * (longest - tail) if numeric else text
        for text, tail, numeric in zip(texts, tails, is_number, strict=True)
    ]


def _text(value: Value, decimals: int) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "—"
    if isinstance(value, str):
        return safe_line(value)
    return number(value, decimals) if isinstance(value, float) else grouped(value)


def _tail(text: str) -> int:
    """The cells from the decimal point on."""
    point = text.find(".")
    return len(text) - point if point >= 0 else 0


def _fitted(widths: Sequence[int], numeric: Sequence[bool], width: int) -> list[int]:
    """The widths of the columns that are drawn: texts cut first, then columns dropped, the first one always kept."""
    least = [
        own if numeric[index] else min(own, _LEAST_TEXT if index else _LEAST_FIRST) for index, own in enumerate(widths)
    ]
    count = len(widths)
    while count > 1 and sum(least[:count]) + _GAP * (count - 1) > width:
        count -= 1
    fitted = list(widths[:count])
    over = sum(fitted) + _GAP * (count - 1) - width
    while over > 0 and count:
        shrinkable = [index for index in range(count) if fitted[index] > least[index]] or [0]
        widest = max(shrinkable, key=lambda index: fitted[index])
        fitted[widest] -= 1
        over -= 1
    return fitted
