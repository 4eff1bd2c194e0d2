"""Appending rows to a log, and cutting it back to a checkpoint.

A row counts once its newline is on the disk. Whoever appends has cut first, or started a new file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from seqplay import files
from seqplay.errors import RunError, WriteError
from seqplay.runs.rows import LOG_LIMIT_BYTES, Row, from_line, to_line


class LogWriter:
    """An append-only log. Rows wait in memory until `flush`, so that a step costs no system call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting = bytearray()
        self._fatal: WriteError | None = None
        try:
            self._descriptor = files.open_for_append(path)
        except OSError as error:
            raise files.cannot_write(path, error) from error

    def append(self, row: Mapping[str, Any]) -> None:
        """Add one row to what the next flush writes; a number that is not finite becomes null."""
        self._waiting += to_line(row)

    def flush(self) -> None:
        """Hand the waiting rows to the system. After a full disk it can be called again: nothing is lost or doubled."""
        if self._fatal:
            raise self._fatal
        try:
            while self._waiting:
                written = os.write(self._descriptor, self._waiting)
                del self._waiting[:written]
        except OSError as error:
            raise files.cannot_write(self.path, error) from error

    def sync(self) -> None:
        """Flush, and wait for the disk.

        A failed fsync is final: the system may have dropped the pages and would answer a second call with success.
        """
        self.flush()
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            self._fatal = files.cannot_write(self.path, error)
            raise self._fatal from error

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        if self._descriptor < 0:
            return
        try:
            if not self._fatal:
                self.flush()
        finally:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Cut:
    """What a cut left of a log."""

    rows: list[Row]  # that stay
    damaged: int  # lines that went because they were no whole rows: torn, filled with zeros, or garbage


def cut(path: Path, step: int) -> Cut:
    """Cut a log back to a checkpoint, atomically.

    Stay: rows up to `step`, rows without a step, and every `change`, because a replay takes its changes from the log.
    Go: later rows, a `done` row, and every damaged line.
    """
    try:
        data = files.read_bytes(path, LOG_LIMIT_BYTES) if os.path.lexists(path) else b""
    except RunError as error:
        raise RunError(f"{error} The run cannot be resumed without its log.") from error
    kept_lines: list[bytes] = []
    kept_rows: list[Row] = []
    *lines, torn = data.split(b"\n")
    damaged = 1 if torn else 0
    for line in lines:
        row = from_line(line)
        if row is None:
            damaged += 1 if line else 0  # an empty line has lost nothing
        elif _stays(row, step):
            kept_lines.append(line + b"\n")
            kept_rows.append(row)
    kept = b"".join(kept_lines)
    if kept != data:
        files.write_atomically(path, kept)
    return Cut(kept_rows, damaged)


def _stays(row: Row, step: int) -> bool:
    if row.get("kind") == "done":
        return False
    at = row.get("step")
    return at is None or at <= step or row.get("kind") == "change"
