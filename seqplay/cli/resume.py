"""`seqplay resume`: go on exactly where a run's newest checkpoint is."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

import rich_click as click

from seqplay.cli import output
from seqplay.cli.follow import follow, say_how_it_ended
from seqplay.cli.network_file import network_file
from seqplay.data.texts import ChangedError, read_sources
from seqplay.errors import BusyError, DataError, RunError
from seqplay.plugin_choice import flag_of
from seqplay.processes import begin, training
from seqplay.runs import control, layout, process, shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.network import lacking
from seqplay.runs.reader import last_row
from seqplay.runs.summary import is_busy


@click.command(cls=click.RichCommand)
@click.argument("run", required=False)
@click.option("--text", multiple=True, metavar="FILE", help="its text again, where the cache has lost it")
@network_file
@click.option("--json", "as_json", is_flag=True, help="print every row of the log as JSON, one a line")
def command(run: str | None, text: tuple[str, ...], as_json: bool) -> None:
    """Go on with RUN after it was paused, stopped or killed; without a name, with the newest that can go on. Of a
    finished run it says so.
    """
    found = shelf.find(run) if run is not None else newest()
    if not found.recipe.exists() and not found.plan.exists():
        raise RunError(f"{found.name} has neither a plan nor a recipe: there is nothing to go on with.")
    if text:
        _give_back(found, text)
    if is_busy(found):
        last = last_row(found.log, {"note", "step"}) or {}
        if last.get("note") != "paused":
            note = process.read_note(found)
            who = f"process {note.pid} on {note.host}" if note else "another process"
            raise BusyError(f"{found.name} is training already, in {who}.")
        control.ask(found, "continue")
        output.say(f"{found.name} goes on. See it: seqplay watch {quote(found.name)}")
        return
    if last_row(found.log, {"done"}):
        plan = layout.read_plan(found)
        how = lacking(plan) or f"Write with it: seqplay sample {quote(found.name)}{flag_of(plan.network)}"
        output.say(f"{found.name} is finished. {how}")
        return
    ended = follow(found, training.start, as_json)
    say_how_it_ended(ended)
    raise SystemExit(ended.code)


def _give_back(run: RunFiles, text: Sequence[str]) -> None:
    """Put the text or the pictures of a run into the cache once more. Raises DataError for any others."""
    known = layout.read_plan(run) if run.plan.exists() else layout.read_recipe(run.recipe)
    try:
        if known.model:
            if begin.keep_pictures(text).data != known.data:
                raise ChangedError(f"{text[0]} holds other pictures than those that the run learns.")
            return
        read_sources(text, known.column, expected=known.data)
    except ChangedError as changed:
        advice = f"{run.name} learns another text. Learn this one in a new run: seqplay train"
        raise DataError(f"{changed} {advice}") from None


def newest() -> RunFiles:
    """The newest run that can go on, else the newest. Raises UsageError where there is none."""
    can_go_on = (run for run in shelf.all_runs() if shelf.summarise(run).state in ("paused", "stopped", "crashed"))
    return next(can_go_on, None) or shelf.find(None)
