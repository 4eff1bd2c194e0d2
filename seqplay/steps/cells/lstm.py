"""One token through an LSTM layer; the equations stand in seqplay/engine/cells/lstm.py."""

from __future__ import annotations

import numpy as np

from seqplay.steps.cell import Array, CellStep, Weights, recurrent_layer, sigmoid


def step(weights: Weights) -> CellStep:
    W, U, b, d = recurrent_layer(weights, gates=4)
    b = b + d
    H = U.shape[1]

    def advance(p: Array, state: tuple[Array, Array] | None) -> tuple[Array, tuple[Array, Array]]:
        h, c = state or (np.zeros(H, np.float32), np.zeros(H, np.float32))
        a = p + U @ h
        i, f, o = sigmoid(a[:H]), sigmoid(a[H : 2 * H]), sigmoid(a[3 * H :])
        c = f * c + i * np.tanh(a[2 * H : 3 * H])
        h = o * np.tanh(c)
        return h, (h, c)

    return CellStep(lambda x: x @ W.T + b, advance)
