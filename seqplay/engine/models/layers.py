"""What a model's layers give: small parts that several models are built of, and the table that shows them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

Row = tuple[str, tuple[int, ...], int]  # a layer's name, its output's shape without the rows, its parameters


class ChannelsLast(nn.Module):
    """Maps (B, C, H, W) laid out with the channels of a place side by side, as convolutions on a CPU read them."""

    def forward(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last)


class Crop(nn.Module):
    """The upper left corner (B, C, height, width) of larger pictures."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures[..., : self.height, : self.width]


def layer_rows(network: str, stages: nn.Sequential, inputs: tuple[int, ...]) -> list[Row]:
    """A row for every stage of a network, for one input of this shape; shapes of maps are (height, width, channels).

    Nothing of `stages` changes: a copy is tried.
    """
    rows: list[Row] = []
    x = torch.zeros(1, *inputs, device=next(stages.parameters()).device)
    for name, stage in copy.deepcopy(stages).eval().named_children():
        with torch.no_grad():
            x = stage(x)
        shape = (*x.shape[2:], x.shape[1])
        rows.append((f"{network} {name}", shape, sum(p.numel() for p in stage.parameters())))
    return rows
