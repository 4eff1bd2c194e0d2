"""One token through a SimpleRNN layer; the equation stands in seqplay/engine/cells/rnn.py."""

from __future__ import annotations

import numpy as np

from seqplay.steps.cell import Array, CellStep, Weights, recurrent_layer


def step(weights: Weights) -> CellStep:
    W, U, b, d = recurrent_layer(weights, gates=1)
    b = b + d

    def advance(p: Array, state: Array | None) -> tuple[Array, Array]:
        h = np.tanh(p if state is None else p + U @ state)
        return h, h

    return CellStep(lambda x: x @ W.T + b, advance)
