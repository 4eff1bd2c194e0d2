"""What a recipe becomes, and what happens to a plan that the machine cannot carry out (promises D6, D15, X4)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from seqplay.data.built_in import built_in_text
from seqplay.engine import checkpoints, planning
from seqplay.engine.tasks.text import TextTask, _suggest_dropout, _suggest_hidden
from seqplay.errors import UsageError
from seqplay.recipe import recipe_from_json, to_json

MakeRun = Callable[..., Any]
ENGLISH = built_in_text("english").decode()
SMALL = {"hidden": 8, "embedding": 8, "layers": 2, "batch": 8, "sequence": 16, "dropout": 0.3, "threads": 1}


def recipe_of(run: Any) -> Any:
    return recipe_from_json(json.loads(run.files.recipe.read_bytes()), run.files.recipe)


def test_a_plan_chooses_every_size_and_says_why_in_one_line(make_run: MakeRun) -> None:
    plan = make_run(ENGLISH[:20_000], steps=100).planned().plan
    assert plan.steps == 100
    assert plan.minutes is None
    assert (plan.hidden, plan.why) == (128, "128 units suit 18,000 characters to learn from")
    assert (plan.embedding, plan.layers, plan.batch, plan.sequence) == (64, 1, 32, 64)
    assert plan.train_tokens == 18_000
    assert plan.held_out_tokens == 2_000
    assert plan.evaluate_every >= 4
    assert plan.distribution == "seqplay"
    assert plan.vocabulary == len(set(ENGLISH[:18_000])) + 1
    assert [row[0] for row in plan.layer_table] == ["embedding", "lstm", "head"]
    assert [row[1] for row in plan.layer_table] == ["(32, 64, 64)", "(32, 64, 128)", f"(32, 64, {plan.vocabulary})"]
    assert sum(row[2] for row in plan.layer_table) == plan.parameters
    assert plan.parameters == plan.vocabulary * 64 + 4 * 128 * (64 + 128 + 2) + 129 * plan.vocabulary


@pytest.mark.parametrize(
    ("count", "seconds", "size", "hidden", "why"),
    [
        (50, 120, "m", 32, "50 characters to learn from"),
        (50_000, 5, "m", 128, "5 s of training"),
        (10**7, 120, "m", 512, "120 s of training"),
        (10**7, 120, "s", 256, "at size s"),
        (10**7, 120, "l", 768, "at size l"),
        (10**7, 7200, "m", 1024, "10,000,000 characters"),
    ],
)
def test_width_follows_the_text_and_the_budget(count: int, seconds: float, size: str, hidden: int, why: str) -> None:
    found, reason = _suggest_hidden(count, size, seconds, "characters")
    assert found == hidden
    assert why in reason
    assert "\n" not in reason


def test_dropout_grows_with_the_number_of_epochs_up_to_a_limit() -> None:
    shares = [_suggest_dropout(50_000, 60_000, epochs) for epochs in (0.1, 1, 2, 4, 8, 16, 1000)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[0] < shares[-1] < 0.8
    assert len(set(shares)) > 4
    assert _suggest_dropout(500, 60_000, 1000) == 0.0


def test_dropout_of_a_plan_is_that_of_its_epochs_unless_it_is_asked_for(make_run: MakeRun) -> None:
    few, many, asked = (
        make_run(ENGLISH[:5000], steps=steps, hidden=32, dropout=dropout).planned().plan
        for steps, dropout in ((10, None), (200, None), (200, 0.1))
    )
    assert few.dropout == _suggest_dropout(4500, few.parameters, 10 * few.batch * few.sequence / 4500)
    assert few.dropout < many.dropout
    assert asked.dropout == 0.1


def test_a_plan_of_steps_is_the_same_each_time_but_for_how_often_it_evaluates(make_run: MakeRun) -> None:
    one, two = (make_run(ENGLISH[:3000], steps=50, hidden=8).planned().plan for _ in range(2))
    assert replace(one, evaluate_every=1) == replace(two, evaluate_every=1)
    assert one.evaluate_every >= 2


def test_a_time_budget_becomes_steps(make_run: MakeRun) -> None:
    plan = make_run(ENGLISH[:3000], minutes=0.05, **SMALL).planned().plan
    assert plan.minutes == 0.05
    assert plan.steps > 1
    assert plan.evaluate_every <= plan.steps


def test_a_tiny_text_without_a_budget_gets_400_steps(make_run: MakeRun) -> None:
    plan = make_run("hello").planned().plan
    assert (plan.steps, plan.minutes, plan.batch, plan.sequence) == (400, None, 1, 4)
    assert plan.dropout == 0.0


def test_planning_leaves_the_recipe_as_it_was(make_run: MakeRun) -> None:
    run = make_run("hello")
    before = run.files.recipe.read_bytes()
    run.planned()
    assert run.files.recipe.read_bytes() == before


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_network_larger_than_the_memory_is_refused_before_it_is_made(cell: str, make_run: MakeRun) -> None:
    run = make_run(ENGLISH[:3000], cell=cell, hidden=65_536, layers=64)
    told = r"64 x 65,536 units for [\d,]+ symbols takes [\d,]+ GiB; .* Lower --hidden or --batch\.$"
    with pytest.raises(UsageError, match=told) as refused:
        run.train()
    assert "\n" not in str(refused.value)
    assert not run.files.plan.exists()


def test_the_memory_that_counts_is_that_of_weights_average_gradient_moments_and_odds(make_run: MakeRun) -> None:
    run = make_run(ENGLISH[:3000], steps=5, **SMALL)
    recipe = recipe_of(run)
    task = TextTask.begin(recipe)
    plan = run.planned().plan
    needed = 4 * (5 * plan.parameters + 3 * plan.batch * plan.sequence * plan.vocabulary)
    assert planning.make_plan(recipe, task, needed).steps == 5
    with pytest.raises(UsageError, match="Lower --hidden"):
        planning.make_plan(recipe, task, needed - 1)


LOADS_NO_COMPILER = """
real = train.train
def checked(*arguments):
    real(*arguments)
    assert "torch._dynamo" not in sys.modules
    return True
train.train = checked
"""


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_planning_training_and_resuming_do_without_torchs_compiler(cell: str, make_run: MakeRun, server: Any) -> None:
    """Loading it takes a second, which a start of training would cost more."""
    run = make_run(ENGLISH[:2000], cell=cell, steps=3, **SMALL)
    assert server.run(run, LOADS_NO_COMPILER) == 0, run.output()
    assert server.run(run, LOADS_NO_COMPILER) == 0, run.output()


def test_a_plan_that_fills_tensors_without_memory_is_noticed(make_run: MakeRun, server: Any) -> None:
    run = make_run(ENGLISH[:2000], steps=3, **SMALL)
    naive = "from contextlib import nullcontext\nfrom seqplay.engine import without_memory\n"
    naive += "without_memory._Unfilled = nullcontext\n"
    assert server.run(run, naive + LOADS_NO_COMPILER) == 1


def test_a_recipe_comes_back_from_json_as_it_was(make_run: MakeRun) -> None:
    recipe = recipe_of(make_run("hello", steps=5, settings={}, dropout=0.25))
    assert recipe_from_json(json.loads(json.dumps(to_json(recipe))), "recipe.json") == recipe


# -- checkpoints


def test_the_newest_two_checkpoints_and_the_best_are_kept(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[list[int], int | None]] = []
    real = checkpoints.save

    def save(directory: Any, training: Any) -> None:
        real(directory, training)
        kept.append((run.steps(), training.best_step))

    monkeypatch.setattr(checkpoints, "save", save)
    text = "ab" * 900 + "ab" * 50 + "aabb" * 25  # what is held out is unlearned after a few steps
    run = make_run(text, steps=16, learning_rate=0.1, evaluate_every=1, **SMALL)
    run.train()
    for step, (steps, best) in enumerate(kept):
        assert steps == sorted({*range(max(0, step - 1), step + 1), best})
    assert len(kept[-1][0]) == 3


# -- when the machine says no

FULL = """
import resource
real = loop.update
def update(training, *rest):
    if training.step == 7:
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, resource.RLIM_INFINITY))
    return real(training, *rest)
loop.update = update
"""
NO_MEMORY = """
real = loop.update
def update(training, *rest):
    if training.step == 7:
        raise ERROR
    return real(training, *rest)
loop.update = update
"""


@pytest.mark.parametrize("limit", [0, 100, 4000])
def test_a_disk_that_is_full_ends_the_run_with_one_line_and_its_last_checkpoint(
    limit: int, make_run: MakeRun, server: Any
) -> None:
    run = make_run(ENGLISH[:2000], steps=12, evaluate_every=5, **SMALL).planned()
    uninterrupted = run.twin("uninterrupted")
    uninterrupted.train()
    code = server.run(run, FULL.replace("MOST", str(limit)))
    assert code == 74
    assert run.verify() == [0, 5]
    assert len(run.output().splitlines()) <= 1
    assert server.run(run) == 0, run.output()
    assert run.losses() == uninterrupted.losses()
    assert run.numbers() == uninterrupted.numbers()


def test_a_message_that_stands_in_the_way_of_the_exit_code_is_noticed(make_run: MakeRun, server: Any) -> None:
    """output.txt lies on the disk that is full."""
    run = make_run(ENGLISH[:2000], steps=12, evaluate_every=5, **SMALL).planned()
    naive = "train._say = lambda message: print(message, file=sys.stderr, flush=True)\n"
    assert server.run(run, FULL.replace("MOST", "0") + naive) == 99


@pytest.mark.parametrize(
    "error",
    ["torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB.')", "MemoryError()"],
)
def test_memory_that_runs_out_is_said_with_what_to_lower(error: str, make_run: MakeRun, server: Any) -> None:
    run = make_run(ENGLISH[:2000], steps=12, evaluate_every=5, **SMALL).planned()
    assert server.run(run, NO_MEMORY.replace("ERROR", error)) == 1
    note = run.rows("note")[-1]
    assert (note["note"], note["exit_code"]) == ("crashed", 1)
    assert "smaller --hidden" in note["message"]
    assert run.output().splitlines()[-1] == note["message"]
    assert run.verify() == [0, 5]
    assert server.run(run) == 0, run.output()
    assert run.losses()[-1][0] == 12
