"""Reading a user's text: whatever it comes from, it lies once in the cache, in UTF-8, under its SHA-256.

A run holds the hash and the name, never the path, so that a run can be given away without telling where its text lay.
The user's own file is read once, from start to end, and never again.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from seqplay import files, paths
from seqplay.data.built_in import BUILT_IN, built_in_text
from seqplay.errors import DataError, RunError, SeqplayError, UsageError, no_such

CHUNK = 1 << 20
LARGEST = 1 << 36  # bytes; an endless source stops here
DAY = 86_400  # seconds
SHA256 = re.compile("[0-9a-f]{64}")
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Source:
    """A text that the cache holds: what the user calls it, and its SHA-256."""

    name: str
    data: str


def read_sources(given: Sequence[str]) -> Source:
    """Read files, "-" or built-in names, one after the other, into the cache.

    Raises DataError for what is no text, UsageError for what is no file and no built-in name, WriteError when the
    cache is full.
    """
    folder = paths.make_private(paths.cache_dir() / "texts")
    digest = hashlib.sha256()
    partial = files.temporary(folder / "text")
    try:
        files.sweep(folder, older_than=DAY)  # not younger ones: another process may be reading a text at this moment
        with open(os.open(partial, files.NEW_FILE, 0o600), "wb") as out:
            ends_line = True
            for source in given:
                joint = b"" if ends_line else b"\n"
                for block in filter(None, _utf8_blocks(source)):
                    digest.update(joint + block)
                    out.write(joint + block)
                    joint, ends_line = b"", block.endswith(b"\n")
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, folder / digest.hexdigest())
        files.sync_directory(folder)
    except OSError as problem:
        raise files.cannot_write(folder, problem) from problem
    finally:
        files.remove_quietly(partial)
    names = [_name_of(source) for source in given]
    return Source(names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more", digest.hexdigest())


def cached_text(data: str, name: str) -> str:
    """The text of this SHA-256; raises DataError when the cache no longer holds it unchanged."""
    try:
        content = files.read_bytes(paths.cache_dir() / "texts" / data, LARGEST) if SHA256.fullmatch(data) else None
    except RunError:
        content = None
    if content is None or hashlib.sha256(content).hexdigest() != data:
        raise DataError(
            f"The text '{name}' is no longer in the cache. Train on it again, with the same file and settings."
        )
    return content.decode()


def split(text: str, holdout: float) -> tuple[str, str]:
    """The training part and the held-out part: the last share of the characters. Under 1,000 characters nothing is
    held out.
    """
    if len(text) < 1000 or holdout == 0:
        return text, ""
    cut = int(len(text) * (1 - holdout) + 1e-9)
    return text[:cut], text[cut:]


def _name_of(source: str) -> str:
    name = "standard-input" if source == "-" else Path(source).name
    return name.encode("utf-8", "replace").decode()


def _utf8_blocks(source: str) -> Iterator[bytes]:
    """The source's text as UTF-8 without a byte order mark, checked block by block."""
    if source in BUILT_IN and not Path(source).exists():
        yield built_in_text(source)
        return
    with _open(source) as stream:
        first = _read(stream, source)
        mark, encoding = next(((m, e) for m, e in MARKS if first.startswith(m)), (b"", "utf-8"))
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        position, block = len(mark), first[len(mark) :]
        while True:
            waiting = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as problem:
                where, byte = position - waiting + problem.start, problem.object[problem.start]
                raise DataError(
                    f"{_shown(source)} is no {encoding.upper()} text: byte {where:,} is {byte:#04x}."
                ) from None
            if "\0" in text:
                raise DataError(f"{_shown(source)} is no text: it holds NUL bytes, as programs and pictures do.")
            yield text.encode()
            if not block:
                return
            position += len(block)
            if position > LARGEST:
                raise DataError(f"{_shown(source)} is larger than {LARGEST >> 30} GiB. Cut a part out of it.")
            block = _read(stream, source)


def _open(source: str) -> AbstractContextManager[IO[bytes]]:
    if source == "-":
        if sys.stdin is None:
            raise DataError("Standard input is closed: there is no text to read.")
        return nullcontext(sys.stdin.buffer)
    try:
        mode = os.stat(source).st_mode
        if stat.S_ISDIR(mode):
            raise DataError(f"{_shown(source)} is a folder. Name the text files in it: {_shown(source)}/*.txt")
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise DataError(f"{_shown(source)} is no file that can be read to its end.")
        return open(source, "rb")
    except FileNotFoundError:
        where = no_such("file or built-in text", _shown(source), BUILT_IN, listed="Built in")
        raise UsageError(where) from None
    except SeqplayError:
        raise
    except (OSError, ValueError) as problem:
        raise DataError(f"{_shown(source)} cannot be read: {getattr(problem, 'strerror', None) or problem}.") from None


def _read(stream: IO[bytes], source: str) -> bytes:
    try:
        return stream.read(CHUNK)
    except OSError as problem:  # not the cache's fault, which the caller would say
        raise DataError(f"{_shown(source)} cannot be read: {problem.strerror or problem}.") from None


def _shown(source: str) -> str:
    return source.encode("utf-8", "backslashreplace").decode()
