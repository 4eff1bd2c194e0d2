"""The critic of the adversarial models: two strided convolutions see strokes, a dense layer the whole picture.

There is no batch norm: real and drawn pictures are judged in one pass without telling each other apart, and a gradient
penalty, which is about each picture alone, means what it says (Gulrajani et al. 2017).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay.architecture import PictureShape
from seqplay.engine.models.generator import SLOPE
from seqplay.engine.models.layers import ChannelsLast

BACKGROUND = -1.0


class Halving(nn.Module):
    """forward(x (B, inputs, H, W)) -> (B, outputs, H/2, W/2): a convolution (4x4, stride 2).

    `limited` divides its weights by their largest singular value (Miyato et al. 2018, https://arxiv.org/abs/1802.05957)
    so that the critic is never too sure. A round of power iteration for every batch that it learns from finds it; in
    evaluation nothing changes.
    """

    direction: Tensor

    def __init__(self, inputs: int, outputs: int, limited: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)
        self.limited = limited
        if limited:
            self.register_buffer("direction", nn.init.normal_(torch.empty(outputs)))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.convolution.weight
        if self.limited:
            weight = weight / self._largest(weight.flatten(1))
        return F.conv2d(x, weight, self.convolution.bias, stride=2, padding=1)

    def _largest(self, matrix: Tensor) -> Tensor:
        """The largest singular value of a matrix. Products are written out, as autocast would round them."""
        with torch.no_grad():
            v = F.normalize((matrix * self.direction[:, None]).sum(0), dim=0)
            u = F.normalize((matrix * v).sum(1), dim=0)
            if self.training:
                self.direction.copy_(u)
        return (matrix * u[:, None] * v).sum()


class Verdict(nn.Module):
    """forward(x (B, inputs)) -> (B, 1): a dense layer that is computed in float32.

    A Wasserstein critic's values may be large and differ by little, which bfloat16 rounds away.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return (x.float() * self.dense.weight).sum(1, keepdim=True) + self.dense.bias


class Critic(nn.Module):
    """forward(pictures (B, C, H, W)) -> logits (B,) in float32, the higher the more real.

    C x H x W -> width x H/2 x W/2 -> 2 width x H/4 x W/4 -> 8 width -> 1. A side that 4 does not divide is widened to
    the next multiple. `limited` is about both convolutions.
    """

    def __init__(self, width: int, limited: bool, shape: PictureShape) -> None:
        super().__init__()
        rows, columns = -(-shape.height // 4), -(-shape.width // 4)
        widened = nn.ConstantPad2d((0, 4 * columns - shape.width, 0, 4 * rows - shape.height), BACKGROUND)
        self.stages = nn.Sequential(
            OrderedDict(
                halve=nn.Sequential(
                    widened, ChannelsLast(), Halving(shape.channels, width, limited), nn.LeakyReLU(SLOPE)
                ),
                quarter=nn.Sequential(Halving(width, 2 * width, limited), nn.LeakyReLU(SLOPE)),
                dense=nn.Sequential(
                    nn.Flatten(), nn.Linear(2 * width * rows * columns, 8 * width), nn.LeakyReLU(SLOPE)
                ),
                verdict=Verdict(8 * width),
            )
        )

    def forward(self, pictures: Tensor) -> Tensor:
        verdicts: Tensor = self.stages(pictures)
        return verdicts.flatten()


def slopes(critic: nn.Module, pictures: Tensor) -> Tensor:
    """How much the critic's verdict changes with each picture (B,): the length of its gradient, to be learned from."""
    pictures = pictures.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(pictures).sum(), pictures, create_graph=True)
    length: Tensor = torch.linalg.vector_norm(gradient.float().flatten(1), dim=1)
    return length
