"""One small trained run, and what a stranger can do to a copy of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from seqplay import files, recipe
from seqplay.data.built_in import built_in_text
from seqplay.data.texts import read_sources
from seqplay.engine.train import train
from seqplay.recipe import Recipe
from seqplay.runs import commit, process, rows, shelf
from seqplay.runs.control import ask
from seqplay.runs.layout import RunFiles

TEXT = built_in_text("english").decode()[:3000]
SMALL = {"hidden": 8, "embedding": 8, "batch": 4, "sequence": 16, "threads": 1, "steps": 4, "evaluate_every": 2}
HANG_SECONDS = 120
NEWEST = 4  # the step of the newest checkpoint
PATHS = [name for name, kind in vars(RunFiles).items() if isinstance(kind, property) and name != "name"]
FILES = {getattr(RunFiles(Path()), name).name for name in PATHS} - {"checkpoints", "pixels.json"}
"""Every file beside the checkpoints that seqplay knows in a run of a text: a new one is attacked too. What only runs of
pictures have is attacked in tests/engine/test_pictures.py.
"""


def make_run(folder: Path, text: str = TEXT, **asked: object) -> RunFiles:
    """A run as `seqplay train` makes it, trained in this process."""
    source = folder / "novel.txt"
    source.write_text(text, encoding="utf-8")
    read = read_sources([str(source)])
    values = {**SMALL, **asked}
    wanted = Recipe(source=read.name, data=read.data, created=time.time(), **values)
    run = shelf.create("novel", "")
    files.write_atomically(run.recipe, rows.to_json(recipe.to_json(wanted), indent=2))
    assert train(run)
    return run


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SEQPLAY_HOME with one finished run that has every file a run can have; never changed by a test."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SEQPLAY_HOME", str(folder / "home"))
        run = make_run(folder)
        ask(run, "stop")
        process.note_this_process(run)
        files.write_new(run.output, b"printed\n")
        files.write_new(run.lock, b"")
    return folder / "home"


@pytest.fixture
def run(trained_home: Path, home_of_its_own: Path) -> RunFiles:
    """A copy of the trained run, in the home of this test."""
    shutil.copytree(trained_home, home_of_its_own)
    run = RunFiles(home_of_its_own / "runs" / "novel")
    run.process.unlink()  # the process that wrote it is this one, and would be taken for its trainer
    return run


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """A reader that never ends fails its test."""

    def fail(number: int, frame: FrameType | None) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(HANG_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def every_file(run: RunFiles) -> dict[str, bytes]:
    """The content of every file below a run, by its path; a symlink's is where it leads."""
    found = {}
    for folder, _, names in os.walk(run.path):
        for path in (Path(folder, name) for name in names):
            found[str(path.relative_to(run.path))] = (
                os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            )
    return found


def plant(run: RunFiles, name: str, content: bytes) -> None:
    """Put a file into the newest checkpoint as a stranger would: listed, with its SHA-256, in the manifest."""
    place = run.checkpoints / str(NEWEST)
    (place / name).write_bytes(content)
    manifest = json.loads((place / commit.MANIFEST).read_bytes())
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (place / commit.MANIFEST).write_bytes(rows.to_json(manifest))


def plant_tokenizer(run: RunFiles, content: bytes) -> None:
    """Put a tokenizer into the run as a stranger would: with its SHA-256 in the plan."""
    run.tokenizer.write_bytes(content)
    change(run.plan, codec={run.tokenizer.name: hashlib.sha256(content).hexdigest()})


def change(path: Path, **values: object) -> None:
    """Change some keys of a JSON file."""
    path.write_bytes(rows.to_json({**json.loads(path.read_bytes()), **values}))
