"""How a viewer speaks to a trainer: one line a request, appended to control.jsonl with a single write.

A request is only a wish. The trainer takes it at a step boundary and writes what it did to the log.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

from seqplay import files
from seqplay.errors import UsageError, no_such
from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import from_line, to_line

ACTIONS = ("stop", "pause", "continue", "learning_rate", "sample")
POLL_BYTES = 1 << 20


def ask(run: RunFiles, action: str, value: float | None = None) -> None:
    """Ask the run's trainer for something; `value` is the new learning rate."""
    if action not in ACTIONS:
        raise UsageError(no_such("request", action, ACTIONS))
    if action == "learning_rate" and not (value is not None and math.isfinite(value) and value > 0):
        raise UsageError(f"A learning rate is a number above 0, not {value}.")
    line = to_line({"kind": "control", "action": action, "value": value, "time": time.time()})
    try:
        descriptor = files.open_for_append(run.control)
        try:
            files.write_all(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise files.cannot_write(run.control, error) from error


class ControlReader:
    """The requests after a byte offset of control.jsonl; the trainer's log remembers how far it came."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset

    def poll(self) -> list[tuple[int, dict[str, Any]]]:
        """New requests, each with the byte offset just after it. Costs one os.stat when there is nothing new."""
        try:
            size = os.stat(self.path, follow_symlinks=False).st_size
        except OSError:
            return []
        if size < self.offset:
            self.offset = 0  # a new file, and all that it asks is new
        if size == self.offset:
            return []
        requests: list[tuple[int, dict[str, Any]]] = []
        for line in self._new_lines():
            self.offset += len(line)
            row = from_line(line)
            if row is not None and row.get("kind") == "control" and row.get("action") in ACTIONS:
                requests.append((self.offset, row))
        return requests

    def _new_lines(self) -> list[bytes]:
        try:
            descriptor = os.open(self.path, files.READ)
            with open(descriptor, "rb") as file:
                data = os.pread(file.fileno(), POLL_BYTES, self.offset)
        except OSError:
            return []
        lines = data.split(b"\n")[:-1]
        if not lines and len(data) == POLL_BYTES:
            return [data]  # a line that no request can be: stepped over, and its end is skipped as garbage
        return [line + b"\n" for line in lines]
