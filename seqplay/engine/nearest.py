"""Which pictures of a heap are most like given ones: how to tell a generator that draws from one that copies.

Likeness is the Euclidean distance of the pixels: 1 is as much as one value that goes from 0 to 255. It asks no network,
which could call two pictures alike that a person would not.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqplay.data.pictures import Pictures

BLOCK = 4096  # pictures compared at a time


@torch.no_grad()
def nearest(pictures: Tensor, among: Pictures, but: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """For each of `pictures` (M, channels, height, width) from -1 to 1 the place (M) in `among` of the one most like
    it, the first of several, and the distance to it (M). `but` (M) are places that do not count, one for each.

    |a - b|² = |a|² + |b|² - 2 ab: one matrix product a block. Its rounding matters where pictures are nearly equal, so
    the distance to the one that is found is computed again from the differences.
    """
    a = _rows(pictures)
    rows = torch.arange(len(a))
    least, places = torch.full((len(a),), math.inf), torch.zeros(len(a), dtype=torch.long)
    for start in range(0, len(among), BLOCK):
        b = rows_of(among, slice(start, start + BLOCK))
        distances = torch.addmm(b.square().sum(1), a, b.T, alpha=-2)  # less |a|², which is the same for all
        if but is not None:
            mine = (but >= start) & (but < start + len(b))
            distances[rows[mine], but[mine] - start] = math.inf
        found, at = distances.min(1)
        closer = found < least
        least, places = torch.where(closer, found, least), torch.where(closer, at + start, places)
    return places, (a - rows_of(among, places.numpy())).square().sum(1).sqrt()


def rows_of(pictures: Pictures, which: slice | npt.NDArray[np.int64]) -> Tensor:
    """Some pictures as rows of values from 0 to 1, (N, channels x height x width)."""
    values = torch.from_numpy(np.ascontiguousarray(pictures.pixels[which])).permute(0, 3, 1, 2)
    return values.float().flatten(1) / 255


def _rows(pictures: Tensor) -> Tensor:
    return (pictures.detach().float().cpu().flatten(1) + 1) / 2
