"""What the playground costs and how quick it is, in a real terminal: first paint; key echo and pictures a second while
a 1,024-unit LSTM trains on every core; and how fast that trains with the app open and without.

`python tests/benchmarks/playground.py [paint] [echo] [training]` prints medians; it is no test.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))
from forking import environment
from tui.terminal import PLAYGROUND, Terminal

from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import last_row
from seqplay.runs.summary import is_busy

PAINTS, PAIRS, KEYS, PICTURES_SECONDS, PAIR_SECONDS = 9, 3, 60, 10.0, 20.0
HOME = Path()  # of this process alone, while it runs


def seqplay(*argv: str) -> None:
    subprocess.run([sys.executable, *PLAYGROUND, *argv], env=environment(HOME), check=True, capture_output=True)


@contextmanager
def trained(name: str) -> Iterator[RunFiles]:
    """A 1,024-unit LSTM that trains on every core until it is let go, whatever happens meanwhile."""
    run = RunFiles(HOME / "runs" / name)
    try:
        seqplay("train", "english", "--hidden", "1024", "--minutes", "3", "--name", name, "--detach")
        yield run
    finally:
        if is_busy(run):
            seqplay("stop", name)


def step_of(run: RunFiles) -> int:
    return int((last_row(run.log, ("step",)) or {"step": 0})["step"])


def watched(terminal: Terminal, event: Callable[[], bool], seconds: float = 60.0) -> float:
    """Look at a terminal until something is seen there, or for some seconds: how many of them that took."""
    began = time.perf_counter()
    while not event() and time.perf_counter() - began < seconds:
        terminal.read(0.005)
    return time.perf_counter() - began


def paint() -> None:
    """From the start of the process until header, list of texts and footer stand on the screen."""
    took = []
    for _ in range(PAINTS):
        began = time.perf_counter()
        with Terminal(HOME) as terminal:
            watched(terminal, lambda t=terminal: all(word in t.text for word in ("Plugins", "english", "leave")))  # type: ignore[misc]
            took.append(1000 * (time.perf_counter() - began))
    print(f"first paint: median {median(took):.0f} ms of {PAINTS} ({min(took):.0f} to {max(took):.0f})")


def echo() -> None:
    """Key echo and pictures a second beside the training."""
    with trained("echo") as run:
        while step_of(run) < 20:
            time.sleep(0.2)
        with Terminal(HOME) as terminal:
            watched(terminal, lambda: "● echo" in terminal.text and "gradient" in terminal.text)
            frames, before = set[str](), step_of(run)
            watched(terminal, lambda: bool(frames.add(terminal.text)), PICTURES_SECONDS)
            pace, made = len(frames) / PICTURES_SECONDS, (step_of(run) - before) / PICTURES_SECONDS
            print(f"pictures: {pace:.1f} a second, at {made:.1f} steps a second")
            terminal.type("l")
            watched(terminal, lambda: "learning rate now" in terminal.lines[-1])
            took = []
            for number in range(KEYS):
                wanted = f"{terminal.lines[-1].rstrip()}{number % 10}"
                terminal.type(str(number % 10))
                echoed = partial(lambda wanted: terminal.lines[-1].rstrip() == wanted, wanted)
                took.append(1000 * watched(terminal, echoed))
                watched(terminal, lambda: False, 0.05)
    took.sort()
    late = took[int(0.95 * KEYS)]
    print(f"key echo: median {median(took):.0f} ms, p95 {late:.0f} ms, worst {took[-1]:.0f} ms of {KEYS}")


def training() -> None:
    """Steps a second with the app open on the run as a share of those without, in pairs whose order turns."""
    shares = []
    for pair in range(PAIRS):
        rates = {}
        for with_app in (True, False) if pair % 2 else (False, True):
            with trained(f"pair-{pair}-{'app' if with_app else 'alone'}") as run:
                rates[with_app] = beside_the_app(run) if with_app else rate(run, time.sleep)
        shares.append(rates[True] / rates[False])
        print(f"pair {pair + 1}: {rates[False]:.2f} steps/s alone, {rates[True]:.2f} with the app: {shares[-1]:.1%}")
    print(f"training with the app open: median {median(shares):.1%} of its speed alone")


def beside_the_app(run: RunFiles) -> float:
    with Terminal(HOME) as terminal:
        watched(terminal, lambda: re.search(rf"● {run.name}", terminal.text) is not None)

        def look(seconds: float) -> None:
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                terminal.read(0.05)  # what is sent is taken, as a terminal does, and not drawn

        return rate(run, look)


def rate(run: RunFiles, wait: Callable[[float], None]) -> float:
    """Steps a second over PAIR_SECONDS, after the first few."""
    while step_of(run) < 5:
        wait(0.2)
    first, began = step_of(run), time.perf_counter()
    wait(PAIR_SECONDS)
    return (step_of(run) - first) / (time.perf_counter() - began)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        HOME = Path(folder)
        for name in sys.argv[1:] or ["paint", "echo", "training"]:
            {"paint": paint, "echo": echo, "training": training}[name]()
