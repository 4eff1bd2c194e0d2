"""Train: from a list of texts to a model that learns, and back through what it has learned."""

import json
import math
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from seqplay import files, paths
from seqplay.errors import MissingError
from seqplay.processes import begin, training
from seqplay.recipe import Recipe
from seqplay.runs import control, layout, shelf
from seqplay.runs.control import ControlReader
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.tui.places.train import Train, keep_pasted
from seqplay.tui.widgets.running import log_spaced
from seqplay.tui.widgets.text_list import TextList

from .conftest import GUARD, SIZES, in_a_loop, notices, playground, press, recorded, shown, text_of, until


class Trainers:
    """Stands in for the starting of trainers: which runs were started. Each lives on and says nothing."""

    def __init__(self) -> None:
        self.runs: list[RunFiles] = []

    def __call__(self, run: RunFiles) -> Any:
        self.runs.append(run)
        return self

    def poll(self) -> None:
        return None


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> Trainers:
    trainers = Trainers()
    monkeypatch.setattr(training, "start", trainers)
    return trainers


@pytest.fixture(autouse=True)
def folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def train_place(pilot: Pilot[None]) -> Train:
    assert isinstance(pilot.app.screen, Train)
    return pilot.app.screen


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_an_empty_shelf_shows_what_can_be_learned_and_the_first_key(size: tuple[int, int]) -> None:
    async def body() -> None:
        async with playground(size) as pilot:
            screen = text_of(pilot)
            assert "what should it learn?" in screen
            assert "▌ english" in screen
            assert shown(pilot)[-1].startswith(" enter train on it")
            assert "q leave" in shown(pilot)[-1]
            assert "no run open" in shown(pilot)[0]

    in_a_loop(body())


def test_the_text_under_the_cursor_is_seen_through_before_it_is_learned() -> None:
    async def body() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: "76,068 characters" in text_of(pilot), "counts")
            await until(pilot, lambda: "5-gram" in text_of(pilot), "the losses to beat")
            assert "suggested for this text and this machine" in text_of(pilot)
            await press(pilot, "down")
            await until(pilot, lambda: "X-ray of korean" in text_of(pilot) and "Hangul" in text_of(pilot), "Korean")
            assert " jamo " in next(line for line in shown(pilot) if "tokens" in line)

    in_a_loop(body())


def test_enter_makes_a_run_of_the_text_and_starts_its_training(trainers: Trainers) -> None:
    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "enter")
            await until(pilot, lambda: trainers.runs, "a start")
            assert [run.name for run in trainers.runs] == ["english-lstm"]
            recipe = layout.read_recipe(trainers.runs[0].recipe)
            assert (recipe.source, recipe.cell, recipe.tokens) == ("english", "lstm", "char")
            await until(pilot, lambda: "◌ english-lstm" in shown(pilot)[0], "the run in the header")
            assert "the text is in the cache" in text_of(pilot)

    in_a_loop(body())


def test_the_recipe_is_what_was_chosen_with_the_arrows(trainers: Trainers) -> None:
    async def body() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: "suggested" in text_of(pilot), "a suggestion")
            await press(pilot, "tab", "right", "down", "left", "down", "right", "down", "right", "enter")
            await until(pilot, lambda: trainers.runs, "a start")
            recipe = layout.read_recipe(trainers.runs[0].recipe)
            assert (recipe.tokens, recipe.cell, recipe.size, recipe.minutes) == ("word", "gru", "l", 1.0)

    in_a_loop(body())


def test_every_setting_of_a_recipe_stands_in_the_form_and_is_checked(trainers: Trainers) -> None:
    async def body() -> None:
        async with playground((120, 60)) as pilot:
            await press(pilot, "a")
            screen = text_of(pilot)
            from seqplay.options import options_of

            assert [name for name in (o.name for o in options_of(Recipe)) if name not in screen] == []
            await press(pilot, "slash", *"hidden", "enter", "enter", *"none", "enter")
            await until(pilot, lambda: "hidden takes a whole number from 1 to 65536" in text_of(pilot), "a complaint")
            await press(pilot, "enter", *"48", "enter")
            await until(pilot, lambda: "48" in text_of(pilot), "the value")
            await press(pilot, "a", "enter")
            await until(pilot, lambda: trainers.runs, "a start")
            assert layout.read_recipe(trainers.runs[0].recipe).hidden == 48

    in_a_loop(body())


def test_a_text_that_cannot_be_learned_is_refused_in_one_line_and_leaves_no_run(trainers: Trainers) -> None:
    Path("broken.txt").write_bytes(b"caf\xe9 and more of it")

    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "slash", *"broken", "enter")
            await until(pilot, lambda: "no UTF-8 text" in text_of(pilot), "why not")
            await press(pilot, "enter")
            await until(pilot, lambda: len(pilot.app._notifications) == 1, "a notice")
            assert shelf.all_runs() == []
            assert trainers.runs == []

    in_a_loop(body())


def test_a_pasted_path_is_opened_and_pasted_prose_becomes_a_text(tmp_path: Path) -> None:
    (tmp_path / "일기.txt").write_text("오늘은 맑았다.\n" * 40)
    prose = "나는 오늘 아침 일찍 일어났다.\n" * 30

    async def body() -> None:
        async with playground() as pilot:
            pilot.app.post_message(events.Paste(f"'{tmp_path / '일기.txt'}'\n"))
            texts = pilot.app.screen.query_one(TextList)
            await until(pilot, lambda: texts.chosen and texts.chosen.name == "일기.txt", "the file")
            pilot.app.post_message(events.Paste(prose))
            await until(pilot, lambda: texts.chosen and texts.chosen.name != "일기.txt", "the prose")
            assert texts.chosen is not None
            assert Path(texts.chosen.source).read_text() == prose
            assert oct(os.stat(texts.chosen.source).st_mode)[-3:] == "600"

    in_a_loop(body())


def test_two_pasted_texts_with_the_same_beginning_are_two_files() -> None:
    assert keep_pasted("one two three") != keep_pasted("one two three")
    assert len(list((paths.home() / "pasted").iterdir())) == 2


def test_a_file_is_opened_by_its_path_with_completion(tmp_path: Path) -> None:
    (tmp_path / "stories-of-mine.txt").write_text("Once upon a time there was a text.\n" * 40)

    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "f", *f"{tmp_path}/stor", "tab", "enter")
            texts_shown = "X-ray of stories-of-mine"
            await until(pilot, lambda: texts_shown in text_of(pilot), "the file")

    in_a_loop(body())


def test_a_finished_run_gets_a_verdict_and_a_next_key() -> None:
    recorded(end="finished")

    async def body() -> None:
        async with playground() as pilot:
            place = train_place(pilot)
            place.playground.open(shelf.find("harbour"))
            await until(pilot, lambda: "✓ harbour-lstm" in shown(pilot)[0], "the run")
            assert "100 %" in shown(pilot)[0]
            assert shown(pilot)[-1].startswith(" S write with it  n new run")
            await until(pilot, lambda: "The harbour at 200" in text_of(pilot), "the newest sample")
            assert "wrote last" in text_of(pilot)

    in_a_loop(body())


def test_the_cursor_moves_loss_and_sample_back_in_time_together() -> None:
    recorded(end="finished")

    async def body() -> None:
        async with playground() as pilot:
            place = train_place(pilot)
            place.playground.open(shelf.find("harbour"))
            await until(pilot, lambda: "The harbour at 200" in text_of(pilot), "the newest sample")
            await press(pilot, *["left_square_bracket"] * 25)
            screen = text_of(pilot)
            assert "at 100 steps   train 1.613   held out 1.663" in screen
            assert "wrote at step 100" in screen
            assert "│" in screen
            await press(pilot, "right_curly_bracket")
            assert "wrote last" in text_of(pilot)

    in_a_loop(body())


@pytest.mark.parametrize(("key", "seen"), [("x", "time"), ("u", "bits per character"), ("y", "loss")])
def test_axes_turn_and_are_remembered(key: str, seen: str) -> None:
    recorded(end="finished")

    async def body() -> None:
        async with playground() as pilot:
            train_place(pilot).playground.open(shelf.find("harbour"))
            await press(pilot, key)
            assert seen in text_of(pilot)
            await press(pilot, "q")

    in_a_loop(body())
    kept = json.loads((paths.home() / "settings.json").read_text())
    assert (kept["x_axis"], kept["unit"], kept["log_y"]) == (
        "seconds" if key == "x" else "steps",
        "bits" if key == "u" else "nats",
        key == "y",
    )


def test_a_change_of_the_learning_rate_is_marked_on_the_chart() -> None:
    recorded(changes=({"step": 100, "name": "learning_rate", "value": 0.005, "before": 0.01},))

    async def body() -> None:
        async with playground() as pilot:
            train_place(pilot).playground.open(shelf.find("harbour"))
            await until(pilot, lambda: "learning rate ÷2" in text_of(pilot), "the mark")
            assert "▲" in text_of(pilot)

    in_a_loop(body())


def test_keys_ask_the_trainer_of_a_live_run() -> None:
    run = recorded(end="killed")

    async def body() -> None:
        with WriterLock(run):
            async with playground() as pilot:
                await until(pilot, lambda: "● harbour-lstm" in shown(pilot)[0], "the live run, without being asked")
                await press(pilot, "s", "space", "l", *["backspace"] * 8, *"x0.5", "enter")
                await press(pilot, "t", *["backspace"] * 4, *"0.3", "enter", "full_stop")
                await until(pilot, lambda: len(ControlReader(run.control).poll()) == 5, "requests")
        asked = [(row["action"], row["value"]) for row in ControlReader(run.control).poll()]
        assert asked == [
            ("sample", None), ("pause", None), ("learning_rate", pytest.approx(0.0025)), ("temperature", 0.3),
            ("stop", None),
        ]  # fmt: skip

    in_a_loop(body())


def test_a_learning_rate_that_is_none_is_refused_and_not_sent() -> None:
    run = recorded(end="killed")

    async def body() -> None:
        with WriterLock(run):
            async with playground() as pilot:
                await until(pilot, lambda: "●" in shown(pilot)[0], "the live run")
                await press(pilot, "l", *["backspace"] * 8, *"fast", "enter")
                await until(pilot, lambda: "is a number, not 'fast'" in text_of(pilot), "a complaint")
                assert not run.control.exists()

    in_a_loop(body())


def test_a_paused_run_is_told_to_go_on(trainers: Trainers) -> None:
    run = recorded(end="paused")

    async def body() -> None:
        with WriterLock(run):
            async with playground() as pilot:
                await until(pilot, lambda: "‖ harbour-lstm" in shown(pilot)[0], "the paused run")
                assert shown(pilot)[-1].startswith(" space continue")
                await press(pilot, "space")
                assert [row["action"] for row in ControlReader(run.control).poll()] == ["continue"]
                assert trainers.runs == []

    in_a_loop(body())


def test_a_stopped_run_is_taken_up_again_by_a_trainer(trainers: Trainers) -> None:
    recorded(end="stopped")

    async def body() -> None:
        async with playground() as pilot:
            train_place(pilot).playground.open(shelf.find("harbour"))
            await until(pilot, lambda: "nothing is lost" in text_of(pilot), "where it stopped")
            await press(pilot, "space")
            assert [run.name for run in trainers.runs] == ["harbour-lstm"]

    in_a_loop(body())


def test_a_run_whose_process_died_says_what_happened_and_what_is_safe() -> None:
    run = recorded(end="killed")
    run.output.write_text("Segmentation fault \x1b]52;c;aGk=\x07\n")

    async def body() -> None:
        async with playground() as pilot:
            train_place(pilot).playground.open(shelf.find("harbour"))
            await until(pilot, lambda: "✗ harbour-lstm" in shown(pilot)[0], "the crash")
            await until(pilot, lambda: "ended without a word" in text_of(pilot), "what happened")
            await press(pilot, "o")
            assert "Segmentation fault ␛]52" in text_of(pilot)
            await press(pilot, "escape", "n")
            assert "what should it learn?" in text_of(pilot)

    in_a_loop(body())


def test_leaving_a_live_run_says_that_it_goes_on_and_coming_back_what_happened_meanwhile() -> None:
    run = recorded(end="killed", steps=100)

    async def leave() -> None:
        with WriterLock(run):
            async with playground() as pilot:
                await until(pilot, lambda: "●" in shown(pilot)[0] and "25 %" in shown(pilot)[0], "the live run")
                await press(pilot, "q")
                app: Any = pilot.app
                assert app.last_words == [
                    "harbour-lstm goes on (25 %). seqplay shows it; seqplay stop harbour-lstm ends it."
                ]

    in_a_loop(leave())
    whole = recorded("other", end="finished")
    run.log.write_bytes(whole.log.read_bytes())

    async def come_back() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: "while you were away: 100 → 200" in text_of(pilot), "what happened")

    in_a_loop(come_back())


def test_another_trainer_than_the_apps_own_is_shown_too() -> None:
    run = recorded(end="killed", steps=10)

    async def body() -> None:
        with WriterLock(run):
            async with playground() as pilot:
                await until(pilot, lambda: "10 / 400" in text_of(pilot), "what is there")
                with run.log.open("a") as log:
                    row = {"kind": "step", "step": 11, "train_loss": 3.0, "seconds": 1.1, "tokens": 99}
                    log.write(json.dumps(row) + "\n")
                await until(pilot, lambda: "11 / 400" in text_of(pilot), "the new step")

    in_a_loop(body())


def test_the_app_never_signals_a_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    run, signalled, kill, killpg = recorded(end="killed"), [], os.kill, os.killpg
    monkeypatch.setattr(os, "kill", lambda pid, number: (signalled.append(pid), kill(pid, number)))
    monkeypatch.setattr(os, "killpg", lambda group, number: (signalled.append(group), killpg(group, number)))

    class Started(Trainers):
        """A trainer that this playground started."""

        pid = os.getpid()

        def send_signal(self, number: int) -> None:
            signalled.append(self.pid)

        def kill(self) -> None:
            signalled.append(self.pid)

        terminate = kill

    async def body() -> None:
        with WriterLock(run):  # this process is the trainer
            async with playground() as pilot:
                pilot.app.trainers.append(Started())  # type: ignore[attr-defined]
                await until(pilot, lambda: "●" in shown(pilot)[0], "the live run")
                await press(pilot, "full_stop", "q")

    in_a_loop(body())
    assert not {os.getpid(), os.getpgid(0), 0} & set(signalled)


def test_a_list_that_was_narrowed_to_nothing_bears_every_key() -> None:
    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "slash", *"zzzzz", "enter", "down", "up", "pagedown", "home", "end", "enter")
            assert "no text has 'zzzzz' in its name" in text_of(pilot)

    in_a_loop(body())


def test_enter_hit_twice_makes_one_run(trainers: Trainers, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, make_run = threading.Event(), begin.make_run

    def slowly(*asked: Any) -> RunFiles:
        begun.wait(GUARD)
        return make_run(*asked)

    monkeypatch.setattr(begin, "make_run", slowly)

    async def body() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: "suggested" in text_of(pilot), "a suggestion")
            await press(pilot, "enter", "enter", "enter")
            begun.set()
            await until(pilot, lambda: trainers.runs, "a start")
            await press(pilot)
            assert [run.name for run in shelf.all_runs()] == ["english-lstm"]

    in_a_loop(body())


def test_a_trainer_that_cannot_be_started_leaves_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(_: RunFiles) -> None:
        raise MissingError("The training process cannot be started: Cannot allocate memory.")

    monkeypatch.setattr(training, "start", no)

    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "enter")
            await until(pilot, lambda: "Cannot allocate memory" in notices(pilot), "why not")
            assert shelf.all_runs() == []

    in_a_loop(body())


def test_enter_right_after_moving_trains_with_what_suits_the_new_text(trainers: Trainers) -> None:
    async def body() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: "suggested" in text_of(pilot), "the suggestion for English")
            await press(pilot, "down", "enter")
            await until(pilot, lambda: trainers.runs, "a start")
            assert layout.read_recipe(trainers.runs[0].recipe).tokens == "jamo"

    in_a_loop(body())


def test_a_stopped_run_that_is_taken_up_waits_and_is_not_started_twice(trainers: Trainers) -> None:
    recorded(end="stopped")

    async def body() -> None:
        async with playground() as pilot:
            train_place(pilot).playground.open(shelf.find("harbour"))
            await until(pilot, lambda: "nothing is lost" in text_of(pilot), "where it stopped")
            await press(pilot, "space", "space", "space")
            await until(pilot, lambda: "◌ harbour-lstm" in shown(pilot)[0], "the trainer that begins")
            assert [run.name for run in trainers.runs] == ["harbour-lstm"]

    in_a_loop(body())


def test_a_log_that_is_too_large_to_be_one_is_said_to_be_broken() -> None:
    run = recorded(end="stopped")
    os.truncate(run.log, (4 << 30) + 5)

    async def body() -> None:
        async with playground() as pilot:
            train_place(pilot).playground.open(run)
            await until(pilot, lambda: "Cannot" in text_of(pilot) and "limit" in text_of(pilot), "the reason")
            subject = train_place(pilot).playground.subject
            assert subject is not None
            subject._felt = -math.inf  # half a second later
            subject.poll()
            assert "it has 4,294,967,301 bytes and the limit is" in subject.problem
            assert "✗ harbour-lstm" in shown(pilot)[0]

    in_a_loop(body())


def test_what_was_written_is_still_known_when_only_the_log_was_cut() -> None:
    run = recorded(end="killed")
    lines = run.log.read_bytes().splitlines(keepends=True)

    async def body() -> None:
        async with playground() as pilot:
            place = train_place(pilot)
            place.playground.open(run)
            await until(pilot, lambda: "The harbour at 200" in text_of(pilot), "the newest sample")
            files.write_atomically(run.log, b"".join(lines[:150]))
            await until(
                pilot, lambda: place.subject and place.subject.progress.step["step"] < 200, "the log that was cut"
            )
            assert place.subject is not None
            assert len(place.subject.progress.samples) == 10

    in_a_loop(body())


def test_the_temperature_of_a_sample_is_that_which_it_was_written_at() -> None:
    run = recorded()
    rows_of = [json.loads(line) for line in run.figures.read_text().splitlines()]
    rows_of[-1]["caption"] = "step 200 · temperature 1.30"
    run.figures.write_text("".join(json.dumps(row) + "\n" for row in rows_of))

    async def body() -> None:
        async with playground() as pilot:
            train_place(pilot).playground.open(run)
            await until(pilot, lambda: "step 200 · temperature 1.30" in text_of(pilot), "the caption")

    in_a_loop(body())


def test_a_path_that_leads_nowhere_is_refused_and_not_remembered() -> None:
    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "f", *"/nonexistent/foo.txt", "enter")
            await until(pilot, lambda: "is no file or folder that can be read" in notices(pilot), "why not")
            assert train_place(pilot).playground.remembered.texts == []

    in_a_loop(body())


def test_the_folder_may_be_taken_away_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "f")
            await until(pilot, lambda: "a text of yours" in text_of(pilot), "the dialog")

    in_a_loop(body())


def test_earlier_samples_are_those_of_fixed_steps_that_grow_by_the_same_factor() -> None:
    from seqplay.runs.progress import Sample

    samples = [Sample(step, "", "") for step in range(0, 1001, 10)]
    picked = [sample.step for sample in log_spaced(samples, samples[-1], 4)]
    assert picked == [0, 100, 300, 1000]
    assert log_spaced(samples, None, 4) == []
    assert [sample.step for sample in log_spaced(samples[:3], samples[2], 4)] == [0, 10, 20]


def test_a_request_that_cannot_be_written_is_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    from seqplay.errors import WriteError

    run = recorded(end="killed")

    def full(*_: Any) -> None:
        raise WriteError("Cannot write control.jsonl: No space left on device.")

    async def body() -> None:
        with WriterLock(run):
            async with playground() as pilot:
                await until(pilot, lambda: "●" in shown(pilot)[0], "the live run")
                monkeypatch.setattr(control, "ask", full)
                await press(pilot, "space")
                await until(pilot, lambda: "No space left on device" in text_of(pilot), "the notice")

    in_a_loop(body())
