"""A hand that writes no numeral twice alike: which way, how unsteady, how slanted, bent and pressed, and where.

The spreads are as wide as ten numerals allow: a 1 that may be as wide as a 7, or an 8 whose rings may fill with ink,
would be two numerals at once. Lengths are of a numeral about 1 high unless pixels are said; y points down.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seqplay.data.pictures.drawing.paths import POINTS, Floats, Labels, paths
from seqplay.data.pictures.drawing.pen import SIDE, ink

BEYOND = 0.05  # how far a mixture of two skeletons may lie outside of them
UNSTEADY, UNSTEADINESS = 0.022, 0.3  # of a control point; how much (as a logarithm) hands differ in it
BENDS, BENDING = (2.0, 7.0), 0.03  # elastic waves: radians per height, and their size
UPRIGHT, SLANT = 0.12, 0.22  # most hands lean to the right
TAPER, WAIST = 0.15, 0.15  # the head wider than the foot, or narrower; the waist higher, or lower
TURN = 0.10  # radians
HEIGHT = (18.5, 20.5)  # pixels, of the longer side with its ink
ASIDE = 0.6  # pixels away from the middle, along x and along y
RADIUS, HEAVY = 0.2, 0.25  # of the stroke, as a logarithm of pixels: its mean and how hands differ in it
RADII = (0.75, 2.4)  # pixels
PRESSING, WAVES = 0.16, (2.0, 12.0)  # how the logarithm of the radius changes along the strokes; radians

# Of each numeral 0 to 9: how much wider than its skeletons it is (a logarithm), how much that varies, and the thickest
# stroke, in pixels for each part of its height that it is narrow.
WIDER = np.array((0.1, -0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.15, 0.1, 0.1), dtype=np.float32)
WIDTHS = np.array((0.17, 0.085, 0.17, 0.17, 0.17, 0.17, 0.17, 0.135, 0.17, 0.17), dtype=np.float32)
THICKEST = np.array((1.8, np.inf, 2.2, 2.0, 1.6, 2.0, 1.6, 2.4, 1.5, 1.6), dtype=np.float32)
HEAVIER_ONE = 1.15  # a stroke that encloses nothing may be thicker

Random = np.random.Generator


def write(labels: Labels, random: Random) -> npt.NDArray[np.uint8]:
    """Pictures (N, SIDE, SIDE) of these numerals, 0 paper to 255 ink.

    Each depends on how many there are, and on the state of `random`, which is moved.
    """
    points, inked = _path(labels, random)
    points = _bent(points, labels, random)
    radii = _radii(points, labels, random)
    points = _placed(points, inked, radii, random)
    return np.rint(255 * ink(points, inked, radii)).astype(np.uint8)


def _normal(random: Random, *shape: int) -> Floats:
    return random.standard_normal(shape, dtype=np.float32)


def _uniform(random: Random, limits: tuple[float, float], *shape: int) -> Floats:
    low, high = limits
    return np.float32(low) + np.float32(high - low) * random.random(shape, dtype=np.float32)


def _path(labels: Labels, random: Random) -> tuple[Floats, Floats]:
    """Points of the pen (N, P, 2) around 0 and where they are inked (N, P - 1): two skeletons of one way, mixed."""
    count = len(labels)
    table = paths()
    way = (table.odds.cumsum(axis=1)[labels, :-1] < random.random((count, 1))).sum(axis=1)
    one, other = random.integers(table.members[way], size=(2, count))
    share = _uniform(random, (-BEYOND, 1 + BEYOND), count, 1, 1)
    control = table.control[way, one] * (1 - share) + table.control[way, other] * share
    control += UNSTEADY * np.exp(UNSTEADINESS * _normal(random, count, 1, 1)) * _normal(random, *control.shape)
    points = table.curve[way] @ control
    return points - points.mean(axis=1, keepdims=True), table.inked[way]


def _bent(points: Floats, labels: Labels, random: Random) -> Floats:
    """Points (N, P, 2) after an elastic bend, another width, taper, waist, slant and turn."""
    count = len(points)
    waves, phases = _uniform(random, BENDS, 4, count, 1), _uniform(random, (0, 2 * np.pi), 4, count, 1)
    sizes = BENDING * _normal(random, 4, count, 1)
    width, taper, waist, slant, turn = _normal(random, 5, count, 1)
    x, y = points[..., 0], points[..., 1]
    swing = sizes * np.sin(waves * np.stack((x, y, x, y)) + phases)
    x, y = x + swing[0] + swing[1], y + swing[2] + swing[3]
    x = x * np.exp(WIDER[labels, None] + WIDTHS[labels, None] * width) * (1 + TAPER * taper * y)
    y = y + WAIST * waist * y * y
    x = x - (UPRIGHT + SLANT * slant) * y
    cos, sin = np.cos(TURN * turn), np.sin(TURN * turn)
    return np.stack((x * cos - y * sin, x * sin + y * cos), axis=-1)


def _radii(points: Floats, labels: Labels, random: Random) -> Floats:
    """Of the stroke between two points each, in pixels (N, P - 1); thin where a narrow numeral's rings would fill."""
    count = len(points)
    sides = np.ptp(points, axis=1)
    narrow = sides.min(axis=1, keepdims=True) / sides.max(axis=1, keepdims=True)
    radius = np.exp(RADIUS + HEAVY * _normal(random, count, 1)) * np.where(labels == 1, HEAVIER_ONE, 1)[:, None]
    radius = np.minimum(radius, 0.5 + THICKEST[labels, None] * narrow)
    along = np.linspace(0, 1, POINTS - 1, dtype=np.float32)
    wave = np.sin(_uniform(random, WAVES, count, 1) * along + _uniform(random, (0, 2 * np.pi), count, 1))
    radii: Floats = np.clip(radius * np.exp(PRESSING * _normal(random, count, 1) * wave), *RADII).astype(np.float32)
    return radii


def _placed(points: Floats, inked: Floats, radii: Floats, random: Random) -> Floats:
    """Points (N, P, 2) in pixels: the longer side of the ink as long as asked for, its middle near the picture's."""
    count = len(points)
    length = _uniform(random, HEIGHT, count)
    longer: Floats = np.ptp(points, axis=1).max(axis=1)
    points = points * (length / longer)[:, None, None]
    for _ in range(2):  # a stroke is as thick whatever its length: how far it reaches is known once it is scaled
        step = np.diff(points, axis=1)
        middles, run = points[:, :-1] + 0.5 * step, np.hypot(step[..., 0], step[..., 1])
        across = np.abs(step[..., ::-1]) * (radii * inked / np.maximum(run, 1e-6))[..., None]
        reach = ((middles + across).max(axis=1) - (middles - across).min(axis=1)).max(axis=1)
        points = points * (length / reach)[:, None, None]
    weight = (run * inked * radii)[..., None]
    centre = (middles * weight).sum(axis=1) / weight.sum(axis=1) * (length / reach)[:, None]
    aside = _uniform(random, (-ASIDE, ASIDE), count, 2)
    moved: Floats = points + ((SIDE - 1) / 2 + aside - centre)[:, None, :]
    return moved
