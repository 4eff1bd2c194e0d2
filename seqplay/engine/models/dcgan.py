"""DCGAN: a generator learns to draw what a critic takes for real, while the critic learns to tell.

critic      -(1 - s) log σ(D(x)) - s log(1 - σ(D(x))) - log(1 - σ(D(G(z)))) + γ/2 ‖∇D(x)‖²
generator   -log σ(D(G(z)))

s smooths the labels; γ penalises a critic that tells the two apart by the smallest change of a real picture, without
which they circle each other for ever (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay.architecture import Architecture, PictureShape
from seqplay.engine.models.adversarial import AdversarialConfig
from seqplay.engine.models.critic import Critic, slopes
from seqplay.engine.models.generator import Generator
from seqplay.options import option

PENALISED = 16  # pictures of a batch: a penalty costs as much as learning, and a few tell enough


@dataclass(frozen=True)
class DCGANConfig(AdversarialConfig):
    label_smoothing: float = option(0.1, help="how unsure the critic should be of real pictures", low=0.0, high=0.5)
    noise: float = option(0.3, help="how strong the noise is that hides trifles from the critic", low=0.0, high=1.0)
    penalty: float = option(
        2.0, help="weight of a penalty on the critic's slope at real pictures", low=0.0, high=1000.0
    )
    spectral_norm: bool = option(True, help="limit the critic's convolutions, so that it is never too sure")


class DCGAN(nn.Module):
    """generator(z (B, latent)) -> pictures (B, C, H, W) from -1 to 1; critic(pictures) -> logits (B,)."""

    critic_updates = 1
    """How often the critic learns before the generator does."""

    def __init__(self, config: DCGANConfig, shape: PictureShape) -> None:
        super().__init__()
        self.config, self.latent = config, config.latent
        self.generator = Generator(config.latent, config.modes, config.width, config.upsampling, shape)
        self.critic = Critic(config.critic_width, config.spectral_norm, shape)

    def critic_loss(self, real: Tensor, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The critic's mean loss (a scalar) on `real` (B, C, H, W) and on pictures drawn from `z` (B, latent), and how
        real it finds each on average, from 0 to 1. The generator's weights get no gradient.
        """
        with torch.no_grad():
            drawn = self.generator(z)
        on_real, on_drawn = torch.split(self._judged(torch.cat([real, drawn])), [len(real), len(drawn)])
        wanted = torch.full_like(on_real, 1 - self.config.label_smoothing)
        loss = F.binary_cross_entropy_with_logits(on_real, wanted) + F.softplus(on_drawn).mean()
        if self.config.penalty:
            loss = loss + self.config.penalty / 2 * slopes(self.critic, real[:PENALISED]).square().mean()
        return loss, {"real": on_real.sigmoid().mean(), "drawn": on_drawn.sigmoid().mean()}

    def generator_loss(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The generator's mean loss (a scalar) on pictures drawn from `z` (B, latent)."""
        return F.softplus(-self._judged(self.generator(z))).mean(), {}

    def _judged(self, pictures: Tensor) -> Tensor:
        """Logits (B,) of pictures seen through noise: it hides a paper that is not quite white, by which a critic tells
        drawn pictures for sure without looking at their shapes (Arjovsky & Bottou 2017,
        https://arxiv.org/abs/1701.04862).
        """
        if self.config.noise:
            pictures = pictures + self.config.noise * torch.randn_like(pictures)
        verdicts: Tensor = self.critic(pictures)
        return verdicts


dcgan = Architecture(
    name="dcgan",
    kind="model",
    module=DCGAN,
    config=DCGANConfig,
    summary="Deep convolutional GAN: a generator draws, a critic judges, and both learn from each other.",
    source="Radford, Metz & Chintala 2016, https://arxiv.org/abs/1511.06434",
    task="digits",
    learning_rate=1e-3,
    betas=(0.0, 0.99),
    weight_decay=0.0,
    average=0.998,
    batch=64,
    whole_batch=True,
)
