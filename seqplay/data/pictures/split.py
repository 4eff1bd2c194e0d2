"""What is learned from, and what is kept aside: chosen by what pictures hold, never by where they stand in a file."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt

from seqplay.data.pictures import Pictures


def split(pictures: Pictures, holdout: float) -> tuple[Pictures, Pictures]:
    """The training part and the held-out part, each in the order of the file.

    Of each label the share `holdout` (0 to 1) is held out, rounded; of two pictures or more at least one, and never
    all; those whose hash is lowest. Equal pictures lie in one part, whatever their labels: where many are equal, fewer
    may be held out.
    """
    held_out = _held_out(_hashes(pictures.pixels), pictures.labels, holdout)
    return pictures.take(np.flatnonzero(~held_out)), pictures.take(np.flatnonzero(held_out))


def _held_out(hashes: npt.NDArray[np.uint64], labels: npt.NDArray[np.int64], holdout: float) -> npt.NDArray[np.bool_]:
    """Which pictures are held out. Equal ones are one group, which counts where its lowest label does."""
    groups, group_of, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    label_of = np.full(len(groups), np.iinfo(np.int64).max)
    np.minimum.at(label_of, group_of, labels)
    chosen = np.zeros(len(groups), bool)
    for label in np.unique(labels) if holdout > 0 else ():
        members = np.flatnonzero(label_of == label)  # the groups are sorted by their hash
        chosen[members] = _lowest(sizes[members], holdout)
    return chosen[group_of]


def _lowest(sizes: npt.NDArray[np.int64], holdout: float) -> npt.NDArray[np.bool_]:
    """Which groups of these sizes make up the share, from the first on; one that is too large is passed over."""
    count = int(sizes.sum())
    left = min(max(1, int(count * holdout + 0.5)), count - 1)
    chosen = np.zeros(len(sizes), bool)
    for place, size in enumerate(sizes.tolist()):
        if size <= left:
            chosen[place] = True
            left -= size
        if left <= 0:
            break
    return chosen


def _hashes(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """64 bits of each picture's SHA-256. Were two of them equal by chance, both pictures would lie in one part."""
    content, size = np.ascontiguousarray(pixels).reshape(-1).data, math.prod(pixels.shape[1:])
    places = range(0, len(content), size)
    digests = b"".join(hashlib.sha256(content[at : at + size]).digest()[:8] for at in places)
    return np.frombuffer(digests, "<u8")
