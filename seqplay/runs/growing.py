"""A measured series while it grows: on three x axes, and thinned to what a chart can show however long it is.

Beside the points themselves it keeps blocks of 8, 64, 512 ... of them (sum, count, least, most). A chart of a million
steps is made of a few thousand blocks, of which each is drawn with the weight of its points; an extreme that is news is
taken out of its block and stands for itself.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import sub, truediv

from seqplay.figures import Curve

MOST = 4096  # points of a curve: several for each pixel of the widest terminal
_FACTOR = 8
_LEVELS = 7  # the last has blocks of two million points
_NEWS = 6  # an extreme this many usual spreads from its block's mean is news, as in seqplay.draw
_REACH = 4  # what lies this many times the smoothed points back has no weight

Drawn = tuple[float, float | None, int]
"""x, y and of how many points it is the mean."""


@dataclass
class _Blocks:
    """Blocks of as many points each, in order; one without any number has the count 0."""

    size: int
    sums: array[float] = field(default_factory=lambda: array("d"))
    counts: array[int] = field(default_factory=lambda: array("q"))
    lows: array[float] = field(default_factory=lambda: array("d"))
    highs: array[float] = field(default_factory=lambda: array("d"))

    def add(self, total: float, count: int, low: float, high: float) -> None:
        self.sums.append(total)
        self.counts.append(count)
        self.lows.append(low)
        self.highs.append(high)

    def cut(self, points: int) -> None:
        """Keep the blocks that the first `points` points fill."""
        for column in (self.sums, self.counts, self.lows, self.highs):
            del column[points // self.size :]


@dataclass
class Growing:
    """Numbers by the step, the seconds and the tokens at which they were measured. NaN in `y` is a gap."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    tokens: array[int] = field(default_factory=lambda: array("q"))
    y: array[float] = field(default_factory=lambda: array("d"))
    _blocks: list[_Blocks] = field(default_factory=lambda: [_Blocks(_FACTOR**level) for level in range(1, _LEVELS + 1)])

    def add(self, step: int, seconds: float, tokens: int, y: float | None) -> None:
        """A point; where training went back to a checkpoint, it takes the place of those from its step on.

        Time and tokens that run backwards are held where they were, so that every axis is in order.
        """
        if self.steps and step <= self.steps[-1]:
            self.cut(step)
        if self.steps:
            seconds, tokens = max(seconds, self.seconds[-1]), max(tokens, self.tokens[-1])
        self.steps.append(step)
        self.seconds.append(seconds)
        self.tokens.append(tokens)
        self.y.append(y if y is not None and math.isfinite(y) else math.nan)
        if not len(self.y) % _FACTOR:
            self._fold()

    def cut(self, step: int) -> None:
        """Forget this step and those after it."""
        begin = bisect_left(self.steps, step)
        if begin == len(self.steps):
            return
        for column in (self.steps, self.seconds, self.tokens, self.y):
            del column[begin:]
        for blocks in self._blocks:
            blocks.cut(begin)

    def _fold(self) -> None:
        """Add the blocks that the newest point fills."""
        values = self.y[-_FACTOR:]
        known = values if sum(values) == sum(values) else [value for value in values if value == value]
        first = self._blocks[0]
        first.add(sum(known), len(known), min(known, default=math.inf), max(known, default=-math.inf))
        for finer, blocks in pairwise(self._blocks):
            if len(self.y) % blocks.size:
                return
            blocks.add(
                sum(finer.sums[-_FACTOR:]),
                sum(finer.counts[-_FACTOR:]),
                min(finer.lows[-_FACTOR:]),
                max(finer.highs[-_FACTOR:]),
            )

    def at(self, x: float, axis: str = "steps") -> tuple[int, float | None] | None:
        """The step and value of the newest point at or before `x`; None where there is no such point."""
        index = bisect_right(self._axis(axis), x) - 1
        return None if index < 0 else (self.steps[index], self._value(index))

    def place(self, step: int, axis: str = "steps") -> float | None:
        """Where on an axis a step is, or the newest point before it; None where there is no such point."""
        index = bisect_right(self.steps, step) - 1
        return None if index < 0 else float(self._axis(axis)[index])

    def curve(
        self,
        name: str,
        role: str = "primary",
        *,
        axis: str = "steps",
        low: float | None = None,
        high: float | None = None,
        smooth: int = 1,
        key: Callable[[float], float] | None = None,
    ) -> Curve:
        """At most about `MOST` points of what lies from `low` to `high` on the axis "steps", "seconds" or "tokens".

        One point beyond either end is among them, so that a line that goes on is seen to. `smooth` draws the
        exponential mean of about so many points in place of each. `key` turns a value into another unit.
        """
        x = self._axis(axis)
        begin = 0 if low is None else max(0, bisect_left(x, low) - 1)
        end = len(x) if high is None else min(len(x), bisect_right(x, high) + 1)
        drawn = self._smoothed(x, begin, end, smooth) if smooth > 1 else self._thinned(x, begin, end)
        if key:
            drawn = [(at, None if y is None else key(y), count) for at, y, count in drawn]
        at, y, counts = zip(*drawn, strict=True) if drawn else ((), (), ())
        return Curve(name, at, y, role, counts=counts if end - begin > MOST else ())

    def _axis(self, axis: str) -> Sequence[float]:
        axes: dict[str, Sequence[float]] = {"steps": self.steps, "seconds": self.seconds, "tokens": self.tokens}
        return axes[axis]

    def _value(self, index: int) -> float | None:
        value = self.y[index]
        return value if value == value else None

    def _thinned(self, x: Sequence[float], begin: int, end: int, *, with_news: bool = True) -> list[Drawn]:
        """The points `begin` to `end`, in the finest blocks that are few enough. The newest point is always itself."""
        level = next((at for at in range(_LEVELS) if end - begin <= MOST * _FACTOR**at), _LEVELS)
        drawn: list[Drawn] = []
        news = None if with_news else math.inf
        for blocks in reversed(self._blocks[:level]):
            if not drawn:
                begin -= begin % blocks.size
            # The last block is drawn by finer ones, so that the curve ends where it ends and with what was last.
            first, stop = begin // blocks.size, (end - 1) // blocks.size
            spreads = list(map(sub, blocks.highs[first:stop], blocks.lows[first:stop]))
            news = _usual(spreads) / 2 * _NEWS if news is None else news
            drawn += self._of_blocks(blocks, x, first, stop, spreads, news)
            begin = max(begin, stop * blocks.size)
        return drawn + [(float(x[index]), self._value(index), 1) for index in range(begin, end)]

    def _of_blocks(
        self, blocks: _Blocks, x: Sequence[float], begin: int, end: int, spreads: Sequence[float], news: float
    ) -> list[Drawn]:
        size, counts = blocks.size, blocks.counts[begin:end]
        places = map(float, x[begin * size + size // 2 : end * size : size])
        # A block without a number, and one that may hold news, are looked at; the others take no time.
        special = {at for at, spread in enumerate(spreads) if spread > news or spread < 0}
        if not special:
            return list(zip(places, map(truediv, blocks.sums[begin:end], counts), counts, strict=True))
        drawn: list[Drawn] = []
        for at, (place, total, count) in enumerate(zip(places, blocks.sums[begin:end], counts, strict=True)):
            if at not in special:
                drawn.append((place, total / count, count))
            elif not count:
                drawn.append((place, None, size))
            else:
                drawn += self._with_news(place, self.y[(begin + at) * size : (begin + at + 1) * size], news)
        return drawn

    def _with_news(self, at: float, values: Sequence[float], news: float) -> Iterator[Drawn]:
        """A block whose least or most is news, as itself and the mean of the rest."""
        known = [value for value in values if value == value]
        mean = sum(known) / len(known)
        told = {extreme for extreme in (min(known), max(known)) if abs(extreme - mean) > max(news, abs(mean) * 1e-9)}
        for extreme in sorted(told):
            yield at, extreme, known.count(extreme)
        rest = [value for value in known if value not in told]
        if rest:
            yield at, sum(rest) / len(rest), len(rest)

    def _smoothed(self, x: Sequence[float], begin: int, end: int, smooth: int) -> list[Drawn]:
        """A block of n points moves the mean as far as n points would: by 1 - (1 - 1/smooth)^n of the way."""
        first = x[begin] if begin < end else 0.0
        drawn: list[Drawn] = []
        mean: float | None = None
        shares: dict[int, float] = {}
        for at, y, count in self._thinned(x, max(0, begin - _REACH * smooth), end, with_news=False):
            if y is not None:
                share = shares.get(count)
                if share is None:
                    share = shares[count] = 1 - (1 - 1 / smooth) ** count
                mean = y if mean is None else mean + (y - mean) * share
            if at >= first:
                drawn.append((at, None if y is None else mean, count))
        return drawn


def _usual(spreads: Sequence[float]) -> float:
    """The middle one of those that are some."""
    known = sorted(spread for spread in spreads if spread >= 0)
    return known[len(known) // 2] if known else math.inf
