"""The two rows at the top: the places, the run that they are all about, and its progress as the line beneath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from seqplay.draw.bars import measure
from seqplay.draw.lines import Line, Span, line_width, span
from seqplay.draw.numbers import clock, percent
from seqplay.tui.subject import GLYPHS, ROLES, Subject
from seqplay.tui.widgets.drawn import Drawn

NARROW = 100


class Header(Drawn):
    DEFAULT_CSS = "Header { dock: top; height: 2; }"

    @dataclass
    class Clicked(Message):
        """A place was clicked; `place` is its name, "" for the run at the right."""

        place: str

    def __init__(self, places: Sequence[str], here: str) -> None:
        super().__init__()
        self.places, self.here = places, here

    def draw(self, width: int, height: int) -> Sequence[Line]:
        subject = self.playground.subject
        names: list[Span] = []
        for place in self.places:
            names += [Span(f" {place.title()} ", "place")] if place == self.here else self._elsewhere(place)
        run = self._subject_line(subject, width - line_width(names) - 1)
        gap = Span(" " * max(1, width - line_width(names) - line_width(run) - 1))
        share, role = (subject.share, ROLES[subject.state]) if subject else (0.0, "muted")
        return [(*names, gap, *run), tuple(measure(share, width, role))]

    def _elsewhere(self, place: str) -> list[Span]:
        return [Span(" "), Span(place[0].upper(), "initial"), Span(f"{place[1:]} ", "muted")]

    def _subject_line(self, subject: Subject | None, room: int) -> list[Span]:
        """Glyph, name, done, the best number (~ while it is an estimate), time left: as many as there is room for."""
        if subject is None:
            return [Span("no run open", "muted")]
        state, progress = subject.state, subject.progress
        facts = [percent(subject.share)] if state not in ("waiting", "broken") else []
        if best := subject.best_said:
            facts.append(best)
        left = progress.seconds_left
        if state == "running" and subject.quiet_seconds:
            facts.append(f"no news for {clock(subject.quiet_seconds)}")
        elif state == "running" and left is not None and self.app.size.width >= NARROW:
            facts.append(f"{clock(left)} left")
        elif state in ("paused", "stopped", "crashed", "waiting", "broken"):
            facts.append(state)
        glyph = Span(f"{GLYPHS[state]} ", ROLES[state])
        while True:
            run = [glyph, span(subject.name, "title"), *(span(f"  {fact}", "muted") for fact in facts)]
            if not facts or line_width(run) <= room:
                return run
            facts.pop()

    def on_click(self, event: events.Click) -> None:
        end = 0
        for place in self.places:
            end += len(place) + 2
            if event.x < end:
                self.post_message(self.Clicked(place))
                return
        self.post_message(self.Clicked(""))
