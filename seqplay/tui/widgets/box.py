"""Boxes: a titled frame around what a subclass draws, and lists that a cursor moves in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from seqplay.draw.box import boxed
from seqplay.draw.lines import Line, Span, cut, line_width
from seqplay.tui.keys import bind
from seqplay.tui.widgets.drawn import Drawn

LEAST_FRAMED = (100, 30)  # columns and rows of the screen; with fewer a box is a titled rule above its content


class Box(Drawn):
    """A titled frame. What does not fit into it is scrolled with the arrow keys, or the mouse's wheel."""

    BINDINGS = [
        bind("up", "scroll_lines(-1)", "up"),
        bind("down", "scroll_lines(1)", "down"),
        bind("pageup", "scroll_lines(-10)", "page up"),
        bind("pagedown", "scroll_lines(10)", "page down"),
    ]

    def __init__(self, title: str = "", *, id: str | None = None, focusable: bool = False) -> None:  # noqa: A002
        super().__init__(id=id)
        self.title: str | Line = title
        self.caption, self.can_focus = "", focusable
        self.top = 0
        """The first line of the content that is seen."""
        self.follows = False
        """Whether the end of the content is kept in sight."""

    def content(self, width: int, height: int) -> Sequence[Line]:
        """The lines inside of the frame: `height` of them are seen at a time."""
        raise NotImplementedError

    @property
    def is_compact(self) -> bool:
        return self.app.size.width < LEAST_FRAMED[0] or self.app.size.height < LEAST_FRAMED[1]

    def inner(self, width: int, height: int) -> tuple[int, int]:
        """The columns and rows inside of the frame."""
        return (max(1, width), max(1, height - 1)) if self.is_compact else (max(1, width - 4), max(1, height - 2))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        columns, rows = self.inner(width, height)
        lines = self.content(columns, rows)
        last = max(0, len(lines) - rows)
        self.top = last if self.follows else max(0, min(self.top, last))
        return boxed(
            lines[self.top : self.top + rows],
            width,
            height,
            self.title,
            self.caption,
            compact=self.is_compact,
            focused=self.has_focus,
        )

    def show(self, *, title: str | Line | None = None, caption: str | None = None) -> None:
        """Change the words on the frame."""
        self.title = self.title if title is None else title
        self.caption = self.caption if caption is None else caption
        self.redraw()

    def action_scroll_lines(self, lines: int) -> None:
        self.follows = False
        self.top += lines
        self.redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll_lines(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll_lines(3)

    def row_at(self, event: events.MouseEvent) -> int:
        """Which line of the content the mouse is on."""
        return int(event.y) - 1 + self.top


class LinesBox(Box):
    """A box of lines that somebody else drew."""

    def __init__(self, title: str = "", *, id: str | None = None, focusable: bool = False) -> None:  # noqa: A002
        super().__init__(title, id=id, focusable=focusable)
        self.lines: Sequence[Line] = ()

    def content(self, width: int, height: int) -> Sequence[Line]:
        return self.lines

    def put(self, lines: Sequence[Line], *, title: str | Line | None = None, caption: str | None = None) -> None:
        self.lines = lines
        self.show(title=title, caption=caption)


class ListBox(Box):
    """Rows that a cursor moves in; only those in sight are drawn, so that thousands are no more work than twenty.

    A subclass gives `count`, draws a `row`, and may have a `head` line above the rows and rows that are no choice.
    """

    BINDINGS = [
        bind("up", "move(-1)", "up"),
        bind("down", "move(1)", "down"),
        bind("pageup", "move_page(-1)", "page up"),
        bind("pagedown", "move_page(1)", "page down"),
        bind("home", "move(-1000000000)", "first"),
        bind("end", "move(1000000000)", "last"),
    ]

    @dataclass
    class Moved(Message):
        """The cursor stands on another row."""

        box: ListBox
        index: int

        @property
        def control(self) -> ListBox:
            return self.box

    @dataclass
    class Chosen(Message):
        """The row of the cursor was clicked once more."""

        box: ListBox
        index: int

        @property
        def control(self) -> ListBox:
            return self.box

    def __init__(self, title: str = "", *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(title, id=id, focusable=True)
        self.cursor = 0

    def count(self) -> int:
        raise NotImplementedError

    def row(self, index: int, width: int) -> Line:
        raise NotImplementedError

    def head(self, width: int) -> Line | None:
        """The line above the rows, such as the names of columns."""
        return None

    def is_choice(self, index: int) -> bool:
        """Whether the cursor may stand on a row."""
        return True

    def when_empty(self, width: int) -> Sequence[Line]:
        """What is said where there are no rows."""
        return ()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        columns, rows = self.inner(width, height)
        head = self.head(columns) if self.count() else None
        rows -= head is not None
        self._keep_in_sight(rows)
        seen = range(self.top, min(self.top + max(0, rows), self.count()))
        lines = [self.row(index, columns) for index in seen]
        if self.cursor in seen:
            lines[self.cursor - self.top] = _on_cursor(lines[self.cursor - self.top], columns)
        return boxed(
            [*([head] if head is not None else []), *(lines or self.when_empty(columns))],
            width,
            height,
            self.title,
            self.caption,
            compact=self.is_compact,
            focused=self.has_focus,
        )

    def _keep_in_sight(self, rows: int) -> None:
        self.cursor = max(0, min(self.cursor, self.count() - 1))
        self.top = max(0, min(self.top, self.cursor, self.count() - rows))
        if self.cursor >= self.top + rows:
            self.top = self.cursor - rows + 1
        if self.top and all(not self.is_choice(i) for i in range(self.cursor)):
            self.top = 0  # the headings above the first choice stay in sight

    def action_move(self, by: int) -> None:
        self.move_to(self.cursor + by, 1 if by > 0 else -1)

    def action_move_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.inner(*self.size)[1] - 2))

    def move_to(self, index: int, onward: int = 1) -> None:
        """Put the cursor on a row, or on the next one in this direction that is a choice."""
        if not self.count():
            return
        index = max(0, min(index, self.count() - 1))
        there = [*range(index, self.count())] if onward > 0 else [*range(index, -1, -1)]
        back = [*range(index, -1, -1)] if onward > 0 else [*range(index, self.count())]
        chosen = next((i for i in [*there, *back] if self.is_choice(i)), self.cursor)
        moved = chosen != self.cursor
        self.cursor = chosen
        self.redraw()
        if moved:
            self.post_message(self.Moved(self, chosen))

    def on_click(self, event: events.Click) -> None:
        index = self.row_at(event) - (self.head(10) is not None)
        if not 0 <= index < self.count() or not self.is_choice(index):
            return
        if index == self.cursor and self.has_focus:
            self.post_message(self.Chosen(self, index))
        self.focus()
        self.move_to(index)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(3)


def _on_cursor(line: Line, width: int) -> Line:
    """The line as the row of the cursor, filled to the width."""
    line = cut(line, width)
    filled = (*line, Span(" " * (width - line_width(line))))
    return tuple(Span(text, f">{role}") for text, role in filled)
