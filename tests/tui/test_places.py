"""What holds for every place: it is there, it has its own looks, and each of its keys is explained."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
from textual.pilot import Pilot

from seqplay.runs import shelf
from seqplay.tui import places
from seqplay.tui.app import Playground
from seqplay.tui.form import Form
from seqplay.tui.place import PLACES, Place
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.drawn import Drawn

from .conftest import SIZES, in_a_loop, playground, press, recorded, shown, text_of, until

SHEETS = sorted(Path(str(places.__file__)).parent.glob("*.tcss"))
KEYS = dict(zip(PLACES, "TSDRP", strict=True))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_the_looks_of_a_place_reach_no_other_place(sheet: Path) -> None:
    """A sheet is loaded with its place and stays: a rule that names no place would change the others from then on."""
    rules = re.findall(r"^([^{}]+)\{", sheet.read_text(), flags=re.MULTILINE)
    selectors = [selector.strip() for rule in rules for selector in rule.split(",")]
    assert selectors != []
    assert [one for one in selectors if not re.match(rf"{sheet.stem.title()}[ .]", one)] == []


def empty(pilot: Pilot[None]) -> list[str]:
    """The boxes in sight in which nothing is said: their titles are no content, and their frames are none."""
    compositor = pilot.app.screen._compositor
    strips = compositor.render_strips()
    boxes = [one for one in compositor.visible_widgets if isinstance(one, Box)]
    assert boxes != []
    found = []
    for box in boxes:
        x, y, width, height = box.region
        lines = [strip.crop(x, x + width).text for strip in strips[y : y + height]]
        inside = lines[1 : height if box.is_compact else -1] if height > 1 else lines
        if not "".join(inside).strip(" │║┃╭╮╰╯─━"):
            found.append(f"{type(box).__name__} {box.title}")
    return found


@pytest.mark.parametrize("has_run", [False, True], ids=["no run", "a run"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_place_is_empty_without_saying_what_to_do(size: tuple[int, int], has_run: bool) -> None:
    if has_run:
        recorded()

    async def body() -> None:
        async with playground(size) as pilot:
            for place in PLACES:
                await press(pilot, KEYS[place])
                await until(pilot, lambda p=place: f" {p.title()} " in shown(pilot)[0], place)
                await until(pilot, lambda: not empty(pilot), f"{place} has an empty box")
                assert "q leave" in shown(pilot)[-1]

    in_a_loop(body())


def test_every_key_of_every_place_is_in_its_help_and_among_the_commands() -> None:
    recorded()

    async def body() -> None:
        async with playground((120, 60)) as pilot:
            app = pilot.app
            assert isinstance(app, Playground)
            for place in PLACES:
                await press(pilot, KEYS[place])
                screen = app.screen
                assert isinstance(screen, Place)
                bindings = screen.bindings()
                assert [binding for binding in bindings if not binding.description] == []
                commands = {command.title for command in app.get_system_commands(screen)}
                assert {binding.description for binding in bindings} <= commands
                await press(pilot, "question_mark")
                await until(pilot, lambda p=place: f"─ {p.title()} " in text_of(pilot), "the help")
                await press(pilot, "escape")
                assert app.screen is screen

    in_a_loop(body())


def test_the_form_closes_with_esc_and_does_nothing_where_its_filter_finds_nothing() -> None:
    async def body() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: "what should it learn?" in text_of(pilot), "the texts")
            train = pilot.app.screen
            await press(pilot, "a")
            form = pilot.app.screen
            assert isinstance(form, Form)
            form.asked.values["cell"] = "gru"
            await press(pilot, "slash", *"xyzzy", "enter", "right", "left", "backspace", "enter")
            assert form.box.option is None
            assert form.asked.values == {"cell": "gru"}
            assert not form.footer.is_asking
            await press(pilot, "slash", "escape")
            assert pilot.app.screen is form
            assert form.box.filter == "xyzzy"
            await press(pilot, "escape")
            assert pilot.app.screen is train

    in_a_loop(body())


def test_going_from_place_to_place_and_back_changes_nothing_of_what_is_seen() -> None:
    recorded(end="finished")

    async def body() -> None:
        async with playground() as pilot:
            app = pilot.app
            assert isinstance(app, Playground)
            app.open(shelf.find("harbour"))
            await until(
                pilot, lambda: "The harbour at 200" in text_of(pilot) and "╌╌" in text_of(pilot), "run and floors"
            )
            before = shown(pilot)[:-1]
            await press(pilot, "S", "D", "R", "P", "T")
            await until(pilot, lambda: shown(pilot)[:-1] == before, "the same screen again")

    in_a_loop(body())


def test_lines_that_are_sent_one_by_one_make_the_same_screen_as_all_of_them() -> None:
    recorded(end="finished")

    async def body() -> None:
        async with playground() as pilot:
            app = pilot.app
            assert isinstance(app, Playground)
            app.open(shelf.find("harbour"))
            await until(
                pilot, lambda: "The harbour at 200" in text_of(pilot) and "╌╌" in text_of(pilot), "run and floors"
            )
            for key in ("left_square_bracket", "x", "u", "right_curly_bracket", "n", "down", "backspace"):
                await press(pilot, key)
                before = shown(pilot)
                for drawn in app.screen.query(Drawn):
                    drawn.refresh()
                assert shown(pilot) == before

    in_a_loop(body())


VISIT = """
import asyncio, sys
from seqplay.tui.app import Playground

async def visit():
    app = Playground()
    async with app.run_test(size=(120, 36)) as pilot:
        for key in ("S", "D", "R", "P", "T", "question_mark", "escape", "a", "a", "f", "escape", "ctrl+p", "escape"):
            await pilot.press(key)
            await pilot.pause(0.1)

asyncio.run(visit())
print(*sorted({"torch", "numpy", "tokenizers", "safetensors"} & sys.modules.keys()))
"""


def test_the_app_never_loads_torch_or_numpy(home_of_its_own: Path) -> None:
    recorded()
    visited = subprocess.run([sys.executable, "-P", "-c", VISIT], capture_output=True, text=True, timeout=60)
    assert visited.returncode == 0, visited.stderr
    assert visited.stdout.strip() == ""


def test_a_timer_that_fires_while_the_app_closes_does_no_harm() -> None:
    async def look() -> Playground:
        async with playground() as pilot:
            assert isinstance(pilot.app, Playground)
            return pilot.app

    app = asyncio.run(look())
    assert not app.screen_stack
    app._show()
