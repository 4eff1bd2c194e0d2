"""The DCGAN draws pictures of any small size, and its losses are those of its paper."""

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqplay.architecture import PictureShape
from seqplay.engine.models.critic import Halving
from seqplay.engine.models.dcgan import DCGAN, DCGANConfig, dcgan
from seqplay.engine.tasks.digits import layers

SMALL = {"latent": 6, "modes": 3, "width": 4, "critic_width": 2}
SHAPES = [PictureShape(1, 28, 28, 10), PictureShape(3, 32, 32), PictureShape(1, 30, 20), PictureShape(3, 64, 63)]


def model(shape: PictureShape = SHAPES[0], **settings: Any) -> DCGAN:
    torch.manual_seed(0)
    return DCGAN(DCGANConfig(**{**SMALL, **settings}), shape)


def random(*sizes: int) -> Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"{s.height}x{s.width}x{s.channels}")
def test_pictures_have_the_size_of_the_data_set(shape: PictureShape, upsampling: str) -> None:
    network = model(shape, upsampling=upsampling)
    pictures = network.generator(random(3, network.latent))
    assert pictures.shape == (3, shape.channels, shape.height, shape.width)
    assert pictures.abs().max() <= 1
    assert network.critic(pictures).shape == (3,)


def test_the_layers_of_the_standard_network_are_these() -> None:
    assert layers(DCGAN(DCGANConfig(), SHAPES[0]), SHAPES[0]) == [
        ("generator latent", (100,), 0),
        ("generator dense", (7, 7, 128), 101 * 6272 + 2 * 128),
        ("generator enlarge", (14, 14, 64), 128 * 64 * 16 + 64 + 2 * 64),
        ("generator paint", (28, 28, 1), 64 * 16 + 1),
        ("critic halve", (14, 14, 32), 32 * 16 + 32),
        ("critic quarter", (7, 7, 64), 32 * 64 * 16 + 64),
        ("critic dense", (256,), 3137 * 256),
        ("critic verdict", (1,), 257),
    ]


def test_listing_layers_counts_every_parameter_and_changes_none() -> None:
    network = model(SHAPES[2])
    before = copy.deepcopy(network.state_dict())
    rows = layers(network, SHAPES[2])
    assert sum(count for _, _, count in rows) == sum(p.numel() for p in network.parameters())
    assert rows[3][1] == (30, 20, 1)
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())


def test_the_layers_of_the_smallest_pictures_can_be_listed() -> None:
    assert layers(model(PictureShape(1, 4, 4)), PictureShape(1, 4, 4))[1][1] == (1, 1, 8)


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_a_network_made_without_memory_takes_the_weights_of_another(spectral_norm: bool) -> None:
    network = model(spectral_norm=spectral_norm)
    network.critic_loss(random(4, 1, 28, 28), random(4, 6))  # so that its buffers are not those of the start
    with torch.device("meta"):
        other = model(spectral_norm=spectral_norm)
    other.load_state_dict(network.state_dict(), assign=True)
    for one in (network, other):
        one.eval()
    z = random(3, 6)
    assert torch.equal(network.generator(z), other.generator(z))
    assert torch.equal(network.critic(network.generator(z)), other.critic(network.generator(z)))


def test_a_copy_learns_alone() -> None:
    network = model()
    copied = copy.deepcopy(network)
    before = copy.deepcopy(network.state_dict())
    copied.critic_loss(random(4, 1, 28, 28), random(4, 6))
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.add_(1)
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    assert not torch.equal(
        before["generator.stages.dense.4.running_mean"], copied.state_dict()["generator.stages.dense.4.running_mean"]
    )


def test_drawing_to_look_changes_nothing() -> None:
    network = model().eval()
    before = copy.deepcopy(network.state_dict())
    network.critic(network.generator(random(5, 6)))
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    network = model().eval()
    z = random(5, 6)
    torch.testing.assert_close(network.generator(z)[2:3], network.generator(z[2:3]))


def test_losses_of_an_undecided_critic_are_those_of_the_paper() -> None:
    network = model(label_smoothing=0.2, penalty=0)
    with torch.no_grad():
        for parameter in network.critic.stages.verdict.parameters():  # type: ignore[union-attr]
            parameter.zero_()
        network.critic.stages.verdict.dense.bias.fill_(math.log(3))  # type: ignore[union-attr, operator]
    with torch.no_grad():
        critic, numbers = network.critic_loss(random(4, 1, 28, 28), random(4, 6))
        generator, _ = network.generator_loss(random(4, 6))
    assert float(critic) == pytest.approx(-0.8 * math.log(0.75) - 0.2 * math.log(0.25) - math.log(0.25), rel=1e-5)
    assert float(generator) == pytest.approx(-math.log(0.75), rel=1e-5)
    assert {name: float(value) for name, value in numbers.items()} == pytest.approx({"real": 0.75, "drawn": 0.75})


def test_the_penalty_is_that_of_the_slope_at_real_pictures() -> None:
    real, z = random(4, 1, 28, 28), random(4, 6)
    losses = []
    for penalty in (0, 6):
        network = model(penalty=penalty, noise=0).eval()
        losses.append(network.critic_loss(real, z)[0].detach())
    x = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network.critic(x).sum(), x)
    assert float(losses[1] - losses[0]) == pytest.approx(3 * float(gradient.square().sum()) / 4, rel=1e-3)


def test_noise_hides_pictures_from_the_critic_alone() -> None:
    network = model(noise=0.5).eval()
    seen: list[Tensor] = []
    network.critic.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    z = random(4, 6)
    network.generator_loss(z)
    drawn = network.generator(z)
    assert float((seen[0] - drawn).std().detach()) == pytest.approx(0.5, rel=0.05)
    assert drawn.abs().max() <= 1


def test_each_network_learns_from_its_own_loss() -> None:
    network = model()
    critic, _ = network.critic_loss(random(4, 1, 28, 28), random(4, 6))
    assert not any(
        g is not None
        for g in torch.autograd.grad(critic, list(network.generator.parameters()), allow_unused=True, retain_graph=True)
    )
    for loss, learner in [(critic, network.critic), (network.generator_loss(random(4, 6))[0], network.generator)]:
        gradient = torch.autograd.grad(loss, list(learner.parameters()))
        assert all(g.isfinite().all() for g in gradient)
        assert sum(bool(g.any()) for g in gradient) >= len(gradient) - 2  # a bias before batch norm may get none


@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
def test_losses_and_gradients_are_finite_in_bfloat16(upsampling: str) -> None:
    network = model(upsampling=upsampling)
    losses: list[Callable[[], tuple[Tensor, Any]]] = [
        lambda: network.critic_loss(random(4, 1, 28, 28), random(4, 6)),
        lambda: network.generator_loss(random(4, 6)),
    ]
    for loss, learner in zip(losses, (network.critic, network.generator), strict=True):
        with torch.autocast("cpu", torch.bfloat16):
            total, _ = loss()
        assert total.dtype == torch.float32
        assert total.isfinite()
        assert all(g.isfinite().all() for g in torch.autograd.grad(total, list(learner.parameters())))


def test_the_first_latent_values_choose_and_the_others_stay() -> None:
    generator = model().generator
    z = torch.tensor([[0.5, 2.0, -1.0, 0.3, -0.2, 0.1]])
    chosen = generator.chosen(z)[0]
    assert chosen[1] > 0.999 * math.sqrt(3)
    assert float(chosen[:3].sum()) == pytest.approx(math.sqrt(3))
    assert chosen[3:].tolist() == z[0, 3:].tolist()


def test_without_modes_the_latent_values_stay_as_they_are() -> None:
    z = random(2, 6)
    assert model(modes=0).generator.chosen(z) is z


def test_a_limited_convolution_is_divided_by_its_largest_singular_value() -> None:
    torch.manual_seed(0)
    layer = Halving(2, 4, limited=True)
    x = random(3, 2, 8, 8)
    for _ in range(100):
        layer(x)
    weight = layer.convolution.weight
    largest = torch.linalg.matrix_norm(weight.flatten(1), 2)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), F.conv2d(x, weight / largest, layer.convolution.bias, 2, 1))


def test_it_says_how_it_is_trained() -> None:
    assert (dcgan.kind, dcgan.task, dcgan.weight_decay) == ("model", "digits", 0.0)
    assert DCGAN.critic_updates == 1
