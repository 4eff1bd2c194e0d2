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
class Architecture:
    """A cell (a sequence layer) or a model (a whole network), with everything a viewer needs to present it.

    `module` builds a cell as `module(config, inputs, width)`: an `nn.Module` whose `forward(x, state=None)` maps x
    (B, T, inputs) to y (B, T, width) and the next state. Calling it on chunks with the carried state equals calling
    it once. State is any nesting of tensors with rows in dimension 0, with the same tree, shapes and dtypes after
    every call.
    """

    name: str
    kind: Literal["cell", "model"]
    module: Callable[[Any, int, int], Any]
    summary: str
    config: type[Any] = NoOptions
    source: str = ""
    wrap: bool = False
    """True lets the stack put the cell in `x + cell(norm(x))`; False means that the layer is whole."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """"float32" keeps the cell out of bfloat16, also where the processor is faster in it."""
    step: str = ""
    """"package.module:function", a torch-free one-token step, so that sampling starts without loading torch."""
    contract: int = CONTRACT
