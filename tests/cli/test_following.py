"""A command that follows a trainer shows what that says, whatever it says and however it ends."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seqplay.cli import train
from seqplay.cli.follow import follow, say_how_it_ended
from seqplay.cli.progress import Progress, picture
from seqplay.draw import plain
from seqplay.errors import UsageError
from seqplay.processes import training
from seqplay.recipe import Recipe, to_json
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock

from .conftest import Trained, as_if_killed, rows_in


def trainer(script: str) -> Any:
    """Starts a shell in the place of a trainer; its folder is the run's, and what it prints goes to output.txt."""

    def start(run: RunFiles) -> "subprocess.Popen[bytes]":
        with run.output.open("ab") as printed:
            return subprocess.Popen(["sh", "-c", script], cwd=run.path, stdout=printed, stderr=printed)

    return start


@pytest.fixture
def run(tmp_path: Path) -> RunFiles:
    (tmp_path / "new").mkdir()
    return RunFiles(tmp_path / "new")


def test_a_trainer_that_ends_without_a_word_in_the_log_is_quoted_from_its_output(
    run: RunFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = follow(run, trainer("echo first; printf 'no \\033[2J\\302\\2332J luck\\n\\n'; exit 3"), as_json=False)
    say_how_it_ended(ended)
    assert (ended.code, ended.never_began) == (3, False)
    assert capsys.readouterr().err == f"seqplay: no ␛[2J\\x9b2J luck (All that it printed: {run.output})\n"


def test_what_an_earlier_trainer_printed_is_not_quoted(run: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    run.output.write_text("an old story\n")
    say_how_it_ended(follow(run, trainer("exit 3"), as_json=False))
    assert f"new's process ended with exit code 3. (All that it printed: {run.output})" in capsys.readouterr().err


def test_the_second_of_two_that_resume_a_run_is_told_who_writes_it(
    copied: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    as_if_killed(copied.run)
    with WriterLock(copied.run):
        ended = follow(copied.run, training.start, as_json=False)
    say_how_it_ended(ended)
    assert ended.code == 75
    assert "seqplay: Run 'harbour' is being written by process" in capsys.readouterr().err


CRASH = '{"kind": "note", "note": "crashed", "message": "it has 0 characters", "exit_code": 65}'


def test_of_a_new_run_nothing_is_earlier(run: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    run.log.write_text(CRASH + "\n")
    ended = follow(run, trainer("exit 65"), as_json=False, is_new=True)
    say_how_it_ended(ended)
    assert (ended.code, ended.never_began) == (65, True)
    assert capsys.readouterr().err == "seqplay: it has 0 characters\n"


# -- rows that no trainer writes

START = {
    "kind": "start",
    "run": "new",
    "cell": "lstm",
    "layers": 1,
    "hidden": 8,
    "parameters": 100,
    "train_tokens": 2700,
    "why": "as asked",
    "steps": 100,
}
STEP = {"kind": "step", "step": 1, "train_loss": 2.0, "seconds": 0.5, "tokens": 64}
EVALUATION = {"kind": "evaluation", "step": 1, "held_out_estimate": 2.0}
DONE = {"kind": "done", "steps": 1, "seconds": 1.0, "train_loss": 2.0, "held_out_loss": None}
NOTE = {"kind": "note", "note": "notice", "message": "hear"}
TEXT = {"kind": "figure", "figure": "text", "text": "one", "prompt": ""}
MALFORMED: list[dict[str, Any]] = [
    {"step": 1},
    {"kind": "start"},
    {**START, "hidden": "8"},
    {"kind": "step", "step": 1},
    {**STEP, "train_loss": "low"},
    {**STEP, "step": None},
    {**STEP, "seconds": 10**400},
    {**STEP, "tokens": -1},
    {**EVALUATION, "held_out_estimate": []},
    {"kind": "change"},
    {**NOTE, "message": 5},
    {**DONE, "train_loss": {}},
    {**TEXT, "text": 5},
]


def test_malformed_rows_are_passed_over_by_every_view(run: RunFiles, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [*MALFORMED, START, {"kind": "change", "name": "steps", "value": "x"}, STEP, EVALUATION, {"kind": "new"}]
    run.log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = follow(run, trainer("exit 0"), as_json=False, is_new=True)
    say_how_it_ended(ended)
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "new: lstm 1×8, 100 parameters, 2,700 characters (as asked)"
    assert shown[1].startswith("step 1 of 100 (1%)   loss 2.000   held out 2.000")
    assert len(picture(ended.progress, 80)) == 4

    follow(run, trainer("exit 0"), as_json=True, is_new=True)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in printed] == ["start", "change", "step", "evaluation", "new"]


@pytest.mark.parametrize("row", MALFORMED, ids=str)
def test_a_malformed_row_changes_nothing(row: dict[str, Any]) -> None:
    progress = Progress("new")
    assert not progress.add(row)
    assert progress == Progress("new")


def test_every_row_of_a_real_log_is_taken_in(trained: Trained) -> None:
    progress = Progress("harbour")
    assert all(progress.add(row) for row in rows_in(trained.run.log) + rows_in(trained.run.figures))
    assert progress.done


# -- the time left


def stepped(progress: Progress, *steps: int, seconds: float = 0.5) -> None:
    for step in steps:
        assert progress.add({**STEP, "step": step, "seconds": step * seconds, "tokens": 64 * step})


def test_after_a_roll_back_the_time_left_is_that_of_the_steps_that_are_made_again() -> None:
    progress = Progress("new")
    progress.add(START)
    stepped(progress, *range(1, 61))
    assert progress.seconds_left == pytest.approx(20.0)
    stepped(progress, 31)
    assert progress.seconds_left is None
    stepped(progress, 32)
    assert progress.seconds_left == pytest.approx(34.0)
    assert progress.speed == pytest.approx(128.0)


def test_the_pace_is_that_of_the_last_hundred_steps() -> None:
    progress = Progress("new")
    progress.add({**START, "steps": 1000})
    stepped(progress, *range(1, 51), seconds=0.01)
    stepped(progress, *range(51, 151), seconds=1.0)
    assert progress.seconds_left == pytest.approx(850.0)


def test_no_time_is_left_beyond_the_last_step() -> None:
    progress = Progress("new")
    progress.add({**START, "steps": 2})
    stepped(progress, 1, 2, 3)
    assert progress.seconds_left == 0.0
    assert any("left 0:00" in plain(line) for line in picture(progress, 80))


# -- what is asked for


def test_a_setting_replaces_the_recipes_other_way_to_say_how_long(tmp_path: Path) -> None:
    kept = tmp_path / "recipe.json"
    kept.write_text(json.dumps(to_json(Recipe(steps=9))))
    asked = train._recipe({}, ("minutes=1",), str(kept))
    assert (asked.minutes, asked.steps) == (1.0, None)
    asked = train._recipe({"steps": 5}, ("steps=7",), None)
    assert (asked.minutes, asked.steps) == (None, 7)
    with pytest.raises(UsageError, match="not both"):
        train._recipe({"steps": 5}, ("minutes=1",), None)


def test_the_cells_own_settings_are_left_for_the_trainer_to_judge() -> None:
    assert train._recipe({"cell": "gru"}, ("hiddn=8", "clip=2"), None).settings == {"hiddn": "8"}
