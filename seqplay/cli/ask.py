"""`seqplay ask`: any question that a run's task answers."""

from __future__ import annotations

import json
import math
from typing import Any

import rich_click as click

from seqplay import wire
from seqplay.cli.answers import ART, show_figures
from seqplay.cli.network_file import network_file
from seqplay.errors import UsageError
from seqplay.processes import worker
from seqplay.runs import shelf

LONGEST_NAME = 60  # characters


@click.command(cls=click.RichCommand)
@click.argument("question", nargs=-1, required=True, metavar="[RUN] QUESTION [KEY=VALUE ...]")
@ART
@network_file
@click.option("--json", "as_json", is_flag=True, help="the rows of the answer as JSON, one a line")
def command(question: tuple[str, ...], art: str, as_json: bool) -> None:
    """Ask RUN (the newest, without a name) a QUESTION, such as `walk first=3 last=8` of a run that draws: one that is
    not known is answered with those that are.
    """
    named = [word for word in question if "=" not in word]
    if not 1 <= len(named) <= 2:
        raise UsageError(f"ask takes a run and a question, or a question alone, not {len(named)} names.")
    if len(named[-1]) > LONGEST_NAME:
        raise UsageError(f"No question has a name of {len(named[-1]):,} characters.")
    options = dict(_option(word) for word in question if "=" in word)
    run = shelf.find(named[0] if len(named) == 2 else None)
    show_figures(worker.ask(wire.Ask(str(run.path), named[-1], options)), as_json, art)


def _option(word: str) -> tuple[str, Any]:
    """A value is JSON where it can be read as such, else the text as it was typed. Raises UsageError for JSON that no
    question can be asked with.
    """
    name, _, value = word.partition("=")
    name = name.replace("-", "_")
    if len(name) > LONGEST_NAME:
        raise UsageError(f"No question has an option whose name has {len(name):,} characters.")
    try:
        return name, json.loads(value, parse_constant=_finite, parse_float=_finite)
    except OverflowError:
        raise UsageError(f"{name} takes no number that is not finite.") from None
    except RecursionError:
        raise UsageError(f"{name} is nested too deeply.") from None
    except ValueError:
        return name, value


def _finite(digits: str) -> float:
    """Raises OverflowError."""
    if not math.isfinite(value := float(digits)):
        raise OverflowError
    return value
