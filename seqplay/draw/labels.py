"""Names that ride on the heads of curves or stand in the gutter, and never cover a curve or each other.

Colour is not needed to read them: a name touches the end of its own curve, or stands in the gutter in the order of the
values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seqplay.draw.canvas import Dots
from seqplay.draw.page import Layout, Page
from seqplay.draw.placement import place
from seqplay.safe_text import cell_width, fit

_NEAR = 2  # columns between the ends of two curves whose names may stand above each other beside them


class Label(NamedTuple):
    """What stands at the end of a curve or yardstick.

    `column` and `row` are the cell of the plot where that ends, `value` is what the text says, `above` is whether the
    end is out of sight, and `curve` is the number of the curve.
    """

    column: int
    row: int
    value: float
    text: str
    role: str
    above: bool = False
    curve: int = -1


def draw_labels(
    page: Page, curves: Sequence[Dots], taken: Dots, heads: Sequence[Label], floors: Sequence[Label]
) -> None:
    """Each label beside its head where that is free; the others in the gutter, in the order of their values.

    `taken` are the cells of what else may not be covered.
    """
    canvas, layout = page.canvas, page.layout
    beside: list[tuple[int, Label]] = []
    waiting: list[Label] = []
    ends = {head.curve: head.column for head in heads}
    for head in heads:
        row = _free_row(head, layout, curves, taken, beside, ends)
        if row is None:
            waiting.append(head)
        else:
            beside.append((row, head))
            canvas.put(layout.left + head.column + 1, row, f"{_before(head, page)}{head.text} ", head.role)
    if not layout.gutter:
        return
    rows = layout.rows + layout.has_base  # beside the base line is room for one more
    kept = sorted([*waiting, *floors][:rows], key=lambda label: -label.value)
    # A yardstick's name stays on its line and a curve's makes way: colour and order tell where that belongs.
    weights = [8 if label in floors else 1 for label in kept]
    for row, label in zip(place([label.row for label in kept], weights, rows), kept, strict=True):
        text = fit(label.text, layout.gutter - 1)
        start = layout.columns + 1
        named = any(taken_row == row and _extent(other)[1] > label.column for taken_row, other in beside)
        is_free = not _covered([*curves, taken], label.column + 1, layout.columns, row)
        if row == label.row and not named and is_free and _is_clear(label, row, curves, ends):
            start = min(start, label.column + 2)  # so that the label follows its head into the gutter without a jump
        canvas.put(layout.left + start - 1, row, f"{_before(label, page)}{text}", label.role)


def _before(label: Label, page: Page) -> str:
    return page.glyphs.above if label.above else " "


def _free_row(
    head: Label,
    layout: Layout,
    curves: Sequence[Dots],
    taken: Dots,
    beside: Sequence[tuple[int, Label]],
    ends: dict[int, int],
) -> int | None:
    begin, end = _extent(head)
    if end > layout.columns:
        return None
    for row in (head.row, head.row + 1, head.row - 1):
        if not 0 <= row < layout.rows or _covered([*curves, taken], begin, end, row):
            continue
        if not _is_clear(head, row, curves, ends):
            continue
        near = [
            (taken_row, other) for taken_row, other in beside if begin < _extent(other)[1] and _extent(other)[0] < end
        ]
        if all(taken_row < row if other.value > head.value else taken_row > row for taken_row, other in near):
            return row
    return None


def _is_clear(head: Label, row: int, curves: Sequence[Dots], ends: dict[int, int]) -> bool:
    """Whether nobody takes a label in this row for that of a curve that goes by here.

    Curves that end here too are told apart by the order of their labels.
    """
    passing = [
        number
        for number in range(len(curves))
        if number != head.curve and abs(ends.get(number, -1 - _NEAR) - head.column) > _NEAR
    ]
    if row == head.row:  # the label touches the head, unless that cell belongs to a more important curve
        return not _covered(
            [curves[number] for number in passing if number < head.curve], head.column, head.column + 1, row
        )
    return not any(
        _covered([curves[number] for number in passing], head.column, head.column + 3, near)
        for near in (row - 1, row, row + 1)
    )


def _covered(curves: Sequence[Dots], begin: int, end: int, row: int) -> bool:
    return any(dots.any_within(begin, end, row) for dots in curves)


def _extent(head: Label) -> tuple[int, int]:
    """The columns that a label beside its head takes, with a blank on both sides."""
    return head.column + 1, head.column + 3 + cell_width(head.text)
