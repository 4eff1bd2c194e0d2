"""Whatever the instant of a crash, the run stays whole (promises D1, D5, D19).

The harness forks, and the child ends itself before its Nth file operation, or in the middle of a write. With `power` it
also loses every byte that no fsync has brought to the disk. Every naive writer below must be caught by it.
"""

import errno
import itertools
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from unittest import mock

import pytest

from seqplay import files
from seqplay.errors import RunError, WriteError
from seqplay.runs import commit
from seqplay.runs.reader import read_all
from seqplay.runs.rows import to_line
from seqplay.runs.writer import LogWriter, cut

CRASHED, FAILED = 42, 99
MOST_POINTS = 200

Act = Callable[[Path], None]
Check = Callable[[Path, bool], None]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child counts what its fsync would bring to the disk; for what is prepared and checked it only costs time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


class Crasher:
    """Replaces the functions of `os` that change files, in a child process that will not come back."""

    def __init__(self, at: int, power: bool) -> None:
        self.left = at
        self.power = power
        self.real = {name: getattr(os, name) for name in ("open", "write", "close", "fsync")}
        self.copies: dict[int, int] = {}  # descriptor -> a copy of it that close leaves open
        self.synced: dict[int, int] = {}  # copy -> bytes that are on the disk

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.end(CRASHED)

    def end(self, code: int) -> None:
        if self.power:
            for copy, size in self.synced.items():
                os.ftruncate(copy, min(size, os.fstat(copy).st_size))
        os._exit(code)

    def open(self, path: Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        self.tick()
        descriptor: int = self.real["open"](path, flags, mode, dir_fd=dir_fd)
        if flags & (os.O_WRONLY | os.O_RDWR):
            copy = self.copies[descriptor] = os.dup(descriptor)
            self.synced[copy] = os.fstat(copy).st_size
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        self.tick()
        view = memoryview(data)
        half: int = self.real["write"](descriptor, view[: len(view) // 2])
        self.tick()
        rest: int = self.real["write"](descriptor, view[half:])
        view.release()
        return half + rest

    def fsync(self, descriptor: int) -> None:
        self.tick()
        if descriptor in self.copies:
            copy = self.copies[descriptor]
            self.synced[copy] = os.fstat(copy).st_size

    def close(self, descriptor: int) -> None:
        self.copies.pop(descriptor, None)
        self.real["close"](descriptor)

    def install(self) -> None:
        for name in ("open", "write", "fsync", "close"):
            setattr(os, name, getattr(self, name))
        for name in ("replace", "rename", "unlink", "mkdir", "rmdir"):
            setattr(os, name, self.counted(getattr(os, name)))

    def counted(self, real: Callable[..., None]) -> Callable[..., None]:
        def operation(*arguments: object, **options: object) -> None:
            self.tick()
            real(*arguments, **options)

        return operation


def crash_everywhere(root: Path, prepare: Act, act: Act, check: Check, *, power: bool = False) -> int:
    """Crash `act` before each of its operations, each time in a fresh directory; the number of points."""
    for at in itertools.count(1):
        directory = root / f"{at}"
        directory.mkdir()
        prepare(directory)
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                crasher = Crasher(at, power)
                crasher.install()
                act(directory)
                crasher.end(0)
            os._exit(FAILED)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, CRASHED)
        check(directory, code == 0)
        shutil.rmtree(directory)
        if code == 0:
            return at - 1
    raise AssertionError


def contents(step: int) -> dict[str, bytes]:
    return {"weights": b"%d" % step * 50, "state": b"", "memory": bytes(range(step))}


def commits(*steps: int) -> Act:
    def act(directory: Path) -> None:
        for step in steps:
            commit.commit(directory / "checkpoints", step, contents(step))

    return act


def all_verify(checkpoints: Path) -> list[int]:
    steps = commit.steps(checkpoints)
    for step in steps:
        commit.verify(checkpoints, step)
    return steps


def still_works(checkpoints: Path) -> None:
    commit.commit(checkpoints, 9, contents(9))
    assert commit.keep(checkpoints, [9]) == [9]
    commit.verify(checkpoints, 9)
    assert [path.name for path in checkpoints.glob(".*")] == []


def check_commit(directory: Path, finished: bool) -> None:
    steps = all_verify(directory / "checkpoints")
    assert steps in ([[1, 2, 3]] if finished else [[1, 2], [1, 2, 3]])
    still_works(directory / "checkpoints")


def check_first_commit(directory: Path, finished: bool) -> None:
    steps = all_verify(directory / "checkpoints")
    assert steps in ([[1]] if finished else [[], [1]])
    still_works(directory / "checkpoints")


def replace_step_2(directory: Path) -> None:
    commit.commit(directory / "checkpoints", 2, {"weights": b"other"})


def check_replaced(directory: Path, finished: bool) -> None:
    checkpoints = directory / "checkpoints"
    assert all_verify(checkpoints) == [2]
    weights = commit.read_file(checkpoints, 2, "weights")
    assert weights in ([b"other"] if finished else [b"other", contents(2)["weights"]])
    commit.commit(checkpoints, 3, contents(3))
    assert all_verify(checkpoints) == [2, 3]
    still_works(checkpoints)


def prepare_keep(directory: Path) -> None:
    commits(1, 2, 3)(directory)
    (directory / "checkpoints" / "1" / "notes.txt").write_text("mine")
    (directory / "checkpoints" / "notes.txt").write_text("mine")


def keep_3(directory: Path) -> None:
    commit.keep(directory / "checkpoints", [3])


def check_keep(directory: Path, finished: bool) -> None:
    checkpoints = directory / "checkpoints"
    steps = all_verify(checkpoints)
    assert steps[-1] == 3
    assert steps == [3] or not finished
    assert commit.keep(checkpoints, [3]) == [3]
    still_works(checkpoints)
    assert (checkpoints / "1" / "notes.txt").read_text() == "mine"
    assert (checkpoints / "notes.txt").read_text() == "mine"


def prepare_file(directory: Path) -> None:
    (directory / "plan.json").write_bytes(b"old")


def write_file(directory: Path) -> None:
    files.write_atomically(directory / "plan.json", b"new and longer")


def check_file(directory: Path, finished: bool) -> None:
    allowed = [b"new and longer"] if finished else [b"old", b"new and longer"]
    assert (directory / "plan.json").read_bytes() in allowed
    files.write_atomically(directory / "plan.json", b"newest")
    files.sweep(directory)
    assert [path.name for path in directory.iterdir()] == ["plan.json"]
    assert (directory / "plan.json").read_bytes() == b"newest"


STEP_ROWS: list[dict[str, object]] = [{"kind": "step", "step": step, "train_loss": 1 / (step + 1)} for step in range(8)]
CHANGE: dict[str, object] = {"kind": "change", "step": 6, "name": "learning_rate", "value": 0.1}
LOG: list[dict[str, object]] = [{"kind": "start"}, *STEP_ROWS, CHANGE, {"kind": "done", "steps": 8}]
CUT_LOG: list[dict[str, object]] = [{"kind": "start"}, *STEP_ROWS[:5], CHANGE]


def prepare_log(directory: Path) -> None:
    (directory / "log.jsonl").write_bytes(lines(LOG) + b'{"torn')


def cut_log(directory: Path) -> None:
    cut(directory / "log.jsonl", 4)


def check_cut(directory: Path, finished: bool) -> None:
    assert read_all(directory / "log.jsonl") in ([CUT_LOG] if finished else [CUT_LOG, LOG])
    assert cut(directory / "log.jsonl", 4).rows == CUT_LOG
    assert read_all(directory / "log.jsonl") == CUT_LOG


def append_rows(directory: Path) -> None:
    with LogWriter(directory / "log.jsonl") as log:
        for row in STEP_ROWS:
            log.append(row)
            log.flush()
            if row["step"] == 3:
                log.sync()
                (directory / "synced").mkdir()
        log.sync()


def check_append(directory: Path, finished: bool) -> None:
    rows = read_all(directory / "log.jsonl")
    synced = len(STEP_ROWS) if finished else 4 if (directory / "synced").exists() else 0
    assert rows == STEP_ROWS[: len(rows)]
    assert len(rows) >= synced
    with LogWriter(directory / "log.jsonl") as log:
        log.append({"kind": "note", "step": 9})
    assert read_all(directory / "log.jsonl") == [*rows, {"kind": "note", "step": 9}]
    assert cut(directory / "log.jsonl", 1).rows == rows[:2]


def lines(rows: list[dict[str, object]]) -> bytes:
    return b"".join(to_line(row) for row in rows)


def nothing(directory: Path) -> None:
    pass


SCENES: dict[str, tuple[Act, Act, Check]] = {
    "first commit": (nothing, lambda d: void(commit.commit(d / "checkpoints", 1, contents(1))), check_first_commit),
    "commit": (commits(1, 2), lambda d: void(commit.commit(d / "checkpoints", 3, contents(3))), check_commit),
    "replace": (commits(2), replace_step_2, check_replaced),
    "keep": (prepare_keep, keep_3, check_keep),
    "write_atomically": (prepare_file, write_file, check_file),
    "cut": (prepare_log, cut_log, check_cut),
    "append": (nothing, append_rows, check_append),
}


def void(value: object) -> None:
    pass


@pytest.mark.parametrize("name", SCENES)
def test_a_kill_at_any_operation_leaves_the_run_whole(name: str, tmp_path: Path) -> None:
    assert 3 < crash_everywhere(tmp_path, *SCENES[name]) <= MOST_POINTS // len(SCENES)


@pytest.mark.parametrize("name", ["first commit", "commit", "replace", "write_atomically", "cut", "append"])
def test_a_power_cut_at_any_operation_leaves_the_run_whole(name: str, tmp_path: Path) -> None:
    assert 3 < crash_everywhere(tmp_path, *SCENES[name], power=True) <= MOST_POINTS // len(SCENES)


def test_a_second_crash_in_the_recovery_leaves_the_run_whole(tmp_path: Path) -> None:
    """The first crash is where a replaced checkpoint has only its hidden name, the second anywhere after it."""

    def prepare(directory: Path) -> None:
        commits(2)(directory)
        (directory / "checkpoints" / "2").rename(directory / "checkpoints" / f".2.replaced-{'0' * 16}")
        assert commit.steps(directory / "checkpoints") == [2]
        assert commit.read_file(directory / "checkpoints", 2, "weights") == contents(2)["weights"]

    assert crash_everywhere(tmp_path, prepare, replace_step_2, check_replaced) > 3


def naive_commit(directory: Path) -> None:
    place = directory / "checkpoints" / "3"
    os.mkdir(place)
    commit._write(place / "new", 3, contents(3))
    for name in ("manifest.json", *contents(3)):
        os.rename(place / "new" / name, place / name)


def naive_commit_without_fsync(directory: Path) -> None:
    with mock.patch.object(os, "fsync"):
        commit.commit(directory / "checkpoints", 3, contents(3))


def naive_replace(directory: Path) -> None:
    shutil.rmtree(directory / "checkpoints" / "2")
    replace_step_2(directory)


def naive_keep(directory: Path) -> None:
    for step in ("1", "2"):
        for name in ("weights", "state", "memory", "manifest.json"):
            os.unlink(directory / "checkpoints" / step / name)


def naive_write(directory: Path) -> None:
    descriptor = os.open(directory / "plan.json", os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, b"new and longer")
    os.close(descriptor)


def naive_write_without_fsync(directory: Path) -> None:
    with mock.patch.object(os, "fsync"):
        write_file(directory)


def naive_cut(directory: Path) -> None:
    descriptor = os.open(directory / "log.jsonl", os.O_WRONLY | os.O_TRUNC)
    os.write(descriptor, lines(CUT_LOG))


def naive_append(directory: Path) -> None:
    descriptor = os.open(directory / "log.jsonl", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, lines(STEP_ROWS[:4]))
    os.mkdir(directory / "synced")
    os.write(descriptor, lines(STEP_ROWS[4:]))


NAIVE: list[tuple[str, Act, bool]] = [
    ("commit", naive_commit, False),
    ("commit", naive_commit_without_fsync, True),
    ("replace", naive_replace, False),
    ("keep", naive_keep, False),
    ("write_atomically", naive_write, False),
    ("write_atomically", naive_write_without_fsync, True),
    ("cut", naive_cut, False),
    ("append", naive_append, True),
]


@pytest.mark.parametrize(("name", "naive", "power"), NAIVE, ids=[f"{act.__name__}" for _, act, _ in NAIVE])
def test_the_harness_bites_a_naive_writer(name: str, naive: Act, power: bool, tmp_path: Path) -> None:
    prepare, _, check = SCENES[name]
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    prepare(undisturbed)
    naive(undisturbed)
    check(undisturbed, True)
    with pytest.raises((AssertionError, RunError)) as bite:
        crash_everywhere(tmp_path, prepare, naive, check, power=power)
    assert bite.traceback[-1].name != "crash_everywhere"


def test_a_failed_rename_leaves_the_earlier_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits(2)(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", fail)
        with pytest.raises(WriteError, match="Input/output error"):
            replace_step_2(tmp_path)
    check_replaced(tmp_path, finished=False)
