"""How far apart two heaps of feature vectors lie, when all that is kept of each is its mean and covariance.

d² = |m₁ - m₂|² + tr(S₁ + S₂ - 2 (S₁^½ S₂ S₁^½)^½), the squared Fréchet (Wasserstein-2) distance of two Gaussians
(Dowson & Landau 1982, https://doi.org/10.1016/0047-259X(82)90077-X; for generators: Heusel et al. 2017,
https://arxiv.org/abs/1706.08500). It depends on how many vectors were seen: compare what comes from equally many.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussian:
    """mean (D), covariance (D, D), in float64."""

    mean: Tensor
    covariance: Tensor


def fit(features: Tensor) -> Gaussian:
    """Of features (N, D), two or more."""
    features = features.double()
    return Gaussian(features.mean(0), torch.cov(features.T).reshape(features.shape[1], -1))


def distance(one: Gaussian, other: Gaussian) -> float:
    """The squared distance that is called Fréchet distance, 0 for equal ones.

    The trace of the last root is the sum of the singular values of S₁^½ S₂^½: no root of a rounding error is taken.
    """
    shared = torch.linalg.svdvals(_root(one.covariance) @ _root(other.covariance)).sum()
    apart = (one.mean - other.mean).square().sum()
    return max(0.0, float(apart + one.covariance.trace() + other.covariance.trace() - 2 * shared))


def _root(covariance: Tensor) -> Tensor:
    """The symmetric root; what rounding has made negative counts as 0."""
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
