"""Digits as a hand writes them, drawn by seqplay itself: without end, each a pure function of a seed and its own index.

They are drawn a block at a time from the block's own generator, and a block is always drawn whole: to the last bit, a
picture is the same whatever range it is asked for in. Every block holds each label equally often, in a shuffled order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from seqplay.data.pictures.drawing.hand import write
from seqplay.data.pictures.drawing.paths import Labels
from seqplay.data.pictures.drawing.pen import SIDE

VERSION = 1  # raise it when a drawing changes: pictures in the cache carry it in their key
BLOCK = 100  # pictures: what one picture costs to ask for, and where its arrays still fit the processor's own cache


def draw_digits(first: int, count: int, seed: int = 0) -> tuple[npt.NDArray[np.uint8], Labels]:
    """`count` digits of this seed from `first` on: pictures (count, 28, 28), 0 paper to 255 ink, and labels (count,).

    None of `first`, `count` and `seed` may be negative (ValueError).
    """
    if first < 0 or count < 0:
        raise ValueError(f"digits {first} to {first + count} do not exist")
    pixels = np.empty((count, SIDE, SIDE), dtype=np.uint8)
    labels = np.empty(count, dtype=np.int64)
    for start in range(first - first % BLOCK, first + count, BLOCK):
        block_pixels, block_labels = _block(start // BLOCK, seed)
        begin, end = max(first, start), min(first + count, start + BLOCK)
        pixels[begin - first : end - first] = block_pixels[begin - start : end - start]
        labels[begin - first : end - first] = block_labels[begin - start : end - start]
    return pixels, labels


def _block(number: int, seed: int) -> tuple[npt.NDArray[np.uint8], Labels]:
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
    labels = random.permutation(np.arange(BLOCK) % 10)
    return write(labels, random), labels
