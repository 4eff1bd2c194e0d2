"""Writing a file so that neither a kill nor a power cut leaves half of it, and reading one that a stranger has made.

The order is the promise: file fsync, then rename, then directory fsync. A symlink is never followed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO

from seqplay.errors import RunError, WriteError, counted

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW
READ = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0)  # without O_NONBLOCK, opening a FIFO waits for ever
TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")

ADVICE = {
    errno.ENOSPC: "Make room on the disk, then try again.",
    errno.EDQUOT: "Your quota is used up: make room, then try again.",
    errno.EFBIG: "A file may not grow that large here: see ulimit -f.",
    errno.EROFS: "Set SEQPLAY_HOME to a directory that can be written.",
    errno.EACCES: "Set SEQPLAY_HOME to a directory that can be written.",
    errno.EPERM: "Set SEQPLAY_HOME to a directory that can be written.",
    errno.EIO: "The disk may be failing: copy your runs to another one.",
    errno.ELOOP: "A symlink is in its place, and seqplay never writes through one: remove it.",
}


def cannot_write(path: Path, error: OSError) -> WriteError:
    """The one line for a write that failed: where, why, and what to do."""
    reason = error.strerror or str(error)
    advice = ADVICE.get(error.errno or 0, "Check that the directory is there and can be written.")
    return WriteError(f"Cannot write {path}: {reason}. {advice}")


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """os.write until all of it is written: one call may write less than it was given."""
    left = memoryview(data).cast("B")
    while left:
        left = left[os.write(descriptor, left) :]


def write_new(path: Path, data: bytes | memoryview, mode: int = 0o600) -> None:
    """Write a file that must not be there yet, down to the disk; raises OSError."""
    descriptor = os.open(path, NEW_FILE, mode)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot sync a directory says so with EINVAL
            raise
    finally:
        os.close(descriptor)


def temporary(path: Path) -> Path:
    """A new name beside a file, for what shall take its place: `sweep` knows it, and nobody can guess it."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file as a whole: a reader sees the old bytes or the new ones, also after a power cut."""
    partial = temporary(path)
    try:
        try:
            write_new(partial, data, mode)
            os.replace(partial, path)
        except OSError:
            remove_quietly(partial)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def remove_quietly(path: Path) -> None:
    """Remove a file if that can be done."""
    with suppress(OSError):
        os.unlink(path)


def sweep(directory: Path, older_than: float | None = None) -> None:
    """Remove what a killed writer left under a `temporary` name.

    Where others may be writing, only what has not changed for `older_than` seconds; None is for a directory with one
    writer.
    """
    for name in os.listdir(directory):
        if TEMPORARY.fullmatch(name) and (older_than is None or _age(directory / name) > older_than):
            remove_quietly(directory / name)


def _age(path: Path) -> float:
    """Seconds since a file changed, 0 for one that is gone."""
    try:
        return time.time() - os.stat(path, follow_symlinks=False).st_mtime
    except OSError:
        return 0.0


def mode_of(path: Path) -> int:
    """The mode of the file itself, not of what a symlink leads to; 0 if there is none."""
    try:
        return os.stat(path, follow_symlinks=False).st_mode
    except (OSError, ValueError):
        return 0


def is_ordinary(path: Path) -> bool:
    """Whether it is a file itself, not a symlink to one."""
    return stat.S_ISREG(mode_of(path))


def is_directory(path: Path) -> bool:
    """Whether it is a directory itself, not a symlink to one."""
    return stat.S_ISDIR(mode_of(path))


def open_for_append(path: Path) -> int:
    """Open a log to append whole lines, first ending a line that a killed writer left without its newline."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | READ, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not an ordinary file")
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            write_all(descriptor, b"\n")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_bytes(path: Path, limit_bytes: int) -> bytes:
    """A whole ordinary file. Raises RunError, naming the path, if it is missing, too large, or no ordinary file."""
    with _ordinary(path) as (file, size):
        if size > limit_bytes:
            raise RunError(f"Cannot read {path}: it has {counted(size, 'byte')} and the limit is {limit_bytes:,}.")
        return file.read(size)


def read_exactly(path: Path, size_bytes: int) -> bytes:
    """A whole ordinary file that has this size. Raises RunError, before any of it is read, if it has another."""
    with _ordinary(path) as (file, size):
        if size != size_bytes:
            raise RunError(f"{path} is damaged: it has {counted(size, 'byte')} instead of {size_bytes:,}.")
        if size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):  # a file of holes costs its maker nothing
            raise MemoryError
        return file.read(size)


def open_ordinary(path: Path) -> BufferedReader:
    """An ordinary file, open for reading. Raises RunError, naming the path, for anything else."""
    with _ordinary(path) as (file, _):
        return open(os.dup(file.fileno()), "rb")


@contextmanager
def _ordinary(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """An open ordinary file and its size; whatever is wrong with it is a RunError."""
    try:
        with open(os.open(path, READ), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise RunError(f"Cannot read {path}: it is not an ordinary file.")
            yield file, status.st_size
    except ValueError as error:
        raise RunError(f"Cannot read {str(path)!r}: {error}.") from error
    except MemoryError as error:
        raise RunError(f"Cannot read {path}: it does not fit in the memory.") from error
    except OSError as error:
        reason = "it is a symlink, which is never followed" if error.errno == errno.ELOOP else error.strerror
        raise RunError(f"Cannot read {path}: {reason}.") from error
