"""A run that was stopped or killed goes on exactly where its checkpoint is (promise D3): numbers are compared with ==.

The second half breaks the checkpoint, one entry at a time: what a checkpoint holds is needed, and nothing goes missing
unseen.
"""

import shutil
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from seqplay.data.built_in import built_in_text
from seqplay.engine import checkpoints, drive, loop
from seqplay.engine.tasks import text as text_task
from seqplay.errors import RunError
from seqplay.runs.best import TRAINING
from seqplay.runs.rows import to_line

MakeRun = Callable[..., Any]
TEXT = built_in_text("english").decode()[:2000]
PLAN = {
    "hidden": 8,
    "embedding": 8,
    "layers": 2,
    "batch": 8,
    "sequence": 16,
    "dropout": 0.3,
    "embedding_dropout": 0.2,
    "evaluate_every": 1,
}
EPOCH = 13  # steps: (1,800 characters - 16) // (8 x 16)
STEPS = 18


class KilledError(Exception):
    """Raised where a kill would end the process."""


def same(entry: Any, other: Any) -> bool:
    return torch.equal(entry, other) if isinstance(entry, torch.Tensor) else entry == other


def assert_equal_runs(run: Any, uninterrupted: Any) -> None:
    assert run.losses() == uninterrupted.losses()
    assert run.numbers() == uninterrupted.numbers()
    assert run.figures() == uninterrupted.figures()
    mine, its = run.checkpoint(), uninterrupted.checkpoint()
    assert mine.keys() == its.keys()
    assert [name for name in mine if name != "seconds" and not same(mine[name], its[name])] == []
    assert run.write() == uninterrupted.write()


def copy_after_checkpoints(
    monkeypatch: pytest.MonkeyPatch, run: Any, steps: set[int], moment: str = "checkpoint"
) -> dict[int, Any]:
    """Copies of the run's directory just after the checkpoint of each step: what a kill leaves there."""
    copies: dict[int, Any] = {}
    real = checkpoints.save

    def save(directory: Any, training: Any) -> None:
        real(directory, training)
        if directory == run.files.checkpoints and training.step in steps:
            copies[training.step] = run.copy(f"{moment}-{training.step}")

    monkeypatch.setattr(checkpoints, "save", save)
    return copies


def kill_before_update(monkeypatch: pytest.MonkeyPatch, step: int) -> pytest.MonkeyPatch:
    real = loop.update

    def update(training: Any, *rest: Any) -> Any:
        if training.step == step:
            raise KilledError
        return real(training, *rest)

    monkeypatch.setattr(loop, "update", update)
    return monkeypatch


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_run_killed_after_a_checkpoint_goes_on_as_if_nothing_had_happened(
    cell: str, threads: int, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, cell=cell, threads=threads, steps=STEPS, **PLAN)
    copies = copy_after_checkpoints(monkeypatch, run, {1, 7, EPOCH - 1, EPOCH, EPOCH + 1})
    assert run.train()
    assert run.plan.slices == threads
    assert (run.plan.train_tokens - 16) // (8 * 16) == EPOCH
    assert [step for step, _ in run.losses()] == list(range(1, STEPS + 1))
    assert len(copies) == 5
    for step, copy in copies.items():
        assert copy.steps()[-1] == step
        assert copy.train()
        assert_equal_runs(copy, run)


@pytest.mark.parametrize("killed_at", [3, 4, 5, 6, 9])
def test_a_run_killed_between_checkpoints_repeats_the_steps_that_are_lost(
    killed_at: int, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted = make_run(TEXT, steps=10, threads=2, **{**PLAN, "evaluate_every": 4})
    uninterrupted.train()
    run = uninterrupted.twin("killed")
    with monkeypatch.context() as patched:
        kill_before_update(patched, killed_at)
        with pytest.raises(KilledError):
            run.train()
    assert run.losses()[-1][0] == killed_at
    assert run.steps()[-1] == killed_at // 4 * 4
    assert run.train()
    assert_equal_runs(run, uninterrupted)


def test_a_run_that_was_stopped_at_every_step_goes_on_as_if_nothing_had_happened(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted = make_run(TEXT, steps=6, threads=2, **{**PLAN, "evaluate_every": 4})
    uninterrupted.train()
    run, real = uninterrupted.twin("stopped"), loop.update

    def update(training: Any, *rest: Any) -> Any:
        made = real(training, *rest)
        if training.step < 6:
            run.ask("stop")
        return made

    monkeypatch.setattr(loop, "update", update)
    for _ in range(5):
        assert not drive_again(run)
    assert drive_again(run)
    assert_equal_runs(run, uninterrupted)


def drive_again(run: Any) -> bool:
    """Train as a new process does, for which earlier requests are none."""
    from seqplay.engine.train import train

    earlier = run.files.control.stat().st_size if run.files.control.exists() else 0
    return train(run.files, None, earlier)


def test_a_run_killed_after_its_last_checkpoint_only_scores(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(TEXT, steps=4, **PLAN)
    copies = copy_after_checkpoints(monkeypatch, run, {4})
    run.train()
    kill_before_update(monkeypatch, 4)
    assert copies[4].train()
    assert_equal_runs(copies[4], run)


def test_a_run_that_ended_for_lack_of_patience_does_not_train_on_when_it_is_killed_before_its_score(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(ADVERSE, steps=60, patience=4, **PLAN)
    copies = copy_after_checkpoints(monkeypatch, run, set(range(61)))
    run.train()
    last = run.steps()[-1]
    assert last < 60
    assert copies[last].train()
    assert_equal_runs(copies[last], run)


def test_training_a_finished_run_again_changes_nothing(make_run: MakeRun) -> None:
    run = make_run(TEXT, steps=4, **PLAN)
    run.train()
    finished = run.copy("finished")
    run.train()
    assert_equal_runs(run, finished)


# -- a checkpoint with one entry less, or with an entry as it was at the start

ADVERSE = "ab" * 900 + "ab" * 50 + "aabb" * 25  # the held-out part agrees at first, and is unlearned then
HELD_AT = 9
CHANGED: list[dict[str, Any]] = [  # stand in the log before the run begins, so that they happen at their step
    {"kind": "change", "step": 3, "name": "steps", "value": 30, "before": STEPS},
    {"kind": "change", "step": 5, "name": "learning_rate", "value": 0.02, "before": 0.1},
]


def start_of(name: str, started: dict[str, Any]) -> Any:
    """An entry as it is before the first update."""
    if name.startswith(("model/", "weights/")):
        return started[name]
    if isinstance(started.get(name), torch.Tensor):
        return torch.zeros_like(started[name])
    return STARTING_VALUES[name]


STARTING_VALUES: dict[str, Any] = {
    "step": 0,
    "seconds": 0.0,
    "tokens": 0,
    "best_step": None,
    "best_loss": None,
    "since_best": 0,
    "smoothed_loss": None,
    "memory": None,
    "changes.steps": STEPS,
    "changes.rate_scale": 1.0,
    "changes.anchor_step": 0,
    "changes.anchor_progress": 0.0,
}
TENSORS = ("model/", "weights/", "moment1/", "moment2/", "memory/")


class Clock:
    """One second a look, so that seconds, too, are compared with ==."""

    def __init__(self) -> None:
        self.looks = 0.0

    def perf_counter(self) -> float:
        self.looks += 1
        return self.looks


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, make_run_in: MakeRun) -> SimpleNamespace:
    """A run to which everything has happened before step 9, and its copies at steps 0 and 9."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SEQPLAY_HOME", str(folder))
        patched.setattr(drive, "time", Clock())
        patched.setattr(text_task, "PREVIEW_TOKENS", 20)
        run = make_run_in(folder, ADVERSE, steps=STEPS, patience=8, learning_rate=0.1, **PLAN)
        run.files.log.write_bytes(b"".join(map(to_line, CHANGED)))
        copies = copy_after_checkpoints(patched, run, {0, HELD_AT})
        assert run.train()
    entries = copies[HELD_AT].checkpoint()
    return SimpleNamespace(
        home=folder, run=run, copy=copies[HELD_AT], entries=entries, started={**entries, **copies[0].checkpoint()}
    )


@pytest.fixture
def held(recorded: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The recorded run, with a copy of its copy to break."""
    monkeypatch.setenv("SEQPLAY_HOME", str(recorded.home))
    monkeypatch.setattr(drive, "time", Clock())
    copy = recorded.copy.copy("broken")
    yield SimpleNamespace(**{**vars(recorded), "copy": copy})
    shutil.rmtree(copy.files.path)


def everything(run: Any) -> list[Any]:
    apart = {"run", "evaluation_seconds", "startup_seconds"}
    done = {key: value for key, value in run.rows("done")[0].items() if key not in apart}
    return [run.rows("step"), run.rows("evaluation"), done, run.figures()]


def test_the_copy_with_all_its_entries_goes_on_exactly(held: SimpleNamespace) -> None:
    assert 0 < held.run.checkpoint()["best_step"] < HELD_AT
    assert HELD_AT < held.run.steps()[-1] < STEPS
    held.copy.write_checkpoint(HELD_AT, held.entries)
    assert held.copy.train()
    assert everything(held.copy) == everything(held.run)


def test_every_entry_of_a_checkpoint_is_listed_here(held: SimpleNamespace) -> None:
    assert {name for name in held.entries if "/" not in name} == STARTING_VALUES.keys()
    assert {f"{name.partition('/')[0]}/" for name in held.entries if "/" in name} == set(TENSORS)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_it(held: SimpleNamespace) -> None:
    newest, before = held.copy.steps()[-1], held.copy.steps()[-2]
    path = held.copy.files.checkpoints / str(newest) / TRAINING
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert held.copy.train()
    assert everything(held.copy) == everything(held.run)
    said = [row["message"] for row in held.copy.rows("note")]
    assert f"goes on from step {before:,}" in said
    assert f"checkpoint {newest:,} is damaged: its steps are made again" in said


@pytest.mark.parametrize("name", [*STARTING_VALUES, *TENSORS])
def test_a_checkpoint_without_one_of_its_entries_is_refused(name: str, held: SimpleNamespace) -> None:
    lacking = [entry for entry in held.entries if entry == name or (name in TENSORS and entry.startswith(name))]
    assert lacking
    for entry in lacking:
        held.copy.write_checkpoint(HELD_AT, {key: value for key, value in held.entries.items() if key != entry})
        for older in set(held.copy.steps()) - {HELD_AT}:  # a whole one would be taken in its place
            shutil.rmtree(held.copy.files.checkpoints / str(older))
        with pytest.raises(RunError, match=str(HELD_AT)) as refused:
            held.copy.train()
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [*STARTING_VALUES, *TENSORS])
def test_an_entry_as_it_was_at_the_start_is_noticed(name: str, held: SimpleNamespace) -> None:
    forgotten = {
        key: start_of(key, held.started) if key == name or (name in TENSORS and key.startswith(name)) else value
        for key, value in held.entries.items()
    }
    held.copy.write_checkpoint(HELD_AT, forgotten)
    held.copy.train()
    assert everything(held.copy) != everything(held.run)
