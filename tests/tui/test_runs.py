"""Runs: the shelf as a table, and as many of its runs as are marked side by side."""

import os
import threading
import time
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from seqplay import paths
from seqplay.processes import training
from seqplay.runs import shelf
from seqplay.runs.control import ControlReader
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.rows import to_line
from seqplay.safe_text import cell_width, safe_text
from seqplay.tui import shelf_watch
from seqplay.tui.app import Playground
from seqplay.tui.form import Form
from seqplay.tui.places import charting
from seqplay.tui.places import runs as runs_place
from seqplay.tui.places.runs import Runs
from seqplay.tui.places.train import Train
from seqplay.tui.widgets.run_table import RunTable
from seqplay.tui.yardsticks import Yardsticks

from .conftest import GUARD, SIZES, in_a_loop, playground, press, recorded, shown, text_of, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker process counts the texts, and nobody waits long for a look at the shelf."""
    monkeypatch.setattr(Yardsticks, "of", lambda self, plan: [])
    monkeypatch.setattr(runs_place, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(charting, "MOVES", 8)
    monkeypatch.setattr(runs_place, "REST_SECONDS", 0.0)
    monkeypatch.setattr(os, "fsync", lambda _: None)


def place_of(pilot: Pilot[None]) -> Runs:
    return cast(Runs, pilot.app.screen)


def names(pilot: Pilot[None]) -> list[str]:
    return [kept.name for kept in place_of(pilot).query_one(RunTable).rows]


async def opened(pilot: Pilot[None]) -> Runs:
    """The place, with all of the shelf known and drawn."""
    await press(pilot, "R")
    place = place_of(pilot)
    await until(pilot, lambda: place.known.has_looked and not place.known.stale(), "the shelf is read")
    drawn = lambda: not any(one.subject.is_loading for one in place.drawn.compared())  # noqa: E731
    await until(pilot, drawn, "the logs are read")
    place.show()
    await pilot.pause()
    return place


def table(pilot: Pilot[None]) -> list[str]:
    """The rows of the table as they stand on the screen."""
    lines = shown(pilot)
    begin = next(at for at, line in enumerate(lines) if "held out" in line and "run" in line)
    rest = [line.strip("│ ").rstrip() for line in lines[begin + 1 :]]
    return rest[: len(names(pilot))]


def three(now: float) -> None:
    recorded("plays-lstm", end="stopped", created=now - 1)
    recorded("plays-gru", cell="gru", start_loss=3.0, end="crashed", created=now - 7200)
    recorded(
        "diary", source="일기.txt", text="오늘은 비가 왔다.\n", tokens="jamo", steps=100, of=100, created=now - 9e5
    )


def test_an_empty_shelf_says_what_to_do() -> None:
    async def check() -> None:
        async with playground((80, 24)) as pilot:
            await press(pilot, "R")
            await until(pilot, lambda: "No runs yet." in text_of(pilot), "it says so")
            assert "T trains one" in text_of(pilot)
            assert "T train one" in shown(pilot)[-1]
            await press(pilot, "space", "enter")
            assert pilot.app.current_mode == "train"

    in_a_loop(check())


def test_a_row_tells_how_a_run_is_and_enter_makes_it_the_subject_of_every_place() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            await opened(pilot)
            rows = [line.split() for line in table(pilot)]
            assert rows[0] == ["○", "plays-lstm", "harbour.txt", "lstm", "1×8", "char", "50", "%", "1.468", "—", "now"]
            assert rows[1][:3] + rows[1][-2:] == ["✗", "plays-gru", "harbour.txt", "2", "h"]
            assert rows[2][:6] == ["✓", "diary", "일기.txt", "lstm", "1×8", "jamo"]
            assert rows[2][6:10] == ["100", "%", "1.663", "2.00"]
            assert "3 runs · 1 crashed" in text_of(pilot)
            await press(pilot, "down", "enter")
            await until(pilot, lambda: pilot.app.current_mode == "train", "Train shows it")
            app = cast(Playground, pilot.app)
            assert app.subject is not None
            assert app.subject.name == "plays-gru"
            assert "✗ plays-gru" in shown(pilot)[0]
            await opened(pilot)
            assert [one.subject for one in place_of(pilot).drawn.compared()] == [app.subject]

    in_a_loop(check())


def test_hostile_and_korean_names_line_up_and_obey_nobody_at_every_size() -> None:
    now = time.time()
    recorded("한국어-소설", source="소설\x1b]52;c;aGk=\x07.txt", created=now - 10)
    recorded("evil[red]\u202e\u009b31m", source="[/foo]", end="stopped", created=now - 20)
    recorded("plain" * 12, created=now - 30)

    async def check() -> None:
        async with playground() as pilot:
            await opened(pilot)
            await press(pilot, "space", "down", "space", "down", "space")
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await pilot.pause()
                text = text_of(pilot)
                assert safe_text(text) == text
                assert "한국어-소설" in text
                assert r"evil[red]\u202e\x9b31m" in text
                strips = pilot.app.screen._compositor.render_strips()
                assert {strip.cell_length for strip in strips} == {size[0]}
                rows = shown(pilot)[4:7]
                assert len({cell_width(line[: line.index("now")]) for line in rows}) == 1

    in_a_loop(check())


def test_o_and_a_click_on_a_heading_order_the_table_and_the_cursor_stays_on_its_run() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            box = place.query_one(RunTable)
            await press(pilot, "down")
            assert (names(pilot), box.cursor) == (["plays-lstm", "plays-gru", "diary"], 1)
            await press(pilot, "o")
            assert "held out▾" in text_of(pilot)
            assert names(pilot) == ["plays-gru", "plays-lstm", "diary"]
            assert box.cursor == 0
            await press(pilot, "o", "o")
            assert "done▾" in text_of(pilot)
            assert names(pilot)[0] == "diary"
            head = next(at for at, line in enumerate(shown(pilot)) if "done▾" in line)
            at = shown(pilot)[head].index("run ")
            await pilot.click(offset=(at, head))
            await until(pilot, lambda: names(pilot) == ["diary", "plays-gru", "plays-lstm"], "by name")
            await pilot.click(offset=(at, head))
            await until(pilot, lambda: "run▴" in text_of(pilot), "the other way round")
            assert names(pilot) == ["plays-lstm", "plays-gru", "diary"]

    in_a_loop(check())


def test_the_filter_narrows_while_it_is_typed_and_esc_takes_it_back() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            await opened(pilot)
            await press(pilot, "slash", "G", "R")
            assert names(pilot) == ["plays-gru"]
            assert "1 of 3 runs" in text_of(pilot)
            await press(pilot, "enter", "escape")
            assert len(names(pilot)) == 3
            await press(pilot, "slash", *"zz", "enter")
            assert "No run has 'zz' in its name" in text_of(pilot)
            assert "filter" in shown(pilot)[-1]

    in_a_loop(check())


def test_marked_runs_are_drawn_over_each_other_each_in_its_colour() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            assert "plays-lstm, nats per character" in text_of(pilot)
            await press(pilot, "space", "down", "space")
            await opened(pilot)
            assert [(one.name, one.role) for one in place.drawn.compared()] == [("lstm", "run-1"), ("gru", "run-2")]
            text = text_of(pilot)
            assert [line[:2] for line in table(pilot)] == ["━━", "━━", "✓ "]
            assert "held out, nats per character" in text
            assert "lowest is gru, 1.461: 0.007 below lstm" in text
            assert "· is the same as lstm" in text
            assert any("cell" in line and "lstm" in line and "gru" in line for line in text.splitlines())
            await press(pilot, "up")
            await pilot.click(offset=(3, 4))
            await until(pilot, lambda: list(place.drawn.marks) == ["plays-gru"], "a click on a mark takes it away")
            await press(pilot, "down", "down", "space")
            assert [(one.name, one.role) for one in place.drawn.compared()] == [
                ("plays-gru", "run-2"),
                ("diary", "run-1"),
            ]
            await until(pilot, lambda: "only bits per byte compare" in text_of(pilot), "another measure")
            await press(pilot, "escape")
            assert pilot.app.current_mode == "runs"
            assert place.drawn.marks == {}
            await until(pilot, lambda: "diary, nats per jamo" in text_of(pilot), "the run under the cursor alone")

    in_a_loop(check())


def test_one_cursor_moves_loss_and_texts_of_all_marked_runs() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "space", "down", "space", "x")
            await opened(pilot)
            await press(pilot, "left_square_bracket", *["shift+left"] * 3)
            text = text_of(pilot)
            assert "at 0:10   lstm 1.66   gru 1.58" in text
            assert "wrote then" in text
            assert text.count("he harbour at 100") == 2
            await press(pilot, "right_curly_bracket")
            assert place.cursor is None
            assert text_of(pilot).count("he harbour at 200") == 2

    in_a_loop(check())


def test_on_a_narrow_screen_d_puts_the_differences_in_place_of_the_chart() -> None:
    three(time.time())

    async def check() -> None:
        async with playground((80, 24)) as pilot:
            await opened(pilot)
            await press(pilot, "space", "down", "space")
            assert "what differs" not in text_of(pilot)
            await press(pilot, "d")
            assert "what differs" in text_of(pilot)
            assert "held out, nats" not in text_of(pilot)
            await press(pilot, "escape")
            assert "what differs" not in text_of(pilot)

    in_a_loop(check())


def test_a_run_is_renamed_with_its_mark_and_as_the_subject() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            await opened(pilot)
            app = cast(Playground, pilot.app)
            app.open(shelf.find("plays-lstm"))
            place = await opened(pilot)
            await press(pilot, "space", "r")
            for typed, complaint in (("diary", "There is a run named 'diary' already"), ("..", "cannot be named")):
                pilot.app.screen.query_one("#entry").value = typed  # type: ignore[attr-defined]
                await press(pilot, "enter")
                await until(pilot, lambda complaint=complaint: complaint in text_of(pilot), complaint)
                await press(pilot, "r")
            pilot.app.screen.query_one("#entry").value = "연극"  # type: ignore[attr-defined]
            await press(pilot, "enter")
            await until(pilot, lambda: "연극" in names(pilot), "it is there under the new name")
            assert place.drawn.marks == {"연극": 0}
            assert app.subject is not None
            assert app.subject.name == "연극"
            assert sorted(os.listdir(paths.runs_dir())) == ["diary", "plays-gru", "연극"]
            with WriterLock(shelf.find("diary")):
                await press(pilot, "down", "down", "r")
                await until(pilot, lambda: "diary trains now: stop it with . first" in text_of(pilot), "it says so")
                assert not place.footer.is_asking

    in_a_loop(check())


@pytest.mark.parametrize("what", ["rename", "remove"])
def test_a_look_under_way_undoes_no_rename_and_no_removal(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    three(time.time())
    held, going, free = threading.Event(), threading.Event(), threading.Event()
    later: list[int] = []
    real = shelf_watch.look

    def look(*known: Any) -> shelf_watch.Seen:
        found = real(*known)
        if held.is_set():
            later.append(len(known))
        elif going.is_set():
            held.set()
            assert free.wait(GUARD)
        return found

    async def check() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "space", "r" if what == "rename" else "delete")
            await until(pilot, lambda: place.footer.is_asking, "it asks")
            monkeypatch.setattr(shelf_watch, "look", look)
            going.set()
            await until(pilot, held.is_set, "a look is under way")
            if what == "rename":
                pilot.app.screen.query_one("#entry").value = "연극"  # type: ignore[attr-defined]
                await press(pilot, "enter")
                await until(pilot, lambda: "연극" in names(pilot), "its new name")
            else:
                await press(pilot, "y")
                await until(pilot, lambda: "plays-lstm" not in names(pilot), "it is gone")
            ever: list[str] = []
            real_put = place.table.put

            def put(runs: Any, choose: str = "") -> None:
                ever.extend(run.name for run in runs)
                real_put(runs, choose)

            monkeypatch.setattr(place.table, "put", put)
            free.set()
            await until(pilot, lambda: later and not place.known.stale(), "the next look")
            assert "plays-lstm" not in [*ever, *names(pilot)]
            assert place.drawn.marks == ({"연극": 0} if what == "rename" else {})

    in_a_loop(check())


def test_a_run_is_shown_though_a_form_was_left_open_there() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: "what should it learn?" in text_of(pilot), "the texts")
            await press(pilot, "a")
            await until(pilot, lambda: isinstance(pilot.app.screen, Form), "the form")
            await opened(pilot)
            await press(pilot, "enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, Train), "Train")
            assert "plays-lstm" in shown(pilot)[0]

    in_a_loop(check())


def test_a_second_question_takes_the_place_of_the_first() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "slash")
            assert "filter:" in shown(pilot)[-1]
            for ask in (place.action_rename, place.action_remove, place.action_filter, place.action_remove):
                ask()
                said = {place.action_rename: "name:", place.action_filter: "filter:"}.get(ask, "to the trash?   y n")
                await until(pilot, lambda said=said: said in shown(pilot)[-1], said)
                await pilot.pause()
                assert said in shown(pilot)[-1]
                assert place.footer.is_asking
            await press(pilot, "n")
            assert pilot.app.focused is place.table
            assert "q leave" in shown(pilot)[-1]
            assert len(names(pilot)) == 3

    in_a_loop(check())


def test_a_run_is_moved_to_the_trash_only_after_a_yes() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            await opened(pilot)
            app = cast(Playground, pilot.app)
            app.open(shelf.find("plays-lstm"))
            place = await opened(pilot)
            await press(pilot, "space", "delete")
            await until(pilot, lambda: "move plays-lstm, " in shown(pilot)[-1], "it asks")
            assert "kB, to the trash?   y n" in shown(pilot)[-1]
            await press(pilot, "n")
            assert not place.footer.is_asking
            assert "plays-lstm" in names(pilot)
            await press(pilot, "backspace")
            await until(pilot, lambda: place.footer.is_asking, "it asks again")
            await press(pilot, "y")
            await until(pilot, lambda: "plays-lstm" not in names(pilot), "it is gone")
            assert os.listdir(shelf.trash_dir()) == ["plays-lstm"]
            assert place.drawn.marks == {}
            assert app.subject is None
            assert "no run open" in shown(pilot)[0]
            assert not place.axes.log_y

    in_a_loop(check())


class Trainers:
    """Stands in for the starting of trainers."""

    def __init__(self) -> None:
        self.runs: list[RunFiles] = []

    def __call__(self, run: RunFiles) -> Any:
        self.runs.append(run)
        return self

    def poll(self) -> None:
        return None


def test_c_goes_on_with_a_run_and_a_full_stop_ends_one(monkeypatch: pytest.MonkeyPatch) -> None:
    three(time.time())
    trainers = Trainers()
    monkeypatch.setattr(training, "start", trainers)

    async def check() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            run = shelf.find("plays-lstm")
            await press(pilot, "full_stop")
            await until(pilot, lambda: "plays-lstm does not train now" in text_of(pilot), "nothing to stop")
            await press(pilot, "c")
            await until(pilot, lambda: trainers.runs == [run], "it is started")
            assert cast(Playground, pilot.app).trainers
            control = ControlReader(run.control)
            with WriterLock(run):
                with run.log.open("ab") as log:
                    log.write(to_line({"kind": "note", "step": 200, "note": "paused", "message": ""}))
                await press(pilot, "c", "full_stop")
                asked: list[str] = []
                await until(
                    pilot, lambda: asked.extend(row["action"] for row in control.poll()) or len(asked) == 2, "asked"
                )
                assert sorted(asked) == ["continue", "stop"]
                await until(pilot, lambda: place.known.kept["plays-lstm"].state == "paused", "seen to be paused")
            await press(pilot, "end", "c")
            await until(pilot, lambda: "diary is finished" in text_of(pilot), "it says so")
            assert trainers.runs == [run]

    in_a_loop(check())


def test_new_removed_and_growing_runs_are_seen_by_themselves() -> None:
    three(time.time())

    async def check() -> None:
        async with playground() as pilot:
            place = await opened(pilot)
            await press(pilot, "space", "down", "space")
            recorded("newest")
            await until(pilot, lambda: "newest" in names(pilot), "a new run")
            assert place.query_one(RunTable).chosen is place.known.kept["plays-gru"]
            where = {"step": 220, "seconds": 22.0, "tokens": 450_560}
            with shelf.find("plays-gru").log.open("ab") as log:
                log.write(to_line({"kind": "step", **where, "train_loss": 1.1}))
                log.write(to_line({"kind": "evaluation", **where, "held_out_estimate": 1.125}))
            await until(pilot, lambda: "1.125" in table(pilot)[2], "the table shows the new score")
            await until(pilot, lambda: "lowest is gru, 1.125" in text_of(pilot), "and so does the chart")
            shelf.remove(shelf.find("plays-lstm"))
            await until(pilot, lambda: "plays-lstm" not in names(pilot), "a run that somebody removed")
            assert list(place.drawn.marks) == ["plays-gru"]
            await until(pilot, lambda: "plays-lstm is not here any more" in text_of(pilot), "and that is said")

    in_a_loop(check())


def test_a_broken_run_says_why_and_a_run_without_a_step_what_to_do() -> None:
    now = time.time()
    recorded("broken", created=now).plan.write_text('{"format": 999}')
    recorded("early", steps=0, end="stopped", created=now - 100)

    async def check() -> None:
        async with playground() as pilot:
            await opened(pilot)
            await until(pilot, lambda: "format 999" in text_of(pilot), "why it is broken")
            assert "✗ broken" in text_of(pilot)
            await press(pilot, "down")
            await until(pilot, lambda: "It ended before its first step." in text_of(pilot), "no step")
            assert "c tries again" in text_of(pilot)

    in_a_loop(check())


def test_a_thousand_names_are_there_before_their_numbers_and_only_those_in_sight_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(60):
        recorded(f"run-{number}", steps=1, of=1, created=1e9 - number)
    order: list[str] = []
    real = runs_place.shelf_watch.summarise

    def summarise(kept: Any) -> Any:
        order.extend(one.name for one in kept)
        return real(kept)

    monkeypatch.setattr(runs_place.shelf_watch, "summarise", summarise)

    async def check() -> None:
        async with playground() as pilot:
            await opened(pilot)
            assert order[:3] == ["run-0", "run-1", "run-2"]
            assert sorted(order) == sorted(f"run-{number}" for number in range(60))
            drawn: list[int] = []
            box = place_of(pilot).query_one(RunTable)
            row = box.row
            monkeypatch.setattr(box, "row", lambda index, width: drawn.append(index) or row(index, width))
            await press(pilot, "end")
            assert box.chosen is not None
            assert box.chosen.name == "run-59"
            assert min(drawn) > 40

    in_a_loop(check())
