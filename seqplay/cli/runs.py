"""`seqplay runs`: the shelf."""

from __future__ import annotations

import re

import rich_click as click

from seqplay import draw
from seqplay.cli import output
from seqplay.draw.numbers import clock, percent
from seqplay.figures import Column, Table
from seqplay.runs import shelf
from seqplay.runs.summary import Summary

GLYPHS = {"waiting": "◌", "running": "●", "paused": "‖", "stopped": "○", "finished": "✓", "crashed": "✗", "broken": "✗"}
SIZES = re.compile(r"(?<=\d)x(?=\d+$)")  # layers x hidden
COLUMNS = (
    Column("run"),
    Column("state"),
    Column("done", "right"),
    Column("held out", "right"),
    Column("bits/byte", "right"),
    Column("read", "right"),
    Column("loss", "right"),
    Column("network"),
    Column("tokens"),
    Column("text"),
    Column("time", "right"),
)


@click.command(cls=click.RichCommand)
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each run")
def command(as_json: bool) -> None:
    """List your runs, newest first. A number under "held out" is the loss in nats a token on text that the model
    never saw; only bits a byte compare between kinds of tokens. Under "read" stands the share of held-out pictures
    that a model reads rightly, or of drawn ones that a judge reads with confidence.
    """
    summaries = [shelf.summarise(run) for run in shelf.all_runs()]
    if as_json:
        for summary in summaries:
            output.write_row({"kind": "run", **vars(summary), "path": str(summary.path)})
        return
    if not summaries:
        output.say("There are no runs yet. Make one with: seqplay train english --minutes 1")
        return
    table = Table(COLUMNS, tuple(_row(summary) for summary in summaries))
    output.draw(draw.draw(table, output.console().width, len(summaries) + 2, ascii_only=output.is_ascii_only()))
    for summary in summaries:
        if summary.problem:
            output.say(f"{summary.name}: {summary.problem}")


def _row(s: Summary) -> tuple[str | int | float | None, ...]:
    done = percent(min(1.0, s.step / s.steps)) if s.step is not None and s.steps else None
    read = None if s.read is None else percent(s.read)
    numbers = (done, *map(_rounded, (s.held_out_loss, s.bits_per_byte)), read, _rounded(s.train_loss))
    time = None if s.seconds is None else clock(s.seconds)
    network = s.network and SIZES.sub("×", s.network)
    return s.name, f"{GLYPHS[s.state]} {s.state}", *numbers, network, s.tokens, s.source, time


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
