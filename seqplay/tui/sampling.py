"""How a model's odds are drawn from: the settings, the steps in which each is turned, and what may be typed for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqplay.errors import UsageError
from seqplay.options import Option, check

STEP = 0.05  # of temperature and top-p
HOTTEST = 2.0  # where the dial ends; more may be typed
MOST_TOKENS = 200_000  # of one text: each takes some 200 bytes here
TOP_KS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200)
LENGTHS = (10, 20, 50, 100, 200, 300, 400, 500, 600, 800, 1000, 1500, 2000, 3000, 5000, 10_000, 20_000)
OFF = ("off", "all", "none", "new", "")


@dataclass(frozen=True)
class Sampling:
    """Where the dials stand. `top_k` 0 and `top_p` 1 are off; a seed of None is new each time."""

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    length: int = 600
    seed: int | None = None

    def odds(self) -> dict[str, Any]:
        """What shapes the odds, as the options of a question."""
        return {"temperature": self.temperature, "top_k": self.top_k, "top_p": self.top_p}

    def cut_by(self) -> str:
        """What takes tokens away from the odds."""
        return " and ".join(name for name, on in (("top-k", self.top_k), ("top-p", self.top_p < 1)) if on)

    def temperatures(self) -> list[float]:
        """Three to see beside each other, the dial's in the middle."""
        t = self.temperature
        return [round(t / 2, 2), t, round(t * 1.5, 2)] if t >= 0.2 else [t, round(t + 0.4, 2), round(t + 0.8, 2)]


OPTIONS = {
    "t": Option("temperature", float, 0.8, "0 takes the likeliest, 1 the model's own odds", 0.0, 100.0),
    "k": Option("top_k", int, 0, "choose among the k likeliest", 0, 1 << 20),
    "p": Option("top_p", float, 1.0, "choose among the likeliest that together have these odds", 0.0, 1.0),
    "l": Option("length", int, 600, "tokens to write", 1, MOST_TOKENS),
    "e": Option("seed", int, None, "the same seed writes the same text", 0, 2**64 - 1),
}
NAMES = {key: option.name.replace("_", "-") for key, option in OPTIONS.items()}


def turned(sampling: Sampling, key: str, by: int) -> Sampling:
    """The dials after one of them was turned a step up (1) or down (-1)."""
    match key:
        case "t":
            return replace(sampling, temperature=_stepped(sampling.temperature, by, 0.0, HOTTEST))
        case "k":
            most = TOP_KS[-1] + 1  # off is above all of them
            k = _next(TOP_KS, sampling.top_k or most, by)
            return replace(sampling, top_k=0 if k is None and (by > 0 or not sampling.top_k) else k or TOP_KS[0])
        case "p":
            return replace(sampling, top_p=_stepped(sampling.top_p, by, STEP, 1.0))
        case "l":
            return replace(sampling, length=_next(LENGTHS, sampling.length, by) or sampling.length)
    seed = -1 if sampling.seed is None else sampling.seed
    return replace(sampling, seed=min(seed + by, 2**64 - 1) if seed + by >= 0 else None)


def typed(sampling: Sampling, key: str, text: str) -> Sampling:
    """The dials with one of them at a value that was typed. Raises UsageError."""
    option, word = OPTIONS[key], text.strip()
    value: Any
    if key in "kpe" and word.casefold() in OFF:
        value = {"k": 0, "p": 1.0, "e": None}[key]
    else:
        try:
            value = check(option, word.replace(",", "") if option.type is int else word)
        except UsageError as problem:
            raise UsageError(str(problem).replace(option.name, NAMES[key], 1)) from None
    return replace(sampling, **{option.name: value})


def value_of(sampling: Sampling, key: str) -> str:
    """A dial's value as it is typed."""
    value = getattr(sampling, OPTIONS[key].name)
    off = {"k": 0, "p": 1.0, "e": None}
    if key in off and value == off[key]:
        return "new" if key == "e" else "off"
    return f"{value:.2f}" if isinstance(value, float) else f"{value}"


def _stepped(value: float, by: int, low: float, high: float) -> float:
    """The next multiple of STEP."""
    if value > high and by > 0:
        return value
    steps = value / STEP
    place = math.floor(steps + 1e-9) + 1 if by > 0 else math.ceil(steps - 1e-9) - 1
    return min(high, max(low, round(place * STEP, 2)))


def _next(values: Sequence[int], value: int, by: int) -> int | None:
    """The value that comes after, or before, another one; None where there is none."""
    if by > 0:
        return next((each for each in values if each > value), None)
    return next((each for each in reversed(values) if each < value), None)
