"""The page that a chart is drawn on: which cells are labels and which are plot, and where a value lies in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seqplay.draw.canvas import Canvas
from seqplay.draw.reduce import drawable
from seqplay.draw.scale import Scale, Tick
from seqplay.safe_text import cell_width


class Glyphs(NamedTuple):
    """What a chart is drawn with, beside the curves."""

    grid: str
    floor: str
    axis: str
    axis_tick: str
    corner: str
    base: str
    base_tick: str
    above: str
    beyond: str
    cursor: str
    mark: str
    marked: str
    away: str
    point: str


BOX = Glyphs("┈", "╌", "│", "┤", "└", "─", "┴", "↑", "▸", "│", "┊", "▲", "┄", "◆")
ASCII = Glyphs(".", "- ", "|", "+", "+", "-", "+", "^", ">", "|", ":", "^", ".", "&")


class Layout(NamedTuple):
    """Cells of a chart: the axis' labels, the plot, and the gutter at its right for labels."""

    left: int
    columns: int
    gutter: int
    rows: int
    has_base: bool


class Page(NamedTuple):
    """Where and how a chart is drawn."""

    canvas: Canvas
    layout: Layout
    glyphs: Glyphs
    x_scale: Scale
    y_scale: Scale
    across: int

    def column(self, x: float) -> int | None:
        """The column of the plot that shows `x`; None where it is out of sight."""
        if not drawable(x) or not -1e-9 <= (at := self.x_scale.at(x)) <= 1 + 1e-9:
            return None
        return round(at * (self.layout.columns * self.across - 1)) // self.across

    def pixel(self, value: float) -> float:
        """The height of a value in pixels from the plot's top, outside of it for one out of range."""
        y = (1 - self.y_scale.at(value)) * (self.layout.rows * self.across**2 - 1)
        return max(-1e6, min(y, 1e6))

    def shows(self, value: float) -> bool:
        """Whether a value is in the range of the chart."""
        return drawable(value, positive=self.y_scale.log) and 0 <= self.y_scale.at(value) <= 1

    def row(self, value: float) -> int:
        """The row of the plot that shows a value, or the nearest one."""
        return max(0, min(self.layout.rows - 1, int((self.pixel(value) + 0.5) // self.across**2)))


def lay_out(width: int, rows: int, y_ticks: Sequence[Tick], labels: Sequence[str]) -> Layout:
    """The cells that `labels` leave to the plot; nothing is labelled where that would leave too little."""
    has_base = rows >= 6
    left = max([4, *(len(tick.label) for tick in y_ticks)]) + 2
    if width < 3 * left or rows < 2:
        left = 0
    gutter = max([0, *(cell_width(label) + 1 for label in labels)])
    gutter = min(gutter, width * 2 // 5, 32)
    if gutter < 5:
        gutter = 0
    return Layout(left, max(1, width - left - gutter), gutter, rows - 2 if has_base else rows, has_base)
