"""Sliders: how far the point of a picture is moved along the directions in which the generator changes most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from seqplay.draw.dials import Dial, draw_dials
from seqplay.draw.lines import Line
from seqplay.tui.widgets.box import Box

KEYS = "efghi"
HOW, MOVED = "- + moves the bright one", "backspace: as it was"
FARTHEST, BY = 6.0, 0.5  # a latent is about 10 long


def dials(sliders: Sequence[float]) -> list[Dial]:
    """How the sliders are drawn."""
    return [
        Dial(key, f"direction {number}", (value + FARTHEST) / (2 * FARTHEST), f"{value:+.1f}" if value else " 0.0")
        for number, (key, value) in enumerate(zip(KEYS, sliders, strict=True), start=1)
    ]


def turned(sliders: Sequence[float], key: str, by: int) -> tuple[float, ...]:
    """The sliders after one of them was moved by some steps."""
    at = KEYS.index(key)
    moved = max(-FARTHEST, min(FARTHEST, sliders[at] + by * BY))
    return (*sliders[:at], moved, *sliders[at + 1 :])


class SlidersBox(Box):
    """A line for each direction. A click takes it in hand, the wheel turns it."""

    @dataclass
    class Taken(Message):
        """A slider was clicked."""

        key: str

    @dataclass
    class Turned(Message):
        """The wheel moved over the sliders."""

        by: int

    def __init__(self) -> None:
        super().__init__("move its point", id="sliders")
        self.caption = HOW
        self.sliders: tuple[float, ...] = (0.0,) * len(KEYS)
        self.in_hand = KEYS[0]

    def put(self, sliders: tuple[float, ...], in_hand: str) -> None:
        if (sliders, in_hand) != (self.sliders, self.in_hand):
            self.sliders, self.in_hand = sliders, in_hand
            self.show(caption=MOVED if any(sliders) else HOW)

    def content(self, width: int, height: int) -> Sequence[Line]:
        return draw_dials(dials(self.sliders), width, self.in_hand)

    def on_click(self, event: events.Click) -> None:
        row = self.row_at(event)
        if 0 <= row < len(KEYS):
            self.post_message(self.Taken(KEYS[row]))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Turned(1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Turned(-1))
