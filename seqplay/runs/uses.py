"""How many runs use each architecture, from their recipes alone."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from seqplay.errors import RunError
from seqplay.runs import layout, shelf


def uses() -> Counter[str]:
    """The number of runs by the name of their cell or model; a run whose recipe cannot be read counts nowhere."""
    named: Counter[str] = Counter()
    for run in shelf.all_runs():
        with suppress(RunError):
            recipe = layout.read_json(run.recipe)
            network = recipe.get("model") or recipe.get("cell")
            if isinstance(network, str):
                named[network] += 1
    return named
