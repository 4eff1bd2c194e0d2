"""A disk that is full or failing is one clear line, and nothing that was good is lost (D6)."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from full_disk import largest_file

from seqplay import files
from seqplay.errors import WriteError
from seqplay.runs import commit, control
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import read_all
from seqplay.runs.writer import LogWriter

ROWS = [{"kind": "step", "step": step, "text": "가나다" * 20} for step in range(100)]


@contextmanager
def on_a_full_disk(log: LogWriter) -> Iterator[None]:
    spare = os.dup(log._descriptor)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._descriptor)
    try:
        yield
    finally:
        os.dup2(spare, log._descriptor)
        os.close(spare)
        os.close(full)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is not here")
def test_a_full_disk_is_one_line_and_no_row_is_lost_when_there_is_room_again(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "log.jsonl") as log:
        log.append(ROWS[0])
        log.flush()
        with on_a_full_disk(log):
            log.append(ROWS[1])
            for _ in range(2):
                with pytest.raises(WriteError, match=r"log\.jsonl: No space left on device\. Make room") as raised:
                    log.flush()
        assert raised.value.exit_code == 74
        assert "\n" not in str(raised.value)
        log.append(ROWS[2])
        log.sync()
    assert read_all(tmp_path / "log.jsonl") == ROWS[:3]


def test_a_line_that_only_half_fitted_is_completed_when_there_is_room_again(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "log.jsonl") as log:
        for row in ROWS:
            log.append(row)
        with largest_file(1001), pytest.raises(WriteError, match=r"File too large\. .*ulimit -f"):
            log.flush()
        assert (tmp_path / "log.jsonl").stat().st_size == 1001
        assert read_all(tmp_path / "log.jsonl") == ROWS[:4]
    assert read_all(tmp_path / "log.jsonl") == ROWS


@pytest.mark.parametrize("size", [0, 1, 100, 250, 1000, 1100])
def test_a_checkpoint_that_does_not_fit_leaves_the_earlier_one_and_no_litter(size: int, tmp_path: Path) -> None:
    commit.commit(tmp_path / "checkpoints", 1, {"weights": b"good"})
    with largest_file(size), pytest.raises(WriteError, match="checkpoints/2: File too large"):
        commit.commit(tmp_path / "checkpoints", 2, {"small": b"x" * 200, "weights": b"x" * 1001, "more": b"x" * 1200})
    assert os.listdir(tmp_path / "checkpoints") == ["1"]
    commit.verify(tmp_path / "checkpoints", 1)
    commit.commit(tmp_path / "checkpoints", 2, {"weights": b"x" * 1001})
    assert commit.steps(tmp_path / "checkpoints") == [1, 2]


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")
    with largest_file(3), pytest.raises(WriteError, match=r"plan\.json: File too large"):
        files.write_atomically(tmp_path / "plan.json", b"longer")
    assert os.listdir(tmp_path) == ["plan.json"]
    assert (tmp_path / "plan.json").read_bytes() == b"old"


def test_a_request_that_only_half_fitted_does_not_spoil_the_next(run: RunFiles) -> None:
    with largest_file(20), pytest.raises(WriteError, match=r"control\.jsonl"):
        control.ask(run, "stop")
    control.ask(run, "pause")
    assert [row["action"] for row in control.ControlReader(run.control).poll()] == ["pause"]


def test_a_failed_fsync_of_a_log_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    log = LogWriter(tmp_path / "log.jsonl")
    monkeypatch.setattr(os, "fsync", fsync)
    for attempt in (log.sync, log.sync, log.flush):
        log.append(ROWS[0])
        with pytest.raises(WriteError, match=r"Input/output error\. The disk may be failing"):
            attempt()
    log.close()
    assert len(calls) == 1


def test_a_failed_fsync_of_a_checkpoint_means_that_it_is_not_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    commit.commit(tmp_path / "checkpoints", 1, {"weights": b"good"})
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(WriteError, match="Input/output error"):
            commit.commit(tmp_path / "checkpoints", 2, {"weights": b"new"})
    assert os.listdir(tmp_path / "checkpoints") == ["1"]


def test_a_missing_directory_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match=r"gone/log\.jsonl: No such file or directory\. Check that the directory"):
        LogWriter(tmp_path / "gone" / "log.jsonl")
