"""The whole way in a real terminal, by keys alone: from an empty shelf to a model that writes, and back to it."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from forking import environment

from seqplay.runs import shelf
from seqplay.runs.reader import last_row
from seqplay.runs.summary import is_busy

from .terminal import ESCAPE, PLAYGROUND, Terminal, pasted

Open = Callable[..., Terminal]


def seqplay(home: Path, *argv: str) -> None:
    command = [sys.executable, *PLAYGROUND, *argv]
    subprocess.run(command, env=environment(home), check=True, capture_output=True, timeout=60)


@pytest.fixture
def opened(home_of_its_own: Path, tmp_path: Path) -> Iterator[Open]:
    """Opens terminals, and closes them; whatever trains in the end is stopped."""
    with ExitStack() as terminals:
        yield lambda *argv: terminals.enter_context(
            Terminal(home_of_its_own, command=(*PLAYGROUND, *argv), cwd=tmp_path)
        )
    for run in filter(is_busy, shelf.all_runs()):
        seqplay(home_of_its_own, "stop", run.name)


def number(terminal: Terminal, pattern: str) -> float:
    found = re.search(pattern, terminal.text)
    return float(found[1].replace(",", "")) if found else 0.0


def step_in(terminal: Terminal) -> float:
    return number(terminal, r"([\d,]+) / [\d,]+ ")


def test_from_an_empty_shelf_to_a_model_that_writes_and_back(opened: Open) -> None:
    app = opened()
    app.until(lambda: "what should it learn?" in app.text and "▌ english" in app.text, "the list of texts")
    app.until(lambda: "76,068 characters" in app.text, "the text under the cursor")
    app.type("\t\x1b[B\x1b[B\x1b[D")  # to the recipe, two rows down, one size smaller
    app.type("\r")
    app.until(lambda: "english-lstm" in app.text, "the run")
    app.until(lambda: "● english-lstm" in app.text, "the training")
    app.until(lambda: "· temperature 0.80" in app.text and number(app, r"([\d.]+) nats") > 0, "what it writes at first")
    early, first = number(app, r"([\d.]+) nats"), app.text.partition("writes now")[2]
    app.until(lambda: 0 < number(app, r"([\d.]+) nats") < early, "a lower loss")
    app.until(lambda: app.text.partition("writes now")[2] != first and "below gzip" in app.text, "another sample")

    app.type("S")
    app.until(lambda: "next character" in app.text, "the place where it writes")
    app.type("i")
    app.type(pasted("The 나는 오늘"))
    app.type("\r")
    app.until(lambda: "never seen in training: 나" in app.text, "the syllables that it never saw, by name")
    app.until(lambda: "longest copy" in app.text, "its text, to the end")

    app.type(ESCAPE)
    app.until(lambda: "take  w a word" in app.text, "the keys of the place, the prompt let go")
    app.type("T")
    app.until(lambda: "writes now" in app.text, "the training again")
    app.type(".")
    app.until(lambda: "○ english-lstm" in app.text and "nothing is lost" in app.text, "the end of the training")
    app.type("q")
    assert app.end() == 0

    again = opened()
    again.until(lambda: "○ english-lstm" in again.text, "the run, as it was left")
    again.type("R")
    again.until(lambda: "1 run" in again.text and "lstm 1×128" in again.text, "the run on the shelf")
    again.type("q")
    assert again.end() == 0
    assert again.ended_with == ""


def test_a_training_outlives_an_app_that_is_killed_and_the_next_app_and_watch_show_it_live(
    opened: Open, home_of_its_own: Path
) -> None:
    seqplay(home_of_its_own, "train", "english", "--hidden", "16", "--minutes", "5", "--detach", "--name", "long")
    run = shelf.find("long")
    first = opened()
    first.until(lambda: "● long" in first.text, "the live run")
    first.type("S")
    first.until(lambda: "next character" in first.text, "an answer, so that there is a worker")
    children = _children(first.child.pid)
    assert children != []
    first.child.kill(signal.SIGKILL)
    killed_at = (last_row(run.log, ("step",)) or {})["step"]

    second, watch = opened(), opened("watch", "long")
    second.until(lambda: "● long" in second.text, "the live run in the next app")
    watch.until(lambda: "● long" in watch.text or "long  lstm" in watch.text, "the live run in watch")
    second.until(lambda: step_in(second) > killed_at, "steps from after the kill")
    assert is_busy(run)
    before = step_in(second)
    second.until(lambda: step_in(second) > before, "more steps")
    second.until(lambda: not any(_is_there(child) for child in children), "the end of the killed app's workers")
    second.type("q")
    assert second.end() == 0
    assert re.fullmatch(r"long goes on \(\d+ %\)\. seqplay shows it; seqplay stop long ends it\.", second.ended_with)


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in listed.stdout.split()]


def _is_there(pid: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() not in ("", "Z", "Zs")
