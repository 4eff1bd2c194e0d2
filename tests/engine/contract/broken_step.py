"""The step of broken.Whole, and one that is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqplay.steps.cell import CellStep, sigmoid


def step(weights: Any) -> CellStep:
    W, b, V, c = (weights[name] for name in ("gate.weight", "gate.bias", "value.weight", "value.bias"))

    def project(x: Any) -> Any:
        a = sigmoid(x @ W.T + b)
        return np.concatenate([a, (1 - a) * np.tanh(x @ V.T + c)], -1)

    def advance(projected: Any, state: Any) -> Any:
        a, v = np.split(projected, 2)
        h = v if state is None else a * state + v
        return h, h

    return CellStep(project, advance)


def wrong_step(weights: Any) -> CellStep:
    right = step(weights)
    return CellStep(right.project, lambda projected, state: right.advance(projected, None))
