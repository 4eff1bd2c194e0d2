"""Runs are made, found, listed and removed by name, and each has one line that says how it is."""

import dataclasses
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from seqplay.errors import BusyError, RunError, UsageError
from seqplay.runs import process, shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.reader import rows_from_end
from seqplay.runs.rows import to_json, to_line
from seqplay.runs.shelf import summarise

RECIPE = {"format": 1, "created": 1000.0, "source": "소설.txt", "task": "text", "cell": "lstm", "steps": None}
PLAN = {**RECIPE, "steps": 400, "layers": 2, "hidden": 64, "tokens": "char"}
STEP = {"kind": "step", "step": 7, "train_loss": 2.5, "seconds": 1.5, "tokens": 900}
EVALUATION = {"kind": "evaluation", "step": 6, "seconds": 1.25, "held_out_estimate": 2.75, "best": True}
DONE = {"kind": "done", "steps": 400, "seconds": 9.0, "train_loss": 1.5, "held_out_loss": 1.75, "bits_per_byte": 2.25}


def make(name: str, created: float = 1000.0) -> RunFiles:
    run = shelf.create(name, "")
    run.recipe.write_bytes(to_json({**RECIPE, "created": created}))
    return run


def log(run: RunFiles, *rows: dict[str, Any]) -> None:
    run.plan.write_bytes(to_json(PLAN))
    run.log.write_bytes(b"".join(map(to_line, rows)))


def note(text: str, step: int = 7) -> dict[str, Any]:
    return {"kind": "note", "step": step, "note": text, "message": ""}


def make_old(path: Path) -> None:
    os.utime(path, (1, 1))


def test_automatic_names_are_numbered_from_2(home: Path) -> None:
    names = [shelf.create(None, "소설").name for _ in range(3)]
    assert names == ["소설", "소설-2", "소설-3"]


def test_a_run_is_for_its_user_alone(home: Path) -> None:
    run = shelf.create("novel", "")
    for directory in (run.path, run.path.parent, home):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_given_name_is_claimed_once(home: Path) -> None:
    shelf.create("novel", "")
    with pytest.raises(UsageError, match=r"There is a run named 'novel' already\..*seqplay resume novel"):
        shelf.create("novel", "")


def test_of_many_processes_that_claim_a_name_each_gets_its_own(home: Path) -> None:
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            try:
                (shelf.create(None, "novel").path / "mine").mkdir()
                os._exit(0)
            finally:
                os._exit(99)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert len(list(home.glob("runs/*/mine"))) == 8


def test_runs_are_listed_newest_first_and_only_runs(home: Path, tmp_path: Path) -> None:
    assert shelf.all_runs() == []
    first, third, second = make("first", 1.0), make("third", 3.0), make("second", 2.0)
    shelf.create("empty", "")
    (home / "runs" / "file").write_text("")
    (home / "runs" / "link").symlink_to(first.path)
    assert shelf.all_runs() == [third, second, first]


def test_a_damaged_run_is_listed(home: Path) -> None:
    make("good")
    make("bad").recipe.write_bytes(b"\0")
    assert {run.name for run in shelf.all_runs()} == {"good", "bad"}


def test_a_run_is_found_by_name_by_unique_prefix_by_path_and_as_the_newest(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    novel, novels, poem = make("novel", 1.0), make("novel-2", 2.0), make("poem", 3.0)
    assert shelf.find("novel") == novel
    assert shelf.find("novel-") == novels
    assert shelf.find("p") == poem
    assert shelf.find(None) == poem
    assert shelf.find(str(novel.path)) == novel
    assert shelf.find(f"{novel.path}/") == novel
    monkeypatch.chdir(novel.path)
    assert shelf.find(".") == novel
    assert shelf.find("../poem") == poem
    monkeypatch.setenv("SEQPLAY_HOME", "/nowhere")
    monkeypatch.chdir(novel.path.parent)
    assert shelf.find("poem") == poem


def test_an_ambiguous_prefix_lists_the_candidates(home: Path) -> None:
    make("novel-1", 1.0)
    make("novel-2", 2.0)
    with pytest.raises(UsageError, match=r"'nov' could be novel-2, novel-1\. Type more of the name"):
        shelf.find("nov")


def test_an_unknown_name_hints_at_the_nearest(home: Path) -> None:
    for name in ("novel", "poem", *(f"run-{number}" for number in range(50))):
        make(name)
    with pytest.raises(UsageError, match=r"No run named 'nobel'\. Did you mean 'novel'\?") as raised:
        shelf.find("nobel")
    assert len(str(raised.value)) < 200


def test_the_newest_of_no_runs_says_how_to_make_one(home: Path) -> None:
    with pytest.raises(UsageError, match="seqplay train"):
        shelf.find(None)


@pytest.mark.parametrize("name", ["", "nul\0", "..", "../..", "/", "/nowhere/run", "~nobody/x", "a/b", ".", "-"])
def test_what_is_no_run_is_a_clean_error(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("novel")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UsageError, RunError)):
        shelf.find(name)


def test_a_removed_run_is_in_the_trash_under_a_name_of_its_own(home: Path) -> None:
    first = shelf.remove(make("novel"))
    second = shelf.remove(make("novel"))
    assert [first, second] == [home / "trash" / "novel", home / "trash" / "novel-2"]
    assert sorted(os.listdir(first)) == ["lock", "recipe.json"]
    assert shelf.all_runs() == []
    assert stat.S_IMODE((home / "trash").stat().st_mode) == 0o700


def test_a_run_that_is_being_written_is_not_removed(home: Path) -> None:
    run = make("novel")
    with WriterLock(run), pytest.raises(BusyError, match=rf"process {os.getpid()} on .*seqplay stop novel"):
        shelf.remove(run)
    process.note_this_process(run)
    with pytest.raises(BusyError):
        shelf.remove(run)
    assert shelf.find("novel") == run


def test_a_finished_run_has_the_numbers_of_its_done_row(home: Path) -> None:
    run = make("novel")
    log(run, STEP, EVALUATION, DONE)
    assert summarise(run) == shelf.Summary(
        name="novel",
        path=run.path,
        state="finished",
        source="소설.txt",
        network="lstm 2x64",
        tokens="char",
        step=400,
        steps=400,
        seconds=9.0,
        train_loss=1.5,
        held_out_loss=1.75,
        bits_per_byte=2.25,
        started=1000.0,
        problem=None,
    )


def test_a_running_run_has_the_newest_step_and_the_newest_estimate(home: Path) -> None:
    run = make("novel")
    log(run, {**EVALUATION, "held_out_estimate": 3.0}, EVALUATION, STEP)
    with WriterLock(run):
        summary = summarise(run)
    assert (summary.state, summary.step, summary.steps, summary.seconds) == ("running", 7, 400, 1.5)
    assert (summary.train_loss, summary.held_out_loss, summary.bits_per_byte) == (2.5, 2.75, None)


ALIVE = [
    ("waiting", []),
    ("waiting", [{"kind": "start"}]),
    ("running", [STEP]),
    ("running", [STEP, note("paused"), note("continued")]),
    ("running", [STEP, note("stopped"), note("resumed")]),
    ("running", [STEP, note("stopped"), STEP]),
    ("paused", [STEP, note("paused")]),
    ("paused", [STEP, note("paused"), note("notice"), EVALUATION]),
    ("finished", [STEP, DONE]),
]
DEAD = [
    ("crashed", [{"kind": "start"}]),
    ("crashed", [STEP]),
    ("crashed", [STEP, note("stopped"), note("resumed"), STEP]),
    ("crashed", [STEP, note("crashed")]),
    ("crashed", [STEP, note("paused"), note("continued")]),
    ("stopped", [STEP, note("stopped")]),
    ("stopped", [STEP, note("stopped"), note("notice")]),
    ("paused", [STEP, note("paused")]),
    ("finished", [STEP, note("stopped"), note("resumed"), STEP, DONE]),
]


@pytest.mark.parametrize(("state", "rows"), ALIVE)
def test_the_state_while_its_process_lives(state: str, rows: list[dict[str, Any]], home: Path) -> None:
    run = make("novel")
    log(run, *rows)
    with WriterLock(run):
        assert summarise(run).state == state


@pytest.mark.parametrize(("state", "rows"), DEAD)
def test_the_state_when_its_process_is_gone(state: str, rows: list[dict[str, Any]], home: Path) -> None:
    run = make("novel")
    log(run, *rows)
    make_old(run.recipe)
    assert summarise(run).state == state
    dead = dataclasses.replace(process.note_this_process(run), started="1")
    run.process.write_bytes(to_json(dataclasses.asdict(dead)))
    assert summarise(run).state == state


def test_a_run_whose_trainer_is_just_being_started_waits(home: Path) -> None:
    run = make("novel")
    assert summarise(run).state == "waiting"
    make_old(run.recipe)
    assert summarise(run).state == "crashed"


def test_a_run_of_another_host_runs_as_long_as_its_log_grows(home: Path) -> None:
    run = make("novel")
    log(run, STEP)
    elsewhere = dataclasses.replace(process.note_this_process(run), host="elsewhere.example")
    run.process.write_bytes(to_json(dataclasses.asdict(elsewhere)))
    assert summarise(run).state == "running"
    with pytest.raises(BusyError, match=r"on elsewhere\.example"):
        shelf.remove(run)
    make_old(run.log)
    assert summarise(run).state == "stopped"
    shelf.remove(run)


def test_a_clock_that_was_set_back_does_not_stop_a_run_of_another_host(home: Path) -> None:
    run = make("novel")
    log(run, STEP)
    elsewhere = dataclasses.replace(process.note_this_process(run), host="elsewhere.example")
    run.process.write_bytes(to_json(dataclasses.asdict(elsewhere)))
    soon = time.time() + 30
    os.utime(run.log, (soon, soon))
    assert summarise(run).state == "running"


@pytest.mark.parametrize("file", ["recipe.json", "plan.json"])
@pytest.mark.parametrize("data", [b"", b"[]", b'{"format": 999}', b"\0" * 99])
def test_an_unreadable_recipe_or_plan_is_broken_with_its_problem(file: str, data: bytes, home: Path) -> None:
    run = make("novel")
    log(run, STEP)
    (run.path / file).write_bytes(data)
    summary = summarise(run)
    assert (summary.name, summary.state) == ("novel", "broken")
    assert file in str(summary.problem)


def test_values_of_the_wrong_type_are_left_out(home: Path) -> None:
    run = make("novel")
    run.recipe.write_bytes(to_json({"created": "now", "source": 5, "cell": ["x", 1]}))
    log(run, {"kind": "step", "step": 3, "train_loss": "low", "seconds": []})
    run.plan.write_bytes(to_json({"layers": "many", "hidden": -1, "steps": 2.5, "tokens": {}}))
    summary = summarise(run)
    assert dataclasses.astuple(summary)[3:] == (None, None, None, 3, *[None] * 8)


def test_a_summary_of_a_long_log_parses_a_handful_of_lines(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqplay.runs import reader

    run = make("novel")
    log(run, EVALUATION, *[{**STEP, "step": step} for step in range(20_000)])
    parsed = []
    real = reader.from_line
    monkeypatch.setattr(reader, "from_line", lambda line: parsed.append(line) or real(line))
    assert summarise(run).held_out_loss == 2.75
    assert next(rows_from_end(run.log))["step"] == 19_999
    assert len(parsed) <= 8
