"""A sheet to draw on, by mouse or by keys, with a soft round pen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from seqplay.draw.grid import Grid, fit_pictures
from seqplay.draw.lines import Line, Span
from seqplay.draw.picture import draw_picture
from seqplay.figures import Picture
from seqplay.tui.keys import bind
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.pictures_box import is_mono, marked

PEN, RUBBER = 1.4, 2.4  # radius in pixels of a sheet whose shorter side has 28
SIDE = 28


class Sheet:
    """Pixels that hold ink, `height` x `width` bytes, row by row."""

    def __init__(self, height: int = SIDE, width: int = SIDE) -> None:
        self.height, self.width = height, width
        self.ink = bytearray(height * width)
        self.unit = min(height, width) / SIDE

    def line(self, begin: tuple[float, float], end: tuple[float, float], *, rub: bool = False) -> None:
        """Draw, or rub, from one point (x, y) to another, both in pixels."""
        steps = max(1, math.ceil(math.dist(begin, end) / self.unit * 2))
        for step in range(steps + 1):
            share = step / steps
            self._dot(begin[0] + (end[0] - begin[0]) * share, begin[1] + (end[1] - begin[1]) * share, rub)

    def _dot(self, x: float, y: float, rub: bool) -> None:
        radius = (RUBBER if rub else PEN) * self.unit
        reach = math.ceil(radius + 1)
        for row in range(max(0, int(y) - reach), min(self.height, int(y) + reach + 1)):
            for column in range(max(0, int(x) - reach), min(self.width, int(x) + reach + 1)):
                covered = min(1.0, radius + 0.5 - math.hypot(column + 0.5 - x, row + 0.5 - y))
                if covered > 0:
                    at, ink = row * self.width + column, round(255 * covered)
                    self.ink[at] = min(self.ink[at], 255 - ink) if rub else max(self.ink[at], ink)

    def clear(self) -> None:
        self.ink = bytearray(len(self.ink))

    @property
    def is_empty(self) -> bool:
        return not any(self.ink)


class DrawingBox(Box):
    """The sheet, as large as there is room for, and the pen on it."""

    BINDINGS = [
        bind("left", "pen(-1, 0)", "pen left"),
        bind("right", "pen(1, 0)", "pen right"),
        bind("up", "pen(0, -1)", "pen up"),
        bind("down", "pen(0, 1)", "pen down"),
        bind("space", "put_down", "pen down, pen up"),
        bind("backspace", "rub", "rub out"),
        bind("c delete", "clear", "clear"),
    ]

    @dataclass
    class Drew(Message):
        """There is something else on the sheet."""

        pixels: bytes

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("draw a digit", id=id, focusable=True)
        self.sheet = Sheet()
        self.pen = (SIDE / 2, SIDE / 4)
        """Where the pen is, in pixels."""
        self.is_down = False
        self._mouse: tuple[float, float] | None = None
        self._draws_from: tuple[int, int, Grid] | None = None

    def resize(self, height: int, width: int) -> None:
        """A sheet of another size, where it is another."""
        if (height, width) != (self.sheet.height, self.sheet.width):
            self.sheet, self.pen = Sheet(height, width), (width / 2, height / 4)
            self.redraw()

    def content(self, width: int, height: int) -> Sequence[Line]:
        sheet = self.sheet
        kind = "auto" if self.playground.remembered.art == "ascii" else self.playground.remembered.art
        grid = fit_pictures(width, height, sheet.height, sheet.width, count=1, kind=kind)
        if grid is None:
            return [(Span("no room to draw", "muted"),)]
        figure = Picture.of(bytes(sheet.ink), sheet.height, sheet.width)
        mono = is_mono(self.app)
        lines = draw_picture(figure, width, height, kind=grid.kind, mono=mono, cells=(grid.across, grid.down))
        lines = marked(lines, grid, 0) if mono else list(lines)
        if self.has_focus:
            lines = self._with_pen(lines, grid)
        left, top = (width - grid.across) // 2, (height - grid.down) // 2
        self._draws_from = left, top, grid
        blank: list[Line] = [()] * top
        return [*blank, *((Span(" " * left), *line) for line in lines)]

    def _with_pen(self, lines: list[Line], grid: Grid) -> list[Line]:
        x = int(self.pen[0] / self.sheet.width * grid.across)
        y = int(self.pen[1] / self.sheet.height * grid.down)
        if 0 <= y < len(lines):
            cells = [Span(character, role) for text, role in lines[y] for character in text]
            if 0 <= x < len(cells):
                cells[x] = Span("●" if self.is_down else "○", "accent")
            lines[y] = tuple(cells)
        return lines

    # -- keys

    def action_pen(self, right: int, down: int) -> None:
        before = self.pen
        step = self.sheet.unit
        self.pen = (
            max(0.0, min(self.sheet.width - 0.01, before[0] + right * step)),
            max(0.0, min(self.sheet.height - 0.01, before[1] + down * step)),
        )
        if self.is_down:
            self._draw(before, self.pen)
        self.redraw()

    def action_put_down(self) -> None:
        self.is_down = not self.is_down
        if self.is_down:
            self._draw(self.pen, self.pen)
        self.redraw()

    def action_rub(self) -> None:
        self._draw(self.pen, self.pen, rub=True)

    def action_clear(self) -> None:
        self.sheet.clear()
        self.is_down = False
        self._tell()

    def _draw(self, begin: tuple[float, float], end: tuple[float, float], *, rub: bool = False) -> None:
        self.sheet.line(begin, end, rub=rub)
        self._tell()

    def _tell(self) -> None:
        self.redraw()
        self.post_message(self.Drew(bytes(self.sheet.ink)))

    # -- the mouse

    def _at(self, event: events.MouseEvent) -> tuple[float, float] | None:
        """The middle of the cell under the mouse, in pixels of the sheet."""
        if self._draws_from is None:
            return None
        left, top, grid = self._draws_from
        x = event.x - left - (0 if self.is_compact else 2) + 0.5
        y = event.y - 1 - top + 0.5
        if not (0 <= x <= grid.across and 0 <= y <= grid.down):
            return None
        return x / grid.across * self.sheet.width, y / grid.down * self.sheet.height

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.focus()
        at = self._at(event)
        if at is not None:
            self.capture_mouse()
            self._mouse = self.pen = at
            self._draw(at, at, rub=event.button != 1)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        at = self._at(event)
        if self._mouse is not None and at is not None:
            before, self._mouse = self._mouse, at
            self.pen = at
            self._draw(before, at, rub=event.button not in (0, 1))

    def on_mouse_up(self) -> None:
        self.release_mouse()
        self._mouse = None
