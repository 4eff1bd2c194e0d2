"""The skeletons as arrays: every way to write a numeral as points of the pen, linear in its control points.

Linear, because mixing two skeletons and moving their control points then needs no spline for each picture: the points
of the pen are one matrix times the control points. All ways are filled up to one size, so that a batch of different
numerals is one product.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seqplay.data.pictures.drawing.skeletons import WAYS, Way

POINTS = 97  # P, of the pen: less than a pixel apart along the longest numeral, an 8 of two rings
UNIT = 100  # what a skeleton's text calls the height
FINE = 50  # places in a span, where its length is measured

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Piece = list[tuple[float, float]]


class Paths(NamedTuple):
    """W ways (of all numerals) of M members each, K control points, P points of the pen; a numeral is 1 high."""

    odds: Doubles  # (10, W): how likely each way is for each numeral; a row sums to 1
    members: npt.NDArray[np.int64]  # (W,): how many of the M there are
    control: Floats  # (W, M, K, 2): x, y
    curve: Floats  # (W, P, K): times the control points, the points of the pen
    inked: Floats  # (W, P - 1): 1 between two points of one stroke, 0 where the pen is lifted


def _strokes(path: str) -> list[list[Piece]]:
    """Each stroke's pieces; a piece begins with the point where the one before it ended."""
    strokes = []
    for stroke in path.split(";"):
        pieces: list[Piece] = []
        for piece in stroke.split("/"):
            points = [(float(x) / UNIT, float(y) / UNIT) for x, y in (point.split(",") for point in piece.split())]
            pieces.append([pieces[-1][-1], *points] if pieces else points)
        strokes.append(pieces)
    return strokes


def _control(path: str) -> list[tuple[float, float]]:
    return [
        point for pieces in _strokes(path) for i, piece in enumerate(pieces) for point in (piece[1:] if i else piece)
    ]


def _spline(count: int, closed: bool, places: Doubles) -> Doubles:
    """Weights (places, count) of `count` points at each place in 0..count - 1 of the spline that joins them.

    The uniform one of Catmull and Rom, A class of local interpolating splines (1974); an open end is mirrored.
    """
    span = np.minimum(places.astype(np.int64), count - 2)
    t = places - span
    cubics = (
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
    weights = np.zeros((len(places), count + 2))  # with one point before the first and one after the last
    for offset, cubic in enumerate(cubics):
        weights[np.arange(len(places)), span + offset] = cubic
    before, after = weights[:, :1], weights[:, -1:]
    inner = weights[:, 1:-1]
    if closed:
        inner[:, -2:-1] += before
        inner[:, 1:2] += after
    else:
        inner[:, :2] += before * (2, -1)
        inner[:, -2:] += after * (-1, 2)
    return inner


def _stroke_curve(pieces: list[Piece]) -> Doubles:
    """A stroke's fine curve (places, its control points)."""
    blocks, width, begin = [], 1 + sum(len(piece) - 1 for piece in pieces), 0
    for piece in pieces:
        places = np.linspace(0, len(piece) - 1, FINE * (len(piece) - 1) + 1)[bool(begin) :]
        closed = len(piece) > 3 and piece[0] == piece[-1]
        block = np.zeros((len(places), width))
        block[:, begin : begin + len(piece)] = _spline(len(piece), closed, places)
        blocks.append(block)
        begin += len(piece) - 1
    return np.concatenate(blocks)


def _lengths(curve: Doubles, control: Doubles) -> Doubles:
    """From the begin of a curve to each of its places."""
    return np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(curve @ control, axis=0), axis=1))))


def _curve(path: str) -> tuple[Doubles, Doubles]:
    """The points of the pen (P, K), evenly along the strokes, and where they are inked (P - 1,)."""
    control = np.array(_control(path))
    curves, begin = [], 0
    for pieces in _strokes(path):
        fine = _stroke_curve(pieces)
        block = np.zeros((len(fine), len(control)))
        block[:, begin : begin + fine.shape[1]] = fine
        curves.append(block)
        begin += fine.shape[1]
    lengths = [_lengths(curve, control) for curve in curves]
    ends = np.cumsum([length[-1] for length in lengths])
    borders = [0, *np.rint(ends / ends[-1] * POINTS).astype(int)]
    inked = np.ones(POINTS - 1)
    inked[np.array(borders[1:-1], dtype=int) - 1] = 0
    rows = []
    for curve, length, (first, last) in zip(curves, lengths, pairwise(borders), strict=True):
        nearest = np.searchsorted(length, np.linspace(0, length[-1] * (1 - 1e-9), last - first))
        rows.append(curve[nearest])
    return np.concatenate(rows), inked


@cache
def paths() -> Paths:
    """Every way of writing, as arrays."""
    ways: list[tuple[int, Way]] = [(label, way) for label, of_label in enumerate(WAYS) for way in of_label]
    most = max(len(way.paths) for _, way in ways)
    widest = max(len(_control(way.paths[0])) for _, way in ways)
    odds = np.zeros((len(WAYS), len(ways)))
    control = np.zeros((len(ways), most, widest, 2), dtype=np.float32)
    curve = np.zeros((len(ways), POINTS, widest), dtype=np.float32)
    inked = np.zeros((len(ways), POINTS - 1), dtype=np.float32)
    for i, (label, way) in enumerate(ways):
        odds[label, i] = way.share
        for member, path in enumerate(way.paths):
            points = _control(path)
            control[i, member, : len(points)] = points
        matrix, inked[i] = _curve(way.paths[0])
        curve[i, :, : matrix.shape[1]] = matrix
    odds /= odds.sum(axis=1, keepdims=True)
    return Paths(odds, np.array([len(way.paths) for _, way in ways]), control, curve, inked)
