"""The real command line, each command in a process of its own, on a home of its own. A trainer takes more than a second
to start: most commands are forked instead (forking.py), and one trained run is shared, and copied by the tests that
change it. Where starting or ending is the subject, `started`, `started_anew` and `terminal` start processes.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pexpect
import pytest
from forking import FORKS, Child, environment

from seqplay.runs import process
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import last_row

ROOT = Path(__file__).parents[2]
GUARD = 60.0  # seconds after which something hangs; nothing here takes a tenth of it
COMMAND = [sys.executable, "-P", "-m", "seqplay"]
TEXT = (ROOT / "sample_texts" / "english.txt").read_bytes()[:3000]
SMALL = (
    "--hidden",
    "8",
    "--embedding",
    "8",
    "--set",
    "threads=1",
)  # two threads would wait for each other on a busy machine
OPTIONS = (*SMALL, "--batch", "1", "--set", "evaluate_every=300", "--name", "harbour")


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: bytes
    err: bytes

    @property
    def lines(self) -> list[str]:
        """What it said to a person."""
        return self.err.decode().splitlines()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [strict(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Trained:
    """A run that the real command line trained, the home it is in, and what the command printed."""

    home: Path
    run: RunFiles
    result: Result


def strict(line: str | bytes) -> dict[str, Any]:
    """The object that a line of strict JSON holds."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    row = json.loads(line, parse_constant=refuse)
    assert isinstance(row, dict)
    return row


def rows_in(log: Path) -> list[dict[str, Any]]:
    return [strict(line) for line in log.read_bytes().splitlines()]


def as_shells_say(code: int) -> int:
    """The exit code as a shell gives it: 128 + the number of the signal that ended the process."""
    return 128 - code if code < 0 else code


def seqplay(
    home: Path,
    *argv: str | bytes | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run a command whose standard input, output and error are pipes; forked, unless its environment forbids that."""
    given = environment(home, **(env or {}))
    if not FORKS.can_serve(given):
        return started_anew(home, *argv, stdin=stdin, env=env, cwd=cwd)
    done = FORKS.run(argv, given, stdin, GUARD, cwd)
    return Result(as_shells_say(done.returncode), done.stdout, done.stderr)


def started_anew(
    home: Path,
    *argv: str | bytes | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """The same, as a Python of its own, and so is its trainer."""
    command: Sequence[Any] = [*COMMAND, *argv]
    done = subprocess.run(
        command, input=stdin, capture_output=True, env=environment(home, **(env or {})), timeout=GUARD, cwd=cwd
    )
    return Result(as_shells_say(done.returncode), done.stdout, done.stderr)


STARTED: list["subprocess.Popen[bytes]"] = []


def started(home: Path, *argv: str | Path) -> "subprocess.Popen[bytes]":
    """Begin a command, and go on with the test."""
    command = subprocess.Popen(
        [*COMMAND, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home),
    )
    STARTED.append(command)
    return command


@dataclass(frozen=True)
class Begun:
    """A forked command that has begun, and the pipes that it prints to."""

    child: Child
    out: int
    err: int

    def send_signal(self, number: int) -> None:
        os.kill(self.child.pid, number)

    def ended(self) -> Result:
        """Wait for its end."""
        with open(self.out, "rb") as out, open(self.err, "rb") as err:
            told = err.read(), out.read()
        return Result(as_shells_say(self.child.wait(GUARD)), *reversed(told))


def begun(home: Path, *argv: str | Path) -> Begun:
    """Begin a command as `started` does, but forked; its trainer bears another name in a list of processes."""
    (out, write_out), (err, write_err) = os.pipe(), os.pipe()
    with open(os.devnull, "rb") as nothing:
        child = FORKS.start(argv, environment(home), (nothing.fileno(), write_out, write_err))
    os.close(write_out)
    os.close(write_err)
    return Begun(child, out, err)


@pytest.fixture(autouse=True)
def nothing_is_left_running(home: Path) -> Iterator[None]:
    """A test that fails half-way leaves neither its commands nor their trainers behind."""
    yield
    while STARTED:
        command = STARTED.pop()
        if command.poll() is None:
            command.kill()
            command.communicate(timeout=GUARD)
    for note in home.rglob("process.json"):
        left = process.read_note(RunFiles(note.parent))
        if left is not None:
            process.send_signal(left, signal.SIGKILL)


def ended(process: "subprocess.Popen[bytes]") -> Result:
    out, err = process.communicate(timeout=GUARD)
    return Result(as_shells_say(process.returncode), out, err)


def terminal(home: Path, *argv: str | Path, env: Mapping[str, str] | None = None) -> "pexpect.spawn[bytes]":
    """Begin a command on a terminal of 100 x 30 cells."""
    command = [*COMMAND[1:], *map(str, argv)]
    return pexpect.spawn(COMMAND[0], command, env=environment(home, **(env or {})), dimensions=(30, 100), timeout=GUARD)


def on_pty(
    home: Path,
    *argv: str | Path,
    env: Mapping[str, str] | None = None,
    typing: Callable[[int], object] = lambda terminal: None,
) -> tuple[int, bytes]:
    """Run a command on such a terminal: its exit code, and every byte that the terminal got. `typing` is what a person
    does meanwhile, on a terminal of a command that can be forked.
    """
    given = environment(home, **(env or {}))
    if not FORKS.can_serve(given):
        child = terminal(home, *argv, env=env)
        raw = child.read()
        return code_of(child), raw
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    forked = FORKS.start(argv, given, (theirs, theirs, theirs), terminal=True)
    os.close(theirs)
    typing(ours)
    raw = b"".join(iter(partial(_read, ours), b""))
    os.close(ours)
    return as_shells_say(forked.wait(GUARD)), raw


def _read(terminal: int) -> bytes:
    """What a terminal got; nothing once no process has it open, which Linux tells with an error."""
    ready, _, _ = select.select([terminal], [], [], GUARD)
    assert ready, "the command hangs"
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


def code_of(child: "pexpect.spawn[bytes]") -> int:
    child.wait() if child.isalive() else None
    child.close()
    return child.exitstatus if child.signalstatus is None else 128 + child.signalstatus


def until(event: Callable[[], Any], what: str) -> Any:
    """Wait for an event and return what it gave; fails where it never comes."""
    guard = time.monotonic() + GUARD
    while not (found := event()):
        assert time.monotonic() < guard, f"never came: {what}"
        time.sleep(0.002)
    return found


def run_in(home: Path) -> RunFiles:
    """The run that is trained with OPTIONS."""
    return RunFiles(home / "runs" / "harbour")


def stepping(home: Path) -> None:
    until(lambda: last_row(run_in(home).log, ("step",)), "the first step")


def processes_of(run: RunFiles) -> list[str]:
    """Every process whose command line names the run, as that of a trainer does which is not forked."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(run.path) in line]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A SEQPLAY_HOME that is not there yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 characters of English, in a folder that no run may name."""
    path = tmp_path_factory.mktemp("folder-of-the-text") / "harbour.txt"
    path.write_bytes(TEXT)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, text: Path) -> Trained:
    """Eight steps of training, never changed by a test."""
    home = tmp_path_factory.mktemp("trained") / "home"
    result = seqplay(home, "train", text, "--steps", "8", *SMALL, "--name", "harbour", "--json")
    assert result.code == 0, result.err.decode()
    return Trained(home, RunFiles(home / "runs" / "harbour"), result)


@pytest.fixture
def copied(trained: Trained, home: Path) -> Trained:
    """The trained run in a home that the test may change."""
    shutil.copytree(trained.home, home)
    return Trained(home, RunFiles(home / "runs" / "harbour"), trained.result)


def as_if_killed(run: RunFiles) -> None:
    """Take the trained run back to its first checkpoint and forget that it finished, as a kill at step 8 leaves it."""
    shutil.rmtree(run.checkpoints / "8")
    kept = [line for line in run.log.read_bytes().splitlines(keepends=True) if strict(line)["kind"] != "done"]
    run.log.write_bytes(b"".join(kept))
