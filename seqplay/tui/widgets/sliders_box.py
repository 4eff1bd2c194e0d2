"""Sliders: how far the point of a picture is moved along the directions in which the generator changes most."""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.dials import Dial
from seqplay.tui.widgets.dials_box import DialsBox

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


class SlidersBox(DialsBox):
    """A line for each direction."""

    def __init__(self) -> None:
        super().__init__("move its point", id="sliders")
        self.move((0.0,) * len(KEYS), KEYS[0])

    def move(self, sliders: tuple[float, ...], in_hand: str) -> None:
        self.sliders = sliders
        self.put(dials(sliders), in_hand, MOVED if any(sliders) else HOW)
