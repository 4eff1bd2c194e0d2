"""Writing: odds over the next token, bent by temperature, top-k and top-p, one token after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seqplay.errors import UsageError
from seqplay.options import Option, check
from seqplay.steps.cell import Array

Ids = npt.NDArray[np.integer[Any]]
Step = Callable[[int, Any], tuple[Array, Any]]


@dataclass(frozen=True)
class Dials:
    """temperature 0 always takes the likeliest; top_k 0 and top_p 1 cut nothing; seed None is new each time."""

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        check(Option("temperature", float, 0.8, "", 0.0, 100.0), self.temperature)
        check(Option("top_k", int, 0, "", 0), self.top_k)
        check(Option("top_p", float, 1.0, "", 0.0, 1.0), self.top_p)


def odds(logits: Array, dials: Dials) -> Array:
    """The probability of every token (vocabulary), the unknown symbol (id 0) never among them.

    top-k keeps the k likeliest; top-p the fewest whose odds reach p (Holtzman et al. 2020,
    https://arxiv.org/abs/1904.09751).
    """
    scores = logits.astype(np.float64)
    scores[0] = -np.inf
    if not np.isfinite(scores[1:]).all():
        raise UsageError(
            "The model's odds are not finite: its training has diverged. Train it with a lower learning rate."
        )
    if dials.temperature == 0:
        certain: Array = (np.arange(len(scores)) == scores.argmax()).astype(np.float32)
        return certain
    with np.errstate(over="ignore"):  # the smallest temperatures make an unlikely token's score -inf, as it should be
        scores = (scores - scores.max()) / dials.temperature
    if 0 < dials.top_k < len(scores):
        scores[scores < np.partition(scores, -dials.top_k)[-dials.top_k]] = -np.inf
    p: Array = np.exp(scores).astype(np.float32)
    p /= p.sum()
    if dials.top_p < 1:
        order = np.argsort(-p, kind="stable")
        reached = np.cumsum(p[order])
        p[order[1:][reached[:-1] >= dials.top_p]] = 0
        p /= p.sum()
    return p


def write(step: Step, prompt: Sequence[int] | Ids, length: int, dials: Dials) -> Iterator[int]:
    """`length` tokens that follow the prompt (at least one token)."""
    random = np.random.default_rng(dials.seed)
    state: Any = None
    for token in prompt:
        logits, state = step(int(token), state)
    for _ in range(length):
        cumulative = np.cumsum(odds(logits, dials), dtype=np.float64)
        token = int(np.searchsorted(cumulative, random.random() * cumulative[-1], side="right"))
        yield token
        logits, state = step(token, state)
