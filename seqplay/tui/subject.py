"""The run that every place speaks about, as its logs tell it: polled, never pushed, and never the trainer's concern."""

from __future__ import annotations

import os
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from seqplay import tasks
from seqplay.errors import RunError, SeqplayError
from seqplay.recipe import Plan
from seqplay.runs import commit, control, layout, scores
from seqplay.runs.layout import RunFiles
from seqplay.runs.progress import Progress
from seqplay.runs.reader import LogReader
from seqplay.runs.summary import State, is_busy, summarise

GLYPHS = {
    "waiting": "◌", "running": "●", "paused": "‖", "stopped": "○", "finished": "✓", "crashed": "✗", "broken": "✗",
}  # fmt: skip
ROLES = {
    "waiting": "muted", "running": "primary", "paused": "warning", "stopped": "muted", "finished": "success",
    "crashed": "error", "broken": "error",
}  # fmt: skip
PULSE_SECONDS = 0.5
CHUNK_BYTES = 1 << 17  # of a log at a time: some 5 ms
POLL_SECONDS = 0.025  # of reading at a time, so that a long log never keeps a key waiting
QUIET_SECONDS = 10.0
MOST_PRINTED = 1 << 16  # bytes
THINNED_BYTES = 1 << 20  # of a log, some 7,000 steps: more than a chart has columns
TEMPERATURE = re.compile(r"temperature (\d+\.\d+)")
STEP, STEP_WITHIN = b'"kind":"step"', 64  # how a trainer writes it, near the beginning of the line


class Thinned:
    """Which lines of a log are read, where it is one of several that are drawn: of the steps that a long log has
    already, one of every so many; each of those that come later, and all that is no step.
    """

    def __init__(self, path: Path) -> None:
        self.one_of = max(1, _size(path) // THINNED_BYTES)
        self._steps = 0

    def __call__(self, line: bytes) -> bool:
        if self.one_of == 1 or STEP not in line[:STEP_WITHIN]:
            return True
        self._steps += 1
        return self._steps % self.one_of == 0


class Subject:
    """One run: `poll` reads what is new. `revision` grows with everything that a screen would show otherwise.

    `thinned`: of the steps of a long log only about every so many are known, and it is read many times quicker.
    """

    def __init__(self, run: RunFiles, *, thinned: bool = False) -> None:
        self.run, self.name = run, run.name
        self._thinned = Thinned(run.log) if thinned else None
        self.progress = Progress(run.name)
        self.revision = 0
        self.is_loading, self.is_broken = True, False
        self._next: Progress | None = None  # the log was cut or replaced: known anew, shown when it is read again
        self._logs = LogReader(run.log, self._thinned), LogReader(run.figures)
        self._felt = -PULSE_SECONDS
        self.is_live = False
        self._state: State | None = None  # by its files, where no trainer lives
        self._stamp: tuple[int, int] | None = None
        self._moved = time.monotonic()
        self._plan: Plan | None = None
        self._task = ""
        self.problem = ""
        self.trainer: subprocess.Popen[bytes] | None = None
        """The process that was started from here to train it, if there is one."""
        self.left: tuple[int, float | None] | None = None
        """Where the run stood when somebody left it: its step, and its best loss."""

    def close(self) -> None:
        """Let go of the logs."""
        for log in self._logs:
            log.close()

    def poll(self) -> bool:
        """Read on for a moment; whether anything is new."""
        if self.is_broken:
            return False
        before = self.revision
        self._feel(time.monotonic())
        began = time.monotonic()  # to look at the state of a huge log takes longer than a poll may
        loading = False
        for log in self._logs:
            more = True
            while more and time.monotonic() - began < POLL_SECONDS:
                try:
                    poll = log.poll(CHUNK_BYTES)
                except RunError as problem:
                    return self._break(str(problem))
                more = poll.more
                if poll.restarted and log is self._logs[0]:
                    self._next, self._plan = Progress(self.name), None
                    self._logs[1].close()  # what was written is known anew, too
                into = self._next or self.progress
                for row in poll.rows:
                    self.revision += into.add(row)
            loading |= more
        if self._next is not None and not loading:
            self.progress, self._next = self._next, None
            self.revision += 1
        if not loading and self._thinned is not None:
            self._thinned.one_of = 1
        if loading != self.is_loading:
            self.is_loading = loading
            self.revision += 1
        if self.revision != before:
            self._moved = time.monotonic()
        return self.revision != before

    def _break(self, problem: str) -> bool:
        """Give up on logs that cannot be read, for good: what they say is the problem that stays."""
        self.is_broken, self.is_loading, self.problem = True, False, problem
        self.revision += 1
        return True

    def _feel(self, now: float) -> None:
        """Look now and then whether the trainer lives."""
        if now - self._felt < PULSE_SECONDS:
            return
        self._felt = now
        live, stamp, state = is_busy(self.run), _stamp(self.run), self._state
        if live:
            state = None
        elif stamp != self._stamp or state in (None, "waiting"):  # a long log is not searched again for nothing
            summary = summarise(self.run)
            state, self.problem, self._stamp = summary.state, summary.problem or "", stamp
        if self.trainer is not None and self.trainer.poll() is not None:
            self.trainer = None
            self.revision += 1
        if (live, state) != (self.is_live, self._state):
            self.is_live, self._state = live, state
            self.revision += 1
        if live:
            self.progress.has_ended = False

    @property
    def state(self) -> State:
        """By its process where that lives or was just started, else by its files."""
        if self.is_broken:
            return "broken"
        if self.is_live or self.trainer is not None:
            said = self.progress.state
            if said in ("stopped", "crashed"):  # the last trainer's words: this one has said nothing yet
                return "waiting"
            return said
        if self._state is not None and not self.is_loading:
            return self._state
        return self.progress.state

    @property
    def share(self) -> float:
        return self.progress.share

    @property
    def quiet_seconds(self) -> float:
        """For how long a live trainer has said nothing, where that is unusually long; else 0."""
        quiet = time.monotonic() - self._moved
        return quiet if self.is_live and self.state == "running" and quiet > QUIET_SECONDS else 0.0

    @property
    def best_loss(self) -> float | None:
        """Nats a token on held-out text: the last score, else the best estimate so far."""
        done = self.progress.done.get("held_out_loss")
        return done if done is not None else self.progress.best_loss

    @property
    def has_model(self) -> bool:
        """Whether there is a checkpoint to write with."""
        return bool(self.checkpoint_steps)

    @property
    def plan(self) -> Plan | None:
        """The plan, once there is one that can be read."""
        if self._plan is None:
            with suppress(SeqplayError):
                self._plan = layout.read_plan(self.run)
        return self._plan

    @property
    def task(self) -> str:
        """The name of its task; "text" where none can be read."""
        if not self._task:
            self._task = "text"
            with suppress(SeqplayError):
                asked = layout.read_recipe(self.run.recipe).task
                self._task = asked if asked in tasks.TASKS else "text"
        return self._task

    @property
    def has_pictures(self) -> bool:
        """Whether it learns from pictures."""
        return tasks.TASKS[self.task].data == "pictures"

    @property
    def best_said(self) -> str:
        """The number that says most about how good it is by now, in a few letters; "" until there is one."""
        if self.has_pictures:
            return scores.best_said(self.progress, self.task)
        loss = self.best_loss
        return "" if loss is None else f"{'' if self.state == 'finished' else '~'}{loss:.3f} nats"

    @property
    def checkpoint_steps(self) -> list[int]:
        """The steps that there are checkpoints of."""
        return commit.steps(self.run.checkpoints)

    def away(self, axis: str) -> tuple[float, float] | None:
        """The stretch of an axis that was trained while nobody watched."""
        train = self.progress.train
        if self.left is None or not train.steps or train.steps[-1] <= self.left[0]:
            return None
        begin = train.place(self.left[0], axis)
        return None if begin is None else (begin, train.place(train.steps[-1], axis) or begin)

    def printed(self) -> str:
        """The end of what the training process has printed."""
        try:
            with self.run.output.open("rb") as file:
                file.seek(max(0, self.run.output.stat().st_size - MOST_PRINTED))
                return file.read(MOST_PRINTED).decode("utf-8", "replace")
        except OSError:
            return ""

    @property
    def temperature(self) -> float:
        """At which the newest sample was written."""
        newest = self.progress.samples[-1].caption if self.progress.samples else ""
        found = TEMPERATURE.search(newest)
        return float(found[1]) if found else 0.8

    def ask(self, action: str, value: float | None = None) -> None:
        """Ask the trainer for something. Raises SeqplayError."""
        control.ask(self.run, action, value)


def _size(path: Path) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except OSError:
        return 0


def _stamp(run: RunFiles) -> tuple[int, int] | None:
    """What changes with a run's log: its size and time."""
    with suppress(OSError):
        status = run.log.lstat()
        return status.st_size, status.st_mtime_ns
    return None
