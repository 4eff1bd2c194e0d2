"""Figures as styled lines: pure functions of a figure and a size, used by the command line and the playground alike.

No module here opens a file or imports torch, numpy or Textual. `rich_lines`, not imported here, alone knows rich.
"""

from __future__ import annotations

from seqplay.draw.bars import draw_bars, measure
from seqplay.draw.curves import draw_curves
from seqplay.draw.grid import Grid, fit_pictures
from seqplay.draw.lines import Line, Span, in_ascii, plain, span
from seqplay.draw.picture import draw_picture
from seqplay.draw.shaded import draw_shaded
from seqplay.draw.sparkline import sparkline
from seqplay.draw.table import draw_table
from seqplay.draw.text import draw_text, wrap
from seqplay.figures import Bars, Curves, Figure, Picture, Shaded, Table, Text

__all__ = [
    "Grid",
    "Line",
    "Span",
    "draw",
    "draw_bars",
    "draw_curves",
    "draw_picture",
    "draw_shaded",
    "draw_table",
    "draw_text",
    "fit_pictures",
    "measure",
    "plain",
    "span",
    "sparkline",
    "wrap",
]


def draw(
    figure: Figure, width: int, height: int, *, ascii_only: bool = False, mono: bool = False, kind: str = "auto"
) -> list[Line]:
    """The figure in lines of at most `width` cells.

    Curves fit into `height` lines; every other figure takes the lines that it needs, and a viewer scrolls. `mono` and
    `kind` are for pictures: no shades of grey, and which art. Raises ValueError for pictures that are damaged.
    """
    if isinstance(figure, Curves):
        return draw_curves(figure, width, height, ascii_only=ascii_only)
    if isinstance(figure, Picture):
        return draw_picture(figure, width, kind=kind, mono=mono, ascii_only=ascii_only)
    lines = _drawn(figure, width)
    return in_ascii(lines) if ascii_only else lines


def _drawn(figure: Text | Shaded | Bars | Table, width: int) -> list[Line]:
    match figure:
        case Text():
            return draw_text(figure, width)
        case Shaded():
            return draw_shaded(figure, width)
        case Bars():
            return draw_bars(figure, width)
        case Table():
            return draw_table(figure, width)
