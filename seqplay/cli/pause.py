"""`seqplay pause`: let a run's training wait, its process ready to go on at once."""

from __future__ import annotations

import rich_click as click

from seqplay.cli.live import say_what_became, the_live_run, wait_for_note


@click.command(cls=click.RichCommand)
@click.argument("run", required=False)
def command(run: str | None) -> None:
    """Let the training of RUN (or of the only run that is training) wait. `seqplay resume` goes on."""
    files = the_live_run(run)
    say_what_became(files, wait_for_note(files, "pause", ("paused", "stopped")))
