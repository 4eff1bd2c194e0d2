"""The colours of seqplay: each has one meaning, here for a dark, a light and a high-contrast background.

Every colour has a contrast of 4.5:1 or more on its background (7:1 in high contrast), and the colours of runs can be
told apart by people who are colour-blind.
"""

from __future__ import annotations

from typing import NamedTuple


class Palette(NamedTuple):
    background: str
    foreground: str
    surface: str
    """Behind the footer, and the paper of pictures."""
    primary: str
    accent: str
    secondary: str
    success: str
    warning: str
    error: str
    runs: tuple[str, ...]
    muted: float
    """How much of the foreground labels keep."""
    hairline: float
    shade: float
    """How much of the accent the deepest shade takes: text on it stays readable."""
    is_dark: bool = True


DARK = Palette(
    "#0f1318", "#d5dbe3", "#171d25", "#6cb2f7", "#f0a45d", "#b79af0", "#62c79c", "#e6c35c", "#ef7078",
    ("#56b4e9", "#ee6c3f", "#f2e394", "#9464ef", "#b9efe0", "#c67f86"), 0.62, 0.17, 0.48,
)  # fmt: skip
LIGHT = Palette(
    "#fbfaf7", "#20262d", "#f0eee8", "#1f6fbf", "#b4590a", "#7347c2", "#16805a", "#8f6a00", "#bf2f3a",
    ("#1f6fbf", "#c43a10", "#17224d", "#c02a83", "#4a1f0c", "#6a33d6"), 0.70, 0.17, 0.62, is_dark=False,
)  # fmt: skip
CONTRAST = Palette(
    "#000000", "#ffffff", "#1a1a1a", "#7cc4ff", "#ffb266", "#d0b8ff", "#6fe3b0", "#ffe066", "#ff9aa0",
    ("#66c8ff", "#ff8a5c", "#fff3a8", "#b896ff", "#c8fff0", "#ffb3ba"), 0.85, 0.45, 0.45,
)  # fmt: skip


def mixed(below: str, above: str, share: float) -> str:
    """The colour of `above` laid over `below` with the opacity `share`."""
    channels = (
        round(int(below[at : at + 2], 16) * (1 - share) + int(above[at : at + 2], 16) * share) for at in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)
