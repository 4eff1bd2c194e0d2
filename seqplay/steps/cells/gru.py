"""One token through a GRU layer; the equations stand in seqplay/engine/cells/gru.py."""

from __future__ import annotations

import numpy as np

from seqplay.steps.cell import Array, CellStep, Weights, recurrent_layer, sigmoid


def step(weights: Weights) -> CellStep:
    W, U, b, d = recurrent_layer(weights, gates=3)
    H = U.shape[1]

    def advance(p: Array, state: Array | None) -> tuple[Array, Array]:
        h = np.zeros(H, np.float32) if state is None else state
        a = U @ h + d
        rz = sigmoid(p[: 2 * H] + a[: 2 * H])
        r, z = rz[:H], rz[H:]
        n = np.tanh(p[2 * H :] + r * a[2 * H :])
        h = n + z * (h - n)
        return h, h

    return CellStep(lambda x: x @ W.T + b, advance)
