"""One file a built-in cell, by the cell's own name: `step(weights)` gives its CellStep."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from seqplay.steps.cell import CellStep, Weights


def find(cell: str) -> Callable[[Weights], CellStep] | None:
    """The torch-free step of a built-in cell; None where it has none."""
    if not cell.isidentifier() or cell.startswith("_") or find_spec(f"{__name__}.{cell}") is None:
        return None
    step: Callable[[Weights], CellStep] = import_module(f"{__name__}.{cell}").step
    return step
