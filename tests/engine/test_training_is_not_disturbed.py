"""Looking at a run does not change it (promise D4): losses with and without are compared with ==."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from seqplay.data.built_in import built_in_text
from seqplay.engine import drive, loop, tasks
from seqplay.engine.stack import Stack
from seqplay.engine.tasks.text import TextTask

MakeRun = Callable[..., Any]
TEXT = built_in_text("english").decode()[:2000]
PLAN = {
    "hidden": 8,
    "embedding": 8,
    "layers": 2,
    "batch": 8,
    "sequence": 16,
    "dropout": 0.3,
    "steps": 20,
    "embedding_dropout": 0.2,
}
NEVER = 10**9


def assert_equal_training(one: Any, other: Any) -> None:
    assert one.losses() == other.losses()
    mine, its = one.checkpoint(), other.checkpoint()
    tensors = [name for name in mine if "/" in name]
    assert tensors != []
    assert [name for name in tensors if not torch.equal(mine[name], its[name])] == []


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_evaluations_previews_and_checkpoints_change_no_loss(cell: str, threads: int, make_run: MakeRun) -> None:
    seldom = make_run(TEXT, cell=cell, threads=threads, evaluate_every=NEVER, **PLAN)
    seldom.train()
    often = seldom.twin("often")
    often.change_plan(evaluate_every=1)
    often.train()
    assert len(often.rows("evaluation")) == 21
    assert len(often.figures()) == 21
    assert [row["step"] for row in seldom.rows("evaluation")] == [0, 20]
    assert_equal_training(often, seldom)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_two_runs_of_one_plan_are_the_same_run(cell: str, threads: int, make_run: MakeRun) -> None:
    """Many repeats: threads that share something they should not differ only now and then."""
    run = make_run(TEXT, cell=cell, threads=threads, evaluate_every=NEVER, **PLAN)
    run.train()
    for number in range(4):
        twin = run.twin(f"twin-{number}")
        twin.train()
        assert_equal_training(twin, run)
        assert twin.numbers() == run.numbers()


def test_another_seed_is_another_run(make_run: MakeRun) -> None:
    one, other = (make_run(TEXT, seed=seed, **PLAN) for seed in (0, 1))
    one.train()
    other.train()
    assert {loss for _, loss in one.losses()} & {loss for _, loss in other.losses()} == set()


def dropped(run: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[torch.Tensor]]:
    """Per step, the masks that the cells and the head were given, rows joined in order."""
    given: dict[int, dict[int, list[torch.Tensor]]] = {}
    step, rows_of_step = -1, {}
    batch, loss = TextTask.batch, TextTask.loss

    def note(self: TextTask, network: Any, plan: Any, at: int) -> Any:
        nonlocal step
        made, afresh = batch(self, network, plan, at)
        step, rows_of_step["ids"] = at, made["ids"]
        given[step] = {}
        return made, afresh

    def seen(self: TextTask, network: Any, rows: Any, memory: Any) -> Any:
        if torch.is_grad_enabled():
            first = next(i for i, ids in enumerate(rows_of_step["ids"]) if torch.equal(ids, rows["ids"][0]))
            given[step][first] = [mask for name, mask in rows.items() if name.startswith("mask")]
        return loss(self, network, rows, memory)

    with monkeypatch.context() as patched:
        patched.setattr(TextTask, "batch", note)
        patched.setattr(TextTask, "loss", seen)
        run.train()
    assert {len(parts) for parts in given.values()} == {run.plan.slices}
    return [
        [torch.cat(masks) for masks in zip(*(parts[first] for first in sorted(parts)), strict=True)]
        for parts in given.values()
    ]


def test_one_thread_and_two_drop_the_same_units(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    one = make_run(TEXT, threads=1, evaluate_every=NEVER, **PLAN).planned()
    two = one.twin("two")
    two.change_plan(threads=2, slices=2)
    alone, together = dropped(one, monkeypatch), dropped(two, monkeypatch)
    assert len(alone) == 20
    assert all(len(masks) == 3 for masks in alone)
    for masks, others in zip(alone, together, strict=True):
        assert all(torch.equal(mask, other) for mask, other in zip(masks, others, strict=True))
    assert not torch.equal(alone[0][0], alone[1][0])
    assert [loss for _, loss in two.losses()] == pytest.approx([loss for _, loss in one.losses()], rel=1e-3)


def test_the_share_of_dropped_units_is_the_plans_and_their_mean_stays(make_run: MakeRun) -> None:
    run = make_run(TEXT, **PLAN).planned()
    task, plan = tasks.reopen(run.files)
    drawn = [task.build(plan).draw_masks(8, 16, 0, step) for step in range(60)]
    for place, share in enumerate((0.2, 0.3, 0.3)):
        mask = torch.cat([masks[place].float().flatten() for masks in drawn])
        assert (mask == 0).float().mean() == pytest.approx(share, abs=0.01)
        assert mask.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("request_", ["pause", "sample", "nothing"])
def test_pauses_and_samples_on_request_change_no_loss(
    request_: str, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, threads=2, evaluate_every=NEVER, **PLAN)
    run.train()
    disturbed, real = run.twin("disturbed"), loop.update

    def update(*arguments: Any) -> Any:
        made = real(*arguments)
        for action in {"pause": ["pause", "continue"], "sample": ["sample"] * 3}.get(request_, []):
            disturbed.ask(action)
        return made

    monkeypatch.setattr(loop, "update", update)
    assert disturbed.train()
    assert_equal_training(disturbed, run)
    notes = [row["note"] for row in disturbed.rows("note")]
    assert notes.count("paused") == notes.count("continued") == (19 if request_ == "pause" else 0)
    assert len(disturbed.figures()) == len(run.figures()) + (57 if request_ == "sample" else 0)


def test_a_preview_may_have_another_temperature_and_changes_no_loss(make_run: MakeRun) -> None:
    run = make_run(TEXT, evaluate_every=NEVER, **PLAN)
    run.train()
    asked = run.twin("asked")
    asked.ask("temperature", 0.3)
    assert asked.train()
    assert_equal_training(asked, run)
    captions = [row["caption"] for row in asked.figures()]
    assert captions[0] == "step 0 · temperature 0.80"
    assert set(captions[1:]) == {"step 0 · temperature 0.30", "step 20 · temperature 0.30"}


def test_previews_come_on_their_own_when_evaluations_are_rare_and_change_no_loss(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, evaluate_every=NEVER, **PLAN)
    run.train()
    often = run.twin("often")
    for name in ("PREVIEW_SECONDS", "PREVIEW_SHARE"):
        monkeypatch.setattr(drive, name, 0.0)
    monkeypatch.setattr(drive, "PREVIEW_COST", 1e9)
    often.train()
    assert [row["step"] for row in often.figures(by_clock=True)] == [*range(1, 21)]
    assert [row["step"] for row in often.figures()] == [0, 20]
    assert_equal_training(often, run)


def test_a_preview_that_draws_from_the_generator_of_dropout_is_noticed(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    lasting = torch.Generator()
    preview = TextTask.preview

    def draw_masks(self: Stack, rows: int, time: int, seed: int, step: int) -> dict[int, torch.Tensor]:
        widths = [self.shape.embedding] + [self.shape.hidden] * self.shape.layers
        return {
            place: (torch.rand(rows, time, width, generator=lasting) > 0.3).float()
            for place, width in enumerate(widths)
        }

    def disturbing(*arguments: Any) -> Any:
        torch.rand(1, generator=lasting)
        return preview(*arguments)

    monkeypatch.setattr(Stack, "draw_masks", draw_masks)
    run = make_run(TEXT, evaluate_every=NEVER, **PLAN).planned()
    lasting.manual_seed(0)
    run.train()
    same = run.twin("same")
    lasting.manual_seed(0)
    same.train()
    assert_equal_training(same, run)

    often = run.twin("often")
    often.change_plan(evaluate_every=1)
    monkeypatch.setattr(TextTask, "preview", disturbing)
    lasting.manual_seed(0)
    often.train()
    with pytest.raises(AssertionError):
        assert_equal_training(often, run)
