"""`make screenshots`: the README's pictures, taken from the real app with models that are trained for them now.

They are written beside this file. What the models write differs a little from machine to machine.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from seqplay.runs import shelf
from seqplay.tui.app import Playground

HERE = Path(__file__).parent
SIZE = (120, 36)
COMMAND = [sys.executable, "-P", "-m", "seqplay"]


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["SEQPLAY_HOME"] = home
        os.chdir(home)
        asyncio.run(take("choose", choosing))
        for cell in ("lstm", "gru", "rnn"):
            train("english", "--cell", cell, "--minutes", "0.4", "--name", f"harbour-{cell}")
        train("korean", "--tokens", "jamo", "--minutes", "1.5", "--name", "village")
        train("english", "--minutes", "0.7", "--name", "harbour", "--detach")
        asyncio.run(take("train", training))
        asyncio.run(take("runs", comparing))
        asyncio.run(take("sample", writing))
        train("digits", "--model", "dcgan", "--minutes", "3", "--name", "digits-dcgan")
        asyncio.run(take("digits", drawing))


def train(*asked: str) -> None:
    subprocess.run([*COMMAND, "train", *asked], check=True, stdout=subprocess.DEVNULL)


async def take(name: str, scene: Callable[[Pilot[None]], object]) -> None:
    app = Playground()
    async with app.run_test(size=SIZE) as pilot:
        await scene(pilot)  # type: ignore[misc]
        await pilot.pause(0.5)
        (HERE / f"{name}.svg").write_text(app.export_screenshot(title="seqplay"), encoding="utf-8")
    print(HERE / f"{name}.svg")


async def until(pilot: Pilot[None], seen: Callable[[], bool]) -> None:
    end = time.monotonic() + 180
    while not seen():
        await pilot.pause(0.1)
        assert time.monotonic() < end, "it never came to that"


def shows(pilot: Pilot[None], text: str) -> bool:
    strips = pilot.app.screen._compositor.render_strips()
    return any(text in "".join(segment.text for segment in strip) for strip in strips)


async def choosing(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: shows(pilot, "5-gram"))


async def training(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Playground)
    await until(pilot, lambda: app.subject is not None and app.subject.share > 0.35)
    await pilot.press("l", *["backspace"] * 8, *"x0.5", "enter")
    await until(pilot, lambda: app.subject is not None and app.subject.share > 0.7)


async def comparing(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Playground)
    await pilot.press("R", "x")
    await until(pilot, lambda: shows(pilot, "harbour-rnn"))
    await pilot.pause(1)
    await pilot.press("down", "down", "space", "down", "space", "down", "space")
    await pilot.pause(2)
    await pilot.press(*["left_square_bracket"] * 25)


async def writing(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Playground)
    app.open(shelf.find("village"))
    await pilot.press("S")
    await until(pilot, lambda: shows(pilot, "%"))
    await pilot.press("i", *"나는 오늘", "enter")
    await until(pilot, lambda: shows(pilot, "longest copy"))
    await pilot.press(*["left"] * 6)


async def drawing(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, Playground)
    app.open(shelf.find("digits-dcgan"))
    await pilot.press("D")
    await until(pilot, lambda: shows(pilot, "read with confidence"))


if __name__ == "__main__":
    main()
