"""A passage as ids, once on the disk: what training reads.

The file is made block by block, so that a text of any size takes little memory, and kept in the cache under a key of
all that it depends on. It holds the ids, then a SHA-256 over key and ids: one that a bit flip or a stranger changed is
made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from seqplay import files, paths
from seqplay.data.open_file import OpenFile
from seqplay.data.passages import Passage
from seqplay.data.tokens import Codec, Ids, id_type
from seqplay.errors import DataError, RunError

LAYOUT = 1  # of these files; another one makes all of them again
BLOCK = 1 << 20  # ids
DAY = 86_400  # seconds
UNUSED_DAYS = 30  # after which ids are forgotten: they can be made again
DIGEST_BYTES = 32

Say = Callable[[str], None]  # told how far a long preparation is, as often as it likes


def silently(message: str) -> None:
    """For those who have nobody to tell."""


@dataclass(frozen=True)
class TokenIds:
    """The ids of a passage, an array on the disk that is read where it is needed."""

    file: OpenFile
    count: int
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.count

    def read(self, start: int, stop: int) -> Ids:
        """The ids from `start` to `stop`, fewer where there are not so many."""
        start, stop = (min(max(place, 0), self.count) for place in (start, stop))
        size = self.dtype.itemsize
        content = self.file.read(max(0, stop - start) * size, start * size)
        if len(content) != max(0, stop - start) * size:
            raise DataError("The cached ids of the text were cut short while they were read. Start again.")
        return np.frombuffer(content, self.dtype)

    def rows(self, starts: Iterable[int], length: int) -> Ids:
        """A stretch of `length` ids from each start: (rows, length)."""
        return np.stack([self.read(start, start + length) for start in starts])

    def blocks(self) -> Iterator[Ids]:
        return (self.read(start, start + BLOCK) for start in range(0, self.count, BLOCK))


def token_ids(codec: Codec, passage: Passage, say: Say = silently) -> TokenIds:
    """The ids of a passage, from the cache where it has them unharmed.

    `say` is told how far it is. Raises WriteError where the cache is full.
    """
    made_by = [LAYOUT, version("tokenizers"), hashlib.sha256(codec.tokenizer_json().encode()).hexdigest()]
    key = hashlib.sha256(json.dumps([*made_by, passage.data, passage.begin, passage.end]).encode())
    path = paths.make_private(paths.ids_dir()) / f"{passage.data}.{key.hexdigest()[:32]}"
    dtype = np.dtype(id_type(len(codec))).newbyteorder("<")
    file = _kept(path, dtype)
    if file is None:
        file = _make(path, dtype, codec, passage, say)
    return TokenIds(file, (file.status().st_size - DIGEST_BYTES) // dtype.itemsize, dtype)


def _kept(path: Path, dtype: np.dtype[Any]) -> OpenFile | None:
    """The file of ids if it is whole, unchanged, and of this user."""
    try:
        file = OpenFile(path)
    except RunError:
        return None
    status, digest = file.status(), _digest(path)
    ids_bytes = status.st_size - DIGEST_BYTES
    if ids_bytes < 0 or ids_bytes % dtype.itemsize or status.st_uid != os.geteuid():
        return None
    for position in range(0, ids_bytes, BLOCK):
        digest.update(file.read(min(BLOCK, ids_bytes - position), position))
    if file.read(DIGEST_BYTES, ids_bytes) != digest.digest():
        return None
    with suppress(OSError):  # a cache that cannot be written is good enough to read
        os.utime(path)
    return file


def _make(path: Path, dtype: np.dtype[Any], codec: Codec, passage: Passage, say: Say) -> OpenFile:
    partial, digest, done = files.temporary(path), _digest(path), 0
    try:
        _forget(path.parent)
        with open(os.open(partial, files.NEW_FILE, 0o600), "wb") as out:
            for block in passage:
                content = codec.encode(block).astype(dtype, copy=False).tobytes()
                digest.update(content)
                out.write(content)
                done += len(block)
                say(f"making {codec.kind} tokens: {done / max(1, passage.characters):.0%} of the text")
            out.write(digest.digest())
            out.flush()
            os.fsync(out.fileno())
        file = OpenFile(partial)
        os.replace(partial, path)
        files.sync_directory(path.parent)
        return file
    except OSError as problem:
        raise files.cannot_write(path.parent, problem) from problem
    finally:
        files.remove_quietly(partial)


def _digest(path: Path) -> Any:
    """A hash that has begun with the key: ids under another key's name are none."""
    return hashlib.sha256(path.name.encode())


def _forget(folder: Path) -> None:
    """Remove what killed processes left, and ids that nobody used for a month."""
    files.sweep(folder, older_than=DAY)
    for entry in os.scandir(folder):
        with suppress(OSError):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > UNUSED_DAYS * DAY:
                os.unlink(entry)
