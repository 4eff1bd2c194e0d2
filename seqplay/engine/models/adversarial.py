"""What is asked of every adversarial model: the sizes of its two networks."""

from __future__ import annotations

from dataclasses import dataclass

from seqplay.options import option


@dataclass(frozen=True)
class AdversarialConfig:
    latent: int = option(100, help="random numbers that a picture is drawn from", low=1, high=1024)
    modes: int = option(64, help="beginnings that the first of them choose between; 0: none", low=0, high=1024)
    width: int = option(
        64, help="channels of the generator's largest map; its smallest has twice as many", low=1, high=512
    )
    critic_width: int = option(32, help="channels of the critic's largest map", low=1, high=512)
    upsampling: str = option("transposed", help="how the generator doubles a map", choices=("transposed", "nearest"))
