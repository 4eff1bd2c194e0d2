"""The layers of a network of pictures, as `seqplay show` lists them: found by running it once, so that no model need
list its own.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

Row = tuple[str, tuple[int, ...], int]  # a layer's name, its output's shape without the rows, its parameters


def layer_rows(network: nn.Module, inputs: Tensor, whose: str = "") -> list[Row]:
    """A row for every stage of a network that reads `inputs` (1, ...), in the order in which they are first used, and a
    last one for weights that are in none of them. Shapes of maps are (height, width, channels).

    A stage is a child of the network, or of the only Sequential that it holds. Nothing of the network changes: a copy
    is tried.
    """
    tried, rows = copy.deepcopy(network).eval(), dict[str, Row]()

    def note(name: str, stage: nn.Module, _: Any, output: Any) -> None:
        rows.setdefault(name, (f"{whose} {_words(name)}".lstrip(), _shape(output), _parameters(stage)))

    for name, stage in _stages(tried):
        stage.register_forward_hook(partial(note, name))
    with torch.no_grad():
        output = tried(inputs)
    if rest := _parameters(tried) - sum(parameters for _, _, parameters in rows.values()):
        rows["rest"] = (f"{whose} own weights".lstrip(), _shape(output), rest)
    return list(rows.values())


def to_table(rows: Sequence[Row], batch: int) -> list[list[Any]]:
    """Rows as a plan holds them: (layer, output shape with the batch, parameters)."""
    return [[name, str((batch, *shape)), parameters] for name, shape, parameters in rows]


def _stages(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    children = dict(network.named_children())
    if len(children) == 1 and isinstance(only := next(iter(children.values())), nn.Sequential):
        children = dict(only.named_children())
    for name, child in children.items():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):  # which is never called itself
            yield from ((f"{name} {place}", stage) for place, stage in child.named_children())
        else:
            yield name, child


def _words(name: str) -> str:
    """A child's name as people read it: "max_pool1" is "max-pool 1"."""
    return re.sub(r"(?<=[a-z])(?=\d)", " ", name).replace("_", "-")


def _shape(output: Any) -> tuple[int, ...]:
    """Of one row; of several tensors the first one's counts."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, Tensor):
        return ()
    shape = tuple(output.shape[1:])
    return (*shape[1:], shape[0]) if len(shape) == 3 else shape


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
