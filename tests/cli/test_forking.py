"""A command that is forked does what one does that starts anew: what is true of the one is true of the other."""

import os
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from forking import FORKS

from .conftest import SMALL, Result, Trained, environment, on_pty, seqplay, started_anew, terminal

CLOCKS = {"seconds", "evaluation_seconds", "startup_seconds", "tokens_per_second"}
EQUAL: dict[str, tuple[str | bytes, ...]] = {
    "no command": ("trian",),
    "no words": (),
    "a sample": ("sample", "--seed", "1", "--length", "30", "--prompt", "The ☃"),
    "bytes in an argument": ("sample", "--prompt", b"The \xff"),
    "a worker": ("eval", "harbour", "--json"),
    "its worker fails": ("eval", "harbour", "--on", "/dev/null"),
}


def without_clocks(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in CLOCKS and name != "run"}


@pytest.mark.parametrize("argv", EQUAL.values(), ids=EQUAL)
def test_it_prints_the_same_bytes_and_ends_with_the_same_code(argv: tuple[str | bytes, ...], trained: Trained) -> None:
    assert seqplay(trained.home, *argv) == started_anew(trained.home, *argv)


def test_a_trainer_that_is_forked_learns_the_same(trained: Trained, text: Path, home: Path) -> None:
    """The shared run was trained by a command that was forked, and so was its trainer."""
    anew = started_anew(home, "train", text, "--steps", "8", *SMALL, "--name", "harbour", "--json")
    assert (anew.code, anew.err) == (trained.result.code, trained.result.err)
    assert list(map(without_clocks, anew.rows)) == list(map(without_clocks, trained.result.rows))


def test_a_terminal_gets_the_same(trained: Trained) -> None:
    child = terminal(trained.home, "show")
    assert on_pty(trained.home, "show") == (0, child.read())


def waiting_for_its_input(home: Path) -> tuple[Any, int]:
    """A forked command, and the end of its input on which nobody writes."""
    given, give = os.pipe()
    with open(os.devnull, "wb") as nowhere:
        child = FORKS.start(["train", "-"], environment(home), (given, nowhere.fileno(), nowhere.fileno()))
    os.close(given)
    return child, give


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_a_signal_ends_it_as_it_ends_a_command(number: int, code: int, home: Path) -> None:
    child, give = waiting_for_its_input(home)
    assert select.select([], [give], [], 60)[1]
    while Path(f"/proc/{child.pid}/wchan").exists() and Path(f"/proc/{child.pid}/syscall").read_text()[:2] != "0 ":
        os.sched_yield()  # until it reads
    os.kill(child.pid, number)
    assert child.wait(60) == code
    os.close(give)


def test_a_command_that_hangs_is_killed_and_told(home: Path) -> None:
    child, give = waiting_for_its_input(home)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.05)
    os.close(give)


@pytest.mark.parametrize("name", ["LC_ALL", "PYTHONPATH", "PYTHONIOENCODING", "OMP_NUM_THREADS", "FORCE_COLOR"])
def test_what_python_reads_when_it_starts_is_not_forked(name: str, home: Path) -> None:
    assert not FORKS.can_serve(environment(home, **{name: "1"}))
    assert FORKS.can_serve(environment(home, COLUMNS="60", NO_COLOR="1", TERM="dumb"))


def test_the_comparison_bites(trained: Trained) -> None:
    """One letter of another seed is seen."""
    argv = ("sample", "--length", "30", "--seed")
    one: Result = seqplay(trained.home, *argv, "1")
    assert one != started_anew(trained.home, *argv, "2")
