"""What a model has read, kept: the state after every token, so that it goes on from any place of a text at once.

A viewer asks about one text again and again: a token longer, a token shorter, with another temperature, at a place in
its middle. Read from its beginning each time, 600 tokens would take a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from seqplay.steps.cell import Array
from seqplay.steps.writing import Dials, Step, choose, surprise

MOST_BYTES = 1 << 25  # of the states kept for one text; then every second goes
MOST_READINGS = 8


@dataclass
class Reading:
    """A text as far as it was read: its `ids`, the `bits` of surprise of each (None for the first, which nothing
    predicts), and the `logits` and the `state` after the last.

    `states[n]` is the state after n tokens, for the multiples of `stride`.
    """

    ids: list[int]
    bits: list[float | None]
    logits: Array
    state: Any
    states: dict[int, Any]
    stride: int = 1


class Reader:
    """A model that remembers the last few texts that it read or wrote."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.recent: list[Reading] = []  # the last used last

    def read(self, ids: Sequence[int]) -> Reading:
        """The reading of one token or more; what an earlier text shares with it is not read again."""
        reading, shared = self._begin(ids)
        if shared < len(ids):
            self._keep(reading)  # before it is read: if that is stopped, it is not for nothing
        for token in islice(ids, shared, None):
            self._take(reading, token)
        return reading

    def write(self, reading: Reading, length: int, dials: Dials) -> Iterator[int]:
        """`length` tokens that follow a reading, which grows by each before it is given."""
        self._keep(reading)
        random = np.random.default_rng(dials.seed)
        for _ in range(length):
            token = choose(reading.logits, dials, random)
            self._take(reading, token)
            yield token

    def _begin(self, ids: Sequence[int]) -> tuple[Reading, int]:
        """A new reading of the longest part of `ids` that was read before, and its length."""
        shared, known = max(((_shared(r.ids, ids), i) for i, r in enumerate(self.recent)), default=(0, 0))
        if shared == 0:
            return Reading([], [], np.zeros(0, np.float32), None, {}), 0
        self.recent.append(old := self.recent.pop(known))
        whole = shared == len(old.ids)
        start = shared if whole else max((n for n in range(shared - old.stride, shared) if n in old.states), default=0)
        states = {n: state for n, state in old.states.items() if n <= start}
        reading = Reading(old.ids[:start], old.bits[:start], old.logits, old.state, states, old.stride)
        if not whole:
            reading.state = states.get(start)
            for token in old.ids[start:shared]:
                self._take(reading, token, old.bits[len(reading.ids)])
        return reading, shared

    def _take(self, reading: Reading, token: int, bits: float | None = None) -> None:
        """Read one more token; its bits where they are known already."""
        if bits is None and reading.ids:
            bits = surprise(reading.logits, token)
        logits, state = self.step(token, reading.state)
        reading.ids.append(token)
        reading.bits.append(bits)
        reading.logits, reading.state = logits, state
        count = len(reading.ids)
        if count % reading.stride == 0:
            reading.states[count] = state
            if len(reading.states) > max(2, MOST_BYTES // max(1, _bytes(state))):
                reading.stride *= 2
                reading.states = {n: s for n, s in reading.states.items() if n % reading.stride == 0}

    def _keep(self, reading: Reading) -> None:
        """Remember a reading in place of those that it goes on from, and of the one that was used least lately."""
        others = [
            r
            for r in self.recent
            if r is not reading and not (len(r.ids) < len(reading.ids) and _shared(r.ids, reading.ids) == len(r.ids))
        ]
        self.recent = [*others[-MOST_READINGS + 1 :], reading]


def _shared(some: Sequence[int], others: Sequence[int]) -> int:
    """How many tokens two texts have in common from the beginning."""
    count = min(len(some), len(others))
    if some[:count] == others[:count]:
        return count
    return next(n for n, (one, other) in enumerate(zip(some, others, strict=False)) if one != other)


def _bytes(state: Any) -> int:
    """What a state takes: any nesting of arrays."""
    if isinstance(state, Mapping):
        return sum(map(_bytes, state.values()))
    if isinstance(state, list | tuple):
        return sum(map(_bytes, state))
    return int(getattr(state, "nbytes", 0))
