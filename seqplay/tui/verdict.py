"""What a chart of losses means, in a few plain words."""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.numbers import clock
from seqplay.figures import Floor
from seqplay.runs.charts import UNITS, Axes
from seqplay.runs.progress import Progress

BELOW = {
    "5-gram": "it has learned more than spelling",
    "gzip": "it begins to spell words",
    "unigram": "it knows which characters are common",
    "uniform": "it has begun to learn",
}
LEARNT_BY_HEART = 1.02  # times the best held-out loss, while the training loss falls on


def verdict(progress: Progress, floors: Sequence[Floor], state: str) -> str:
    """Where the held-out loss stands among the yardsticks; when it is finished, by how much."""
    loss = progress.done.get("held_out_loss")
    loss = progress.best_loss if loss is None else loss
    if loss is None:
        return "too short to hold anything out: it learns all of it" if state == "finished" else ""
    now = progress.evaluation.get("held_out_estimate")
    if state == "running" and now is not None and progress.best_loss and now > LEARNT_BY_HEART * progress.best_loss:
        return f"held out was {progress.best_loss:.3f} at step {progress.best_step:,}: now it learns by heart"
    below = sorted((floor for floor in floors if loss < floor.y), key=lambda floor: floor.y)
    if state == "finished" and below:
        return f"{loss:.3f} on all of it: {1 - loss / below[0].y:.0%} below {below[0].name}".replace("%", " %")
    if below:
        return f"below {below[0].name}: {BELOW.get(below[0].name, '')}"
    above = min(floors, key=lambda floor: -floor.y, default=None)
    return f"above {above.name}: it has only begun" if above else f"held out: {loss:.3f} nats on text it never learns"


def at(progress: Progress, axes: Axes, cursor: float) -> str:
    """The losses at a cursor."""
    shift = UNITS[axes.unit]
    found = progress.train.at(cursor, axes.x)
    where = clock(cursor) if axes.x == "seconds" else f"{cursor:,.0f} {axes.x}"
    facts = [f"at {where}"]
    for name, series in (("train", progress.train), ("held out", progress.held_out)):
        point = series.at(cursor, axes.x)
        if point is not None and point[1] is not None:
            facts.append(f"{name} {shift(point[1]):.3f}")
    return "   ".join(facts) if found else ""
