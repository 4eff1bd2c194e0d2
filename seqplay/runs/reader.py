"""Reading a log while another process writes it.

Only whole lines count: bytes after the last newline wait as bytes, so that half a Hangul syllable is never decoded.
"""

from __future__ import annotations

import os
import stat
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqplay.errors import RunError
from seqplay.files import READ
from seqplay.runs.rows import LOG_LIMIT_BYTES, Row, from_line

POLL_BYTES = 2 << 20  # about 50 ms of parsing, so that a screen still answers a key
LINE_LIMIT_BYTES = 2 << 20  # as objects it may take 25 times that, and a summary holds several rows
BLOCK_BYTES = 1 << 16
SCAN_BYTES = 1 << 28  # how far back from the end of a log a row is looked for: less than a second


@dataclass(frozen=True)
class Poll:
    """What is new in a log."""

    rows: list[Row] = field(default_factory=list)
    restarted: bool = False  # the log was replaced or cut: forget every earlier row, these are the first
    more: bool = False  # the poll stopped at its limit: poll again without waiting


class LogReader:
    """Follows one log. The file stays open between polls: the inode number of a replaced one then cannot come again.

    A line that `wants` says no to is passed over, which is many times quicker than parsing it.
    """

    def __init__(self, path: Path, wants: Callable[[bytes], bool] | None = None) -> None:
        self.path, self.wants = path, wants
        self._file = _Open(-1)
        self._read = 0
        self._torn = b""
        self._skipping = False

    def poll(self, most: int | None = None) -> Poll:
        """The rows whose lines were completed since the last poll, at most 2 MB of them, or `most` bytes; a missing
        file has none.

        Raises RunError for a file that is larger than any log: one with holes in it would be read for hours.
        """
        most = POLL_BYTES if most is None else most
        restarted = self._find()
        if self._file.descriptor < 0:
            return Poll(restarted=restarted)
        try:
            data = os.pread(self._file.descriptor, most, self._read)
        except OSError:
            return Poll(restarted=restarted)
        self._read += len(data)
        return Poll(list(self._rows(data)), restarted, more=len(data) == most)

    def close(self) -> None:
        """Let go of the file; the next poll starts over."""
        self._file.close()
        self._start()

    def _find(self) -> bool:
        """Open the file that has the name now; true if that ended the reading of another one."""
        try:
            status = os.stat(self.path, follow_symlinks=False)
        except (OSError, ValueError):
            return self._lost()
        if self._file.is_of(status) and status.st_size >= self._read:
            return False
        restarted = self._lost()
        if status.st_size > LOG_LIMIT_BYTES:
            size, most = f"{status.st_size:,}", f"{LOG_LIMIT_BYTES:,}"
            raise RunError(f"Cannot read {self.path}: it has {size} bytes and the limit is {most}.")
        if stat.S_ISREG(status.st_mode):
            with suppress(OSError):
                self._file = _Open(os.open(self.path, READ))
        return restarted

    def _lost(self) -> bool:
        had_read = self._read > 0
        self.close()
        return had_read

    def _start(self) -> None:
        self._read, self._torn, self._skipping = 0, b"", False

    def _rows(self, data: bytes) -> Iterator[Row]:
        *lines, torn = data.split(b"\n")
        if lines:
            lines[0] = self._torn + lines[0]
            if self._skipping:
                lines[0] = b""
            self._torn, self._skipping = torn, False
        else:
            self._torn += torn
        if len(self._torn) > LINE_LIMIT_BYTES:
            self._torn, self._skipping = b"", True
        for line in lines:
            if self.wants is not None and not self.wants(line):
                continue
            row = from_line(line)
            if row is not None:
                yield row


class _Open:
    """A descriptor that is closed with its reader."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor) if descriptor >= 0 else None

    def is_of(self, status: os.stat_result) -> bool:
        return self.descriptor >= 0 and os.path.samestat(os.fstat(self.descriptor), status)

    def close(self) -> None:
        self.descriptor = -1
        if self._close:
            self._close()


def read_all(path: Path) -> list[Row]:
    """Every row of a log as it is now; a missing file has none."""
    reader = LogReader(path)
    rows: list[Row] = []
    more = True
    while more:
        poll = reader.poll()
        rows = poll.rows if poll.restarted else rows + poll.rows
        more = poll.more
    reader.close()
    return rows


def rows_from_end(path: Path, kinds: Collection[str] | None = None) -> Iterator[Row]:
    """The rows of a log, newest first, reading blocks from its end; with `kinds`, only those. Those before its last
    SCAN_BYTES are not looked for.
    """
    marks = None if kinds is None else [b'"%s"' % kind.encode() for kind in kinds]
    for line in _lines_from_end(path):
        if marks is not None and not any(mark in line for mark in marks):
            continue  # many times quicker than parsing the line
        row = from_line(line)
        if row is not None and (kinds is None or row.get("kind") in kinds):
            yield row


def last_row(path: Path, kinds: Collection[str] | None = None) -> Row | None:
    """The newest whole row, or the newest one of these kinds."""
    return next(rows_from_end(path, kinds), None)


def _lines_from_end(path: Path) -> Iterator[bytes]:
    try:
        descriptor = os.open(path, READ)
    except (OSError, ValueError):
        return
    try:
        status = os.fstat(descriptor)
        end = status.st_size if stat.S_ISREG(status.st_mode) else 0
        least = max(0, end - SCAN_BYTES)
        line, whole = b"", False  # the bytes after the last newline are torn and no line
        while end > least:
            start = max(least, end - BLOCK_BYTES)
            head, *rest = os.pread(descriptor, end - start, start).split(b"\n")
            if rest:
                if whole:
                    yield rest[-1] + line
                yield from reversed(rest[:-1])
                line, whole = head, True
            elif whole:
                line = head + line if len(line) < LINE_LIMIT_BYTES else b""
            end = start
        if whole and least == 0:
            yield line
    except OSError:
        return
    finally:
        os.close(descriptor)
