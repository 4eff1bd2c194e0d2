"""The generator of the adversarial models: a dense layer makes a small map of features, twice doubled into a picture.

Digits are separate islands, and a smooth map of one normal distribution must draw what lies between them, which is no
digit (Khayatkhoei et al. 2018, https://arxiv.org/abs/1806.00880). So the first latent values choose, steeply but still
smoothly, between as many beginnings (a mixture in latent space: Gurumurthy et al. 2017,
https://arxiv.org/abs/1706.02071), and the others say how to go on from there.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from seqplay.architecture import PictureShape
from seqplay.engine.models.layers import ChannelsLast, Crop

SLOPE = 0.2  # of LeakyReLU below 0 (Radford et al. 2016)
STEEPNESS = 12.0  # of the choice: a value that is 0.2 below the largest has a tenth of its share


class Generator(nn.Module):
    """forward(z (B, latent), normal) -> pictures (B, C, H, W) from -1 to 1.

    latent -> 2 width x H/4 x W/4 -> width x H/2 x W/2 -> C x H x W. A side that 4 does not divide is cropped from the
    next multiple. `upsampling` is "transposed", a transposed convolution (4x4, stride 2), which multiplies no zeros and
    is much faster, or "nearest": every value four times, then a convolution (5x5). Of the latent values the first
    `modes` choose a beginning; 0: none does.
    """

    def __init__(self, latent: int, modes: int, width: int, upsampling: str, shape: PictureShape) -> None:
        super().__init__()
        self.modes = min(modes, latent)
        small = (2 * width, -(-shape.height // 4), -(-shape.width // 4))
        doubled = _transposed if upsampling == "transposed" else _nearest
        self.stages = nn.Sequential(
            OrderedDict(
                dense=nn.Sequential(
                    nn.Linear(latent, small[0] * small[1] * small[2]),
                    nn.Unflatten(1, small),
                    ChannelsLast(),
                    nn.LeakyReLU(SLOPE),
                    nn.BatchNorm2d(small[0]),
                ),
                enlarge=nn.Sequential(*doubled(2 * width, width), nn.BatchNorm2d(width), nn.LeakyReLU(SLOPE)),
                paint=nn.Sequential(*doubled(width, shape.channels), nn.Tanh(), Crop(shape.height, shape.width)),
            )
        )

    def forward(self, z: Tensor) -> Tensor:
        pictures: Tensor = self.stages(self.chosen(z))
        return pictures.float()

    def chosen(self, z: Tensor) -> Tensor:
        """Latent values (B, latent), the first `modes` replaced by the shares of a choice, times their usual length."""
        if not self.modes:
            return z
        choice = (z[:, : self.modes] * STEEPNESS).softmax(1) * self.modes**0.5
        return torch.cat([choice, z[:, self.modes :]], 1)


def _transposed(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)]


def _nearest(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 5, padding=2)]
