"""One writer for a run (D8)."""

import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from seqplay.errors import BusyError, WriteError
from seqplay.runs import process
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock


def in_a_child(act: Callable[[], int]) -> int:
    child = os.fork()
    if child == 0:
        try:
            os._exit(act())
        except BusyError as error:
            os._exit(error.exit_code)
        finally:
            os._exit(99)
    return child


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def start_holder(run: RunFiles) -> int:
    """A process that holds the run's lock until it is killed."""
    ready, tell = os.pipe()

    def hold() -> int:
        with WriterLock(run):
            os.write(tell, b"x")
            while True:
                signal.pause()

    child = in_a_child(hold)
    os.close(tell)
    assert os.read(ready, 1) == b"x"
    os.close(ready)
    return child


def test_the_second_writer_is_told_who_the_first_is_and_how_to_stop_it(run: RunFiles) -> None:
    holder = start_holder(run)
    try:
        with pytest.raises(BusyError) as raised, WriterLock(run):
            pass
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
    who = f"process {holder} on {socket.gethostname()} since 2"
    assert str(raised.value).startswith(f"Run 'novel' is being written by {who}")
    assert str(raised.value).endswith("stop it with: seqplay stop novel")
    assert raised.value.exit_code == 75


def test_a_killed_holder_frees_the_lock(run: RunFiles) -> None:
    for _ in range(5):
        holder = start_holder(run)
        os.kill(holder, signal.SIGKILL)
        assert exit_code(holder) == -signal.SIGKILL
        note = process.read_note(run)
        assert note is not None
        assert note.pid == holder
        assert process.is_alive(note) is False
        with WriterLock(run):
            note = process.read_note(run)
            assert note is not None
            assert note.pid == os.getpid()


def test_of_two_that_start_at_once_exactly_one_writes(run: RunFiles) -> None:
    for _ in range(50):
        (start, open_start), (end, open_end), (answers, tell) = os.pipe(), os.pipe(), os.pipe()
        pipes = (start, open_start, end, open_end, answers, tell)

        def try_to_write(pipes: tuple[int, ...] = pipes) -> int:
            start, open_start, end, open_end, _, tell = pipes
            os.close(open_start)
            os.close(open_end)
            os.read(start, 1)  # until the parent closes its end
            try:
                with WriterLock(run):
                    os.write(tell, b"w")
                    os.read(end, 1)
            except BusyError:
                os.write(tell, b"b")
                raise
            return 0

        children = [in_a_child(try_to_write), in_a_child(try_to_write)]
        os.close(open_start)
        os.close(tell)
        heard = os.read(answers, 1) + os.read(answers, 1)
        os.close(open_end)
        assert sorted(map(exit_code, children)) == [0, 75]
        assert sorted(heard) == sorted(b"wb")
        for descriptor in (start, end, answers):
            os.close(descriptor)


def test_the_lock_is_free_and_the_note_gone_after_the_end_also_after_an_error(run: RunFiles) -> None:
    with pytest.raises(FileExistsError), WriterLock(run):
        run.process.open("x")  # raises, because the note is there
    assert not run.process.exists()
    with WriterLock(run):
        pass


def test_a_second_lock_in_the_same_process_is_busy_too(run: RunFiles) -> None:
    with WriterLock(run), pytest.raises(BusyError), WriterLock(run):
        pass


def test_the_lock_file_is_for_its_user_alone(run: RunFiles) -> None:
    before = os.umask(0)
    try:
        with WriterLock(run):
            assert stat.S_IMODE(run.lock.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_what_a_killed_writer_left_is_swept_and_a_users_file_is_not(run: RunFiles) -> None:
    (run.path / f".plan.json.{'0' * 16}.tmp").write_bytes(b"half")
    (run.path / ".notes.tmp").write_bytes(b"mine")
    with WriterLock(run):
        pass
    assert sorted(os.listdir(run.path)) == [".notes.tmp", "lock"]


def test_a_symlinked_lock_is_refused_and_its_target_untouched(run: RunFiles, tmp_path: Path) -> None:
    for target in (tmp_path / "mine", tmp_path / "absent"):
        (tmp_path / "mine").write_bytes(b"mine")
        run.lock.unlink(missing_ok=True)
        run.lock.symlink_to(target)
        with pytest.raises(WriteError, match="never writes through one"), WriterLock(run):
            pass
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert not (tmp_path / "absent").exists()
