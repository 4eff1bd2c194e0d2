"""How quick the shelf is: 1,000 runs in the playground's place for them, and four long ones over each other.

    python tests/benchmarks/shelf.py [--runs 1000] [--steps 100000]

Prints medians; nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

from textual import events
from textual.app import App
from textual.css.query import NoMatches

sys.path.insert(0, str(Path(__file__).parents[2]))

from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import to_line
from seqplay.tui.places.runs import Runs
from seqplay.tui.widgets.comparing import CardChart
from seqplay.tui.widgets.run_table import RunTable
from tests.tui.conftest import playground, recorded

GUARD = 120.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["SEQPLAY_HOME"] = home
        now = time.time()
        for number in range(asked.runs):
            recorded(f"run-{number:04}", steps=60, of=60, created=now - 60 * number, hidden=8 + number)
        opened = [asyncio.run(opening()) for _ in range(5)]
        print(f"{asked.runs:,} runs: milliseconds from R (median of 5)")
        print(f"  {'names are there':28}{1000 * median(names for names, _, _ in opened):>7.0f}")
        print(f"  {'what is in sight is known':28}{1000 * median(seen for _, seen, _ in opened):>7.0f}")
        print(f"  {'all of it is known':28}{1000 * median(known for _, _, known in opened):>7.0f}")
        keys = asyncio.run(scrolling())
        print(f"  {'a key while scrolling':28}{1000 * median(keys):>7.1f}   most {1000 * max(keys):.0f}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["SEQPLAY_HOME"] = home
        for number in range(4):
            lengthen(recorded(f"long-{number}", steps=0, of=asked.steps, end="stopped"), asked.steps, number)
        asyncio.run(overlaying(asked.steps))


async def opening() -> tuple[float, float, float]:
    """Seconds from the key to all names, to all rows in sight, and to all of the shelf."""
    async with playground((120, 36)) as pilot:
        began = time.perf_counter()
        pilot.app.post_message(events.Key("R", "R"))
        names = await moment(lambda: table_of(pilot.app).rows, began)
        seen = await moment(lambda: all(kept.summary for kept in table_of(pilot.app).in_sight()), began)
        known = await moment(lambda: all(kept.summary for kept in table_of(pilot.app).rows), began)
        return names, seen, known


async def scrolling() -> list[float]:
    """Seconds of each of 200 keys, from the key to the lines that it changes, from the first moment on."""
    async with playground((120, 36)) as pilot:
        await pilot.press("R")
        await moment(lambda: table_of(pilot.app).rows, 0.0)
        return [await key(pilot.app, "pagedown" if number % 10 == 9 else "down") for number in range(200)]


async def overlaying(steps: int) -> None:
    async with playground((120, 36)) as pilot:
        await pilot.press("R")
        await moment(lambda: table_of(pilot.app).rows, 0.0)
        place = pilot.app.screen
        assert isinstance(place, Runs)
        began = time.perf_counter()
        for _ in range(4):
            pilot.app.post_message(events.Key("space", " "))
            await key(pilot.app, "down" if len(place.drawn.marks) < 4 else "up")
        await moment(lambda: len(place.drawn.compared()) == 4, 0.0)
        slow: list[float] = []
        while any(one.subject.is_loading for one in place.drawn.compared()):
            slow += [await key(pilot.app, "up"), await key(pilot.app, "down")]
        read = time.perf_counter() - began
        chart, drawn = place.query_one(CardChart), []
        for number in range(30):
            before = time.perf_counter()
            place.cursor = steps * number / 30
            place.show()
            chart.draw(*chart.size)
            drawn.append(time.perf_counter() - before)
        print(f"four runs of {steps:,} steps over each other")
        print(f"  {'all logs are read, seconds':28}{read:>7.1f}")
        print(f"  {'a key meanwhile, ms':28}{1000 * median(slow):>7.1f}   most {1000 * max(slow):.0f}")
        print(f"  {'a redraw, ms (median of 30)':28}{1000 * median(drawn):>7.1f}")


async def key(app: App[None], name: str) -> float:
    """Seconds from a key until the table is drawn with its cursor on another row."""
    table = table_of(app)
    at, before = table.cursor, time.perf_counter()
    app.post_message(events.Key(name, None))
    while table.cursor == at and time.perf_counter() - before < 0.5:
        await asyncio.sleep(0)
    table.draw(*table.size)
    return time.perf_counter() - before


def table_of(app: App[None]) -> RunTable:
    return app.screen.query_one(RunTable)


async def moment(event: Callable[[], object], began: float) -> float:
    """Seconds from then until something comes true."""
    guard = time.perf_counter()
    while True:
        with suppress(NoMatches):
            if event():
                return time.perf_counter() - began
        assert time.perf_counter() - guard < GUARD
        await asyncio.sleep(0.002)


def lengthen(run: RunFiles, steps: int, number: int) -> None:
    """A log of so many steps, with a score each hundred."""
    with run.log.open("ab") as log:
        for step in range(1, steps + 1):
            loss = 1.4 + number / 20 + 2.6 / (1 + step / steps * 40)
            where = {"step": step, "seconds": step / 100, "tokens": step * 2048}
            more = {"learning_rate": 0.01, "gradient_norm": 0.5}
            log.write(to_line({"kind": "step", **where, "train_loss": loss + step % 7 / 70, **more}))
            if step % 20 == 0:
                log.write(to_line({"kind": "evaluation", **where, "held_out_estimate": loss, "best": True}))


if __name__ == "__main__":
    main()
