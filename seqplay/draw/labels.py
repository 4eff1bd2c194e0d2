"""Names that ride on the heads of curves or stand in the gutter, and never cover a curve or each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seqplay.draw.canvas import Dots
from seqplay.draw.page import Layout, Page
from seqplay.draw.placement import place
from seqplay.safe_text import cell_width, fit


class Label(NamedTuple):
    """What stands at the end of a curve or yardstick.

    `column` and `row` are the cell of the plot where that ends, `value` is what the text says, and `above` is whether
    the end is out of sight.
    """

    column: int
    row: int
    value: float
    text: str
    role: str
    above: bool = False


def draw_labels(page: Page, curves: Sequence[Dots], heads: Sequence[Label], floors: Sequence[Label]) -> None:
    """Each label beside its head where that is free; the others in the gutter, in the order of their values."""
    canvas, layout = page.canvas, page.layout
    beside: list[tuple[int, Label]] = []
    waiting: list[Label] = []
    for head in heads:
        row = _free_row(head, layout, curves, beside)
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
        named = any(taken == row and _extent(other)[1] > label.column for taken, other in beside)
        if row == label.row and not named and not _covered(curves, label.column + 1, layout.columns, row):
            start = min(start, label.column + 2)  # so that the label follows its head into the gutter without a jump
        canvas.put(layout.left + start - 1, row, f"{_before(label, page)}{text}", label.role)


def _before(label: Label, page: Page) -> str:
    return page.glyphs.above if label.above else " "


def _free_row(head: Label, layout: Layout, curves: Sequence[Dots], beside: Sequence[tuple[int, Label]]) -> int | None:
    begin, end = _extent(head)
    if end > layout.columns:
        return None
    for row in (head.row, head.row + 1, head.row - 1, head.row + 2, head.row - 2):
        if not 0 <= row < layout.rows or _covered(curves, begin, end, row):
            continue
        near = [(taken, other) for taken, other in beside if begin < _extent(other)[1] and _extent(other)[0] < end]
        if all(taken < row if other.value > head.value else taken > row for taken, other in near):
            return row
    return None


def _covered(curves: Sequence[Dots], begin: int, end: int, row: int) -> bool:
    return any(dots.any_within(begin, end, row) for dots in curves)


def _extent(head: Label) -> tuple[int, int]:
    """The columns that a label beside its head takes, with a blank on both sides."""
    return head.column + 1, head.column + 3 + cell_width(head.text)
