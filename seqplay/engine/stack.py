"""The network of every sequence task: embedding, N cells with dropout between them, a head.

A cell's author writes one layer; depth, dropout, residual connections and the way in and out are here, once, for all
cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqplay.architecture import Architecture
from seqplay.engine.tree import Tree

NO_MASKS: Mapping[int, Tensor] = {}


@dataclass(frozen=True)
class StackShape:
    """Sizes of a stack. `embedding` is the width of a token's vector, `hidden` that of every cell's output."""

    vocabulary: int
    embedding: int
    hidden: int
    layers: int
    dropout: float
    """Share of units dropped after every cell."""
    embedding_dropout: float = 0.0
    """Share of units dropped before the first cell."""


class Stack(nn.Module):
    """forward(ids (B, T), state, masks) -> logits (B, T, vocabulary), next state (one entry a layer)."""

    def __init__(self, architecture: Architecture, config: Any, shape: StackShape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.embedding)
        nn.init.normal_(self.embedding.weight, std=0.5)
        widths = [shape.embedding] + [shape.hidden] * shape.layers
        build = architecture.module
        self.cells = nn.ModuleList(build(config, inputs, shape.hidden) for inputs in widths[:-1])
        norms = (nn.LayerNorm(w) if architecture.wrap and w == shape.hidden else nn.Identity() for w in widths[:-1])
        self.norms = nn.ModuleList(norms)
        self.architecture = architecture
        self.head = nn.Linear(shape.hidden, shape.vocabulary)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, state: Tree = None, masks: Mapping[int, Tensor] = NO_MASKS) -> tuple[Tensor, Tree]:
        x = self.embedding(ids)
        next_state = []
        for layer, (cell, norm) in enumerate(zip(self.cells, self.norms, strict=True)):
            x = _drop(x, masks, layer)
            y, s = cell(norm(x), None if state is None else state[layer])
            x = x + y if adds_input(layer, self.architecture) and x.shape == y.shape else y
            next_state.append(s)
        return self.head(_drop(x, masks, self.shape.layers)), tuple(next_state)

    def draw_masks(self, rows: int, time: int, seed: int, step: int) -> dict[int, Tensor]:
        """What dropout keeps in one batch, one (rows, time, width) tensor of 0 and 1/keep before each cell and the
        head.

        Drawn for the whole batch from (seed, step, layer), before rows are dealt to threads, so that any number of
        threads drops the same units. One random byte a unit: the share dropped is rounded to 1/256.
        """
        places = [(self.shape.embedding, self.shape.embedding_dropout)]
        places += [(self.shape.hidden, self.shape.dropout)] * self.shape.layers
        masks: dict[int, Tensor] = {}
        for place, (width, share) in enumerate(places):
            dropped = round(share * 256)
            if dropped:
                random = np.random.Generator(np.random.SFC64([seed, step, place])).bytes(rows * time * width)
                kept = torch.frombuffer(bytearray(random), dtype=torch.uint8).view(rows, time, width) >= dropped
                masks[place] = kept.to(torch.bfloat16) * (256 / (256 - dropped))
        return masks


def adds_input(layer: int, architecture: Architecture) -> bool:
    """Whether a layer's output is added to its input, where both are of one width."""
    return architecture.wrap or (architecture.residual and layer > 0)


def _drop(x: Tensor, masks: Mapping[int, Tensor], place: int) -> Tensor:
    return x * masks[place] if place in masks else x
