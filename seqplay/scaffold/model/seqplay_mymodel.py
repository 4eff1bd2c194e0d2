"""What this network does with a picture, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqplay import Architecture, PictureShape, option


@dataclass(frozen=True)
class Config:
    width: int = option(16, help="maps of the first convolution; the second has twice as many", low=1, high=256)


class MyModel(nn.Module):
    """forward(pictures (B, C, H, W) from -1 to 1) -> logits (B, classes)."""

    def __init__(self, config: Config, shape: PictureShape) -> None:
        super().__init__()
        self.strokes = nn.Conv2d(shape.channels, config.width, 5, stride=2, padding=2)
        self.shapes = nn.Conv2d(config.width, 2 * config.width, 5, stride=2, padding=2)
        self.head = nn.Sequential(nn.AdaptiveMaxPool2d(4), nn.Flatten(), nn.Linear(32 * config.width, shape.classes))

    def forward(self, pictures: Tensor) -> Tensor:
        logits: Tensor = self.head(self.maps(pictures)["shapes"])
        return logits

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        """What each convolution finds: (B, width, H/2, W/2), then (B, 2 width, H/4, W/4)."""
        strokes = torch.relu(self.strokes(pictures))
        return {"strokes": strokes, "shapes": torch.relu(self.shapes(strokes))}


mymodel = Architecture(
    name="mymodel", kind="model", task="recognise", module=MyModel, config=Config, summary="Two strided convolutions.",
    learning_rate=0.003,
)  # fmt: skip
