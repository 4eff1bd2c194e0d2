"""What is known of a run while it trains, and the picture of it on a terminal."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqplay.draw.bars import measure
from seqplay.draw.lines import Line, Span, span
from seqplay.draw.numbers import clock
from seqplay.runs.rows import number

Row = dict[str, Any]


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
class Progress:
    """What is known of a run so far, from its rows."""

    run: str
    start: Row = field(default_factory=dict)
    step: Row = field(default_factory=dict)
    evaluation: Row = field(default_factory=dict)
    done: Row = field(default_factory=dict)
    steps: int = 0
    note: str = ""
    problem: Row = field(default_factory=dict)
    smoothed: float | None = None
    speed: float | None = None
    written: str = ""
    _speeds: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=100))

    def add(self, row: Row) -> bool:
        """Take in a row. False: it is none that a trainer writes, and nobody should read it."""
        if not _is_whole(row):
            return False
        match row["kind"]:
            case "start":
                self.start, self.steps = row, row["steps"]
            case "step":
                if row["step"] <= self.step.get("step", -1):
                    self._speeds.clear()  # the trainer went back to a checkpoint, and its clock with it
                self.step, self.note = row, ""
                loss = row["train_loss"]
                if loss is not None:
                    self.smoothed = loss if self.smoothed is None else 0.98 * self.smoothed + 0.02 * loss
                self._speeds.append((row["seconds"], row["tokens"]))
                (t0, n0), (t1, n1) = self._speeds[0], self._speeds[-1]
                self.speed = (n1 - n0) / (t1 - t0) if t1 > t0 else self.speed
            case "evaluation":
                self.evaluation = row
            case "change" if row["name"] == "steps" and _is_count(row.get("value")):
                self.steps = row["value"]
            case "note":
                self.note = row["message"]
                self.problem = row if row["note"] == "crashed" else {}
            case "done":
                self.done = row
            case "figure" if row.get("figure") == "text":
                self.written = row["prompt"] + row["text"]
        return True

    @property
    def unit(self) -> str:
        return "word" if self.start.get("tokens") == "word" else "char"

    @property
    def share(self) -> float:
        return self.step.get("step", 0) / self.steps if self.steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """By the pace of the last hundred steps."""
        if len(self._speeds) < 2 or not self.steps:
            return None
        (t0, _), (t1, _) = self._speeds[0], self._speeds[-1]
        return max(0.0, float((self.steps - self.step["step"]) * (t1 - t0) / (len(self._speeds) - 1)))

    def numbers(self) -> list[tuple[str, str]]:
        """What is measured, as (name, value): the same words on every view."""
        held_out = self.evaluation.get("held_out_estimate")
        found = [("loss", f"{self.smoothed:.3f}" if self.smoothed is not None else "–")]
        if held_out is not None:
            found += [("held out", f"{held_out:.3f}"), (f"bits/{self.unit}", f"{held_out / math.log(2):.2f}")]
        if self.speed:
            pace = f"{self.speed / 1000:.1f}k" if self.speed >= 1000 else f"{self.speed:.0f}"
            found.append(("speed", f"{pace} {self.unit}/s"))
        if self.seconds_left is not None:
            found.append(("left", clock(self.seconds_left)))
        return found


def _is_whole(row: Row) -> bool:
    """Whether a row has all that is read of its kind; a kind that is not known has it, one without a kind has not."""
    kind = row.get("kind")
    if kind is None:
        return False
    needed = NEEDED.get(kind, {})
    if kind == "figure" and row.get("figure") == "text":
        needed = {"text": _is_text, "prompt": _is_text}
    return all(name in row and fits(row[name]) for name, fits in needed.items())


def title(progress: Progress) -> str:
    """What is trained on what, and why at this size."""
    start = progress.start
    unit = "words" if progress.unit == "word" else "characters"
    sizes = f"{start['cell']} {start['layers']}×{start['hidden']}, {start['parameters']:,} parameters"
    return f"{sizes}, {start['train_tokens']:,} {unit} ({start['why']})"


def picture(progress: Progress, width: int) -> list[Line]:
    """The live picture: at most five lines."""
    if not progress.start:
        waiting = progress.note or "reading the text, starting torch …"
        return [(Span("◌ ", "muted"), span(progress.run, "title"), span(f"  {waiting}", "muted"))]
    state = f"{progress.share:4.0%}" if not progress.done else "done"
    bar = measure(progress.share, max(8, width - len(state) - 1))
    heading = (span(progress.run, "title"), span(f"  {title(progress)}", "muted"))
    lines: list[Line] = [heading, (*bar, Span(f" {state}", "title"))]
    pieces: list[Span] = []
    for name, value in progress.numbers():
        pieces += [Span(f"{name} ", "muted"), Span(value, "primary" if name == "held out" else ""), Span("   ")]
    lines.append(tuple(pieces))
    whole_lines = [line for line in progress.written.splitlines()[:-1] if line.strip()] or [progress.written]
    lines.append((Span("writes ", "muted"), span(whole_lines[-1])))
    if progress.note and not progress.done:
        lines.append((span(progress.note, "warning"),))
    return lines
