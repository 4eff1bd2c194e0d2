"""A loss that is not finite never gets into a checkpoint: back, half the rate, at most three times (promise D14)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from seqplay.data.built_in import built_in_text
from seqplay.engine import loop
from seqplay.engine.tasks.text import TextTask
from seqplay.runs import writer
from seqplay.runs.rows import from_line

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
    "threads": 1,
}
KEEPS_ALL_CHECKPOINTS = "from seqplay.runs import commit; commit.keep = lambda *a: []\n"
TAKES_ANY_LOSS = (
    KEEPS_ALL_CHECKPOINTS
    + """
import math
loop.math = type("Blind", (), {**vars(math), "isfinite": staticmethod(lambda x: True)})
text.TextTask.preview = lambda *a: []
"""
)


def not_finite(run: Any) -> list[tuple[int, str]]:
    """(step, entry) for every number of a checkpoint that is not finite."""
    return [
        (step, name)
        for step in run.verify()
        for name, entry in run.checkpoint(step).items()
        if not isinstance(entry, dict | None) and not torch.isfinite(torch.as_tensor(entry)).all()
    ]


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def assert_strict_json(run: Any) -> None:
    for path in (run.files.log, run.files.figures):
        for line in path.read_bytes().splitlines():
            json.loads(line, parse_constant=refuse)


@pytest.mark.parametrize("evaluate_every", [1, 50])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_rate_that_is_far_too_high_ends_the_run_after_three_rollbacks(
    cell: str, evaluate_every: int, make_run: MakeRun, server: Any
) -> None:
    run = make_run(TEXT, cell=cell, steps=200, learning_rate=1e6, evaluate_every=evaluate_every, **PLAN)
    assert server.run(run, KEEPS_ALL_CHECKPOINTS) == 1
    rollbacks = run.rows("change")
    assert [(row["name"], row["value"]) for row in rollbacks] == [("rollback", 0.5)] * 3
    assert [row["step"] for row in rollbacks] == sorted(row["step"] for row in rollbacks)
    assert len(run.output().splitlines()) == 1
    assert "not finite" in run.output()
    assert "--learning-rate" in run.output()
    assert run.rows("note")[-1] == {
        "kind": "note", "note": "crashed", "message": run.output().strip(), "exit_code": 1
    }  # fmt: skip
    assert run.rows("done") == []
    assert_strict_json(run)
    assert run.steps() != []
    assert not_finite(run) == []


def test_a_run_that_takes_any_loss_is_noticed(make_run: MakeRun, server: Any) -> None:
    run = make_run(TEXT, steps=40, learning_rate=1e6, weight_decay=10.0, evaluate_every=1, **PLAN)
    server.run(run, TAKES_ANY_LOSS)
    assert len(run.steps()) > 5
    assert not_finite(run) != []


def test_a_log_with_nan_in_it_is_noticed(make_run: MakeRun) -> None:
    run = make_run(TEXT)
    run.files.figures.touch()
    run.files.log.write_text(json.dumps({"kind": "step", "train_loss": float("nan")}) + "\n")
    with pytest.raises(AssertionError, match="NaN is not JSON"):
        assert_strict_json(run)


def spoil(monkeypatch: pytest.MonkeyPatch, steps: list[int]) -> None:
    """Make the loss NaN when the batch of each of these steps is seen, once for every time it is listed."""
    seen: list[int] = []
    batch, loss = TextTask.batch, TextTask.loss

    def note(self: TextTask, network: Any, plan: Any, step: int) -> Any:
        seen.append(step)
        return batch(self, network, plan, step)

    def spoiled(self: TextTask, network: Any, rows: Any, memory: Any) -> Any:
        made = loss(self, network, rows, memory)
        if seen and seen[-1] in steps and torch.is_grad_enabled():
            steps.remove(seen[-1])
            return replace(made, total=made.total * float("nan"))
        return made

    monkeypatch.setattr(TextTask, "batch", note)
    monkeypatch.setattr(TextTask, "loss", spoiled)


def test_one_loss_that_is_not_finite_costs_one_rollback_to_half_the_rate(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, steps=12, evaluate_every=5, **PLAN).planned()
    run.train()
    spoiled = run.twin("spoiled")
    spoil(monkeypatch, [8])
    assert spoiled.train()
    (change,) = spoiled.rows("change")
    assert (change["step"], change["name"], change["value"], change["before"]) == (5, "rollback", 0.5, 8)
    assert [row["step"] for row in spoiled.rows("step")] == list(range(1, 13))
    assert spoiled.losses()[:6] == run.losses()[:6]  # the loss of step 6 is from before its update
    rates = [[row["learning_rate"] for row in one.rows("step")] for one in (run, spoiled)]
    assert rates[1] == [*rates[0][:5], *(rate / 2 for rate in rates[0][5:])]
    assert spoiled.rows("done")[0]["held_out_loss"] is not None
    assert any("not finite at step 9" in row["message"] for row in spoiled.rows("note"))


def test_the_fourth_loss_that_is_not_finite_ends_the_run(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(TEXT, steps=12, evaluate_every=5, **PLAN).planned()
    spoil(monkeypatch, [2, 7, 7, 11])
    with pytest.raises(Exception, match=r"not finite at step 12.*lower --learning-rate"):
        run.train()
    assert [row["step"] for row in run.rows("change")] == [0, 5, 5]
    spoil(monkeypatch, [11])
    with pytest.raises(Exception, match="not finite at step 12"):  # also in another process
        run.train()


class KilledError(Exception):
    pass


@pytest.mark.parametrize("killed_at", [5, 6, 9, 11])
def test_a_kill_after_a_rollback_replays_it(killed_at: int, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(TEXT, steps=12, evaluate_every=5, **PLAN).planned()
    spoil(monkeypatch, [8])
    run.train()
    killed, real = run.twin("killed"), loop.update

    def update(training: Any, *rest: Any) -> Any:
        if training.step == killed_at and killed.rows("change"):
            raise KilledError
        return real(training, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(loop, "update", update)
        spoil(patched, [8])
        with pytest.raises(KilledError):
            killed.train()
    assert killed.train()
    assert killed.losses() == run.losses()
    assert killed.numbers() == run.numbers()
    assert len(killed.rows("change")) == 1


def test_a_resume_that_forgets_the_rollback_is_noticed(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(TEXT, steps=12, evaluate_every=5, **PLAN).planned()
    spoil(monkeypatch, [8])
    run.train()
    changes = run.rows("change")
    forgetful = run.twin("forgetful")
    monkeypatch.setattr(writer, "from_line", lambda line: None if b'"change"' in line else from_line(line))
    spoil(monkeypatch, [8])
    forgetful.train()
    assert changes != []
    assert forgetful.losses() != run.losses()


def test_a_rate_that_a_person_set_too_high_is_halved_as_well(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, steps=12, evaluate_every=5, **PLAN).planned()
    real, asked = loop.update, []

    def update(training: Any, *rest: Any) -> Any:
        made = real(training, *rest)
        if training.step == 7 and not asked:
            asked.append(run.ask("learning_rate", 0.5))
        return made

    monkeypatch.setattr(loop, "update", update)
    spoil(monkeypatch, [8])
    run.train()
    used = {row["step"]: row["learning_rate"] for row in run.rows("step")}
    assert [row["name"] for row in run.rows("change")] == ["learning_rate", "rollback"]
    assert used[8] == pytest.approx(0.25)
