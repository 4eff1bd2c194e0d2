"""Following a training process: its rows as they come, its signals, its exit code. `seqplay train` is a viewer like
any other.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from seqplay.cli import output
from seqplay.cli.progress import Progress, Row
from seqplay.cli.views import choose_view
from seqplay.draw.numbers import clock
from seqplay.runs import commit
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import LogReader
from seqplay.safe_text import safe_line

POLL_SECONDS = 0.05
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
