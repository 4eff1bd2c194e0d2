"""What is measured of a run of pictures at a moment, what it means, and the curves that tell how it came there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from seqplay.figures import Curve, Curves, Mark
from seqplay.runs import charts
from seqplay.runs.charts import Axes
from seqplay.runs.progress import MOST_CLASSES, Progress, Shown
from seqplay.runs.rows import number

DRAWS = "digits"
"""The task whose generator draws; in every other one with pictures they are recognised."""
WASSERSTEIN = "wgan"
BEST = {DRAWS: ("confident_share", "read", 0), "recognise": ("held_out_accuracy", "right", 1)}
PRESENT, OF_EVEN = 0.02, 0.2  # of what is drawn, or of an even share: a class with less is missing
MOST_OF_ONE = 0.5  # of what is drawn: a generator that draws one class more often has collapsed
LEAST_VARIETY = 0.3  # of the real pictures' variance
SETTLED = 0.1  # of the budget: before, a generator may well draw one shape only
SURE, NEVER = 0.98, 0.02  # what a critic says of real and of drawn pictures that teaches a generator nothing
LONG = 50  # steps of that
LOSSES = (("generator_loss", "gen", "primary"), ("critic_loss", "critic", "muted"))
READ = (("confident_share", "read", "primary"),)
MOST = {"classes_present": 4096.0} | dict.fromkeys(
    "confident_share copied_share held_out_accuracy train_accuracy train_real train_drawn".split(), 1.0
)
"""The largest value that each may have; the least is 0."""
ACCURACIES = (("held_out_accuracy", "held out", "primary"), ("train_accuracy", "train", "muted"))


def value(progress: Progress, name: str, axis: str = "steps", cursor: float | None = None) -> float | None:
    """A number by its name in the log: at the cursor, or the newest, which is that of the end where there is one. None
    for what is known to be a share, or a count of classes, and is none.
    """
    series = progress.numbers.get(name)
    if cursor is None and name in progress.done:
        known = number(progress.done[name])
    elif series is None or not series.steps:
        return None
    else:
        found = series.at(series.steps[-1]) if cursor is None else series.at(cursor, axis)
        known = found[1] if found else None
    is_score = known is None or name not in MOST or 0 <= known <= MOST[name]
    return known if is_score else None


def class_shares(progress: Progress, axis: str = "steps", cursor: float | None = None) -> Sequence[float]:
    """The share of each class among the judged pictures, then or by now; nothing before they were judged."""
    if cursor is None and (last := _last_shares(progress)):
        return last
    until = step_at(progress, axis, cursor)
    return next((shares for step, shares in reversed(progress.class_shares) if until is None or step <= until), ())


def _last_shares(progress: Progress) -> Sequence[float]:
    """Those of the end, which are the best checkpoint's."""
    given = progress.done.get("class_shares")
    known = [number(share) for share in given[: MOST_CLASSES + 1]] if isinstance(given, list) else []
    shares = [share for share in known if share is not None and 0 <= share <= 1]
    return shares if len(shares) == len(known) <= MOST_CLASSES else ()


def classes(progress: Progress, axis: str = "steps", cursor: float | None = None) -> tuple[int, int] | None:
    """How many classes are drawn, and of how many; None where their shares are not known."""
    shares = class_shares(progress, axis, cursor)
    least = min(PRESENT, OF_EVEN / max(1, len(shares)))
    return (sum(share >= least for share in shares), len(shares)) if shares else None


def step_at(progress: Progress, axis: str, cursor: float | None) -> int | None:
    """The step of a place on an axis; None stands for now."""
    if cursor is None:
        return None
    found = progress.train.at(cursor, axis)
    return found[0] if found else 0


def shown_at(progress: Progress, axis: str, cursor: float | None) -> Shown | None:
    """The pictures that it made then, or at last."""
    until = step_at(progress, axis, cursor)
    return next((shown for shown in reversed(progress.pictures) if until is None or shown.step <= until), None)


def percent(share: float, decimals: int = 0) -> str:
    return f"{100 * share:.{decimals}f} %"


def best_said(progress: Progress, task: str) -> str:
    """The number that says most, in a few letters: "88 % read"."""
    name, what, decimals = BEST.get(task, BEST[DRAWS])
    known = value(progress, name)
    return "" if known is None else f"{percent(known, decimals)} {what}"


# -- what it means


def warning(progress: Progress, axis: str = "steps", cursor: float | None = None) -> str:
    """What goes wrong between the two networks, and what to try; "" where nothing does."""
    if is_without_gradient(progress, axis, cursor):
        return "the critic is never wrong, so the generator learns nothing: try label smoothing, or wgan"
    shares, drawn = class_shares(progress, axis, cursor), classes(progress, axis, cursor)
    variety = value(progress, "variety", axis, cursor)
    if progress.share < SETTLED:
        return ""
    if drawn and drawn[0] <= drawn[1] / 2:
        what = f"it draws {drawn[0]} of {drawn[1]} classes"
    elif variety is not None and variety < LEAST_VARIETY:
        what = f"it varies {percent(variety)} as much as the real ones"
    elif len(shares) > 2 and max(shares) > MOST_OF_ONE:  # of two classes one is always drawn more often
        what = f"{percent(max(shares))} of it is one class"
    else:
        return ""
    return f"mode collapse: {what}; try {'' if is_wasserstein(progress) else 'wgan, or '}a lower learning rate"


def is_wasserstein(progress: Progress) -> bool:
    """Whether the critic measures a distance: what it says of pictures are no odds, and its gradient never fades."""
    return progress.start.get("model") == WASSERSTEIN


def is_without_gradient(progress: Progress, axis: str = "steps", cursor: float | None = None) -> bool:
    """Whether the critic has been sure of everything for long."""
    real, drawn = (progress.numbers.get(name) for name in ("train_real", "train_drawn"))
    if real is None or drawn is None or is_wasserstein(progress):
        return False
    until = step_at(progress, axis, cursor)
    end = len(real.y) if until is None else bisect_right(real.steps, until)
    if end < LONG:
        return False
    last = slice(end - LONG, end)
    return min(real.y[last]) > SURE and max(drawn.y[last], default=1.0) < NEVER


def verdict(progress: Progress, task: str, state: str) -> str:
    """What a run has come to, in a few plain words."""
    known = value(progress, BEST.get(task, BEST[DRAWS])[0])
    if known is None:
        return "" if state == "finished" else "the judge looks at it from the first score on" if task == DRAWS else ""
    if task != DRAWS:
        wrong = round(1000 * (1 - known))
        return f"{percent(known, 1)} right on pictures that it never learned: {wrong} wrong in 1,000"
    drawn = classes(progress)
    if drawn is None:
        return f"read with confidence: {percent(known)}"
    present, of = drawn
    said = f"all {_word(of)} classes" if present == of else f"{present} of {of} classes"
    return f"read with confidence {percent(known)}, {said}"


def _word(count: int) -> str:
    return {10: "ten"}.get(count, str(count))


# -- curves


def chart(
    progress: Progress, axes: Axes, series: Sequence[tuple[str, str, str]], cursor: float | None = None
) -> Curves:
    """Some of the measured numbers, given as (name, label, role), over the whole budget."""
    curves: list[Curve] = []
    for name, label, role in series:
        found = progress.numbers.get(name)
        if found is not None and found.steps:
            curves.append(found.curve(label, role, axis=axes.x, smooth=axes.smooth if len(found.steps) > 50 else 1))
    return Curves(
        tuple(curves),
        x_label=axes.x_label,
        x_end=charts.x_end(progress, axes.x),
        log_y=axes.log_y,
        whole_y=axes.whole,
        marks=tuple(Mark(charts.place(change, axes.x), charts.said(change)) for change in progress.changes),
        cursor=cursor,
    )
