"""What may come next at the reading cursor, and how unexpected the text was on the way there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from seqplay.draw.lines import Line, Span, cut, span
from seqplay.draw.odds import draw_odds
from seqplay.draw.sparkline import draw_sparkline
from seqplay.draw.text import wrap
from seqplay.safe_text import cell_width, safe_line
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.writing_box import LEAST_DEEPEST
from seqplay.tui.writing import Next, Writing

LEAST_FOR_SURPRISE = 18  # rows; with fewer all are for the odds
AFTER = 12  # cells in the caption; half of it in a box that is not so wide
WIDE_ODDS = 42
MOST_SO_FAR = 200  # pieces


class OddsBox(Box):
    @dataclass
    class Take(Message):
        """A token's line was clicked; `number` is its digit."""

        number: int

    def __init__(self) -> None:
        super().__init__("next", id="odds")
        self.next: Next | None = None
        self.cut_by = ""
        self.so_far: Sequence[float | None] = ()
        """The surprise of the pieces before the place, in bits."""
        self.here: tuple[str, float | None] | None = None
        """The piece that stands at the place, and its surprise."""
        self.deepest = LEAST_DEEPEST

    def put(self, following: Next | None, writing: Writing, reading: int | None, unit: str) -> None:
        """Show the odds at the reading cursor: None stands for the end of the text."""
        place = len(writing) if reading is None else reading
        here = writing.pieces[reading] if reading is not None else None
        self.next, self.here = following, (here.text, here.bits) if here else None
        self.so_far = [piece.bits for piece in writing.pieces[max(0, place - MOST_SO_FAR) : place]]
        self.show(title=f"next {unit}", caption=self._after(writing, place) if following else "")

    def _after(self, writing: Writing, place: int) -> str:
        """After which characters the odds are."""
        room = AFTER if self.size.width >= WIDE_ODDS else AFTER // 2
        before = safe_line(writing.end_of(place, room))
        if not before:
            return "at the beginning"
        end = before
        while cell_width(end) > room:
            end = end[1:]
        return f"after “{'…' if end != before or place > room else ''}{end}”"

    def rows(self) -> int:
        return self.inner(*self.size)[1]

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.next is None:
            said = Span("What may come next stands here, and how likely it is.", "muted")
            return wrap([said], width)
        below = self._below(width) if height >= LEAST_FOR_SURPRISE else []
        room = height - len(below)
        lines = draw_odds(self.next.odds, width, room, self.cut_by, self.next.bits)
        blank: list[Line] = [()] * (room - len(lines))
        return [*lines, *blank, *below]

    def _below(self, width: int) -> list[Line]:
        lines: list[Line] = [()]
        if self.here is not None:
            text, bits = self.here
            said = "nothing before it" if bits is None else f"{bits:.1f} bits"
            shown = span(text.replace(" ", "␣"), "title")
            lines.append(cut((Span("wrote ", "muted"), shown, Span(f"  {said}", "muted")), width))
        recent = self.so_far[-width:]
        if recent:
            lines.append((Span("surprise so far, bits", "muted"),))
            lines.append(draw_sparkline(recent, width, 0.0, self.deepest * 1.5))
        return lines if len(lines) > 1 else []

    def on_click(self, event: events.Click) -> None:
        if self.next is not None and 0 <= self.row_at(event) < len(self.next.kept):
            self.post_message(self.Take(self.row_at(event) + 1))
