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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from seqplay.cli import output
from seqplay.cli.progress import Progress, Row
from seqplay.cli.views import choose_view
from seqplay.draw.numbers import clock
from seqplay.processes.training import STOPPING
from seqplay.runs import commit
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import LogReader

POLL_SECONDS = 0.05
MOST_OUTPUT_BYTES = 1 << 16


@dataclass(frozen=True)
class Ended:
    """How a training process ended: its exit code, what became known of the run, and the last line that it printed."""

    run: RunFiles
    code: int
    progress: Progress
    printed: str

    @property
    def never_began(self) -> bool:
        """Whether the trainer has told why there is nothing to train."""
        return bool(self.progress.problem) and not self.run.plan.exists() and 0 < self.code < 128


def follow(
    run: RunFiles, start: Callable[[RunFiles], subprocess.Popen[bytes]], as_json: bool, is_new: bool = False
) -> Ended:
    """Start a trainer and show its rows until it ends, passing every signal on to it that is not ignored (nohup).

    Rows that were there before are taken in, not shown; a run that `is_new` has none, even if its trainer began before.
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

    before = {n: signal.signal(n, forward) for n in STOPPING if signal.getsignal(n) is not signal.SIG_IGN}
    printed_before = 0 if is_new or not run.output.exists() else run.output.stat().st_size
    try:
        if not is_new:
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
                rows = [row for row in log.poll() + figures.poll() if progress.add(row)]
                view.show(rows, progress)
                if code is not None:
                    break
                time.sleep(POLL_SECONDS)
        except BrokenPipeError:  # whoever reads has enough; the trainer knows of no reader
            if trainer is not None and trainer.poll() is None:
                with suppress(OSError):
                    output.say(f"{run.name} goes on. End it: seqplay stop {run.name}")
            raise
        finally:
            view.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return Ended(run, 128 - code if code < 0 else code, progress, _last_line(run.output, printed_before))


def _last_line(path: Path, begin: int) -> str:
    """The last line of a file that is not empty, from the byte `begin` on."""
    try:
        with path.open("rb") as file:
            file.seek(max(begin, path.stat().st_size - MOST_OUTPUT_BYTES))
            lines = file.read(MOST_OUTPUT_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


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


def say_how_it_ended(ended: Ended, hint: str = "") -> None:
    """The last words for a person: the result and what to do with it, or what went wrong and a `hint` at why."""
    code, progress, run = ended.code, ended.progress, ended.run.name
    if code and progress.problem:
        output.complain(f"{progress.problem['message']}{hint}")
    elif code == 0 and progress.done:
        done, unit = progress.done, "character" if progress.unit == "char" else "word"
        loss = done["held_out_loss"]
        learned = "no loss" if done["train_loss"] is None else f"loss {done['train_loss']:.3f}"
        scored = learned if loss is None else f"{loss:.3f} nats a {unit} on held-out text"
        output.say(f"{run}: {scored}, {done['steps']:,} steps in {clock(done['seconds'])}.")
        output.say(f"Write with it: seqplay sample {run}")
        output.say(f"Look at it:    seqplay show {run}")
    elif code == 0 or code - 128 in STOPPING:
        output.say(f"{run} stopped at step {progress.step.get('step', 0):,}. Nothing is lost: seqplay resume {run}")
    elif code - 128 in set(signal.Signals):
        how = f"was ended by {signal.Signals(code - 128).name} after step {progress.step.get('step', 0):,}"
        output.complain(f"{run}'s process {how}. Go on from its newest checkpoint: seqplay resume {run}")
    else:
        last = ended.printed or f"{run}'s process ended with exit code {code}."
        output.complain(f"{last} (All that it printed: {ended.run.output})")
