"""What is said in the place of pictures while there are none."""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.lines import Line, Span, span
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.running import waiting_card


def card_without_run(other: Subject | None, minutes: float) -> Sequence[Line]:
    """No run of pictures is open, perhaps another one; a new one takes `minutes`."""
    grow = (Span("enter", "key"), Span(f" grows digits, {minutes:.0f} minutes: from noise to numerals", "muted"))
    read = (Span("T", "key"), Span(" trains on pictures of yours, or learns to read them", "muted"))
    if other is None:
        return [(Span("No pictures yet."),), (), grow, read]
    learns = Span(" learns a text: it has no pictures. ")
    write = (Span("S", "key"), Span(" writes with it", "muted"))
    return [(span(other.name, "title"), learns), (), grow, read, write]


def card_without_pictures(subject: Subject) -> Sequence[Line]:
    """A run that has shown none yet."""
    if subject.state == "waiting":
        return waiting_card(subject)
    if subject.state == "running":
        return [(Span("◌ ", "muted"), Span("The first pictures come with the first score.", "muted"))]
    ended = (Span("It has ended before it showed a picture."),)
    return [ended, (), (Span("T", "key"), Span(" goes on with it", "muted"))]
