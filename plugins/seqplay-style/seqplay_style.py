"""A style-based generator: every picture begins as the same map, and a style tells each layer what to make of it.

w = f(z)                                a style: what normal numbers mean, learned by a small network of its own
s = A w + b                             how much each input channel of a layer counts
W'_ijk = s_i W_ijk                      modulation: the style's own convolution, from channel i to j, k its taps
W"_ijk = W'_ijk / √(Σ_ik W'²_ijk + ε)   demodulation: channel j is as strong as ever, whatever the style

critic      -log σ(D(x)) - log(1 - σ(D(G(z)))) + γ/2 ‖∇D(x)‖²
generator   -log σ(D(G(z)))

Styles and losses are those of Karras, Laine & Aila 2019 (https://arxiv.org/abs/1812.04948), modulated weights those of
Karras et al. 2020 (https://arxiv.org/abs/1912.04958). They also add noise to every map, for hair and pores; handwriting
has none, and without it a point is always drawn alike.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay import Architecture, PictureShape, option

SLOPE = 0.2  # of LeakyReLU below 0
GAIN = 2**0.5  # a LeakyReLU halves the power of a map; this brings it back
EPSILON = 1e-8
BACKGROUND = -1.0
PENALISED = 4  # one picture in so many: a penalty costs more than a verdict, and a few tell enough


@dataclass(frozen=True)
class StyleConfig:
    latent: int = option(64, help="random numbers that a style is made of", low=1, high=1024)
    style: int = option(128, help="numbers in a style", low=1, high=1024)
    depth: int = option(3, help="layers that make a style of random numbers", low=1, high=16)
    width: int = option(
        64, help="channels of the generator's largest map; its smaller ones have twice as many", low=1, high=512
    )
    critic_width: int = option(32, help="channels of the critic's largest map", low=1, high=512)
    penalty: float = option(2.0, help="weight of the penalty on the critic's slope (γ)", low=0.0, high=1000.0)


def active(layer: nn.Linear | nn.Conv2d) -> nn.Sequential:
    """A layer and its LeakyReLU, with weights that leave numbers as large as they are (He et al. 2015). With smaller
    ones all styles would begin alike, and so would all pictures.
    """
    nn.init.kaiming_normal_(layer.weight, SLOPE)
    nn.init.zeros_(layer.get_parameter("bias"))
    return nn.Sequential(layer, nn.LeakyReLU(SLOPE))


class Styled(nn.Module):
    """forward(x (B, inputs, H, W), w (B, style)) -> (B, outputs, stride H, stride W): a convolution by the weights W".

    Every row has a W" of its own, and a convolution for each is slow. But to scale channels on their way in by s, and
    on their way out by 1 / √(Σ_ik W'² + ε), comes to the same, and one convolution serves the whole batch. It is a
    transposed one (3x3, or 4x4 with a stride of 2): to double a map it multiplies no zeros.
    """

    def __init__(self, style: int, inputs: int, outputs: int, stride: int, demodulated: bool = True) -> None:
        super().__init__()
        self.stride, self.demodulated = stride, demodulated
        self.scales = nn.Linear(style, inputs)
        nn.init.normal_(self.scales.weight, std=style**-0.5)
        nn.init.ones_(self.scales.bias)  # 1 leaves a channel as it is
        side, taps = stride + 2, (1 + 2 / stride) ** 2  # of the side² taps a pixel is made of one in stride²
        self.weight = nn.Parameter(torch.empty(inputs, outputs, side, side))
        nn.init.normal_(self.weight, std=(inputs * taps) ** -0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        s = self.scales(w)
        y = F.conv_transpose2d(x * s[:, :, None, None], self.weight, stride=self.stride, padding=1)
        if self.demodulated:
            y = y * self.demodulation(s)[:, :, None, None]
        return y + self.bias[:, None, None]

    def demodulation(self, s: Tensor) -> Tensor:
        """1 / √(Σ_ik W'² + ε) of scales (B, inputs): (B, outputs). The sum is over the taps of one pixel."""
        power = self.weight.square().sum((2, 3)) / self.stride**2  # (inputs, outputs)
        return torch.rsqrt(s.square() @ power + EPSILON)


class Generator(nn.Module):
    """forward(z (B, latent)) -> pictures (B, C, H, W) from -1 to 1.

    latent -> style, which tells how the constant becomes a picture: 2 width x H/4 x W/4 -> the same size -> width x H/2
    x W/2 -> C x H x W. A side that 4 does not divide is cropped from the next multiple.
    """

    def __init__(self, config: StyleConfig, shape: PictureShape) -> None:
        super().__init__()
        self.height, self.width = shape.height, shape.width
        sizes = [config.latent, *[config.style] * config.depth]
        self.mapping = nn.Sequential(*(active(nn.Linear(inputs, outputs)) for inputs, outputs in pairwise(sizes)))
        small, large = 2 * config.width, config.width
        self.constant = nn.Parameter(torch.empty(1, small, -(-shape.height // 4), -(-shape.width // 4)))
        nn.init.normal_(self.constant)
        self.begin = Styled(config.style, small, small, stride=1)
        self.enlarge = Styled(config.style, small, large, stride=2)
        self.paint = Styled(config.style, large, shape.channels, stride=2, demodulated=False)  # ink may be faint

    def forward(self, z: Tensor) -> Tensor:
        w = self.mapping(z)
        x = GAIN * F.leaky_relu(self.begin(self.constant, w), SLOPE)
        x = GAIN * F.leaky_relu(self.enlarge(x, w), SLOPE)
        return torch.tanh(self.paint(x, w).float())[..., : self.height, : self.width]


def make_critic(width: int, shape: PictureShape) -> nn.Sequential:
    """A network of pictures (B, C, H, W) -> logits (B,), the higher the more real.

    C x H x W -> width x H/2 x W/2 -> 2 width x H/4 x W/4 -> 8 width -> one. Nothing in it sees two pictures at once.
    """
    rows, columns = -(-shape.height // 4), -(-shape.width // 4)
    stages = OrderedDict(
        widen=nn.ConstantPad2d((0, 4 * columns - shape.width, 0, 4 * rows - shape.height), BACKGROUND),
        halve=active(nn.Conv2d(shape.channels, width, 4, stride=2, padding=1)),
        quarter=active(nn.Conv2d(width, 2 * width, 4, stride=2, padding=1)),
        dense=nn.Sequential(nn.Flatten(), active(nn.Linear(2 * width * rows * columns, 8 * width))),
        verdict=nn.Sequential(nn.Linear(8 * width, 1), nn.Flatten(0)),
    )
    return nn.Sequential(stages)


class Style(nn.Module):
    """What the task `digits` asks for: `latent`, `critic_updates`, two networks, and a loss for each of them."""

    critic_updates = 1  # for one of the generator

    def __init__(self, config: StyleConfig, shape: PictureShape) -> None:
        super().__init__()
        self.latent, self.penalty = config.latent, config.penalty
        self.generator = Generator(config, shape)
        self.critic = make_critic(config.critic_width, shape)

    def critic_loss(self, real: Tensor, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The critic's mean loss (a scalar) on `real` (B, C, H, W) and on pictures drawn from `z` (B, latent), and how
        real it finds each on average, from 0 to 1. The generator's weights get no gradient.
        """
        with torch.no_grad():
            drawn = self.generator(z)
        on_real, on_drawn = self.critic(torch.cat([real, drawn])).float().chunk(2)
        some = real[::PENALISED].requires_grad_()
        (slopes,) = torch.autograd.grad(self.critic(some).sum(), some, create_graph=True)
        penalty = self.penalty / 2 * slopes.float().square().sum((1, 2, 3)).mean()
        loss = F.softplus(-on_real).mean() + F.softplus(on_drawn).mean() + penalty
        return loss, {"real": on_real.sigmoid().mean(), "drawn": on_drawn.sigmoid().mean()}

    def generator_loss(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The generator's mean loss (a scalar) on pictures drawn from `z` (B, latent)."""
        return F.softplus(-self.critic(self.generator(z)).float()).mean(), {}


style = Architecture(
    name="style",
    kind="model",
    module=Style,
    config=StyleConfig,
    summary="Style-based GAN: a style of its own tells every layer of the generator what to make of one learned map.",
    source="Karras, Laine & Aila 2019, https://arxiv.org/abs/1812.04948",
    task="digits",
    learning_rate=2e-3,
    betas=(0.0, 0.99),
    weight_decay=0.0,
    average=0.998,
    batch=64,
)
