"""MNIST's files: arrays of bytes in the idx format, as they are or packed by gzip.

Two zero bytes, the type of the numbers, how many dimensions there are, the size of each (4 bytes, the highest first),
then the numbers (LeCun, Cortes & Burges, http://yann.lecun.com/exdb/mnist/). A header is held against limits and the
file's length before room is made, and never more is unpacked than it says: a few kB of gzip can hold GiB.
"""

from __future__ import annotations

import gzip
import math
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, NoReturn

import numpy as np
import numpy.typing as npt

from seqplay.data.pictures import LARGEST_SIDE, MOST_BYTES, MOST_PICTURES, Pictures
from seqplay.data.pictures.kinds import GZIP, is_images_file, shown
from seqplay.errors import DataError, counted

UNSIGNED_BYTES = 0x08
CHUNK = 1 << 20
TIGHTEST = 1032  # bytes that one byte of gzip can stand for
AGAIN = "Fetch or copy it again."


def images_in(folder: str) -> list[str]:
    """The files of pictures in a folder, MNIST's training part first. What lies there packed and unpacked, or is called
    in both of the usual ways, is read once. Raises DataError where there are none.
    """
    with _telling(folder):
        names = [name for name in os.listdir(folder) if is_images_file(folder, name)]
    once = {name.removesuffix(".gz").replace(".idx", "-idx"): name for name in sorted(names, reverse=True)}
    if not once:
        _refuse(folder, "holds no files in MNIST's idx format.")
    return [os.path.join(folder, name) for name in sorted(once.values(), key=lambda name: ("train" not in name, name))]


def read_idx(images: str) -> Pictures:
    """The pictures of a file, and their labels from the one beside it. The names are the numbers that occur as labels.

    Raises DataError for anything but pictures of at most 64 x 64 x 3 bytes with as many labels.
    """
    of_labels = _labels_beside(images)
    numbers = _read(of_labels, _check_labels)
    pixels = _read(images, partial(_check_images, labels=len(numbers), of_labels=of_labels))
    if pixels.ndim == 3:
        pixels = pixels[..., np.newaxis]
    values, labels = np.unique(numbers, return_inverse=True)
    return Pictures(pixels, labels.astype(np.int64), tuple(map(str, values)), ink=pixels.shape[3] == 1)


def _labels_beside(images: str) -> str:
    """The file of labels that belongs to a file of pictures."""
    folder, name = os.path.split(images)
    if "images" not in name:
        advice = (
            "Pictures lie in a file like train-images-idx3-ubyte, their labels beside it in train-labels-idx1-ubyte"
        )
        raise DataError(f"{shown(images)} cannot be paired with its labels by its name. {advice}.")
    stem = "labels".join(name.removesuffix(".gz").rsplit("images", 1)).replace("idx3", "idx1").replace("idx4", "idx1")
    beside = [os.path.join(folder, stem + end) for end in ("", ".gz")]
    found = next(filter(os.path.lexists, beside), None)
    if found is None:
        raise DataError(f"{shown(images)} has no labels beside it: {shown(stem)}, or the same with .gz, is missing.")
    return found


def _check_labels(sizes: tuple[int, ...]) -> None:
    if len(sizes) != 1:
        raise ValueError(f"has {counted(len(sizes), 'dimension')}, and labels have 1. {AGAIN}")
    if sizes[0] > MOST_PICTURES:
        raise ValueError(f"holds {sizes[0]:,} labels, and at most {MOST_PICTURES:,} pictures can be learned.")


def _check_images(sizes: tuple[int, ...], labels: int, of_labels: str) -> None:
    if len(sizes) not in (3, 4):
        many = counted(len(sizes), "dimension")
        raise ValueError(f"has {many}, and pictures have 3, or 4 with their channels. {AGAIN}")
    count, height, width, channels = (*sizes, 1)[:4]
    if count == 0:
        raise ValueError("holds no pictures: there is nothing to learn from it.")
    if not 1 <= min(height, width) <= max(height, width) <= LARGEST_SIDE:
        limit = f"pictures have from 1 to {LARGEST_SIDE} pixels on a side"
        raise ValueError(f"holds pictures of {height:,} x {width:,}: {limit}. Make them smaller.")
    if channels not in (1, 3):
        raise ValueError(
            f"holds pictures of {counted(channels, 'channel')}: they have 1 (grey) or 3 (red, green, blue)."
        )
    if count != labels:
        have = f"holds {counted(count, 'picture')}, but {shown(of_labels)} {counted(labels, 'label')}"
        raise ValueError(f"{have}. Fetch or copy both again.")
    if math.prod(sizes) > MOST_BYTES:
        raise ValueError(f"holds {math.prod(sizes):,} bytes of pixels: at most {MOST_BYTES:,} can be learned.")


def _read(path: str, check: Callable[[tuple[int, ...]], None]) -> npt.NDArray[np.uint8]:
    """The array of a file; `check` raises ValueError for sizes that are not wanted, before any of it is read."""
    with _telling(path), open(_ordinary(path), "rb") as file:
        packed, length = file.read(2) == GZIP, os.fstat(file.fileno()).st_size
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if packed else file
        sizes = _sizes(stream)
        check(sizes)
        begin, size = 4 + 4 * len(sizes), math.prod(sizes)
        if not packed and length > begin + size:
            raise ValueError(f"has {length:,} bytes, and its header says {begin + size:,}. {AGAIN}")
        if length * (TIGHTEST if packed else 1) < begin + size:
            raise EOFError
        values = np.empty(sizes, np.uint8)
        _fill(values.reshape(-1).data, stream)
        if stream.read(1):
            raise ValueError(f"holds more than the {begin + size:,} bytes that its header says. {AGAIN}")
        return values


def _sizes(stream: IO[bytes] | gzip.GzipFile) -> tuple[int, ...]:
    """What the header says. Raises ValueError where it is none, EOFError where it is not whole."""
    magic = stream.read(4)
    if magic[:2] != b"\0\0" or (len(magic) == 4 and not 1 <= magic[3] <= 4):
        begin = f"it begins with {magic.hex(' ')}" if magic else "it is empty"
        raise ValueError(f"is no file in the idx format: {begin}. {AGAIN}")
    if len(magic) < 4:
        raise EOFError
    if magic[2] != UNSIGNED_BYTES:
        raise ValueError(f"holds numbers of type {magic[2]:#04x}: pictures and labels are bytes, of type 0x08.")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise EOFError
    return tuple(int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4))


def _fill(room: memoryview, stream: IO[bytes] | gzip.GzipFile) -> None:
    done = 0
    while done < len(room):
        block = stream.read(min(CHUNK, len(room) - done))
        if not block:
            raise EOFError
        room[done : done + len(block)] = block
        done += len(block)


def _ordinary(path: str) -> str:
    """Raises ValueError for what may have no end."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError("is no file that can be read to its end.")
    return path


@contextmanager
def _telling(path: str) -> Iterator[None]:
    """Whatever is wrong with a file is one line that names it."""
    try:
        yield
    except EOFError:
        _refuse(path, f"is cut short. {AGAIN}")
    except (gzip.BadGzipFile, zlib.error):
        _refuse(path, f"is damaged: it does not unpack to what was packed. {AGAIN}")
    except OSError as problem:
        _refuse(path, f"cannot be read: {problem.strerror or problem}.")
    except MemoryError:
        _refuse(path, "does not fit in the memory.")
    except ValueError as problem:
        _refuse(path, str(problem))


def _refuse(path: str, reason: str) -> NoReturn:
    raise DataError(f"{shown(path)} {reason}") from None
