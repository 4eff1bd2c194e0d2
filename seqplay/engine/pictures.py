"""Pictures in the engine: their codec (pixels), which of them a step reads, and the way from bytes to tensors and back.

As tensors they are floats from -1 (paper, or black) to 1, (B, channels, height, width).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqplay.architecture import PictureShape
from seqplay.data.pictures import LARGEST_SIDE, MOST_LABELS, Pictures
from seqplay.data.pictures.cache import cached_pictures
from seqplay.data.pictures.split import split
from seqplay.errors import DataError, RunError
from seqplay.figures import Picture
from seqplay.recipe import LONGEST_TEXT

CODEC = "pixels.json"
NAMED, LONGEST_NAMED = 3, 40  # labels that a message names, and characters of each


@dataclass(frozen=True)
class Pixels:
    """The codec: of what size pictures are, and what their labels are called. `ink` as in figures.Picture."""

    channels: int
    height: int
    width: int
    ink: bool
    names: tuple[str, ...]

    @property
    def shape(self) -> PictureShape:
        return PictureShape(self.channels, self.height, self.width, len(self.names))

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    def fits(self, pictures: Pictures) -> bool:
        """Whether pictures are of this size and kind, and their labels these."""
        return self == pixels_of(pictures)

    def adopt(self, pictures: Pictures) -> Pictures:
        """Other pictures with the numbers that their labels have here. Raises DataError where they are of another size
        or kind, or have labels that are unknown here.
        """
        theirs = pixels_of(pictures)
        if theirs._size != self._size:
            raise DataError(f"These pictures have {theirs._size} bytes each; the model reads {self._size}.")
        if theirs.ink != self.ink:
            inked, lit = "ink on paper (0 is the paper)", "brightness (0 is black)"
            mine, other = (inked, lit) if self.ink else (lit, inked)
            raise DataError(f"These pictures are {other}; the model learned {mine}.")
        places = {name: place for place, name in enumerate(self.names)}
        if unknown := [name for name in theirs.names if name not in places]:
            named = ", ".join(f"'{name[:LONGEST_NAMED]}'" for name in unknown[:NAMED])
            more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
            raise DataError(f"These pictures have labels that the model never learned: {named}{more}.")
        numbers = np.array([places[name] for name in theirs.names], np.int64)
        return replace(pictures, labels=numbers[pictures.labels], names=self.names)

    @property
    def _size(self) -> str:
        return f"{self.height} x {self.width} x {self.channels}"

    def figure(self, pictures: Tensor, **more: Any) -> Picture:
        """Pictures (N, channels, height, width) to be shown."""
        return Picture.of(to_bytes(pictures), self.height, self.width, self.channels, ink=self.ink, **more)


def pixels_of(pictures: Pictures) -> Pixels:
    """The codec that pictures give."""
    _, height, width, channels = pictures.pixels.shape
    return Pixels(channels, height, width, pictures.ink, pictures.names)


def read_pixels(text: str) -> Pixels:
    """What `Pixels.to_json` wrote. Raises RunError for anything else."""
    try:
        row = json.loads(text)
        sizes = [row[name] for name in ("channels", "height", "width")]
        names = row["names"]
        if any(type(size) is not int or not 1 <= size <= LARGEST_SIDE for size in sizes) or sizes[0] not in (1, 3):
            raise ValueError("its sizes are none that pictures have")
        if not isinstance(names, list) or not 1 <= len(names) <= MOST_LABELS or type(row["ink"]) is not bool:
            raise ValueError("its labels are none")
        if any(not isinstance(name, str) or len(name) > LONGEST_TEXT for name in names):
            raise ValueError("its labels are no texts")
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise RunError(f"{CODEC} is damaged: {problem}.") from None
    channels, height, width = sizes
    return Pixels(channels, height, width, row["ink"], tuple(names))


class PictureData:
    """The pictures of a run, read when they are first needed: what it learns from, and what is held out."""

    def __init__(self, data: str, source: str, holdout: float, pixels: Pixels | None = None) -> None:
        self.data, self.source, self._holdout, self._pixels = data, source, holdout, pixels

    @cached_property
    def parts(self) -> tuple[Pictures, Pictures]:
        """Raises DataError where the pictures are gone, RunError where they are not those that were planned for."""
        pictures = cached_pictures(self.data, self.source)
        if self._pixels is not None and not self._pixels.fits(pictures):
            raise RunError(
                f"{self.source} holds pictures of another size or kind, or other labels, than the run learned."
            )
        return split(pictures, self._holdout)

    @property
    def train(self) -> Pictures:
        return self.parts[0]

    @property
    def held_out(self) -> Pictures:
        return self.parts[1]

    @cached_property
    def pixels(self) -> Pixels:
        return pixels_of(self.train) if self._pixels is None else self._pixels


class Dealer:
    """Which training pictures a step reads: all of them once in every epoch, in an order of its own."""

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed
        self._epoch, self._order = -1, np.arange(0)

    def __call__(self, step: int, each: int) -> npt.NDArray[np.int64]:
        """The places of the `each` pictures of a step: a pure function of the two."""
        first = step * each
        return np.array([self._place(at) for at in range(first, first + each)])

    def _place(self, at: int) -> int:
        epoch, place = divmod(at, self._count)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self._seed, epoch]).permutation(self._count)
        return int(self._order[place])


def to_tensor(pictures: Pictures) -> Tensor:
    """Pictures as the networks read them, (N, channels, height, width)."""
    values = torch.from_numpy(np.ascontiguousarray(pictures.pixels)).permute(0, 3, 1, 2)
    return (values.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def to_bytes(pictures: Tensor) -> bytes:
    """Pictures from -1 to 1 as bytes, each row by row, channels last."""
    values = ((pictures.detach().float().cpu() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return values.permute(0, 2, 3, 1).contiguous().numpy().tobytes()


def normal(seed: Sequence[int], *shape: int) -> Tensor:
    """Numbers from a normal distribution: the same for the same seed on every device."""
    drawn = np.random.Generator(np.random.SFC64(list(seed))).standard_normal(shape, dtype=np.float32)
    return torch.from_numpy(drawn)


def order(count: int, seed: int) -> npt.NDArray[np.int64]:
    """The places 0 ... count - 1 in an order that the seed decides."""
    return np.random.default_rng(seed).permutation(count)
