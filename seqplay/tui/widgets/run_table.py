"""The table of runs: its columns, its orders and its filter."""

from __future__ import annotations

import math
import re
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.message import Message

from seqplay.draw.bars import measure
from seqplay.draw.lines import Line, Span, cut
from seqplay.runs.summary import Summary
from seqplay.safe_text import cell_width, fit, pad, safe_line
from seqplay.tui.shelf_watch import Kept
from seqplay.tui.subject import GLYPHS, ROLES
from seqplay.tui.widgets.box import ListBox

RUN_COLOURS = 6
GAP = 2
BEFORE = 5  # cells: the mark, and the glyph of the state
MARK_CELLS = 3
ORDERS = ("started", "held out", "run", "done")
SIZES = re.compile(r"(?<=\d)x(?=\d+$)")  # layers x hidden
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
HOURS = 6  # for so long hours tell more than the day
PARTS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Column:
    """`rank`: of the columns that do not fit, the one with the highest rank is dropped first. `most` is how wide it
    grows where there is room.
    """

    name: str
    cells: int
    rank: int
    right: bool = False
    most: int = 0


COLUMNS = (
    Column("run", 20, 0, most=44),
    Column("text", 14, 6, most=28),
    Column("network", 14, 3),
    Column("tokens", 6, 5),
    Column("done", 6, 2, right=True),
    Column("held out", 9, 1, right=True),
    Column("bits/byte", 10, 7, right=True),
    Column("bits/char", 10, 8, right=True),
    Column("started", 8, 4, right=True),
    Column("bits a byte", 24, 9),
)


def mark_role(slot: int) -> tuple[str, bool]:
    """The role of the run that took this place among the marked ones, and whether it is dashed."""
    return f"run-{slot % RUN_COLOURS + 1}", slot // RUN_COLOURS % 2 == 1


def fitted(width: int, wanted: Mapping[str, int] | None = None) -> list[tuple[Column, int]]:
    """The columns that a width has room for, in order, each with its cells.

    A column of names grows to the cells that it is `wanted` to have; what is left then is the first one's.
    """
    shown = list(COLUMNS)
    while len(shown) > 1 and BEFORE + sum(c.cells for c in shown) + GAP * (len(shown) - 1) > width:
        shown.remove(max(shown, key=lambda column: column.rank))
    widths = {column.name: column.cells for column in shown}
    spare = width - BEFORE - sum(widths.values()) - GAP * (len(shown) - 1)
    for column in shown:
        more = max(0, min(spare, column.most - column.cells, (wanted or {}).get(column.name, 0) - column.cells))
        widths[column.name] += more
        spare -= more
    widths[shown[0].name] = max(1, widths[shown[0].name] + spare)
    return [(column, widths[column.name]) for column in shown]


def started(then: float | None, now: float) -> str:
    """A moment in a few letters: now, 4 min, 2 h, today, Mon, 3 Nov, Nov 2024."""
    if then is None:
        return "—"
    seconds = now - then
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    if seconds < HOURS * 3600:
        return f"{seconds // 3600:.0f} h"
    day, today = time.localtime(then), time.localtime(now)
    if day[:3] == today[:3]:
        return "today"
    if seconds < 6 * 24 * 3600:
        return DAYS[day.tm_wday]
    month = MONTHS[day.tm_mon - 1]
    return f"{day.tm_mday} {month}" if day.tm_year == today.tm_year else f"{month} {day.tm_year}"


def share(told: Summary) -> float | None:
    """How much of the run is done, 0 to 1."""
    if told.state == "finished":
        return 1.0
    return min(1.0, told.step / told.steps) if told.step is not None and told.steps else None


def bits_per_character(told: Summary) -> float | None:
    return told.held_out_loss / math.log(2) if told.tokens == "char" and told.held_out_loss is not None else None


def network(told: Summary) -> str:
    return SIZES.sub("×", told.network) if told.network else "—"


def _cells(text: str) -> int:
    return cell_width(safe_line(text))


def _number(value: float | None, decimals: int) -> str:
    return "—" if value is None else f"{value:,.{decimals}f}"


def matches(kept: Kept, words: Sequence[str]) -> bool:
    """Whether every word is somewhere in the run's name, text, network, tokens or state."""
    told = kept.summary
    facts = (
        [kept.name] if told is None else [kept.name, told.source, network(told), told.network, told.tokens, told.state]
    )
    text = folded("\n".join(fact for fact in facts if fact))
    return all(word in text for word in words)


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def by_name(name: str) -> tuple[Any, ...]:
    """Names in the order of people: run-2 before run-10."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in PARTS.split(folded(name)) if part)


Key = Callable[[Kept], Any]
LAST = math.inf
KEYS: dict[str, Key] = {
    "run": lambda kept: by_name(kept.name),
    "text": lambda kept: folded(kept.summary.source or "\uffff") if kept.summary else "\uffff",
    "network": lambda kept: by_name(kept.summary.network or "\uffff") if kept.summary else by_name("\uffff"),
    "tokens": lambda kept: (kept.summary.tokens or "\uffff") if kept.summary else "\uffff",
    "done": lambda kept: -(_known(share(kept.summary), -1.0) if kept.summary else -1.0),
    "held out": lambda kept: _order_of(kept.summary) if kept.summary else (LAST,),
    "bits/byte": lambda kept: _known(kept.summary.bits_per_byte, LAST) if kept.summary else LAST,
    "bits/char": lambda kept: _known(bits_per_character(kept.summary), LAST) if kept.summary else LAST,
    "started": lambda kept: -kept.created,
}


def _order_of(told: Summary) -> tuple[float, ...]:
    """Losses, the smallest first; then what is read, the most first."""
    return (LAST / 1, 1 - told.read) if told.read is not None else (_known(told.held_out_loss, LAST),)


KEYS["bits a byte"] = KEYS["bits/byte"]
"""What a column is sorted by; what is not known comes last."""


def _known(value: float | None, other: float) -> float:
    return other if value is None else value


class RunTable(ListBox):
    """One row for each run that the filter lets through."""

    @dataclass
    class Ordered(Message):
        """The heading of a column was clicked."""

        column: str

    @dataclass
    class Marked(Message):
        """The mark of a row was clicked."""

        index: int

    def __init__(self) -> None:
        super().__init__("runs", id="table")
        self.all_rows: list[Kept] = []
        self.rows: list[Kept] = []
        self.marks: Mapping[str, int] = {}
        """The places of marked runs among the colours, by name."""
        self.subject_name = ""
        self.order, self.is_reversed, self.filter = ORDERS[0], False, ""
        self.empty: Sequence[Line] = ()
        self._most_bits = 1.0
        self._wanted: dict[str, int] = {}

    # -- which rows there are

    @property
    def chosen(self) -> Kept | None:
        return self.rows[self.cursor] if self.rows else None

    def put(self, rows: Sequence[Kept], choose: str = "") -> None:
        """Show these runs in the order, as far as the filter lets them through. The cursor stays on its run."""
        before = choose or (self.chosen.name if self.chosen else "")
        words = folded(self.filter).split()
        self.all_rows = list(rows)
        found = [kept for kept in rows if not words or matches(kept, words)]
        found.sort(key=lambda kept: (-kept.created, kept.name))
        self.rows = sorted(found, key=KEYS[self.order], reverse=self.is_reversed)
        self.cursor = next((at for at, kept in enumerate(self.rows) if kept.name == before), self.cursor)
        self.cursor = max(0, min(self.cursor, len(self.rows) - 1))
        bits = [kept.summary.bits_per_byte or 0.0 for kept in self.rows if kept.summary]
        self._most_bits = max([1.0, *bits])
        texts = [kept.summary.source or "" for kept in self.rows if kept.summary]
        names = [kept.name for kept in self.rows]
        self._wanted = {"run": max(map(_cells, names), default=0), "text": max(map(_cells, set(texts)), default=0)}
        self.redraw()

    def sort_by(self, column: str, *, turned: bool = False) -> None:
        self.order, self.is_reversed = column, turned
        self.put(self.all_rows)

    def in_sight(self) -> list[Kept]:
        """The rows that are seen, or soon will be."""
        rows = self.inner(*self.size)[1]
        return self.rows[self.top : self.top + rows]

    # -- what they look like

    def count(self) -> int:
        return len(self.rows)

    def head(self, width: int) -> Line:
        pieces = [Span(" " * BEFORE)]
        for number, (column, cells) in enumerate(fitted(width, self._wanted)):
            sorted_here = column.name == self.order
            name = column.name + ("▴" if self.is_reversed else "▾") * sorted_here
            pieces += [
                Span(" " * GAP * (number > 0)),
                Span(pad(name, cells, "right" if column.right else "left"), "title" if sorted_here else "muted"),
            ]
        return tuple(pieces)

    def row(self, index: int, width: int) -> Line:
        kept = self.rows[index]
        slot = self.marks.get(kept.name)
        mark = Span("   ")
        if slot is not None:
            role, dashed = mark_role(slot)
            mark = Span("╺╸ " if dashed else "━━ ", role)
        glyph = Span(f"{GLYPHS[kept.state]} ", ROLES[kept.state]) if kept.state else Span("  ")
        pieces = [mark, glyph]
        for number, (column, cells) in enumerate(fitted(width, self._wanted)):
            pieces.append(Span(" " * GAP * (number > 0)))
            pieces += self._cell(kept, column, cells)
        return tuple(pieces)

    def _cell(self, kept: Kept, column: Column, cells: int) -> list[Span]:
        told = kept.summary
        if column.name == "run":
            role = "title" if kept.name == self.subject_name else ""
            return [Span(pad(safe_line(kept.name), cells), role)]
        if column.name == "started":
            moment = told.started if told and told.started is not None else kept.created
            return [Span(pad(started(moment, time.time()), cells, "right"), "muted")]
        if told is None:
            return [Span(pad("…", cells, "right" if column.right else "left"), "faint")]
        if column.name == "bits a byte":
            bits = told.bits_per_byte
            role = mark_role(self.marks[kept.name])[0] if kept.name in self.marks else "muted"
            return measure(bits / self._most_bits, cells, role) if bits is not None else [Span(" " * cells)]
        text = _said(told, column.name)
        role = "" if column.name == "held out" else "muted"
        return [Span(pad(fit(safe_line(text), cells), cells, "right" if column.right else "left"), role)]

    def when_empty(self, width: int) -> Sequence[Line]:
        return [cut(line, width) for line in self.empty]

    # -- the mouse

    def on_click(self, event: events.Click) -> None:
        if self.rows and event.y == 1:
            self.focus()
            if (column := self._column_at(event.x)) is not None:
                self.post_message(self.Ordered(column))
            return
        index = self.row_at(event) - 1
        if 0 <= index < self.count() and event.x - self._left < MARK_CELLS:
            self.focus()
            self.post_message(self.Marked(index))
            event.prevent_default()

    @property
    def _left(self) -> int:
        """The first column of the content."""
        return 0 if self.is_compact else 2

    def _column_at(self, x: int) -> str | None:
        end = self._left + BEFORE
        for column, cells in fitted(self.inner(*self.size)[0], self._wanted):
            end += cells + GAP
            if x < end:
                return column.name
        return None


def _said(told: Summary, column: str) -> str:
    match column:
        case "text":
            return told.source or "—"
        case "network":
            return network(told)
        case "tokens":
            return told.tokens or "—"
        case "done":
            done = share(told)
            return "—" if done is None else f"{int(done * 100)} %"
        case "held out":
            return f"{100 * told.read:.0f} % read" if told.read is not None else _number(told.held_out_loss, 3)
        case "bits/byte":
            return _number(told.bits_per_byte, 2)
    return _number(bits_per_character(told), 2)
