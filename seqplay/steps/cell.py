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


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by a form that cannot overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)), x.dtype)
