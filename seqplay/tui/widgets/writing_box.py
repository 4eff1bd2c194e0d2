"""The box in which a text is seen as it is written: shaded by surprise, or with its copied runs, and read in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from seqplay.draw.box import boxed
from seqplay.draw.lines import Line, Span, merged
from seqplay.draw.shaded import shade
from seqplay.tui.keys import bind
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.running import WIDEST_TEXT, wrap_lines
from seqplay.tui.widgets.text_lines import Place, Row, TextLines
from seqplay.tui.writing import Writing

VIEWS = ("surprise", "copies", "plain")
LEAST_DEEPEST = 5.4  # bits: from four fifths of it on, which is p < 5 %, a piece has the deepest shade


class WritingBox(Box, inherit_bindings=False):
    """One writing. Its end is kept in sight while it grows, unless somebody has scrolled away from it."""

    BINDINGS = [
        bind("pageup", "scroll_pages(-1)", "page up"),
        bind("pagedown", "scroll_pages(1)", "page down"),
    ]

    @dataclass
    class Read(Message):
        """A piece was clicked."""

        box: WritingBox
        piece: int

    def __init__(self, *, id: str, focusable: bool = False) -> None:  # noqa: A002
        super().__init__(id=id, focusable=focusable)
        self.writing = Writing()
        self.heading: Line = ()
        self.card: Sequence[Line] = ()
        """Said where there is no text yet."""
        self.view = VIEWS[0]
        self.reading: int | None = None
        """The piece that the reading cursor is on; None: it stands at the end."""
        self.has_cursor = focusable
        self.deepest = LEAST_DEEPEST
        self._seen: Place = (0, 0)  # the first row in sight
        self._at_end = True
        self._lines = TextLines(self.writing, 1)

    def put(self, writing: Writing) -> None:
        """Show a writing."""
        if writing is not self.writing:
            self.writing = writing
            self._seen, self._at_end = (0, 0), True
        self.redraw()

    def read_at(self, reading: int | None) -> None:
        """Put the reading cursor somewhere, in sight."""
        self.reading = reading
        if reading is None:
            self._at_end = True
        else:
            lines, (_, rows) = self._laid_out(), self.inner(*self.size)
            place = lines.place_of(reading)
            self._at_end = False
            self._seen = min(self._first(lines, rows), lines.end())
            if place < self._seen:
                self._seen = place
            elif place >= lines.moved(self._seen, rows):
                self._seen = lines.moved(place, 1 - rows)
        self.redraw()

    def a_line_on(self, by: int) -> int | None:
        """The piece below or above the reading cursor; None for the end."""
        lines = self._laid_out()
        piece = len(self.writing) if self.reading is None else self.reading
        place = lines.place_of(piece)
        there = lines.moved(place, by)
        if there == place:
            return None if by > 0 else 0
        found = lines.piece_at(there, lines.column_of(place, piece))
        return None if found >= len(self.writing) else found

    def page(self) -> int:
        return max(1, self.inner(*self.size)[1] - 1)

    def _laid_out(self, width: int | None = None) -> TextLines:
        width = min(self.inner(*self.size)[0] if width is None else width, WIDEST_TEXT)
        if self._lines.writing is not self.writing or self._lines.width != width:
            at = self._lines.row(self._seen) if self._lines.writing is self.writing else []
            self._lines = TextLines(self.writing, width)
            self._seen = self._lines.place_of(at[0].piece) if at else (0, 0)
        return self._lines

    def _first(self, lines: TextLines, rows: int) -> Place:
        """The first row in sight: near the end never so late that rows stay empty."""
        last = lines.moved(lines.end(), 1 - rows)
        return last if self._at_end else min(self._seen, last)

    def draw(self, width: int, height: int) -> Sequence[Line]:
        columns, rows = self.inner(width, height)
        return boxed(
            self._content(columns, rows),
            width,
            height,
            self.heading,
            self.caption,
            compact=self.is_compact,
            focused=self.has_focus,
        )

    def _content(self, columns: int, rows: int) -> Sequence[Line]:
        if self.card and not self.writing.pieces:
            return wrap_lines(self.card, columns)[:rows]
        lines = self._laid_out(columns)
        place = self._seen = self._first(lines, rows)
        end, found = lines.end(), list[Line]()
        cursor = lines.place_of(self.reading) if self.has_cursor and self.reading is not None else end
        while len(found) < rows:
            at_cursor = self.has_cursor and place == cursor
            found.append(self._line(lines.row(place), columns, at_cursor))
            if place == end:
                break
            place = lines.moved(place, 1)
        return found

    def _line(self, row: Row, columns: int, at_cursor: bool) -> Line:
        reading = self.reading if at_cursor else None
        spans = [Span(text, "reading" if piece == reading else self._role(piece)) for piece, text, _ in row]
        if at_cursor and (reading is None or not any(item.piece == reading and item.text for item in row)):
            # At the end of the text, or on a blank at which the line is broken.
            cells = sum(item.cells for item in row)
            if cells < columns:
                spans.append(Span(" ", "reading"))
        return merged(spans)

    def _role(self, piece: int) -> str:
        writing = self.writing
        quiet = "muted" if piece < writing.prompt else ""
        if self.view == "surprise":
            role = shade(writing.pieces[piece].bits, 0.0, self.deepest)
            return role if role not in ("", "shade-0") else quiet
        if self.view == "copies" and piece < len(writing.copied) and writing.copied[piece]:
            return "copied"
        return quiet

    def action_scroll_lines(self, lines: int) -> None:
        laid_out, (_, rows) = self._laid_out(), self.inner(*self.size)
        self._seen = laid_out.moved(self._first(laid_out, rows), lines)
        self._at_end = self._seen >= laid_out.moved(laid_out.end(), 1 - rows)
        self.redraw()

    def action_scroll_pages(self, pages: int) -> None:
        self.action_scroll_lines(pages * self.page())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        lines = self._laid_out()
        row, left = int(event.y) - 1, 0 if self.is_compact else 2
        place = lines.moved(self._seen, row)
        if row >= 0 and self.writing.pieces:
            self.post_message(self.Read(self, lines.piece_at(place, int(event.x) - left)))
