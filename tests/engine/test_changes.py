"""What is asked of a run takes effect at a step boundary, stands in the log first, and survives a kill."""

import os
import signal
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from seqplay.data.built_in import built_in_text
from seqplay.engine import drive, loop
from seqplay.errors import RunError
from seqplay.runs import control
from seqplay.runs.writer import LogWriter

MakeRun = Callable[..., Any]
TEXT = built_in_text("english").decode()[:2000]
PLAN = {"hidden": 8, "embedding": 8, "batch": 8, "sequence": 16, "dropout": 0.3, "threads": 1, "evaluate_every": 10}


class KilledError(Exception):
    pass


def after_update(monkeypatch: pytest.MonkeyPatch, step: int, act: Callable[[], Any]) -> None:
    """Do something once, between the update that makes `step` and the boundary behind it."""
    real, done = loop.update, []

    def update(training: Any, *rest: Any) -> Any:
        made = real(training, *rest)
        if training.step == step and not done:
            done.append(True)
            act()
        return made

    monkeypatch.setattr(loop, "update", update)


def kill() -> None:
    raise KilledError


def rates(run: Any) -> dict[int, float]:
    """The learning rate of the update that made each step."""
    return {row["step"]: row["learning_rate"] for row in run.rows("step")}


def test_a_learning_rate_is_used_from_the_next_update_on_and_logged_before_it(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, steps=20, **PLAN).planned()
    plain = run.twin("plain")
    plain.train()
    after_update(monkeypatch, 7, lambda: run.ask("learning_rate", 0.5))
    run.train()
    assert run.losses()[:8] == plain.losses()[:8]
    assert run.losses()[8] != plain.losses()[8]
    assert rates(run)[7] == rates(plain)[7]
    assert rates(run)[8] == pytest.approx(0.5)
    assert rates(run)[14] == pytest.approx(0.5 * rates(plain)[14] / rates(plain)[8])  # the schedule goes on from there
    kinds = [(row["kind"], row["step"]) for row in run.rows("step", "change")]
    assert kinds.index(("change", 7)) == kinds.index(("step", 8)) - 1
    (change,) = run.rows("change")
    assert (change["name"], change["value"], change["before"]) == ("learning_rate", 0.5, rates(plain)[8])


@pytest.mark.parametrize("killed_at", [11, 12, 13, 20, 23])
def test_a_learning_rate_survives_a_kill(killed_at: int, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for at step 12: killed in the update before it, before it was read, just after, and much later."""
    run = make_run(TEXT, steps=25, **PLAN).planned()
    killed = run.twin("killed")
    with monkeypatch.context() as patched:
        after_update(patched, 12, lambda: run.ask("learning_rate", 0.05))
        run.train()
    with monkeypatch.context() as patched:
        after_update(patched, 12, lambda: killed.ask("learning_rate", 0.05))
        after_update(patched, killed_at, kill)
        with pytest.raises(KilledError):
            killed.train()
    with monkeypatch.context() as patched:
        if not killed.rows("change"):  # nobody has heard it yet: it is asked for again
            after_update(patched, 12, lambda: killed.ask("learning_rate", 0.05))
        resume(killed)
    assert killed.losses() == run.losses()
    assert rates(killed) == rates(run)


def test_a_resume_that_forgets_the_changes_is_noticed(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(TEXT, steps=25, **PLAN).planned()
    with monkeypatch.context() as patched:
        after_update(patched, 12, lambda: run.ask("learning_rate", 0.05))
        after_update(patched, 15, kill)
        with pytest.raises(KilledError):
            run.train()
    copy = run.copy("copy")
    resume(run)
    monkeypatch.setattr(drive, "_to_replay", lambda *_: [])
    resume(copy)
    assert copy.losses()[:13] == run.losses()[:13]
    assert copy.losses() != run.losses()


def resume(run: Any) -> bool:
    """Train as a new process does, for which earlier requests are none."""
    from seqplay.engine.train import train

    return train(run.files, None, run.files.control.stat().st_size if run.files.control.exists() else 0)


# -- a time budget


class Clock:
    """Stands still but for the updates, each of which takes `tick` seconds."""

    def __init__(self, tick: float) -> None:
        self.now, self.tick = 0.0, tick

    def perf_counter(self) -> float:
        return self.now


def timed(run: Any, tick: float, monkeypatch: pytest.MonkeyPatch, steps: int = 40) -> Any:
    """The run with a plan of so many steps in 6 seconds, on a machine on which a step takes `tick`."""
    run.change_plan(steps=steps, minutes=0.1)
    clock, real = Clock(tick), loop.update

    def update(*arguments: Any) -> Any:
        clock.now += clock.tick
        return real(*arguments)

    monkeypatch.setattr(drive, "time", clock)
    monkeypatch.setattr(loop, "update", update)
    return run


@pytest.mark.parametrize(("tick", "steps"), [(0.25, 24), (0.125, 48), (0.5, 12), (6.0, 9), (1 / 64, 384)])
def test_a_time_budget_ends_when_the_time_is_up_however_fast_the_machine_is(
    tick: float, steps: int, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = timed(make_run(TEXT, steps=40, **PLAN).planned(), tick, monkeypatch)
    run.train()
    (change,) = run.rows("change")
    assert change == {"kind": "change", "step": 8, "name": "steps", "value": steps, "before": 40}
    assert run.rows("done")[0]["steps"] == run.losses()[-1][0] == steps
    assert run.rows("done")[0]["seconds"] == tick * steps
    fall = list(rates(run).values())
    assert fall[8:] == pytest.approx([fall[8] * (steps - made) / (steps - 8) for made in range(8, steps)])


def test_a_machine_as_fast_as_it_was_measured_changes_nothing(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = timed(make_run(TEXT, steps=40, **PLAN).planned(), 0.125, monkeypatch, steps=48)
    run.train()
    assert run.rows("change") == []
    assert run.rows("done")[0]["steps"] == 48


@pytest.mark.parametrize("killed_at", [8, 9, 15])
def test_a_change_of_steps_survives_a_kill(killed_at: int, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = timed(make_run(TEXT, steps=40, **PLAN).planned(), 0.25, monkeypatch)
    killed = run.twin("killed")
    run.train()
    with monkeypatch.context() as patched:
        after_update(patched, killed_at, kill)
        with pytest.raises(KilledError):
            killed.train()
    assert resume(killed)
    assert killed.losses() == run.losses()
    assert rates(killed) == rates(run)


# -- stop, pause, and requests for a process that is gone


def test_stop_ends_the_run_at_the_boundary_with_a_checkpoint(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, steps=20, **PLAN).planned()
    after_update(monkeypatch, 7, lambda: run.ask("stop"))
    assert not run.train()
    assert run.losses()[-1][0] == 7
    assert run.verify()[-1] == 7
    assert run.rows("done") == []
    assert run.rows()[-1]["note"] == "stopped"
    assert run.rows()[-1]["message"] == "stopped at step 7; nothing is lost"


def test_pause_waits_with_a_checkpoint_until_it_is_told_to_go_on(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(TEXT, steps=12, **PLAN).planned()
    waited: list[list[int]] = []

    def sleep(seconds: float) -> None:
        waited.append(run.verify())
        if len(waited) == 3:
            run.ask("continue")

    monkeypatch.setattr(drive, "time", SimpleNamespace(perf_counter=lambda: 0.0, sleep=sleep))
    after_update(monkeypatch, 7, lambda: run.ask("pause"))
    assert run.train()
    assert waited == [[0, 7]] * 3
    notes = [(row["note"], row["step"]) for row in run.rows("note") if row["note"] in ("paused", "continued")]
    assert notes == [("paused", 7), ("continued", 7)]
    assert run.losses()[-1][0] == 12


def test_a_paused_run_can_be_stopped(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(TEXT, steps=12, **PLAN).planned()
    after_update(monkeypatch, 7, lambda: (run.ask("pause"), run.ask("stop")))
    assert not run.train()
    assert run.rows()[-1]["note"] == "stopped"
    assert run.verify()[-1] == 7


def test_a_signal_wakes_and_ends_a_paused_run(make_run: MakeRun, server: Any, until: Callable[..., None]) -> None:
    run = make_run(TEXT, steps=10**6, **PLAN).planned()
    pid = server.start(run)
    until(run.losses)
    run.ask("pause")
    until(lambda: any(row["note"] == "paused" for row in run.rows("note")))
    step = run.verify()[-1]
    os.kill(pid, signal.SIGTERM)
    assert server.wait(pid) == 128 + signal.SIGTERM
    assert run.verify()[-1] == step == run.losses()[-1][0]


@pytest.mark.parametrize("action", ["stop", "pause", "sample", "continue"])
def test_a_request_from_before_a_kill_means_nothing_to_the_next_process(
    action: str, make_run: MakeRun, server: Any
) -> None:
    run = make_run(TEXT, steps=12, **PLAN).planned()
    uninterrupted = run.twin("uninterrupted")
    uninterrupted.train()
    run.ask(action)
    run.ask("learning_rate", 0.3)
    assert server.run(run) == 0, run.output()
    assert run.rows("change") == []
    assert run.losses() == uninterrupted.losses()
    assert run.figures() == uninterrupted.figures()


def test_a_reader_that_begins_at_the_first_byte_is_noticed(make_run: MakeRun, server: Any) -> None:
    run = make_run(TEXT, steps=12, **PLAN).planned()
    run.ask("stop")
    naive = "init = drive.Drive.__init__\ndrive.Drive.__init__ = lambda self, *rest: init(self, *rest[:-1], 0)\n"
    assert server.run(run, naive) == 0
    assert run.rows("done") == []
    assert run.rows()[-1]["note"] == "stopped"


def test_a_learning_rate_that_is_asked_for_while_paused_takes_effect_when_training_goes_on(make_run: MakeRun) -> None:
    run = make_run(TEXT, steps=6, **PLAN)
    control.ask(run.files, "pause")
    control.ask(run.files, "learning_rate", 0.0025)
    control.ask(run.files, "continue")
    assert run.train()
    (change,) = run.rows("change")
    assert (change["step"], change["name"], change["value"]) == (0, "learning_rate", 0.0025)
    assert [row["note"] for row in run.rows("note")][:2] == ["paused", "continued"]


@pytest.mark.parametrize("wrong", [{"value": None}, {"value": "x"}, {"value": 0}, {"value": -1.0}, {"name": "other"}])
def test_a_change_that_seqplay_never_writes_is_refused_with_the_name_of_the_log(
    wrong: dict[str, object], make_run: MakeRun
) -> None:
    run = make_run(TEXT, steps=6, **PLAN)
    assert run.train()
    row = {"kind": "change", "step": 6, "name": "learning_rate", "value": 0.1, "before": 0.2, **wrong}
    with LogWriter(run.files.log) as log:
        log.append(row)
    with pytest.raises(RunError, match=r"log\.jsonl holds a change"):
        run.train()


def test_a_pause_of_a_paused_run_is_answered(make_run: MakeRun) -> None:
    run = make_run(TEXT, steps=4, **PLAN)
    for action in ("pause", "pause", "continue"):
        control.ask(run.files, action)
    assert run.train()
    assert [row["note"] for row in run.rows("note")][:3] == ["paused", "paused", "continued"]
