"""What suits a text: the sizes that the trainer chooses when nobody asks for one, and what to begin with on a text that
is only looked at.

The tables were measured; the trainer and the screens read the same ones, so that what is suggested is what is trained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Measured on two cores: (fewer than this many tokens, or seconds of training, units that pay)
WIDTHS_BY_TOKENS = ((100, 32), (2_000, 64), (20_000, 128), (100_000, 256), (500_000, 384), (math.inf, 1024))
WIDTHS_BY_SECONDS = ((10, 128), (20, 256), (45, 384), (180, 512), (600, 640), (1800, 768), (math.inf, 1024))
# (fewer than this many characters, minutes). At these widths two cores read some 4 million characters in a minute, 10
# million in 5 minutes and 20 million in 15: no text is left half read.
MINUTES = ((100_000, 0.5), (4_000_000, 1.0), (10_000_000, 5.0), (math.inf, 15.0))
FEW = 1_000  # tokens to learn from; with fewer, the trainer makes a number of steps where nobody names a time
SMALL_KOREAN = 100_000  # characters
JAMO_OF_SYLLABLE = 2.4  # in ordinary Korean


@dataclass(frozen=True)
class Suggestion:
    """A beginning for a text: settings of a recipe, the units that the trainer would give them, and one line why.

    `minutes` is None for a text of a few lines, which gets a number of steps.
    """

    tokens: str
    size: str
    minutes: float | None
    hidden: int
    why: str


def suggest(characters: int, hangul_share: float, jamo: float | None = None) -> Suggestion:
    """What to begin with on a text of so many `characters` to learn from, of whose letters `hangul_share` are Hangul.

    `jamo` is how many tokens the text has when its syllables are spelled with their letters (None: as many as ordinary
    Korean has).
    """
    if hangul_share > 0.5 and characters < SMALL_KOREAN:
        tokens, units, reason = "jamo", "jamo", "jamo suit a small Korean text; "
        count = round(characters * (1 + (JAMO_OF_SYLLABLE - 1) * hangul_share) if jamo is None else jamo)
    else:
        tokens, units, reason, count = "char", "characters", "", characters
    minutes = None if count < FEW else next(minutes for most, minutes in MINUTES if characters < most)
    hidden, why = suggest_hidden(count, "m", 120.0 if minutes is None else minutes * 60, units)
    return Suggestion(tokens, "m", minutes, hidden, reason + why)


def suggest_hidden(count: int, size: str, seconds: float, units: str) -> tuple[int, str]:
    """Units for a text of `count` tokens and a budget, and why: both must allow a width before it pays."""
    by_text = next(width for most, width in WIDTHS_BY_TOKENS if count < most)
    by_time = next(width for most, width in WIDTHS_BY_SECONDS if seconds < most)
    hidden = max(8, int(min(by_text, by_time) * {"s": 0.5, "m": 1.0, "l": 1.5}[size]))
    limit = f"{count:,} {units} to learn from" if by_text <= by_time else f"{seconds:,.0f} s of training"
    return hidden, f"{hidden} units suit {limit}" + ("" if size == "m" else f" at size {size}")
