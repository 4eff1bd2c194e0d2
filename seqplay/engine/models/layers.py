"""Small parts that several models are built of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
