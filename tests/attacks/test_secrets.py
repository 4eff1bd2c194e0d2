"""What a run tells to whoever it is given to (promise X6).

A run tells a text's symbols: its vocabulary is in tokenizer.json, single characters or words (or the pieces of words
that occur often), and figures.jsonl holds what the model wrote, which is its own, though a model that has learned a
text by heart writes that text. It tells the text's name and SHA-256. No file holds a passage of the text, where it
lay, or anything of the environment.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest

from seqplay.engine import train as trainer
from seqplay.engine.drive import Drive
from seqplay.errors import SeqplayError
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock

from .conftest import TEXT, every_file, make_run

CANARY = "The lighthouse keeper's password is swordfish-2187."
SECRET = "hunter2-of-the-environment"
SECRETS = [CANARY.encode(), b"swordfish-2187", b"keeper's password", SECRET.encode()]


@pytest.fixture
def secret_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with a name of its own, and an environment with secrets in it."""
    home = tmp_path / "home-of-somebody"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SEQPLAY_HOME", str(home / "seqplay"))
    for name in ("AWS_SECRET_ACCESS_KEY", "SEQPLAY_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    return home


@pytest.fixture
def told(secret_home: Path) -> RunFiles:
    return make_run(secret_home, f"{TEXT[:1500]}\n{CANARY}\n{TEXT[1500:]}")


def leaks(run: RunFiles) -> Iterator[tuple[str, bytes]]:
    for name, content in every_file(run).items():
        for secret in [*SECRETS, b"home-of-somebody"]:
            if secret in content:
                yield name, secret


def test_no_file_of_a_run_holds_its_text_its_home_or_the_environment(told: RunFiles) -> None:
    assert len(every_file(told)) > 8
    assert list(leaks(told)) == []


def test_such_a_leak_is_seen(told: RunFiles) -> None:
    with told.log.open("a") as log:
        log.write(f'{{"kind":"note","message":"cannot read {told.path}: {CANARY}"}}\n')
    assert {secret for _, secret in leaks(told)} > {CANARY.encode(), b"home-of-somebody"}


def crash(run: RunFiles, problem: Exception, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a trainer that meets a problem, with what it prints in output.txt."""

    def fail(self: Drive, *_: object) -> bool:
        text = CANARY  # what is in a frame's variables when it ends
        assert text
        raise problem

    monkeypatch.setattr(Drive, "go", fail)
    with StringIO() as printed, redirect_stderr(printed), WriterLock(run):
        code = trainer._guarded(run, 0.0, 0)
        run.output.write_text(printed.getvalue())
    return code


@pytest.mark.parametrize(
    "problem", [ValueError("{run}/x"), MemoryError(), SeqplayError("Cannot read {run}/x: no. See {home}/y")]
)
def test_a_crash_leaves_neither_the_text_nor_a_place_in_the_run(
    problem: Exception, told: RunFiles, secret_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = type(problem)(str(problem).format(run=told.path, home=secret_home))
    assert crash(told, problem, monkeypatch) == 1
    assert b'"crashed"' in told.log.read_bytes()
    assert list(leaks(told)) == []
    if isinstance(problem, SeqplayError):
        assert told.output.read_text() == "Cannot read novel/x: no. See ~/y\n"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_run_and_the_cached_text_are_for_their_user_alone_under_any_umask(umask: int, secret_home: Path) -> None:
    before = os.umask(umask)
    try:
        run = make_run(secret_home)
        with WriterLock(run):
            modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (secret_home / "seqplay").rglob("*")}
    finally:
        os.umask(before)
    assert {run.process, run.lock, run.checkpoints} < modes.keys()
    for path, mode in modes.items():
        assert mode == (0o700 if path.is_dir() else 0o600), path
