"""Cells beside each other after the same time on the same text: what a minute of learning is worth to each.

    python tests/benchmarks/cells.py [FILE] [--minutes 1] [--seed 0] [CELL ...]

FILE is a text, the English sample text without one; CELLs are lstm and those of the distributions in plugins/, which
are installed into a folder of their own for it. A 5-gram model of the same text is the least to beat.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import numpy as np

from seqplay.data import baselines
from seqplay.data.built_in import built_in_text

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", default="english")
    parser.add_argument("cells", nargs="*")
    parser.add_argument("--minutes", default="0.2")
    parser.add_argument("--seed", default="0")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = install(Path(folder) / "site")
        os.environ |= {"SEQPLAY_HOME": f"{folder}/home", "PYTHONPATH": str(site)}
        cells = asked.cells or ["lstm", *sorted(names(site))]
        print(f"{'cell':14}{'held out':>10}{'behind':>8}{'parameters':>12}{'tokens/s':>10}   (nats a character)")
        print(f"{'5-gram':14}{five_gram(asked.file):>10.3f}")
        first = None
        for cell in cells:
            done = train(asked.file, cell, asked.minutes, asked.seed)
            loss = done["held_out_loss"]
            first = loss if first is None else first
            rate = done["tokens_per_second"]
            print(f"{cell:14}{loss:>10.3f}{loss - first:>+8.3f}{done['parameters']:>12,}{rate:>10,.0f}", flush=True)


def install(site: Path) -> Path:
    """The distributions of plugins/, in a folder that a process may have on its path."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target")
    subprocess.run((*pip, site, *sorted(ROOT.glob("plugins/seqplay-*"))), check=True)
    return site


def names(site: Path) -> list[str]:
    """The cells that are installed there."""
    found = (d.entry_points.select(group="seqplay.cells") for d in metadata.distributions(path=[str(site)]))
    return [entry.name for entries in found for entry in entries]


def five_gram(file: str) -> float:
    """Nats a character of the held-out part."""
    text = Path(file).read_bytes() if os.path.exists(file) else built_in_text(file)
    points = np.frombuffer(text.decode().encode("utf-32-le"), np.uint32)
    bits = baselines.five_gram(baselines.split(points))
    return math.nan if bits is None else bits * math.log(2)


def train(file: str, cell: str, minutes: str, seed: str) -> dict[str, float]:
    """The `done` row of a run."""
    words = (sys.executable, "-P", "-m", "seqplay", "train", file, "--cell", cell, "--minutes", minutes, "--json")
    out = subprocess.run((*words, "--seed", seed), capture_output=True, check=True, text=True).stdout
    done: dict[str, float] = json.loads(out.splitlines()[-1])
    return done


if __name__ == "__main__":
    main()
