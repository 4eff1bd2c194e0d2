"""The row at the bottom: the keys that work here now, and the line in which something is asked and typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import Suggester
from textual.widget import Widget

from seqplay.draw.lines import Line, Span, line_width, span
from seqplay.tui.widgets.drawn import Drawn
from seqplay.tui.widgets.entry import Entry

Hint = tuple[str, str]  # how a key is written, and what it does
ALWAYS: tuple[Hint, ...] = (("?", "help"), ("^p", "commands"), ("q", "leave"))
LEAST = 60  # columns; with fewer, what a place can do takes the room of the commands
GAP = "  "


class Hints(Drawn):
    """Keys and what they do, dropped from the right where there is no room."""

    def __init__(self) -> None:
        super().__init__(id="hints")
        self.question = ""

    def draw(self, width: int, height: int) -> Sequence[Line]:
        if self.question:
            return [(Span(" "), span(self.question, "warning"), Span("   "), Span("y n", "key"))]
        right = _line(_always(width))
        room = width - line_width(right) - 3
        line: list[Span] = [Span(" ")]
        for hint in self.playground.hints():
            more = _line([hint])
            if line_width(line) + line_width(more) > room:
                break
            line += [*more, Span(GAP)]
        return [(*line, Span(" " * max(1, width - line_width(line) - line_width(right) - 1)), *right)]

    def on_click(self, event: events.Click) -> None:
        if not self.question:
            self.playground.click_hint(self._hint_at(event.x))

    def _hint_at(self, x: int) -> str:
        """The key that is written at a column."""
        always = _always(self.size.width)
        begin = self.size.width - line_width(_line(always)) - 1
        at, hints = (begin, always) if x >= begin else (1, tuple(self.playground.hints()))
        for key, does in hints:
            end = at + line_width(_line([(key, does)]))
            if at <= x < end:
                return key
            at = end + len(GAP)
        return ""


class Footer(Horizontal):
    """Hints; or, while something is asked, its question and what is typed."""

    DEFAULT_CSS = """
    Footer { dock: bottom; height: 1; background: $surface; }
    Footer > #hints { width: 1fr; }
    Footer > #label { width: auto; display: none; }
    Footer > #entry { width: 1fr; display: none; background: $surface; }
    Footer.-asking > #hints { display: none; }
    Footer.-asking > #label, Footer.-asking > #entry { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._answer: asyncio.Future[str | None] | None = None
        self._live: Callable[[str], None] = lambda _: None
        self._before: Widget | None = None
        self.hints, self.label, self.entry = Hints(), Label(), Entry(id="entry")

    def compose(self) -> ComposeResult:
        yield self.hints
        yield self.label
        yield self.entry

    @property
    def is_asking(self) -> bool:
        return self._answer is not None and not self._answer.done()

    async def ask(
        self,
        label: str,
        value: str = "",
        *,
        live: Callable[[str], None] = lambda _: None,
        suggester: Suggester | None = None,
    ) -> str | None:
        """What is typed until enter; None after esc. `live` is told every change on the way."""
        answer = self._begin()
        entry, self._live, self._before = self.entry, live, self.screen.focused
        self.label.put(label)
        entry.suggester = suggester
        entry.value = value
        entry.cursor_position = len(value)
        self.add_class("-asking")
        entry.focus()
        try:
            return await answer
        finally:
            self._end(answer)

    async def confirm(self, question: str) -> bool:
        """Whether y was hit; any other key is no."""
        answer = self._begin()
        self.hints.question = question
        self.hints.redraw()
        try:
            return await answer == "y"
        finally:
            self._end(answer)

    def _begin(self) -> asyncio.Future[str | None]:
        """A new question; the one before is given up and leaves nothing on the screen."""
        self._settle(None)
        if self._answer is not None:
            self._end(self._answer)
        self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    def _end(self, answer: asyncio.Future[str | None]) -> None:
        """Show the hints again, unless a newer question stands there."""
        if self._answer is not answer:
            return
        self._answer, before, self._before = None, self._before, None
        self.hints.question = ""
        self.hints.redraw()
        self.remove_class("-asking")
        if before is not None and before.is_attached:
            self.screen.set_focus(before)

    def take_key(self, key: str) -> bool:
        """A key, while a question waits for y or n: true if it was an answer."""
        if not (self.is_asking and self.hints.question):
            return False
        self._settle("y" if key in ("y", "Y", "ㅛ") else "n")
        return True

    def give_up(self) -> bool:
        """Esc: true if something was asked."""
        asked = self.is_asking
        self._settle(None)
        return asked

    def _settle(self, answer: str | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    @on(Entry.Changed)
    def _changed(self, event: Entry.Changed) -> None:
        event.stop()
        if self.is_asking:
            self._live(event.value)

    @on(Entry.Submitted)
    def _submitted(self, event: Entry.Submitted) -> None:
        event.stop()
        self._settle(event.value)


class Label(Drawn):
    """What is asked."""

    def __init__(self) -> None:
        super().__init__(id="label")
        self.line: Line = ()

    def put(self, label: str) -> None:
        self.line = (Span(" "), span(label, "title"), Span(" "))
        self.styles.width = line_width(self.line)
        self.redraw()

    def draw(self, width: int, height: int) -> Sequence[Line]:
        return [self.line]


def _always(width: int) -> Sequence[Hint]:
    return ALWAYS if width >= LEAST else (ALWAYS[0], ALWAYS[-1])


def _line(hints: Sequence[Hint]) -> list[Span]:
    line: list[Span] = []
    for key, does in hints:
        line += [*([Span(GAP)] if line else []), Span(key, "key"), Span(f" {does}", "muted")]
    return line
