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

FILE = """
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqplay import option


@dataclass(frozen=True)
class Config:
    keep: float = option(0.5, help="share that is kept", low=0.0, high=1.0)


class Own(nn.Module):
    \"\"\"Forgets slowly.

    It is a test's.
    \"\"\"

    def __init__(self, config: Config, inputs: int, width: int) -> None:
        super().__init__()
        self.keep, self.read = config.keep, nn.Linear(inputs, width)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        new, y = self.read(x), [x.new_zeros(len(x), self.read.out_features) if state is None else state]
        for t in range(x.shape[1]):
            y.append(self.keep * y[-1] + (1 - self.keep) * torch.tanh(new[:, t]))
        return torch.stack(y[1:], 1), y[-1]
"""
"""A single file with a cell, `Own`, that learns."""


def install(
    site: Path, name: str, code: str, entry: str = "", requires: tuple[str, ...] = (), kind: str = "cell"
) -> None:
    """A distribution of this name and version 1.0 that exports `cell` of a module of its name.

    `entry` is the line of its entry point, where it is not "name = module:cell".
    """
    module = name.replace("-", "_")
    folder = site / f"{module}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text(f"[seqplay.{kind}s]\n{entry or f'{name} = {module}:cell'}\n")
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
