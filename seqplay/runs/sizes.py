"""How much room something takes on the disk."""

from __future__ import annotations

import os
from pathlib import Path

from seqplay.errors import counted

BLOCK_BYTES = 512  # what st_blocks counts in, on every system


def size_on_disk(directory: Path) -> int:
    """The bytes that a directory and all in it take; what is behind a symlink is not counted."""
    total = 0
    for folder, _, names in os.walk(directory):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            try:
                total += os.stat(path, follow_symlinks=False).st_blocks * BLOCK_BYTES
            except OSError:  # it went away meanwhile
                continue
    return total


def as_bytes(size: int) -> str:
    """1,500,000 as 1.5 MB."""
    for factor, unit in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= factor:
            scaled = size / factor
            return f"{scaled:,.1f} {unit}" if scaled < 10 else f"{scaled:,.0f} {unit}"
    return counted(size, "byte")
