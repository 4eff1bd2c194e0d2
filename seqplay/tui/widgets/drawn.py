"""A widget that is drawn as lines of spans: the one place where spans become what Textual shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from seqplay.draw.lines import Line
from seqplay.tui.theme import palette_of, styles_of

if TYPE_CHECKING:
    from seqplay.tui.app import Playground


class Drawn(Widget):
    """Lines of spans in a rectangle. A subclass says in `draw` what they are, and calls `redraw` when that changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._drawn: list[Strip] = []
        self._drawn_for: object = None
        self._revision = 0

    @property
    def playground(self) -> Playground:
        return cast("Playground", self.app)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The lines of this widget at this size."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw anew at the next chance."""
        self._revision += 1
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        wanted = (width, height, self.has_focus, self._revision, self.app.theme, self.app.size)
        if wanted != self._drawn_for:
            self._drawn = self._strips(self.draw(width, height) if width and height else [], width)
            self._drawn_for = wanted
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(width, self.rich_style)

    def _strips(self, lines: Sequence[Line], width: int) -> list[Strip]:
        base, styles = self.rich_style, styles_of(palette_of(self.app.current_theme))
        return [
            Strip([Segment(text, base + styles[role]) for text, role in line if text]).adjust_cell_length(width, base)
            for line in lines
        ]
