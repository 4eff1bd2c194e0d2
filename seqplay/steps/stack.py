"""A whole trained stack one token at a time: what seqplay.engine.stack computes, without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from seqplay.steps.cell import Array, CellStep, Weights

LARGEST_TABLE = 1 << 24  # numbers in the first layer's table (64 MB); a larger vocabulary is projected token by token
QUIETLY = np.errstate(over="ignore", invalid="ignore")  # that weights have diverged is told by the odds


class StackStep:
    """`step(token, state)` -> logits (vocabulary), next state. `state` None is the start.

    Raises KeyError, ValueError or IndexError for weights that are not those of such a stack.
    """

    def __init__(
        self, weights: Weights, layers: int, cell: Callable[[Weights], CellStep], wrap: bool, residual: bool
    ) -> None:
        self.embedding = weights["embedding.weight"]
        self.head, self.bias = weights["head.weight"], weights["head.bias"]
        if not (self.embedding.ndim == self.head.ndim == 2 and self.head.shape[:1] == self.bias.shape):
            raise ValueError(f"the head is {self.head.shape} and {self.bias.shape}, the vectors {self.embedding.shape}")
        if any(weight.dtype != np.float32 for weight in weights.values()):
            raise ValueError("not every number is a float32")
        self.cells = [cell(_under(weights, f"cells.{i}.")) for i in range(layers)]
        self.norms = [_norm(_under(weights, f"norms.{i}.")) for i in range(layers)]
        self.wrap, self.residual = wrap, residual
        rows, width = self.embedding.shape[0], self._enter(self.embedding[:1]).shape[1]
        self.table = self._enter(self.embedding) if rows * width <= LARGEST_TABLE else None

    @QUIETLY
    def __call__(self, token: int, state: Any = None) -> tuple[Array, Any]:
        x = self.embedding[token]
        next_state = []
        for layer, (cell, norm) in enumerate(zip(self.cells, self.norms, strict=True)):
            if layer == 0:
                projected = self.table[token] if self.table is not None else self._enter(x)
            else:
                projected = cell.project(norm(x))
            y, s = cell.advance(projected, None if state is None else state[layer])
            x = x + y if x.shape == y.shape and (self.wrap or (self.residual and layer > 0)) else y
            next_state.append(s)
        return self.head @ x + self.bias, next_state

    @QUIETLY
    def _enter(self, vectors: Array) -> Array:
        return self.cells[0].project(self.norms[0](vectors))


def _under(weights: Weights, prefix: str) -> Weights:
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}


def _norm(weights: Weights) -> Callable[[Array], Array]:
    """Layer normalisation with PyTorch's epsilon, or nothing where the stack has none."""
    if not weights:
        return lambda x: x
    scale, shift = weights["weight"], weights["bias"]
    if not (scale.ndim == 1 and scale.shape == shift.shape):
        raise ValueError(f"a norm is {scale.shape} and {shift.shape}")

    def norm(x: Array) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        normed: Array = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale + shift
        return normed

    return norm
