"""What simple counting and gzip reach on the texts of runs: the floors of their charts, asked once for each text."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from seqplay.errors import SeqplayError
from seqplay.figures import Floor
from seqplay.processes.worker import Worker
from seqplay.recipe import Plan

if TYPE_CHECKING:
    from seqplay.data.xray import Xray

Key = tuple[str, float]
"""The SHA-256 of a text, and the share of it that is held out."""


class Yardsticks:
    """`begin` runs what a callable makes in place of what it ran before, which may never have begun; `tell` is called
    when something more is known.
    """

    def __init__(self, begin: Callable[[Callable[[], Awaitable[None]]], object], tell: Callable[[], None]) -> None:
        self._begin, self._tell = begin, tell
        self._worker = Worker()  # of its own: what is asked about other texts would end its answer
        self._xrays: dict[Key, Xray] = {}
        self._ended: set[Key] = set()  # those of which no more will be known
        self._asked: Key | None = None  # the one that is looked at now
        self._turn = 0
        self._is_closed = False

    def of(self, plan: Plan | None) -> list[Floor]:
        """The floors of a plan's text in nats a token; none until they are known, where nothing is held out, and of
        what is no text.
        """
        if plan is None or plan.model or not plan.held_out_tokens:
            return []
        key = plan.data, plan.holdout
        if key not in self._ended and key != self._asked and not self._is_closed:
            self._asked, self._turn = key, self._turn + 1
            self._begin(partial(self._look, plan, key, self._turn))
        xray = self._xrays.get(key)
        return [] if xray is None else floors(xray, plan)

    async def close(self) -> None:
        self._is_closed = True
        await self._worker.close()

    async def _look(self, plan: Plan, key: Key, turn: int) -> None:
        from seqplay.data.xray import from_row

        try:
            async for row in self._worker.ask("xray", data=plan.data, name=plan.source, holdout=plan.holdout):
                if row.pop("kind") == "xray":
                    xray = self._xrays[key] = from_row(row)
                    if xray.is_final:
                        self._ended.add(key)
                    self._tell()
        except (SeqplayError, ValueError):
            self._ended.add(key)  # without its text a run has no yardsticks, and needs none
        finally:
            if self._turn == turn:
                self._asked = None  # what did not end is asked for again


def floors(xray: Xray, plan: Plan) -> list[Floor]:
    """What is known, in nats a token of this plan; an X-ray tells bits a character. None of a text of which only the
    beginning was read: its end, which is held out, was not scored, and nobody knows how many characters a token has.
    """
    tokens = plan.train_tokens + plan.held_out_tokens
    if xray.is_partial or not tokens:
        return []
    characters = 1.0 if plan.tokens == "char" else xray.characters / tokens
    bits = {"uniform": xray.uniform, "unigram": xray.unigram, "gzip": xray.gzip, "5-gram": xray.five_gram}
    return [Floor(name, each * math.log(2) * characters) for name, each in bits.items() if each is not None]
