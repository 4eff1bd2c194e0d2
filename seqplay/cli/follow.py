"""Following a run: its rows as they come, until it ends or whoever watches leaves. `train` and `resume` start its
trainer, pass signals on to it and end with its exit code; `watch` only looks.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from types import FrameType

from seqplay.cli import output
from seqplay.cli.picture import scores_in_short
from seqplay.cli.views import View, choose_view
from seqplay.draw.numbers import clock
from seqplay.errors import SeqplayError
from seqplay.plugin_choice import flag_of
from seqplay.processes.training import STOPPING
from seqplay.runs import commit, scores
from seqplay.runs.feed import Feed
from seqplay.runs.layout import RunFiles
from seqplay.runs.progress import AVERAGED, Progress

POLL_SECONDS = 0.05
MOST_OUTPUT_BYTES = 1 << 16
KILLING = 3  # the first signal commits, the second ends the process unless a cell's native code keeps it from hearing
TOLD_CODES = (1, *(error.exit_code for error in SeqplayError.__subclasses__()))  # of a trainer that has said why


@dataclass(frozen=True)
class Ended:
    """How a training process ended: its exit code, what became known of the run, and the last line that it printed."""

    run: RunFiles
    exit_code: int
    progress: Progress
    printed: str = ""

    @property
    def code(self) -> int:
        """What the command ends with: not with 0 where a plugin has ended the process before the run was done."""
        return self.exit_code or int(self.progress.state == "crashed")

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
    feed = Feed(run)
    trainer: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    sent: list[int] = []

    def forward(number: int) -> None:
        if trainer is None:
            early.append(number)
        else:
            sent.append(number)
            trainer.send_signal(number if len(sent) < KILLING else signal.SIGKILL)

    printed_before = 0 if is_new or not run.output.exists() else run.output.stat().st_size
    with signals_to(forward):
        if not is_new:
            feed.take_in(max(commit.steps(run.checkpoints), default=-1))
        trainer = begun = start(run)
        for number in early:
            begun.send_signal(number)
        show_until(lambda: begun.poll() is not None, feed, choose_view(run, as_json))
    code = begun.wait()
    return Ended(run, 128 - code if code < 0 else code, feed.progress, _last_line(run.output, printed_before))


def show_until(has_ended: Callable[[], bool], feed: Feed, view: View, left: Sequence[int] = ()) -> None:
    """Show the rows as they come until their trainer `has_ended`, or this command has `left`; then give the terminal
    back, however it came to that.
    """
    progress = feed.progress
    try:
        try:
            while not (left or progress.has_ended):
                progress.has_ended = has_ended()  # before its rows are read, so that the last of them are
                view.show(feed.poll(), progress)
                if not progress.has_ended:
                    time.sleep(POLL_SECONDS)
        finally:
            view.close(progress)
    except OSError:  # whoever reads has enough, or cannot take more; the trainer knows of no reader
        if not progress.has_ended:
            with suppress(OSError):
                say_that_it_goes_on(progress)
        raise


@contextmanager
def signals_to(receive: Callable[[int], None]) -> Iterator[None]:
    """Hand on every signal that would end this command, but those that it was started to ignore (nohup)."""

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGHUP:
            _let_go_of_the_terminal()
        receive(number)

    before = {n: signal.signal(n, handle) for n in STOPPING if signal.getsignal(n) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _let_go_of_the_terminal() -> None:
    """After a hang-up every write to the terminal would fail, and the last step is still to be waited for."""
    for descriptor in (1, 2):
        if stat.S_ISCHR(os.fstat(descriptor).st_mode):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _last_line(path: Path, begin: int) -> str:
    """The last line of a file that is not empty, from the byte `begin` on."""
    try:
        with path.open("rb") as file:
            file.seek(max(begin, path.stat().st_size - MOST_OUTPUT_BYTES))
            lines = file.read(MOST_OUTPUT_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def say_that_it_goes_on(progress: Progress) -> None:
    """What becomes of a run when its viewer leaves."""
    run, stop = progress.run, f"End it: seqplay stop {quote(progress.run)}"
    if progress.state == "paused":
        output.say(f"{run} stays paused. Go on with: seqplay resume {_loaded(progress)}   {stop}")
    else:
        output.say(f"{run} goes on. {stop}")


def say_how_it_ended(ended: Ended, hint: str = "") -> None:
    """The last words for a person: the result and what to do with it, or what went wrong and a `hint` at why."""
    code, progress, run = ended.code, ended.progress, ended.run.name
    if code and progress.problem:
        output.complain(f"{progress.problem['message']}{hint}")
    elif code == 0 and progress.done:
        output.say(result(progress))
        if warning := scores.warning(progress):
            output.say(warning)
        deed = {"digits": "Draw", "recognise": "Read"}.get(str(progress.start.get("task")), "Write")
        output.say(f"{f'{deed} with it:'.ljust(14)} seqplay sample {_loaded(progress)}")
        output.say(f"Look at it:    seqplay show {quote(run)}")
    elif code == 0 or code - 128 in STOPPING:
        how = "is paused" if progress.state == "paused" else "stopped"
        where = f"at step {progress.step.get('step', 0):,}"
        output.say(f"{run} {how} {where}. Nothing is lost: seqplay resume {_loaded(progress)}")
    elif code - 128 in set(signal.Signals):
        output.complain(died(progress, f"was ended by {signal.Signals(code - 128).name}"))
    else:
        how = f"ended with exit code {ended.exit_code}"
        last = ended.printed or f"{run}'s process {how}."
        if progress.start and not (ended.printed and ended.exit_code in TOLD_CODES):
            last = died(progress, how)
        output.complain(f"{last} (All that it printed: {ended.run.output})")


def _loaded(progress: Progress) -> str:
    """A run, as a command takes it that loads its network."""
    return quote(progress.run) + flag_of(str(progress.start.get("model") or progress.start.get("cell")))


def result(progress: Progress) -> str:
    """What a finished run has come to."""
    done = progress.done
    learned = "no loss" if done["train_loss"] is None else f"train loss {done['train_loss']:.3f} (~{AVERAGED} steps)"
    loss = done["held_out_loss"]
    scored = learned if loss is None else f"{loss:.3f} nats a {progress.unit} on held-out text"
    if progress.start.get("model"):
        told = (f"{name} {value}".strip() for name, value in scores_in_short(done))
        scored = ", ".join(told) or learned
    return f"{progress.run}: {scored}, {done['steps']:,} steps in {clock(done['seconds'])}."


def died(progress: Progress, how: str) -> str:
    """What to say of a process that left no last word."""
    again = f"seqplay resume {_loaded(progress)}"
    if not progress.start:
        return f"{progress.run}'s process {how} before it trained. Try again: {again}"
    where = f"after step {progress.step.get('step', 0):,}"
    return f"{progress.run}'s process {how} {where}. Go on from its newest checkpoint: {again}"
