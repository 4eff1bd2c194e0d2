"""What pictures a run has learned: their size, and what their labels are called."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeGuard

from seqplay.data.pictures import LARGEST_SIDE
from seqplay.errors import SeqplayError
from seqplay.runs import layout
from seqplay.runs.layout import RunFiles

CODEC = "pixels.json"


@dataclass(frozen=True)
class Pixels:
    """`ink` as in figures.Picture."""

    channels: int
    height: int
    width: int
    ink: bool
    names: tuple[str, ...]


def pixels_of(run: RunFiles) -> Pixels | None:
    """What a run's codec says; None where there is none yet, or none that can be read."""
    with suppress(SeqplayError, ValueError, KeyError, TypeError, RecursionError):
        row = json.loads(layout.read_codec(run, layout.read_plan(run), CODEC))
        channels, height, width, names = (row[name] for name in ("channels", "height", "width", "names"))
        are_names = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if channels in (1, 3) and _is_side(height) and _is_side(width) and type(row["ink"]) is bool and are_names:
            return Pixels(channels, height, width, row["ink"], tuple(names))
    return None


def _is_side(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 < value <= LARGEST_SIDE
