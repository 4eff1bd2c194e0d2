"""The dials: how a model chooses among its odds, how much it writes, and with what seed."""

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
    """A line for each dial. A click takes it in hand, or turns it to where its line was clicked; the wheel turns."""

    @dataclass
    class Taken(Message):
        """A dial was clicked."""

        key: str

    @dataclass
    class Turned(Message):
        """The wheel moved over the dials."""

        by: int

    def __init__(self) -> None:
        super().__init__("dials", id="dials")
        self.caption = "- + turns the bright one"
        self.sampling, self.in_hand = Sampling(), "t"

    def put(self, sampling: Sampling, in_hand: str) -> None:
        self.sampling, self.in_hand = sampling, in_hand
        self.redraw()

    def content(self, width: int, height: int) -> Sequence[Line]:
        return draw_dials(dials(self.sampling), width, self.in_hand)

    def on_click(self, event: events.Click) -> None:
        keys = list(NAMES)
        row = self.row_at(event)
        if 0 <= row < len(keys):
            self.post_message(self.Taken(keys[row]))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Turned(1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Turned(-1))
