"""Reading a user's pictures: whatever they come from, they lie once in the cache, under their SHA-256.

As with texts, a run holds the hash and the name, never the path, and what is the user's is read once.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from seqplay.data import corpora
from seqplay.data.pictures import MOST_BYTES, MOST_LABELS, MOST_PICTURES, Pictures
from seqplay.data.pictures import is_pictures as is_pictures
from seqplay.data.pictures.cache import cached_pictures, keep
from seqplay.data.pictures.digits import drawn_digits, kept_digits
from seqplay.data.pictures.folder import read_folder
from seqplay.data.pictures.idx import images_in, read_idx
from seqplay.data.pictures.kinds import DIGITS, MOST_SEEN, kind_of, name_order, shown
from seqplay.data.texts import Source
from seqplay.errors import DataError, UsageError, no_such


def read_pictures(given: Sequence[str]) -> Source:
    """Read pictures into the cache. Raises what `look_at_pictures` does, and WriteError when the cache is full."""
    if _are_digits(given):
        return Source(DIGITS, kept_digits())
    name, read = look_at_pictures(given)
    return Source(name, keep(read))


def look_at_pictures(given: Sequence[str]) -> tuple[str, Pictures]:
    """The built-in digits, a corpus, folders or idx files, one after the other, and what they are called together.
    Nothing is kept but the built-in digits.

    Raises DataError for what holds no pictures, damaged ones, or pictures of several sizes, UsageError for a name that
    is none, and MissingError for what must be fetched or installed before.
    """
    if _are_digits(given):
        return DIGITS, cached_pictures(kept_digits(), DIGITS)
    return _name_of_all(given), joined([(part, _read_part(part)) for source in given for part in _parts(source)])


def _are_digits(given: Sequence[str]) -> bool:
    return [kind_of(source) for source in given] == ["digits"]


def joined(parts: Sequence[tuple[str, Pictures]]) -> Pictures:
    """Named parts one after the other, as one data set with the labels of all, the same names being the same label.

    Raises DataError where they differ in more than their labels.
    """
    first_name, first = parts[0]
    for name, part in parts[1:]:
        if part.pixels.shape[1:] != first.pixels.shape[1:] or part.ink != first.ink:
            mine, theirs = (_size(pictures) for pictures in (part, first))
            raise DataError(f"{shown(name)} holds pictures of {mine}, and {shown(first_name)} of {theirs}.")
    names = sorted({name for _, part in parts for name in part.names}, key=name_order)
    count, size = sum(len(part) for _, part in parts), sum(part.pixels.nbytes for _, part in parts)
    for number, most, what in (
        (count, MOST_PICTURES, "pictures"),
        (len(names), MOST_LABELS, "labels"),
        (size, MOST_BYTES, "bytes of pixels"),
    ):
        if number > most:
            raise DataError(
                f"{shown(first_name)} and what follows hold {number:,} {what}: at most {most:,} can be learned."
            )
    places = {name: place for place, name in enumerate(names)}
    labels = [np.array([places[name] for name in part.names], np.int64)[part.labels] for _, part in parts]
    pixels = np.concatenate([part.pixels for _, part in parts])
    return Pictures(pixels, np.concatenate(labels), tuple(names), first.ink)


def _size(pictures: Pictures) -> str:
    _, height, width, channels = pictures.pixels.shape
    return f"{height} x {width} x {channels}" + (" of ink" if pictures.ink else "")


def _parts(source: str) -> list[str]:
    """Of a source what is read as one: each pair of idx files in a folder, else the source itself."""
    kind = kind_of(source)
    folder = str(corpora.pictures_path(source)) if kind == "corpus" else source
    return images_in(folder) if kind in ("corpus", "idx folder") else [source]


def _read_part(part: str) -> Pictures:
    kind = kind_of(part)
    if kind == "digits":
        return drawn_digits()
    if kind == "idx":
        return read_idx(part)
    if os.path.isdir(part):
        return read_folder(part)
    if kind == "picture":
        raise DataError(
            f"{shown(part)} is one picture. Name the folder that holds a folder of pictures for each label."
        )
    if os.path.lexists(part):
        raise DataError(f"{shown(part)} holds no pictures. Name a folder of pictures, or a file in MNIST's idx format.")
    raise _missing(part)


def _missing(source: str) -> UsageError:
    """What may have been meant by a name that is nothing: what lies beside it, else the pictures that have a name."""
    if source == "-":
        return UsageError("Pictures are not read from standard input. Name a folder of pictures.")
    wanted, beside = Path(source), list[str]()
    with suppress(OSError, ValueError), os.scandir(wanted.parent) as entries:
        beside = [entry.name for entry in islice(entries, MOST_SEEN)]
    if near := difflib.get_close_matches(wanted.name, beside, n=1):
        return UsageError(
            f"No pictures named '{shown(source)}'. Did you mean '{shown(str(wanted.with_name(near[0])))}'?"
        )
    known = [DIGITS, *(corpus.name for corpus in corpora.TABLE.values() if not corpus.is_text)]
    return UsageError(no_such("pictures", shown(source), known))


def _name_of_all(given: Sequence[str]) -> str:
    first = Path(os.path.abspath(given[0])).name.encode("utf-8", "replace").decode()
    return first if len(given) == 1 else f"{first} and {len(given) - 1} more"
