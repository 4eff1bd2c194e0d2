"""From data and a wish to a run that trains: the one way in which commands and the playground begin one."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from seqplay import files, plugins, recipe, tasks, wire
from seqplay.data.built_in import BUILT_IN
from seqplay.data.pictures import is_pictures
from seqplay.data.texts import Source, read_sources
from seqplay.errors import SeqplayError, UsageError
from seqplay.processes import training, worker
from seqplay.recipe import OF_A_STACK, Recipe
from seqplay.runs import rows, shelf
from seqplay.runs.layout import RunFiles


def make_run(
    sources: Sequence[str], asked: Recipe, column: str | None = None, name: str | None = None, *, guess: bool = True
) -> RunFiles:
    """A new run of these texts, in order, or of these pictures, ready for `training.start`.

    The data is read to its end, into the cache. With `guess` pictures are drawn where the task is that of a text.
    Raises SeqplayError, and leaves no run, for data that cannot be read, a network that is not installed, or a name
    that cannot be had.
    """
    about = tasks.find(asked.task)
    if guess and about.data == "text" and is_pictures(sources):
        about = tasks.default_for("pictures")
    network = asked.cell
    if about.kind == "model":
        network = asked.model or about.network
        asked = dataclasses.replace(asked, model=network, column=column)
        _refuse_settings_of_cells(asked)
    elif asked.model:
        raise UsageError(f"The task {about.name} takes a cell, not a model: {asked.model}. Pictures take models.")
    plugins.find(network, about.kind)
    texts = [source for source in sources if source in BUILT_IN and not os.path.lexists(source)]
    if about.data == "pictures" and texts:
        raise UsageError(f"'{texts[0]}' is a text, and the task {about.name} learns from pictures, such as digits.")
    if name is not None:
        shelf.check_name(name)
    read = keep_pictures(sources) if about.data == "pictures" else read_sources(sources, column)
    asked = dataclasses.replace(asked, task=about.name, source=read.name, data=read.data, column=column)
    asked = dataclasses.replace(asked, created=time.time())
    run = shelf.create(name, f"{Path(read.name).stem}-{network.rpartition(':')[2]}")
    files.write_atomically(run.recipe, rows.to_json(recipe.to_json(asked), indent=2))
    return run


def _refuse_settings_of_cells(asked: Recipe) -> None:
    """Raises UsageError where somebody asks a model for what only a network of cells has."""
    plain = Recipe()
    for name in (*OF_A_STACK, "size", "column"):
        if getattr(asked, name) != getattr(plain, name):
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is for texts. Settings of {asked.model} are given with --set KEY=VALUE.")


def keep_pictures(sources: Sequence[str]) -> Source:
    """Read pictures into the cache. By a worker: the playground, which begins runs too, never loads numpy."""
    places = [os.path.abspath(source) if os.path.lexists(source) else source for source in sources]
    (row,) = worker.ask(wire.Ask("", "keep", {"sources": places}))
    return Source(row["name"], row["data"])


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
    for path in (run.recipe, run.log, run.process, run.lock, run.output, run.tokenizer, run.pixels):
        path.unlink(missing_ok=True)
    try:
        run.path.rmdir()
    except OSError:
        return False
    return True
