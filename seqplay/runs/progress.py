"""What is known of a run while it trains."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqplay.figures import Picture, from_json
from seqplay.runs.growing import Growing
from seqplay.runs.rows import is_change, number
from seqplay.runs.summary import State

Row = dict[str, Any]

SMALLEST, LARGEST = 1e-100, 1e100  # of what is measured: beyond them a ratio or a square is no number any more
AVERAGED = 50  # steps whose mean a shown training loss is, roughly: the last one counts 1/50, as in the `done` row


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_time(value: Any) -> bool:
    seconds = number(value)
    return seconds is not None and 0 <= seconds < 2**33


def _is_measured(value: Any) -> bool:
    """A number that can be drawn, or nothing where none could be told."""
    known = number(value)
    return value is None or (known is not None and abs(known) < LARGEST)


def _is_size(value: Any) -> bool:
    known = number(value)
    return known is not None and SMALLEST < known < LARGEST


NEEDED: dict[str, dict[str, Callable[[Any], bool]]] = {
    "start": {
        "why": _is_text,
        **dict.fromkeys(("steps", "parameters", "train_tokens"), _is_count),
    },
    "step": {"step": _is_count, "train_loss": _is_measured, "seconds": _is_time, "tokens": _is_count},
    "evaluation": {"step": _is_count, "held_out_estimate": _is_measured, "seconds": _is_time, "tokens": _is_count},
    "change": {"name": _is_text, "step": _is_count, "value": _is_size},
    "note": {"note": _is_text, "message": _is_text},
    "done": {"steps": _is_count, "seconds": _is_time, "train_loss": _is_measured, "held_out_loss": _is_measured},
}
"""What viewers read of each kind of row."""
WHERE_KNOWN: dict[str, dict[str, Callable[[Any], bool]]] = {
    "start": {
        **dict.fromkeys(("cell", "model", "task", "tokens"), _is_text),
        **dict.fromkeys(("layers", "hidden"), _is_count),
    },
    "step": dict.fromkeys(("learning_rate", "gradient_norm"), _is_measured),
    "change": {"before": _is_measured},
    "done": dict.fromkeys(("bits_per_byte", "perplexity"), _is_measured),
    "figure": {"step": _is_count},
}
"""What they read of it where it is there and is not null."""
FIRM = {
    "step": {"kind", *NEEDED["step"], *WHERE_KNOWN["step"]},
    "evaluation": {"kind", "best", *NEEDED["evaluation"]},
}
"""What has a place of its own; whatever else is a number is kept by its name."""
MOST_NUMBERS = 24
MOST_CLASSES = 64  # of which the shares are kept


@dataclass(frozen=True)
class Change:
    """Something that was changed while the run trained: what, where, and by how much."""

    step: int
    seconds: float
    tokens: int
    name: str
    value: float
    before: float


@dataclass(frozen=True)
class Sample:
    """What the model wrote after a step."""

    step: int
    prompt: str
    text: str
    caption: str = ""


@dataclass(frozen=True)
class Shown:
    """Pictures that the model made after a step."""

    step: int
    picture: Picture


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
    best_loss: float | None = None
    best_step: int | None = None
    train: Growing = field(default_factory=Growing)
    held_out: Growing = field(default_factory=Growing)
    gradient: Growing = field(default_factory=Growing)
    rate: Growing = field(default_factory=Growing)
    pace: Growing = field(default_factory=Growing)
    """Tokens a second, over the last hundred steps."""
    changes: list[Change] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    pictures: list[Shown] = field(default_factory=list)
    numbers: dict[str, Growing] = field(default_factory=dict)
    """What else is measured in steps and evaluations, by its name in the log: the losses of several networks, accuracy,
    a judge's scores."""
    class_shares: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)
    """Steps, and the share of each class among the pictures that were judged after them."""
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
                self._add_evaluation(row)
            case "change" if not is_change(row):
                return False
            case "change" if row["name"] == "steps" and not _is_count(row["value"]):
                return False
            case "change" if row["name"] == "steps":
                self.steps = row["value"]
            case "change":
                self._add_change(row)
            case "note":
                self.note = row
            case "done":
                self.done = row
            case "figure" if row.get("figure") == "text":
                self._add_sample(row)
            case "figure" if row.get("figure") == "picture":
                return self._add_picture(row)
        return True

    def _add_step(self, row: Row) -> None:
        if row["step"] <= self.step.get("step", -1):  # the trainer went back to a checkpoint, and its clock with it
            self._go_back(row["step"])
        self.step, self.note = row, {}
        loss = row["train_loss"]
        if loss is not None:
            self.smoothed = loss if self.smoothed is None else self.smoothed + (loss - self.smoothed) / AVERAGED
        where = row["step"], row["seconds"], row["tokens"]
        self._speeds.append((row["seconds"], row["tokens"]))
        (t0, n0), (t1, n1) = self._speeds[0], self._speeds[-1]
        self.speed = (n1 - n0) / (t1 - t0) if t1 > t0 else self.speed
        self.train.add(*where, loss)
        self.gradient.add(*where, number(row.get("gradient_norm")))
        self.rate.add(*where, number(row.get("learning_rate")))
        self.pace.add(*where, self.speed)
        self._add_numbers(row)

    def _add_evaluation(self, row: Row) -> None:
        self.evaluation, estimate = row, row["held_out_estimate"]
        self._add_numbers(row)
        self._add_shares(row)
        if estimate is None:
            return
        self.held_out.add(row["step"], row["seconds"], row["tokens"], estimate)
        if self.best_loss is None or estimate < self.best_loss:
            self.best_loss, self.best_step = estimate, row["step"]

    def _add_numbers(self, row: Row) -> None:
        for name in row.keys() - FIRM[row["kind"]]:
            known = number(row[name])
            if (
                known is not None
                and abs(known) < LARGEST
                and (name in self.numbers or len(self.numbers) < MOST_NUMBERS)
            ):
                self.numbers.setdefault(name, Growing()).add(row["step"], row["seconds"], row["tokens"], known)

    def _add_shares(self, row: Row) -> None:
        shares = row.get("class_shares")
        if not isinstance(shares, list) or not 0 < len(shares) <= MOST_CLASSES:
            return
        known = [number(share) for share in shares]
        while self.class_shares and self.class_shares[-1][0] >= row["step"]:
            self.class_shares.pop()
        if all(share is not None and 0 <= share <= 1 for share in known):
            self.class_shares.append((row["step"], tuple(share or 0.0 for share in known)))

    def _add_change(self, row: Row) -> None:
        where = row["step"], float(self.step.get("seconds", 0.0)), self.step.get("tokens", 0)
        self.changes.append(Change(*where, row["name"], float(row["value"]), number(row.get("before")) or 0.0))

    def _add_sample(self, row: Row) -> None:
        step = row.get("step") or 0
        while self.samples and self.samples[-1].step >= step:
            self.samples.pop()
        caption = row.get("caption")
        self.samples.append(Sample(step, row["prompt"], row["text"], caption if isinstance(caption, str) else ""))
        self.written, self.written_at = row["prompt"] + row["text"], row.get("step")

    def _add_picture(self, row: Row) -> bool:
        try:
            picture = from_json(row)
        except ValueError:
            return False
        assert isinstance(picture, Picture)
        step = row.get("step") or 0
        while self.pictures and self.pictures[-1].step >= step:
            self.pictures.pop()
        self.pictures.append(Shown(step, picture))
        return True

    def _go_back(self, step: int) -> None:
        """Forget what was known of this step and of those after it."""
        self._speeds.clear()
        for series in (self.train, self.held_out, self.gradient, self.rate, self.pace, *self.numbers.values()):
            series.cut(step)
        self.changes = [change for change in self.changes if change.step < step]
        while self.samples and self.samples[-1].step >= step:
            self.samples.pop()
        while self.pictures and self.pictures[-1].step >= step:
            self.pictures.pop()
        self.class_shares = [known for known in self.class_shares if known[0] < step]
        best = min(zip(self.held_out.y, self.held_out.steps, strict=True), default=(None, None))
        self.best_loss, self.best_step = best

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
        return 60 * minutes if minutes is not None and 0 < minutes < 2**33 else None

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
    if not isinstance(kind, str):
        return False
    needed = NEEDED.get(kind, {})
    if kind == "figure" and row.get("figure") == "text":
        needed = {"text": _is_text, "prompt": _is_text}
    known = {name: fits for name, fits in WHERE_KNOWN.get(kind, {}).items() if row.get(name) is not None}
    return all(name in row and fits(row[name]) for name, fits in (needed | known).items())
