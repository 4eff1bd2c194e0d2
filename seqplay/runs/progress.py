"""What is known of a run while it trains."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqplay.figures import Curve
from seqplay.runs.rows import number
from seqplay.runs.summary import State

Row = dict[str, Any]

AVERAGED = 50  # steps whose mean a shown training loss is, roughly: the last one counts 1/50, as in the `done` row


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_time(value: Any) -> bool:
    seconds = number(value)
    return seconds is not None and 0 <= seconds < 2**33


def _is_loss(value: Any) -> bool:
    return value is None or number(value) is not None


NEEDED: dict[str, dict[str, Callable[[Any], bool]]] = {
    "start": {
        **dict.fromkeys(("cell", "why"), _is_text),
        **dict.fromkeys(("steps", "layers", "hidden", "parameters", "train_tokens"), _is_count),
    },
    "step": {"step": _is_count, "train_loss": _is_loss, "seconds": _is_time, "tokens": _is_count},
    "evaluation": {"step": _is_count, "held_out_estimate": _is_loss},
    "change": {"name": _is_text},
    "note": {"note": _is_text, "message": _is_text},
    "done": {"steps": _is_count, "seconds": _is_time, "train_loss": _is_loss, "held_out_loss": _is_loss},
}
"""What the command line reads of each kind of row."""


@dataclass
class Growing:
    """A loss by its steps and by x, as it grows. NaN is a gap."""

    steps: array[int] = field(default_factory=lambda: array("q"))
    x: array[float] = field(default_factory=lambda: array("d"))
    y: array[float] = field(default_factory=lambda: array("d"))

    def add(self, step: int, x: float, y: float | None) -> None:
        """A point; where training went back to a checkpoint, it takes the place of those from its step on."""
        if self.steps and step <= self.steps[-1]:
            self.cut(step)
        self.steps.append(step)
        self.x.append(x)
        self.y.append(math.nan if y is None else y)

    def cut(self, step: int) -> None:
        begin = bisect_left(self.steps, step)
        for column in (self.steps, self.x, self.y):
            del column[begin:]

    def curve(self, name: str, role: str) -> Curve:
        return Curve(name, tuple(self.x), tuple(None if math.isnan(y) else y for y in self.y), role)


@dataclass
class Progress:
    """What is known of a run so far, from its rows."""

    run: str
    start: Row = field(default_factory=dict)
    step: Row = field(default_factory=dict)
    evaluation: Row = field(default_factory=dict)
    done: Row = field(default_factory=dict)
    note: Row = field(default_factory=dict)  # the newest one, until there is a step after it
    steps: int = 0
    smoothed: float | None = None
    speed: float | None = None
    written: str = ""
    written_at: int | None = None
    has_ended: bool = False  # the trainer's process is gone
    train: Growing = field(default_factory=Growing)
    held_out: Growing = field(default_factory=Growing)
    _speeds: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=100))

    def add(self, row: Row) -> bool:
        """Take in a row. False: it is none that a trainer writes, and nobody should read it."""
        if not _is_whole(row):
            return False
        match row["kind"]:
            case "start":
                self.start, self.steps = row, row["steps"]
            case "step":
                self._add_step(row)
            case "evaluation":
                self.evaluation = row
                if row["held_out_estimate"] is not None:
                    self.held_out.add(row["step"], self._x(self.step) if self.step else 0.0, row["held_out_estimate"])
            case "change" if row["name"] == "steps" and _is_count(row.get("value")):
                self.steps = row["value"]
            case "note":
                self.note = row
            case "done":
                self.done = row
            case "figure" if row.get("figure") == "text":
                self.written, self.written_at = row["prompt"] + row["text"], row.get("step")
        return True

    def _add_step(self, row: Row) -> None:
        if row["step"] <= self.step.get("step", -1):  # the trainer went back to a checkpoint, and its clock with it
            self._speeds.clear()
            self.held_out.cut(row["step"])
        self.step, self.note = row, {}
        loss = row["train_loss"]
        if loss is not None:
            self.smoothed = loss if self.smoothed is None else self.smoothed + (loss - self.smoothed) / AVERAGED
        self.train.add(row["step"], self._x(row), loss)
        self._speeds.append((row["seconds"], row["tokens"]))
        (t0, n0), (t1, n1) = self._speeds[0], self._speeds[-1]
        self.speed = (n1 - n0) / (t1 - t0) if t1 > t0 else self.speed

    def begin_again(self) -> None:
        """Another trainer takes the run up: what the last one said in the end is old."""
        self.note = {}

    @property
    def state(self) -> State:
        if self.done:
            return "finished"
        match self.note.get("note"):
            case "paused":
                return "paused"
            case "stopped":
                return "stopped"
            case "crashed":
                return "crashed"
        if self.has_ended:
            return "crashed"
        return "running" if self.step else "waiting"

    @property
    def problem(self) -> Row:
        """The note of a trainer that could not go on."""
        return self.note if self.note.get("note") == "crashed" else {}

    @property
    def unit(self) -> str:
        """What a token is called."""
        unit = self.start.get("unit", "token")
        return unit if isinstance(unit, str) else "token"

    @property
    def budget(self) -> float | None:
        """Seconds of updates, where a time was asked for and not a number of steps."""
        minutes = number(self.start.get("minutes"))
        return 60 * minutes if minutes and minutes > 0 else None

    def _x(self, step: Row) -> float:
        """Where a step is on the axis of the budget."""
        return float(step["seconds"] if self.budget else step["step"])

    @property
    def share(self) -> float:
        """Of the budget, in time where that is what was asked for."""
        if self.done:
            return 1.0
        whole = self.budget or self.steps
        return min(1.0, self._x(self.step) / whole) if self.step and whole else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Of the time that was asked for, or by the pace of the last hundred steps."""
        if self.budget and self.step:
            return max(0.0, self.budget - float(self.step["seconds"]))
        if len(self._speeds) < 2 or not self.steps:
            return None
        (t0, _), (t1, _) = self._speeds[0], self._speeds[-1]
        return max(0.0, float((self.steps - self.step["step"]) * (t1 - t0) / (len(self._speeds) - 1)))


def _is_whole(row: Row) -> bool:
    """Whether a row has all that is read of its kind; a kind that is not known has it, one without a kind has not."""
    kind = row.get("kind")
    if kind is None:
        return False
    needed = NEEDED.get(kind, {})
    if kind == "figure" and row.get("figure") == "text":
        needed = {"text": _is_text, "prompt": _is_text}
    return all(name in row and fits(row[name]) for name, fits in needed.items())
