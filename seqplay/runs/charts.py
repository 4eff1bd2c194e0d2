"""A run's losses as curves: one picture for the command line and the playground."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seqplay.figures import Curve, Curves, Floor, Mark, Point
from seqplay.runs.growing import Growing
from seqplay.runs.progress import Change, Progress

AXES = ("steps", "seconds", "tokens")
PARTS = ("generator_loss", "critic_loss")
UNITS: dict[str, Callable[[float], float]] = {
    "nats": lambda nats: nats,
    "bits": lambda nats: nats / math.log(2),
    "perplexity": lambda nats: math.exp(min(nats, 300.0)),
}


@dataclass(frozen=True)
class Axes:
    """How a chart of losses is looked at. `whole` shows the first plunge too; `smooth` is about how many points the
    training loss is averaged over.
    """

    x: str = "steps"
    log_y: bool = False
    whole: bool = False
    unit: str = "nats"
    smooth: int = 1

    @property
    def x_label(self) -> str:
        return "time" if self.x == "seconds" else self.x

    def y_label(self, unit: str) -> str:
        """What the y axis measures, for tokens of this name."""
        return "perplexity" if self.unit == "perplexity" else f"{self.unit} per {unit}"


def loss_chart(
    progress: Progress, axes: Axes, floors: Sequence[Floor] = (), unit: str | None = None, **more: Any
) -> Curves:
    """Both losses over the whole budget, what was held out first; `floors` are in nats per token, which is called
    `unit` (None: as the log says). Where several networks learn, the loss of each.
    """
    held_out = loss_curve(progress.held_out, axes, "held out", "primary")
    train = loss_curve(progress.train, axes, "train", "muted", axes.smooth)
    parts = _parts(progress, axes)
    shift = UNITS[axes.unit]
    return Curves(
        parts or ((held_out, train) if held_out.x else (train,)),
        x_label=axes.x_label,
        y_label=axes.y_label(unit or progress.unit),
        log_y=axes.log_y,
        whole_y=axes.whole,
        floors=tuple(Floor(floor.name, shift(floor.y)) for floor in floors),
        x_end=x_end(progress, axes.x),
        marks=tuple(Mark(place(change, axes.x), said(change)) for change in progress.changes),
        points=_best(progress, axes),
        **more,
    )


def loss_curve(series: Growing, axes: Axes, name: str, role: str, smooth: int = 1) -> Curve:
    """A loss in nats as a curve on these axes, in their unit."""
    key = None if axes.unit == "nats" else UNITS[axes.unit]
    return series.curve(name, role, axis=axes.x, smooth=smooth, key=key)


def _parts(progress: Progress, axes: Axes) -> tuple[Curve, ...]:
    """The losses of several networks that learn together, the last of which is the step's own."""
    found = [(name.removesuffix("_loss"), series) for name, series in progress.numbers.items() if name in PARTS]
    found.sort(key=lambda one: PARTS.index(f"{one[0]}_loss"))
    roles = ("primary", "accent")
    return tuple(loss_curve(s, axes, name, role, axes.smooth) for (name, s), role in zip(found, roles, strict=False))


def _best(progress: Progress, axes: Axes) -> tuple[Point, ...]:
    if progress.best_loss is None or progress.best_step is None:
        return ()
    at = progress.held_out.place(progress.best_step, axes.x)
    return () if at is None else (Point(at, UNITS[axes.unit](progress.best_loss), "success"),)


def x_end(progress: Progress, axis: str) -> float | None:
    """The end of the budget on an axis, as far as it is known."""
    if axis == "steps":
        return float(progress.steps)
    if axis == "seconds":
        return progress.budget
    if not progress.step:
        return None  # how many tokens a step has is not known yet
    return float(progress.step["tokens"] / max(1, progress.step["step"]) * progress.steps)


def place(change: Change, axis: str) -> float:
    """Where something was changed, on an axis."""
    return float({"steps": change.step, "seconds": change.seconds, "tokens": change.tokens}[axis])


def said(change: Change) -> str:
    """A change in a few words."""
    if change.name == "rollback":
        return "rolled back, rate ÷2"
    if change.name == "phases":
        return "one update"
    if change.before <= 0:
        return f"learning rate {change.value:.2g}"
    if change.value >= change.before:
        return f"learning rate ×{change.value / change.before:.2g}"
    return f"learning rate ÷{change.before / change.value:.2g}"
