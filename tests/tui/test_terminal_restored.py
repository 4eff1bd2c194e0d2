"""However the playground ends, the terminal is as it was before, and the exit code tells how (promises T5 and T8)."""

from __future__ import annotations

import os
import re
import signal
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from seqplay.tui.place import PLACES

from .terminal import OWN, Terminal, obeyed

OFF = [b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?1006l", b"\x1b[?2004l", b"\x1b[?1004l", b"\x1b[<u"]
ENDS: dict[str, tuple[int, Callable[[Terminal], None]]] = {
    "q": (0, lambda t: t.type("q")),
    "ctrl+q": (0, lambda t: t.type("\x11")),
    "SIGINT": (130, lambda t: os.kill(t.child.pid, signal.SIGINT)),
    "SIGTERM": (143, lambda t: os.kill(t.child.pid, signal.SIGTERM)),
    "SIGHUP": (129, lambda t: os.kill(t.child.pid, signal.SIGHUP)),
}
BREAKS = """
import sys
from seqplay.__main__ import main
from seqplay.tui.app import Playground

def breaks(make):
    def made():
        place = make()
        def on_mount(self):
            secret = "a local variable"
            raise RuntimeError("it broke [/] \\x1b[2J\\nand more")
        type(place).on_mount = on_mount
        return place
    return made

Playground.MODES["PLACE"] = breaks(Playground.MODES["PLACE"])
sys.argv = ["seqplay"]
main()
"""


def is_restored(terminal: Terminal) -> None:
    """Every mode that was switched on is off again, the cursor is shown, and stty tells no difference."""
    raw = bytes(terminal.raw)
    on = set(re.findall(rb"\x1b\[\?(\d+)h", raw)) - {b"25", b"7", b"2026"}
    for mode in on:
        assert raw.rindex(b"\x1b[?%sl" % mode) > raw.rindex(b"\x1b[?%sh" % mode), mode
    for off in OFF:
        assert off in raw
    assert raw.count(b"\x1b[<u") == len(re.findall(rb"\x1b\[>\d+u", raw)) == 1
    assert raw.rindex(b"\x1b[?25h") > raw.rindex(b"\x1b[?25l")
    assert raw.rindex(b"\x1b[?7h") > raw.rindex(b"\x1b[?7l")
    assert raw.rindex(b"\x1b[<u") < raw.rindex(b"\x1b[?1049l")  # the keys belong to the alternate screen
    assert termios.tcgetattr(terminal.child.child_fd) == terminal.modes


@pytest.mark.parametrize("end", ENDS)
def test_the_terminal_is_as_before_however_the_playground_ends(end: str, home_of_its_own: Path) -> None:
    code, how = ENDS[end]
    with Terminal(home_of_its_own) as terminal:
        terminal.until_shown("what should it learn?")
        assert termios.tcgetattr(terminal.child.child_fd) != terminal.modes
        how(terminal)
        assert terminal.end() == code
        is_restored(terminal)
        assert terminal.ended_with == ""
        assert obeyed(bytes(terminal.raw)) == []


@pytest.mark.parametrize("place", PLACES)
def test_a_mistake_of_ours_is_one_line_and_exit_code_1(place: str, home_of_its_own: Path) -> None:
    with Terminal(home_of_its_own, command=("-P", "-c", BREAKS.replace("PLACE", place))) as terminal:
        if place != PLACES[0]:
            terminal.until_shown("what should it learn?")
            terminal.type(place[0].upper())
        assert terminal.end() == 1
        is_restored(terminal)
        mistake, consolation = terminal.ended_with.splitlines()
        assert mistake.startswith(
            "seqplay: This is a mistake in seqplay, not yours: RuntimeError: it broke [/] ␛[2J⏎and"
        )
        assert consolation.startswith("Nothing is lost")
        shown = OWN.sub("", terminal.raw.decode())
        assert "Traceback" not in shown
        assert "a local variable" not in shown
        assert obeyed(bytes(terminal.raw)) == []
