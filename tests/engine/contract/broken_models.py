"""A good small model of each task, and variations of them that break the contract in one way each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay import Architecture, PictureShape
from seqplay.architecture import NoOptions

UNITS = 12


class Reader(nn.Module):
    """Recognises: one convolution, and a dense layer that reads it."""

    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__()
        self.look = nn.Conv2d(shape.channels, UNITS, 3, padding=1)
        self.head = nn.Linear(UNITS * shape.height * shape.width, shape.classes)

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        return {"look": F.relu(self.look(pictures))}

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.maps(pictures)["look"].flatten(1))  # type: ignore[no-any-return]


class Painter(nn.Module):
    """Draws: a dense generator against a dense critic."""

    latent, critic_updates = 6, 1

    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__()
        size = (shape.channels, shape.height, shape.width)
        pixels = shape.channels * shape.height * shape.width
        self.generator = nn.Sequential(
            nn.Linear(self.latent, UNITS), nn.ReLU(), nn.Linear(UNITS, pixels), nn.Tanh(), nn.Unflatten(1, size)
        )
        self.critic = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, UNITS), nn.ReLU(), nn.Linear(UNITS, 1), nn.Flatten(0)
        )

    def critic_loss(self, real: Tensor, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        drawn = self.critic(self.generator(z).detach())
        return F.softplus(-self.critic(real)).mean() + F.softplus(drawn).mean(), {}

    def generator_loss(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return F.softplus(-self.critic(self.generator(z))).mean(), {}


# -- one fault each


class FitsOneSize(Reader):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.head = nn.Linear(UNITS * 64, shape.classes)


class DrawsTooBright(Painter):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.generator[3] = nn.Softplus()
        nn.init.ones_(self.generator[2].bias)  # type: ignore[arg-type]


class BuildsFromValues(Reader):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.scale = 1 / torch.ones(4).sum().item()


class HasADeadParameter(Painter):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.critic[1].scale = nn.Parameter(torch.ones(UNITS))


class LeavesAPartOut(Painter):
    """Its mapping is part of neither network."""

    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.mapping = nn.Linear(self.latent, self.latent)


class DrawsFromNumpy(Reader):
    def forward(self, pictures: Tensor) -> Tensor:
        if self.training:
            pictures = pictures + 0.1 * float(np.random.rand())
        return super().forward(pictures)


class NormalisesTheBatch(Reader):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.norm = nn.BatchNorm2d(shape.channels)

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        return super().maps(self.norm(pictures))


class DropsOut(Reader):
    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(F.dropout(pictures, 0.2, self.training))


class MixesRowsInItsCritic(Painter):
    """A drawing is judged by how it differs from the others."""

    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.critic.insert(2, Centre())


class Centre(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(0) if len(x) > 1 else x


class LimitsItsCritic(Painter):
    """By spectral norms, which take a step towards the largest singular value whenever they are used in training."""

    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        nn.utils.parametrizations.spectral_norm(self.critic[1])  # type: ignore[arg-type]


class StartsFromNumpy(Reader):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.head.bias.data.copy_(torch.from_numpy(np.random.rand(shape.classes)))


class HasADoubleParameter(Reader):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        return super().maps(pictures * self.scale.float())


class MixesRowsToLook(Painter):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.generator.insert(2, nn.BatchNorm1d(UNITS, track_running_stats=False))


class DrawsNoiseToLook(Reader):
    def forward(self, pictures: Tensor) -> Tensor:
        return super().forward(pictures + 0.1 * torch.randn_like(pictures))


class CountsLooks(Reader):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.register_buffer("looks", torch.zeros(()))

    def forward(self, pictures: Tensor) -> Tensor:
        self.get_buffer("looks").add_(1)
        return super().forward(pictures)


class KeepsAPlainTensor(Reader):
    def __init__(self, config: Any, shape: PictureShape) -> None:
        super().__init__(config, shape)
        self.signs = torch.randn(UNITS, 1, 1).sign()

    def maps(self, pictures: Tensor) -> dict[str, Tensor]:
        return {"look": F.relu(self.look(pictures)) * self.signs}


class LearnsTheWrongWay(Painter):
    def generator_loss(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        loss, numbers = super().generator_loss(z)
        return _Backwards.apply(loss), numbers


class _Backwards(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        return -gradient


def model(module: Callable[..., Any], **more: Any) -> Architecture:
    task = "digits" if isinstance(module, type) and issubclass(module, Painter) else "recognise"
    asked = {"config": NoOptions, "task": task, "learning_rate": 1e-3, "weight_decay": 0.0, "batch": 8, **more}
    return Architecture(module.__name__, "model", module, "a test", **asked)
