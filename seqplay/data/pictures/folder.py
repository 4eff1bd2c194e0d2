"""Pictures in a folder for each label: cats/1.png, dogs/1.jpg.

Every picture is made as large as the first one, whose longer side is at most 64 pixels: scaled so that it covers that
size, its middle kept. One that has this size already stays as it is, pixel for pixel. What is transparent becomes
white. Where no picture has a colour, all have one channel, else three.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seqplay.data.pictures import LARGEST_SIDE, MOST_BYTES, MOST_LABELS, Pictures
from seqplay.data.pictures.kinds import PICTURE_FILE, is_label, name_order, shown
from seqplay.errors import DataError, MissingError

if TYPE_CHECKING:
    from PIL.Image import Image

    Pixels = npt.NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "PPM")  # none that starts a program, as EPS does
MOST_FILES = 200_000
MOST_PIXELS = 1 << 26  # of one file, before it is made smaller: 8,192 x 8,192


def read_folder(folder: str) -> Pictures:
    """The pictures in the folders of a folder, labelled by their names; where these have none, those in the folder
    itself, all of one label.

    Hidden files are passed over, and what is no picture by its name. Raises DataError for a picture that cannot be
    read, MissingError where Pillow is not installed.
    """
    found = list(islice(_labelled(folder), MOST_FILES + 1))
    if not found:
        advice = "MNIST's idx files, or a folder of pictures for each label, as cats/1.png and dogs/1.png"
        raise DataError(f"{shown(folder)} holds no pictures. What can be read: {advice}.")
    names = list(dict.fromkeys(label for _, label in found))
    for count, most, what in ((len(found), MOST_FILES, "pictures"), (len(names), MOST_LABELS, "labels")):
        if count > most:
            raise DataError(f"{shown(folder)} holds more than {most:,} {what}. Name a folder with fewer.")
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[label] for _, label in found], np.int64)
    return Pictures(_stacked(folder, [file for file, _ in found]), labels, tuple(names), ink=False)


def _labelled(folder: str) -> Iterator[tuple[str, str]]:
    """(file, label) of every picture, label after label, both in the order of their names."""
    has_labels = False
    for label in _inside(folder, is_label):
        for file in _inside(label.path, _is_picture):
            has_labels = True
            yield file.path, shown(label.name)
    if not has_labels:
        name = shown(os.path.basename(os.path.abspath(folder)))
        yield from ((file.path, name) for file in _inside(folder, _is_picture))


def _inside(folder: str, wanted: Callable[[os.DirEntry[str]], bool]) -> list[os.DirEntry[str]]:
    """What is wanted of the entries of a folder, in the order of their names. Raises DataError for a folder that cannot
    be read: its pictures would be missing without a word.
    """
    try:
        with os.scandir(folder) as entries:
            found = list(islice(filter(wanted, entries), MOST_FILES + 1))
    except OSError as problem:
        raise DataError(f"{shown(folder)} cannot be read: {problem.strerror or problem}.") from None
    return sorted(found, key=lambda entry: name_order(entry.name))


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """Whether it is a picture by its name, and no pipe; a link that leads nowhere is one, and cannot be read then."""
    return bool(PICTURE_FILE.fullmatch(entry.name)) and (os.path.isfile(entry) or not os.path.exists(entry))


def _stacked(folder: str, files: list[str]) -> Pixels:
    """The pixels (N, height, width, channels) of all pictures."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise MissingError(
            "Pictures in folders are read by Pillow. Install it: pip install 'seqplay[pictures]'"
        ) from None
    pictures: list[Pixels] = []
    channels, size = 1, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what can be read though it does not follow its format to the letter
        for file in files:
            pictures.append(_read(file, size))
            height, width, own = pictures[-1].shape
            size, channels = (width, height), max(channels, own)
            if len(files) * height * width * channels > MOST_BYTES:
                limit = f"{MOST_BYTES:,} bytes of pixels"
                raise DataError(f"{shown(folder)} holds more than {limit}. Name a folder with fewer pictures.")
    stacked = np.empty((len(files), *pictures[0].shape[:2], channels), np.uint8)
    for number, picture in enumerate(pictures):
        stacked[number] = picture
    return stacked


def _read(file: str, size: tuple[int, int] | None) -> Pixels:
    """The pixels (height, width, 1 or 3) of a picture, made as large as `size` (width, height); None is for the first
    one, which decides for all.
    """
    from PIL import Image, UnidentifiedImageError

    too_large = f"has more than {MOST_PIXELS:,} pixels. Make it smaller, or take it out."
    try:
        with open(file, "rb") as content, Image.open(content, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            pixels = np.asarray(_fitted(image, size))
    except Image.DecompressionBombError:
        raise DataError(f"{shown(file)} {too_large}") from None
    except UnidentifiedImageError:
        known = ", ".join(FORMATS)
        raise DataError(f"{shown(file)} is no picture that can be read ({known}). Mend it, or take it out.") from None
    except Exception as problem:  # a damaged picture makes Pillow raise anything
        reason = problem.strerror if isinstance(problem, OSError) and problem.errno else "it is damaged or cut short"
        raise DataError(f"{shown(file)} cannot be read: {reason}. Mend it, or take it out.") from None
    is_grey = bool((pixels == pixels[..., :1]).all())
    return pixels[..., :1].copy() if is_grey else pixels


def _fitted(image: Image, size: tuple[int, int] | None) -> Image:
    """The picture in red, green and blue, upright, made as large as `size`."""
    from PIL import ImageOps
    from PIL.Image import Resampling

    image.draft(None, (4 * LARGEST_SIDE, 4 * LARGEST_SIDE))  # a large JPEG is not unpacked to its full size
    image = _in_colour(ImageOps.exif_transpose(image))
    size = size or _small(*image.size)
    return image if image.size == size else ImageOps.fit(image, size, Resampling.LANCZOS)


def _in_colour(image: Image) -> Image:
    import PIL.Image

    if image.mode.startswith("I"):  # 16 bits: Pillow would cut what is brighter than 255
        image = PIL.Image.fromarray((np.asarray(image).clip(0, 65_535) // 257).astype(np.uint8))
    elif image.has_transparency_data:
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def _small(width: int, height: int) -> tuple[int, int]:
    """The size whose longer side is at most 64 pixels."""
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
