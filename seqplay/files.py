"""Writing a file so that neither a kill nor a power cut leaves half of it, and reading one that a stranger has made.

The order is the promise: file fsync, then rename, then directory fsync. A symlink is never followed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from seqplay.errors import RunError, WriteError

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


def write_new(path: Path, data: bytes | memoryview, mode: int = 0o600, *, sync: bool = True) -> None:
    """Write a file that must not be there yet, down to the disk when `sync`; raises OSError."""
    descriptor = os.open(path, NEW_FILE, mode)
    try:
        write_all(descriptor, data)
        if sync:
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


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file as a whole: a reader sees the old bytes or the new ones, also after a power cut."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        try:
            write_new(temporary, data, mode)
            os.replace(temporary, path)
        except OSError:
            remove_quietly(temporary)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def remove_quietly(path: Path) -> None:
    """Remove a file if that can be done."""
    with suppress(OSError):
        os.unlink(path)


def sweep(directory: Path) -> None:
    """Remove what a killed `write_atomically` left; only for a directory with one writer."""
    for name in os.listdir(directory):
        if TEMPORARY.fullmatch(name):
            remove_quietly(directory / name)


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
    try:
        descriptor = os.open(path, READ)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise RunError(f"Cannot read {path}: it is not an ordinary file.")
            if status.st_size > limit_bytes:
                raise RunError(f"Cannot read {path}: it has {status.st_size:,} bytes and the limit is {limit_bytes:,}.")
            return file.read(status.st_size)
    except ValueError as error:
        raise RunError(f"Cannot read {str(path)!r}: {error}.") from error
    except OSError as error:
        reason = "it is a symlink, which is never followed" if error.errno == errno.ELOOP else error.strerror
        raise RunError(f"Cannot read {path}: {reason}.") from error
