"""`seqplay resume`: go on exactly where a run's newest checkpoint is."""

from __future__ import annotations

import rich_click as click

from seqplay.cli import output
from seqplay.cli.follow import follow, say_how_it_ended
from seqplay.errors import BusyError, RunError
from seqplay.processes import training
from seqplay.runs import control, process, shelf
from seqplay.runs.reader import last_row
from seqplay.runs.summary import is_busy


@click.command(cls=click.RichCommand)
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="print every row of the log as JSON, one a line")
def command(run: str | None, as_json: bool) -> None:
    """Go on with RUN (the newest, without a name) after it was paused, stopped or killed. Of a finished run it says
    so.
    """
    found = shelf.find(run)
    if not found.recipe.exists() and not found.plan.exists():
        raise RunError(f"{found.name} has neither a plan nor a recipe: there is nothing to go on with.")
    if is_busy(found):
        last = last_row(found.log, {"note", "step"}) or {}
        if last.get("note") != "paused":
            note = process.read_note(found)
            who = f"process {note.pid} on {note.host}" if note else "another process"
            raise BusyError(f"{found.name} is training already, in {who}.")
        control.ask(found, "continue")
        output.say(f"{found.name} goes on. See it: seqplay runs")
        return
    if last_row(found.log, {"done"}):
        output.say(f"{found.name} is finished. Write with it: seqplay sample {found.name}")
        return
    ended = follow(found, training.start, as_json)
    say_how_it_ended(ended)
    raise SystemExit(ended.code)
