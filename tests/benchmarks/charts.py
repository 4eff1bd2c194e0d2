"""How long a chart of long runs takes, from the series to the drawn lines. Prints medians; it is no test.

python tests/benchmarks/charts.py [--points 100000] [--runs 4]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from statistics import median

from seqplay.draw import draw_curves
from seqplay.figures import Curve, Curves, Floor, Mark
from seqplay.runs.growing import Growing

FLOORS = Floor("gzip", 2.21), Floor("5-gram", 1.56)
SIZES = (80, 24), (120, 36), (200, 60)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=4)
    asked = parser.parse_args()
    began = time.perf_counter()
    runs = [grown(asked.points, 0.1 * number) for number in range(asked.runs)]
    each = (time.perf_counter() - began) / asked.points / asked.runs
    print(f"{asked.runs} runs of {asked.points:,} points, {each * 1e6:.2f} µs to add one")
    for width, height in SIZES:
        print(f"{width}x{height}")
        for name, drawn in views(runs, asked.points).items():
            print(f"  {name:24}{1000 * timed(lambda: draw_curves(drawn(), width, height)):8.1f} ms")  # noqa: B023


def grown(points: int, offset: float) -> Growing:
    """A training loss: noisy, and falling as a power of the step."""
    noise = random.Random(points)
    series = Growing()
    for step in range(1, points + 1):
        loss = 1.4 + offset + 2.8 / (1 + step / (20 + 2000 * offset)) ** 0.5 + noise.gauss(0, 0.05)
        series.add(step, step * 0.016, step * 2048, loss)
    return series


def views(runs: list[Growing], points: int) -> dict[str, Callable[[], Curves]]:
    def chart(**how: object) -> Curves:
        return Curves(
            tuple(run.curve(f"run {number}", f"run-{number}", **how) for number, run in enumerate(runs, 1)),  # type: ignore[arg-type]
            "steps",
            "nats",
            floors=FLOORS,
            marks=(Mark(points / 3, "learning rate ÷2"),),
            cursor=points / 2,
            x_start=how.get("low"),  # type: ignore[arg-type]
            x_end=how.get("high"),  # type: ignore[arg-type]
        )

    middle = {"low": 0.50 * points, "high": 0.55 * points}
    every = tuple(
        Curve(f"run {number}", tuple(map(float, run.steps)), tuple(run.y), f"run-{number}")
        for number, run in enumerate(runs, 1)
    )
    return {
        "whole": chart,
        "whole, smoothed": lambda: chart(smooth=50),
        "in seconds": lambda: chart(axis="seconds"),
        "a twentieth": lambda: chart(**middle),
        "every point, not thinned": lambda: Curves(every, "steps", "nats", floors=FLOORS),
    }


def timed(work: Callable[[], object], times: int = 9) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


if __name__ == "__main__":
    main()
