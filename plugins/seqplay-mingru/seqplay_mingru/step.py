"""One token through a minGRU or minLSTM layer, in numpy; the equations stand in cell.py.

To write, a network reads one token at a time. There is so little to compute then that most of PyTorch's time goes into
getting ready, and numpy takes less than half of it. What depends on nothing but the layer's input is in `project`: in
the first layer it is worked out once for every symbol of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqplay.steps.cell import Array, CellStep, Weights, sigmoid

State = tuple[Array, Array]  # h (width), the convolution's last inputs (taps - 1, width)
Gates = Callable[[Array], tuple[Array, Array, Array]]  # W u + b -> what to keep, what to let in, h̃; each (width)


def mingru(weights: Weights) -> CellStep:
    def gates(p: Array) -> tuple[Array, Array, Array]:
        z, candidate = np.split(p, 2)
        z = sigmoid(z)
        return 1 - z, z, candidate

    return _step(weights, gates)


def minlstm(weights: Weights) -> CellStep:
    def gates(p: Array) -> tuple[Array, Array, Array]:
        i, f, candidate = np.split(p, 3)
        keep = sigmoid(np.logaddexp(0, -i) - np.logaddexp(0, -f))
        return keep, 1 - keep, candidate

    return _step(weights, gates)


def _step(weights: Weights, gates: Gates) -> CellStep:
    taps = weights["taps"]
    W, b = weights["gates.project.weight"], weights["gates.project.bias"]
    W1, b1 = weights["mlp_in.weight"], weights["mlp_in.bias"]
    W2, b2 = weights["mlp_out.weight"], weights["mlp_out.bias"]
    width = taps.shape[1]

    def norm(x: Array, name: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return np.asarray(centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"])

    def project(x: Array) -> Array:
        """e and norm(e), one after the other: (..., inputs) -> (..., 2 width)."""
        e = x @ weights["enter.weight"].T + weights["enter.bias"] if "enter.weight" in weights else x
        return np.concatenate([e, norm(e, "norm")], -1)

    def advance(p: Array, state: State | None) -> tuple[Array, State]:
        e, newest = p[:width], p[width:]
        h, tail = state or (np.zeros(width, np.float32), np.zeros((len(taps) - 1, width), np.float32))
        seen = np.concatenate([tail, newest[None]])
        keep, let_in, candidate = gates(W @ (taps * seen).sum(0) + b)
        h = keep * h + let_in * candidate
        v = e + h
        y = v + W2 @ np.maximum(W1 @ norm(v, "mlp_norm") + b1, 0) ** 2 + b2
        return norm(y, "out_norm"), (h, seen[1:])

    return CellStep(project, advance)
