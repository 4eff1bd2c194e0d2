"""What is measured of a run of pictures, by task, as it stands in its box: a name, a value, and the value's role."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from seqplay.draw.numbers import reading
from seqplay.runs import scores
from seqplay.runs.progress import Progress
from seqplay.tui.widgets.judge_box import GOOD, Fact

tenths, thousandths = partial(reading, decimals=1), partial(reading, decimals=3)
percent_tenths = partial(scores.percent, decimals=1)

Measured = tuple[str, str, Callable[[float], str]]
READS: Sequence[Measured] = (
    ("held_out_accuracy", "held out", percent_tenths),
    ("train_accuracy", "train", percent_tenths),
    ("held_out", "loss, held out", thousandths),
    ("train", "loss, train", thousandths),
)
MEASURED: Mapping[str, Sequence[Measured]] = {
    scores.DRAWS: (
        ("confident_share", "read with confidence", scores.percent),
        ("classes_present", "classes of 2 % or more", "{:.0f}".format),
        ("frechet", "distance", tenths),
        ("copied_share", "copied from training", scores.percent),
    ),
}
"""The name in the log, or of a curve of losses; the name on the screen; and how a value is written."""


def facts(progress: Progress, task: str, axis: str = "steps", cursor: float | None = None) -> list[Fact]:
    """What is known of it at the cursor, or now."""
    found: list[Fact] = []
    for name, label, say in MEASURED.get(task, READS):
        known = _known(progress, name, axis, cursor)
        if name == "classes_present" and (classes := scores.classes(progress, axis, cursor)):
            found.append(("classes present", f"{classes[0]} of {classes[1]}", ""))
        elif name == "frechet" and (floor := scores.value(progress, "frechet_floor", axis, cursor)) is not None:
            label = f"distance, real = {tenths(floor)}"
            found += [(label, say(known), "")] if known is not None else []
        elif known is not None:
            found.append((label, say(known), _role(name, known)))
    return found


def _known(progress: Progress, name: str, axis: str, cursor: float | None) -> float | None:
    series = {"held_out": progress.held_out, "train": progress.train}.get(name)
    if series is None:
        return scores.value(progress, name, axis, cursor)
    if cursor is None:
        return series.y[-1] if series.y else None
    found = series.at(cursor, axis) if series.steps else None
    return found[1] if found else None


def _role(name: str, known: float) -> str:
    return "success" if name == "held_out_accuracy" or (name == "confident_share" and known >= GOOD) else ""
