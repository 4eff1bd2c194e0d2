"""Pictures to learn from: all of one size, each with the number of its label.

Viewers import this package to ask what a source holds: numpy is loaded by the modules that read, never from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from seqplay.data.pictures.kinds import is_pictures

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["LARGEST_SIDE", "MOST_BYTES", "MOST_LABELS", "MOST_PICTURES", "Pictures", "is_pictures"]

LARGEST_SIDE = 64  # pixels
MOST_PICTURES = 1_000_000  # the largest set in MNIST's format, EMNIST by class, has 814,255
MOST_BYTES = 1 << 30  # of all pixels together: they are held in memory, several times over while they are learned
MOST_LABELS = 4_096


@final
@dataclass(frozen=True, eq=False)
class Pictures:
    """`pixels` uint8 (N, height, width, channels), `labels` int64 (N,): places in `names`.

    `ink` as in figures.Picture: with it 0 is paper, without it black.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    ink: bool

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.int64]) -> Pictures:
        """The pictures at these places, in this order; all names stay."""
        return replace(self, pixels=self.pixels[indices], labels=self.labels[indices])
