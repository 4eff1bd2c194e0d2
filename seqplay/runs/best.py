"""Which checkpoint of a run to use, and what a checkpoint's files are called."""

from __future__ import annotations

import shlex
from pathlib import Path

from seqplay.errors import RunError
from seqplay.runs import commit, rows
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import last_row
from seqplay.runs.summary import is_busy

MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"
STATE_BYTES = 1 << 20  # the largest state.json that is read


def best_step(checkpoints: Path) -> int:
    """The step of the best checkpoint by the newest one's word, or of the newest where nothing was scored.

    Raises RunError where there is none yet, or where it is damaged.
    """
    steps = commit.steps(checkpoints)
    if not steps:
        raise RunError(_without_checkpoint(RunFiles(checkpoints.parent)))
    try:
        best = rows.from_json(commit.read_file(checkpoints, steps[-1], STATE, STATE_BYTES)).get("best_step")
    except ValueError as problem:
        raise RunError(f"Cannot read {checkpoints / str(steps[-1]) / STATE}: {problem}.") from None
    return best if best in steps else steps[-1]


def _without_checkpoint(run: RunFiles) -> str:
    if last_row(run.log, ("done",)):
        return f"Run '{run.name}' is finished, and its checkpoints are gone: nothing can be written or scored with it."
    advice = "Give it a few seconds." if is_busy(run) else f"Go on with: seqplay resume {shlex.quote(run.name)}"
    return f"Run '{run.name}' has no checkpoint yet. {advice}"


def read_best(checkpoints: Path, name: str) -> tuple[int, bytes]:
    """The best checkpoint's step, and one of its files. A trainer that lets go of it meanwhile has a better one.

    Raises RunError where there is none yet, or where it is damaged.
    """
    while True:
        step = best_step(checkpoints)
        try:
            return step, commit.read_file(checkpoints, step, name)
        except RunError:
            if step in commit.steps(checkpoints):
                raise
