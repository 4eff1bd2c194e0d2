"""What kind of pictures a source holds, told from names and a few first bytes: nothing is read, and nothing raised.

Without numpy and Pillow, for viewers.
"""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Literal

from seqplay.data import corpora

DIGITS = "digits"
"""The built-in pictures: digits that seqplay draws itself."""

PICTURE_FILE = re.compile(r"(?!\.).+\.(png|jpe?g|gif|bmp|webp|ppm|pgm|pbm)", re.IGNORECASE | re.DOTALL)
IMAGES_FILE = re.compile(r"(?!\.).*images[-.]idx[34]-ubyte(\.gz)?", re.DOTALL)
IDX_FILE = re.compile(r"(?!\.).*[-.]idx\d-ubyte(\.gz)?", re.DOTALL)
IDX_TYPES = bytes([0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E])  # unsigned and signed bytes, then the longer numbers
GZIP = b"\x1f\x8b"
MOST_SEEN = 10_000  # entries that are looked at in a folder, and as many in the folders below it
FIRST_BYTES = 1 << 12  # in which the first four of what is packed are found

Kind = Literal["digits", "corpus", "idx folder", "folder", "idx", "picture"]


def is_pictures(sources: Sequence[str]) -> bool:
    """Whether any of these sources holds pictures, so that it is to be read by `sources.read_pictures`."""
    return any(kind_of(source) for source in sources)


def kind_of(source: str) -> Kind | None:
    """What pictures a source holds; None where it holds none, or cannot be looked at. A file or a folder goes before
    the built-in pictures and the corpus of its name.
    """
    try:
        mode = os.stat(source).st_mode
    except (OSError, ValueError):
        if os.path.lexists(source):
            return None
        corpus = corpora.find(source)
        return "digits" if source == DIGITS else "corpus" if corpus and not corpus.is_text else None
    if stat.S_ISDIR(mode):
        return _kind_of_folder(source)
    name = os.path.basename(source)
    if stat.S_ISREG(mode):
        return "picture" if PICTURE_FILE.fullmatch(name) else "idx" if _is_idx(source, name) else None
    return None


def _kind_of_folder(folder: str) -> Kind | None:
    """Of texts and pictures that lie in one folder, those are meant that are more."""
    entries = list(islice(_entries(folder), MOST_SEEN))
    if any(is_images_file(folder, entry.name) for entry in entries):
        return "idx folder"
    below = chain.from_iterable(_entries(entry.path) for entry in entries if is_label(entry))
    names = [entry.name for entry in chain(entries, islice(below, MOST_SEEN))]
    pictures = sum(1 for name in names if PICTURE_FILE.fullmatch(name))
    return "folder" if pictures > sum(1 for name in names if name.endswith(".txt")) else None


def is_images_file(folder: str, name: str) -> bool:
    """Whether what has this name in a folder is a file of pictures in the idx format, as MNIST's are called."""
    return bool(IMAGES_FILE.fullmatch(name)) and not os.path.isdir(os.path.join(folder, name))


def is_label(entry: os.DirEntry[str]) -> bool:
    """Whether an entry of a folder is a folder that is not hidden: what lies in it has its name as label."""
    with suppress(OSError):
        return entry.is_dir() and not entry.name.startswith(".")
    return False


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        yield from entries


def _is_idx(path: str, name: str) -> bool:
    """Whether a file, packed or not, is called as one in the idx format is, or begins so."""
    if IDX_FILE.fullmatch(name):
        return True
    with suppress(OSError, zlib.error), open(path, "rb") as file:
        first = file.read(FIRST_BYTES)
        if first.startswith(GZIP):
            first = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(first, 4)
        return len(first) > 3 and first[:2] == b"\0\0" and first[2] in IDX_TYPES and first[3] in (1, 3, 4)
    return False


def shown(source: str) -> str:
    """A source in a message: a name that is no UTF-8 with its odd bytes as \\udcff."""
    return source.encode("utf-8", "backslashreplace").decode()


def name_order(name: str) -> tuple[bool, int, str]:
    """The order of labels: numbers as they count, then words. "9", "10", "cats"."""
    is_number = name.isascii() and name.isdigit()
    return not is_number, int(name[:1000]) if is_number else 0, name
