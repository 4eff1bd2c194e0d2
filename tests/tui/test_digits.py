"""The Digits place: what a run draws, or reads, is seen, moved through, judged and asked about."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from textual.pilot import Pilot

from seqplay import figures
from seqplay.draw.lines import plain
from seqplay.figures import Bars, Picture
from seqplay.processes.worker import Worker
from seqplay.recipe import Recipe
from seqplay.runs import commit, layout, rows, scores, shelf
from seqplay.runs.control import ControlReader
from seqplay.runs.layout import RunFiles
from seqplay.runs.progress import Progress
from seqplay.tui import readers
from seqplay.tui.app import Playground
from seqplay.tui.places.digits import Digits
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.drawing_box import Sheet
from seqplay.tui.widgets.judge_box import histogram, histogram_in_a_line
from seqplay.tui.widgets.pictures_box import PicturesBox, halfway
from seqplay.tui.widgets.recipe_box import Asked

from .conftest import (
    in_a_loop,
    notices,
    pictures_at,
    playground,
    press,
    recorded,
    recorded_digits,
    shown,
    text_of,
    until,
)

Row = dict[str, Any]


async def opened(pilot: Pilot[None], name: str = "digits") -> Digits:
    """The Digits place with a run of the shelf."""
    app = pilot.app
    assert isinstance(app, Playground)
    app.open(shelf.find(name))
    await press(pilot, "D")
    await until(pilot, lambda: isinstance(app.screen, Digits), "the place")
    place = app.screen
    assert isinstance(place, Digits)
    await until(pilot, lambda: app.subject is not None and not app.subject.is_loading and place.grid.size, "the run")
    app._show()
    await pilot.pause()
    return place


def pixels(box: PicturesBox) -> bytes:
    """The pictures that a box shows."""
    assert box.figure is not None
    return box.figure.values()


def moment(place: Digits) -> float | None:
    """Where the cursor in time stands."""
    return place.cursor


def is_held(place: Digits) -> bool:
    return bool(place.held.display)


class Answers:
    """Stands for the model: what was asked of it, and pictures of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, Row]] = []
        monkeypatch.setattr(Worker, "ask", lambda _, question, run="", **options: self._answer(question, options))
        monkeypatch.setattr(Subject, "checkpoint_steps", property(lambda _: [200]))

    async def _answer(self, question: str, options: Row) -> AsyncIterator[Row]:
        self.asked.append((question, options))
        count = {"walk": options.get("steps", 1), "sample": options.get("count", 1), "turn": 1}.get(question)
        if count:
            yield figures.to_json(Picture.of(bytes([len(self.asked)]) * 784 * count, 28, 28))
        elif question == "classify":
            yield figures.to_json(Bars(tuple("0123456789"), (1.0, 2.0, *(0.0,) * 7, 97.0), "%"))
        elif question == "features":
            yield figures.to_json(Picture.of(bytes(784 * 3), 28, 28, ink=False, title="convolution 1"))
        elif question == "confusion":
            columns = (figures.Column("is"), figures.Column("% right"), *(figures.Column(n) for n in "01"))
            yield figures.to_json(figures.Table(columns, (("0", 90.0, 9, 1), ("1", 100.0, 0, 10)), caption="19 of 20"))

    def of(self, question: str) -> list[Row]:
        return [options for name, options in self.asked if name == question]


# -- what a run draws


def test_the_newest_pictures_stand_beside_judge_and_balance_and_turn_into_the_next_step_by_step() -> None:
    assert halfway(bytes([0, 100, 255, 7]), bytes([100, 100, 0, 8])) == bytes([50, 100, 127, 7])
    recorded_digits(end="stopped")

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            assert pixels(place.grid) == pictures_at(1.0)
            screen = text_of(pilot)
            for fact in ("read with confidence", "88 %", "10 of 10", "real = 1.9", "11.2", "0.74", "0.29", "1.64 gen"):
                assert fact in screen, fact
            assert "digits-dcgan  50 %  88 % read" in shown(pilot)[0]
            assert place.grid.seen == 15
            assert "stopped at step 200, nothing is lost" in screen
            before, after = (Picture.of(bytes([level]) * 784, 28, 28) for level in (0, 200))
            place.grid.put(before)
            place.grid.put(after, fade=True)
            seen = {0}
            await until(pilot, lambda: seen.add(pixels(place.grid)[0]) or 200 in seen, "the end")  # type: ignore
            assert seen == {0, 50, 100, 150, 200}
            assert place.grid._timer is not None
            await until(pilot, lambda: not place.grid._timer._active.is_set(), "the clock stands still")  # type: ignore

    in_a_loop(body())


def test_pictures_numbers_and_cursor_are_scrubbed_together_and_come_back_to_now() -> None:
    run = recorded_digits(end="stopped")
    known = [row for line in run.log.read_bytes().splitlines(keepends=True) if (row := rows.from_line(line))]
    for row in known:
        if row["kind"] == "evaluation" and row["step"] == 100:
            row["confident_share"] = 0.41
    run.log.write_bytes(b"".join(map(rows.to_line, known)))

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, *["left_square_bracket"] * 5)
            assert moment(place) == 100.0
            assert pixels(place.grid) == pictures_at(0.5)
            assert place.losses.figure is not None
            assert place.losses.figure.cursor == 100.0
            assert "41 %" in text_of(pilot)
            assert "drew at step 100" in text_of(pilot)
            assert place.time.figure is not None
            assert place.time.figure.labels[-1] == "100"
            await press(pilot, "right_square_bracket")
            assert moment(place) == 120.0
            await press(pilot, "left_curly_bracket", "left_square_bracket")
            assert moment(place) == 20.0
            await press(pilot, "right_curly_bracket")
            assert moment(place) is None
            assert pixels(place.grid) == pictures_at(1.0)

    in_a_loop(body())


def test_one_point_is_shown_through_time_and_held_large() -> None:
    recorded_digits(end="stopped")
    recorded_digits("few-dcgan", end="stopped", count=3)

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "right", "right", "down")
            assert place.point == 7
            assert pixels(place.time)[-784:] == pictures_at(1.0)[7 * 784 : 8 * 784]
            assert place.time.figure is not None
            assert place.time.figure.labels == ("20", "40", "100", "200")
            await press(pilot, "enter")
            assert is_held(place)
            assert pixels(place.held) == pictures_at(1.0)[7 * 784 : 8 * 784]
            assert "point 8" in text_of(pilot)
            await press(pilot, "enter")
            assert not is_held(place)
            await press(pilot, "end")
            assert place.point == 63
            assert place.grid.first == 50  # the last rows are in sight
            await opened(pilot, "few")
            for key, there in zip("right right right down left up".split(), (1, 2, 2, 2, 1, 1), strict=True):
                await press(pilot, key)
                assert place.grid.chosen == there

    in_a_loop(body())


@pytest.mark.parametrize(("size", "seen"), [((80, 24), 10), ((200, 60), 54)], ids=str)
def test_each_size_has_its_own_number_of_pictures(size: tuple[int, int], seen: int) -> None:
    recorded_digits(end="stopped")

    async def body() -> None:
        async with playground(size) as pilot:
            place = await opened(pilot)
            assert place.grid.seen == seen
            screen = shown(pilot)
            assert [line for line in screen if len(line) > size[0]] == []
            assert "q leave" in screen[-1]
            assert any("88 %" in line for line in screen[2:])
            assert any("0.74" in line for line in screen)
            made = [Picture.of(pictures_at(share / 2), 28, 28) for share in range(3)] * 3
            taken = []
            for figure in made:
                began = time.process_time()
                place.grid.figure = figure
                place.grid.redraw()
                taken.append(time.process_time() - began)
            assert sorted(taken)[len(taken) // 2] < 0.05  # half of a core at ten a second, on a slow machine

    in_a_loop(body())


# -- asking the model


def test_a_walk_goes_from_the_marked_point_to_the_chosen_one_and_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_digits()
    model = Answers(monkeypatch)

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "right", "w")
            assert place.grid.marked == 1
            assert "from point 2" in text_of(pilot)
            await press(pilot, "down", "w")
            await until(pilot, lambda: place.is_walking, "the walk")
            assert model.of("walk") == [{"first": 1, "last": 6, "steps": 24, "seed": 0}]
            assert is_held(place)
            await until(pilot, lambda: place._at >= 2, "a few pictures on")
            await press(pilot, "space")
            at = place._at
            await pilot.pause(0.25)
            assert place._at == at
            await press(pilot, "space")
            await until(pilot, lambda: place._at > at, "it goes on")
            await press(pilot, "escape")
            assert not place.is_walking

    in_a_loop(body())


def test_a_walk_ends_with_its_run_and_says_which_checkpoint_drew_it(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_digits()
    other = recorded_digits("other-dcgan")
    Answers(monkeypatch)
    steps = iter([200, 180])
    monkeypatch.setattr("seqplay.tui.places.digits_asking.best_step", lambda _: next(steps))

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "w", "right", "w")
            await until(pilot, lambda: place.is_walking, "the walk")
            assert sum(timer._callback == place._walk_on for timer in place._timers) == 1
            assert "from point 1 to point 2" in text_of(pilot)
            assert "best checkpoint" not in text_of(pilot)
            await press(pilot, "n")
            await until(pilot, lambda: "best checkpoint, step 180 · seed 1" in text_of(pilot), "another than is shown")
            await press(pilot, "v")
            await until(pilot, lambda: place.is_walking, "the walk again")
            place.playground.open(other)
            place._walk_on()
            await until(pilot, lambda: place.own == {}, "the other run")
            walking: Any = place._walking
            assert not walking._active.is_set()
            place._walk_on()

    in_a_loop(body())


def test_only_the_newest_position_of_the_sliders_counts_and_new_points_are_others_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded_digits()
    model = Answers(monkeypatch)

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "g", "plus", "plus", "plus")
            assert is_held(place)
            await until(pilot, lambda: model.of("turn")[-1:] and place.moved is not None, "the picture")
            await until(pilot, lambda: model.of("turn")[-1]["sliders"] == [0.0, 0.0, 1.5, 0.0, 0.0], "the newest")
            assert model.of("turn")[-1]["point"] == 0
            assert place.held.figure is place.moved
            await press(pilot, "backspace")
            assert place.moved is None
            assert place.sliders.sliders == (0.0,) * 5
            await press(pilot, "n")
            await until(pilot, lambda: place.view == "new points", "the answer")
            await press(pilot, "n")
            await until(pilot, lambda: len(model.of("sample")) == 2, "the second answer")
            assert [asked["seed"] for asked in model.of("sample")] == [1, 2]
            await press(pilot, "escape", "escape")
            assert place.view == "now"

    in_a_loop(body())


def test_without_a_checkpoint_or_a_reader_nothing_is_asked_and_it_is_said_why() -> None:
    recorded_digits(end="stopped")

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "n", "plus", "w")
            assert "no checkpoint yet" in notices(pilot)
            assert place.view == "now"
            assert place.grid.marked is None
            await press(pilot, "b")
            await until(pilot, lambda: "--task recognise" in text_of(pilot), "how to get a reader")

    in_a_loop(body())


def test_single_steps_are_asked_of_the_trainer_as_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded_digits(end="paused")
    monkeypatch.setattr("seqplay.tui.subject.is_busy", lambda _: True)

    async def body() -> None:
        async with playground() as pilot:
            await opened(pilot)
            await until(pilot, lambda: pilot.app.subject.is_live, "it lives")  # type: ignore[attr-defined]
            await press(pilot, "1", "2", "3", "space", "full_stop")
            asked = [(row["action"], row["value"]) for row in ControlReader(run.control).poll()]
            assert asked == [("step", 1), ("step", 2), ("step", 3), ("continue", None), ("stop", None)]

    in_a_loop(body())


# -- what goes wrong, and what is not there yet


GOOD = {"confident_share": 0.9, "classes_present": 10, "class_shares": [0.1] * 10}


@pytest.mark.parametrize(
    ("judged", "balance", "said"),
    [
        (GOOD, (0.7, 0.3), ""),
        (GOOD | {"class_shares": [0.2] * 5 + [0.0] * 5}, (0.7, 0.3), "mode collapse: it draws 5 of 10 classes"),
        (GOOD | {"class_shares": [0.55, *[0.05] * 9]}, (0.7, 0.3), "mode collapse: 55 % of it is one class"),
        (GOOD, (0.99, 0.01), "the generator learns nothing"),
        (GOOD, (0.99, 0.03), ""),
    ],
)
def test_a_collapse_and_a_generator_without_gradient_are_told(
    judged: Row, balance: tuple[float, float], said: str
) -> None:
    run = recorded_digits(judged=judged, balance=balance)
    progress = Progress(run.name)
    for line in run.log.read_bytes().splitlines():
        row = rows.from_line(line + b"\n")
        assert row is not None
        progress.add(row)
    warned = scores.warning(progress)
    assert said in warned
    assert bool(warned) == bool(said)


def test_a_finished_run_has_a_verdict_a_crashed_one_says_what_is_safe_and_what_goes_wrong_is_told() -> None:
    recorded_digits()
    recorded_digits("sure-dcgan", balance=(0.99, 0.01))
    recorded_digits("crashed-dcgan", end="crashed")

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            assert "read with confidence 88 %, all ten classes" in text_of(pilot)
            await opened(pilot, "crashed")
            assert "There is no checkpoint yet." in text_of(pilot)
            await press(pilot, "left_square_bracket")
            assert place.grid.figure is not None  # what it drew before is still there
            await opened(pilot, "sure")
            assert "the critic is never wrong" in text_of(pilot)
            assert "no sign of collapse" not in text_of(pilot)

    in_a_loop(body())


def test_without_pictures_enter_grows_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded()
    begun: list[tuple[list[str], Recipe]] = []

    def begin(sources: list[str], asked: Recipe) -> tuple[RunFiles, Any]:
        begun.append((sources, asked))
        return recorded_digits(end="stopped"), _Ended()

    monkeypatch.setattr("seqplay.tui.places.digits.begin.begin", begin)

    async def body() -> None:
        async with playground() as pilot:
            app = pilot.app
            assert isinstance(app, Playground)
            await press(pilot, "D")
            await until(pilot, lambda: "No pictures yet." in text_of(pilot), "the empty place")
            app.open(shelf.find("harbour"))
            await until(pilot, lambda: "harbour-lstm learns a text" in text_of(pilot), "another run")
            assert "enter grow digits, 3 minutes" in shown(pilot)[-1]
            await press(pilot, "enter")
            await until(pilot, lambda: "88 %" in text_of(pilot), "the run")
            (sources, asked) = begun[0]
            assert (sources, asked.task, asked.model, asked.minutes) == (["digits"], "digits", None, 3.0)
            assert len(begun) == 1

    in_a_loop(body())


class _Ended:
    """A trainer that has ended."""

    def poll(self) -> int:
        return 0


# -- what a run reads


def test_a_reading_run_shows_its_mistakes_odds_and_accuracy(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_digits("digits-cnn", task="recognise", count=20)
    model = Answers(monkeypatch)

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await until(pilot, lambda: place.read is not None and place.maps, "the odds")
            await pilot.pause()
            screen = text_of(pilot)
            assert "98.0 % right" in shown(pilot)[0]
            assert "0→5" in screen
            assert "97.0 %" in screen
            assert "convolution 1" in screen
            assert not place.balance.display
            first = base64.b64encode(pictures_at(1.0, 20)[:784]).decode()
            assert model.of("classify") == [{"pixels": first}]
            await press(pilot, "v")
            await until(pilot, lambda: "19 of 20" in text_of(pilot), "the table")
            assert any("90.0 %" in line and "9" in line for line in shown(pilot))
            await press(pilot, "v")
            assert place.view == "layer 1"
            assert place.grid.figure is place.maps[0]

    in_a_loop(body())


def test_what_is_drawn_by_keys_is_read_as_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded_digits("digits-cnn", task="recognise", count=20)
    (run.checkpoints / "00000200").mkdir(parents=True)
    monkeypatch.setattr("seqplay.tui.readers.commit.steps", lambda _: [200])
    model = Answers(monkeypatch)

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "b")
            await until(pilot, lambda: place.reader is not None and place.sheet.has_focus, "the sheet")
            await press(pilot, "space", "down", "down", "down")
            drawn = bytes(place.sheet.sheet.ink)
            assert drawn[7 * 28 + 14] == 255
            assert drawn[10 * 28 + 14] == 255
            assert drawn[20 * 28 + 14] == 0
            newest = base64.b64encode(drawn).decode()
            await until(pilot, lambda: {"pixels": newest} in model.of("classify"), "the newest is asked about")
            await until(pilot, lambda: "reads it as" in text_of(pilot) and "97.0 %" in text_of(pilot), "the odds")
            await press(pilot, "c")
            assert place.sheet.sheet.is_empty
            await press(pilot, "b")
            assert place.grid.has_focus

    in_a_loop(body())


def test_what_the_layers_saw_for_the_run_before_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded_digits("digits-cnn", task="recognise", count=20)
    drawing = recorded_digits()
    model, may_answer = Answers(monkeypatch), asyncio.Event()

    async def answer(question: str, options: Row) -> AsyncIterator[Row]:
        if question == "features":
            asked.set()
            await may_answer.wait()
        async for row in Answers._answer(model, question, options):
            yield row

    asked = asyncio.Event()
    monkeypatch.setattr(model, "_answer", answer)

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot, "digits-cnn")
            await until(pilot, asked.is_set, "the question")
            place.playground.open(drawing)
            place.show()
            may_answer.set()
            await until(pilot, lambda: model.of("features"), "the answer")
            await until(pilot, lambda: not place._reads._is_at_work, "the end")
            assert place.maps == ()

    in_a_loop(body())


@pytest.mark.parametrize("level", [0, 255])
def test_who_learned_photographs_sees_ink_as_they_show_it(level: int) -> None:
    run = recorded_digits("reads-cnn", task="recognise", count=2, pixels={"ink": False})
    figure = figures.to_json(Picture.of(bytes([level]) * 784, 28, 28, ink=False))
    run.figures.write_bytes(rows.to_line({"step": 1, **figure}))
    assert readers.find() == readers.NOBODY  # without a checkpoint nobody reads
    commit.commit(run.checkpoints, 5, {"model.safetensors": b""})
    found = readers.find()
    assert isinstance(found, readers.Reader)
    assert found.seen(bytes([0, 255, 100])) == (bytes([255, 0, 155]) if level else bytes([0, 255, 100]))
    assert found.caption == ("seen as dark on light" if level else "seen as light on dark")


def test_pictures_in_colour_are_not_asked_to_be_drawn() -> None:
    run = recorded_digits("colour-cnn", task="recognise", count=2, pixels={"channels": 3, "ink": False})
    commit.commit(run.checkpoints, 5, {"model.safetensors": b""})
    assert readers.find(run) == "colour-cnn reads pictures in colour, and this has none"
    assert readers.find() == readers.find(run)


def test_many_labels_are_too_many_for_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"sign {number}" for number in range(65)]
    recorded_digits("digits-cnn", task="recognise", count=4, pixels={"names": names})
    model = Answers(monkeypatch)

    async def body() -> None:
        async with playground() as pilot:
            await opened(pilot)
            await press(pilot, "v")
            await until(pilot, lambda: "It knows 65 labels: too many for a table." in text_of(pilot), "why")
            assert model.of("confusion") == []

    in_a_loop(body())


def test_bars_of_classes_stand_over_names_of_one_cell_and_over_numbers_else() -> None:
    shares = [0.2, 0.3, 0.5]
    assert plain(histogram(shares, 12, 2, "abc")[-1]).split() == ["a", "b", "c"]
    assert plain(histogram(shares, 12, 2, ["a", "b", "cat"])[-1]).split() == ["0", "1", "2"]
    assert plain(histogram(shares, 12, 2, "가나다")[-1]).split() == ["0", "1", "2"]
    assert plain(histogram_in_a_line(shares, 12, "abc")) == "a▃ b▅ c█ "
    recorded_digits(pixels={"names": list("abcdefghij")})

    async def body() -> None:
        async with playground() as pilot:
            await opened(pilot)
            await until(pilot, lambda: "a  b  c  d" in text_of(pilot), "their names")

    in_a_loop(body())


def test_the_mouse_draws_a_line_and_its_rubber_takes_it_away() -> None:
    sheet = Sheet()
    sheet.line((5.0, 5.0), (20.0, 5.0))
    assert min(sheet.ink[5 * 28 + x] for x in range(5, 20)) == 255
    assert 0 < sheet.ink[6 * 28 + 10] < 256  # a soft edge
    assert sheet.ink[10 * 28 + 10] == 0
    sheet.line((5.0, 5.0), (20.0, 5.0), rub=True)
    assert sheet.ink[5 * 28 + 10] == 0
    sheet.line((-50.0, 3.0), (90.0, 3.0))  # beyond its edges nothing happens
    assert len(sheet.ink) == 784


# -- the other places


def test_other_places_send_on_to_the_pictures_and_the_shelf_opens_them_there() -> None:
    recorded_digits()

    async def body() -> None:
        async with playground() as pilot:
            app = pilot.app
            assert isinstance(app, Playground)
            app.open(shelf.find("digits"))
            await press(pilot, "S")
            await until(pilot, lambda: "digits-dcgan draws: D" in text_of(pilot), "Sample")
            await press(pilot, "T")
            await until(pilot, lambda: "digits-dcgan draws: D" in text_of(pilot), "Train")
            assert "generator" in text_of(pilot)
            app.close_subject()
            await press(pilot, "R")
            await until(pilot, lambda: "88 % read" in text_of(pilot), "the table")
            row = next(line for line in shown(pilot) if "88 % read" in line)
            assert "pixels" in row
            assert " dcgan " in row
            await press(pilot, "enter")
            await until(pilot, lambda: isinstance(app.screen, Digits), "opened")

    in_a_loop(body())


def test_two_runs_that_draw_are_compared_by_what_is_read_of_them() -> None:
    recorded_digits()
    recorded_digits("digits-wgan", model="wgan", judged={"confident_share": 0.6})

    async def body() -> None:
        async with playground((140, 40)) as pilot:
            await press(pilot, "R")
            await until(pilot, lambda: "60 % read" in text_of(pilot), "the table")
            await press(pilot, "space", "down", "space")
            await until(pilot, lambda: "dcgan is read best: 88 %" in text_of(pilot), "the comparison")
            assert "share that is read with confidence" in text_of(pilot)
            assert any("model" in line and "wgan" in line and "dcgan" in line for line in shown(pilot))

    in_a_loop(body())


def test_a_recipe_for_pictures_has_a_task_and_a_model_and_nothing_of_texts() -> None:
    asked = Asked(data="pictures")
    asked.values |= {"tokens": "bpe", "cell": "gru", "layers": 3}
    asked.suggested = {"tokens": "word", "minutes": 1.0}
    recipe = asked.recipe()
    assert (recipe.task, recipe.model, recipe.minutes) == ("digits", "dcgan", 3.0)
    assert (recipe.tokens, recipe.cell, recipe.layers) == ("char", "lstm", 1)
    asked.values["task"] = "recognise"
    assert (asked.recipe().model, asked.recipe().minutes) == ("cnn", 1.0)
    asked.data = "text"
    recipe = asked.recipe()
    assert (recipe.task, recipe.model, recipe.tokens, recipe.minutes) == ("text", None, "bpe", 1.0)


def test_the_art_is_switched_and_remembered() -> None:
    recorded_digits(end="stopped")

    async def body() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            place.playground.remembered.art = "braille"
            await press(pilot, "a")
            assert place.playground.remembered.art == "ascii"
            drawn = place.grid.content(*place.grid.inner(*place.grid.size))
            assert not any(block in plain(line) for line in drawn for block in "▀▄█▌▐")
            place.playground._remember()

    in_a_loop(body())
    assert Playground().remembered.art == "ascii"


def test_a_run_of_pictures_is_known_by_its_recipe_before_it_has_a_plan() -> None:
    run = recorded_digits()
    run.plan.unlink()
    subject = Subject(run)
    assert subject.has_pictures
    assert subject.task == "digits"
    assert not Subject(recorded()).has_pictures
    assert layout.read_recipe(run.recipe).model == "dcgan"


def test_the_chooser_shows_pictures_before_they_are_learned_and_goes_on_to_what_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[tuple[list[str], Recipe]] = []

    def begin(sources: list[str], asked: Recipe) -> tuple[RunFiles, Any]:
        begun.append((sources, asked))
        return recorded_digits(end="stopped"), _Ended()

    async def answer(_: Worker, question: str, run: str = "", **options: Any) -> AsyncIterator[Row]:
        if question == "pictures":
            assert options == {"sources": ["digits"]}
            yield {
                "kind": "pictures",
                "name": "digits",
                "count": 20,
                "height": 28,
                "width": 28,
                "channels": 1,
                "labels": 2,
            }
            yield figures.to_json(Picture.of(pictures_at(1.0, 12), 28, 28))
            yield figures.to_json(Bars(("zero", "one"), (13.0, 7.0)))

    monkeypatch.setattr("seqplay.tui.places.train.begin.begin", begin)
    monkeypatch.setattr(Worker, "ask", answer)

    async def body() -> None:
        async with playground() as pilot:
            await press(pilot, "slash", *"digits", "enter")
            await until(pilot, lambda: "20 pictures" in text_of(pilot) and "zero" in text_of(pilot), "the X-ray")
            assert any("▌ digits" in line for line in shown(pilot))
            assert any(" task " in line and " draw " in line and " recognise " in line for line in shown(pilot))
            assert not any(" tokens " in line for line in shown(pilot))
            await press(pilot, "tab", "right", "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, Digits), "the pictures")
            (sources, asked) = begun[0]
            assert (sources, asked.task, asked.model) == (["digits"], "recognise", "cnn")

    in_a_loop(body())
