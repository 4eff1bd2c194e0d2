"""Real runs of small models: made as `seqplay train` makes them, trained in this process or in one that can be killed.

Importing torch costs more than a whole test, so processes are forked from a server that has it, and what else a
training loads on its way, loaded.
"""

import json
import os
import select
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch

from seqplay import files, wire
from seqplay import recipe as recipes
from seqplay.data.pictures.sources import read_pictures
from seqplay.data.texts import read_sources
from seqplay.engine import planning, worker
from seqplay.engine.drive import Drive
from seqplay.engine.tasks import text as text_task
from seqplay.engine.train import train
from seqplay.recipe import Plan, Recipe
from seqplay.runs import commit, control, rows, shelf
from seqplay.runs.best import MODEL, STATE, TRAINING
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import read_all

HANG_SECONDS = 60.0
CLOCKS = {"evaluation_seconds", "startup_seconds", "tokens_per_second", "seconds"}
SERVER = """
import json, os, sys
import numpy.random, safetensors.torch, tokenizers, torch
from seqplay.engine import drive, loop, planning, tasks, train
from seqplay.engine.tasks import text

text.PREVIEW_TOKENS = 20
planning.MEASURE_STEPS = 4
for line in sys.stdin:
    asked = json.loads(line)
    if "wait" in asked:
        code = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        print(json.dumps(code), flush=True)
        continue
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.environ.update(asked["environment"])
            output = os.open(os.path.join(asked["run"], "output.txt"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.argv = ["train", asked["run"]]
            exec(asked["setup"])
            train.main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException as problem:
            os.write(2, repr(problem).encode())
        finally:
            os._exit(code)
    print(json.dumps(child), flush=True)
"""


@dataclass(frozen=True)
class Trial:
    """A run, and what tests ask of it."""

    files: RunFiles

    def train(self) -> bool:
        return train(self.files)

    def planned(self) -> "Trial":
        """The run with its plan, and no step made."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Drive, "go", lambda *_: False)
            train(self.files)
        return self

    def ask(self, action: str, value: float | None = None) -> None:
        control.ask(self.files, action, value)

    def copy(self, name: str) -> "Trial":
        """The whole directory as it is now: what a kill at this instant would leave."""
        return Trial(RunFiles(Path(shutil.copytree(self.files.path, self.files.path.with_name(name)))))

    def twin(self, name: str) -> "Trial":
        """A second run of the same plan that has not begun."""
        twin = RunFiles(self.files.path.with_name(name))
        twin.path.mkdir()
        for path in (self.files.recipe, self.files.plan, self.files.tokenizer, self.files.pixels):
            if path.exists():
                shutil.copy(path, twin.path)
        return Trial(twin)

    @property
    def plan(self) -> Plan:
        return recipes.plan_from_json(json.loads(self.files.plan.read_bytes()), self.files.plan)

    def change_plan(self, **values: Any) -> None:
        row = json.loads(self.files.plan.read_bytes()) | values
        files.write_atomically(self.files.plan, rows.to_json(row))

    def rows(self, *kinds: str) -> list[dict[str, Any]]:
        return [row for row in read_all(self.files.log) if not kinds or row["kind"] in kinds]

    def losses(self) -> list[tuple[int, float]]:
        return [(row["step"], row["train_loss"]) for row in self.rows("step")]

    def numbers(self) -> list[dict[str, Any]]:
        """Every row that a plan decides, without what a clock or a directory's name says."""
        return [
            {key: value for key, value in row.items() if key not in CLOCKS and key != "run"}
            for row in self.rows("start", "step", "evaluation", "done")
        ]

    def figures(self, *, by_clock: bool = False) -> list[dict[str, Any]]:
        """The figures that the plan and requests decide, or those that came because time had passed."""
        return [row for row in read_all(self.files.figures) if (row.get("by") == "clock") is by_clock]

    def steps(self) -> list[int]:
        return commit.steps(self.files.checkpoints)

    def checkpoint(self, step: int | None = None) -> dict[str, Any]:
        """Every entry of a checkpoint by name: tensors, and the numbers of state.json."""
        step = self.steps()[-1] if step is None else step
        read = {name: commit.read_file(self.files.checkpoints, step, name) for name in (MODEL, TRAINING, STATE)}
        entries = {f"model/{name}": t for name, t in safetensors.torch.load(read[MODEL]).items()}
        entries |= safetensors.torch.load(read[TRAINING])
        state = json.loads(read[STATE])
        entries |= {f"changes.{name}": value for name, value in state.pop("changes").items()}
        return entries | state

    def write_checkpoint(self, step: int, entries: dict[str, Any]) -> None:
        """Commit a checkpoint of these entries, whatever they are, in place of the one that is there."""
        tensors = {name: value for name, value in entries.items() if "/" in name}
        model = {name.removeprefix("model/"): t for name, t in tensors.items() if name.startswith("model/")}
        training = {name: t for name, t in tensors.items() if not name.startswith("model/")}
        numbers = {name: value for name, value in entries.items() if "/" not in name}
        changes = {n.removeprefix("changes."): v for n, v in numbers.items() if n.startswith("changes.")}
        state = {n: v for n, v in numbers.items() if not n.startswith("changes.")} | {"changes": changes}
        contents = {
            MODEL: safetensors.torch.save(model),
            TRAINING: safetensors.torch.save(training),
            STATE: json.dumps(state).encode(),
        }
        commit.commit(self.files.checkpoints, step, contents)

    def verify(self) -> list[int]:
        """Read every committed file; the steps."""
        for step in self.steps():
            commit.verify(self.files.checkpoints, step)
        return self.steps()

    def write(self, prompt: str = "", length: int = 40, **dials: Any) -> str:
        """What the trained model writes, asked as a viewer asks."""
        options = {"prompt": prompt, "length": length, "seed": 1, **dials}
        rows = worker.answer(wire.Ask(str(self.files.path), "continue", options))
        return "".join(row["text"] for row in rows if row["kind"] == "token")

    def output(self) -> str:
        return self.files.output.read_text() if self.files.output.exists() else ""


class ForkServer:
    """Starts training processes that are `python -m seqplay.engine.train RUN` in all but the import of torch."""

    def __init__(self) -> None:
        self._server = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start(self, trial: Trial, setup: str = "") -> int:
        """The pid of a new training process, which first runs `setup`."""
        environment = {"SEQPLAY_HOME": os.environ["SEQPLAY_HOME"]}
        return self._say({"run": str(trial.files.path), "setup": setup, "environment": environment})

    def wait(self, pid: int, seconds: float = HANG_SECONDS) -> int | None:
        """The exit code, negative for a signal; None if it lives longer than that."""
        handle = os.pidfd_open(pid)
        try:
            ended = select.select([handle], [], [], seconds)[0]
        finally:
            os.close(handle)
        return self._say({"wait": pid}) if ended else None

    def run(self, trial: Trial, setup: str = "") -> int:
        code = self.wait(self.start(trial, setup))
        assert code is not None, "the training hangs"
        return code

    def end(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(HANG_SECONDS)
        self._server.stdout.close()

    def _say(self, question: dict[str, Any]) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(question).encode() + b"\n")
        self._server.stdin.flush()
        answer: int = json.loads(self._server.stdout.readline())
        return answer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SEQPLAY_HOME, and previews and a measuring of the machine that cost little."""
    monkeypatch.setenv("SEQPLAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(text_task, "PREVIEW_TOKENS", 20)
    monkeypatch.setattr(planning, "MEASURE_STEPS", 4)
    return tmp_path / "home"


@pytest.fixture(scope="session")
def make_run_in() -> Callable[..., Trial]:
    """make_run_in(folder, text, **recipe): the text in the cache and a run with its recipe, as the CLI makes them."""

    def make(folder: Path, text: str, **asked: Any) -> Trial:
        source = folder / "novel.txt"
        source.write_bytes(text.encode())
        read = read_sources([str(source)])
        recipe = Recipe(source=read.name, data=read.data, created=time.time(), **asked)
        run = shelf.create(None, f"{source.stem}-{recipe.cell}")
        files.write_atomically(run.recipe, rows.to_json(recipes.to_json(recipe), indent=2))
        return Trial(run)

    return make


@pytest.fixture
def make_run(tmp_path: Path, make_run_in: Callable[..., Trial]) -> Callable[..., Trial]:
    """make_run(text, **recipe)."""
    return partial(make_run_in, tmp_path)


@pytest.fixture
def make_picture_run(tmp_path: Path) -> Callable[..., Trial]:
    """make_picture_run(task, model, **recipe): 90 pictures of three kinds of strokes, and a run of them."""

    def make(task: str, model: str, **asked: Any) -> Trial:
        folder = tmp_path / "strokes"
        folder.mkdir(exist_ok=True)
        (folder / "train-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 0x803, 90, 8, 8) + strokes(90))
        labels = bytes(number % 3 for number in range(90))
        (folder / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 90) + labels)
        read = read_pictures([str(folder)])
        recipe = Recipe(task=task, model=model, source=read.name, data=read.data, created=time.time(), **asked)
        run = shelf.create(None, f"{read.name}-{model}")
        files.write_atomically(run.recipe, rows.to_json(recipes.to_json(recipe), indent=2))
        return Trial(run)

    return make


def strokes(count: int) -> bytes:
    """Pictures of 8 x 8: a bar across, a bar down, or a diagonal, each a little different."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, 60, (count, 8, 8), dtype=np.uint8)
    for number, picture in enumerate(drawn):
        at = 2 + number // 3 % 4
        match number % 3:
            case 0:
                picture[at] = 220
            case 1:
                picture[:, at] = 220
            case 2:
                np.fill_diagonal(picture, 220 - 5 * at)
    return drawn.tobytes()


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    """Training processes without the wait for torch."""
    if sys.platform != "linux":
        pytest.skip("pidfd_open is Linux only")
    server = ForkServer()
    yield server
    server.end()


@pytest.fixture
def until() -> Callable[..., None]:
    """until(fact): wait for a fact that another process brings about, with a guard against hanging."""

    def wait(fact: Callable[[], Any]) -> None:
        guard = time.monotonic() + HANG_SECONDS
        while not fact():
            assert time.monotonic() < guard, "it never comes"
            os.sched_yield()

    return wait
