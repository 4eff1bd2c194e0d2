"""Who writes a run, and whether that very process is still alive.

A pid alone proves nothing, because pids are used again: a signal goes out only to a process with the noted start time.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from seqplay import files
from seqplay.errors import RunError, UsageError
from seqplay.runs import layout, rows
from seqplay.runs.layout import RunFiles

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class ProcessNote:
    """The process that writes a run, as process.json says it."""

    pid: int
    host: str
    started: str  # field 22 of /proc/PID/stat in clock ticks since the start of the machine, or the text of ps
    boot: str  # names one start of the machine, "" where nothing does
    since: float = 0.0  # epoch seconds, only for people


def this_process() -> ProcessNote:
    """The note for the process that asks."""
    pid = os.getpid()
    return ProcessNote(pid, socket.gethostname(), _start_of(pid) or "", _boot(), time.time())


def note_this_process(run: RunFiles) -> ProcessNote:
    """Write that this process writes the run; the holder of the writer's lock does so."""
    note = this_process()
    files.write_atomically(run.process, rows.to_json(asdict(note), indent=2) + b"\n")
    return note


def read_note(run: RunFiles) -> ProcessNote | None:
    """The note in process.json; None if there is none or it is damaged, so that it names nobody."""
    try:
        row = layout.read_json(run.process, limit_bytes=1 << 16)
    except RunError:
        return None
    pid, host, started, boot = (row.get(key) for key in ("pid", "host", "started", "boot"))
    if type(pid) is not int or not 0 < pid < 2**31:  # 0 and negative numbers would signal whole groups
        return None
    if not (isinstance(host, str) and isinstance(started, str) and isinstance(boot, str)):
        return None
    return ProcessNote(pid, host, started, boot, rows.moment(row.get("since")) or 0.0)


def is_alive(note: ProcessNote) -> bool | None:
    """Whether this very process lives. None: it is on another host, so that nobody here can know."""
    if note.host != socket.gethostname():
        return None
    if note.boot != _boot() or not note.started:
        return False
    return _start_of(note.pid) == note.started


def send_signal(note: ProcessNote, number: signal.Signals) -> bool:
    """Send a signal if this very process is known to live here; false if it is not and nothing was sent."""
    if not is_alive(note):
        return False
    try:
        if sys.platform == "linux":
            try:
                handle = os.pidfd_open(note.pid)
            except (AttributeError, OSError):  # an old kernel, or a Python built for one
                handle = -1
            if handle >= 0:
                try:
                    if not is_alive(note):  # the pid may have passed on just before the handle was opened
                        return False
                    signal.pidfd_send_signal(handle, number)
                    return True
                finally:
                    os.close(handle)
        os.kill(note.pid, number)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise UsageError(f"Process {note.pid} belongs to another user: ask them to stop it.") from error
    return True


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _start_of(pid: int) -> str | None:
    """When the process started, as text that no later process with its pid has; None if it is gone or a zombie."""
    return _start_by_proc(pid) if sys.platform == "linux" else _start_by_ps(pid)


def _start_by_proc(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]  # fields 3 and 22: the name in field 2 may hold spaces


def _start_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    asked = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C"}, check=False)
    state, _, started = asked.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()
