"""Distributions of one module each, as pip leaves them in a site directory; nothing is installed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

GOOD = """
from dataclasses import dataclass
from seqplay import Architecture, option

@dataclass(frozen=True)
class Config:
    heads: int = option(4, help="attention heads a layer", low=1, high=64)
    keep: float = option(0.5, help="share that is kept", low=0.0)
    norm: str = option("layer", help="kind of norm", choices=("layer", "rms"))
    window: int | None = option(None, help="tokens that it sees")

cell = Architecture("good", "cell", lambda *_: None, "A good one.", Config, "Somebody 2026")
"""


def install(site: Path, name: str, code: str, entry: str = "", requires: tuple[str, ...] = ()) -> None:
    """A distribution of this name and version 1.0 that exports `cell` of a module of its name.

    `entry` is the line of its entry point, where it is not "name = module:cell".
    """
    module = name.replace("-", "_")
    folder = site / f"{module}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text(f"[seqplay.cells]\n{entry or f'{name} = {module}:cell'}\n")
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    (site / f"{module}.py").write_text(code)


@contextmanager
def on_the_path(site: Path, home: Path) -> Iterator[None]:
    """Its distributions are installed here and in every Python that is started, and seqplay's home is elsewhere."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(site))
        patched.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")])))
        patched.setenv("SEQPLAY_HOME", str(home))
        yield
