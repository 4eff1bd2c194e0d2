"""Finding the run that trains now, waiting for what it says to a request, and telling it."""

from __future__ import annotations

import time
from shlex import quote
from typing import Any

from seqplay.cli import output
from seqplay.errors import UsageError
from seqplay.runs import control, shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import LogReader
from seqplay.runs.summary import is_busy

POLL_SECONDS = 0.05


def the_live_run(name: str | None) -> RunFiles:
    """The named run, or without a name the only one that trains. Raises UsageError where that is not clear."""
    if name is not None:
        run = shelf.find(name)
        if not is_busy(run):
            raise UsageError(f"{run.name} is not training. See: seqplay runs")
        return run
    live = [run for run in shelf.all_runs() if is_busy(run)]
    if len(live) != 1:
        names = (
            f"{len(live)} runs are training: {', '.join(r.name for r in live)}. Name one."
            if live
            else "No run is training."
        )
        raise UsageError(names)
    return live[0]


def wait_for_note(run: RunFiles, action: str, notes: tuple[str, ...]) -> dict[str, Any] | None:
    """Ask a live run for something and wait for the note that it was done, or for the row that says that the run is.

    None when the process ended without either.
    """
    reader = LogReader(run.log)
    while reader.poll().more:
        pass
    control.ask(run, action)
    while True:
        alive = is_busy(run)
        for row in reader.poll().rows:
            if row.get("kind") == "done" or (row.get("kind") == "note" and row.get("note") in notes):
                return row
        if not alive:
            return None
        time.sleep(POLL_SECONDS)


def say_what_became(run: RunFiles, row: dict[str, Any] | None) -> None:
    """Tell a person what `wait_for_note` found."""
    if row is not None and row["kind"] == "done":
        output.say(f"{run.name} is finished. Write with it: seqplay sample {quote(run.name)}")
        return
    became = row.get("message", row["note"]) if row else "has ended"
    output.say(f"{run.name} {became}. Go on with: seqplay resume {quote(run.name)}")
