"""Writing: odds over the next token, bent by temperature, top-k and top-p, one token after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seqplay.errors import RunError
from seqplay.options import option
from seqplay.steps.cell import Array

Ids = npt.NDArray[np.integer[Any]]
Step = Callable[[int, Any], tuple[Array, Any]]


@dataclass(frozen=True)
class Dials:
    """How to choose among the model's odds; seed None is new each time. `options.configure` makes and checks it."""

    temperature: float = option(0.8, help="0 takes the likeliest, 1 the model's own odds", low=0.0, high=100.0)
    top_k: int = option(0, help="choose among the k likeliest (0: all)", low=0, high=1 << 20)
    top_p: float = option(1.0, help="choose among the likeliest that together have these odds", low=0.0, high=1.0)
    seed: int | None = option(None, help="the same seed writes the same text", low=0, high=2**64 - 1)


def odds(logits: Array, dials: Dials) -> Array:
    """The probability of every token (vocabulary), the unknown symbol (id 0) never among them.

    top-k keeps the k likeliest; top-p the fewest whose odds reach p (Holtzman et al. 2020,
    https://arxiv.org/abs/1904.09751).
    """
    scores = _scores(logits)
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
        order = np.argsort(-scores, kind="stable")  # what is too small to differ in p differs here
        reached = np.cumsum(p[order])
        p[order[1:][reached[:-1] >= dials.top_p]] = 0
        p /= p.sum()
    return p


def surprise(logits: Array, token: int) -> float:
    """How unexpected a token is by the model's own odds (temperature 1), in bits: -log2 p."""
    scores = _scores(logits)
    highest = scores.max()
    return float(highest - scores[token] + np.log(np.exp(scores - highest).sum())) / math.log(2)


def _scores(logits: Array) -> npt.NDArray[np.float64]:
    """The logits without the unknown symbol. Raises RunError where they are not finite."""
    scores = logits.astype(np.float64)
    scores[0] = -np.inf
    if not np.isfinite(scores[1:]).all():
        raise RunError(
            "The model's odds are not finite: its training has diverged. Train it with a lower learning rate."
        )
    return scores


def write(step: Step, prompt: Sequence[int] | Ids, length: int, dials: Dials) -> Iterator[int]:
    """`length` tokens that follow the prompt (at least one token)."""
    random = np.random.default_rng(dials.seed)
    state: Any = None
    for token in prompt:
        logits, state = step(int(token), state)
    for _ in range(length):
        token = choose(logits, dials, random)
        yield token
        logits, state = step(token, state)


def choose(logits: Array, dials: Dials, random: np.random.Generator) -> int:
    """A token drawn by its odds."""
    cumulative = np.cumsum(odds(logits, dials), dtype=np.float64)
    return int(np.searchsorted(cumulative, random.random() * cumulative[-1], side="right"))
