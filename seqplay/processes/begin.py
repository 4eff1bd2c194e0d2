"""From a text and a wish to a run that trains: the one way in which commands and the playground begin one."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from seqplay import files, plugins, recipe
from seqplay.data.texts import read_sources
from seqplay.errors import SeqplayError
from seqplay.processes import training
from seqplay.recipe import Recipe
from seqplay.runs import rows, shelf
from seqplay.runs.layout import RunFiles


def make_run(sources: Sequence[str], asked: Recipe, column: str | None = None, name: str | None = None) -> RunFiles:
    """A new run of these texts, in order, ready for `training.start`.

    The texts are read to their end, into the cache. Raises SeqplayError, and leaves no run, for a text that cannot be
    read, a cell that is not installed, or a name that cannot be had.
    """
    plugins.find(asked.cell)
    if name is not None:
        shelf.check_name(name)
    read = read_sources(sources, column)
    asked = dataclasses.replace(asked, source=read.name, data=read.data, column=column, created=time.time())
    run = shelf.create(name, f"{Path(read.name).stem}-{asked.cell}")
    files.write_atomically(run.recipe, rows.to_json(recipe.to_json(asked), indent=2))
    return run


def begin(sources: Sequence[str], asked: Recipe) -> tuple[RunFiles, subprocess.Popen[bytes]]:
    """A new run of these texts, and the process that trains it. Raises what `make_run` and `training.start` do, and
    leaves no run then.
    """
    run = make_run(sources, asked)
    try:
        return run, training.start(run)
    except SeqplayError:
        discard(run)
        raise


def discard(run: RunFiles) -> bool:
    """Take away a run that never became one: its text could not be learned. False: something foreign is left in it."""
    for path in (run.recipe, run.log, run.process, run.lock, run.output, run.tokenizer):
        path.unlink(missing_ok=True)
    try:
        run.path.rmdir()
    except OSError:
        return False
    return True
