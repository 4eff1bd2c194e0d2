"""What a worker answers, on stdout: figures are drawn, and whatever else it says is a line of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import rich_click as click

from seqplay import draw, figures
from seqplay.cli import output
from seqplay.draw.art import KINDS
from seqplay.errors import SeqplayError

ART = click.option(
    "--art",
    type=click.Choice(["auto", *KINDS]),
    default="auto",
    show_default=True,
    help="what pictures are drawn with; auto: what suits their size and this terminal",
)


def show_figures(rows: Iterable[Mapping[str, Any]], as_json: bool, art: str = "auto") -> None:
    """Print rows as they come. Raises SeqplayError for a figure that is none."""
    for number, row in enumerate(rows):
        if as_json or row.get("kind") != "figure":
            output.write_row(row)
            continue
        try:
            figure = figures.from_json(dict(row))
        except ValueError as problem:
            raise SeqplayError(f"The answer is no figure: {problem}.") from None
        output.write("\n" if number else "")
        width, height = output.console().size
        ascii_only, mono = output.is_ascii_only(), not output.has_shades()
        output.draw(draw.draw(figure, width, height, ascii_only=ascii_only, mono=mono, kind=art))
