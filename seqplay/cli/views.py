"""Views of a run that trains: a picture on a terminal, a line now and then elsewhere, or its rows as JSON."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import zip_longest
from typing import Any, Protocol

from seqplay.cli import output
from seqplay.cli.picture import facts, page, picture, title
from seqplay.draw.lines import Line, line_width, span
from seqplay.draw.numbers import clock
from seqplay.runs.layout import RunFiles
from seqplay.runs.progress import Progress, Row

REPAINT_SECONDS = 0.25
ECHO = len("^C")  # what a terminal adds to the last line must not begin another, which would stay
LARGEST_LAST = 24  # rows of the picture that stays when a page is left


class View(Protocol):
    """Shows rows to somebody, and in the end gives the terminal back."""

    def show(self, rows: Iterable[Row], progress: Progress) -> None: ...
    def close(self, progress: Progress) -> None: ...


class Rows:
    """`--json`: every row of the log, as it is; a run's name becomes its directory."""

    def __init__(self, run: RunFiles) -> None:
        self.run = run

    def show(self, rows: Iterable[Row], progress: Progress) -> None:  # noqa: ARG002
        for row in rows:
            if row["kind"] != "figure":
                output.write_row({**row, "run": str(self.run.path)} if "run" in row else row)

    def close(self, progress: Progress) -> None:
        """There is nothing to give back."""


class Lines:
    """Where there is no terminal: one line for each evaluation and each note."""

    def show(self, rows: Iterable[Row], progress: Progress) -> None:
        rows = list(rows)
        newest = next((row for row in reversed(rows) if row["kind"] == "evaluation"), None)
        for row in rows:
            match row["kind"]:
                case "start":
                    output.say(f"{progress.run}: {title(progress)}")
                case "evaluation" if row is newest and row["step"]:  # the facts are those of this moment
                    known = [f"{name} {value}".strip() for name, value in facts(progress)]
                    if progress.seconds_left and not progress.done:
                        known.append(f"{clock(progress.seconds_left)} left")
                    output.say("   ".join([_done(row, progress), *known]))
                case "note" if row["note"] not in ("crashed", "stopped"):
                    output.say(row["message"])

    def close(self, progress: Progress) -> None:
        """There is nothing to give back."""


def _done(evaluation: Row, progress: Progress) -> str:
    """How far the training was at an evaluation, in the measure of its budget."""
    if progress.budget:
        return f"{clock(progress.step['seconds'])} of {clock(progress.budget)} ({progress.share:.0%})"
    return f"step {evaluation['step']:,} of {progress.steps:,} ({progress.share:.0%})"


class Screen:
    """On a terminal: a bar, the facts, and the newest line that the model wrote, redrawn in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self.console = output.console(stderr=True)
        self.live = Live(console=self.console, auto_refresh=False, transient=False)
        self.live.start()

    def show(self, rows: Iterable[Row], progress: Progress) -> None:
        from seqplay.draw.rich_lines import to_rich

        for row in rows:
            if row["kind"] == "note" and row["note"] == "notice":
                self.console.print(to_rich([(span(row["message"], "muted"),)]))
        width, height = self.console.size
        self.live.update(to_rich(picture(progress, width - ECHO, height)), refresh=True)

    def close(self, progress: Progress) -> None:  # noqa: ARG002
        self.live.stop()


class Page:
    """The whole terminal, until it is left: then a last picture stays. Only lines that changed are sent, in one write,
    so that nothing flickers.
    """

    def __init__(self, hint: Callable[[Progress], str]) -> None:
        self.console = output.console(stderr=True)
        self.hint = hint
        self._painted: list[str] = []
        self._size = (0, 0)
        self._next = 0.0
        self._keyboard: list[Any] | None = None
        self._stop = False  # ctrl-z was hit

    def show(self, rows: Iterable[Row], progress: Progress) -> None:  # noqa: ARG002
        if self._stop:
            self._leave()
            os.kill(0, signal.SIGSTOP)  # the shell sees it stop, and `fg` goes on here
        began, size = time.monotonic(), self.console.size
        if progress.has_ended or (size == self._size and began < self._next):
            return
        if not self._size[0]:
            self._enter()
        if size != self._size:
            self._painted, self._size = [], size
        self._paint(page(progress, *size, self.hint(progress)))
        now = time.monotonic()
        self._next = now + max(REPAINT_SECONDS, 9 * (now - began))  # a long run's chart may take a tenth of the time

    def close(self, progress: Progress) -> None:
        self._leave()
        width, height = self.console.size
        lines = page(progress, width, min(height, LARGEST_LAST))
        while lines and not any(piece.text.strip() for piece in lines[-1]):
            lines.pop()
        output.draw(lines, stderr=True)

    def _enter(self) -> None:
        self.console.set_alt_screen(True)
        self.console.show_cursor(False)
        with suppress(termios.error, ValueError):  # no keyboard: nothing is typed
            keyboard = termios.tcgetattr(sys.stdin)
            silent = [*keyboard[:3], keyboard[3] & ~termios.ECHO, *keyboard[4:]]
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, silent)
            self._keyboard = keyboard
        self._stop = False
        signal.signal(signal.SIGTSTP, lambda *_: setattr(self, "_stop", True))

    def _leave(self) -> None:
        if not self._size[0]:
            return
        self._size = (0, 0)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        self.console.show_cursor(True)
        self.console.set_alt_screen(False)
        if self._keyboard:
            with suppress(termios.error, ValueError):
                termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, self._keyboard)

    def _paint(self, lines: list[Line]) -> None:
        from seqplay.draw.rich_lines import to_rich

        with self.console.capture() as captured:
            self.console.print(to_rich(lines), end="")
        full = [line_width(line) >= self._size[0] for line in lines]
        painted = captured.get().split("\n")
        # After a full line, erasing to its end would take its last cell.
        changed = [
            f"\x1b[{row};1H{new}" + ("" if is_full else "\x1b[K")
            for row, (old, new, is_full) in enumerate(zip_longest(self._painted, painted, full), start=1)
            if old != new
        ]
        self._painted = painted
        self.console.file.write("".join(changed))
        self.console.file.flush()


def choose_view(run: RunFiles, as_json: bool, page_hint: Callable[[Progress], str] | None = None) -> View:
    """A view for whoever asks. `page_hint` stands for a view on the whole terminal and gives the line at its foot."""
    if as_json:
        return Rows(run)
    console = output.console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        return Lines()
    return Page(page_hint) if page_hint else Screen()
