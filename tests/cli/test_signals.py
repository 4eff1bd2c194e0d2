"""A signal costs nothing but time: the run commits, verifies and goes on to its end (promises D11, D12, D15)."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from seqplay.runs import commit, process
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import last_row

from .conftest import (
    COMMAND,
    GUARD,
    OPTIONS,
    Result,
    begun,
    ended,
    environment,
    on_pty,
    processes_of,
    rows_in,
    run_in,
    seqplay,
    started,
    started_anew,
    stepping,
    terminal,
    until,
)

STEPS = 800  # about a second
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture
def train(text: Path) -> tuple[str, ...]:
    """Training that takes about a second."""
    return ("train", str(text), "--steps", str(STEPS), *OPTIONS)


@pytest.fixture
def train_long(text: Path) -> tuple[str, ...]:
    """Training that does not end by itself."""
    return ("train", str(text), "--steps", "100000000", *OPTIONS)


def importing_torch(home: Path) -> None:
    """The trainer says who it is once it can take signals, and then imports torch."""
    until(lambda: run_in(home).process.exists(), "the trainer's note")


def being_made(home: Path) -> None:
    """The command starts its trainer within the next milliseconds."""
    until(lambda: run_in(home).output.exists(), "the trainer's output")


def assert_kept(run: RunFiles) -> None:
    """Nobody writes the run, and its newest checkpoint is at its last step and whole."""
    assert process.read_note(run) is None
    newest = commit.steps(run.checkpoints)[-1]
    commit.verify(run.checkpoints, newest)
    assert [row["step"] for row in rows_in(run.log) if row["kind"] == "step"] == list(range(1, newest + 1))


def assert_resumes_to_its_end(home: Path) -> Result:
    result = seqplay(home, "resume")
    assert result.code == 0, result.err.decode()
    rows = rows_in(run_in(home).log)
    assert (rows[-1]["kind"], rows[-1]["steps"]) == ("done", STEPS)
    assert [row["step"] for row in rows if row["kind"] == "step"] == list(range(1, STEPS + 1))
    return result


def test_every_signal_ends_training_after_a_commit_with_its_exit_code(home: Path, train: tuple[str, ...]) -> None:
    """The three interrupt one run, one after the other, and it still comes to its end with every step made once."""
    command = begun(home, *train)
    for at, (number, code) in enumerate(SIGNALS):
        if at:
            before = commit.steps(run_in(home).checkpoints)[-1]
            command = begun(home, "resume")
            until(lambda: (last_row(run_in(home).log, ("step",)) or {})["step"] > before, "a step more")  # noqa: B023
        else:
            stepping(home)
        command.send_signal(number)
        result = command.ended()
        assert result.code == code
        assert "Nothing is lost: seqplay resume harbour" in result.lines[-1]
        assert_kept(run_in(home))
    assert_resumes_to_its_end(home)


MOMENTS = {
    "before the trainer can take it": being_made,
    "in import": importing_torch,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_before_the_first_step_has_its_exit_code_and_the_run_can_be_resumed(
    moment: str, home: Path, train: tuple[str, ...]
) -> None:
    homes = [home / str(code) for _, code in SIGNALS]  # the three at once: a trainer takes long to start
    commands = [started(place, *train) for place in homes]
    for place, command, (number, _) in zip(homes, commands, SIGNALS, strict=True):
        MOMENTS[moment](place)
        command.send_signal(number)
    for place, command, (_, code) in zip(homes, commands, SIGNALS, strict=True):
        result = ended(command)
        assert result.code == code
        (line,) = result.lines[-1:]
        assert "Nothing is lost: seqplay resume harbour" in line
        assert run_in(place).recipe.exists()
        assert not processes_of(run_in(place))
        for step in commit.steps(run_in(place).checkpoints):
            commit.verify(run_in(place).checkpoints, step)
    assert_resumes_to_its_end(homes[list(MOMENTS).index(moment)])


def test_a_signal_at_once_ends_a_command_before_it_starts_a_trainer(home: Path, train_long: tuple[str, ...]) -> None:
    commands = [started(home, *train_long) for _ in SIGNALS]
    for command, (number, _) in zip(commands, SIGNALS, strict=True):
        command.send_signal(number)
    for command, (number, code) in zip(commands, SIGNALS, strict=True):
        # Python that is still starting itself answers Ctrl-C with 1.
        assert ended(command).code in ({code, 1} if number == signal.SIGINT else {code})
    assert not run_in(home).output.exists()


def test_ctrl_c_on_a_terminal_commits_and_gives_the_cursor_back(home: Path, train_long: tuple[str, ...]) -> None:
    def typing(terminal: int) -> None:
        stepping(home)
        os.write(terminal, b"\x03")

    code, raw = on_pty(home, *train_long, typing=typing)
    assert code == 130
    assert b"Nothing is lost: seqplay resume harbour" in raw
    assert raw.lower().count(b"nothing is lost") == 1
    assert raw.rindex(b"\x1b[?25h") > raw.rindex(b"\x1b[?25l")
    assert_kept(run_in(home))


def test_a_lost_terminal_ends_training_after_a_commit(home: Path, train_long: tuple[str, ...]) -> None:
    child = terminal(home, *train_long)
    stepping(home)
    os.close(child.child_fd)
    child.ptyproc.fd = child.child_fd = -1
    until(lambda: not child.isalive(), "the end of the command")
    assert child.exitstatus == 129
    assert_kept(run_in(home))


def test_nohup_keeps_a_hang_up_from_ending_training(home: Path, train: tuple[str, ...]) -> None:
    command = subprocess.Popen(
        ["nohup", *COMMAND, *train],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home),
    )
    stepping(home)
    command.send_signal(signal.SIGHUP)
    result = ended(command)
    assert result.code == 0, result.err.decode()
    assert rows_in(run_in(home).log)[-1]["kind"] == "done"


def test_whoever_reads_no_further_is_told_that_training_goes_on(home: Path, train_long: tuple[str, ...]) -> None:
    command = begun(home, *train_long, "--json")
    assert os.read(command.out, 1)
    os.close(command.out)
    code = command.child.wait(GUARD)
    with open(command.err) as err:
        assert (code, err.read()) == (0, "harbour goes on. End it: seqplay stop harbour\n")
    assert process.read_note(run_in(home))


def test_training_goes_on_when_its_command_is_killed_until_stop(home: Path, train_long: tuple[str, ...]) -> None:
    command = begun(home, *train_long)
    stepping(home)
    note = process.read_note(run_in(home))
    assert note is not None
    command.send_signal(signal.SIGKILL)
    assert command.ended().code == 137
    seen = (last_row(run_in(home).log, ("step",)) or {})["step"]
    until(lambda: (last_row(run_in(home).log, ("step",)) or {})["step"] > seen + 10, "more steps")
    (row,) = seqplay(home, "runs", "--json").rows
    assert row["state"] == "running"

    result = seqplay(home, "stop", "harbour")
    assert result.code == 0
    assert "Go on with: seqplay resume harbour" in result.lines[-1]
    until(lambda: not process.is_alive(note), "the end of the trainer")
    assert_kept(run_in(home))


def test_a_detached_run_is_listed_paused_resumed_and_stopped(home: Path, train_long: tuple[str, ...]) -> None:
    begun = started_anew(home, *train_long, "--detach")
    assert (begun.code, begun.out) == (0, b"harbour\n")
    stepping(home)

    paused = seqplay(home, "pause")
    assert paused.code == 0
    assert "paused at step" in paused.lines[0]
    (row,) = seqplay(home, "runs", "--json").rows
    assert row["state"] == "paused"
    at = (last_row(run_in(home).log, ("step",)) or {})["step"]

    resumed = seqplay(home, "resume")
    assert (resumed.code, resumed.lines) == (0, ["harbour goes on. See it: seqplay watch harbour"])
    until(lambda: (last_row(run_in(home).log, ("step",)) or {})["step"] > at, "a step more")

    again = seqplay(home, "resume")
    assert again.code == 75
    stopped = seqplay(home, "stop")
    assert stopped.code == 0
    until(lambda: not processes_of(run_in(home)), "the end of the trainer")
    (row,) = seqplay(home, "runs", "--json").rows
    assert row["state"] == "stopped"
    assert seqplay(home, "stop").code == 2
    assert_kept(run_in(home))


def test_a_trainer_that_is_killed_is_told_in_one_line_and_resume_finishes_it(
    home: Path, train: tuple[str, ...]
) -> None:
    command = begun(home, *train)
    stepping(home)
    note = process.read_note(run_in(home))
    assert note is not None
    os.kill(note.pid, signal.SIGKILL)
    result = command.ended()
    assert result.code == 137
    assert "harbour's process was ended by SIGKILL" in result.lines[-1]
    assert "seqplay resume harbour" in result.lines[-1]
    (row,) = seqplay(home, "runs", "--json").rows
    assert row["state"] == "crashed"
    assert_resumes_to_its_end(home)


def test_a_second_signal_ends_training_at_once_and_the_run_is_whole(home: Path, train_long: tuple[str, ...]) -> None:
    command = subprocess.Popen(
        [*COMMAND, *train_long], stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(home)
    )
    importing_torch(home)
    command.send_signal(signal.SIGINT)
    command.send_signal(signal.SIGTERM)
    command.communicate(timeout=GUARD)
    assert command.returncode in (130, 143)  # 130 where the system handed on both at once and the first came first
    assert run_in(home).recipe.exists()
    assert not processes_of(run_in(home))
