"""A training process killed by SIGKILL, again and again, ends with the numbers of one that never was (promise D2)."""

import os
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest

from seqplay.data.built_in import built_in_text
from seqplay.runs.reader import last_row

TEXT = built_in_text("english").decode()[:2000]
PLAN = {
    "hidden": 8,
    "embedding": 8,
    "layers": 2,
    "batch": 8,
    "sequence": 16,
    "dropout": 0.3,
    "embedding_dropout": 0.2,
    "threads": 2,
}
KILLS = 20
LEAST_KILLS = 15  # a fast machine may have finished in between
STEPS = 800
LONGEST_LIFE = 0.3  # seconds; a busy machine needs longer for a step
SEED = 20

FORGETS_MEMORY = """
from seqplay.engine import checkpoints
load = checkpoints.load
def forgetful(directory, step, training):
    load(directory, step, training)
    training.memory = None
checkpoints.load = forgetful
"""
KEEPS_THE_WHOLE_LOG = """
from seqplay.runs import writer
from seqplay.runs.reader import read_all
writer.cut = lambda path, step: writer.Cut(read_all(path), 0)
"""
LOGS_AFTER_CHECKPOINTS = """
from seqplay.engine import checkpoints
from seqplay.engine.drive import Drive
def commit(drive):
    checkpoints.save(drive.run.checkpoints, drive.training)
    if drive.training.step:
        os.kill(os.getpid(), 9)
Drive._commit = commit
"""


def kill(server: Any, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert server.wait(pid) == -signal.SIGKILL


def assert_equal_runs(run: Any, uninterrupted: Any) -> None:
    assert run.losses() == uninterrupted.losses()
    assert run.numbers() == uninterrupted.numbers()
    assert run.figures() == uninterrupted.figures()


def test_a_run_killed_at_random_moments_ends_as_one_that_never_was(make_run: Callable[..., Any], server: Any) -> None:
    moments = random.Random(SEED)
    run = make_run(TEXT, steps=STEPS, evaluate_every=4, **PLAN).planned()
    kills, steps, longest = 0, {0}, LONGEST_LIFE
    while kills < KILLS:
        pid = server.start(run)
        code = server.wait(pid, moments.uniform(0, longest))
        assert code in (None, 0), run.output()
        if code == 0:
            break
        kill(server, pid)
        kills += 1
        step = max(run.verify(), default=0)
        longest *= 1.2 if step in steps else 1.0
        steps.add(step)
    assert kills >= LEAST_KILLS, f"seed {SEED}: {sorted(steps)}"
    assert len(steps) > 5, f"seed {SEED}: {sorted(steps)}"
    assert server.run(run) == 0, run.output()

    uninterrupted = run.twin("uninterrupted")
    assert server.run(uninterrupted) == 0, uninterrupted.output()
    assert run.losses()[-1][0] == STEPS
    assert_equal_runs(run, uninterrupted)
    assert run.verify() == uninterrupted.verify()
    assert run.write() == uninterrupted.write()
    assert [path.name for path in run.files.path.rglob(".*")] == []


@pytest.mark.parametrize("naive", [FORGETS_MEMORY, KEEPS_THE_WHOLE_LOG])
def test_a_naive_resume_is_noticed(
    naive: str, make_run: Callable[..., Any], server: Any, until: Callable[..., None]
) -> None:
    run = make_run(TEXT, steps=40, evaluate_every=5, **PLAN)
    pid = server.start(run, naive)
    until(lambda: (last_row(run.files.log, {"step"}) or {}).get("step", 0) > 6)
    kill(server, pid)
    assert server.run(run, naive) == 0, run.output()
    uninterrupted = run.twin("uninterrupted")
    assert server.run(uninterrupted) == 0
    assert run.losses()[:5] == uninterrupted.losses()[:5]
    with pytest.raises(AssertionError):
        assert_equal_runs(run, uninterrupted)


def test_a_checkpoint_ahead_of_its_log_is_noticed(make_run: Callable[..., Any], server: Any) -> None:
    run = make_run(TEXT, steps=12, evaluate_every=5, **PLAN)
    assert server.run(run, LOGS_AFTER_CHECKPOINTS) == -signal.SIGKILL
    assert server.run(run) == 0, run.output()
    uninterrupted = run.twin("uninterrupted")
    assert server.run(uninterrupted) == 0
    with pytest.raises(AssertionError):
        assert_equal_runs(run, uninterrupted)
