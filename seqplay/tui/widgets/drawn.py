"""A widget that is drawn as lines of spans: the one place where spans become what Textual shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.geometry import Region
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
        """Draw anew, and show the lines that are others now: the terminal is sent no more than that."""
        self._revision += 1
        width, height = self.size
        if not (width and height and self._drawn_for):
            self.refresh()
            return
        before = self._drawn
        self._draw_for(self._key())
        blank = Strip.blank(width, self.rich_style)
        changed = [
            Region(0, y, width, 1)
            for y, (old, new) in enumerate(zip_longest(before, self._drawn, fillvalue=blank))
            if old != new
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        key = self._key()
        if key != self._drawn_for:
            self._draw_for(key)
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(self.size.width, self.rich_style)

    def _key(self) -> object:
        """What the drawing depends on: it is made anew when this has changed."""
        return self.size, self.has_focus, self._revision, self.app.theme, self.app.size

    def _draw_for(self, key: object) -> None:
        width, height = self.size
        self._drawn = self._strips(self.draw(width, height) if width and height else [], width)
        self._drawn_for = key

    def _strips(self, lines: Sequence[Line], width: int) -> list[Strip]:
        base, styles = self.rich_style, styles_of(palette_of(self.app.current_theme))
        return [
            Strip([Segment(text, base + styles[role]) for text, role in line if text]).adjust_cell_length(width, base)
            for line in lines
        ]
