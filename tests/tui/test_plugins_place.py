"""The Plugins place: every installed architecture at once, what is known of it, and what to do about a broken one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from textual.pilot import Pilot
from tiny_plugins import GOOD, install, on_the_path

from seqplay import descriptions, plugin_choice, plugins
from seqplay.descriptions import Description
from seqplay.known_plugins import Known, details
from seqplay.options import Option
from seqplay.plugins import Plugin
from seqplay.processes import describing
from seqplay.tui.app import Playground
from seqplay.tui.places.plugins import Plugins, about_plugin
from seqplay.tui.reading import Reading
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.recipe_box import LEFT, RecipeBox

from .conftest import in_a_loop, playground, press, recorded, shown, text_of, until

OWN = [name for _, name in sorted(descriptions.built_in())]
HEADS = Option("heads", int, 4, "attention heads a layer", 1, 64)
NORM = Option("norm", str, "layer", "kind of norm", None, None, ("layer", "rms"))


def plugin(name: str, distribution: str = "seqplay", version: str = "0.1.0") -> Plugin:
    return Plugin(name, "cell", distribution, version, EntryPoint(name, "module:cell", "seqplay.cells"))


def working(name: str, distribution: str, *options: Option) -> Known:
    about = Description(name, "cell", f"What {name} is.", "Somebody 2026", options, distribution, "1.0")
    return Known(name, plugin(name, distribution, "1.0"), "works", about)


LSTM = working("lstm", "seqplay")
MINE = working("mine", "seqplay-mine", HEADS, NORM)
READ = Known("slow", plugin("slow", "seqplay-slow"), "reading")
SSM = Known(
    "ssm",
    plugin("ssm", "seqplay-ssm", "1.4.0"),
    "broken",
    None,
    "needs einops, which is not installed here",
    "pip install einops",
    "said\nTraceback\n",
)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Known]:
    """What is installed is lstm, mine, slow and ssm; the processes that read them answer with what is put here."""
    answers: dict[str, Known] = {"ssm": SSM}
    found = [LSTM, MINE, READ, replace(SSM, state="reading", reason="", advice="", output="")]

    async def tell_all(tell: Callable[[Known], None]) -> None:
        for known in found:
            tell(known)
        for known in answers.values():
            tell(known)

    async def ask(known: Known) -> Known:
        while known.name not in answers:
            await asyncio.sleep(0.01)
        return answers[known.name]

    monkeypatch.setattr(describing, "at_once", lambda: found)
    monkeypatch.setattr(describing, "tell_all", tell_all)
    monkeypatch.setattr(describing, "ask", ask)
    return answers


async def listed(pilot: Pilot[None]) -> list[str]:
    """The place, once all are listed; what it shows."""
    await press(pilot, "P")
    await until(pilot, lambda: "1 broken" in text_of(pilot), "the list")
    return shown(pilot)


def box(pilot: Pilot[None]) -> str:
    found = pilot.app.screen.query_one("#plugin", Box)
    assert isinstance(found, Box)
    return "\n".join("".join(piece.text for piece in line) for line in found.draw(*found.size))


def test_each_is_listed_with_its_state_and_where_it_comes_from(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground() as pilot:
            rows = [line.split("││")[0].strip("│ ▌").split() for line in (await listed(pilot))[3:8]]
            assert rows == [
                ["name", "kind", "distribution", "version"],
                ["✓", "lstm", "cell", "seqplay", "1.0"],
                ["✓", "mine", "cell", "seqplay-mine", "1.0"],
                ["◌", "slow", "cell", "seqplay-slow", "0.1.0"],
                ["✗", "ssm", "cell", "seqplay-ssm", "1.4.0"],
            ]
            assert "4 found · 1 being read… · 1 broken" in text_of(pilot)
            assert "make your own" not in text_of(pilot)

    in_a_loop(look())


def test_the_box_tells_of_the_one_under_the_cursor(answers: dict[str, Known]) -> None:
    async def look() -> None:
        recorded(cell="lstm", steps=2)
        recorded("other", cell="lstm", steps=2)
        async with playground() as pilot:
            await listed(pilot)
            await until(pilot, lambda: "2 runs use it." in box(pilot), "the uses")
            assert "What lstm is." in box(pilot)
            assert "no options of its own" in box(pilot)
            await press(pilot, "down")
            about = box(pilot)
            assert "No run uses it." in about
            assert [line.strip("│ ").split() for line in about.splitlines() if "heads" in line] == [
                ["heads", "4", "1", "to", "64"],
                ["attention", "heads", "a", "layer"],
            ]
            assert "layer, rms" in about
            assert "Somebody 2026" in about
            assert "cell of seqplay-mine 1.0" in about
            await press(pilot, "down")
            assert "being read…" in box(pilot)
            assert "for at most" in box(pilot)

    in_a_loop(look())


def test_a_broken_one_says_why_and_what_to_do_and_that_the_rest_works(answers: dict[str, Known]) -> None:
    async def look() -> None:
        recorded(cell="ssm", steps=2)
        async with playground() as pilot:
            await listed(pilot)
            await press(pilot, "end")
            await until(pilot, lambda: "1 run uses it" in box(pilot), "the uses")
            about = " ".join(line.strip("│ ") for line in box(pilot).splitlines())
            assert "does not load" in about
            assert "It needs einops, which is not installed here." in about
            assert "pip install einops  u tries it again" in " ".join(about.split("  ")).replace(
                "einops u", "einops  u"
            )
            assert "Everything else works. 1 run uses it: it can be looked at, not sampled." in about
            assert "o shows the 2 lines that it printed" in about
            assert shown(pilot)[-1].startswith(" u try again  o its output  d disable or enable  / find")

    in_a_loop(look())


def test_o_shows_what_it_printed(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await listed(pilot)
            await press(pilot, "o")
            assert isinstance(pilot.app.screen, Plugins)  # the lstm has printed nothing
            await press(pilot, "end", "o")
            assert isinstance(pilot.app.screen, Reading)
            assert "Traceback" in text_of(pilot)

    in_a_loop(look())


def test_u_tries_a_broken_one_again_and_shows_that_it_is_being_read(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await listed(pilot)
            del answers["ssm"]
            await press(pilot, "end", "u")
            assert "4 found · 2 being read…" in text_of(pilot)
            assert "u try again" not in shown(pilot)[-1]
            await press(pilot, "u")
            answers["ssm"] = working("ssm", "seqplay-ssm", HEADS)
            await until(pilot, lambda: "What ssm is." in box(pilot), "the answer")
            assert "4 found · 1 being read…" in text_of(pilot)
            assert app_of(pilot).options_of("ssm") == (HEADS,)

    in_a_loop(look())


def app_of(pilot: Pilot[None]) -> Playground:
    assert isinstance(pilot.app, Playground)
    return pilot.app


def test_an_answer_leaves_the_cursor_on_the_plugin_that_it_stands_on(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await listed(pilot)
            await press(pilot, "down", "down")
            assert " slow ─" in box(pilot)
            app_of(pilot).learn(working("between", "seqplay-a"))
            app_of(pilot)._show()
            await pilot.pause()
            assert " slow ─" in box(pilot)
            assert "▌◌  slow" in text_of(pilot)

    in_a_loop(look())


def test_find_narrows_by_name_and_distribution_and_esc_ends_it(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await listed(pilot)
            await press(pilot, "slash", *"ssm")
            assert "lstm " not in "\n".join(shown(pilot)[3:-1])
            assert "✗  ssm" in text_of(pilot)
            await press(pilot, *"xx")
            assert "no plugin has 'ssmxx' in its name" in text_of(pilot)
            await press(pilot, "escape")
            assert "✓  lstm" in text_of(pilot)
            assert pilot.app.focused is pilot.app.screen.query_one("#plugins")

    in_a_loop(look())


def test_a_narrow_screen_has_the_list_and_enter_opens_the_details(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground((80, 24)) as pilot:
            await listed(pilot)
            assert "What lstm is." not in text_of(pilot)
            assert shown(pilot)[-1].startswith(" enter details")
            await press(pilot, "enter")
            assert "What lstm is." in text_of(pilot)
            assert "seqplay-ssm" not in text_of(pilot)
            assert shown(pilot)[-1].startswith(" esc back to the list")
            await press(pilot, "escape")
            assert "seqplay-ssm" in text_of(pilot)
            await press(pilot, "down")
            assert "▌✓  mine" in text_of(pilot)

    in_a_loop(look())


def test_columns_are_dropped_from_the_right_where_there_is_no_room(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground((34, 12)) as pilot:
            await press(pilot, "P")
            await until(pilot, lambda: "✗  ssm" in text_of(pilot), "the list")
            assert "kind" in text_of(pilot)
            assert "version" not in text_of(pilot)
            assert "distribution" not in text_of(pilot)

    in_a_loop(look())


def test_a_huge_screen_shows_the_output_beside_the_details(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground((200, 60)) as pilot:
            await listed(pilot)
            assert "its output" not in text_of(pilot)
            await press(pilot, "end")
            assert "─ its output ─" in text_of(pilot)
            assert "Traceback" in text_of(pilot)

    in_a_loop(look())


def test_without_plugins_one_line_says_how_an_own_cell_gets_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await press(pilot, "P")
            await until(pilot, lambda: f"{len(OWN)} found" in text_of(pilot), "the list")
            assert "make your own: seqplay plugins new mycell" in text_of(pilot)
            assert "d disable" not in shown(pilot)[-1]  # what comes with seqplay cannot be
            await press(pilot, "end")
            assert f"▌✓  {OWN[-1]}" in text_of(pilot)  # the line is no choice

    in_a_loop(look())


def test_d_disables_the_distribution_of_a_plugin_and_enables_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await press(pilot, "P")
            await until(pilot, lambda: "✓  good" in text_of(pilot), "its answer")
            await press(pilot, *["down"] * names.index("good"), "d")
            await until(pilot, lambda: "–  good" in text_of(pilot), "the list")
            assert " good ─" in box(pilot)  # the cursor stays on it
            about = " ".join(line.strip("│ ") for line in box(pilot).splitlines())
            assert "is not used" in about
            assert "It is disabled. d uses its distribution again" in " ".join(about.split())
            assert "1 off" in text_of(pilot)
            assert "good" not in plugins.installed()
            assert plugin_choice.disabled() == {"good"}
            await press(pilot, "d")
            await until(pilot, lambda: "✓  good" in text_of(pilot), "the list")
            assert plugin_choice.disabled() == set()
            await press(pilot, "home", "d")  # what comes with seqplay
            await until(pilot, lambda: "comes with seqplay" in text_of(pilot), "the notice")

    names = [name for (kind, name) in descriptions.built_in() if kind == "cell"] + ["good"]
    install(tmp_path / "site", "good", GOOD)
    with on_the_path(tmp_path / "site", tmp_path / "home"):
        in_a_loop(look())


def test_what_the_session_leaves_out_is_not_switched_by_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await press(pilot, "P")
            await until(pilot, lambda: "–  good" in text_of(pilot), "the list")
            await press(pilot, *["down"] * names.index("good"))
            assert "left out: SEQPLAY_PLUGINS does not name it." in " ".join(
                line.strip("│ ") for line in box(pilot).splitlines()
            )
            assert "d disable" not in shown(pilot)[-1]
            assert "uses its distribution again" not in box(pilot)

    names = [name for (kind, name) in descriptions.built_in() if kind == "cell"] + ["good"]
    install(tmp_path / "site", "good", GOOD)
    monkeypatch.setenv("SEQPLAY_PLUGINS", "")
    with on_the_path(tmp_path / "site", tmp_path / "home"):
        in_a_loop(look())


def test_plugins_are_read_by_processes_of_their_own_and_listed_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []
    learn = Playground.learn

    def learned(app: Playground, known: Known) -> None:
        seen.append((known.name, known.state))
        learn(app, known)

    async def look() -> None:
        async with playground() as pilot:
            await press(pilot, "P")
            await until(pilot, lambda: {"✗  broken", "✓  good"} <= words(text_of(pilot)), "both answers")
            known = {(name, "works") for name in OWN} | {("broken", "reading"), ("good", "reading")}
            assert set(seen[: len(known)]) == known
            assert f"{len(known)} found · 1 broken" in text_of(pilot)
            assert [option.name for option in app_of(pilot).options_of("good")] == ["heads", "keep", "norm", "window"]
        async with playground() as pilot:  # kept for the next start: no process is asked
            await until(pilot, lambda: app_of(pilot).plugins_known, "what is installed")
            assert len(app_of(pilot).options_of("good")) == 4

    monkeypatch.setattr(Playground, "learn", learned)
    install(tmp_path / "site", "good", GOOD)
    install(tmp_path / "site", "broken", "import os; os._exit(3)")
    with on_the_path(tmp_path / "site", tmp_path / "home"):
        in_a_loop(look())


def words(text: str) -> set[str]:
    """Glyph and name of each row."""
    return {line.strip("│ ▌")[:12].rstrip().removesuffix(" cell").rstrip() for line in text.splitlines()}


def test_leaving_ends_the_process_that_reads_a_plugin(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = f"import os, time\nopen({str(told)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"

    async def look() -> None:
        async with playground() as pilot:
            await press(pilot, "P")
            await until(pilot, lambda: told.exists() and told.read_text(), "its process")

    install(tmp_path / "site", "hangs", code)
    with on_the_path(tmp_path / "site", tmp_path / "home"):
        in_a_loop(look())
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_the_settings_of_a_cell_that_was_never_read_are_asked_for_the_next_time(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground() as pilot:
            await until(pilot, lambda: app_of(pilot).plugins_known, "what is installed")
            assert app_of(pilot).options_of("mine") == (HEADS, NORM)
            assert app_of(pilot).options_of("nobody") == ()
            answers["slow"] = working("slow", "seqplay-slow", NORM)
            assert app_of(pilot).options_of("slow") == ()
            await until(pilot, lambda: app_of(pilot).options_of("slow") == (NORM,), "its answer")

    in_a_loop(look())


def test_what_a_plugin_says_cannot_steer_the_terminal() -> None:
    evil = "\x1b]52;c;aGk=\x07[/]\u202e"
    described = Description(evil, "cell", evil, evil, (Option("n", str, evil, evil, choices=(evil,)),), evil, evil)
    known = Known(evil, plugin("other", evil, evil), "works", described)
    broken = replace(known, state="broken", description=None, reason=evil, advice=evil, output=evil)
    for one in (known, broken):
        lines = about_plugin(one, details(one, 1), 40)
        text = "".join(piece.text for line in lines for piece in line)
        assert not {"\x1b", "\x07", "\u202e"} & set(text)
        assert "␛]52;c;aGk=␇[/]" in text


def test_the_recipe_offers_what_is_not_known_to_be_broken_or_off(answers: dict[str, Known]) -> None:
    async def look() -> None:
        async with playground(size=(120, 36)) as pilot:
            await until(pilot, lambda: app_of(pilot).plugins_known, "what is installed")
            box = app_of(pilot).screen.query_one(RecipeBox)
            assert [name for name, _ in box.choices("cell")] == ["lstm", "mine", "slow", "ssm"]
            app_of(pilot).learn(SSM)
            app_of(pilot).learn(replace(MINE, state="off"))
            assert [name for name, _ in box.choices("cell")] == ["lstm", "slow"]

    in_a_loop(look())


def test_a_row_of_the_recipe_leaves_out_its_first_choices_until_the_chosen_one_is_seen(
    answers: dict[str, Known],
) -> None:
    async def look() -> None:
        async with playground(size=(120, 36)) as pilot:
            app = app_of(pilot)
            box = app.screen.query_one(RecipeBox)
            app.plugins_known = {("cell", name): working(name, name) for name in ("aaaa", "bbbb", "한국", "cccc")}
            for chosen, shown_names in {
                "aaaa": ["aaaa", "bbbb", "한국", "cccc"],
                "한국": ["bbbb", "한국", "cccc"],
                "cccc": ["한국", "cccc"],
            }.items():
                box.asked.values["cell"] = chosen
                assert [name for name, _ in box._shown("cell", LEFT + 13)] == shown_names
            assert [name for name, _ in box._shown("cell", LEFT + 1)] == ["cccc"]

    in_a_loop(look())
