"""`seqplay watch` sees what a trainer does, from any terminal, and does nothing to it (D7, D12, T1, T5, T6)."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import IO, Any

import pexpect
import pyte
import pytest
from click.testing import CliRunner
from rich.console import Console

from seqplay.cli import output, resume, watch
from seqplay.cli.follow import Ended
from seqplay.cli.picture import LEAST_PAGE
from seqplay.cli.views import REPAINT_SECONDS, Page
from seqplay.errors import UsageError
from seqplay.runs import process
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.progress import Progress
from seqplay.runs.reader import last_row

from .conftest import (
    COMMAND,
    GUARD,
    OPTIONS,
    STARTED,
    Trained,
    as_if_killed,
    code_of,
    ended,
    environment,
    rows_in,
    run_in,
    seqplay,
    started,
    stepping,
    until,
)
from .test_terminal_safety import ALL, obeyed

HOLD = """
import sys
from pathlib import Path
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.reader import last_row
with WriterLock(RunFiles(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def first_line(stream: IO[bytes] | None) -> bytes:
    """Wait for a line, and leave what follows it in the pipe."""
    assert stream is not None
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(stream.fileno(), 1)
    return line


class Trainer:
    """A process that holds a run as a trainer does, and a log that the test writes row by row."""

    def __init__(self, run: RunFiles, known: Sequence[dict[str, Any]] = ()) -> None:
        self.run = run
        run.log.write_text("")
        self.log(*known)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", HOLD, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        STARTED.append(self.process)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"held\n"

    def log(self, *rows: dict[str, Any]) -> None:
        with self.run.log.open("a") as log:
            log.writelines(json.dumps(row) + "\n" for row in rows)

    def end(self, *rows: dict[str, Any]) -> None:
        """Write the last rows and leave."""
        self.log(*rows)
        self.process.communicate(timeout=GUARD)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=GUARD)


def note(kind: str, message: str) -> dict[str, Any]:
    return {"kind": "note", "note": kind, "message": message, "step": 4}


WHERE = re.compile(rb"\x1b\[\d+;1H")  # the beginning of a line
STOPPED = note("stopped", "stopped at step 4; nothing is lost")


@pytest.fixture
def rows(trained: Trained) -> list[dict[str, Any]]:
    """What a trainer wrote, from its start to its last row."""
    return rows_in(trained.run.log)


@pytest.fixture
def first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the first four steps."""
    return rows[: [row.get("step") for row in rows].index(5)]


@pytest.fixture
def trainer(copied: Trained, first: list[dict[str, Any]]) -> Trainer:
    """A trainer that has made four steps."""
    return Trainer(copied.run, first)


class Seen:
    """A terminal of some size on which a command runs, and what can be seen on it."""

    def __init__(self, home: Path, *argv: str, columns: int = 100, rows: int = 30) -> None:
        size = (rows, columns)
        self.child = pexpect.spawn(
            COMMAND[0], [*COMMAND[1:], *argv], env=environment(home), dimensions=size, timeout=GUARD
        )
        self.raw = b""
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, words: str) -> str:
        """Wait until the words can be seen."""
        until(lambda: self.read() or words in self.text, f"{words!r} on\n{self.text}")
        return self.text

    def read(self) -> None:
        try:
            got = self.child.read_nonblocking(1 << 16, timeout=0.01)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.raw += got
        self.stream.feed(got)

    def end(self) -> int:
        """Read to the end, and give the exit code."""
        rest = self.child.read()
        self.raw += rest
        self.stream.feed(rest)
        return code_of(self.child)


@pytest.fixture(autouse=True)
def no_screen_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A terminal that a failed test left open must not keep its command waiting."""
    opened: list[Seen] = []
    begin = Seen.__init__

    def remembered(self: Seen, *args: Any, **more: Any) -> None:
        begin(self, *args, **more)
        opened.append(self)

    monkeypatch.setattr(Seen, "__init__", remembered)
    yield
    for seen in opened:
        seen.child.close(force=True)


# -- from its start to its end


def test_two_watchers_see_a_real_training_to_its_end_and_leave_no_trace(home: Path, text: Path) -> None:
    """One gets every row as `train --json` would have given it, the other words."""
    assert seqplay(home, "train", text, "--steps", "100000000", *OPTIONS, "--detach").code == 0
    stepping(home)
    note = process.read_note(run_in(home))
    assert note is not None
    watchers = [started(home, "watch", "--json"), started(home, "watch", "harb")]
    assert json.loads(first_line(watchers[0].stdout))["kind"] == "start"
    until(lambda: (last_row(run_in(home).log, ("evaluation",)) or {}).get("step"), "a score")
    assert seqplay(home, "stop").code == 0
    told, said = map(ended, watchers)
    logged = [{**row, "run": str(run_in(home).path)} if "run" in row else row for row in rows_in(run_in(home).log)]
    assert told.rows == logged[1:]
    assert (told.code, said.code) == (0, 0)
    assert said.out == b""
    assert said.lines[0].startswith("harbour: lstm 1×8, ")
    assert "train loss" in said.lines[1]
    for result in (told, said):
        assert "Nothing is lost: seqplay resume harbour" in result.lines[-1]
    until(lambda: not process.is_alive(note), "the end of the trainer")


def test_a_run_that_is_being_prepared_is_waited_for(copied: Trained) -> None:
    """Its recipe is there, and nothing else."""
    run = named(copied, "new")
    run.path.mkdir()
    recipe = json.loads(copied.run.recipe.read_text())
    run.recipe.write_text(json.dumps({**recipe, "created": time.time()}))
    seen = Seen(copied.home, "watch")
    seen.until("◌ new  reading the text, starting torch …")
    assert seqplay(copied.home, "resume", "new").code == 0
    assert seen.end() == 0
    assert "✓ new  lstm" in seen.text
    assert "Write with it: seqplay sample new" in seen.text


def test_a_run_that_never_became_one_is_told_to_its_watcher(home: Path) -> None:
    """Its trainer says why, and its command takes it away."""
    command = started(home, "train", "hello", "--set", "hiddn=8", "--name", "harbour")
    until(lambda: run_in(home).recipe.exists(), "the run's recipe")
    watching = seqplay(home, "watch", "harbour")
    assert ended(command).code == 2
    (line,) = watching.lines
    assert watching.code == 1
    assert "'hiddn'" in line or line == "seqplay: harbour was taken away before it trained."


# -- how it ends


def test_a_trainer_that_is_killed_while_it_is_watched_is_noticed(trainer: Trainer, copied: Trained) -> None:
    watching = [started(copied.home, "watch"), started(copied.home, "watch", "--json")]
    assert first_line(watching[0].stderr).startswith(b"harbour: lstm")
    trainer.kill()
    for command in watching:
        result = ended(command)
        assert result.code == 1
        died = "seqplay: harbour's process has died after step 4. Go on from its newest checkpoint: "
        assert result.lines[-1] == f"{died}seqplay resume harbour"


ENDS: list[tuple[dict[str, Any], int, str]] = [
    (STOPPED, 0, "harbour stopped at step 4. Nothing is lost: seqplay resume harbour"),
    ({**note("crashed", "the disk is full"), "exit_code": 74}, 1, "seqplay: the disk is full"),
]


@pytest.mark.parametrize(("row", "code", "words"), ENDS, ids=["stopped", "crashed"])
@pytest.mark.parametrize("is_live", [True, False], ids=["while it is watched", "before"])
def test_how_a_run_ends_is_said_in_one_line(
    row: dict[str, Any], code: int, words: str, is_live: bool, trainer: Trainer, copied: Trained
) -> None:
    if is_live:
        watching = started(copied.home, "watch")
        first_line(watching.stderr)
        trainer.end(row)
    else:
        trainer.end(row)
        watching = started(copied.home, "watch")
    result = ended(watching)
    assert (result.code, result.lines[-1]) == (code, words)
    assert result.err.decode().lower().count(row["message"][:7]) == 1


def test_a_pause_is_shown_and_what_follows_it(
    trainer: Trainer, copied: Trained, rows: list[dict[str, Any]], first: list[dict[str, Any]]
) -> None:
    seen = Seen(copied.home, "watch")
    seen.until("● harbour")
    trainer.log(note("paused", "paused at step 4"))
    assert "50%  paused" in seen.until("‖ harbour")
    assert "paused at step 4" in seen.text
    seen.until("ctrl-c leaves; the run stays paused")
    trainer.log(note("continued", "training goes on"), *rows[len(first) : -1])
    assert "100%" in seen.until("● harbour")
    seen.until("ctrl-c leaves; the training goes on")
    trainer.end(rows[-1])
    assert seen.end() == 0
    assert "✓ harbour" in seen.text


@pytest.mark.parametrize(("columns", "rows"), [(100, 30), (80, 24), (50, 12)])
def test_of_a_finished_run_the_last_picture_and_one_line_are_shown(columns: int, rows: int, trained: Trained) -> None:
    seen = Seen(trained.home, "watch", columns=columns, rows=rows)
    assert seen.end() == 0
    assert b"\x1b[?1049h" not in seen.raw  # there is nothing to wait for
    assert " done" in seen.text
    assert "nats a character on held-out text, 8 steps in" in " ".join(seen.text.split())
    assert ("nats per character" in seen.text) is (columns >= LEAST_PAGE[0])
    assert "Write with it" not in seen.text


def test_of_a_finished_run_json_prints_what_train_did(trained: Trained) -> None:
    result = seqplay(trained.home, "watch", "--json")
    assert (result.code, result.rows, len(result.lines)) == (0, trained.result.rows, 1)


# -- leaving


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_the_run_going_on(number: signal.Signals, code: int, trainer: Trainer, copied: Trained) -> None:
    watching = started(copied.home, "watch")
    first_line(watching.stderr)
    watching.send_signal(number)
    result = ended(watching)
    assert (result.code, result.lines[-1]) == (code, "harbour goes on. End it: seqplay stop harbour")
    assert trainer.process.poll() is None
    assert not copied.run.control.exists()


def test_of_a_paused_run_whoever_leaves_is_told_that_it_stays_paused(trainer: Trainer, copied: Trained) -> None:
    trainer.log(note("paused", "paused at step 4"))
    watching = started(copied.home, "watch")
    until(lambda: first_line(watching.stderr) == b"paused at step 4\n", "the pause")
    watching.send_signal(signal.SIGINT)
    result = ended(watching)
    words = "harbour stays paused. Go on with: seqplay resume harbour   End it: seqplay stop harbour"
    assert (result.code, result.lines[-1]) == (130, words)


def test_ctrl_c_on_a_terminal_gives_it_back_as_it_was(trainer: Trainer, copied: Trained) -> None:
    seen = Seen(copied.home, "watch")
    before = termios.tcgetattr(seen.child.child_fd)
    seen.until("ctrl-c leaves")
    assert not termios.tcgetattr(seen.child.child_fd)[3] & termios.ECHO  # what is typed is not painted over the chart
    seen.child.sendintr()
    until(lambda: seen.read() or b"goes on. End it: seqplay stop harbour" in seen.raw, "the last words")
    assert termios.tcgetattr(seen.child.child_fd) == before
    assert seen.end() == 130
    left = seen.raw.index(b"\x1b[?1049l")
    assert seen.raw.index(b"\x1b[?1049h") < left < seen.raw.index(b"harbour goes on")
    assert seen.raw.rindex(b"\x1b[?25h") > seen.raw.rindex(b"\x1b[?25l")
    assert b"nats per character" in seen.raw[left:]  # the last picture stays
    assert trainer.process.poll() is None


def test_ctrl_z_gives_the_terminal_back_until_the_watching_goes_on(trainer: Trainer, copied: Trained) -> None:
    seen = Seen(copied.home, "watch")
    before = termios.tcgetattr(seen.child.child_fd)
    seen.until("ctrl-c leaves")
    seen.child.send("\x1a")
    until(lambda: seen.read() or b"\x1b[?1049l" in seen.raw, "the end of the page")
    until(lambda: os.waitid(os.P_PID, seen.child.pid, os.WSTOPPED | os.WNOHANG), "the stop of the command")
    assert termios.tcgetattr(seen.child.child_fd) == before
    seen.raw = b""
    os.kill(seen.child.pid, signal.SIGCONT)
    until(lambda: seen.read() or b"\x1b[?1049h" in seen.raw, "the page")
    seen.until("ctrl-c leaves")
    seen.child.sendintr()
    assert seen.end() == 130


def test_a_reader_that_has_enough_is_told_that_the_run_goes_on(trainer: Trainer, copied: Trained) -> None:
    watching = started(copied.home, "watch", "--json")
    first_line(watching.stdout)
    assert watching.stdout is not None
    watching.stdout.close()
    watching.stdout = None
    trainer.log({"kind": "step", "step": 5, "train_loss": 1.0, "seconds": 1.0, "tokens": 9})
    result = ended(watching)
    assert (result.code, result.lines) == (0, ["harbour goes on. End it: seqplay stop harbour"])


def test_watching_writes_nothing(trainer: Trainer, copied: Trained) -> None:
    def state() -> dict[str, tuple[int, int]]:
        found = {path: path.stat() for path in sorted(copied.home.rglob("*"))}
        return {str(path): (status.st_mtime_ns, status.st_size) for path, status in found.items()}

    before = state()
    seen = Seen(copied.home, "watch")
    seen.until("nats per character")
    seen.child.sendintr()
    assert seen.end() == 130
    assert seqplay(copied.home, "watch", "nobody").code == 2
    assert state() == before


# -- the page


def test_the_page_has_the_chart_the_numbers_and_the_newest_sample(trainer: Trainer, copied: Trained) -> None:
    seen = Seen(copied.home, "watch", columns=120, rows=36)
    shown = seen.until("ctrl-c leaves; the training goes on")
    for words in [
        "● harbour  lstm 1×8, ",
        " 50%",
        "loss, nats per character",
        "held out ~",
        "bits/char",
        "writes, step ",
    ]:
        assert words in shown
    assert "┤" in shown


def test_a_page_follows_its_terminals_size(trainer: Trainer, copied: Trained) -> None:
    seen = Seen(copied.home, "watch", columns=120, rows=36)
    seen.until("nats per character")
    seen.resize(50, 12)
    until(lambda: seen.read() or ("writes " in seen.text and "nats per" not in seen.text), "the small picture")
    for number in range(300):
        seen.child.setwinsize(1 + number % 60, 1 + 7 * number % 250)
        seen.read()
    for columns, rows in [(1, 1), (300, 100), (20, 5), (80, 24)]:
        seen.resize(columns, rows)
    until(lambda: seen.read() or seen.text.endswith("ctrl-c leaves; the training goes on"), "the foot of the page")
    seen.until("loss, nats per character")
    trainer.end(STOPPED)
    assert seen.end() == 0


def test_only_lines_that_changed_are_sent_and_not_too_often(
    rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sent = StringIO()
    console = Console(file=sent, force_terminal=True, width=80, height=24, soft_wrap=True, markup=False)
    monkeypatch.setattr(output, "console", lambda stderr: console)
    page, progress = Page(lambda _: "leave"), Progress("harbour")

    def sends(row: dict[str, Any], seconds: float) -> int:
        """How many lines a row and the time until it send."""
        now[0] += seconds
        sent.seek(0)
        sent.truncate()
        progress.add(row)
        page.show([row], progress)
        return sent.getvalue().count(";1H")

    assert sends(rows[0], 0.0) == 24
    step = next(row for row in rows if row["kind"] == "step")
    assert sends(step, REPAINT_SECONDS / 2) == 0
    assert 0 < sends(step, REPAINT_SECONDS) < 24
    assert sends({"kind": "new"}, REPAINT_SECONDS) == 0
    console.size = (60, 20)  # type: ignore[assignment]
    assert sends({"kind": "new"}, 0.0) == 20


def test_a_terminal_obeys_nothing_that_a_watched_run_says(copied: Trained, rows: list[dict[str, Any]]) -> None:
    start = {**rows[0], "cell": ALL, "why": ALL, "unit": ALL[:300]}
    trainer = Trainer(copied.run, [start, *rows[1:4]])
    copied.run.figures.write_text(
        json.dumps({"kind": "figure", "figure": "text", "text": ALL, "prompt": ALL, "step": 1}) + "\n"
    )
    seen = Seen(copied.home, "watch")
    seen.until("ctrl-c leaves")
    trainer.log(note("notice", f"first {ALL}"))
    seen.until("first")
    seen.resize(50, 12)
    trainer.log(note("paused", f"second {ALL}"))
    seen.until("second")
    trainer.end(note("crashed", ALL))
    assert seen.end() == 1
    own = seen.raw.replace(b"\x1b[?1049h\x1b[H", b"").replace(b"\x1b[?1049l", b"").replace(b"\x1b[K", b"")
    assert obeyed(WHERE.sub(b"", own)) == []


# -- which run


def test_without_a_name_the_newest_that_trains_is_watched(copied: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQPLAY_HOME", str(copied.home))
    older(copied, "older", "oldest")
    assert watch.newest().name == "harbour"
    with WriterLock(named(copied, "oldest")):
        assert watch.newest().name == "oldest"
        with WriterLock(named(copied, "older")):
            assert watch.newest().name == "older"


def test_without_a_name_the_newest_that_can_go_on_is_resumed(copied: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQPLAY_HOME", str(copied.home))
    older(copied, "older", "oldest")
    assert resume.newest().name == "harbour"  # which is finished, and so resume says
    for name in ("oldest", "older"):
        as_if_killed(named(copied, name))
        assert resume.newest().name == name
    monkeypatch.setattr(resume, "follow", lambda run, *_: Ended(run, 0, Progress(run.name)))
    assert "older stopped" in CliRunner().invoke(resume.command).stderr


@pytest.mark.parametrize("kind", ["paused", "stopped"])
def test_a_run_that_is_paused_or_stopped_goes_before_a_newer_finished_one(
    kind: str, copied: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQPLAY_HOME", str(copied.home))
    older(copied, "older")
    as_if_killed(named(copied, "older"))
    with named(copied, "older").log.open("a") as log:
        log.write(json.dumps(note(kind, kind)) + "\n")
    assert resume.newest().name == "older"


def test_where_there_are_no_runs_both_say_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQPLAY_HOME", str(home))
    for newest in (watch.newest, resume.newest):
        with pytest.raises(UsageError, match="There are no runs yet"):
            newest()


def named(copied: Trained, name: str) -> RunFiles:
    return RunFiles(copied.home / "runs" / name)


def older(copied: Trained, *names: str) -> None:
    """Copies of the trained run, each a day older than the one before."""
    for day, name in enumerate(names, start=1):
        shutil.copytree(copied.run.path, named(copied, name).path)
        recipe = json.loads(copied.run.recipe.read_text())
        named(copied, name).recipe.write_text(json.dumps({**recipe, "created": recipe["created"] - 86_400 * day}))
