"""What the places share in which a run is watched while it trains: it is paused, stopped, continued and changed."""

from __future__ import annotations

import subprocess

from seqplay.errors import SeqplayError, UsageError
from seqplay.processes import training
from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import number
from seqplay.tui.keys import bind
from seqplay.tui.places.charting import Charting
from seqplay.tui.subject import Subject


class Steering(Charting):
    """A place whose keys act on the trainer of the run in the header."""

    BINDINGS = [
        bind("space", "pause", "pause"),
        bind("full_stop", "stop", "stop"),
        bind("l", "learning_rate", "learning rate"),
        bind("o", "output", "its output"),
    ]

    @property
    def steered(self) -> Subject | None:
        """The run that the keys act on; None where they act on none."""
        return self.subject

    def _follow(self, run: RunFiles, trainer: subprocess.Popen[bytes]) -> None:
        """Show a run that was just started."""
        self.playground.trainers.append(trainer)
        self.cursor = None
        self.playground.open(run, trainer)

    def action_pause(self) -> None:
        subject = self.steered
        if subject is None:
            return
        try:
            if subject.state == "running":
                subject.ask("pause")
            elif subject.state == "paused" and subject.is_live:
                subject.ask("continue")
            elif subject.state in ("stopped", "crashed", "paused"):
                self._follow(subject.run, training.start(subject.run))
        except SeqplayError as problem:
            self.complain(str(problem))

    def action_stop(self) -> None:
        self.ask_trainer("stop")

    def ask_trainer(self, action: str, value: float | None = None) -> bool:
        """Ask the trainer for something: false where none is there, or it cannot be asked."""
        subject = self.steered
        if subject is None or not subject.is_live:
            return False
        try:
            subject.ask(action, value)
        except SeqplayError as problem:
            self.complain(str(problem))
            return False
        return True

    def action_learning_rate(self) -> None:
        self.run_quietly(lambda: self.turn("learning_rate", "learning rate now (a number, or ×0.5):"), group="turn")

    async def turn(self, action: str, label: str) -> None:
        """Ask for a number, and the trainer to take it. Raises UsageError."""
        subject = self.steered
        if subject is None or not subject.is_live:
            return
        rate = number(subject.progress.step.get("learning_rate"))
        now = subject.temperature if action == "temperature" else rate or 0.0
        typed = await self.footer.ask(label, f"{now:.3g}")
        if typed is None:
            return
        try:
            times = typed.strip().startswith(("×", "x", "*"))
            value = float(typed.strip().lstrip("×x*")) * (now if times else 1.0)
        except ValueError:
            raise UsageError(f"A {action.replace('_', ' ')} is a number, not '{typed.strip()[:40]}'.") from None
        subject.ask(action, value)

    def action_output(self) -> None:
        """What the training process printed."""
        from seqplay.tui.reading import Reading

        if self.steered is not None:
            self.app.push_screen(Reading(f"output of {self.steered.name}", self.steered.printed()))
