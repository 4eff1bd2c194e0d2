"""What several networks need of the loop: one of them may learn alone, and none is torn apart."""

from collections.abc import Callable
from typing import Any

import pytest

from seqplay import plugins
from seqplay.architecture import PictureShape
from seqplay.engine import catalog, drive, loop, tasks
from seqplay.engine.loop import DivergedError
from seqplay.errors import RunError

MakeRun = Callable[..., Any]
SMALL = {"batch": 8, "threads": 1, "settings": {"width": 4, "latent": 6}, "steps": 6, "evaluate_every": 3}


@pytest.mark.parametrize("name", [name for name, plugin in plugins.installed("model").items() if plugin.built_in])
def test_a_model_whose_buffers_change_while_it_learns_is_never_dealt_to_threads(name: str) -> None:
    architecture, _ = catalog.load(name, "model")
    network = architecture.module(architecture.config(), PictureShape(1, 8, 8, 3))
    assert architecture.whole_batch or list(network.buffers()) == []


def test_the_loss_of_a_step_in_which_the_generator_did_not_learn_does_not_exist(make_picture_run: MakeRun) -> None:
    run = make_picture_run("digits", "dcgan", **SMALL).planned()
    task, plan = tasks.reopen(run.files)
    training, hands = loop.start(task, plan), loop.Hands(plan)
    alone = loop.update(training, task, plan, hands, ["critic"])
    assert alone.train_loss is None
    assert training.smoothed_loss is None
    assert alone.numbers["critic_loss"] > 0
    both = loop.update(training, task, plan, hands)
    hands.close()
    assert both.train_loss == both.numbers["generator_loss"] == training.smoothed_loss


def test_a_phase_that_there_is_none_of_is_not_made_all_of_them(
    make_picture_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, waits = make_picture_run("digits", "dcgan", **SMALL).planned(), drive.Drive._wait
    asked = ["step", "continue"]

    def wait(self: Any) -> None:
        action = asked.pop(0)
        run.ask(action, 4 if action == "step" else None)
        waits(self)

    monkeypatch.setattr(drive.Drive, "_wait", wait)
    run.ask("pause")
    assert run.train()
    assert run.rows("change") == []
    assert "an update has no such phase: nothing was done" in [row["message"] for row in run.rows("note")]
    assert len(run.rows("step")) == 6


def test_what_was_asked_for_one_update_is_forgotten_when_the_run_goes_back(
    make_picture_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, update, waits = make_picture_run("digits", "dcgan", **SMALL).planned(), loop.update, drive.Drive._wait
    failed: list[int] = []

    def fail_once(*arguments: Any) -> Any:
        if arguments[-1] == ["critic"] and not failed:
            failed.append(1)
            raise DivergedError
        return update(*arguments)

    def go_on(self: Any) -> None:
        run.ask("continue")
        waits(self)

    monkeypatch.setattr(loop, "update", fail_once)
    monkeypatch.setattr(drive.Drive, "_wait", go_on)
    run.ask("step", 1)
    assert run.train()
    assert failed == [1]
    # What the log says is made again: the change of step 0, as the critic's update alone.
    assert [("generator_loss" in row) for row in run.rows("step")] == [False, *[True] * 5]


def test_a_plan_that_names_a_model_of_another_task_is_refused(make_picture_run: MakeRun) -> None:
    run = make_picture_run("digits", "dcgan", **SMALL).planned()
    run.change_plan(task="recognise")
    task, plan = tasks.reopen(run.files)
    with pytest.raises(RunError, match="'dcgan' is for the task digits"):
        task.build(plan)
