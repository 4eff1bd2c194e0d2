"""Ink along the points of a pen: a stroke is a row of soft round dabs, and the paper takes only so much."""

from __future__ import annotations

import numpy as np

from seqplay.data.pictures.drawing.paths import Floats

SIDE = 28  # pixels
BORDER = 1.2  # pixels from paper to full ink
HALF = 2 * np.log(2)  # a Gaussian falls to one half at sqrt(HALF) of its sigma


def ink(points: Floats, inked: Floats, radii: Floats) -> Floats:
    """The ink (N, SIDE, SIDE), 0..1, of points (N, P, 2), x and y in pixels, pixel (0, 0) being the upper left one.

    Between two points lies a dab of that radius in pixels (N, P - 1), or nothing where `inked` (N, P - 1) is 0. A dab
    is a Gaussian weighted by the way that the pen went, so that a long stroke is 1 in its middle and one half at its
    radius. As a Gaussian is one along x times one along y, all dabs of a picture are one matrix product.
    """
    step = np.diff(points, axis=1)
    dabs = points[:, :-1] + 0.5 * step
    sigma = radii / np.float32(np.sqrt(HALF))
    weight = np.hypot(step[..., 0], step[..., 1]) * inked / (sigma * np.float32(np.sqrt(2 * np.pi)))
    sharpness = (np.float32(np.sqrt(0.5)) / sigma)[..., None]
    pixels = np.arange(SIDE, dtype=np.float32)
    columns, rows = (np.exp(-np.square((pixels - dabs[..., axis, None]) * sharpness)) for axis in (0, 1))
    soft = (rows * weight[..., None]).transpose(0, 2, 1) @ columns
    # At the radius, the Gaussian falls by HALF / 2 in a radius; below 1 the paper itself would turn grey.
    steepness = np.maximum(radii.mean(axis=1) / np.float32(HALF / 2 * BORDER), 1)
    taken: Floats = np.clip(0.5 + (soft - 0.5) * steepness[:, None, None], 0, 1)
    return taken
