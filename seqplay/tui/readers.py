"""Which run reads what is drawn by hand: the newest that recognises pictures of one channel."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from seqplay.errors import SeqplayError
from seqplay.figures import Picture, from_json
from seqplay.runs import commit, layout, shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import last_row
from seqplay.tui.pixels import Pixels, pixels_of

READS = "recognise"
INVERTED = bytes(255 - value for value in range(256))
NOBODY = "nobody can read it yet: seqplay train digits --task recognise"
IN_COLOUR = "reads pictures in colour, and this has none"


@dataclass(frozen=True)
class Reader:
    """A run that has a model, the pictures that it reads, and whether their paper is bright where ink is dark."""

    run: RunFiles
    pixels: Pixels
    is_dark_on_light: bool

    def seen(self, ink: bytes) -> bytes:
        """What is drawn, each byte how much ink lies there, as a picture like those that it learned."""
        return ink.translate(INVERTED) if self.is_dark_on_light else ink

    @property
    def caption(self) -> str:
        """How it sees what is drawn, where that is not as ink."""
        if self.pixels.ink:
            return ""
        return "seen as dark on light" if self.is_dark_on_light else "seen as light on dark"


def find(run: RunFiles | None = None) -> Reader | str:
    """The reader that a run is, else the newest on the shelf; in a few words why there is none."""
    why = NOBODY
    for one in [run] if run else sorted(shelf.all_runs(), key=_created, reverse=True):
        if (found := _reader(one)) is None:
            continue
        if found.pixels.channels == 1:
            return found
        why = f"{one.name} {IN_COLOUR}" if why == NOBODY else why
    if run and why == NOBODY:
        return "it can be read from the first checkpoint on"
    return why


def _created(run: RunFiles) -> float:
    try:
        return run.recipe.lstat().st_mtime
    except OSError:
        return 0.0


def _reader(run: RunFiles) -> Reader | None:
    with suppress(SeqplayError):
        if layout.read_recipe(run.recipe).task != READS or not commit.steps(run.checkpoints):
            return None
        pixels = pixels_of(run)
        return Reader(run, pixels, not pixels.ink and _is_bright(run)) if pixels else None
    return None


def _is_bright(run: RunFiles) -> bool:
    """Whether the pictures that a run was shown are bright rather than dark."""
    with suppress(ValueError):
        shown = from_json(last_row(run.figures, ("figure",)) or {})
        values = shown.values() if isinstance(shown, Picture) else b""
        return 2 * sum(values) >= 255 * len(values)
    return True
