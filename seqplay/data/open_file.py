"""A file that stays open for as long as somebody may read from it, and is closed with the last who might."""

from __future__ import annotations

import os
from pathlib import Path
from typing import final

from seqplay import files


@final
class OpenFile:
    """An ordinary file, read at any place; raises RunError, naming the path, for anything else."""

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        with files.open_ordinary(path) as file:
            self._descriptor = os.dup(file.fileno())

    def status(self) -> os.stat_result:
        return os.fstat(self._descriptor)

    def read(self, size: int, place: int) -> bytes:
        """`size` bytes from a place on; fewer where the file ends."""
        return os.pread(self._descriptor, size, place)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
