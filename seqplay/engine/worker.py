"""The answering process: `python -m seqplay.engine.worker`.

Reads one question a line from standard input and answers with rows on standard output (seqplay/wire.py), for as long as
standard input is open: when whoever asks has gone, it ends at once, whatever it is computing. A newer question ends the
answer under way. What a plugin prints goes to standard error instead, so that it cannot stand between the rows. Only
questions cross: a run's files are read, never run.

torch takes more than a second to load, so it is loaded only for what needs it: a cell without a torch-free step, and
scores.
"""

from __future__ import annotations

import math
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO

import seqplay.steps  # noqa: F401  # before numpy, whose threads it sets
from seqplay import wire
from seqplay.errors import RunError, SeqplayError, UsageError, no_such, said
from seqplay.recipe import Plan
from seqplay.runs import commit, layout
from seqplay.runs.best import MODEL, best_step
from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import number

if TYPE_CHECKING:
    from seqplay.data.novelty import TrainingText

Row = dict[str, Any]
Answer = Iterator[Row]
Questions = Mapping[str, Callable[[Mapping[str, Any]], Answer]]
ABOUT_A_TEXT = ("read", "next", "continue", "beside")  # needs no torch where the cell has a step without it
SOME, MOST_LABELS = 64, 256  # pictures that stand for all, labels whose pictures are counted
Waiting = SimpleQueue[wire.Ask | ValueError]


class StoppedError(Exception):
    """A newer question waits."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl+c reaches all processes of a terminal: who asks decides
    answers = os.fdopen(os.dup(1), "wb")
    questions = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)  # no plugin reads a question
    waiting: Waiting = SimpleQueue()
    threading.Thread(target=_listen, args=(questions, waiting), daemon=True).start()

    def watch() -> None:
        if not waiting.empty():
            raise StoppedError

    opened = Opened(watch)
    while True:
        asked = waiting.get()
        try:
            _answer(opened, asked, watch, partial(_send, answers, asked.number if isinstance(asked, wire.Ask) else 0))
        except BrokenPipeError:
            os._exit(0)


def _listen(questions: BinaryIO, waiting: Waiting) -> None:
    for line in questions:
        try:
            waiting.put(wire.ask_from_line(line.decode()))
        except ValueError as problem:
            waiting.put(problem)
    os._exit(0)


def _answer(
    opened: Opened, asked: wire.Ask | ValueError, watch: Callable[[], None], send: Callable[[Row], None]
) -> None:
    """Send the rows that answer, and the end."""
    try:
        if isinstance(asked, ValueError):
            raise UsageError(f"This is no question: {asked}.")
        watch()
        for row in opened.answer(asked):
            watch()
            send(row)
        send(wire.end())
    except StoppedError:
        send(wire.end(stopped=True))
    except SeqplayError as problem:
        send(wire.end(str(problem), problem.exit_code))
    except BrokenPipeError:
        raise
    except BaseException as problem:  # a plugin may raise anything
        traceback.print_exc()
        send(wire.end(said(problem), 1))


def _send(answers: BinaryIO, number: int, row: Mapping[str, Any]) -> None:
    line = wire.to_line({**row, "ask": number}).encode()
    if len(line) > wire.LONGEST_BYTES:
        raise SeqplayError(f"The answer has a row of {len(line):,} bytes; {wire.LONGEST_BYTES:,} can be read.")
    answers.write(line)
    answers.flush()


def answer(ask: wire.Ask) -> Answer:
    """The rows that answer one question. Raises SeqplayError."""
    return Opened().answer(ask)


class Opened:
    """What is kept between questions: the run that was last asked about, and the index of its training text.

    `watch` is called often, and may raise to end an answer.
    """

    def __init__(self, watch: Callable[[], None] = lambda: None) -> None:
        self.watch = watch
        self.key: tuple[Path, Plan, str] | None = None
        """The run's directory, its plan, and the SHA-256 of the weights that are opened."""
        self.without_torch: Questions | None = None
        self.with_torch: Questions | None = None
        self.trained_on: tuple[tuple[str, float], TrainingText] | None = None

    def answer(self, ask: wire.Ask) -> Answer:
        """The rows that answer a question, of a run by its best checkpoint. Raises SeqplayError."""
        if not ask.run:
            if ask.question not in WITHOUT_RUN:
                raise UsageError(no_such("question", ask.question, WITHOUT_RUN))
            yield from WITHOUT_RUN[ask.question](ask.options)
        elif ask.question == "novelty":
            yield self._novelty(layout.read_plan(RunFiles(Path(ask.run))), ask.options)
        else:
            run = RunFiles(Path(ask.run))
            yield from self._question(run, layout.read_plan(run), ask.question)(ask.options)

    def _question(self, run: RunFiles, plan: Plan, name: str) -> Callable[[Mapping[str, Any]], Answer]:
        self._forget_unless(run, plan)
        if plan.task == "text" and name in ABOUT_A_TEXT:
            if self.without_torch is None:
                self.without_torch = _open(run, plan, self.watch)
            if name in self.without_torch:
                return self.without_torch[name]
        if self.with_torch is None:
            self.with_torch = _load(run, self.watch)
        if name not in self.with_torch:
            raise UsageError(no_such(f"question of the task {plan.task}", name, [*self.with_torch, "novelty"]))
        return self.with_torch[name]

    def _forget_unless(self, run: RunFiles, plan: Plan) -> None:
        """Forget what is open, unless it is this run and its best checkpoint is still the same."""
        step, sha256 = best_step(run.checkpoints), ""
        with suppress(RunError, KeyError):  # a trainer may have put a better one in its place: opening it tells
            sha256 = commit.load_manifest(run.checkpoints, step).files[MODEL].sha256
        key = (run.path, plan, sha256)
        if key != self.key:
            self.key, self.without_torch, self.with_torch = key, None, None

    def _novelty(self, plan: Plan, options: Mapping[str, Any]) -> Row:
        """What of `text` is copied from the training part. It takes the text, not the model."""
        from seqplay.data import novelty, passages

        if plan.task != "text":
            raise UsageError(f"A run of the task {plan.task} has no text to compare with.")
        key = plan.data, plan.holdout
        if self.trained_on is None or self.trained_on[0] != key:
            train, _ = passages.cached_text(plan.data, plan.source).split(plan.holdout)
            self.trained_on = key, novelty.TrainingText(train.beginning(novelty.MOST_BYTES).text())
        compared = self.trained_on[1].compare(str(options.get("text", "")), self.watch)
        return {"kind": "novelty", **compared.to_row()}


def _open(run: RunFiles, plan: Plan, watch: Callable[[], None]) -> Questions:
    """What can be asked of a run without torch; nothing where its cell needs it."""
    from seqplay.data import tokens
    from seqplay.steps import opened, questions

    codec = tokens.from_json(plan.tokens, layout.read_codec(run, plan))
    step = opened.open_step(run, plan, codec)
    return {} if step is None else questions.text_questions(codec, step, watch)


def _load(run: RunFiles, watch: Callable[[], None]) -> Questions:
    import torch

    from seqplay.engine import checkpoints, planning, tasks

    task, plan = tasks.reopen(run)
    planning.check_memory(task, plan, copies=1)
    torch.set_num_threads(1 if plan.slices > 1 else plan.threads)  # as the trainer scored it
    network = task.build(plan).requires_grad_(False).eval()
    checkpoints.load_best(run.checkpoints, network)
    return task.questions(network, watch)


def _xray(options: Mapping[str, Any]) -> Answer:
    """What there is to know of `sources` (of tables, of a `column`), of a cached text (`data`; of which a share
    `holdout` is held out), or of a `text`.
    """
    from seqplay.data import xray

    name = str(options.get("name", ""))
    if "sources" in options:
        found = xray.examine([str(source) for source in options["sources"]], options.get("column"))
    elif "data" in options:
        holdout = number(options.get("holdout", 0.1))
        found = xray.examine_cached(str(options["data"]), name, math.nan if holdout is None else holdout)
    else:
        found = xray.examine_text(str(options.get("text", "")), name)
    for row in found:
        yield {**xray.to_row(row), "kind": "xray"}


def _describe(options: Mapping[str, Any]) -> Answer:
    """What a cell or a model is, by its name."""
    from seqplay.engine import descriptions

    found = descriptions.describe(str(options.get("name", "")), str(options.get("kind", "cell")))
    yield {**found, "kind": "description"}


def _check(options: Mapping[str, Any]) -> Answer:
    """What each check of the contract says of a cell or a model, and how fast a cell is beside an LSTM."""
    from seqplay.engine import catalog
    from seqplay.engine.contract import running

    architecture, _ = catalog.load(str(options.get("name", "")), str(options.get("kind", "cell")))
    yield from running.rows(architecture)


def _keep(options: Mapping[str, Any]) -> Answer:
    """Pictures read from `sources` into the cache: what they are called, and their SHA-256."""
    from seqplay.data.pictures.sources import read_pictures

    source = read_pictures([str(source) for source in options.get("sources", ())])
    yield {"kind": "kept", "name": source.name, "data": source.data}


def _pictures(options: Mapping[str, Any]) -> Answer:
    """What there is to know of pictures in `sources`: their number and size, some of them, and how many each label has.

    Nothing of them is kept.
    """
    import numpy as np

    from seqplay import figures
    from seqplay.data.pictures.sources import look_at_pictures

    name, known = look_at_pictures([str(source) for source in options.get("sources", ())])
    _, height, width, channels = known.pixels.shape
    about = {"name": name, "count": len(known), "height": height, "width": width, "channels": channels}
    yield {"kind": "pictures", **about, "labels": len(known.names)}
    some = known.take(np.unique(np.linspace(0, len(known) - 1, min(SOME, len(known)), dtype=np.int64)))
    labels = tuple(known.names[label] for label in some.labels)
    pixels = np.ascontiguousarray(some.pixels).tobytes()
    yield figures.to_json(figures.Picture.of(pixels, height, width, channels, ink=known.ink, labels=labels))
    counts = np.bincount(known.labels, minlength=len(known.names))[:MOST_LABELS].tolist()
    yield figures.to_json(figures.Bars(known.names[: len(counts)], tuple(map(float, counts))))


def _stop(options: Mapping[str, Any]) -> Answer:  # noqa: ARG001
    """Nothing: that it was asked has ended the answer under way."""
    return iter(())


WITHOUT_RUN: Questions = {
    "xray": _xray,
    "describe": _describe,
    "check": _check,
    "keep": _keep,
    "pictures": _pictures,
    "stop": _stop,
}


if __name__ == "__main__":
    main()
