"""`make bench`: what should be fast, measured on this machine. Prints medians; nothing here passes or fails.

    python tests/benchmarks/speed.py [FILE] [--seconds 10]

FILE is the text that throughput is measured on; without one, the English sample text is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

SEQPLAY = (sys.executable, "-P", "-m", "seqplay")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", default="english")
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["SEQPLAY_HOME"] = home
        print("training, tokens a second (cores kept busy)")
        for cell, hidden, layers in (
            ("lstm", 128, 2),
            ("lstm", 512, 1),
            ("lstm", 512, 2),
            ("gru", 128, 2),
            ("gru", 512, 1),
            ("rnn", 512, 1),
        ):
            name = f"{cell}-{layers}x{hidden}"
            done, busy = train(asked.file, name, cell, hidden, layers, asked.seconds / 60)
            print(f"  {name:12}{done['tokens_per_second']:>12,.0f}   ({busy:.1f})")
        print("start-up, milliseconds (median of 9)")
        for words in (["--version"], ["--help"], ["train", "--help"], ["runs"], ["show", "lstm-1x512"]):
            print(f"  {' '.join(words):20}{1000 * median(timed(lambda w=words: run(*w)) for _ in range(9)):>6.0f}")  # type: ignore[misc]
        print(f"  {'first character':20}{1000 * median(first_character() for _ in range(9)):>6.0f}")
        print("sampling, characters a second (median of 5, start-up apart)")
        for name in ("lstm-2x128", "lstm-1x512", "lstm-2x512"):
            print(f"  {name:12}{median(sampling(name) for _ in range(5)):>12,.0f}")


def train(file: str, name: str, cell: str, hidden: int, layers: int, minutes: float) -> tuple[dict[str, float], float]:
    """The `done` row of a run, and how many cores the machine kept busy meanwhile."""
    before, began = os.times(), time.perf_counter()
    sizes = ("--hidden", str(hidden), "--layers", str(layers), "--dropout", "0.25")
    out = run("train", file, "--cell", cell, *sizes, "--minutes", str(minutes), "--name", name, "--json")
    after, wall = os.times(), time.perf_counter() - began
    busy = (after.children_user + after.children_system - before.children_user - before.children_system) / wall
    return json.loads(out.splitlines()[-1]), busy


def sampling(name: str) -> float:
    long, short = (timed(lambda n=n: run("sample", name, "--length", str(n), "--top-k", "40")) for n in (4000, 10))  # type: ignore[misc]
    return 3990 / (long - short)


def first_character() -> float:
    began = time.perf_counter()
    process = subprocess.Popen((*SEQPLAY, "sample", "lstm-1x512", "--length", "1"), stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(1)
    took = time.perf_counter() - began
    process.communicate()
    return took


def run(*words: str) -> str:
    return subprocess.run((*SEQPLAY, *words), capture_output=True, check=True, text=True).stdout


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
