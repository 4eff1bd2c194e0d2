"""The style-based generator keeps the contract, and its modulation is that of the paper."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from seqplay_style import Style, StyleConfig, Styled, style
from torch import Tensor, nn

from seqplay import PictureShape
from seqplay.testing import parametrize_with_checks

SMALL = {"latent": 6, "style": 8, "depth": 2, "width": 4, "critic_width": 2}
SHAPE = PictureShape(1, 28, 28, 10)


def model(shape: PictureShape = SHAPE, **settings: Any) -> Style:
    torch.manual_seed(0)
    return Style(StyleConfig(**{**SMALL, **settings}), shape)


def random(*sizes: int) -> Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(1))


@parametrize_with_checks(style)
def test_the_contract_holds(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize("stride", [1, 2])
def test_scaled_channels_are_what_a_convolution_of_each_row_by_its_own_weights_gives(stride: int) -> None:
    torch.manual_seed(0)
    layer = Styled(8, 3, 5, stride)
    x, w = random(4, 3, 6, 7), random(4, 8)
    s = layer.scales(w)
    for row, y in enumerate(layer(x, w)):
        modulated = s[row, :, None, None, None] * layer.weight
        strength = (modulated.square().sum((0, 2, 3)) / stride**2).sqrt()
        demodulated = modulated / strength[:, None, None]
        own = F.conv_transpose2d(x[row : row + 1], demodulated, layer.bias, stride, padding=1)
        torch.testing.assert_close(y[None], own)


def test_a_demodulated_layer_is_as_strong_whatever_the_style() -> None:
    torch.manual_seed(0)
    x = random(1, 64, 8, 8).expand(200, -1, -1, -1)
    for stride in (1, 2):
        y = Styled(8, 64, 16, stride)(x, 10 * random(200, 8))[..., 2:-2, 2:-2]  # at an edge there are fewer taps
        assert float(y.detach().std()) == pytest.approx(1, abs=0.1)


def test_a_style_of_zeros_draws_one_picture_and_others_draw_others() -> None:
    generator = model().generator.eval()
    with torch.no_grad():
        usual, others = generator(torch.zeros(3, 6)), generator(random(3, 6))
    assert torch.equal(usual[0], usual[2])
    assert float((others[0] - others[2]).abs().mean()) > 0.1


@pytest.mark.parametrize("shape", [PictureShape(3, 30, 21), PictureShape(1, 1, 2)])
def test_pictures_have_the_size_of_the_data_set(shape: PictureShape) -> None:
    network = model(shape)
    drawn = network.generator(random(2, 6))
    assert drawn.shape == (2, shape.channels, shape.height, shape.width)
    assert network.critic(drawn).shape == (2,)


def test_the_penalty_is_that_of_the_slope_at_real_pictures() -> None:
    network, real, z = model(penalty=6.0), random(4, 1, 28, 28), random(4, 6)
    network.critic = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 1), nn.Flatten(0))
    slope = network.critic.get_parameter("1.weight").detach().square().sum()
    with torch.no_grad():
        on_real, on_drawn = network.critic(real), network.critic(network.generator(z))
    without = F.softplus(-on_real).mean() + F.softplus(on_drawn).mean()
    torch.testing.assert_close(network.critic_loss(real, z)[0].detach(), without + 3 * slope)
