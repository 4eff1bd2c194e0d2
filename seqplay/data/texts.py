"""Reading a user's text: whatever it comes from, it lies once in the cache, in UTF-8, under its SHA-256.

A run holds the hash and the name, never the path, so that a run can be given away without telling where its text lay.
The user's own file is read once, from start to end, and never again.
"""

from __future__ import annotations

import codecs
import difflib
import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, final

from seqplay import files, paths
from seqplay.data import corpora, tables
from seqplay.data.built_in import BUILT_IN, built_in_text
from seqplay.errors import DataError, SeqplayError, UsageError, no_such

CHUNK = 1 << 20
SMALL_BLOCK = 1 << 17  # characters of a column, for whoever waits for the first
LARGEST = 1 << 36  # bytes; an endless source stops here
MOST_FILES = 100_000  # in a folder
DAY = 86_400  # seconds
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SURELY_UTF8 = 3  # characters beyond ASCII; in another encoding so many in a row make no UTF-8 by chance
NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # what text in no encoding holds


@dataclass(frozen=True)
class Source:
    """A text that the cache holds: what the user calls it, and its SHA-256."""

    name: str
    data: str


class ChangedError(DataError):
    """This is another text than the one that was expected."""


@final
class Excerpt:
    """The beginning of sources, read without keeping a copy. Iterating, once, gives it in UTF-8 as the cache would hold
    it, in blocks.

    `size` and `bytes_read` are in bytes of the files as they stand. Of all files together at most `most` are read.
    Standard input and pipes, which could not be read again, are refused at once. Raises what `read_sources` does,
    much of it here already.
    """

    def __init__(self, given: Sequence[str], column: str | None, most: int) -> None:
        if "-" in given:
            raise UsageError("Standard input can be read only once. Keep it in a file: cat > novel.txt")
        self.name, self._column, self._budget = _name_of_all(given), column, _Budget(most)
        self._sources = list(_each_file(given))
        self.size = sum(map(_size_of, self._sources))

    @property
    def bytes_read(self) -> int:
        return self._budget.most - self._budget.left

    def __iter__(self) -> Iterator[bytes]:
        yield from _joined(_blocks(source, self._column, self._budget) for source in self._sources if self._budget.left)


@final
class _Budget:
    """How many bytes of several sources may be read together, and how many of them are left."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most


def read_sources(given: Sequence[str], column: str | None = None, expected: str | None = None) -> Source:
    """Read files, folders, "-" or built-in names, one after the other, into the cache; of tables, one column.

    Raises DataError for what is no text or empty, UsageError for what is no file and no built-in name, WriteError
    when the cache is full, and ChangedError, having kept nothing, for a text whose SHA-256 is not the `expected` one.
    """
    folder = paths.make_private(paths.texts_dir())
    digest = hashlib.sha256()
    partial = files.temporary(folder / "text")
    name = _name_of_all(given)
    try:
        files.sweep(folder, older_than=DAY)  # not younger ones: another process may be reading a text at this moment
        with open(os.open(partial, files.NEW_FILE, 0o600), "wb") as out:
            for block in _joined(_blocks(source, column) for source in _each_file(given)):
                digest.update(block)
                out.write(block)
            if out.tell() == 0:
                raise empty(name)
            if expected not in (None, digest.hexdigest()):
                raise ChangedError(f"{_shown(name)} has the SHA-256 {digest.hexdigest()[:8]}…, not {expected[:8]}….")
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, folder / digest.hexdigest())
        files.sync_directory(folder)
    except OSError as problem:
        raise files.cannot_write(folder, problem) from problem
    finally:
        files.remove_quietly(partial)
    return Source(name, digest.hexdigest())


def empty(name: str) -> DataError:
    return DataError(f"{_shown(name)} is empty: there is nothing to learn from it.")


def _joined(texts: Iterable[Iterator[str]]) -> Iterator[bytes]:
    """Texts one after the other in UTF-8, with a line break between two where the first does not end with one."""
    ends_line = True
    for text in texts:
        joint = "" if ends_line else "\n"
        for block in filter(None, text):
            yield (joint + block).encode()
            joint, ends_line = "", block.endswith("\n")


def _each_file(given: Iterable[str]) -> Iterator[str]:
    """The sources themselves, for a corpus that was fetched its file, and for a folder the texts in it."""
    for source in given:
        if not os.path.isdir(source):
            fetched = None if os.path.lexists(source) else corpora.text_path(source)
            yield source if fetched is None else str(fetched)
            continue
        found = sorted(islice(_texts_in(source), MOST_FILES))
        if not found:
            raise DataError(f"{_shown(source)} is a folder without .txt files. Name the files: {_shown(source)}/*")
        yield from found


def _texts_in(folder: str) -> Iterator[str]:
    """The texts in a folder and those below it, without pipes and devices, which nobody named. Raises DataError for a
    folder that cannot be read: its texts would be missing without a word.
    """

    def refuse(problem: OSError) -> None:
        raise DataError(f"{_shown(str(problem.filename))} cannot be read: {problem.strerror}.")

    for path, _, names in os.walk(folder, onerror=refuse):
        texts = (os.path.join(path, name) for name in names if name.endswith(".txt") and not name.startswith("."))
        yield from (text for text in texts if os.path.isfile(text) or not os.path.exists(text))


def _name_of_all(given: Sequence[str]) -> str:
    first = _name_of(given[0])
    return first if len(given) == 1 else f"{first} and {len(given) - 1} more"


def _name_of(source: str) -> str:
    name = "standard-input" if source == "-" else Path(os.path.abspath(source)).name
    return name.encode("utf-8", "replace").decode()


def _blocks(source: str, column: str | None, budget: _Budget | None = None) -> Iterator[str]:
    """The text of a source in blocks; of a table, one column of it."""
    text = _decoded(source, budget)
    if column is None:
        return text
    if budget is None:
        return tables.column(text, column, _shown(source))
    return tables.column(text, column, _shown(source), SMALL_BLOCK, lambda: budget.left == 0)


def _decoded(source: str, budget: _Budget | None = None) -> Iterator[str]:
    """The source's text without a byte order mark, checked block by block; what is beyond the budget is left out."""
    if _is_built_in(source):
        content = built_in_text(source)
        if budget is not None:
            content = content[: budget.left]
            budget.left -= len(content)
        yield content.decode(errors="ignore")
        return
    with _open(source) as stream:
        before = _state_of(stream)
        first = _read(stream, source, budget)
        mark, encoding = next(((m, e) for m, e in MARKS if first.startswith(m)), (b"", "utf-8"))
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        position, block, text = len(mark), first[len(mark) :], ""
        while True:
            waiting = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as problem:
                where, byte = position - waiting + problem.start, problem.object[problem.start]
                raise DataError(
                    f"{_shown(source)} is no {encoding.upper()} text: byte {where:,} is {byte:#04x}."
                    + (_how_to_mend(problem.object, text, problem.start, source) if encoding == "utf-8" else "")
                ) from None
            if "\0" in text:
                raise DataError(f"{_shown(source)} is no text: it holds NUL bytes, as programs and pictures do.")
            yield text
            if not block:
                break
            position += len(block)
            if position > LARGEST:
                raise DataError(f"{_shown(source)} is larger than {LARGEST >> 30} GiB. Cut a part out of it.")
            if budget is not None and budget.left == 0 and stream.read(1):
                return
            block = _read(stream, source, budget)
        if _state_of(stream) != before:
            raise DataError(f"{_shown(source)} changed while it was read. Train on a copy of it, or try again.")


def _how_to_mend(content: bytes, before: str, fault: int, source: str) -> str:
    """A sentence for text in an encoding from before Unicode, or with a fault; nothing for what is no text at all."""
    if NO_TEXT.search(content):
        return ""
    if sum(not character.isascii() for character in before + content[:fault].decode()) >= SURELY_UTF8:
        return " What stands before it is: the text may be damaged, or cut short."
    try:
        text = codecs.getincrementaldecoder("cp949")("strict").decode(content)
        encoding = "CP949" if any("가" <= character <= "힣" for character in text) else "WINDOWS-1252"
    except UnicodeDecodeError:
        encoding = "WINDOWS-1252"
    name = "FILE" if source == "-" else _shown(source)
    return f" If it is {encoding}, convert it: iconv -f {encoding} -t UTF-8 {name} > new.txt"


def _open(source: str) -> AbstractContextManager[IO[bytes]]:
    if source == "-":
        if sys.stdin is None:
            raise DataError("Standard input is closed: there is no text to read.")
        return nullcontext(sys.stdin.buffer)
    with _telling(source):
        mode = os.stat(source).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise _endless(source)
        return open(source, "rb")


def _size_of(source: str) -> int:
    """In bytes, of an ordinary file or a built-in text; raises what `_open` does, also for a pipe."""
    if _is_built_in(source):
        return len(built_in_text(source))
    with _telling(source):
        status = os.stat(source)
        if not stat.S_ISREG(status.st_mode):
            raise _endless(source)
        return status.st_size


def _is_built_in(source: str) -> bool:
    return source in BUILT_IN and not Path(source).exists()


@contextmanager
def _telling(source: str) -> Iterator[None]:
    """Whatever is wrong with a source is one line."""
    try:
        yield
    except FileNotFoundError:
        raise _missing(source) from None
    except SeqplayError:
        raise
    except (OSError, ValueError) as problem:
        raise DataError(f"{_shown(source)} cannot be read: {getattr(problem, 'strerror', None) or problem}.") from None


def _endless(source: str) -> DataError:
    return DataError(f"{_shown(source)} is no file that can be read to its end.")


def _missing(source: str) -> UsageError:
    """What may have been meant by a name that is no file: a file beside it, else a built-in text."""
    wanted, beside = Path(source), list[str]()
    with suppress(OSError, ValueError), os.scandir(wanted.parent) as entries:
        beside = [entry.name for entry in islice(entries, MOST_FILES)]
    if near := difflib.get_close_matches(wanted.name, beside, n=1):
        meant = _shown(str(wanted.with_name(near[0])))
        return UsageError(f"No file named '{_shown(source)}'. Did you mean '{meant}'?")
    known = [*BUILT_IN, "digits", *corpora.TABLE]
    return UsageError(no_such("file, built-in text or corpus", _shown(source), known))


def _state_of(stream: IO[bytes]) -> tuple[int, int] | None:
    """Size and time of change of an ordinary file: both stay while it is only read."""
    with suppress(OSError, AttributeError, ValueError):
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode):
            return status.st_size, status.st_mtime_ns
    return None


def _read(stream: IO[bytes], source: str, budget: _Budget | None) -> bytes:
    try:
        block = stream.read(CHUNK if budget is None else min(CHUNK, budget.left))
    except OSError as problem:  # not the cache's fault, which the caller would say
        raise DataError(f"{_shown(source)} cannot be read: {problem.strerror or problem}.") from None
    if budget is not None:
        budget.left -= len(block)
    return block


def _shown(source: str) -> str:
    return source.encode("utf-8", "backslashreplace").decode()
