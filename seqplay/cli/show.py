"""`seqplay show`: one run as a chart of its loss, its layers, and its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import rich_click as click

from seqplay import draw
from seqplay.cli import output
from seqplay.cli.runs import GLYPHS
from seqplay.cli.scores import scores_of_pictures
from seqplay.draw.lines import Line, span
from seqplay.draw.numbers import clock, plural
from seqplay.errors import RunError
from seqplay.figures import Column, Figure, Table, from_json
from seqplay.recipe import Plan, to_json
from seqplay.runs import layout, reader, shelf
from seqplay.runs.charts import AXES, Axes, loss_chart
from seqplay.runs.layout import RunFiles
from seqplay.runs.network import lacking
from seqplay.runs.progress import AVERAGED, Progress

MADE = {"text": "wrote last", "picture": "made last"}
HEIGHT = 18
WIDEST = 100  # cells of what is no chart


@click.command(cls=click.RichCommand)
@click.argument("run", required=False)
@click.option(
    "--x",
    "x",
    type=click.Choice(AXES),
    default="steps",
    show_default=True,
    help="what the chart's x axis counts",
)
@click.option("--log", "log_y", is_flag=True, help="a logarithmic loss axis")
@click.option("--height", type=click.IntRange(4, 200), default=HEIGHT, show_default=True, help="rows of the chart")
@click.option("--json", "as_json", is_flag=True, help="plan and last numbers as one JSON object")
def command(run: str | None, x: str, log_y: bool, height: int, as_json: bool) -> None:
    """Draw the loss of RUN (the newest, without a name), list its layers with shapes (batch, time, features), and its
    numbers.
    """
    found = shelf.find(run)
    plan = layout.read_plan(found)
    rows = reader.read_all(found.log)
    summary = shelf.summarise(found)
    if as_json:
        last = rows[-1] if rows else None
        output.write_row(
            {"kind": "show", **to_json(plan), "run": str(found.path), "state": summary.state, "last": last}
        )
        return
    width = output.console().width
    title = f"{found.name}  {GLYPHS[summary.state]} {summary.state}"
    newest = _newest_figure(found)
    ascii_only, mono = output.is_ascii_only(), not output.has_shades()
    try:
        axes = Axes(x=x, log_y=log_y)
        chart = loss_chart(_progress(found, rows), axes, unit=plan.unit, title=title)
        figures: list[Figure] = [chart, _layers(plan), *newest]
        drawn = [
            draw.draw(figure, min(width, WIDEST) if number else width, height, ascii_only=ascii_only, mono=mono)
            for number, figure in enumerate(figures)
        ]
        drawn.insert(2, _draw_facts(_facts(plan, rows), min(width, WIDEST)))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as problem:
        raise RunError(
            f"{found.log} holds a row that seqplay never writes: {type(problem).__name__} {problem}."
        ) from None
    for number, lines in enumerate(drawn):
        output.write("\n" if number else "")
        output.draw(lines)
    for told in (summary.problem, lacking(plan)):
        if told:
            output.say(told)


def _progress(run: RunFiles, rows: list[dict[str, Any]]) -> Progress:
    """What the rows tell. Raises RunError for one that no trainer writes."""
    progress = Progress(run.name)
    for row in rows:
        if not progress.add(row):
            raise RunError(f"{run.log} holds a row that seqplay never writes: {str(row)[:100]}.")
    return progress


def _layers(plan: Plan) -> Table:
    shape = "batch, height, width, channels" if plan.model else "batch, time, features"
    columns = (Column("layer"), Column(f"output ({shape})"), Column("parameters", "right"))
    rows = tuple((str(name), str(shape), int(count)) for name, shape, count in plan.layer_table)
    return Table(columns, (*rows, ("all", "", plan.parameters)))


def _facts(plan: Plan, rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    done = next((row for row in reversed(rows) if row["kind"] == "done"), None)
    last: dict[str, Any] = next((row for row in reversed(rows) if row["kind"] == "step"), {})
    units = plural(plan.unit)
    embedding = f"{plan.embedding_dropout:g} before the first layer, " if plan.embedding_dropout else ""
    own = "".join(f"{name} {value}, " for name, value in plan.settings.items())
    settings = f"{own}dropout {plan.dropout:g}, {embedding}batch {plan.batch} × {plan.sequence}, seed {plan.seed}"
    if plan.model:
        settings = f"{own}batch {plan.batch}, seed {plan.seed}"
    found = [
        (
            "pictures" if plan.model else "text",
            f"{plan.source}, {plan.train_tokens:,} {units} to learn from, {plan.held_out_tokens:,} held out",
        ),
        ("size", plan.why),
        ("settings", settings),
        ("learning rate", f"{plan.learning_rate:g} at most, warm-up {plan.warmup:.0%}, then evenly to 0"),
        ("computed on", f"{plan.device}, {plan.precision}, {plan.threads} threads, torch {plan.torch}"),
    ]
    if last:
        found.append(("trained", f"{last['step']:,} steps, {clock(last['seconds'])}, {last['tokens']:,} {units}"))
    if done and done["train_loss"] is not None:
        found.append(
            ("train loss", f"{done['train_loss']:.3f} nats a {plan.unit}, mean of the last {AVERAGED} steps or so")
        )
    if done and plan.model:
        measured = scores_of_pictures(done)
        found += [(label, value if isinstance(value, str) else f"{value:,.4g}") for label, value in measured]
    elif done and done["held_out_loss"] is not None:
        scores = f"{done['held_out_loss']:.3f} nats a {plan.unit}, {done['bits_per_byte']:.3f} bits a byte"
        found.append(("held out", f"{scores}, perplexity {done['perplexity']:.2f}, at the best checkpoint"))
    return found


def _draw_facts(facts: list[tuple[str, str]], width: int) -> list[Line]:
    """A line for each fact, or as many as it takes."""
    room = max(len(name) for name, _ in facts) + 2
    lines: list[Line] = []
    for name, value in facts:
        first, *more = draw.wrap([span(value)], max(1, width - room)) or [()]
        lines += [(span(name.ljust(room), "muted"), *first), *((span(" " * room), *line) for line in more)]
    return lines


def _newest_figure(run: RunFiles) -> list[Figure]:
    row = reader.last_row(run.figures)
    title = MADE.get(str(row.get("figure"))) if row else None
    if title is None:
        return []
    try:
        return [replace(from_json(row), title=title)]
    except ValueError as problem:
        raise RunError(f"{run.figures} holds a row that seqplay never writes: {problem}.") from None
