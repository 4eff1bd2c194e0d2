"""One token through a SimpleRNN layer; the equation stands in seqplay/engine/cells/rnn.py."""

from __future__ import annotations

import numpy as np

from seqplay.steps.cell import Array, CellStep, Weights


def step(weights: Weights) -> CellStep:
    W, U = weights["layer.weight_ih_l0"], weights["layer.weight_hh_l0"]
    b = weights["layer.bias_ih_l0"] + weights["layer.bias_hh_l0"]

    def advance(p: Array, state: Array | None) -> tuple[Array, Array]:
        h = np.tanh(p if state is None else p + U @ state)
        return h, h

    return CellStep(lambda x: x @ W.T + b, advance)
