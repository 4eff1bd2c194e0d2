"""Whether the checkpoints of a run are whole, and what it means where one is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqplay import files
from seqplay.errors import RunError
from seqplay.runs import best, commit, rows
from seqplay.runs.best import MODEL, STATE, TRAINING
from seqplay.runs.contents import KEPT_IN_STEP
from seqplay.runs.findings import Finding
from seqplay.runs.rows import Row
from seqplay.runs.tensors import check_tensors


@dataclass(frozen=True)
class Checkpoints:
    """The steps that are whole, and of the others what is wrong with them. `best` is the step that writes, None where
    none can, which `problem` then explains.
    """

    whole: list[int]
    damaged: dict[int, str]
    best: int | None
    problem: str

    @property
    def newest(self) -> int:
        """The step that a trainer would go on from."""
        return max(self.whole, default=0)


def read_checkpoints(checkpoints: Path) -> Checkpoints:
    """Read every file of every checkpoint. One that its writer lets go of meanwhile is neither whole nor damaged."""
    whole, damaged = [], {}
    for step in commit.steps(checkpoints):
        problem = _problem_of(checkpoints, step)
        if problem and step in commit.steps(checkpoints):
            problem = _problem_of(checkpoints, step)  # it may have been replaced while it was read
        if not problem:
            whole.append(step)
        elif step in commit.steps(checkpoints):
            damaged[step] = problem
    damaged |= {int(place.name): f"{place} has no {commit.MANIFEST}" for place in _without_manifest(checkpoints)}
    try:
        return Checkpoints(whole, damaged, best.read_best(checkpoints, MODEL)[0], "")
    except RunError as error:
        return Checkpoints(whole, damaged, None, str(error))


def about_checkpoints(found: Checkpoints, done: Row | None, has_begun: bool) -> Iterator[Finding]:
    """`done` is the last row of a finished run, which needs its best checkpoint; any other needs its newest."""
    if found.whole:
        steps = ", ".join(f"{step:,}" for step in found.whole)
        yield Finding("ok", "checkpoints", f"{steps}: every file has its SHA-256")
    elif has_begun and not found.damaged:
        yield Finding("bad", "checkpoints", "all are missing: `resume` would begin again at step 0")
    for step, problem in sorted(found.damaged.items()):
        is_bad = found.best is None if done else not found.whole
        meaning = _of_finished(found) if done else _of_unfinished(found, step)
        yield Finding("bad" if is_bad else "warn", f"checkpoint {step:,}", f"{problem.rstrip('.')}; {meaning}")
    if found.whole and found.best is None and not done:
        until = "`sample` waits until the training has a better one"
        yield Finding("warn", "checkpoints", f"the best one cannot be used: {found.problem.rstrip('.')}; {until}")
    if done and (found.whole or found.damaged):
        scored = done.get("steps") if done.get("best_step") is None else done["best_step"]
        if scored not in [*found.whole, *found.damaged]:
            yield Finding("bad", f"checkpoint {scored}", "is missing, and it is the one whose scores the run has")


def _of_finished(found: Checkpoints) -> str:
    return "the run is finished without it" if found.best is not None else "`sample` needs it"


def _of_unfinished(found: Checkpoints, step: int) -> str:
    if not found.whole:
        return "and no other one is whole"
    if step < found.newest:
        return "`resume` does not need it"
    return f"`resume` goes on from {found.newest:,} and makes the steps after it again"


def _without_manifest(checkpoints: Path) -> Iterator[Path]:
    """Checkpoints that lost the file which makes them count; a directory that holds only a user's file is none."""
    for place in sorted(checkpoints.iterdir()) if files.is_directory(checkpoints) else ():
        if not commit.COMMITTED.fullmatch(place.name) or not files.is_directory(place):
            continue
        if not os.path.lexists(place / commit.MANIFEST) and any(os.path.lexists(place / n) for n in KEPT_IN_STEP):
            yield place


def _problem_of(checkpoints: Path, step: int) -> str:
    """What is wrong with a checkpoint, "" if nothing is."""
    where = checkpoints / str(step)
    try:
        listed = commit.load_manifest(checkpoints, step).files
        for name in sorted({*listed, MODEL, TRAINING, STATE}):
            content = commit.read_file(checkpoints, step, name)
            if name.endswith(".safetensors"):
                check_tensors(content, where / name)
            if name == STATE and rows.from_json(content).get("step") != step:
                return f"{where / name} is damaged: it is of another step"
    except RunError as problem:
        return str(problem)
    except ValueError as problem:
        return f"{where / STATE} is damaged: {problem}"
    return ""
