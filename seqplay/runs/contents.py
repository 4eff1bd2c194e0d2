"""What in a run's directory seqplay made, and what is somebody else's: only the first is ever deleted.

The names of this module tell, not what a plan or a manifest lists: those may come from a stranger. A symlink is
somebody else's, because seqplay makes none.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqplay import files
from seqplay.runs import commit
from seqplay.runs.best import MODEL, STATE, TRAINING
from seqplay.runs.layout import RunFiles

KEPT_IN_STEP = {MODEL, TRAINING, STATE, commit.MANIFEST}


@dataclass(frozen=True)
class Contents:
    """The paths in a run's directory; a directory comes after what is in it, and recipe.json comes first."""

    made: list[Path]
    foreign: list[Path]


def contents(run: RunFiles) -> Contents:
    """What there is; nothing where the directory is gone."""
    made: list[Path] = []
    foreign: list[Path] = []
    kept = kept_files(run)
    for path, mode in _inside(run.path):
        if path == run.checkpoints and stat.S_ISDIR(mode):
            _sort_checkpoints(path, made, foreign)
        else:
            is_made = stat.S_ISREG(mode) and (path in kept or files.TEMPORARY.fullmatch(path.name))
            (made if is_made else foreign).append(path)
    made.sort(key=lambda path: (run.checkpoints in (path, *path.parents), path != run.recipe))
    return Contents(made, foreign)


def kept_files(run: RunFiles) -> list[Path]:
    """Every file, beside the checkpoints, that seqplay keeps in a run; none of them need exist."""
    named = [run.recipe, run.plan, run.tokenizer, run.pixels, run.log, run.figures, run.control]
    return [*named, run.process, run.output, run.lock]


def _sort_checkpoints(checkpoints: Path, made: list[Path], foreign: list[Path]) -> None:
    for place, mode in _inside(checkpoints):
        name = place.name
        if not stat.S_ISDIR(mode) or not (commit.COMMITTED.fullmatch(name) or commit.HIDDEN.fullmatch(name)):
            foreign.append(place)
            continue
        for path, kind in _inside(place):
            (made if stat.S_ISREG(kind) and path.name in KEPT_IN_STEP else foreign).append(path)
        made.append(place)
    made.append(checkpoints)


def _inside(directory: Path) -> Iterator[tuple[Path, int]]:
    """What is in a directory, with its mode; nothing that its writer lets go of meanwhile."""
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        if mode := files.mode_of(directory / name):
            yield directory / name, mode
