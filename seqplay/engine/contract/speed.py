"""How fast a cell learns, beside an LSTM of as many parameters. Nothing asserts it: the author should know."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch

from seqplay.architecture import Architecture
from seqplay.engine import device, loop
from seqplay.engine.cells.lstm import lstm
from seqplay.engine.contract.trial import Letters, plan_for, training_of
from seqplay.engine.contract.undisturbed import undisturbed
from seqplay.engine.stack import Stack, StackShape

VOCABULARY, UNITS, ROWS, TIME = 96, 128, 32, 64
SECONDS, ROUNDS = 2.0, 5


@dataclass(frozen=True)
class Speed:
    """Tokens per second in training, of a stack of one layer, and of an LSTM whose layer has as many parameters."""

    tokens_per_second: float
    lstm_tokens_per_second: float
    ratio: float
    """Above 1 the cell is faster."""
    parameters: int
    lstm_parameters: int
    """Of the layer alone: embedding and head are the same."""
    precision: str


def speed(architecture: Architecture, seconds: float = SECONDS) -> Speed:
    """Measure both in turns, on as many threads as a run of this size would take, for about so long."""
    with undisturbed():
        own = _Learner(architecture, UNITS)
        beside = _Learner(lstm, _width_of(own.parameters))
        learners = (own, beside)
        try:
            for learner in learners:
                learner.measure(1)
            updates = [max(1, round(seconds / len(learners) / ROUNDS / one.measure(1))) for one in learners]
            took = [[one.measure(n) for one, n in zip(learners, updates, strict=True)] for _ in range(ROUNDS)]
        finally:
            for learner in learners:
                learner.hands.close()
    rates = [ROWS * TIME / median(column) for column in zip(*took, strict=True)]
    ratio = median(theirs / mine for mine, theirs in took)
    return Speed(rates[0], rates[1], ratio, own.parameters, beside.parameters, own.plan.precision)


class _Learner:
    def __init__(self, architecture: Architecture, width: int) -> None:
        torch.manual_seed(0)
        network = Stack(architecture, architecture.config(), StackShape(VOCABULARY, UNITS, width, 1, 0.0))
        self.parameters = sum(p.numel() for p in network.cells.parameters())
        ids = torch.randint(VOCABULARY, (ROWS, TIME + 1))
        threads = device.cores()
        self.plan = plan_for(
            architecture,
            ROWS,
            1_000_000,
            precision=device.pick_precision("cpu", architecture.precision),
            threads=threads,
            slices=device.pick_slices("cpu", threads, ROWS, 1, width),
        )
        self.hands, self.training = loop.Hands(self.plan), training_of(network, self.plan)
        self.task: Any = Letters(lambda _: ids)

    def measure(self, updates: int) -> float:
        """Seconds an update."""
        torch.set_num_threads(self.plan.threads if self.plan.slices == 1 else 1)
        began = time.perf_counter()
        for _ in range(updates):
            loop.update(self.training, self.task, self.plan, self.hands)
        return (time.perf_counter() - began) / updates


def _width_of(parameters: int) -> int:
    """Of an LSTM on the same embedding whose layer has about so many parameters."""
    return min(range(1, 2048), key=lambda width: abs(4 * width * (UNITS + width + 2) - parameters))
