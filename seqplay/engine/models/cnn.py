"""CNN: two convolutions look for strokes and then for shapes made of them, and a dense layer reads what is there.

Each convolution sees a picture half as large as the one before it, so the second looks at more of it at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay.architecture import Architecture, PictureShape
from seqplay.options import option

FEATURES = 128  # numbers that the classes are told by


@dataclass(frozen=True)
class CNNConfig:
    width: int = option(32, help="maps of the first convolution; the second has twice as many", low=1, high=256)
    features: int = option(FEATURES, help="units of the dense layer, by which the classes are told", low=2, high=2048)


class CNN(nn.Module):
    """forward(pictures (B, C, H, W) from -1 to 1) -> logits (B, classes).

    C x H x W -> width x H/2 x W/2 -> 2 width x H/4 x W/4 -> features -> classes. A side that 2 does not divide is
    halved and rounded up, so that no pixel is left out.
    """

    def __init__(self, config: CNNConfig, shape: PictureShape) -> None:
        super().__init__()
        rows, columns = _halved(_halved(shape.height)), _halved(_halved(shape.width))
        self.convolution1 = nn.Conv2d(shape.channels, config.width, 3, padding=1)
        self.max_pool1 = nn.MaxPool2d(2, ceil_mode=True)
        self.convolution2 = nn.Conv2d(config.width, 2 * config.width, 3, padding=1)
        self.max_pool2 = nn.MaxPool2d(2, ceil_mode=True)
        self.dense = nn.Linear(2 * config.width * rows * columns, config.features)
        self.head = nn.Linear(config.features, shape.classes)
        for layer in (self.convolution1, self.convolution2, self.dense):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.constant_(layer.get_parameter("bias"), 0.0)
        nn.init.zeros_(self.head.weight)  # begin without an opinion
        nn.init.zeros_(self.head.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(pictures))
        return logits

    def features(self, pictures: Tensor) -> Tensor:
        """pictures (B, C, H, W) -> (B, features), what the dense layer makes of them."""
        maps = list(self.maps(pictures).values())[-1]
        return F.relu(self.dense(self.max_pool2(maps).flatten(1)))

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        """What each convolution finds, by its name: (B, width, H, W), then (B, 2 width, H/2, W/2)."""
        first = F.relu(self.convolution1(pictures.contiguous(memory_format=torch.channels_last)))
        second = F.relu(self.convolution2(self.max_pool1(first)))
        return {"convolution 1": first, "convolution 2": second}


def _halved(side: int) -> int:
    return -(-side // 2)


cnn = Architecture(
    name="cnn",
    kind="model",
    module=CNN,
    config=CNNConfig,
    task="recognise",
    summary="Convolutional network: looks for strokes, then for shapes made of them, wherever in the picture they are.",
    source="LeCun et al. 1998, https://doi.org/10.1109/5.726791",
    learning_rate=0.004,
    weight_decay=0.2,
    average=0.99,
    batch=128,
)
