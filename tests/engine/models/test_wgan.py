"""The Wasserstein GAN's critic measures a distance, and its slope is held at 1."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqplay.architecture import PictureShape
from seqplay.engine.models.wgan import WGAN, WGANConfig, wgan

SMALL = {"latent": 6, "modes": 3, "width": 4, "critic_width": 2}
SHAPE = PictureShape(1, 28, 28, 10)


class Linear(nn.Module):
    """A critic whose slope is the same everywhere: sum(pictures) times `slope` / sqrt(values in a picture)."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(slope))

    def forward(self, pictures: Tensor) -> Tensor:
        values = pictures[0].numel()
        return pictures.sum((1, 2, 3)) * (self.weight / math.sqrt(values))


def model(shape: PictureShape = SHAPE, **settings: Any) -> WGAN:
    torch.manual_seed(0)
    return WGAN(WGANConfig(**{**SMALL, **settings}), shape)


def random(*sizes: int) -> Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("slope", "one_sided", "expected"), [(3.0, False, 4.0), (3.0, True, 4.0), (0.5, False, 0.25), (0.5, True, 0.0)]
)
def test_the_penalty_of_a_linear_critic_is_that_of_its_slope(slope: float, one_sided: bool, expected: float) -> None:
    network = model(one_sided=one_sided)
    network.critic = Linear(slope)  # type: ignore[assignment]
    penalty = network.gradient_penalty(random(4, 1, 28, 28), random(4, 1, 28, 28))
    assert float(penalty.detach()) == pytest.approx(expected, rel=1e-4)
    if expected:
        (gradient,) = torch.autograd.grad(penalty, list(network.critic.parameters()))
        assert float(gradient) == pytest.approx(2 * (slope - 1), rel=1e-4)  # it is learned from


def test_the_losses_are_a_distance_and_a_penalty() -> None:
    network = model(penalty=10)
    network.critic = Linear(2.0)  # type: ignore[assignment]
    real, z = random(4, 1, 28, 28), random(4, 6)
    drawn = network.generator(z)
    critic, numbers = network.critic_loss(real, z)
    with torch.no_grad():
        generator, _ = network.generator_loss(z)
        on_real, on_drawn = network.critic(real).mean(), network.critic(drawn).mean()
        squares = network.critic(real).square().mean()
    assert float(critic.detach()) == pytest.approx(float(on_drawn - on_real) + 10.0 + 1e-3 * float(squares), rel=1e-4)
    assert float(generator) == pytest.approx(-float(on_drawn), rel=1e-4)
    assert 0 < float(numbers["real"].detach()) < 1


def test_a_critic_that_adds_a_constant_finds_them_as_real_as_before() -> None:
    network = model(spectral_norm=False)
    real, z = random(4, 1, 28, 28), random(4, 6)
    before = network.critic_loss(real, z)[1]
    with torch.no_grad():
        network.critic.stages.verdict.dense.bias.add_(5)  # type: ignore[union-attr, operator]
    for name, value in network.critic_loss(real, z)[1].items():
        assert float(value.detach()) == pytest.approx(float(before[name].detach()), abs=1e-5)


def test_the_mixing_comes_from_the_global_generator() -> None:
    network = model(spectral_norm=False)
    real, z = random(4, 1, 28, 28), random(4, 6)
    losses = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        losses.append(float(network.critic_loss(real, z)[0].detach()))
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("settings", [{}, {"spectral_norm": True}, {"upsampling": "nearest", "one_sided": True}])
def test_losses_and_gradients_are_finite_in_bfloat16(settings: dict[str, Any]) -> None:
    network = model(**settings)
    with torch.autocast("cpu", torch.bfloat16):
        critic, _ = network.critic_loss(random(4, 1, 28, 28), random(4, 6))
    for g in torch.autograd.grad(critic, list(network.critic.parameters()), allow_unused=True):
        assert g is None or g.isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        generator, _ = network.generator_loss(random(4, 6))
    assert all(g.isfinite().all() for g in torch.autograd.grad(generator, list(network.generator.parameters())))


@pytest.mark.parametrize("shape", [PictureShape(3, 32, 32), PictureShape(1, 30, 20)])
def test_every_parameter_of_the_critic_learns_at_any_size(shape: PictureShape) -> None:
    network = model(shape)
    real = random(4, shape.channels, shape.height, shape.width)
    loss, _ = network.critic_loss(real, random(4, 6))
    gradient = torch.autograd.grad(loss, list(network.critic.parameters()))
    assert all(g.isfinite().all() for g in gradient)


def test_a_copy_made_without_memory_takes_the_weights() -> None:
    network = model().eval()
    with torch.device("meta"):
        other = model().eval()
    other.load_state_dict(copy.deepcopy(network.state_dict()), assign=True)
    z = random(2, 6)
    assert torch.equal(network.generator(z), other.generator(z))


def test_critic_updates_are_a_setting() -> None:
    assert model(critic_updates=3).critic_updates == 3
    assert (wgan.task, wgan.weight_decay) == ("digits", 0.0)
