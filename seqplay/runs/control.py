"""How a viewer speaks to a trainer: one line a request, appended to control.jsonl with a single write.

A request is only a wish. The trainer takes it at a step boundary and writes what it did to the log.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from seqplay import files
from seqplay.errors import UsageError, no_such
from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import Row, from_line, number, to_line

ACTIONS = ("stop", "pause", "continue", "learning_rate", "temperature", "sample", "step")
POLL_BYTES = 1 << 20
MOST = {"learning_rate": 10**9, "temperature": 100, "step": 255}  # above it a value is a slip


def ask(run: RunFiles, action: str, value: float | None = None) -> None:
    """Ask the run's trainer for something; `value` is the new learning rate, the temperature of what it writes, or
    which phases of an update to make, a bit each, before it pauses.
    """
    if action not in ACTIONS:
        raise UsageError(no_such("request", action, ACTIONS))
    row = {"kind": "control", "action": action, "value": value, "time": time.time()}
    if not is_request(row):
        if action == "step":
            raise UsageError(
                f"A step takes a whole number from 1 to {MOST[action]}, a bit for each phase, not {value}."
            )
        name = action.replace("_", " ")
        least = "from 0 to" if action == "temperature" else "above 0 and at most"
        raise UsageError(f"A {name} is a number {least} {MOST.get(action, 0):,}, not {value}.")
    try:
        descriptor = files.open_for_append(run.control)
        try:
            files.write_all(descriptor, to_line(row))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise files.cannot_write(run.control, error) from error


def is_request(row: Row) -> bool:
    """Whether a row is a request that `ask` would write. Anybody can append a line, so the reader asks this too."""
    if row.get("kind") != "control" or row.get("action") not in ACTIONS:
        return False
    value, most = number(row.get("value")), MOST.get(row["action"])
    if most is None:
        return True
    if row["action"] == "step" and type(row["value"]) is not int:
        return False
    return value is not None and value <= most and (value > 0 or (value == 0 and row["action"] == "temperature"))


class ControlReader:
    """The requests after a byte offset of control.jsonl. A trainer begins at the file's size when it starts: what was
    asked before that was for a process that has ended.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset

    def poll(self) -> list[Row]:
        """The new requests, and nothing that `ask` would refuse. Costs one os.stat when there is nothing new."""
        try:
            size = os.stat(self.path, follow_symlinks=False).st_size
        except OSError:
            return []
        if size < self.offset:
            self.offset = 0  # a new file, and all that it asks is new
        if size == self.offset:
            return []
        requests: list[Row] = []
        for line in self._new_lines():
            self.offset += len(line)
            row = from_line(line)
            if row is not None and is_request(row):
                requests.append(row)
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
