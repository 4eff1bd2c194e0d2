"""`seqplay watch`: the live picture of a run, from any terminal, without touching its training."""

from __future__ import annotations

import os
import time

import rich_click as click

from seqplay.cli import output
from seqplay.cli.follow import Ended, died, result, say_how_it_ended, say_that_it_goes_on, show_until, signals_to
from seqplay.cli.picture import LEAST_PAGE
from seqplay.cli.views import choose_view
from seqplay.errors import RunError
from seqplay.runs import shelf
from seqplay.runs.feed import Feed
from seqplay.runs.layout import RunFiles
from seqplay.runs.progress import AVERAGED, Progress
from seqplay.runs.summary import is_busy

PULSE_SECONDS = 0.25
HINTS = {"paused": "ctrl-c leaves; the run stays paused"}  # and in any other state
HINT = "ctrl-c leaves; the training goes on"


@click.command(
    cls=click.RichCommand,
    help=f"""Watch RUN (without a name the newest that is training, else the newest) until it ends.

    On a terminal of {LEAST_PAGE[0]} columns and {LEAST_PAGE[1]} rows or more with a chart of its loss. Leaving it, with
    ctrl-c, does nothing to the training.

    "train loss" is the mean of the last {AVERAGED} steps or so. "held out ~" is an estimate from the first 50,000
    tokens that are held out; without ~ it is the score itself.

    Exit code 0: the run has finished, or was stopped or paused and can go on. 1: its process died.
    """,
)
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="print every row of the log as JSON, one a line")
def command(run: str | None, as_json: bool) -> None:
    found = shelf.find(run) if run is not None else newest()
    summary = shelf.summarise(found)
    if summary.problem:
        raise RunError(summary.problem)
    feed, pulse = Feed(found), Pulse(found)
    left: list[int] = []
    with signals_to(left.append):
        was_live = pulse.beats()
        if not as_json:
            feed.catch_up()
        show_until(lambda: not pulse.beats(), feed, choose_view(found, as_json, hint), left)
    if left:
        say_that_it_goes_on(feed.progress)
        raise SystemExit(128 + left[0])
    raise SystemExit(say_the_end(found, feed, was_live))


def newest() -> RunFiles:
    """The newest run that is training, else the newest. Raises UsageError where there is none."""
    return next(filter(is_busy, shelf.all_runs()), None) or shelf.find(None)


def hint(progress: Progress) -> str:
    """The line at the foot of the page: what leaving it does."""
    return HINTS.get(progress.state, HINT)


class Pulse:
    """Whether a run's trainer lives, or is being started; looked up only a few times a second, as that takes a process
    of its own on some systems.
    """

    def __init__(self, run: RunFiles) -> None:
        self.run = run
        self._felt, self._beats = -PULSE_SECONDS, True

    def beats(self) -> bool:
        now = time.monotonic()
        if self._beats and now - self._felt > PULSE_SECONDS:
            self._felt = now
            self._beats = is_busy(self.run) or shelf.summarise(self.run).state == "waiting"
        return self._beats


def say_the_end(run: RunFiles, feed: Feed, was_live: bool) -> int:
    """Tell how a run ended, in one line if that is no news, and give the exit code."""
    progress = feed.progress
    if progress.state == "crashed" and not progress.problem:
        is_there = os.path.lexists(run.recipe) or os.path.lexists(run.plan)
        output.complain(died(progress, "has died") if is_there else f"{run.name} was taken away before it trained.")
        return 1
    code = 1 if progress.state == "crashed" else 0
    if progress.done and not was_live:
        output.say(result(progress))
    else:
        say_how_it_ended(Ended(run, code, progress))
    return code
