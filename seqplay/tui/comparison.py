"""Several runs side by side: short names, one picture of their losses, what their recipes differ in, what they wrote.

Losses in nats a token compare only where a token is the same thing: runs whose tokens differ are drawn in bits a byte
where that is known of all of them, and else with a warning.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqplay import paths
from seqplay.draw.numbers import clock
from seqplay.errors import SeqplayError
from seqplay.figures import Curve, Curves, Floor
from seqplay.recipe import OF_A_STACK
from seqplay.runs import charts, layout, scores
from seqplay.runs.charts import UNITS, Axes
from seqplay.runs.growing import Growing
from seqplay.runs.progress import Progress, Sample, Shown
from seqplay.runs.rows import number
from seqplay.runs.shelf import SHA256
from seqplay.safe_text import cell_width, clusters
from seqplay.tui.subject import Subject

SEPARATORS = re.compile(r"([-_. ]+)")
FAR = 1.6  # a run this many times as long as the next one goes on out of sight
ROOM = 1.1  # beyond the end of the second longest, for the names on the heads
SAME_ANYWHERE = ("char", "byte", "jamo")  # the others are learned from each text
PLAIN = (
    "model", "cell", "layers", "hidden", "embedding", "dropout", "embedding_dropout", "tokens", "source", "column",
    "vocabulary", "minutes", "batch", "sequence", "learning_rate", "holdout", "patience", "weight_decay", "warmup",
    "clip", "average", "seed", "steps", "parameters", "train_tokens", "held_out_tokens", "precision", "device",
    "threads", "evaluate_every", "task", "data", "distribution", "version", "torch",
)  # fmt: skip
"""What may differ, the most telling first."""
READ_NAME = scores.BEST[scores.DRAWS][0]
READ = "share that is read with confidence"
WORDS = {"source": "text", "data": "its bytes", "held_out_tokens": "held out", "train_tokens": "train tokens"}
SHORT_HASH = 7
MANY = 100_000  # from here on only three digits of a number are told


@dataclass(frozen=True)
class Compared:
    """A run among those that are compared: its short name, and how it is drawn."""

    subject: Subject
    name: str
    role: str
    dashed: bool = False

    @property
    def progress(self) -> Progress:
        return self.subject.progress

    @property
    def series(self) -> Growing:
        """The loss that is compared: on what was held out, else on what it learns. Of a run that draws, which has none
        that tells how well, the share that is read.
        """
        if self.subject.task == scores.DRAWS:
            return self.progress.numbers.get(scores.BEST[scores.DRAWS][0], Growing())
        return self.progress.held_out if self.progress.held_out.steps else self.progress.train


def short_names(names: Sequence[str]) -> list[str]:
    """The part of each name that tells it from the others: without what several begin with, and what all end with."""
    kept = _told_apart([SEPARATORS.split(name) for name in names])
    told = ["".join(parts) for parts in kept]
    return told if len(set(told)) == len(names) and all(told) else list(names)


def _told_apart(names: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Names as words and what parts them, without the words that others of them share."""
    kept = list(names)
    while len(kept) > 1 and all(len(parts) > 2 for parts in kept) and len({parts[-1] for parts in kept}) == 1:
        kept = [parts[:-2] for parts in kept]
    for word in {parts[0] for parts in kept}:
        group = [at for at, parts in enumerate(kept) if parts[0] == word]
        if len(group) > 1 and all(len(kept[at]) > 2 for at in group):
            for at, rest in zip(group, _told_apart([kept[at][2:] for at in group]), strict=True):
                kept[at] = rest
    return kept


# -- one measure for all


@dataclass(frozen=True)
class Measure:
    """How the losses of several runs are read: `keys` turn each run's nats a token into what `label` says."""

    label: str
    keys: tuple[Callable[[float], float] | None, ...]
    warning: str = ""


def measure_of(compared: Sequence[Compared], axes: Axes) -> Measure:
    """The measure in which these runs can be compared, as far as there is one."""
    unit = compared[0].progress.unit if compared else "token"
    plain = None if axes.unit == "nats" else UNITS[axes.unit]
    tasks = {one.subject.task for one in compared}
    if len(tasks) > 1:
        return Measure("each in its own measure", (None,) * len(compared), "their tasks differ: these do not compare")
    if tasks == {scores.DRAWS}:
        return Measure(READ, (None,) * len(compared), _texts_differ(compared))
    if len({_token_kind(one.subject) for one in compared}) <= 1:
        return Measure(axes.y_label(unit), (plain,) * len(compared), _texts_differ(compared))
    factors = [bits_a_byte(one.subject) for one in compared]
    if all(factor is not None for factor in factors):
        keys = tuple(_times(factor) for factor in factors if factor is not None)
        return Measure("bits per byte", keys, "their tokens differ: only bits per byte compare")
    return Measure(axes.y_label("token"), (plain,) * len(compared), "their tokens differ: these losses do not compare")


def _times(factor: float) -> Callable[[float], float]:
    return lambda nats: nats * factor


def _token_kind(subject: Subject) -> tuple[Any, ...]:
    plan = subject.plan
    if plan is None:
        return (subject.progress.start.get("tokens"), subject.progress.unit)
    return (plan.tokens,) if plan.tokens in SAME_ANYWHERE else (plan.tokens, plan.vocabulary, plan.data)


def _texts_differ(compared: Sequence[Compared]) -> str:
    return "" if shared_text(compared) or len(compared) < 2 else "their texts differ: so does how hard they are"


def shared_text(compared: Sequence[Compared]) -> bool:
    """Whether all learn one text, kept back at one place."""
    plans = [one.subject.plan for one in compared]
    return len({None if plan is None else (plan.data, plan.holdout) for plan in plans}) == 1 and None not in plans


def bits_a_byte(subject: Subject) -> float | None:
    """The bits a byte that one nat a token is: by the last score, else by the sizes of the text and of its tokens."""
    done = subject.progress.done
    loss, bits = number(done.get("held_out_loss")), number(done.get("bits_per_byte"))
    if loss and bits and loss > 0 < bits:
        return bits / loss
    plan = subject.plan
    if plan is None or not SHA256.fullmatch(plan.data):
        return None
    try:
        size = os.stat(paths.texts_dir() / plan.data, follow_symlinks=False).st_size
    except OSError:
        return None
    tokens = plan.train_tokens + plan.held_out_tokens
    return tokens / size / math.log(2) if size and tokens else None


# -- the picture


def chart(
    compared: Sequence[Compared], axes: Axes, measure: Measure, floors: Sequence[Floor] = (), **more: Any
) -> Curves:
    """The losses of several runs over one x axis, which ends where only one of them goes on."""
    end, is_cut = _end(compared, axes)
    curves: list[Curve] = []
    for one, key in zip(compared, measure.keys, strict=True):
        smooth = axes.smooth if one.series is one.progress.train else 1
        curve = one.series.curve(one.name, one.role, axis=axes.x, smooth=smooth, key=key)
        curves.append(dataclasses.replace(curve, dashed=one.dashed))
    shift = UNITS[axes.unit]
    return Curves(
        tuple(curves),
        x_label=axes.x_label,
        log_y=axes.log_y,
        whole_y=axes.whole,
        floors=tuple(Floor(floor.name, shift(floor.y)) for floor in floors),
        x_start=0.0 if is_cut else None,
        x_end=end,
        **more,
    )


def title_of(compared: Sequence[Compared], label: str) -> str:
    if label == READ:
        return READ
    held_out = [one.series is one.progress.held_out for one in compared if one.series.steps]
    what = "held out" if all(held_out) else "loss" if any(held_out) else "training loss"
    return f"{what}, {label}"


def last_place(one: Compared, axis: str) -> float:
    """Where on an axis a run stands."""
    train = one.progress.train
    return (train.place(train.steps[-1], axis) or 0.0) if train.steps else 0.0


def reach(compared: Sequence[Compared], axes: Axes) -> tuple[float, float] | None:
    """The stretch of the x axis that the cursor moves on: all that was trained and is in sight."""
    last = max((last_place(one, axes.x) for one in compared), default=0.0)
    end, is_cut = _end(compared, axes)
    return (0.0, min(last, end) if is_cut and end else last) if last else None


def _end(compared: Sequence[Compared], axes: Axes) -> tuple[float | None, bool]:
    """The end of the x axis: of the budget of what trains, and whether a run goes on beyond it."""
    ends: list[float] = []
    for one in compared:
        budget = charts.x_end(one.progress, axes.x) if one.subject.state == "running" else None
        ends.append(max(budget or 0.0, last_place(one, axes.x)))
    ends.sort()
    if len(ends) > 1 and not axes.whole and ends[-1] > FAR * ends[-2] > 0:
        return ends[-2] * ROOM, True
    return (ends[-1] if ends and ends[-1] else None), False


# -- the words beneath it


def caption(compared: Sequence[Compared], axes: Axes, measure: Measure, cursor: float | None) -> str:
    """What is known of several runs: at a cursor, or by now."""
    if loading := [one.name for one in compared if one.subject.is_loading]:
        return f"reading {', '.join(loading)} …"
    if cursor is not None:
        return at(compared, axes, measure, cursor)
    return measure.warning or lead(compared, measure)


def at(compared: Sequence[Compared], axes: Axes, measure: Measure, cursor: float) -> str:
    """The losses at a cursor; "·" where a run had not begun or is over."""
    facts = [f"at {place(axes, cursor)}"]
    for one, key in zip(compared, measure.keys, strict=True):
        found = one.series.at(cursor, axes.x)
        is_over = cursor > last_place(one, axes.x)
        value = None if found is None or is_over else found[1]
        facts.append(f"{one.name} {'·' if value is None else f'{key(value) if key else value:.2f}'}")
    return "   ".join(facts)


def place(axes: Axes, cursor: float) -> str:
    """A place on the x axis, in words."""
    return clock(cursor) if axes.x == "seconds" else f"{axes.x.removesuffix('s')} {cursor:,.0f}"


def lead(compared: Sequence[Compared], measure: Measure) -> str:
    """Which run is lowest, and by how much."""
    if measure.label == READ:
        shares = [(share, one.name) for one in compared if (share := scores.value(one.progress, READ_NAME)) is not None]
        share, name = max(shares, default=(0.0, ""))
        return f"{name} is read best: {scores.percent(share)}" if len(shares) > 1 else ""
    values: list[tuple[float, str]] = []
    for one, key in zip(compared, measure.keys, strict=True):
        best = one.subject.best_loss
        if best is not None:
            values.append((key(best) if key else best, one.name))
    values.sort()
    if len(values) < 2:
        return ""
    (low, first), (next_, second) = values[:2]
    return f"lowest is {first}, {low:.3f}: {next_ - low:.3f} below {second}"


# -- what they wrote


def sample_at(progress: Progress, axis: str, cursor: float | None) -> Sample | None:
    """What the model wrote then, or at last."""
    samples = progress.samples
    if cursor is None or not samples:
        return samples[-1] if samples else None
    found = progress.train.at(cursor, axis)
    step = found[0] if found else 0
    return next((sample for sample in reversed(samples) if sample.step <= step), None)


def made_at(subject: Subject, axis: str, cursor: float | None) -> Sample | Shown | None:
    """What the model made then, or at last: a text, or pictures."""
    if subject.has_pictures:
        return scores.shown_at(subject.progress, axis, cursor)
    return sample_at(subject.progress, axis, cursor)


# -- what they differ in


def settings_of(subject: Subject) -> dict[str, Any]:
    """What a run was made with, by name: from its plan, else from its recipe; empty where neither can be read."""
    made: Any = subject.plan
    if made is None:
        try:
            made = layout.read_recipe(subject.run.recipe)
        except SeqplayError:
            return {}
    known = vars(made)
    of_texts = OF_A_STACK if known.get("model") else ()
    found = {name: known[name] for name in PLAIN if name in known and name not in of_texts}
    found["data"] = made.data[:SHORT_HASH]
    return found | {f"settings.{name}": value for name, value in sorted(made.settings.items())}


def differing(settings: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """The names of settings that differ, and of those that all share, the most telling first."""
    names = list(dict.fromkeys([*PLAIN, *(name for one in settings for name in one)]))
    names = [name for name in names if any(name in one for one in settings)]
    unlike = {name for name in names if any(one.get(name) != settings[0].get(name) for one in settings[1:])}
    derived = {"data"} if "source" in unlike else set()
    if any(one.get("minutes") for one in settings):
        derived.add("steps")  # a time makes as many steps as the machine can
    differ = [name for name in names if name in unlike - derived]
    told = [name for name in names if name not in unlike and settings[0].get(name) not in (None, "")]
    return differ, told


def named(setting: str) -> str:
    return WORDS.get(setting, setting.removeprefix("settings.").replace("_", " "))


def written(value: Any) -> str:
    """A setting's value in a few letters."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return short_number(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def short_number(value: int) -> str:
    """1,048,576 as 1.05M."""
    if abs(value) < MANY:
        return f"{value:,}"
    return next(
        (f"{value / size:.3g}{unit}" for size, unit in ((1e9, "G"), (1e6, "M")) if abs(value) >= size),
        f"{value / 1e3:.0f}k",
    )


def tail(text: str, width: int) -> str:
    """A safe text cut at its beginning: names that are long differ at their ends."""
    if cell_width(text) <= width:
        return text
    kept, room = "", width - 1
    for piece, cells in reversed([*clusters(text)]):
        room -= cells
        if room < 0:
            break
        kept = piece + kept
    return f"…{kept}" if width > 0 else ""
