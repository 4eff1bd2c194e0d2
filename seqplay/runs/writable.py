"""Whether this version may write into a run at all: asked once, before the first byte is written."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from seqplay import files
from seqplay.errors import RunError
from seqplay.runs import commit, layout
from seqplay.runs.contents import kept_files
from seqplay.runs.layout import RunFiles


def check_writable(run: RunFiles) -> None:
    """Raises RunError where a newer seqplay has written, and WriteError where a symlink stands in a file's place.

    A newer seqplay may have gone on with an old run: then its plan is old, and its checkpoints are new.
    """
    for path in (*kept_files(run), run.checkpoints):
        if path.is_symlink():
            raise files.cannot_write(path, OSError(errno.ELOOP, os.strerror(errno.ELOOP)))
    manifests = [run.checkpoints / str(step) / commit.MANIFEST for step in commit.steps(run.checkpoints)]
    for path in (run.recipe, run.plan, *manifests):
        row = {}
        with suppress(RunError):  # what is damaged is told, or done without, by whoever needs it
            row = layout.read_json(path)
        if layout.is_newer(row):
            layout.check_format(row, path)
