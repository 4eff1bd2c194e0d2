"""How many runs use each architecture, from their recipes alone."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from seqplay.errors import RunError
from seqplay.runs import layout, shelf


def uses() -> Counter[str]:
    """The number of runs by the name of their cell; a run whose recipe cannot be read counts nowhere."""
    named: Counter[str] = Counter()
    for run in shelf.all_runs():
        with suppress(RunError):
            cell = layout.read_json(run.recipe).get("cell")
            if isinstance(cell, str):
                named[cell] += 1
    return named
