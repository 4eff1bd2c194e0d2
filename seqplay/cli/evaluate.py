"""`seqplay eval`: the held-out score again, from the checkpoint alone, or the score on another text."""

from __future__ import annotations

from typing import Any

import rich_click as click

from seqplay import draw, tasks, wire
from seqplay.cli import output
from seqplay.cli.network_file import network_file
from seqplay.cli.scores import scores_of_pictures
from seqplay.data.texts import read_sources
from seqplay.errors import DataError, UsageError
from seqplay.figures import Column, Table
from seqplay.processes import begin, worker
from seqplay.recipe import Plan
from seqplay.runs import layout, shelf
from seqplay.runs.layout import RunFiles

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
@click.option("--on", "source", multiple=True, help="score this text, or these pictures, instead of the held-out part")
@click.option("--column", metavar="NAME", help="of a table given with --on, score this column")
@click.option(
    "--window", type=click.IntRange(min=1), metavar="N", help="cold windows of this many tokens instead of one stream"
)
@network_file
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def command(run: str | None, source: tuple[str, ...], column: str | None, window: int | None, as_json: bool) -> None:
    """Score RUN (the newest, without a name) on the part of its data that it never saw.

    One stream: the model reads the whole part from its first token and predicts every other. Numbers in bits a byte
    compare across kinds of tokens. A model that reads pictures is scored on those held out, and drawn pictures by a
    judge that never saw one.
    """
    found = shelf.find(run)
    plan = layout.read_plan(found)
    if plan.model:
        if window or column:
            raise UsageError("--window and --column are for texts.")
        _score_pictures(found, plan, source, as_json)
        return
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


def _score_pictures(run: RunFiles, plan: Plan, source: tuple[str, ...], as_json: bool) -> None:
    is_judged = tasks.find(plan.task).is_judged
    if source and is_judged:
        raise UsageError(f"{run.name} draws pictures: they are judged against those that it learned, not others.")
    if is_judged:
        output.say(
            "A judge looks at what it draws. The first time, the judge learns to read the real pictures: half a minute."
        )
    other = begin.keep_pictures(source) if source else None
    options = {"data": other.data} if other else {}
    (score,) = worker.ask(wire.Ask(str(run.path), "score", options))
    rows = tuple(scores_of_pictures(score))
    if as_json:
        output.write_row({**score, "run": str(run.path), "source": other.name if other else None})
    if not rows and is_judged:
        raise DataError(f"{run.name} learned too few pictures, or too few labels, for a judge to learn from them.")
    if not rows:
        raise DataError(f"{run.name} has nothing held out. Score it with --on SOURCE.")
    if not as_json:
        table = Table((Column(run.name), Column(other.name if other else "", "right")), rows)
        output.draw(draw.draw(table, output.console().width, 20, ascii_only=output.is_ascii_only()))
