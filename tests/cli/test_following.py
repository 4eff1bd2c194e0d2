"""A command that follows a trainer shows what that says, whatever it says and however it ends."""

import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import pyte
import pytest
from rich.console import Console

from seqplay.cli import output, train
from seqplay.cli.follow import follow, result, say_how_it_ended
from seqplay.cli.picture import live_chart, page, picture
from seqplay.cli.views import Screen
from seqplay.draw import plain
from seqplay.draw.lines import line_width
from seqplay.errors import UsageError
from seqplay.processes import training
from seqplay.recipe import Recipe, to_json
from seqplay.runs.feed import News
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.progress import Progress
from seqplay.safe_text import cell_width

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
    "unit": "character",
    "why": "as asked",
    "steps": 100,
    "minutes": None,
}
STEP = {"kind": "step", "step": 1, "train_loss": 2.0, "seconds": 0.5, "tokens": 64}
EVALUATION = {"kind": "evaluation", "step": 1, "seconds": 0.5, "tokens": 64, "held_out_estimate": 2.0}
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
    assert shown[1].startswith("step 1 of 100 (1%)   train loss 2.000 (~50 steps)   held out ~2.000")
    assert len(picture(ended.progress, 80)) == 4

    follow(run, trainer("exit 0"), as_json=True, is_new=True)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in printed] == ["start", "step", "evaluation", "new"]


@pytest.mark.parametrize("row", MALFORMED, ids=str)
def test_a_malformed_row_changes_nothing(row: dict[str, Any]) -> None:
    progress = Progress("new")
    assert not progress.add(row)
    assert progress == Progress("new")


def test_every_row_of_a_real_log_is_taken_in(trained: Trained) -> None:
    progress = Progress("harbour")
    assert all(progress.add(row) for row in rows_in(trained.run.log) + rows_in(trained.run.figures))
    assert progress.done


# -- the budget, and what is left of it


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
    assert "100%   0:00 left" in drawn(progress)


def drawn(progress: Progress, width: int = 80) -> str:
    return "\n".join(map(plain, picture(progress, width)))


def test_where_a_time_was_asked_for_the_share_and_the_rest_are_of_time() -> None:
    progress = Progress("new")
    progress.add({**START, "minutes": 0.5, "steps": 1000})
    stepped(progress, *range(1, 13))
    assert (progress.share, progress.seconds_left) == (pytest.approx(0.2), pytest.approx(24.0))
    assert " 20%   0:24 left" in drawn(progress)
    assert live_chart(progress).x_end == 30.0
    stepped(progress, 100)
    assert (progress.share, progress.seconds_left) == (1.0, 0.0)


@pytest.mark.parametrize("minutes", [0, -1.0, "long", [], 10**400, True])
def test_a_time_that_nobody_can_ask_for_is_none(minutes: Any) -> None:
    progress = Progress("new")
    progress.add({**START, "minutes": minutes})
    stepped(progress, 1)
    assert progress.share == pytest.approx(0.01)


# -- what the numbers are


@pytest.mark.parametrize(
    ("unit", "many", "short"),
    [
        ("character", "characters", "char"),
        ("word", "words", "word"),
        ("byte", "bytes", "byte"),
        ("jamo", "jamo", "jamo"),
        ("token", "tokens", "token"),
    ],
)
def test_a_token_is_called_what_it_is(unit: str, many: str, short: str) -> None:
    progress = Progress("new")
    progress.add({**START, "unit": unit})
    stepped(progress, 1, 2)
    progress.add(EVALUATION)
    shown = drawn(progress, 100)
    assert f"2,700 {many} (" in shown
    assert f"bits/{short}" in shown
    assert f"128 {short}/s" in shown
    assert live_chart(progress).y_label == f"nats per {unit}"
    progress.add({**DONE, "held_out_loss": 2.0})
    assert f"2.000 nats a {unit} on held-out text" in result(progress)


@pytest.mark.parametrize("start", [{}, {"unit": 5}], ids=str)
def test_a_token_without_a_name_is_a_token(start: dict[str, Any]) -> None:
    progress = Progress("new")
    progress.add({**{name: value for name, value in START.items() if name != "unit"}, **start})
    assert "2,700 tokens (" in drawn(progress)


def test_what_is_held_out_is_an_estimate_until_the_last_score() -> None:
    progress = Progress("new")
    progress.add(START)
    stepped(progress, 1)
    progress.add(EVALUATION)
    assert "held out ~2.000   ~2.89 bits/char" in drawn(progress)
    progress.add({**DONE, "held_out_loss": 1.5})
    assert "held out 1.500   2.16 bits/char" in drawn(progress)


def test_the_last_train_loss_is_the_one_that_the_trainer_tells() -> None:
    progress = Progress("new")
    progress.add(START)
    stepped(progress, 1)
    assert "train loss 2.000 (~50 steps)" in drawn(progress)
    progress.add({**DONE, "train_loss": 1.25})
    assert "train loss 1.250 (~50 steps)" in drawn(progress)
    assert "train loss 1.250 (~50 steps), 1 steps" in result(progress)


def test_the_mean_of_the_loss_is_the_trainers_own(trained: Trained) -> None:
    progress = Progress("harbour")
    for row in rows_in(trained.run.log):
        progress.add(row)
    assert progress.smoothed == pytest.approx(progress.done["train_loss"], rel=1e-12)


# -- narrow terminals


def known() -> Progress:
    progress = Progress("a-run-with-a-long-name")
    progress.add({**START, "why": "512 units suit 60 s of training"})
    stepped(progress, *range(1, 61))
    progress.add(EVALUATION)
    progress.add({**TEXT, "text": "one line\nhalf of another"})
    return progress


@pytest.mark.parametrize("width", [40, 50, 60, 80, 100])
def test_a_narrow_terminal_gets_the_whole_heading_and_no_broken_fact(width: int) -> None:
    lines = [plain(line) for line in picture(known(), width)]
    assert max(map(cell_width, lines)) <= width
    whole = " ".join(lines)
    for word in ["a-run-with-a-long-name", "lstm 1×8,", "2,700", "(512", "units", "suit", "training)"]:
        assert word in whole
    for fact in ["train loss 2.000 (~50 steps)", "held out ~2.000", "~2.89 bits/char", "128 char/s"]:
        assert any(fact in line for line in lines), fact
    assert "writes one line" in lines


def test_a_terminal_of_few_rows_gets_a_heading_of_one() -> None:
    lines = [plain(line) for line in picture(known(), 40, 5)]
    assert len(lines) == 5
    assert lines[0].endswith("…")
    assert "60%" in lines[1]


@pytest.mark.parametrize("draw", [page, picture])
def test_what_the_trainer_says_is_broken_between_words(draw: Any) -> None:
    progress = known()
    said = " ".join(f"word{number}" for number in range(16))
    progress.add({**NOTE, "message": said})
    lines = [plain(line).rstrip() for line in draw(progress, 80, 24)]
    (first,) = (number for number, line in enumerate(lines) if line.startswith("word0 "))
    assert " ".join(lines[first : first + 2]) == said
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("width", [1, 2, 7, 20, 40, 59, 60, 80, 300])
@pytest.mark.parametrize("height", [1, 2, 5, 19, 20, 24, 60])
def test_a_picture_of_any_size_fits(width: int, height: int) -> None:
    for progress in (Progress("new"), known()):
        lines = page(progress, width, height, "ctrl-c leaves")
        assert len(lines) == height
        assert all(line_width(line) <= width for line in lines)


def test_the_echo_of_ctrl_c_finds_room_on_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = StringIO()
    console = Console(file=sent, force_terminal=True, width=40, height=24, soft_wrap=True, markup=False)
    monkeypatch.setattr(output, "console", lambda stderr: console)
    progress = known()
    progress.add({**TEXT, "text": "a long line " * 9})
    screen = Screen()
    screen.show([], progress)
    screen.close(progress)
    shown = pyte.Screen(40, 24)
    pyte.Stream(shown).feed(sent.getvalue().replace("\n", "\r\n"))
    assert max(len(line.rstrip()) for line in shown.display) == 38


# -- the chart


def test_a_page_of_some_size_has_the_chart_with_both_losses_and_its_foot() -> None:
    shown = "\n".join(map(plain, page(known(), 60, 20, "ctrl-c leaves")))
    for text in ["loss, nats per character", "2.00 train", "2.00 held out", "60%", "ctrl-c leaves"]:
        assert text in shown
    assert "nats per" not in "\n".join(map(plain, page(known(), 59, 20)))
    assert "nats per" not in "\n".join(map(plain, page(known(), 60, 19)))


def test_a_roll_back_takes_its_steps_and_scores_from_the_chart() -> None:
    progress = Progress("new")
    progress.add(START)
    for step in (30, 60):
        stepped(progress, *range(step - 29, step + 1))
        progress.add({**EVALUATION, "step": step})
    stepped(progress, 31)
    held_out, train = live_chart(progress).curves
    assert train.x == tuple(float(step) for step in range(1, 32))
    assert held_out.x == (30.0,)


def test_a_step_whose_loss_is_none_is_a_gap() -> None:
    progress = Progress("new")
    progress.add(START)
    stepped(progress, 1)
    progress.add({**STEP, "step": 2, "train_loss": None})
    assert live_chart(progress).curves[0].y == (2.0, None)


# -- rows that are known already


def test_rows_that_a_roll_back_leaves_are_no_news(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    steps = [json.dumps({**STEP, "step": step}) + "\n" for step in range(1, 6)]
    log.write_text("".join(steps))
    news = News(log)
    assert [row["step"] for row in news.poll()] == [1, 2, 3, 4, 5]
    again = json.dumps({**STEP, "step": 3, "seconds": 0.75}) + "\n"
    log.unlink()
    log.write_text("".join([*steps[:2], again]))
    assert [(row["step"], row["seconds"]) for row in news.poll()] == [(3, 0.75)]


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
