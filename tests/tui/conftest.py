"""The playground without a terminal, and runs to show in it that nobody had to train."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import os
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from forking import FORKS, Child, environment
from textual.pilot import Pilot

from seqplay import files, paths, recipe
from seqplay.processes import worker
from seqplay.recipe import Recipe
from seqplay.runs import rows
from seqplay.runs.layout import RunFiles
from seqplay.tui.app import Playground

GUARD = 30.0  # seconds, ten times what anything here takes
SIZES = ((80, 24), (120, 36), (200, 60))


@dataclass
class ForkedWorker:
    """A worker process as asyncio has one."""

    child: Child
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    returncode: int | None = None

    @property
    def pid(self) -> int:
        return self.child.pid

    async def wait(self) -> int:
        self.returncode = await asyncio.to_thread(self.child.wait, GUARD)
        return self.returncode


@pytest.fixture(autouse=True)
def workers_are_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every app starts one or two workers; a fork takes a tenth of the time of a Python that starts anew."""
    start_anew = asyncio.create_subprocess_exec

    async def start(program: str, *argv: str, **options: Any) -> Any:
        given = environment(os.environ["SEQPLAY_HOME"])
        if argv != worker.COMMAND or not FORKS.can_serve(given):
            return await start_anew(program, *argv, **options)
        (read, give), (take, write) = os.pipe(), os.pipe()
        child = FORKS.start((), given, (read, write, options["stderr"].fileno()), module=worker.COMMAND[-1])
        os.close(read)
        os.close(write)
        loop, stdout = asyncio.get_running_loop(), asyncio.StreamReader(options["limit"])
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(take, "rb", 0))
        pipe, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(give, "wb", 0))
        return ForkedWorker(child, asyncio.StreamWriter(pipe, protocol, None, loop), stdout)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)


def in_a_loop(test: Coroutine[Any, Any, None]) -> None:
    """Run the body of a test that waits for the app."""
    asyncio.run(test)


@asynccontextmanager
async def playground(size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[None]]:
    """The playground at a size, running."""
    app = Playground()
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield pilot


def shown(pilot: Pilot[None]) -> list[str]:
    """What stands on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def text_of(pilot: Pilot[None]) -> str:
    return "\n".join(shown(pilot))


def notices(pilot: Pilot[None]) -> str:
    """What was told in notices, whole: on the screen they are wrapped."""
    return "\n".join(notice.message for notice in pilot.app._notifications)


async def until(pilot: Pilot[None], event: Callable[[], Any], what: str) -> Any:
    """Wait for something to come true on the screen."""
    began = time.monotonic()
    while not (found := event()):
        assert time.monotonic() - began < GUARD, f"{what}\n{text_of(pilot)}"
        await pilot.pause(0.02)
    return found


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.pause()


def recorded(
    name: str = "harbour-lstm",
    *,
    steps: int = 200,
    of: int = 400,
    end: str = "finished",
    text: str = "The harbour was quiet that night.\n",
    source: str = "harbour.txt",
    cell: str = "lstm",
    tokens: str = "char",
    hidden: int = 8,
    created: float | None = None,
    start_loss: float = 4.0,
    changes: tuple[dict[str, Any], ...] = (),
) -> RunFiles:
    """A run on the shelf as a trainer leaves it, but without a model: recipe, plan, log and figures. `end` is
    "finished", "stopped", "paused", "crashed", or "killed" without a last word.
    """
    run = RunFiles(paths.make_private(paths.runs_dir() / name))
    data = hashlib.sha256(text.encode()).hexdigest()
    paths.make_private(paths.texts_dir())
    (paths.texts_dir() / data).write_bytes(text.encode())
    asked = Recipe(cell=cell, tokens=tokens, source=source, data=data, created=created or time.time(), steps=of)
    files.write_atomically(run.recipe, rows.to_json(recipe.to_json(asked)))
    codec = _tokenizer(run, text)
    plan = {**_plan(), "cell": cell, "tokens": tokens, "hidden": hidden, "source": source, "data": data, "steps": of}
    plan |= {"codec": {"tokenizer.json": codec}, "unit": "character" if tokens == "char" else tokens}
    files.write_atomically(run.plan, rows.to_json(plan))
    start = {"kind": "start", "run": name, "step": 0, "why": "as asked", "task": "text", "minutes": None}
    start |= {key: plan[key] for key in ("source", "cell", "tokens", "unit", "hidden", "layers", "steps", "parameters")}
    start |= {key: plan[key] for key in ("vocabulary", "train_tokens", "held_out_tokens")}
    log: list[dict[str, Any]] = [start]
    drawn: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        loss = 1.4 + (start_loss - 1.4) * math.exp(-step / 40)
        log += [change | {"kind": "change"} for change in changes if change["step"] == step - 1]
        log.append(
            {"kind": "step", "step": step, "train_loss": loss, "seconds": step * 0.1, "tokens": step * 2048,
             "learning_rate": 0.01 * (1 - step / of), "gradient_norm": 0.5}
        )  # fmt: skip
        if step % 20 == 0:
            log.append(
                {"kind": "evaluation", "step": step, "seconds": step * 0.1, "tokens": step * 2048,
                 "held_out_estimate": loss + 0.05, "best": True}
            )  # fmt: skip
            drawn.append(
                {"step": step, "kind": "figure", "figure": "text", "prompt": "T", "text": f"he harbour at {step}\n",
                 "title": "writes now", "caption": ""}
            )  # fmt: skip
    if end == "finished":
        log.append(_done(name, steps, log[-1].get("held_out_estimate", 1.5)))
    elif end in ("stopped", "paused", "crashed"):
        log.append({"kind": "note", "step": steps, "note": end, "message": f"{end} at step {steps}"})
    run.log.write_bytes(b"".join(map(rows.to_line, log)))
    run.figures.write_bytes(b"".join(map(rows.to_line, drawn)))
    return run


def recorded_digits(
    name: str = "digits-dcgan",
    *,
    task: str = "digits",
    model: str = "",
    steps: int = 200,
    of: int = 400,
    end: str = "finished",
    judged: dict[str, Any] | None = None,
    balance: tuple[float, float] = (0.74, 0.29),
    count: int = 64,
    pixels: dict[str, Any] | None = None,
) -> RunFiles:
    """A run of pictures on the shelf, without a model. `judged` is in its evaluations in place of a good generator's
    scores, and in its `done` row; `balance` is what the critic says of real and of drawn pictures; `pixels` is what its
    codec says otherwise.
    """
    run = RunFiles(paths.make_private(paths.runs_dir() / name))
    is_drawing = task == "digits"
    model = model or ("dcgan" if is_drawing else "cnn")
    asked = Recipe(model=model, task=task, source="digits", data="d" * 64, created=time.time(), steps=of)
    files.write_atomically(run.recipe, rows.to_json(recipe.to_json(asked)))
    plan = {**_plan(), "model": model, "task": task, "source": "digits", "data": "d" * 64, "steps": of}
    plan |= {"unit": "picture", "codec": {"pixels.json": _pixels(run, pixels or {})}, "tokens": "", "cell": ""}
    plan |= dict.fromkeys("hidden layers embedding sequence vocabulary".split(), 0)
    files.write_atomically(run.plan, rows.to_json(plan))
    start = {"kind": "start", "run": name, "step": 0, "why": "as asked", "task": task, "model": model, "minutes": None}
    start |= {key: plan[key] for key in ("source", "unit", "steps", "parameters", "train_tokens", "held_out_tokens")}
    scores = (_judged() if is_drawing else {"held_out_accuracy": 0.98}) if judged is None else judged
    log: list[dict[str, Any]] = [start]
    drawn: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        where = {"step": step, "seconds": step * 0.1, "tokens": step * 64}
        fall = math.exp(-step / 40)
        numbers = {"train_accuracy": 0.99 - 0.89 * fall}
        if is_drawing:
            numbers = {"critic_loss": 0.55 + fall / 2, "generator_loss": 1.64 - fall / 2}
            numbers |= {"train_real": balance[0], "train_drawn": balance[1]}
        log.append(
            {"kind": "step", **where, "train_loss": numbers.get("generator_loss", 2 * fall), "learning_rate": 0.001,
             "gradient_norm": 0.5, **numbers}
        )  # fmt: skip
        if step % 20 == 0:
            estimate = None if is_drawing else 2 * fall + 0.05
            log.append({"kind": "evaluation", **where, "held_out_estimate": estimate, "best": True, **scores})
            labels = [] if is_drawing else [f"{n % 10}" if n % 7 else f"{n % 10}→{(n + 5) % 10}" for n in range(count)]
            pixels = base64.b64encode(pictures_at(step / steps, count)).decode()
            drawn.append(
                {"step": step, "kind": "figure", "figure": "picture", "pixels": pixels, "count": count, "height": 28,
                 "width": 28, "channels": 1, "ink": True, "labels": labels, "columns": 0, "title": "draws now",
                 "caption": ""}
            )  # fmt: skip
    if end == "finished":
        log.append({**_done(name, steps, 0.06), **(dict.fromkeys(("held_out_loss", "bits_per_byte", "perplexity",
                   "held_out_accuracy")) if is_drawing else {}), **scores})  # fmt: skip
    elif end in ("stopped", "paused", "crashed"):
        log.append({"kind": "note", "step": steps, "note": end, "message": f"{end} at step {steps}"})
    run.log.write_bytes(b"".join(map(rows.to_line, log)))
    run.figures.write_bytes(b"".join(map(rows.to_line, drawn)))
    return run


@cache
def pictures_at(share: float, count: int = 64) -> bytes:
    """`count` pictures of 28x28: noise that becomes rings and bars as `share` goes from 0 to 1."""
    whole, part = _shapes(count), round(256 * share)
    noise = random.Random(0).randbytes(len(whole))
    return bytes([(part * ink + (256 - part) * other) >> 8 for ink, other in zip(whole, noise, strict=True)])


@cache
def _shapes(count: int) -> bytes:
    made = bytearray()
    for picture in range(count):
        radius, slant = 5 + picture % 4, (picture % 5 - 2) / 6
        for y in range(28):
            down = y - 13.5
            for x in range(28):
                right = x - 13.5 + slant * down
                far = abs(math.hypot(right * 1.3, down) - radius) if picture % 3 else abs(right) + max(0, abs(down) - 9)
                made.append(round(255 * max(0.0, min(1.0, 2.0 - far))))
    return bytes(made)


def _judged() -> dict[str, Any]:
    return {
        "confident_share": 0.88, "classes_present": 10, "frechet": 11.2, "frechet_floor": 1.9, "copied_share": 0.01,
        "class_shares": [0.09, 0.12, 0.07, 0.11, 0.09, 0.06, 0.08, 0.15, 0.1, 0.13],
    }  # fmt: skip


def _done(name: str, steps: int, loss: float) -> dict[str, Any]:
    return {
        "kind": "done", "run": name, "steps": steps, "seconds": steps * 0.1, "evaluation_seconds": 0.1,
        "startup_seconds": 1.0, "parameters": 1000, "train_loss": 1.4, "held_out_loss": loss, "bits_per_byte": 2.0,
        "perplexity": 4.0, "held_out_accuracy": 0.5, "held_out_tokens": 100, "scored_tokens": 100,
        "unknown_characters": 0, "tokens_per_second": 20480.0, "best_step": steps,
    }  # fmt: skip


def _pixels(run: RunFiles, more: dict[str, Any]) -> str:
    about = {"channels": 1, "height": 28, "width": 28, "ink": True, "names": list("0123456789"), **more}
    files.write_atomically(run.pixels, rows.to_json(about))
    return hashlib.sha256(run.pixels.read_bytes()).hexdigest()


def _tokenizer(run: RunFiles, text: str) -> str:
    from seqplay.data import tokens

    content = tokens.learn("char", [text]).tokenizer_json().encode()
    files.write_atomically(run.tokenizer, content)
    return hashlib.sha256(content).hexdigest()


def _plan() -> dict[str, Any]:
    return {
        "steps": 400, "cell": "lstm", "tokens": "char", "hidden": 8, "layers": 1, "embedding": 8, "dropout": 0.0,
        "embedding_dropout": 0.0, "batch": 2, "sequence": 8, "learning_rate": 0.01, "holdout": 0.1, "seed": 0,
        "device": "cpu", "threads": 1, "slices": 1, "precision": "float32", "weight_decay": 0.1, "warmup": 0.05,
        "clip": 1.0, "average": 0.998, "evaluate_every": 20, "minutes": None, "patience": None, "settings": {},
        "task": "text", "source": "", "data": "", "vocabulary": 20, "train_tokens": 3000, "held_out_tokens": 300,
        "parameters": 1000, "layer_table": [["embedding", "(2, 8, 8)", 160]], "why": "as asked", "notices": [],
        "codec": {}, "wrap": False, "residual": False, "distribution": "seqplay", "version": "0.1.0",
        "torch": "2.13.0", "unit": "character", "column": None, "format": 1,
    }  # fmt: skip
