"""Drives a run from one update to the next: log, evaluations, checkpoints, and what people ask for meanwhile.

Order at every step boundary: evaluate and commit if it is due, then take changes, then update. A checkpoint thus
never holds a change of its own boundary, and a replay after a kill takes from the log every change from its
checkpoint's step on.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seqplay import figures
from seqplay.engine import checkpoints, loop
from seqplay.engine.loop import DivergedError, Hands
from seqplay.engine.task import Task
from seqplay.errors import RunError, SeqplayError
from seqplay.recipe import OF_A_STACK, Plan
from seqplay.runs import commit, writer
from seqplay.runs.control import ControlReader
from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import is_change
from seqplay.runs.writer import LogWriter

FLUSH_SECONDS = 0.05
PAUSE_POLL_SECONDS = 0.05
PREVIEW_SECONDS = 1.0  # between two previews, at first
PREVIEW_SHARE = 0.02  # of the training so far: later they become rare
PREVIEW_COST = 0.03  # of the time, at most
MOST_ROLLBACKS = 3
TELL_SECONDS = 3.0
FORECAST_EVERY = 0.8  # hold a time budget against the clock whenever the steps left have shrunk to this share
FORECAST_ERROR = 0.01  # of the budget: how far the clock may be off before the number of steps is changed


class LeavingError(Exception):
    """Somebody wants the training to end; everything is committed."""


class Drive:
    """One process's work on one run. `signalled` tells whether somebody wants it to end."""

    def __init__(
        self, run: RunFiles, task: Task, plan: Plan, signalled: Callable[[], bool], began: float, earlier_requests: int
    ) -> None:
        self.run, self.task, self.plan, self.signalled = run, task, plan, signalled
        self.training, self.hands = loop.start(task, plan), Hands(plan)
        self.control = ControlReader(run.control, earlier_requests)
        self.requests: deque[dict[str, Any]] = deque()
        self.pending: list[dict[str, Any]] = []  # changes that are in the log and wait for their step
        self.rollbacks = 0
        self.evaluation_seconds, self.startup_seconds, self.began = 0.0, 0.0, began
        self.forecast_step, self.forecast_seconds = 0, 0.0
        self.told = 0.0
        self.temperature: float | None = None  # of previews, when somebody asked for another than the task's
        self.preview_due = 0.0
        self.only: list[str] = []  # the phases of the next update, where somebody asked for some of them
        self.pauses_after = False  # the next update: it was asked for by itself

    def go(self, notices: Sequence[str] = ()) -> bool:
        """Train until the plan is done (True), or until somebody stops it (False). Raises SeqplayError.

        The notices are written once the log is open.
        """
        self._open_logs()
        self.startup_seconds = time.perf_counter() - self.began
        try:
            if commit.steps(self.run.checkpoints):
                self._note("resumed", f"goes on from step {self.training.step:,}", pid=os.getpid())
                if self.damaged_rows:
                    self._note("notice", f"{self.damaged_rows:,} half-written or damaged log rows were dropped")
                if self._is_due() and not self.is_scored:
                    self._evaluate()  # somebody stopped the run while it was being judged
                if (newest := commit.steps(self.run.checkpoints)[-1]) != self.training.step:
                    self._note("notice", f"checkpoint {newest:,} is damaged: its steps are made again")
            else:
                self.log.append({"kind": "start", **self._start_row()})
            for notice in notices:
                self._note("notice", notice)
            if not commit.steps(self.run.checkpoints):
                self._evaluate()
            while not self._is_done():
                self._boundary()
                try:
                    self._update()
                except DivergedError:
                    self._roll_back()
                    continue
                if self._is_due():
                    self._evaluate()
            self._finish()
            return True
        except LeavingError:
            self._note("stopped", f"stopped at step {self.training.step:,}; nothing is lost")
            return False
        finally:
            self.hands.close()
            self.log.close()
            self.figures.close()

    def _is_done(self) -> bool:
        patience = self.plan.patience
        is_out_of_patience = patience is not None and self.training.since_best >= patience
        return is_out_of_patience or self.training.step >= self.training.changes.steps

    def _is_due(self) -> bool:
        step = self.training.step
        return step % self.plan.evaluate_every == 0 or step == self.training.changes.steps

    # -- the log, and going back to a checkpoint

    def _open_logs(self) -> None:
        """Go back to the newest good checkpoint, if there is one, and cut the logs to it."""
        self.only, self.pauses_after = [], False
        step = self._load_newest()
        last = -1 if step is None else step
        log, figures_log = writer.cut(self.run.log, last), writer.cut(self.run.figures, last)
        self.is_scored = any(row.get("kind") == "evaluation" and row.get("step") == step for row in log.rows)
        self.damaged_rows = log.damaged + figures_log.damaged
        changes = [_checked(row, self.run.log) for row in log.rows if row.get("kind") == "change"]
        self.pending = _to_replay(changes, step or 0)
        self.rollbacks = sum(row["name"] == "rollback" for row in changes)
        self.log, self.figures = LogWriter(self.run.log), LogWriter(self.run.figures)
        self.flushed = time.perf_counter()
        self.forecast_step, self.forecast_seconds = self.training.step, self.training.seconds

    def _load_newest(self) -> int | None:
        """Load the newest checkpoint that is whole, and give its step; None where there is none yet."""
        problem: RunError | None = None
        for step in reversed(commit.steps(self.run.checkpoints)):
            try:
                checkpoints.load(self.run.checkpoints, step, self.training)
                return step
            except RunError as damage:
                problem = problem or damage
        if problem:
            raise problem
        return None

    def _roll_back(self) -> None:
        """After a loss that was not finite: back to the last checkpoint with half the rate, as a change in the log."""
        back, there = commit.steps(self.run.checkpoints)[-1], self.training.step
        if self.rollbacks >= MOST_ROLLBACKS:
            raise SeqplayError(
                f"The loss was not finite at step {there + 1:,}, and neither was it after {MOST_ROLLBACKS} times half "
                "the learning rate. Train with a lower --learning-rate."
            )
        self.log.append({"kind": "change", "step": back, "name": "rollback", "value": 0.5, "before": there})
        self.log.sync()
        self.log.close()
        self.figures.close()
        self._open_logs()
        self._note(
            "notice",
            f"the loss was not finite at step {there + 1:,}: back to step {back:,} with half the learning rate",
        )

    def _note(self, note: str, message: str, **more: int) -> None:
        self.log.append({"kind": "note", "step": self.training.step, "note": note, "message": message, **more})
        self.log.flush()

    # -- between two updates

    def _boundary(self) -> None:
        """Do what was asked since the last step. Raises LeavingError, after a commit, when the training shall end."""
        if self.pauses_after:
            self.pauses_after = False
            self._wait()
        while (request := self._next_request()) is not None:
            match request["action"]:
                case "stop":
                    self._leave()
                case "pause":
                    self._wait()
                case "step":
                    self._step(request["value"])
                case "sample":
                    self._preview()
                case "temperature":
                    self._preview_at(request["value"])
                case "learning_rate":
                    before = loop.learning_rate(self.plan, self.training.changes, self.training.step)
                    self._change("learning_rate", request["value"], before)
        if self.signalled():
            self._leave()
        self._keep_time()
        ready = [row for row in self.pending if row["step"] == self.training.step]
        self.pending = [row for row in self.pending if row["step"] > self.training.step]
        for row in ready:
            self._apply(row)

    def _leave(self) -> None:
        self._commit()
        raise LeavingError

    def _next_request(self) -> dict[str, Any] | None:
        self.requests.extend(self.control.poll())
        return self.requests.popleft() if self.requests else None

    def _wait(self) -> None:
        """Pause until somebody says continue or stop."""
        self._commit()
        self._note("paused", f"paused at step {self.training.step:,}")
        for_later: list[dict[str, Any]] = []
        while not self.signalled():
            request = self._next_request()
            if request is None:
                time.sleep(PAUSE_POLL_SECONDS)
                continue
            match request["action"]:
                case "continue":
                    self._note("continued", "training goes on")
                    break
                case "stop":
                    self._leave()
                case "step":
                    self._step(request["value"])
                    break
                case "pause":
                    self._note("paused", f"is paused already, at step {self.training.step:,}")
                case "sample":
                    self._preview()
                case "temperature":
                    self._preview_at(request["value"])
                case "learning_rate":
                    for_later.append(request)
        self.requests.extendleft(reversed(for_later))

    def _step(self, phases: int) -> None:
        """Make one update, of the phases whose bits are set, and pause after it."""
        if self._phases(phases):
            self._change("phases", phases, 0)
        else:
            self._note("notice", "an update has no such phase: nothing was done")
        self.pauses_after = True

    def _phases(self, bits: int) -> list[str]:
        """The names of the phases whose bits are set."""
        names = list(dict.fromkeys(phase.name for phase in self.task.phases(self.training.network)))
        return [name for bit, name in enumerate(names) if bits >> bit & 1]

    def _keep_time(self) -> None:
        """Hold a time budget against the clock, and change the number of steps when the machine proves otherwise."""
        training, since = self.training, self.training.step - self.forecast_step
        left, left_then = training.changes.steps - training.step, training.changes.steps - self.forecast_step
        if (
            not self.plan.minutes
            or since < 5
            or left > FORECAST_EVERY * left_then
            or any(r["name"] == "steps" for r in self.pending)
        ):
            return
        step_seconds = (training.seconds - self.forecast_seconds) / since
        self.forecast_step, self.forecast_seconds = training.step, training.seconds
        budget = self.plan.minutes * 60
        wanted = max(1, round((budget - training.seconds) / step_seconds))
        if abs(wanted - left) * step_seconds > FORECAST_ERROR * budget:
            self._change("steps", training.step + wanted, training.changes.steps)

    def _change(self, name: str, value: float, before: float) -> None:
        """Write a change to the log before it takes effect, at this boundary."""
        row = {
            "kind": "change",
            "step": self.training.step,
            "name": name,
            "value": value,
            "before": before,
        }
        self.log.append(row)
        self.log.flush()
        self.pending.append(row)

    def _apply(self, row: dict[str, Any]) -> None:
        changes, step = self.training.changes, self.training.step
        match row["name"]:
            case "rollback":
                changes.rate_scale *= row["value"]
            case "learning_rate":
                changes.rate_scale *= row["value"] / loop.learning_rate(self.plan, changes, step)
            case "phases":
                self.only = self._phases(row["value"])
            case "steps":
                changes.anchor_progress, changes.anchor_step = loop.progress(changes, step), step
                changes.steps = row["value"]

    # -- steps and what follows them

    def _update(self) -> None:
        began = time.perf_counter()
        made = loop.update(self.training, self.task, self.plan, self.hands, self.only)
        self.only, now = [], time.perf_counter()
        self.training.seconds += now - began
        self.log.append(
            {
                "kind": "step",
                "step": self.training.step,
                "train_loss": made.train_loss,
                "seconds": round(self.training.seconds, 4),
                "tokens": self.training.tokens,
                "learning_rate": made.learning_rate,
                "gradient_norm": made.gradient_norm,
                **made.numbers,
            }
        )
        if now - self.flushed > FLUSH_SECONDS:
            self.log.flush()
            self.flushed = now
        if now > self.preview_due:
            self._preview(by_clock=True)

    def _evaluate(self) -> None:
        """Score the averaged weights, on the held-out part or as the task does, show what they make, and commit."""
        training, began = self.training, time.perf_counter()
        estimate = loop.estimate(training, self.task, self.plan, self.hands)
        judged = self.task.judge(training.averaged, self.plan, training.step, self._watch_judge)
        merit = judged.merit if estimate.merit is None else estimate.merit
        best = merit is not None and (training.best_loss is None or merit < training.best_loss)
        if best:
            training.best_loss, training.best_step, training.since_best = merit, training.step, 0
        elif merit is not None:
            training.since_best += 1
        row = {
            "kind": "evaluation",
            "step": training.step,
            "seconds": round(training.seconds, 4),
            "tokens": training.tokens,
        }
        scores = {"held_out_estimate": estimate.merit, "best": best, **estimate.numbers, **judged.numbers}
        self.log.append({**row, **scores})
        self._preview()
        self._commit()
        self.evaluation_seconds += time.perf_counter() - began

    def _preview(self, by_clock: bool = False) -> None:
        """Write down what the model makes now, and when to do so again: soon at first, and never often.

        What comes `by_clock` is marked: it is no part of what the plan decides.
        """
        began, step = time.perf_counter(), self.training.step
        why = {"by": "clock"} if by_clock else {}
        for figure in self.task.preview(self.training.averaged, self.plan, step, self.temperature):
            self.figures.append({"step": step, **why, **figures.to_json(figure)})
        self.figures.flush()
        now = time.perf_counter()
        every = max(PREVIEW_SECONDS, PREVIEW_SHARE * self.training.seconds, (now - began) / PREVIEW_COST)
        self.preview_due = now + every

    def _preview_at(self, temperature: float) -> None:
        self.temperature = temperature
        self._preview()

    def _commit(self) -> None:
        """Logs first: a checkpoint is never ahead of them."""
        self.figures.sync()
        self.log.sync()
        checkpoints.save(self.run.checkpoints, self.training)

    def _finish(self) -> None:
        """Score the best weights on the whole held-out part, and write the last row."""
        began, training = time.perf_counter(), self.training
        self.told = began
        if scoring := self.task.scoring(training.step):
            self._note("notice", scoring)
        checkpoints.load_best(self.run.checkpoints, training.averaged)
        scores = self.task.evaluate(training.averaged, watch=self._watch, step=training.step)
        self.log.append(
            {
                "kind": "done",
                "run": self.run.name,
                "steps": training.step,
                "seconds": round(training.seconds, 3),
                "evaluation_seconds": round(self.evaluation_seconds + time.perf_counter() - began, 3),
                "startup_seconds": round(self.startup_seconds, 3),
                "parameters": self.plan.parameters,
                "train_loss": training.smoothed_loss,
                **dict.fromkeys(("held_out_loss", "bits_per_byte", "perplexity")),
                **scores,
                "tokens_per_second": training.tokens / training.seconds if training.seconds else None,
                "best_step": training.best_step,
            }
        )
        self.log.sync()

    def _watch_judge(self, message: str) -> None:
        """Tell what a long judgement does, and leave it when somebody wants that: with a commit, so that resuming
        judges again.
        """
        if message and time.perf_counter() - self.told > TELL_SECONDS / 3:
            self._note("preparing", message)
            self.told = time.perf_counter()
        self.requests.extend(self.control.poll())
        if self.signalled() or any(request["action"] == "stop" for request in self.requests):
            self._leave()

    def _watch(self, share: float) -> None:
        """Tell how far a long last evaluation is, and leave it when somebody wants that; resuming begins it again."""
        if time.perf_counter() - self.told > TELL_SECONDS:
            self._note("scoring", f"scored {share:.0%} of the held-out tokens")
            self.told = time.perf_counter()
        asked = [request["action"] for request in iter(self._next_request, None)]
        if self.signalled() or "stop" in asked:
            raise LeavingError

    def _start_row(self) -> dict[str, Any]:
        plan = self.plan
        names = (
            "source task cell model tokens unit hidden layers steps minutes parameters vocabulary train_tokens "
            "held_out_tokens why"
        ).split()
        known = {name: getattr(plan, name) for name in names}
        lacking = dict.fromkeys(OF_A_STACK if plan.model else ["model"])
        return {"run": self.run.name, "step": 0, **known, **{name: None for name in lacking if name in known}}


def _checked(row: dict[str, Any], log: Path) -> dict[str, Any]:
    """A change as this file writes it; raises RunError for one that somebody else wrote."""
    if not is_change(row):
        raise RunError(f"{log} holds a change that seqplay never writes: {str(row)[:100]}")
    return row


def _to_replay(changes: Sequence[dict[str, Any]], step: int) -> list[dict[str, Any]]:
    """The log's changes from a step on, each learning rate lowered by the rollbacks that came after it."""
    rows, share = [], 1.0
    for row in reversed(changes):
        if row["name"] == "rollback":
            share *= row["value"]
        if row["step"] >= step:
            rows.append({**row, "value": row["value"] * share} if row["name"] == "learning_rate" else row)
    return rows[::-1]
