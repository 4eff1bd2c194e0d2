"""One run in one line, from its small files and the end of its log, so that a shelf of 1,000 runs is quick."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seqplay.errors import RunError
from seqplay.runs import layout, process
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import last_row, rows_from_end
from seqplay.runs.rows import moment, number

State = Literal["waiting", "running", "paused", "stopped", "finished", "crashed", "broken"]
QUIET_SECONDS = 60  # a trainer on another host that has not written for this long counts as stopped
NOTES_OF_STATE = ("paused", "continued", "stopped", "resumed", "crashed")


@dataclass(frozen=True)
class Summary:
    """What a shelf shows of a run; None is a number that does not exist, or not yet."""

    name: str
    path: Path
    state: State
    source: str | None = None
    network: str | None = None  # "lstm 1x512": the cell, then layers x hidden
    tokens: str | None = None
    step: int | None = None
    steps: int | None = None
    seconds: float | None = None
    train_loss: float | None = None
    held_out_loss: float | None = None  # of the done row, else the best evaluation's estimate
    bits_per_byte: float | None = None
    read: float | None = None
    """Of pictures, the share that is read: held-out ones rightly, drawn ones by a judge with confidence."""
    started: float | None = None  # epoch seconds
    problem: str | None = None


def summarise(run: RunFiles) -> Summary:
    """The summary of a run, also of a damaged one, which is "broken" with its problem; never raises."""
    try:
        recipe = layout.read_json(run.recipe)
        layout.check_format(recipe, run.recipe)
        plan = layout.read_json(run.plan) if os.path.lexists(run.plan) else {}
        layout.check_format(plan, run.plan)
    except RunError as error:
        return Summary(run.name, run.path, "broken", problem=str(error))
    newest = last_row(run.log) or {}
    done = newest if newest.get("kind") == "done" else {}
    step_row = done or last_row(run.log, ("step",)) or {}
    scored = iter(()) if done else rows_from_end(run.log, ("evaluation",))
    evaluation = next((row for row in scored if row.get("best") is not False), {})
    asked = {**recipe, **plan}
    return Summary(
        name=run.name,
        path=run.path,
        state="finished" if done else _state(run),
        source=_text(asked.get("source")),
        network=_network(asked),
        tokens="pixels" if _text(asked.get("model")) else _text(asked.get("tokens")),
        step=_count(done.get("steps") if done else step_row.get("step")),
        steps=_count(done["steps"]) if "steps" in done else _steps(run, asked),
        seconds=number(step_row.get("seconds")),
        train_loss=number(step_row.get("train_loss")),
        held_out_loss=number(done.get("held_out_loss") if done else evaluation.get("held_out_estimate")),
        bits_per_byte=number(done.get("bits_per_byte")),
        read=_read(asked, done or evaluation),
        started=moment(recipe.get("created")),
    )


def _read(asked: Mapping[str, Any], scores: Mapping[str, Any]) -> float | None:
    if not _text(asked.get("model")):  # of a text a share of tokens that are guessed says little
        return None
    found = (number(scores.get(name)) for name in ("confident_share", "held_out_accuracy"))
    return next((share for share in found if share is not None and 0 <= share <= 1), None)


def is_busy(run: RunFiles) -> bool:
    """Whether a process writes this run, as far as can be known from here."""
    note = process.read_note(run)
    if note is None:
        return False
    alive = process.is_alive(note)
    return _is_recent(run.log) if alive is None else alive


def _state(run: RunFiles) -> State:
    """The state of a run that is not finished."""
    said = _last_said(run)
    note = process.read_note(run)
    alive = note is not None and process.is_alive(note)
    is_elsewhere = alive is None
    if is_elsewhere:
        alive = _is_recent(run.log)
    if said == "paused":
        return "paused"
    if alive:
        return "running" if last_row(run.log, ("step",)) else "waiting"
    if said == "stopped" or is_elsewhere:
        return "stopped"
    if note is None and said is None and _is_recent(run.recipe):
        return "waiting"  # the trainer is being started
    return "crashed"


def _last_said(run: RunFiles) -> str | None:
    """The newest of a step and the notes that change the state: "step", one of NOTES_OF_STATE, or None."""
    for row in rows_from_end(run.log, ("step", "note")):
        if row["kind"] == "step":
            return "step"
        if row.get("note") in NOTES_OF_STATE:
            return str(row["note"])
    return None


def _is_recent(path: Path) -> bool:
    try:
        changed = os.stat(path, follow_symlinks=False).st_mtime
    except OSError:
        return False
    return abs(time.time() - changed) < QUIET_SECONDS


def _steps(run: RunFiles, asked: Mapping[str, Any]) -> int | None:
    """How long a run is: a time budget's steps are changed when the machine proves faster or slower than planned."""
    if asked.get("minutes") is not None:
        for row in rows_from_end(run.log, ("change",)):
            if row.get("name") == "steps":
                return _count(row.get("value"))
    return _count(asked.get("steps"))


def _network(asked: Mapping[str, Any]) -> str | None:
    if model := _text(asked.get("model")):
        return model
    name = _text(asked.get("cell"))
    layers, hidden = _count(asked.get("layers")), _count(asked.get("hidden"))
    if name is None or layers is None or hidden is None:
        return name
    return f"{name} {layers}x{hidden}"


def _text(value: Any) -> str | None:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None
