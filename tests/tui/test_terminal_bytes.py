"""Whatever data says, the terminal of the playground gets nothing but what Textual itself sends (T1, T4, T7)."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from forking import environment
from hostile import ALL, HOSTILE, names
from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding
from textual.color import Color
from tiny_plugins import install

from seqplay import files
from seqplay.runs import rows
from seqplay.runs.layout import RunFiles, read_json
from seqplay.tui.border import Border
from seqplay.tui.place import PLACES

from .conftest import recorded
from .terminal import ALTERNATE, ESCAPE, GUARD, OWN, PLAYGROUND, Terminal, obeyed, pasted

KEYS = {
    "enter": "\r", "space": " ", "tab": "\t", "backspace": "\x7f", "delete": "\x1b[3~", "up": "\x1b[A",
    "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F", "full_stop": ".",
    "slash": "/", "minus": "-", "plus": "+", "question_mark": "?", "left_square_bracket": "[",
    "right_square_bracket": "]", "left_curly_bracket": "{", "right_curly_bracket": "}", "escape": ESCAPE.decode(),
}  # fmt: skip
TRAINS = {"main", "pause", "continue"}  # a training would begin
NAIVE = """
from textual.app import App
from textual.widgets import Static
from hostile import ALL

class Naive(App):
    def compose(self):
        yield Static(ALL, markup=False)

Naive().run()
"""


@pytest.fixture
def hostile(home_of_its_own: Path, tmp_path: Path) -> Path:
    """Runs, plugins, settings and a folder of texts that are hostile wherever a text can stand; the folder."""
    for number, name in enumerate(names()):
        made = recorded(f"{number}{name}", steps=40, of=60, end="crashed", text=ALL * 3, source=ALL)
        _make_hostile(made)
    _make_hostile(recorded("plain", steps=40, source=ALL, cell=ALL))
    (RunFiles(home_of_its_own / "runs" / f"broken{ALL[:40]}")).path.mkdir()
    (home_of_its_own / "runs" / f"broken{ALL[:40]}" / "recipe.json").write_text('{"format": "\\u001b[2J[/]"}')
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in names():
        (folder / f"{name[:60]}.txt").write_text(ALL * 20, newline="")
    (folder / os.fsdecode(b"\xff\x9b2J.txt")).write_text(ALL)
    first = next(names())
    chosen = {"run": f"0{first}", "step": 20, "theme": ALL, "texts": [str(folder / f"{first[:60]}.txt")]}
    files.write_atomically(home_of_its_own / "settings.json", rows.to_json(chosen))
    code = f"import os\nos.write(1, {ALL.encode()!r})\nprint({ALL!r})\nraise ValueError({ALL!r})"
    install(tmp_path / "site", "evil", code, "e\x1b]0;x\x07[bold]\u202e\x9b = evil:cell")
    about = tmp_path / "site" / "evil-1.0.dist-info" / "METADATA"
    about.write_text("Metadata-Version: 2.1\nName: evil\x1b]0;x\x07[/]\u202e\x9b\nVersion: 1\x1b[2J[red]\n")
    return folder


def _make_hostile(run: RunFiles) -> None:
    plan = read_json(run.plan)
    files.write_atomically(run.plan, rows.to_json(plan | dict.fromkeys(("why", "version", "torch", "unit"), ALL)))
    notes = [{"kind": "note", "note": kind, "message": ALL, "step": 40} for kind in ("notice", "crashed")]
    with run.log.open("ab") as log:
        log.writelines(map(rows.to_line, notes))
    text: dict[str, Any] = {"kind": "figure", "figure": "text", "step": 40, "text": ALL, "prompt": ALL}
    run.figures.write_bytes(run.figures.read_bytes() + rows.to_line(text | {"title": ALL, "caption": ALL}))
    run.output.write_text(ALL, newline="")


def settle(terminal: Terminal) -> None:
    """Read until nothing comes for a moment; a clock that moves ends the waiting, too."""
    for _ in range(40):
        if not terminal.read(0.04):
            return


def bindings_of(place: str) -> list[Binding]:
    kind = getattr(import_module(f"seqplay.tui.places.{place}"), place.title())
    found: list[Binding] = kind.bindings(object.__new__(kind))
    return found


def visit(terminal: Terminal, place: str) -> None:
    """Go to a place, and see that it is there by its help."""
    terminal.type(f"\x1b[{['12', '13', '14', '15', '19'][PLACES.index(place)]}~")
    settle(terminal)
    terminal.type("\x1bOP")  # F1, as an editor may have the focus
    terminal.until_shown(f"─ {place.title()} ─")
    terminal.type(ESCAPE)
    terminal.until_gone("esc closes")


def test_no_place_lets_the_terminal_obey_data(hostile: Path, home_of_its_own: Path, tmp_path: Path) -> None:
    with Terminal(home_of_its_own, cwd=hostile, PYTHONPATH=str(tmp_path / "site")) as terminal:
        terminal.until_shown("0␛]52;c;")
        for place in PLACES:
            visit(terminal, place)
            begun = len(terminal.raw)
            for binding in bindings_of(place):
                if binding.action in TRAINS:
                    continue
                key = binding.key.split(",")[0]
                terminal.type("\x1b[B", ESCAPE, ESCAPE, KEYS.get(key, key), pasted(ALL))
                settle(terminal)
                assert "mistake in seqplay" not in terminal.text
            visit(terminal, place)
            assert "␛]" in OWN.sub("", terminal.raw[begun:].decode("utf-8", "replace")), (
                f"{place} has shown nothing that is hostile"
            )
        terminal.type("\x11")  # ctrl+q
        assert (terminal.end(), terminal.ended_with) == (0, "")
        assert obeyed(bytes(terminal.raw)) == []


def test_the_chooser_and_what_opens_over_it(hostile: Path, home_of_its_own: Path) -> None:
    with Terminal(home_of_its_own, cwd=hostile) as terminal:
        terminal.until_shown("0␛]52;c;")
        terminal.type("n")
        terminal.until_shown("in this folder")
        terminal.type(*["\x1b[B"] * 8)
        terminal.until_shown("X-ray of ␛]52")
        terminal.until_shown("shares a block of")
        terminal.type(*["\x1b[B"] * 3)
        terminal.until_shown("X-ray of ��2J")
        terminal.type(pasted(ALL * 3))  # a text of its own
        terminal.until(lambda: list((home_of_its_own / "pasted").glob("*")), "the text that was pasted")
        terminal.type("f")
        terminal.until_shown("a text of yours")
        terminal.type(pasted("./"), "\t", "\t", "\x1b[B", "\x1b[B")
        settle(terminal)
        terminal.type(ESCAPE)
        terminal.until_gone("a text of yours")
        terminal.type("a")
        terminal.until_shown("all settings")
        terminal.type("/")
        terminal.until_shown("find:")
        terminal.type("steps\r")
        terminal.until_gone("find:")
        terminal.type("\r")
        terminal.until_shown("steps:")
        terminal.type(pasted(ALL), "\r")
        terminal.until_shown("steps takes")  # the notice
        terminal.until_gone("steps:")
        terminal.type("a")
        terminal.until_gone("all settings ─")
        terminal.type("\x10")  # ctrl+p
        terminal.until_shown("colours: dark")
        terminal.type(pasted(ALL))
        terminal.until_shown("No matches")
        terminal.type(ESCAPE, b"\xff\x9b\xed\xa0\x80", pasted("\ud800"), "\x11")  # no UTF-8, and half a character
        assert (terminal.end(), terminal.ended_with) == (0, "")
        assert obeyed(bytes(terminal.raw)) == []


def test_the_check_finds_what_a_naive_widget_sends(home_of_its_own: Path) -> None:
    with Terminal(home_of_its_own, command=("-P", "-c", NAIVE), PYTHONPATH=str(Path(__file__).parents[1])) as terminal:
        terminal.until(lambda: b"Xsos" in terminal.raw, "the text")  # what is seen, nobody can tell
        terminal.type("\x11")
        assert terminal.end() == 0
        found = obeyed(bytes(terminal.raw))
        assert {"\x1b", "\x9b", "\u202e"} <= set(found)


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if text.isascii() is False or not text.isprintable()], ids=ascii
)
def test_the_check_sees_each_hostile_string(text: str) -> None:
    own = b"\x1b[?1049h\x1b[?25l\x1b[1;1H\x1b[1;4;38;5;16;48;5;75m "
    assert obeyed(own) == []
    assert obeyed(own + text.encode()) != []


def test_the_border_stops_what_was_forgotten_and_keeps_the_width() -> None:
    (passed,) = Border().apply([Segment(ALL)], Color(0, 0, 0))
    assert obeyed(b"\x1b[?1049h" + passed.text.encode()) == []
    assert cell_len(passed.text) == cell_len(ALL)
    assert "[@click=app.quit]x[/]" in passed.text
    plain = Segment("나는 오늘")
    assert Border().apply([plain], Color(0, 0, 0)) == [plain]


# -- terminals that can do little, and none


def test_without_colour_the_place_and_the_cursor_are_seen_all_the_same(home_of_its_own: Path) -> None:
    with Terminal(home_of_its_own, NO_COLOR="1") as terminal:
        terminal.until_shown("▌ english")
        terminal.type("P")
        terminal.until_shown("make your own")
        terminal.type("\x10")
        terminal.until_shown("colours: dark")
        terminal.type(ESCAPE, "\x11")
        assert terminal.end() == 0
        raw = bytes(terminal.raw)
        styles = {code for found in re.findall(rb"\x1b\[([\d;]*)m", raw) for code in found.split(b";")}
        assert styles <= {b"0", b"1", b"3", b"4", b"7", b"9"}
        assert b"\x1b[1;7m Train " in raw
        assert b"\x1b[1;7m Plugins " in raw


@pytest.mark.parametrize("env", [{"LC_ALL": "C", "LANG": "C"}, {"PYTHONIOENCODING": "latin-1"}], ids=str)
def test_korean_is_utf_8_whatever_the_locale_says(env: dict[str, str], home_of_its_own: Path) -> None:
    recorded("한국어-소설", steps=20)
    files.write_atomically(home_of_its_own / "settings.json", rows.to_json({"run": "한국어-소설"}))
    with Terminal(home_of_its_own, **env) as terminal:
        terminal.until(lambda: "한국어-소설".encode() in terminal.raw, "the name of the run")
        terminal.type("\x11")
        assert (terminal.end(), terminal.ended_with) == (0, "")


@pytest.mark.parametrize(
    "streams", [(0, 1, 1), (1, 0, 1), (1, 1, 0), "dumb", ""], ids=["stdin", "stdout", "stderr", "dumb", "no TERM"]
)
def test_without_a_terminal_to_draw_on_the_bare_command_is_its_help(streams: object, home_of_its_own: Path) -> None:
    ours, theirs = os.openpty()
    env = environment(home_of_its_own, **({"TERM": streams} if isinstance(streams, str) else {}))
    on_terminal = streams if isinstance(streams, tuple) else (1, 1, 1)
    stdin, stdout, stderr = (theirs if yes else subprocess.PIPE for yes in on_terminal)
    command = [sys.executable, *PLAYGROUND]
    with subprocess.Popen(command, env=env, stdin=stdin, stdout=stdout, stderr=stderr) as done:
        try:
            out, err = done.communicate(timeout=GUARD)
        finally:
            done.kill()
    os.close(theirs)
    raw = (out or b"") + (err or b"")
    while select.select([ours], [], [], 0)[0]:
        try:
            raw += os.read(ours, 1 << 16)
        except OSError:
            break
    os.close(ours)
    assert done.returncode == 2
    assert b"Usage:" in raw
    assert ALTERNATE not in raw
