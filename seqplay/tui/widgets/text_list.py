"""The texts that can be learned: those that come along, those that were fetched, the user's own, and those nearby."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from seqplay.data.built_in import BUILT_IN
from seqplay.draw.lines import Line, Span, cut, line_width, span
from seqplay.safe_text import fit, pad, safe_line
from seqplay.tui.widgets.box import ListBox

TEXTS = (".txt", ".md", ".abc", ".tsv", ".csv")
MOST_NEARBY, MOST_LOOKED_AT = 30, 5_000
NAME_ROOM = 12
TINY = ("hello", "feelings")  # for a lecture: last, as most people want to see a model that writes
OFFERED = [*(name for name in BUILT_IN if name not in TINY), *TINY]
DIGITS = "digits"


@dataclass(frozen=True)
class Known:
    """A row: a heading where there is no source."""

    name: str
    about: str = ""
    source: str = ""
    key: str = ""


FILE, PASTE = (
    Known("a file…", "any text, any size", "\0file", "f"),
    Known("paste…", "a text or a path", "\0paste", "^v"),
)


def known_texts(own: Sequence[str]) -> list[Known]:
    """All rows, with their headings. `own` are the paths that somebody has used before."""
    rows = [Known("comes with seqplay"), *(Known(name, _short(BUILT_IN[name]), name) for name in OFFERED)]
    rows.append(Known(DIGITS, "pictures, drawn here", DIGITS))
    for heading, found in (
        ("fetched", list(_fetched())),
        ("yours", list(_there(own))),
        ("in this folder", list(_nearby(own))),
    ):
        if found:
            rows += [Known(""), Known(heading), *found]
    return [*rows, Known(""), FILE, PASTE]


def _short(about: str) -> str:
    """The first words of a description."""
    return about.partition(":")[0].partition(",")[0]


def _fetched() -> Iterator[Known]:
    from seqplay.data import corpora

    for corpus in corpora.listed():
        if corpus.is_here():
            yield Known(corpus.name, corpus.what, corpus.name)


def _there(own: Sequence[str]) -> Iterator[Known]:
    for path in own:
        if os.path.exists(path):
            folder = Path(path).parent
            shown = f"~/{folder.relative_to(Path.home())}" if folder.is_relative_to(Path.home()) else str(folder)
            yield Known(Path(path).name, f"{shown} · {size_of(path)}", path)


def _nearby(own: Sequence[str]) -> Iterator[Known]:
    known = set(own)
    with suppress(OSError), os.scandir(".") as entries:
        found = [
            entry.path
            for entry in islice(entries, MOST_LOOKED_AT)
            if entry.name.endswith(TEXTS) and not entry.name.startswith(".") and entry.is_file()
        ]
        for path in sorted(found)[:MOST_NEARBY]:
            if os.path.abspath(path) not in known:
                yield Known(os.path.basename(path), size_of(path), os.path.abspath(path))


def size_of(path: str) -> str:
    """A file's size in a few letters."""
    if os.path.isdir(path):
        return "folder"
    try:
        size = os.path.getsize(path)
    except OSError:
        return "gone"
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}" if size < 10 * factor else f"{size / factor:.0f} {unit}"
    return f"{size} bytes"


class TextList(ListBox):
    """One row for each text."""

    def __init__(self) -> None:
        super().__init__("what should it learn?", id="texts")
        self.rows: list[Known] = []
        self.filter = ""

    def count(self) -> int:
        return len(self.rows)

    @property
    def chosen(self) -> Known | None:
        return self.rows[self.cursor] if self.rows and self.is_choice(self.cursor) else None

    def is_choice(self, index: int) -> bool:
        return bool(self.rows[index].source)

    def when_empty(self, width: int) -> Sequence[Line]:
        return [cut((span(f"no text has '{self.filter}' in its name: esc", "muted"),), width)]

    def row(self, index: int, width: int) -> Line:
        known = self.rows[index]
        if not known.source:
            return (span(known.name, "muted"),)
        name = pad(fit(safe_line(known.name), max(NAME_ROOM, width - 14)), NAME_ROOM)
        line = (Span("▌ " if index == self.cursor else "  ", "primary"), Span(name), Span(" "))
        key = (Span(" "), Span(known.key, "key")) if known.key else ()
        about = fit(safe_line(known.about), max(0, width - line_width(line) - line_width(key)))
        gap = Span(" " * max(0, width - line_width(line) - line_width([Span(about)]) - line_width(key)))
        return (*line, Span(about, "muted"), gap, *key)

    def put(self, own: Sequence[str], choose: str = "") -> None:
        """List what there is now, and put the cursor on the text `choose`."""
        before = choose or (self.chosen.source if self.chosen else "english")
        rows = known_texts(own)
        if self.filter:
            wanted = self.filter.casefold()
            rows = [row for row in rows if row.source and wanted in f"{row.name} {row.about}".casefold()]
        self.rows = rows
        self.cursor = next((i for i, row in enumerate(rows) if row.source == before), 0)
        if rows and not self.is_choice(self.cursor):
            self.move_to(0)
        self.redraw()
        self.post_message(self.Moved(self, self.cursor))
