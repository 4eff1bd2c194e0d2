"""Pictures in the cache: each data set is a safetensors file under its SHA-256, and is read only as it was written."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError

from seqplay import files, paths
from seqplay.data.pictures import LARGEST_SIDE, MOST_BYTES, MOST_LABELS, MOST_PICTURES, Pictures
from seqplay.errors import DataError, RunError

SHA256 = re.compile("[0-9a-f]{64}")
DAY = 86_400  # seconds
LENGTH_BYTES = 8
HEADER_LIMIT_BYTES = 1 << 23  # room for the longest names of 4,096 folders
LIMIT_BYTES = MOST_BYTES + MOST_PICTURES * np.dtype(np.int64).itemsize + HEADER_LIMIT_BYTES
ABOUT = "pictures"  # the one key of the metadata: several would be written in any order, each with a hash of its own


def keep(pictures: Pictures) -> str:
    """Write pictures into the cache; returns their SHA-256. Raises WriteError when it is full."""
    about = json.dumps({"names": pictures.names, "ink": pictures.ink})
    arrays: dict[str, npt.NDArray[Any]] = {"pixels": pictures.pixels, "labels": pictures.labels}
    arrays = {name: np.ascontiguousarray(values) for name, values in arrays.items()}
    content = safetensors.numpy.save(arrays, {ABOUT: about})
    digest = hashlib.sha256(content).hexdigest()
    folder = paths.make_private(paths.pictures_dir())
    try:
        files.sweep(folder, older_than=DAY)  # not younger ones: another process may be writing at this moment
    except OSError as problem:
        raise files.cannot_write(folder, problem) from problem
    files.write_atomically(folder / digest, content)
    return digest


def cached_pictures(data: str, name: str) -> Pictures:
    """The pictures of this SHA-256; raises DataError when the cache no longer holds them unchanged."""
    try:
        if not SHA256.fullmatch(data):
            raise RunError("this is no SHA-256")
        content = files.read_bytes(paths.pictures_dir() / data, LIMIT_BYTES)
        if hashlib.sha256(content).hexdigest() != data:
            raise RunError("it was changed")
        return _unpacked(content)
    except RunError:
        raise DataError(
            f"The pictures of '{name}' are no longer in the cache, or damaged there. "
            "Give them back, unchanged: seqplay resume RUN --text SOURCE."
        ) from None


def _unpacked(content: bytes) -> Pictures:
    """Raises RunError for what `keep` never writes: the hash may be a stranger's as well as the file."""
    try:
        names, ink = _about(content)
        arrays = safetensors.numpy.load(content)
        pictures = Pictures(arrays.pop("pixels"), arrays.pop("labels"), tuple(names), ink)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError):
        raise RunError("it is no file of pictures") from None
    if arrays or not _are_sound(pictures):
        raise RunError("it holds no pictures that can be learned")
    return pictures


def _about(content: bytes) -> tuple[list[str], bool]:
    size = int.from_bytes(content[:LENGTH_BYTES], "little")
    if size > HEADER_LIMIT_BYTES:
        raise ValueError("its header is too long")
    header = json.loads(content[LENGTH_BYTES : LENGTH_BYTES + size])
    about = json.loads(header["__metadata__"][ABOUT])
    if not isinstance(about["names"], list) or type(about["ink"]) is not bool:
        raise ValueError("it is described in another way")
    return about["names"], about["ink"]


def _are_sound(pictures: Pictures) -> bool:
    pixels, labels, names = pictures.pixels, pictures.labels, pictures.names
    if pixels.dtype != np.uint8 or labels.dtype != np.int64 or pixels.ndim != 4 or labels.shape != pixels.shape[:1]:
        return False
    count, height, width, channels = pixels.shape
    return (
        1 <= count <= MOST_PICTURES
        and 1 <= min(height, width) <= max(height, width) <= LARGEST_SIDE
        and channels in (1, 3)
        and math.prod(pixels.shape) <= MOST_BYTES
        and 1 <= len(names) <= MOST_LABELS
        and all(isinstance(name, str) for name in names)
        and bool(labels.min() >= 0 and labels.max() < len(names))
    )
