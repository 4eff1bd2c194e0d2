"""A signal goes only to the very process that was noted, never to another one with its pid (D13)."""

import dataclasses
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqplay.runs import process
from seqplay.runs.layout import RunFiles
from seqplay.runs.process import ProcessNote, is_alive, note_this_process, read_note, send_signal

CAT = shutil.which("cat") or "/bin/cat"


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """An unrelated process that waits for its standard input to end."""
    with subprocess.Popen([CAT], stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


def note_of(pid: int) -> ProcessNote:
    return dataclasses.replace(process.this_process(), pid=pid, started=process._start_of(pid) or "")


def test_the_note_of_this_process_reads_back_and_is_alive(run: RunFiles) -> None:
    note = note_this_process(run)
    assert note.pid == os.getpid()
    assert read_note(run) == note
    assert is_alive(note) is True
    assert stat.S_IMODE(run.process.stat().st_mode) == 0o600


def test_a_process_with_the_pid_and_another_start_is_dead_and_gets_no_signal(
    bystander: subprocess.Popen[bytes],
) -> None:
    stale = dataclasses.replace(note_of(bystander.pid), started="1")
    assert is_alive(stale) is False
    assert send_signal(stale, signal.SIGKILL) is False
    assert bystander.poll() is None
    bystander.communicate()
    assert bystander.returncode == 0


def test_a_naive_check_of_the_pid_alone_would_have_killed_the_bystander(bystander: subprocess.Popen[bytes]) -> None:
    os.kill(bystander.pid, 0)
    os.kill(bystander.pid, signal.SIGKILL)
    assert bystander.wait() == -signal.SIGKILL


def test_the_noted_process_gets_the_signal(bystander: subprocess.Popen[bytes]) -> None:
    note = note_of(bystander.pid)
    assert is_alive(note) is True
    assert send_signal(note, signal.SIGTERM) is True
    assert bystander.wait() == -signal.SIGTERM
    assert is_alive(note) is False
    assert send_signal(note, signal.SIGTERM) is False


def test_without_pidfd_the_signal_arrives_too(
    bystander: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert send_signal(note_of(bystander.pid), signal.SIGTERM) is True
    assert bystander.wait() == -signal.SIGTERM


def test_a_pid_that_passes_on_while_its_handle_is_opened_gets_no_signal(
    bystander: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(os, "pidfd_open"):
        pytest.skip("pidfd_open is not here")
    answers = [True, False]
    monkeypatch.setattr(process, "is_alive", lambda _: answers.pop(0))
    assert send_signal(note_of(bystander.pid), signal.SIGKILL) is False
    assert answers == []
    assert bystander.poll() is None


def test_a_zombie_is_dead() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    try:
        assert process._start_of(child) is None
    finally:
        os.waitpid(child, 0)


def test_nobody_here_can_know_of_another_host_and_no_signal_goes_out(bystander: subprocess.Popen[bytes]) -> None:
    elsewhere = dataclasses.replace(note_of(bystander.pid), host="elsewhere.example")
    assert is_alive(elsewhere) is None
    assert send_signal(elsewhere, signal.SIGKILL) is False
    assert bystander.poll() is None


def test_a_note_from_before_the_machine_started_again_is_dead() -> None:
    assert is_alive(dataclasses.replace(process.this_process(), boot="another")) is False
    assert is_alive(dataclasses.replace(process.this_process(), started="")) is False


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is not here")
def test_a_program_name_with_brackets_and_spaces_does_not_confuse_the_start_time(tmp_path: Path) -> None:
    program = tmp_path / "a) Z 1 2 ("
    shutil.copy(CAT, program)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as child:
        assert process._start_of(child.pid) == process._start_by_proc(child.pid) is not None
        assert is_alive(note_of(child.pid)) is True


def test_ps_tells_a_start_time_where_there_is_no_proc(bystander: subprocess.Popen[bytes]) -> None:
    if not shutil.which("ps"):
        pytest.skip("ps is not here")
    started = process._start_by_ps(bystander.pid)
    assert started
    assert process._start_by_ps(bystander.pid) == started
    bystander.communicate()
    assert process._start_by_ps(bystander.pid) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"pid": 0},
        {"pid": -1},
        {"pid": 2**31},
        {"pid": True},
        {"pid": "1"},
        {"host": None},
        {"started": 5},
        {"boot": []},
    ],
)
def test_a_damaged_note_names_nobody(damage: dict[str, object], run: RunFiles) -> None:
    good = dataclasses.asdict(note_this_process(run))
    run.process.write_text(json.dumps({**good, **damage}))
    assert read_note(run) is None


def test_a_missing_or_unreadable_note_names_nobody(run: RunFiles, tmp_path: Path) -> None:
    assert read_note(run) is None
    for data in (b"", b"[]", b"\0" * 99, b"{" * 10):
        run.process.write_bytes(data)
        assert read_note(run) is None


def test_a_symlinked_note_is_replaced_and_its_target_untouched(run: RunFiles, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    run.process.symlink_to(tmp_path / "mine")
    assert read_note(run) is None
    note = note_this_process(run)
    assert read_note(run) == note
    assert (tmp_path / "mine").read_bytes() == b"mine"
