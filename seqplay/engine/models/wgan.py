"""WGAN with gradient penalty: the critic's numbers measure how far drawn pictures are from real ones.

critic      D(G(z)) - D(x) + λ (‖∇D(x̂)‖ - 1)² + DRIFT D(x)²
            x̂ = ε x + (1 - ε) G(z), ε uniform in 0..1 for each picture
generator   -D(G(z))

D(x) - D(G(z)) is the Wasserstein distance of the two kinds of pictures where D is 1-Lipschitz, which the penalty asks
of it between them; one-sided, only slopes above 1 are penalised.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqplay.architecture import Architecture, PictureShape
from seqplay.engine.models.adversarial import AdversarialConfig
from seqplay.engine.models.critic import Critic, slopes
from seqplay.engine.models.generator import Generator
from seqplay.options import option

DRIFT = 1e-3  # keeps the critic's values near 0, as only their differences mean anything (Karras et al. 2018)


@dataclass(frozen=True)
class WGANConfig(AdversarialConfig):
    penalty: float = option(1.0, help="weight of the gradient penalty (λ)", low=0.0, high=1000.0)
    one_sided: bool = option(False, help="penalise only slopes above 1")
    critic_updates: int = option(1, help="how often the critic learns before the generator does", low=1, high=20)
    spectral_norm: bool = option(True, help="limit the critic's convolutions as well")


class WGAN(nn.Module):
    """generator(z (B, latent)) -> pictures (B, C, H, W) from -1 to 1; critic(pictures) -> values (B,)."""

    def __init__(self, config: WGANConfig, shape: PictureShape) -> None:
        super().__init__()
        self.config, self.latent = config, config.latent
        self.critic_updates = config.critic_updates
        self.generator = Generator(config.latent, config.modes, config.width, config.upsampling, shape)
        self.critic = Critic(config.critic_width, config.spectral_norm, shape)

    def critic_loss(self, real: Tensor, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The critic's mean loss (a scalar) on `real` (B, C, H, W) and on pictures drawn from `z` (B, latent), and how
        real it finds each on average, from 0 to 1. The generator's weights get no gradient.

        Only differences of its values mean anything: those numbers count from the middle between the two means.
        """
        with torch.no_grad():
            drawn = self.generator(z)
        on_real, on_drawn = self.critic(torch.cat([real, drawn])).split([len(real), len(drawn)])
        loss = on_drawn.mean() - on_real.mean() + self.config.penalty * self.gradient_penalty(real, drawn)
        loss = loss + DRIFT * on_real.square().mean()
        middle = (on_real.mean() + on_drawn.mean()) / 2
        return loss, {"real": (on_real - middle).sigmoid().mean(), "drawn": (on_drawn - middle).sigmoid().mean()}

    def gradient_penalty(self, real: Tensor, drawn: Tensor) -> Tensor:
        """How far the critic's slope is from 1 between real and drawn pictures (B, C, H, W), squared: a mean."""
        share = torch.rand(len(real), 1, 1, 1, device=real.device)
        excess = slopes(self.critic, torch.lerp(drawn, real, share)) - 1
        if self.config.one_sided:
            excess = excess.clamp(min=0)
        return excess.square().mean()

    def generator_loss(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The generator's mean loss (a scalar) on pictures drawn from `z` (B, latent)."""
        return -self.critic(self.generator(z)).mean(), {}


wgan = Architecture(
    name="wgan",
    kind="model",
    module=WGAN,
    config=WGANConfig,
    summary="Wasserstein GAN: a critic whose slope is held at 1 gives a gradient however bad the drawings are.",
    source="Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028",
    task="digits",
    learning_rate=1e-3,
    betas=(0.0, 0.99),
    weight_decay=0.0,
    average=0.998,
    batch=64,
    whole_batch=True,
)
