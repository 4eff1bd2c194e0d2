"""Which checkpoint of a run to use, and what a checkpoint's files are called."""

from __future__ import annotations

from pathlib import Path

from seqplay.errors import RunError
from seqplay.runs import commit, rows

MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"
STATE_BYTES = 1 << 20  # the largest state.json that is read


def best_step(checkpoints: Path) -> int:
    """The step of the best checkpoint by the newest one's word, or of the newest where nothing was scored.

    Raises RunError where there is none yet, or where it is damaged.
    """
    steps = commit.steps(checkpoints)
    if not steps:
        raise RunError(f"Run '{checkpoints.parent.name}' has no checkpoint yet. Give it a few seconds.")
    try:
        best = rows.from_json(commit.read_file(checkpoints, steps[-1], STATE, STATE_BYTES)).get("best_step")
    except ValueError as problem:
        raise RunError(f"Cannot read {checkpoints / str(steps[-1]) / STATE}: {problem}.") from None
    return best if best in steps else steps[-1]


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
