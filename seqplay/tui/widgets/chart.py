"""A chart in a box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seqplay.draw.curves import draw_curves
from seqplay.draw.lines import Line
from seqplay.figures import Curves
from seqplay.tui.widgets.box import Box


class ChartBox(Box):
    """Curves, drawn for whatever room there is."""

    def __init__(self, title: str = "", *, id: str | None = None, focusable: bool = False) -> None:  # noqa: A002
        super().__init__(title, id=id, focusable=focusable)
        self.figure: Curves | None = None

    def put(self, figure: Curves, *, title: str | None = None, caption: str | None = None) -> None:
        """Show these curves; what they say beside the plot stands on the frame."""
        self.figure = replace(figure, title="", caption="", y_label="")
        self.show(title=title, caption=caption)

    def content(self, width: int, height: int) -> Sequence[Line]:
        return draw_curves(self.figure, width, height) if self.figure else []
