"""What a plugin exports: one `Architecture`, named by an entry point, that describes a layer or a network to the rest
of seqplay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

CONTRACT = 1  # the version of the contract between seqplay and an architecture


@dataclass(frozen=True)
class NoOptions:
    """The config of an architecture that has nothing to set."""


@dataclass(frozen=True)
class Trace:
    """What one quantity of a layer, such as a gate, was at every token: `values` is a tensor (B, T, K), and `low` and
    `high` are the ends of its scale.
    """

    values: Any
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class PictureShape:
    """The size of a data set's pictures, and how many kinds of them it names (0: it names none)."""

    channels: int
    height: int
    width: int
    classes: int = 0


@dataclass(frozen=True)
class Architecture:
    """A cell (a sequence layer) or a model (a whole network), with everything a viewer needs to present it.

    `module` builds a cell as `module(config, inputs, width)`: an `nn.Module` whose `forward(x, state=None)` maps x
    (B, T, inputs) to y (B, T, width) and the next state. Calling it on chunks with the carried state equals calling
    it once. State is any nesting of tensors with rows in dimension 0, with the same tree, shapes and dtypes after
    every call. The module may have a method `trace(x, state) -> (y, state, {name: Trace})` that tells what its gates
    did, with the y and state of `forward`. It builds a model as `module(config, shape)`, with what the `task` that it
    is for says of shape and forward.
    """

    name: str
    kind: Literal["cell", "model"]
    module: Callable[..., Any]
    summary: str
    config: type[Any] = NoOptions
    source: str = ""
    wrap: bool = False
    """True lets the stack put the cell in `x + cell(norm(x))`; False means that the layer is whole."""
    residual: bool = False
    """True adds a layer's input to its output from the second layer on: a deep stack of plain cells then learns."""
    learning_rate: float = 0.01
    """The largest update that stays stable at up to 512 units, for when nobody asks for another."""
    betas: tuple[float, float] = (0.9, 0.99)
    """How slowly the optimiser's two moments follow (Adam's beta1 and beta2)."""
    weight_decay: float = 0.1
    average: float = 0.998
    """How slowly the averaged weights follow, which are what is shown and scored."""
    batch: int = 64
    """Of a model: rows that it learns from at the same time. A cell's depends on the tokens."""
    task: str = ""
    """Of a model: the one task that it is for. A cell works in every sequence task."""
    whole_batch: bool = False
    """Of a model: True where its rows depend on each other (batch normalisation) or it draws random numbers while it
    trains: they are then not dealt to threads."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """"float32" keeps the network out of bfloat16, also where the processor is faster in it."""
    step: str = ""
    """"package.module:function", a one-token step in numpy (seqplay.steps.cell), much faster than torch's.

    A built-in's lies in seqplay/steps/cells under the cell's name, so that sampling need not even import torch.
    """
    contract: int = CONTRACT
