"""What of a held-out part stands in the training part too, word for word: a model may have learned it by heart, so it
tells nothing of what the model can do.

Blocks are compared by a 64-bit hash, which takes the same time for any length (M. O. Rabin and R. M. Karp, "Efficient
randomized pattern-matching algorithms", 1987). What is said to be the longest block is compared itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LONG = 50  # characters; shorter blocks are shared by chance, or as phrases
FIRST = 16  # characters that are looked for first: nearly every place falls out
TRIED = 9  # places whose whole block is looked at, before all others are asked for a longer one
STRETCH = 1 << 18  # windows at a time
BASE, SPREAD = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93  # odd: BASE has an inverse modulo 2**64
TOP = 40  # a hash without its last so many bits tells most windows apart at once

Symbols = npt.NDArray[np.unsignedinteger[Any]]
Places = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Overlap:
    """The longest block of the held-out part that the training part has too: where it begins in the held-out part and
    its length, 0 for none; and which share of the held-out part lies in such blocks of LONG characters or more.
    """

    begin: int
    length: int
    share: float


def overlap(train: Symbols, held_out: Symbols) -> Overlap:
    """Of two texts as code points or ids."""
    windows = _Windows(np.concatenate([train, held_out]), len(train))
    everywhere = _Shared(np.arange(windows.kept, windows.end, dtype=np.int32), np.arange(windows.kept, dtype=np.int32))
    first = _narrowed(windows, everywhere, FIRST)
    long = _narrowed(windows, first, LONG)
    if len(long.here):
        begin, length = _longest(windows, long, LONG)
    elif len(first.here):
        begin, length = _longest(windows, first, FIRST)
    else:
        begin, length = _longest(windows, _narrowed(windows, everywhere, 1), 1)
    return Overlap(begin - windows.kept, length, _covered(long.here, LONG) / max(1, len(held_out)))


@dataclass(frozen=True)
class _Shared:
    """The places, in order, of the held-out part and of the training part where a window stands that both have."""

    here: Places
    there: Places


class _Windows:
    """Hashes of all windows of a text, sums of its symbols times powers of BASE, divided by that of the first. The
    first `kept` symbols are the training part.
    """

    def __init__(self, symbols: Symbols, kept: int) -> None:
        self.symbols, self.kept, self.end = symbols, kept, len(symbols)
        self._sums = np.zeros(len(symbols) + 1, np.uint64)
        terms = self._sums[1:]
        terms[:] = symbols
        terms += np.uint64(1)
        terms *= np.uint64(SPREAD)
        terms *= _powers(BASE, len(symbols))
        np.cumsum(terms, out=terms)
        self._inverse = _powers(pow(BASE, -1, 1 << 64), len(symbols))

    def hashes(self, places: Places, length: int) -> Hashes:
        if len(places) == 0:
            return np.zeros(0, np.uint64)
        first, last = int(places[0]), int(places[-1]) + 1
        if last - first == len(places):  # all between them: no need to pick
            return (self._sums[first + length : last + length] - self._sums[first:last]) * self._inverse[first:last]
        hashes = self._sums[places + length]
        hashes -= self._sums[places]
        hashes *= self._inverse[places]
        return hashes

    def alike(self, one: int, two: int) -> int:
        """How many symbols are the same from a place of the held-out part and one of the training part on."""
        most, length, step = min(self.end - one, self.kept - two), 0, LONG
        while length < most:
            step = min(2 * step, most - length)
            mine, theirs = (self.symbols[place + length : place + length + step] for place in (one, two))
            differ = mine != theirs
            if differ.any():
                return length + int(np.argmax(differ))
            length += step
        return length


def _powers(base: int, count: int) -> Hashes:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers, out=powers)


def _narrowed(windows: _Windows, among: _Shared, length: int) -> _Shared:
    """Those places where a window of this length is shared."""
    here = among.here[among.here <= windows.end - length]
    there = among.there[among.there <= windows.kept - length]
    if len(here) == 0 or len(there) == 0:
        return _Shared(here[:0], there[:0])
    mine = windows.hashes(here, length)
    known = np.unique(mine)
    seen, near = np.zeros(len(known), bool), np.zeros(1 << (64 - TOP), bool)
    near[known >> np.uint64(TOP)] = True
    found = []
    for some in _stretches(there):
        theirs = windows.hashes(some, length)
        maybe = np.flatnonzero(near[theirs >> np.uint64(TOP)])
        slots, same = _found(known, theirs[maybe])
        seen[slots[same]] = True
        found.append(some[maybe[same]])
    slots, _ = _found(known, mine)
    return _Shared(here[seen[slots]], np.concatenate(found))


def _found(known: Hashes, wanted: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where in `known`, which is in order, each wanted one would be, and whether it is there.

    They are looked up in order: in a large table at random, each would have to be fetched from the memory.
    """
    order = np.argsort(wanted)
    slots = np.empty(len(wanted), np.int64)
    slots[order] = np.searchsorted(known[:-1], wanted[order])
    return slots, known[slots] == wanted


def _longest(windows: _Windows, shared: _Shared, length: int) -> tuple[int, int]:
    """Where the longest shared block begins, and its length, among places that share windows of a length."""
    begin, longest = windows.kept, 0
    while len(shared.here):
        block, place = max((windows.alike(one, two), -one) for one, two in _pairs(windows, shared, length))
        if block < length:  # only their hashes are the same
            break
        begin, longest, length = -place, block, block + 1
        shared = _narrowed(windows, shared, length)
    return begin, longest


def _pairs(windows: _Windows, shared: _Shared, length: int) -> Iterator[tuple[int, int]]:
    """Some places of the held-out part, the first among them, each with the first of the training part that is like
    it.
    """
    tried = shared.here[np.linspace(0, len(shared.here) - 1, TRIED).astype(int)][::-1]
    wanted = {int(windows.hashes(tried[i : i + 1], length)[0]): int(tried[i]) for i in range(TRIED)}
    for some in _stretches(shared.there):
        theirs = windows.hashes(some, length)
        for value, place in list(wanted.items()):
            same = theirs == np.uint64(value)
            if same.any():
                yield place, int(some[np.argmax(same)])
                del wanted[value]


def _stretches(places: Places) -> Iterator[Places]:
    return (places[start : start + STRETCH] for start in range(0, len(places), STRETCH))


def _covered(places: Places, length: int) -> int:
    """How many symbols lie in windows of a length that begin at these places, which are in order."""
    return int(np.minimum(np.diff(places), length).sum()) + length if len(places) else 0
