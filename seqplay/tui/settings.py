"""What the playground remembers from one time to the next: settings.json in seqplay's home.

A file that is damaged counts as none; that it cannot be written is no reason to stop anybody.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from seqplay import files, paths
from seqplay.errors import SeqplayError
from seqplay.recipe import fits
from seqplay.runs import layout, rows

MOST_TEXTS = 12


@dataclass
class Settings:
    theme: str = "seqplay-dark"
    run: str = ""
    """The run that was shown last, and the step that was seen of it."""
    step: int = 0
    loss: float | None = None
    x_axis: str = "steps"
    log_y: bool = False
    unit: str = "nats"
    art: str = "auto"
    """What pictures are drawn with."""
    texts: list[Any] = dataclasses.field(default_factory=list)
    """Paths of the user's own texts, the newest first."""

    def remember_text(self, path: str) -> None:
        self.texts = [path, *(known for known in self.texts if known != path)][:MOST_TEXTS]


HINTS = {"theme": str, "run": str, "step": int, "loss": float | None, "x_axis": str, "log_y": bool, "unit": str,
         "art": str}  # fmt: skip


def load() -> Settings:
    try:
        row = layout.read_json(paths.home() / "settings.json", limit_bytes=1 << 16)
    except SeqplayError:
        return Settings()
    known = {name: row[name] for name, hint in HINTS.items() if name in row and fits(row[name], hint)}
    texts = row.get("texts")
    named = [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []
    return Settings(**known, texts=named[:MOST_TEXTS])


def save(settings: Settings) -> None:
    with suppress(SeqplayError):
        home = paths.make_private(paths.home())
        files.write_atomically(home / "settings.json", rows.to_json(dataclasses.asdict(settings), indent=2) + b"\n")
