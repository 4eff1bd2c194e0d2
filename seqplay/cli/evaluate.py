"""`seqplay eval`: the held-out score again, from the checkpoint alone, or the score on another text."""

from __future__ import annotations

from typing import Any

import rich_click as click

from seqplay import draw, wire
from seqplay.cli import output
from seqplay.data.texts import read_sources
from seqplay.errors import DataError, UsageError
from seqplay.figures import Column, Table
from seqplay.processes import worker
from seqplay.runs import shelf

NAMES = {
    "held_out_loss": "loss, nats a token",
    "bits_per_byte": "bits a byte",
    "perplexity": "perplexity",
    "held_out_accuracy": "right first guesses",
    "held_out_tokens": "tokens held out",
    "scored_tokens": "tokens scored",
    "unknown_characters": "characters unknown to it, which only bits a byte charges for",
}


@click.command(cls=click.RichCommand)
@click.argument("run", required=False)
@click.option("--on", "source", multiple=True, help="score this text instead of the held-out part")
@click.option("--column", metavar="NAME", help="of a table given with --on, score this column")
@click.option(
    "--window", type=click.IntRange(min=1), metavar="N", help="cold windows of this many tokens instead of one stream"
)
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def command(run: str | None, source: tuple[str, ...], column: str | None, window: int | None, as_json: bool) -> None:
    """Score RUN (the newest, without a name) on the part of its text that it never saw.

    One stream: the model reads the whole part from its first token and predicts every other. Numbers in bits a byte
    compare across kinds of tokens.
    """
    found = shelf.find(run)
    options: dict[str, Any] = {"window": window} if window else {}
    if column and not source:
        raise UsageError("--column is for a table given with --on.")
    other = read_sources(source, column) if source else None
    if other:
        options["data"] = other.data
    (score,) = worker.ask(wire.Ask(str(found.path), "score", options))
    nothing = score["held_out_loss"] is None
    if nothing and other:
        raise DataError(f"{other.name} is too short to score: it takes two tokens or more.")
    if as_json:
        output.write_row({**score, "run": str(found.path), "source": other.name if other else None, "window": window})
    if nothing:
        short = f"{found.name} has nothing held out: its text is shorter than 1,000 characters"
        raise DataError(f"{short}. Score it with --on FILE.")
    if as_json:
        return
    rows = tuple((label, score[name]) for name, label in NAMES.items() if name != "unknown_characters" or score[name])
    way = f"windows of {window}" if window else "one stream"
    table = Table((Column(found.name), Column(f"{other.name}, {way}" if other else way, "right")), rows)
    output.draw(draw.draw(table, output.console().width, 20, ascii_only=output.is_ascii_only()))
