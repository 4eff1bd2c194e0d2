"""Logs: each line is complete or ignored (D9), and a reader survives whatever a writer does (D10)."""

import itertools
import json
import os
import random
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.errors import RunError, WriteError
from seqplay.runs import reader
from seqplay.runs.reader import LogReader, last_row, read_all, rows_from_end
from seqplay.runs.rows import to_line
from seqplay.runs.writer import Cut, LogWriter, cut

ROWS: list[dict[str, Any]] = [
    {"kind": "start", "source": "소설.txt"},
    {"kind": "step", "step": 0, "train_loss": 4.5},
    {"kind": "step", "step": 1, "train_loss": 4.25},
    {"kind": "change", "step": 2, "name": "learning_rate", "value": 0.1, "before": 0.2, "control": 91},
    {"kind": "step", "step": 2, "train_loss": 4.0},
    {"kind": "note", "step": 2, "note": "stopped", "message": "그만두었습니다"},
    {"kind": "evaluation", "step": 2, "held_out_estimate": 4.5, "text": "나는 학교에"},
    {"kind": "step", "step": 3, "train_loss": None, "text": "갔다 🎈"},
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(map(to_line, rows))


def test_rows_are_on_the_disk_after_a_flush_and_not_before(log: Path) -> None:
    writer = LogWriter(log)
    for row in ROWS:
        writer.append(row)
    assert log.read_bytes() == b""
    writer.flush()
    assert log.read_bytes() == lines(ROWS)
    writer.append(ROWS[0])
    writer.close()
    writer.close()
    assert read_all(log) == [*ROWS, ROWS[0]]


def test_a_flush_is_one_write(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: writes.append(len(data)) or real(descriptor, data))
    with LogWriter(log) as writer:
        for row in ROWS:
            writer.append(row)
        writer.flush()
        writer.flush()
    assert writes == [len(lines(ROWS))]


def test_short_writes_are_continued(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data[:7])))
    with LogWriter(log) as writer:
        for row in ROWS:
            writer.append(row)
    assert read_all(log) == ROWS


def test_a_log_is_for_its_user_alone_and_not_written_through_a_symlink(log: Path, tmp_path: Path) -> None:
    LogWriter(log).close()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    (tmp_path / "link.jsonl").symlink_to(log)
    with pytest.raises(WriteError, match="never writes through one"):
        LogWriter(tmp_path / "link.jsonl")


def test_a_log_cut_at_any_byte_keeps_its_whole_lines(log: Path) -> None:
    data = lines(ROWS)
    for size in range(len(lines(ROWS[:-3])), len(data) + 1):
        whole = ROWS[: data[:size].count(b"\n")]
        log.write_bytes(data[:size])
        assert read_all(log) == whole
        assert last_row(log) == whole[-1]
        with LogWriter(log) as writer:
            writer.append({"kind": "note", "step": 9})
        ended = ROWS[: data[: size + 1].count(b"\n")]  # a line that lacks nothing but its newline gets it
        assert read_all(log) == [*ended, {"kind": "note", "step": 9}]
        log.write_bytes(data[:size])
        torn = 0 if size == 0 or data[size - 1 : size] == b"\n" else 1
        assert cut(log, 3) == Cut(whole, torn)
        assert log.read_bytes() == lines(whole)


@pytest.mark.parametrize(
    ("tail", "damaged"),
    [
        (b"", 0),
        (b"\0" * 4096, 1),
        (b'{"kind":"step","st' + b"\0" * 100, 1),
        (b"\0" * 9 + b"\n", 1),
        (b"[1]\n{}}\n\xff\n\n", 3),
        (b'{"kind":"step","step":4}', 1),
    ],
)
def test_a_tail_of_zeros_or_garbage_is_ignored_cut_and_counted(tail: bytes, damaged: int, log: Path) -> None:
    log.write_bytes(lines(ROWS) + tail)
    assert read_all(log) == ROWS
    assert last_row(log) == ROWS[-1]
    assert cut(log, 3) == Cut(ROWS, damaged)
    assert log.read_bytes() == lines(ROWS)


def test_rows_that_a_cut_takes_back_are_not_damaged(log: Path) -> None:
    later = [{"kind": "step", "step": 4}, {"kind": "done", "steps": 4}]
    log.write_bytes(lines(ROWS) + b"[1]\n" + lines(later) + b'{"torn')
    assert cut(log, 3) == Cut(ROWS, 2)


@pytest.mark.parametrize("value", ["null", "true", '"3"', "[3]", '{"a":3}', "-1", "0.5", "1" * 400])
@pytest.mark.parametrize("name", ["step", "name", "value", "before", "kind"])
def test_a_change_with_a_value_of_the_wrong_type_does_not_stop_a_cut(name: str, value: str, log: Path) -> None:
    change = {"kind": '"change"', "step": "2", "name": '"learning_rate"', "value": "0.1", "before": "0.2", name: value}
    line = "{" + ",".join(f'"{key}":{text}' for key, text in change.items()) + "}\n"
    log.write_bytes(lines(ROWS) + line.encode())
    left = cut(log, 3)
    assert left.rows[: len(ROWS)] == ROWS
    assert len(left.rows) - len(ROWS) + left.damaged == 1
    assert cut(log, 3) == Cut(left.rows, 0)


def test_a_cut_keeps_every_change_and_drops_later_rows_and_done(log: Path) -> None:
    done = {"kind": "done", "steps": 4}
    log.write_bytes(lines([*ROWS, done]))
    assert cut(log, 1) == Cut([*ROWS[:3], ROWS[3]], 0)
    log.write_bytes(lines([*ROWS, done]))
    assert cut(log, 99) == Cut(ROWS, 0)
    assert read_all(log) == ROWS


def test_a_cut_keeps_unknown_fields_byte_for_byte(log: Path) -> None:
    line = b'{ "step" : 1, "later" : {"x": 1.0e0}, "h": "\\uac00" }\n'
    log.write_bytes(line + b'{"step": 2}\n')
    cut(log, 1)
    assert log.read_bytes() == line


def test_a_cut_that_changes_nothing_leaves_the_file_and_one_of_a_missing_file_makes_none(log: Path) -> None:
    assert cut(log, 5) == Cut([], 0)
    assert not log.exists()
    log.write_bytes(lines(ROWS))
    before = log.stat().st_ino
    assert cut(log, 5) == Cut(ROWS, 0)
    assert log.stat().st_ino == before


def test_a_cut_does_not_follow_a_symlink(log: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    log.symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match="symlink"):
        cut(log, 1)
    assert (tmp_path / "mine").read_bytes() == b"mine"


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.dictionaries(st.text(max_size=4), st.text(max_size=9) | st.floats() | st.none(), max_size=3), max_size=6
    ),
    st.integers(0, 400),
)
def test_any_rows_read_back_as_they_were_written(tmp_path_factory: Any, rows: list[dict[str, Any]], size: int) -> None:
    log = tmp_path_factory.mktemp("log") / "log.jsonl"
    rows = [{**row, "kind": "step", "step": 1} for row in rows]
    data = lines(rows)
    log.write_bytes(data[:size])
    expected = [json.loads(line) for line in data[:size].split(b"\n")[:-1]]
    assert read_all(log) == expected == cut(log, 1).rows
    assert list(rows_from_end(log)) == expected[::-1]


def test_half_a_line_is_left_for_the_next_poll(log: Path) -> None:
    data = lines(ROWS)
    follower = LogReader(log)
    seen: list[dict[str, Any]] = []
    assert follower.poll().rows == []
    with log.open("ab", buffering=0) as file:
        for byte in data:
            file.write(bytes([byte]))
            poll = follower.poll()
            assert not poll.restarted
            seen += poll.rows
    assert seen == ROWS
    follower.close()


def test_a_reader_under_a_fast_writer_sees_every_row_once_and_in_order(log: Path) -> None:
    count = 15_000
    writer = os.fork()
    if writer == 0:
        generator = random.Random(1)
        data = lines([{"kind": "step", "step": step, "text": "빠른 글" * (step % 5)} for step in range(count)])
        descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        while data:
            size = generator.randint(1, 300)
            os.write(descriptor, data[:size])
            data = data[size:]
        os._exit(0)
    follower = LogReader(log)
    steps: list[int] = []
    polls = 0
    while len(steps) < count:
        poll = follower.poll()
        assert not poll.restarted
        assert all(row["text"] == "빠른 글" * (row["step"] % 5) for row in poll.rows)
        steps += [row["step"] for row in poll.rows]
        polls += 1
        if os.waitpid(writer, os.WNOHANG)[0]:
            steps += [row["step"] for row in follower.poll().rows]
            break
    assert steps == list(range(count))
    assert polls > 1
    follower.close()


def test_a_replaced_log_is_read_again_from_its_start(log: Path) -> None:
    log.write_bytes(lines(ROWS))
    follower = LogReader(log)
    assert follower.poll().rows == ROWS
    assert follower.poll() == reader.Poll()
    cut(log, 1)
    with LogWriter(log) as writer:
        for row in ROWS:  # longer than before: its size does not tell
            writer.append(row)
    poll = follower.poll()
    assert poll.restarted
    assert poll.rows == ROWS[:4] + ROWS
    follower.close()


def test_a_log_that_is_replaced_twice_is_noticed_although_inode_numbers_come_again(log: Path) -> None:
    log.write_bytes(lines(ROWS))
    follower = LogReader(log)
    follower.poll()
    for _ in range(20):
        for _ in range(2):
            new = log.with_name("new")
            new.write_bytes(lines(ROWS[:3] + ROWS))
            new.replace(log)
        poll = follower.poll()
        assert poll.restarted
        assert poll.rows == ROWS[:3] + ROWS
    follower.close()


def test_a_truncated_log_is_read_again_from_its_start(log: Path) -> None:
    log.write_bytes(lines(ROWS) + b'{"half')
    follower = LogReader(log)
    follower.poll()
    os.truncate(log, len(lines(ROWS[:2])))
    poll = follower.poll()
    assert poll.restarted
    assert poll.rows == ROWS[:2]
    follower.close()


def test_a_removed_log_is_a_restart_and_may_come_back(log: Path) -> None:
    log.write_bytes(lines(ROWS))
    follower = LogReader(log)
    follower.poll()
    log.unlink()
    assert follower.poll() == reader.Poll([], restarted=True)
    assert follower.poll() == reader.Poll()
    log.write_bytes(lines(ROWS[:1]))
    assert follower.poll() == reader.Poll(ROWS[:1])
    follower.close()


def test_a_poll_is_bounded_and_says_that_there_is_more(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "POLL_BYTES", 100)
    log.write_bytes(lines(ROWS))
    follower = LogReader(log)
    polls: list[reader.Poll] = []
    while not polls or polls[-1].more:
        polls.append(follower.poll())
    assert len(polls) == len(lines(ROWS)) // 100 + 1
    assert list(itertools.chain.from_iterable(poll.rows for poll in polls)) == ROWS
    assert read_all(log) == ROWS
    follower.close()


def test_a_line_without_an_end_takes_no_memory_and_its_end_is_no_row(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "POLL_BYTES", 100)
    monkeypatch.setattr(reader, "LINE_LIMIT_BYTES", 150)
    log.write_bytes(b"\0" * 1000 + b'{"step":1}\n' + lines(ROWS[:2]))
    follower = LogReader(log)
    seen: list[dict[str, Any]] = []
    more = True
    while more:
        poll = follower.poll()
        seen += poll.rows
        more = poll.more
        assert len(follower._torn) <= 250
    assert seen == ROWS[:2]
    follower.close()


@pytest.mark.parametrize("block", [1, 2, 7, 64, 1 << 16])
def test_rows_from_the_end_are_the_rows_backwards(block: int, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "BLOCK_BYTES", block)
    for tail in (b"", b'{"torn', b"\n\n", b"\0\0\0"):
        log.write_bytes(lines(ROWS) + tail)
        assert list(rows_from_end(log)) == ROWS[::-1]
    assert list(rows_from_end(log, ["step"])) == [row for row in ROWS[::-1] if row["kind"] == "step"]


def test_the_last_row_of_a_kind_is_found_and_of_no_kind_is_none(log: Path) -> None:
    assert last_row(log) is None
    log.write_bytes(lines(ROWS))
    assert last_row(log, ["step"]) == ROWS[-1]
    assert last_row(log, ["note", "start"]) == ROWS[5]
    assert last_row(log, ["done"]) is None


def test_the_last_row_of_a_large_log_costs_one_block(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write_bytes(lines(ROWS) * 5000)
    reads = []
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda *arguments: reads.append(arguments[1]) or real(*arguments))
    assert last_row(log) == ROWS[-1]
    assert reads == [reader.BLOCK_BYTES]


def test_a_directory_a_fifo_and_a_symlink_have_no_rows(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "target").write_bytes(lines(ROWS))
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in (".", "fifo", "link", "absent"):
        assert read_all(tmp_path / name) == []
        assert last_row(tmp_path / name) is None
