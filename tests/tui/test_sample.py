"""The Sample place: write with a model, together with it, and read what it wrote. Most answers come from a model that
knows one text by heart; the real process is asked once.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from textual import events
from textual.pilot import Pilot

from seqplay import files, paths
from seqplay.draw.lines import plain
from seqplay.errors import DataError, MissingError, UsageError
from seqplay.processes.worker import SupersededError, Worker
from seqplay.runs import commit, layout, rows, shelf
from seqplay.runs.best import MODEL, STATE
from seqplay.runs.layout import RunFiles
from seqplay.safe_text import cell_width
from seqplay.tui.app import Playground
from seqplay.tui.places.sample import Sample, _without_run
from seqplay.tui.sampling import Sampling, turned, typed
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.footer import Footer
from seqplay.tui.widgets.novelty_box import quoted
from seqplay.tui.widgets.prompt_box import MOST_BYTES, PromptBox, prompt_from
from seqplay.tui.widgets.text_lines import TextLines
from seqplay.tui.widgets.writing_box import WritingBox
from seqplay.tui.writing import Source, Writing

from .conftest import in_a_loop, press, recorded, shown, text_of, until

SAYS = "아침 일찍 일어나 창문을 열었다. The harbour was quiet that night.\n"
LINE = "그날도 아침 일찍 일어나 창문을 닫았다."
Row = dict[str, Any]


class ByHeart:
    """Answers what a worker process is asked: after n tokens comes the n-th character of SAYS, each of 1 to 6 bits."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Row]] = []
        self.held: asyncio.Event | None = None
        """Until this is set nothing comes after the third piece of a text."""
        self.deaths = 0
        self.problem: Exception | None = None
        self.superseded = 0
        """So many comparisons are ended by a newer question."""
        self.dies_reading = False
        """Whether it dies once in the middle of reading a prompt."""
        self.lost_text = ""

    def asked_for(self, question: str) -> list[Row]:
        return [options for name, options in self.asked if name == question]

    async def ask(self, question: str, run: str = "", **options: Any) -> AsyncIterator[Row]:
        if question == "xray":
            return
        self.asked.append((question, {**options, "run": run}))
        await asyncio.sleep(0)
        if question == "novelty":
            if self.superseded:
                self.superseded -= 1
                raise SupersededError("Something else was asked.")
            if self.lost_text:
                raise DataError(self.lost_text)
            at = options["text"].find("아침 일찍")
            copies = [[at, at + 18, 7, LINE]] if at >= 0 else []
            yield {"kind": "novelty", "longest": 18, "new_8_grams": 0.83, "copies": copies, "read": 1000}
            return
        if self.problem:
            raise self.problem
        if question == "read":
            known = [c for c in options.get("prompt", "") if c != "Ω"]
            ids = options.get("ids", [ord(c) for c in known])
            pieces = [[chr(i), [i], 1.0] for i in ids]
            if self.dies_reading:
                yield {"kind": "read", "pieces": pieces[:1], "unknown": []}
                yield {"kind": "worker", "message": "the model's process ended (SIGKILL), starting it again …"}
            yield {"kind": "read", "pieces": pieces, "unknown": ["Ω"] * ("Ω" in options.get("prompt", ""))}
            return
        before = len(options["ids"])
        if question == "next":
            yield self.odds(before, options)
            return
        for column in range(len(options.get("temperatures", [0.0]))):
            for n in range(options["length"]):
                if self.held and n == 3:
                    if self.deaths:
                        self.deaths -= 1
                        yield {"kind": "worker", "message": "the model's process ended (SIGKILL), starting it again …"}
                        async for row in self.ask(question, run, **options):
                            yield row
                        return
                    await self.held.wait()
                character = SAYS[(before + n) % len(SAYS)]
                yield {"kind": "token", "text": character, "ids": [ord(character)], "bits": 1.0 + n % 6,
                       "column": column}  # fmt: skip
            yield {**self.odds(before + options["length"], options), "column": column}

    def odds(self, before: int, options: Row) -> Row:
        p = [0.6, 0.3, 0.1 / (1 + (options["temperature"] or 0.0))]
        likely = [SAYS[before % len(SAYS)], "셨", "z"]
        tokens = [
            {"id": ord(c), "text": c, "p": share, "p1": share, "kept": n < 2 or options["top_k"] != 2}
            for n, (c, share) in enumerate(zip(likely, p, strict=True))
        ]
        return {"kind": "next", "tokens": tokens, "uncertainty_bits": 2.2, "tail": 0.0}

    async def close(self) -> None:
        return


def checkpoint(run: RunFiles, step: int = 200) -> None:
    """A checkpoint that nobody can open: ByHeart needs none."""
    place = run.checkpoints / str(step)
    place.mkdir(parents=True)
    (place / commit.MANIFEST).write_bytes(b"{}")


def on_the_shelf(name: str = "harbour-lstm", **more: Any) -> RunFiles:
    run = recorded(name, steps=20, **more)
    checkpoint(run)
    return run


@asynccontextmanager
async def sampling(
    size: tuple[int, int] = (120, 36), *, run: RunFiles | None = None, length: int = 40, model: ByHeart | None = None
) -> AsyncIterator[tuple[Pilot[None], Sample, ByHeart]]:
    """The place with a run that has a model, when it has written what nobody asked for."""
    model = model or ByHeart()
    async with arrived(model, size) as (pilot, place):
        place.writer.sampling = Sampling(length=length)
        place.playground.open(run or on_the_shelf())
        await settled(pilot)
        yield pilot, place, model


@asynccontextmanager
async def arrived(model: Any, size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[Pilot[None], Sample]]:
    """The place, before there is a run."""
    app: Any = Playground()
    app.models = app.texts = app.copies = model
    async with app.run_test(size=size, notifications=True) as pilot:
        app.action_go("sample")
        await until(pilot, lambda: isinstance(app.screen, Sample) and app.screen.is_mounted, "the place")
        yield pilot, app.screen


async def settled(pilot: Pilot[None]) -> None:
    """Until nothing is asked any more."""
    await pilot.pause()
    await until(pilot, lambda: not list(pilot.app.workers), "an answer")
    await pilot.pause()


async def paste(pilot: Pilot[None], text: str) -> None:
    (pilot.app.focused or pilot.app.screen).post_message(events.Paste(text))
    await pilot.pause()
    await settled(pilot)


def caption(place: Sample, name: str = "main") -> str:
    return place.query_one(f"#{name}", Box).caption


# -- states


def test_without_a_run_it_says_what_to_do() -> None:
    async def test() -> None:
        model = ByHeart()
        async with arrived(model) as (pilot, place):
            await until(pilot, lambda: "No model to ask yet. T trains one" in text_of(pilot), "what to do")
            assert shown(pilot)[-1].lstrip().startswith("T train one")
            await press(pilot, "enter", "w", "1", "left", "backspace", "minus", "b", "o", "space")
            assert place.writer.problem == ""
            assert model.asked == []

    in_a_loop(test())


def test_an_empty_prompt_is_answered_once_and_when_the_first_checkpoint_comes() -> None:
    async def test() -> None:
        run = recorded(steps=20, end="killed")
        async with sampling(run=run) as (pilot, place, model):
            assert "no checkpoint" in text_of(pilot) or "before its first checkpoint" in text_of(pilot)
            assert model.asked == []
            checkpoint(run)
            place.show()
            await settled(pilot)
            assert place.writer.writing.text().startswith(SAYS[:30])
            place.on_screen_resume()
            await settled(pilot)
            [options] = model.asked_for("continue")
            assert (options["ids"], options["start"], options["run"]) == ([], True, str(run.path))

    in_a_loop(test())


def test_another_run_is_asked_anew_with_the_same_prompt() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            await paste(pilot, "나는")
            other = on_the_shelf("other-gru")
            place.playground.open(other)
            await settled(pilot)
            assert model.asked_for("read")[-1]["run"] == str(other.path)
            assert place.writer.writing.prompt_text() == "나는"
            assert len(place.writer.earlier) == 1

    in_a_loop(test())


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (50, 14)])
def test_nothing_is_wider_than_the_screen(size: tuple[int, int]) -> None:
    async def test() -> None:
        async with sampling(size) as (pilot, place, _):
            await paste(pilot, "나는 오늘\x1b]52;c;eA==\x07 ROMEO" * 9)
            for line in shown(pilot):
                assert cell_width(line) <= size[0]
                assert "\x1b" not in line
                assert "\x07" not in line
            assert "harbour" in text_of(pilot)
            assert [place.query_one(f"#{name}").display for name in ("cooler", "warmer")] == [size[0] == 200] * 2

    in_a_loop(test())


# -- the prompt


def test_a_prompt_is_typed_with_line_breaks_and_left_without_writing() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            await press(pilot, "i", "나", "q", "ctrl+j", "s")
            assert shown(pilot)[-1].lstrip().startswith("enter write  ^j new line  esc leave it")
            await press(pilot, "escape")
            assert len(model.asked_for("continue")) == 1
            await press(pilot, "i")
            await paste(pilot, " 오늘")
            await press(pilot, "enter")
            await settled(pilot)
            assert model.asked_for("read")[-1]["prompt"] == "나q\ns 오늘"
            last = model.asked_for("continue")[-1]
            assert (last["ids"], last["start"]) == ([ord(c) for c in "나q\ns 오늘"], False)
            assert place.focused is not None
            assert place.focused.id == "main"

    in_a_loop(test())


def test_what_is_pasted_is_written_on_from_and_unknown_symbols_are_named() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            await paste(pilot, "나는Ω 오늘")
            assert "left out, never seen in training: Ω" in text_of(pilot)
            assert model.asked_for("continue")[-1]["ids"] == [ord(c) for c in "나는 오늘"]
            assert place.writer.writing.prompt == 5
            assert place.writer.problem == ""
            await paste(pilot, "a" * (MOST_BYTES + 1))
            assert place.query_one(PromptBox).text == "나는Ω 오늘"
            await press(pilot, "n")
            await settled(pilot)
            assert place.query_one(PromptBox).text == ""

    in_a_loop(test())


def test_a_prompt_file_is_an_ordinary_one_of_utf_8_and_not_long(tmp_path: Path) -> None:
    good, long, latin = (tmp_path / name for name in ("good.txt", "long.txt", "latin.txt"))
    good.write_bytes("\ufeff나는 오늘".encode())
    long.write_bytes(b"a" * (MOST_BYTES + 1))
    latin.write_bytes("caf\xe9".encode("latin-1"))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(good)
    assert prompt_from(str(good)) == prompt_from(str(tmp_path / "link")) == "나는 오늘"
    with pytest.raises(UsageError, match=r"long.txt is too long .* 1,000,000 bytes"):
        prompt_from(str(long))
    with pytest.raises(DataError, match=r"latin.txt is no UTF-8 text: byte 3"):
        prompt_from(str(latin))
    for name in ("fifo", "none"):
        with pytest.raises(DataError):
            prompt_from(str(tmp_path / name))


# -- writing together


def test_a_digit_takes_its_token_and_drops_what_stands_after_the_reading_cursor() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            whole = place.writer.writing.text()
            assert len(whole) == 40
            await press(pilot, "2")
            await settled(pilot)
            assert place.writer.writing.text() == whole + "셨"
            assert place.writer.writing.pieces[-1].bits == pytest.approx(1.737, abs=1e-3)
            await press(pilot, "left", "left", "left")
            await settled(pilot)
            assert model.asked[-1][1]["ids"] == [ord(c) for c in whole[:38]]
            assert place.query_one("#odds", Box).caption == "after “…bour was qui”"
            await press(pilot, "2")
            await settled(pilot)
            assert place.writer.writing.text() == whole[:38] + "셨"
            await press(pilot, "[")
            await settled(pilot)
            assert place.writer.writing.text() == whole + "셨"
            await press(pilot, "]")
            assert place.writer.writing.text() == whole[:38] + "셨"

    in_a_loop(test())


def test_one_token_a_word_and_back() -> None:
    async def test() -> None:
        async with sampling(length=4) as (pilot, place, _):
            assert place.writer.writing.text() == "아침 일"
            await press(pilot, "right")
            await settled(pilot)
            assert place.writer.writing.text() == "아침 일찍"
            await press(pilot, "w")
            await settled(pilot)
            assert place.writer.writing.text() == "아침 일찍 일어나"
            await press(pilot, "backspace", "backspace")
            await settled(pilot)
            assert place.writer.writing.text() == "아침 일찍 일"
            assert place.writer.next is not None
            assert place.writer.next.odds[0].text == "어"

    in_a_loop(test())


def test_the_odds_take_the_shape_of_the_dials_at_once() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            await press(pilot, "minus", "minus", "equals_sign")
            await settled(pilot)
            assert model.asked[-1][0] == "next"
            assert model.asked[-1][1]["temperature"] == 0.75
            await press(pilot, "k", "k")
            await until(pilot, lambda: place.query_one(Footer).is_asking, "a question")
            await press(pilot, "backspace", "backspace", "backspace", "2", "enter")
            await settled(pilot)
            assert "cut by top-k" in text_of(pilot)
            assert "top-k" in text_of(pilot)
            assert place.writer.sampling.top_k == 2
            await press(pilot, "k", "9", "escape")
            await settled(pilot)
            assert place.writer.sampling.top_k == 2

    in_a_loop(test())


def test_space_pauses_and_what_is_missing_is_written_then() -> None:
    async def test() -> None:
        model = ByHeart()
        async with sampling(model=model) as (pilot, place, _):
            model.held = asyncio.Event()
            await press(pilot, "enter")
            await until(pilot, lambda: len(place.writer.writing) == 3, "three pieces")
            await press(pilot, "minus")  # goes on at once with another temperature
            await until(pilot, lambda: len(place.writer.writing) == 6, "three more")
            assert model.asked[-1][1]["temperature"] == 0.75
            assert model.asked[-1][1]["length"] == 37
            await until(pilot, lambda: caption(place).startswith("6 of 40 characters"), "how much is written")
            await press(pilot, "space")
            await settled(pilot)
            assert caption(place).startswith("6 of 40 characters · paused")
            assert place.writer.next is not None
            assert place.writer.next.at[1] == 6
            model.held.set()
            await press(pilot, "space")
            await settled(pilot)
            assert model.asked_for("continue")[-1]["length"] == 34
            assert place.writer.writing.text() == SAYS[:40]
            await press(pilot, "space")
            await settled(pilot)
            assert len(place.writer.writing) == 80

    in_a_loop(test())


def test_a_fixed_seed_is_asked_for_again_and_never_twice_in_one_text() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            assert model.asked_for("continue")[-1]["seed"] is None
            await press(pilot, "e", "plus", "enter")
            await settled(pilot)
            await press(pilot, "enter")
            await settled(pilot)
            assert [options["seed"] for options in model.asked_for("continue")[-2:]] == [0, 0]
            await press(pilot, "right")
            await settled(pilot)
            assert model.asked_for("continue")[-1]["seed"] == 40
            assert len(place.writer.earlier) == 3

    in_a_loop(test())


def test_three_temperatures_beside_each_other() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            before = place.writer.writing
            await press(pilot, "b")
            await settled(pilot)
            assert place.writer.writing is before
            assert model.asked_for("beside")[-1]["temperatures"] == [0.4, 1.2]
            await press(pilot, "enter")
            await settled(pilot)
            assert model.asked_for("beside")[-1]["temperatures"] == [0.4, 0.8, 1.2]
            assert [len(writing) for writing in place.writer.shown] == [40, 40, 40]
            assert all(f"temperature {t}" in text_of(pilot) for t in ("0.40", "0.80", "1.20"))
            await press(pilot, "b")
            assert not place.query_one("#cooler").display

    in_a_loop(test())


# -- copies


def test_copied_runs_are_marked_and_their_line_is_shown() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, _):
            assert "longest copy 18" in text_of(pilot)
            assert "new 8-grams 83 %" in text_of(pilot)
            await press(pilot, "v")
            assert "copied from the training text: 1 run" in text_of(pilot)
            strips = place._compositor.render_strips()
            marked = "".join(s.text for strip in strips for s in strip if s.style and s.style.underline)
            assert SAYS[:18].split()[1] in marked
            await press(pilot, "o")
            await settled(pilot)
            assert place.writer.reading == 0
            assert f"line 7  {LINE}" in text_of(pilot)
            await press(pilot, "o")
            await settled(pilot)
            assert LINE not in text_of(pilot)

    in_a_loop(test())


def test_a_comparison_and_an_x_ray_do_not_end_each_other() -> None:
    async def test() -> None:
        model, other = ByHeart(), ByHeart()
        async with arrived(model) as (pilot, place):
            app: Any = pilot.app
            app.texts = other
            app.open(on_the_shelf())
            await settled(pilot)
            assert place.writer.writing.longest == 18
            assert model.asked_for("novelty") != []
            assert other.asked == []

    in_a_loop(test())


def test_a_comparison_that_a_newer_question_ended_is_made_again() -> None:
    async def test() -> None:
        model = ByHeart()
        model.superseded = 2
        async with sampling(model=model) as (_, place, _):
            assert len(model.asked_for("novelty")) == 3
            assert place.writer.writing.longest == 18
            assert place.writer.writing.not_compared == ""

    in_a_loop(test())


def test_a_prompt_is_read_once_though_the_process_died_over_it() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            model.dies_reading = True
            await paste(pilot, "abc")
            assert place.writer.writing.prompt_text() == "abc"
            await press(pilot, "home", "right")
            model.dies_reading = False
            await settled(pilot)
            model.dies_reading = True
            await place.writer._reread(place.writer.writing, [ord(c) for c in "abcd"])
            assert [piece.text for piece in place.writer.writing.pieces] == list("abcd")

    in_a_loop(test())


def test_a_run_that_is_renamed_keeps_the_texts_that_it_wrote() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, model):
            writing = place.writer.writing
            await press(pilot, "R")
            await until(pilot, lambda: pilot.app.screen.query_one("#table").rows, "the run")  # type: ignore[attr-defined]
            await press(pilot, "r")
            pilot.app.screen.query_one("#entry").value = "diary"  # type: ignore[attr-defined]
            await press(pilot, "enter")
            await until(pilot, lambda: place.subject and place.subject.name == "diary", "its new name")
            asked = len(model.asked)
            await press(pilot, "S")
            assert place.writer.writing is writing
            assert len(model.asked) == asked
            await press(pilot, "enter")
            await until(pilot, lambda: len(model.asked) > asked, "a question")
            assert model.asked[asked][1]["run"].endswith("/diary")

    in_a_loop(test())


def test_a_click_on_the_digits_asks_which_and_one_on_a_pair_of_keys_does_nothing() -> None:
    async def test() -> None:
        async with sampling() as (pilot, place, _):
            before, size = len(place.writer.writing), place.writer.sampling
            for pair in ("← →", "- +", "1-9"):
                place.playground.click_hint(pair)
                await pilot.pause()
            assert (len(place.writer.writing), place.writer.sampling) == (before, size)
            assert "which token, 1 to 9:" in shown(pilot)[-1]
            await press(pilot, "2", "enter")
            await settled(pilot)
            assert place.writer.writing.text()[-1] == "셨"
            found = [command.help for command in place.playground.get_system_commands(place)]
            assert found.count("key 1-9") == 1

    in_a_loop(test())


def test_whether_there_is_any_run_is_told_without_reading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No model to ask yet." in plain(_without_run()[0])
    (paths.make_private(paths.runs_dir()) / "notes").mkdir()
    assert "No model to ask yet." in plain(_without_run()[0])
    recorded()
    monkeypatch.setattr(shelf, "created", None)
    assert "No run is open." in plain(_without_run()[0])


def test_a_run_whose_text_is_gone_writes_and_says_what_cannot_be_told() -> None:
    async def test() -> None:
        model = ByHeart()
        model.lost_text = "The text of this run is gone."
        async with sampling(model=model) as (pilot, place, _):
            assert "The text of this run is gone." in text_of(pilot)
            assert len(place.writer.writing) == 40
            assert model.asked_for("novelty")[-1]["text"] == place.writer.writing.text()
            await press(pilot, "left")
            await settled(pilot)
            assert len(model.asked_for("novelty")) == 1

    in_a_loop(test())


# -- what may go wrong


def test_a_process_that_died_begins_its_answer_anew_and_the_text_stays() -> None:
    async def test() -> None:
        model = ByHeart()
        async with sampling(model=model) as (pilot, place, _):
            model.held, model.deaths = asyncio.Event(), 1
            await press(pilot, "enter")
            await until(
                pilot, lambda: "starting it again" in caption(place) or place.writer.news == "it is back", "the news"
            )
            assert len(place.writer.writing) >= 3
            model.held.set()
            await settled(pilot)
            assert place.writer.writing.text() == SAYS[:40]
            model.problem = MissingError("The model's process ended 3 times over this (SIGKILL).")
            await press(pilot, "left")
            await settled(pilot)
            assert caption(place).startswith("The model's process ended 3 times")
            assert place.writer.writing.text() == SAYS[:40]

    in_a_loop(test())


def test_a_missing_plugin_is_named_in_place_of_a_text() -> None:
    async def test() -> None:
        model = ByHeart()
        model.problem = MissingError("The cell 'ssm' comes from seqplay-ssm 1.4.0. Install it: pip install seqplay-ssm")
        async with sampling(model=model) as (pilot, place, _):
            said = " ".join(plain(line) for line in place.query_one("#main", WritingBox).card)
            assert "✗ The cell 'ssm'" in text_of(pilot)
            assert "pip install seqplay-ssm" in said
            assert "enter tries again" in said

    in_a_loop(test())


# -- lines of text


def written(*pieces: str) -> Writing:
    writing = Writing()
    for piece in pieces:
        writing.add(piece, [1], 1.0)
    return writing


def lines_of(writing: Writing, width: int) -> list[str]:
    lines = TextLines(writing, width)
    return ["".join(i.text for i in row) for block in range(lines.count) for row in lines.rows(block)]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("나는 오늘 아침 일찍", 10, ["나는 오늘", "아침 일찍"]),
        ("창문을열었다", 6, ["창문", "을열", "었다"]),
        ("a\nb\n", 8, ["a ", "b ", ""]),
        ("one two", 8, ["one two"]),
        ("one two", 7, ["one ", "two"]),
        ("👨\u200d👩 e\u0301", 20, ["👨\u200d👩 e\u0301"]),
        ("\x1b[2J", 20, ["␛[2J"]),
    ],
)
def test_lines_break_at_blanks_and_between_whole_characters(text: str, width: int, expected: list[str]) -> None:
    assert lines_of(written(*text), width) == expected
    assert all(cell_width(line) <= width for line in lines_of(written(text), width))


def test_pieces_that_come_later_break_lines_as_if_all_had_been_there() -> None:
    text = SAYS * 12
    writing = Writing()
    lines = TextLines(writing, 23)
    for character in text:
        writing.add(character, [1], 1.0)
        lines.moved(lines.end(), -3)
    assert [lines.rows(block) for block in range(lines.count)] == [
        TextLines(writing, 23).rows(block) for block in range(lines.count)
    ]


def test_of_an_endless_line_only_what_is_in_sight_is_laid_out() -> None:
    writing = written("가나다라 마바사 " * 500_000)
    lines = TextLines(writing, 60)
    place = lines.moved(lines.end(), -40)
    assert lines.rows(place[0])
    assert sum(map(len, (block.rows for block in lines._blocks.values()))) < 1000
    assert len(lines._blocks) <= 2


def test_a_place_in_the_text_is_found_by_piece_and_by_cell() -> None:
    writing = written(*(SAYS * 3))
    lines = TextLines(writing, 20)
    for piece in range(len(writing)):
        place = lines.place_of(piece)
        drawn = [item for item in lines.row(place) if item.piece == piece]
        if drawn[0].text:
            assert lines.piece_at(place, lines.column_of(place, piece)) == piece
    assert lines.piece_at(lines.end(), 50) == len(writing)


def test_a_text_that_is_cut_knows_its_tokens_and_its_prompt() -> None:
    writing = written("R", "O")
    writing.end_prompt()
    for piece in "MEO":
        writing.add(piece, [7, 8], 3.0)
    assert (writing.written, writing.bits_a_character) == (6, 3.0)
    writing.cut(3)
    assert (writing.written, writing.text(), writing.prompt_text(), writing.begin_of_text) == (2, "M", "RO", False)
    writing.cut(1)
    assert (writing.written, writing.prompt_text(), writing.bits_a_character) == (0, "R", None)
    writing.cut(0)
    assert writing.begin_of_text


def test_what_was_copied_is_found_in_its_source_line() -> None:
    source = Source(0, 3, "일찍 일어나\n창문", 7, "그날도 아침 일찍 일어나")
    assert [(piece.text, piece.role) for piece in quoted(source)][1] == ("일찍 일어나", "copied")
    assert plain(tuple(quoted(Source(0, 1, "\nx", 1, "a line")))) == "a line"


# -- dials


def test_dials_stop_at_their_ends_and_take_what_is_typed() -> None:
    cold = Sampling(temperature=0.05)
    assert turned(turned(cold, "t", -1), "t", -1).temperature == 0.0
    assert [turned(Sampling(temperature=0.83), "t", by).temperature for by in (1, -1)] == [0.85, 0.8]
    assert [turned(Sampling(temperature=0.15), "t", by).temperature for by in (1, -1)] == [0.2, 0.1]
    assert turned(Sampling(temperature=2.0), "t", 1).temperature == 2.0
    assert turned(Sampling(), "k", 1).top_k == 0
    assert turned(Sampling(), "k", -1).top_k == 200
    assert turned(Sampling(top_k=200), "k", 1).top_k == 0
    assert turned(Sampling(top_k=1), "k", -1).top_k == 1
    assert turned(Sampling(top_p=0.05), "p", -1).top_p == 0.05
    assert turned(Sampling(seed=0), "e", -1).seed is None
    assert typed(Sampling(), "l", "12,000").length == 12_000
    assert typed(Sampling(top_p=0.5), "p", "off").top_p == 1.0
    with pytest.raises(UsageError, match="top-p takes a number from 0 to 1"):
        typed(Sampling(), "p", "2")


# -- the real process


def with_model(run: RunFiles) -> RunFiles:
    """Give a run a model of 8 units whose weights are random numbers."""
    size, random = 8, np.random.default_rng(0)
    known = len(json.loads(run.tokenizer.read_bytes())["model"]["vocab"])
    files.write_atomically(run.plan, rows.to_json(layout.read_json(run.plan) | {"vocabulary": known}))
    shapes: dict[str, tuple[int, ...]] = {
        "embedding.weight": (known, size), "cells.0.layer.weight_ih_l0": (4 * size, size),
        "cells.0.layer.weight_hh_l0": (4 * size, size), "cells.0.layer.bias_ih_l0": (4 * size,),
        "cells.0.layer.bias_hh_l0": (4 * size,), "head.weight": (known, size), "head.bias": (known,),
    }  # fmt: skip
    weights = {name: random.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
    state = json.dumps({"best_step": 20}).encode()
    commit.commit(run.checkpoints, 20, {MODEL: safetensors.numpy.save(weights), STATE: state})
    return run


def test_a_real_model_writes_reads_and_comes_back_after_a_kill() -> None:
    async def test() -> None:
        run = with_model(recorded(steps=20, text="나는 오늘 아침 일찍 일어났다.\n" * 20))
        async with arrived(ByHeart()) as (pilot, place):
            app: Any = pilot.app
            app.copies, app.models = Worker(), Worker()
            app.open(run)
            await until(pilot, lambda: place.writer.writing.written == 600, "a text")
            await settled(pilot)
            assert place.writer.writing.longest is not None
            os.kill(app.models._process.pid, SIGKILL)
            await paste(pilot, "나는 Ω")
            assert place.writer.writing.unknown == ["Ω"]
            assert place.writer.writing.prompt_text() == "나는 "
            assert place.writer.problem == ""
            before = len(place.writer.writing)
            await press(pilot, "1")
            await settled(pilot)
            assert len(place.writer.writing) == before + 1

    in_a_loop(test())
