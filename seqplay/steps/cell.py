"""What a cell's torch-free step is: the part of a layer that sees only its input, and the part that carries state.

The two are apart because the first layer's input is one of a few token vectors: what it gives is worked out once for
each token and looked up from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Weights = Mapping[str, Array]


@dataclass(frozen=True)
class CellStep:
    """`project` maps inputs (..., inputs) to (..., K); `advance` maps one projected token (K) and the state to y
    (width) and the next state. `state` None is the start.
    """

    project: Callable[[Array], Array]
    advance: Callable[[Array, Any], tuple[Array, Any]]


def recurrent_layer(weights: Weights, gates: int) -> tuple[Array, Array, Array, Array]:
    """What PyTorch keeps of a recurrent layer: W (gates·H, inputs), U (gates·H, H), and two biases (gates·H).

    Raises ValueError where they do not fit each other: numpy would stretch a bias of another shape to any size.
    """
    W, U, b, d = (weights[f"layer.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    rows = (gates * U.shape[-1],)
    if not (W.ndim == U.ndim == 2 and W.shape[:1] == U.shape[:1] == b.shape == d.shape == rows):
        raise ValueError(f"a layer's weights are {W.shape} and {U.shape}, its biases {b.shape} and {d.shape}")
    return W, U, b, d


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by a form that cannot overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), x.dtype)
