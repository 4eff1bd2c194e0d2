"""Following a training process: its rows as they come, its signals, its exit code. `seqplay train` is a viewer like
any other.

Three views of the same rows: a live picture on a terminal, a line now and then elsewhere, or the rows themselves as
JSON.
"""

from __future__ import annotations

import math
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from seqplay.cli import output
from seqplay.draw.bars import measure
from seqplay.draw.lines import Line, Span, cut, span
from seqplay.draw.numbers import clock
from seqplay.runs import commit
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import LogReader
from seqplay.safe_text import safe_line

if TYPE_CHECKING:
    from rich.live import Live

POLL_SECONDS = 0.05
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Row = dict[str, Any]


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
    _speeds: list[tuple[float, int]] = field(default_factory=list)

    def add(self, row: Row) -> None:
        match row.get("kind"):
            case "start":
                self.start, self.steps = row, row["steps"]
            case "step":
                self.step, self.note = row, ""
                loss = row["train_loss"]
                if loss is not None:
                    self.smoothed = loss if self.smoothed is None else 0.95 * self.smoothed + 0.05 * loss
                self._speeds = [*self._speeds[-99:], (row["seconds"], row["tokens"])]
                (t0, n0), (t1, n1) = self._speeds[0], self._speeds[-1]
                self.speed = (n1 - n0) / (t1 - t0) if t1 > t0 else self.speed
            case "evaluation":
                self.evaluation = row
            case "change" if row["name"] == "steps":
                self.steps = row["value"]
            case "note":
                self.note = row["message"]
                self.problem = row if row["note"] == "crashed" else {}
            case "done":
                self.done = row
            case "figure" if row.get("figure") == "text":
                self.written = row["prompt"] + row["text"]

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
        return float((self.steps - self.step["step"]) * (t1 - t0) / (len(self._speeds) - 1))

    def numbers(self) -> list[tuple[str, str]]:
        """What is measured, as (name, value): the same words on every view."""
        held_out = self.evaluation.get("held_out_estimate")
        found = [("loss", f"{self.smoothed:.3f}" if self.smoothed is not None else "–")]
        if held_out is not None:
            found += [("held out", f"{held_out:.3f}"), (f"bits/{self.unit}", f"{held_out / math.log(2):.2f}")]
        if self.speed:
            found.append((f"{self.unit}/s", f"{self.speed / 1000:.1f}k" if self.speed >= 1000 else f"{self.speed:.0f}"))
        if self.seconds_left is not None:
            found.append(("left", clock(self.seconds_left)))
        return found


class View(Protocol):
    """Shows rows to somebody."""

    def show(self, rows: Iterable[Row], progress: Progress) -> None: ...
    def close(self) -> None: ...


class Rows:
    """`--json`: every row of the log, as it is; a run's name becomes its directory."""

    def __init__(self, run: RunFiles) -> None:
        self.run = run

    def show(self, rows: Iterable[Row], progress: Progress) -> None:  # noqa: ARG002
        for row in rows:
            if row["kind"] != "figure":
                output.write_row({**row, "run": str(self.run.path)} if "run" in row else row)

    def close(self) -> None:
        pass


class Lines:
    """Where there is no terminal: one line for each evaluation and each note."""

    def show(self, rows: Iterable[Row], progress: Progress) -> None:
        for row in rows:
            match row["kind"]:
                case "start":
                    output.say(plain_title(progress))
                case "evaluation" if progress.step:
                    numbers = "   ".join(f"{name} {value}" for name, value in progress.numbers())
                    output.say(f"step {row['step']:,} of {progress.steps:,} ({progress.share:.0%})   {numbers}")
                case "note" if row["note"] not in ("crashed", "stopped"):
                    output.say(row["message"])

    def close(self) -> None:
        pass


class Screen:
    """On a terminal: a bar, the numbers, and the newest line that the model wrote, redrawn in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self.console = output.console(stderr=True)
        self.live: Live = Live(console=self.console, auto_refresh=False, transient=False)
        self.live.start()

    def show(self, rows: Iterable[Row], progress: Progress) -> None:
        from seqplay.draw.rich_lines import to_rich

        for row in rows:
            if row["kind"] == "note" and row["note"] == "notice":
                self.console.print(to_rich([(span(row["message"], "muted"),)]))
        width = min(self.console.width, 100)
        self.live.update(to_rich(cut(line, width) for line in picture(progress, width)), refresh=True)

    def close(self) -> None:
        self.live.stop()


def plain_title(progress: Progress) -> str:
    start = progress.start
    unit = "words" if progress.unit == "word" else "characters"
    return (
        f"{progress.run}: {start['cell']} {start['layers']}×{start['hidden']}, {start['parameters']:,} parameters, "
        f"{start['train_tokens']:,} {unit} ({start['why']})"
    )


def picture(progress: Progress, width: int) -> list[Line]:
    """The live picture, at most four lines."""
    if not progress.start:
        return [
            (
                Span("◌ ", "muted"),
                span(progress.run, "title"),
                span("  " + (progress.note or "reading the text, starting torch …"), "muted"),
            )
        ]
    state = f"{progress.share:4.0%}" if not progress.done else "done"
    bar = measure(progress.share, max(8, width - len(state) - 1))
    lines: list[Line] = [(span(plain_title(progress), "muted"),), (*bar, Span(f" {state}", "title"))]
    pieces: list[Span] = []
    for name, value in progress.numbers():
        pieces += [Span(f"{name} ", "muted"), Span(value, "primary" if name == "held out" else ""), Span("   ")]
    lines.append(tuple(pieces))
    newest = next(
        (line for line in reversed(progress.written.strip().split("\n")[:-1] or [progress.written]) if line.strip()), ""
    )
    lines.append((Span("writes ", "muted"), span(newest)))
    if progress.note and not progress.done:
        lines.append((span(progress.note, "warning"),))
    return lines


def follow(run: RunFiles, start: Callable[[RunFiles], subprocess.Popen[bytes]], as_json: bool) -> tuple[int, Progress]:
    """Start a trainer and show its rows until it ends, passing every signal on to it; its exit code and what became
    known.

    Rows that were there before are taken in, not shown.
    """
    progress, log, figures = Progress(run.name), News(run.log), News(run.figures)
    trainer: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGHUP:
            _let_go_of_the_terminal()
        if trainer is None:
            early.append(number)
        else:
            trainer.send_signal(number)

    before = {number: signal.signal(number, forward) for number in FORWARDED}
    try:
        kept = max(commit.steps(run.checkpoints), default=-1)
        for row in log.earlier(kept) + figures.earlier(kept):
            progress.add(row)
        progress.note, progress.problem = "", {}
        view = choose_view(run, as_json)
        try:
            trainer = start(run)
            for number in early:
                trainer.send_signal(number)
            while True:
                code = trainer.poll()
                rows = log.poll() + figures.poll()
                for row in rows:
                    progress.add(row)
                view.show(rows, progress)
                if code is not None:
                    break
                time.sleep(POLL_SECONDS)
        finally:
            view.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return (128 - code if code < 0 else code), progress


class News:
    """The rows of a log that were not taken in yet. A trainer that goes back to a checkpoint cuts its log, and what it
    leaves there is no news.
    """

    def __init__(self, path: Path) -> None:
        self._reader = LogReader(path)
        self._known: set[int] = set()

    def earlier(self, step: int) -> list[Row]:
        """The rows that are there before a trainer goes on from the checkpoint of this step, and that it will leave."""
        rows = [row for row in self._read()[0] if row.get("step") is None or row["step"] <= step]
        self._known.update(map(_mark, rows))
        return rows

    def poll(self) -> list[Row]:
        rows, cut = self._read()
        new = [row for row in rows if _mark(row) not in self._known] if cut else rows
        self._known.update(map(_mark, new))
        return new

    def _read(self) -> tuple[list[Row], bool]:
        rows: list[Row] = []
        cut, more = False, True
        while more:
            poll = self._reader.poll()
            rows, cut, more = (poll.rows if poll.restarted else rows + poll.rows), cut or poll.restarted, poll.more
        return rows, cut


def _mark(row: Row) -> int:
    return hash(str(row))


def _let_go_of_the_terminal() -> None:
    """After a hang-up every write to the terminal would fail, and the last step is still to be waited for."""
    for descriptor in (1, 2):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def say_how_it_ended(code: int, progress: Progress) -> None:
    """The last words for a person: the result and what to do with it, or what went wrong."""
    run = progress.run
    if code and progress.problem:
        output.complain(progress.problem["message"])
    elif code == 0 and progress.done:
        done, unit = progress.done, "character" if progress.unit == "char" else "word"
        loss = done["held_out_loss"]
        scored = f"{loss:.3f} nats a {unit} on held-out text" if loss is not None else f"loss {done['train_loss']:.3f}"
        output.say(f"{run}: {scored}, {done['steps']:,} steps in {clock(done['seconds'])}.")
        output.say(f"Write with it: seqplay sample {run}   Look at it: seqplay show {run}")
    elif code == 0 or code - 128 in FORWARDED:
        output.say(f"{run} stopped at step {progress.step.get('step', 0):,}. Nothing is lost: seqplay resume {run}")
    elif code - 128 in set(signal.Signals):
        how = f"was ended by {signal.Signals(code - 128).name} after step {progress.step.get('step', 0):,}"
        output.complain(f"{run}'s process {how}. Go on from its newest checkpoint: seqplay resume {run}")
    else:
        output.complain(f"{run}'s process ended with exit code {code}; what it printed: {safe_line(run)}/output.txt")


def choose_view(run: RunFiles, as_json: bool) -> View:
    if as_json:
        return Rows(run)
    return (
        Screen()
        if output.console(stderr=True).is_terminal and not output.console(stderr=True).is_dumb_terminal
        else Lines()
    )
