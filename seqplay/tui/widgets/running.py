"""What is seen of a run while it trains, beside its chart: its vitals, what it writes now, and what it wrote before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from seqplay.draw.lines import Line, Span, cut, line_width, span
from seqplay.draw.numbers import clock, grouped, pace, reading, scientific, short
from seqplay.draw.text import wrap
from seqplay.runs.progress import Sample, Shown
from seqplay.runs.rows import number
from seqplay.safe_text import pad
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.box import Box

Fact = tuple[str, str]
Made = TypeVar("Made", Sample, Shown)
"""What a model made after a step."""
LOOKED_BACK = [factor * 10**power for power in range(8) for factor in (1, 3)]  # steps
WIDEST_TEXT = 100  # cells: longer lines are hard to read
LONGEST_LINE = 1_000  # characters that are looked through for a first line
MOST_SHOWN = 20_000  # characters of a sample: some 20 ms of drawing


def vitals(subject: Subject) -> list[Fact]:
    """What is measured, the most important first, as (name, value)."""
    progress, step = subject.progress, subject.progress.step
    at, plan = step.get("step", 0), subject.plan
    facts = [("step", f"{at:,} / {progress.steps:,}" if progress.steps else f"{at:,}")]
    seconds = float(step.get("seconds", 0.0))
    facts.append(("time", f"{clock(seconds)} / {clock(progress.budget)}" if progress.budget else clock(seconds)))
    if progress.speed:
        facts.append(("speed", f"{pace(progress.speed)} {short(progress.unit)}/s"))
    rate, norm = number(step.get("learning_rate")), number(step.get("gradient_norm"))
    if rate is not None:
        facts.append(("rate", scientific(rate, 2)))
    if norm is not None:
        facts.append(("gradient", reading(norm)))
    if progress.best_loss is not None:
        facts.append(("best", f"{progress.best_loss:.3f} @{progress.best_step:,}"))
    if plan is not None:
        facts.append(("parameters", grouped(plan.parameters)))
        if plan.cell:
            facts.append(("dropout", f"{plan.dropout:g}"))
        threads = f"{plan.threads} thread{'s' if plan.threads > 1 else ''}"
        facts.append(("processor", f"{plan.device}, {threads}, {plan.precision}"))
    return facts


class Vitals(Box):
    """The facts under the chart: names above values where there is room, else one line."""

    subject: Subject | None = None

    def content(self, width: int, height: int) -> Sequence[Line]:
        facts = vitals(self.subject) if self.subject else []
        if self.is_compact or height < 2:
            return [_in_a_line(facts, width)]
        widths = [max(len(name), len(value)) + 3 for name, value in facts]
        while sum(widths) - 3 > width:
            widths.pop()
        names = tuple(Span(pad(facts[i][0], room), "muted") for i, room in enumerate(widths))
        values = tuple(span(pad(facts[i][1], room)) for i, room in enumerate(widths))
        return [cut(names, width), cut(values, width)]

    def draw(self, width: int, height: int) -> Sequence[Line]:
        return self.content(width, 1) if self.is_compact else super().draw(width, height)


def _in_a_line(facts: Sequence[Fact], width: int) -> Line:
    line: list[Span] = []
    for name, value in facts:
        more = [*([Span("   ")] if line else []), Span(f"{name} ", "muted"), span(value, "title")]
        if line_width(line) + line_width(more) > width:
            break
        line += more
    return tuple(line)


class Writes(Box):
    """The sample that is looked at: the newest one, or that of the cursor; or a card that says what happened."""

    sample: Sample | None = None
    card: Sequence[Line] = ()
    """Said in place of a sample: a crash, a wait."""

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.card:
            return wrap_lines(self.card, width)
        if self.sample is None:
            return []
        pieces = [Span(self.sample.prompt[:MOST_SHOWN], "muted"), Span(self.sample.text[:MOST_SHOWN])]
        return wrap(pieces, min(width, WIDEST_TEXT))


def wrap_lines(lines: Sequence[Line], width: int) -> list[Line]:
    """Each line wrapped on its own; an empty one stays."""
    return [part for line in lines for part in (wrap(line, width) or [()])]


class WroteBefore(Box):
    """One line of earlier samples, at steps that grow by about the same factor; the one that is looked at is marked."""

    samples: Sequence[Sample] = ()
    chosen: Sample | None = None

    def content(self, width: int, height: int) -> Sequence[Line]:
        picked = log_spaced(self.samples, self.chosen, height)
        room = max((len(f"{sample.step:,}") for sample in picked), default=0)
        lines: list[Line] = []
        for sample in picked:
            role = "primary" if sample is self.chosen else "muted"
            written = (sample.prompt + sample.text)[:LONGEST_LINE]
            text = next((line for line in written.splitlines() if line.strip()), written)
            step = Span(f"{sample.step:,}".rjust(room), role)
            lines.append(cut((step, Span("  "), span(text, "" if sample is self.chosen else "muted")), width))
        return lines


def log_spaced(samples: Sequence[Made], chosen: Made | None, count: int) -> list[Made]:
    """At most `count` of the samples, the first and the `chosen` one among them, growing by about the same factor."""
    if chosen is None or not samples:
        return []
    until = [sample for sample in samples if sample.step <= chosen.step]
    if len(until) <= count:
        return until
    kept: list[Made] = [until[0]]
    for wanted in LOOKED_BACK:  # fixed steps, so that a line that is there stays
        found = next((sample for sample in until if sample.step >= wanted), until[-1])
        if found.step > kept[-1].step:
            kept.append(found)
    if kept[-1] is not until[-1]:
        kept.append(until[-1])
    return kept[:1] + kept[1:][-(count - 1) :] if count > 1 else kept[-1:]


def waiting_card(subject: Subject) -> list[Line]:
    """The steps before the first update: done ones with the time that they took, by the run's own files."""
    run, lines = subject.run, list[Line]()
    began = _changed(run.recipe)
    data = "the pictures are" if subject.has_pictures else "the text is"
    for done, words in ((run.recipe, f"{data} in the cache"), (run.process, "the training process has started"),
                        (run.plan, "sizes are chosen, a few updates were tried")):  # fmt: skip
        at = _changed(done)
        if at is None or began is None:
            lines.append((Span("◌ ", "muted"), Span(words, "muted")))
        else:
            lines.append((Span("✓ ", "success"), Span(words), Span(f"  {max(0.0, at - began):.1f} s", "muted")))
    elapsed = f"{max(0.0, time.time() - began):.1f} s: " if began is not None else ""
    said = subject.progress.note.get("message", "the first update …")
    return [*lines, (), (span(f"{elapsed}{said}", "muted"),)]


def _changed(path: Path) -> float | None:
    try:
        return path.lstat().st_mtime
    except OSError:
        return None


def crash_card(subject: Subject) -> list[Line]:
    """What happened, what is safe, and what to do."""
    progress = subject.progress
    said = progress.problem.get("message") or "The training process ended without a word: it was killed, or died."
    steps = subject.checkpoint_steps
    safe = f"Safe: everything up to step {steps[-1]:,}." if steps else "There is no checkpoint yet."
    return [
        (Span("✗ ", "error"), span(str(said))),
        (),
        (Span(safe),),
        (Span("space", "key"), Span(" goes on from there", "muted")) if steps else (),
        (Span("o", "key"), Span(" shows all that it printed", "muted")),
    ]
