"""Reading a cached text again: as a passage, block by block, so that its size does not matter.

The file stays open from the moment its hash was checked, and is read with pread, never mapped: if somebody cuts it
short meanwhile, that is an error with a message, where a mapped file would kill the process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from seqplay import paths
from seqplay.data.open_file import OpenFile
from seqplay.errors import DataError, RunError

BLOCK = 1 << 20  # bytes
SHA256 = re.compile("[0-9a-f]{64}")
SMALL = 1000  # characters; nothing is held out from a text that is shorter


@dataclass(frozen=True)
class Passage:
    """The bytes `begin` to `end` of a cached text, whose SHA-256 is `data`.

    Iterating gives its text in blocks of about a MiB, each ending after a line break or before a space where there is
    one, so that a word is not cut. The same passage is always cut at the same places.
    """

    file: OpenFile
    data: str
    begin: int
    end: int
    characters: int

    def __len__(self) -> int:
        return self.end - self.begin

    def __iter__(self) -> Iterator[str]:
        rest = b""
        for block in self._bytes():
            rest += block
            cut = len(rest)
            if len(block) == BLOCK:
                cut = _end_of_token(rest)
            yield rest[:cut].decode()
            rest = rest[cut:]
        if rest:
            yield rest.decode()

    def text(self) -> str:
        return "".join(self)

    def beginning(self, most: int) -> Passage:
        """The whole characters among the first `most` bytes."""
        if len(self) <= most:
            return self
        end = self.begin + most
        while _is_inside_character(self.file.read(1, end)):
            end -= 1
        short = replace(self, end=end)
        return replace(short, characters=sum(_characters(block) for block in short._bytes()))

    def split(self, holdout: float) -> tuple[Passage, Passage]:
        """The training part and the held-out part: the last share of the characters, none of a SMALL text."""
        kept = self.characters
        if self.characters >= SMALL and holdout > 0:
            kept = int(self.characters * (1 - holdout) + 1e-9)
        cut = self._byte_of(kept)
        return replace(self, end=cut, characters=kept), replace(self, begin=cut, characters=self.characters - kept)

    def _byte_of(self, character: int) -> int:
        """Where in the file a character of the passage begins."""
        if character == self.characters:
            return self.end
        position = self.begin
        for block in self._bytes():
            starts = np.flatnonzero(_starts(block))
            if character < len(starts):
                return position + int(starts[character])
            character -= len(starts)
            position += len(block)
        raise AssertionError("a passage has as many characters as were counted")

    def _bytes(self) -> Iterator[bytes]:
        position = self.begin
        while position < self.end:
            wanted = min(BLOCK, self.end - position)
            block = self.file.read(wanted, position)
            if len(block) != wanted:
                raise DataError("The cached text was cut short while it was read. Train on it again.")
            yield block
            position += len(block)


def cached_text(data: str, name: str) -> Passage:
    """The text of this SHA-256; raises DataError when the cache no longer holds it unchanged."""
    try:
        if not SHA256.fullmatch(data):
            raise RunError("this is no SHA-256")
        file = OpenFile(paths.texts_dir() / data)
    except RunError:
        raise _gone(name) from None
    whole = Passage(file, data, 0, file.status().st_size, 0)
    digest, characters = hashlib.sha256(), 0
    for block in whole._bytes():
        digest.update(block)
        characters += _characters(block)
    if digest.hexdigest() != data:
        raise _gone(name)
    return replace(whole, characters=characters)


def _gone(name: str) -> DataError:
    return DataError(
        f"The text '{name}' is no longer in the cache. Give it back, unchanged: seqplay resume RUN --text FILE. "
        "Or train on it again."
    )


def _starts(block: bytes) -> npt.NDArray[np.bool_]:
    """Which bytes begin a character in UTF-8."""
    starts: npt.NDArray[np.bool_] = (np.frombuffer(block, np.uint8) & 0xC0) != 0x80
    return starts


def _characters(block: bytes) -> int:
    return int(np.count_nonzero(_starts(block)))


def _is_inside_character(byte: bytes) -> bool:
    return byte != b"" and byte[0] & 0xC0 == 0x80


def _end_of_token(content: bytes) -> int:
    """Where to cut: after the last line break of the last BLOCK, else before its last space, else at a character."""
    least = max(1, len(content) - BLOCK)
    cut = content.rfind(b"\n", least) + 1 or content.rfind(b" ", least)
    if cut > 0:
        return cut
    cut = len(content) - 1
    while _is_inside_character(content[cut : cut + 1]):
        cut -= 1
    return cut
