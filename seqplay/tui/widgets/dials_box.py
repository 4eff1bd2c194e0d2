"""Dials that are turned by keys and by the mouse: how a model chooses among its odds, how much it writes, its seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from seqplay.draw.dials import Dial, draw_dials
from seqplay.draw.lines import Line
from seqplay.draw.numbers import grouped
from seqplay.tui.sampling import HOTTEST, LENGTHS, NAMES, TOP_KS, Sampling, value_of
from seqplay.tui.widgets.box import Box


def dials(sampling: Sampling) -> list[Dial]:
    """How the dials are drawn."""
    k = sampling.top_k
    shares = {
        "t": sampling.temperature / HOTTEST,
        "k": 1.0 if not k else sum(each < k for each in TOP_KS) / len(TOP_KS),
        "p": sampling.top_p,
        "l": sum(each < sampling.length for each in LENGTHS) / (len(LENGTHS) - 1),
        "e": None,
    }
    values = {key: value_of(sampling, key) for key in shares}
    values["l"] = grouped(sampling.length)
    values["e"] = "new each time" if sampling.seed is None else str(sampling.seed)
    return [Dial(key, NAMES[key], share, values[key]) for key, share in shares.items()]


class DialsBox(Box):
    """A line for each dial. A click takes it in hand, the wheel turns the one that is."""

    @dataclass
    class Taken(Message):
        """A dial was clicked."""

        key: str

    @dataclass
    class Turned(Message):
        """The wheel moved over the dials."""

        by: int

    def __init__(self, title: str, id: str) -> None:  # noqa: A002
        super().__init__(title, id=id)
        self.dials: Sequence[Dial] = ()
        self.in_hand = ""

    def put(self, dials: Sequence[Dial], in_hand: str, caption: str = "- + turns the bright one") -> None:
        if (dials, in_hand, caption) != (self.dials, self.in_hand, self.caption):
            self.dials, self.in_hand = dials, in_hand
            self.show(caption=caption)

    def content(self, width: int, height: int) -> Sequence[Line]:
        return draw_dials(self.dials, width, self.in_hand)

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event)
        if 0 <= row < len(self.dials):
            self.post_message(self.Taken(self.dials[row].key))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Turned(1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Turned(-1))
