"""Which runs are drawn side by side: those that are marked, else one alone; and who reads their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqplay.safe_text import safe_line
from seqplay.tui import comparison
from seqplay.tui.comparison import Compared
from seqplay.tui.shelf_watch import ShelfWatch
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.run_table import mark_role

if TYPE_CHECKING:
    from seqplay.tui.app import Playground

KEPT_OPEN = 4  # runs that were looked at and are not marked: their curves come back at once
MOST_NAME = 16  # cells of a run's name beside its curve


class DrawnRuns:
    """Runs by name, as far as the shelf has them. `poll` reads on in their logs."""

    def __init__(self, playground: Playground, known: ShelfWatch) -> None:
        self._playground, self._known = playground, known
        self.marks: dict[str, int] = {}
        """Each marked run's place among the colours, in the order in which they were marked."""
        self.alone = ""
        """The run that is drawn where none is marked: the one under the cursor, once it rested there."""
        self.unreadable: dict[str, str] = {}
        """Why a run's logs cannot be read."""
        self._own: dict[str, Subject] = {}  # by name, the one that was needed last at the end
        self._turn = 0

    @property
    def names(self) -> list[str]:
        return list(self.marks) or ([self.alone] if self.alone in self._known.kept else [])

    def compared(self) -> list[Compared]:
        """The runs that are drawn and can be read, in the order in which they were marked."""
        names = self._readable()
        found: list[Compared] = []
        for name, told in zip(names, comparison.short_names(names), strict=True):
            role, dashed = mark_role(self.marks[name]) if name in self.marks else ("primary", False)
            shown = comparison.tail(safe_line(told), MOST_NAME) if len(names) > 1 else safe_line(told)
            found.append(Compared(self._subject_of(name), shown, role, dashed))
        return found

    def poll(self) -> tuple[bool, bool]:
        """Read on for a moment, in one log while any is long: whether anything is new, and whether there is more."""
        own = [self._subject_of(name) for name in self._readable()]
        own = [subject for subject in own if subject is not self._playground.subject]
        loading = [subject for subject in own if subject.is_loading]
        news = False
        for subject in [loading[self._turn % len(loading)]] if loading else own:
            news |= subject.poll()
            if subject.is_broken:
                self.unreadable[subject.name] = subject.problem
        self._turn += 1
        return news, bool(loading)

    def _readable(self) -> list[str]:
        return [name for name in self.names if name not in self.unreadable]

    def _subject_of(self, name: str) -> Subject:
        """Who reads this run's logs: the playground, where it is the run in the header; else one of our own."""
        subject, run = self._playground.subject, self._known.kept[name].run
        if subject is not None and subject.run == run:
            return subject
        subject = self._own.pop(name, None) or Subject(run, thinned=True)
        self._own[name] = subject
        idle = [one for one in self._own if one not in self.marks and one != self.alone]
        for one in idle[:-KEPT_OPEN]:
            self._own.pop(one).close()
        return subject

    def mark(self, name: str) -> None:
        """Mark a run, with the first colour that is free; or unmark it."""
        if self.marks.pop(name, None) is None:
            taken = set(self.marks.values())
            self.marks[name] = next(place for place in range(len(taken) + 1) if place not in taken)

    def rename(self, before: str, name: str) -> None:
        """A run that has another name now is as it was."""
        marks = {name if one == before else one: place for one, place in self.marks.items()}
        self.marks.clear()
        self.marks.update(marks)
        self.alone = name if self.alone == before else self.alone
        if before in self._own:
            self._own.pop(before).close()

    def forget_gone(self) -> list[str]:
        """Let go of the runs that are not on the shelf any more: the names of those that were marked."""
        kept = self._known.kept
        gone = [name for name in self.marks if name not in kept]
        for name in gone:
            del self.marks[name]
        for name in set(self._own) - set(kept):
            self._own.pop(name).close()
        if self.alone not in kept:
            self.alone = ""
        return gone

    def close(self) -> None:
        """Let go of the logs."""
        for subject in self._own.values():
            subject.close()
