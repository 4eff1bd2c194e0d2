"""One writer for a run. The system frees the lock of a process that dies, and readers never ask for it."""

from __future__ import annotations

import time
import warnings
from types import TracebackType
from typing import Self

from seqplay import files
from seqplay.errors import BusyError
from seqplay.runs import process
from seqplay.runs.layout import RunFiles


class WriterLock:
    """Hold a run for writing: `with WriterLock(run): ...`; process.json then names this process until the end.

    Raises BusyError at once if another process holds it. Works between processes of one machine; NFS is not supported.
    Without a note nothing is written, so that a run can be removed from a full disk.
    """

    def __init__(self, run: RunFiles, note: bool = True) -> None:
        from filelock import FileLock

        self.run, self._is_noted = run, note
        self._lock = FileLock(run.lock, timeout=0, mode=0o600, thread_local=False)

    def __enter__(self) -> Self:
        from filelock import Timeout

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # filelock warns where it falls back to a lock by existence
                self._lock.acquire()
        except Timeout:
            raise BusyError(self._busy()) from None
        except OSError as error:
            raise files.cannot_write(self.run.lock, error) from error
        try:
            files.sweep(self.run.path)
            if self._is_noted:
                process.note_this_process(self.run)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        files.remove_quietly(self.run.process)
        self._lock.release()

    def _busy(self) -> str:
        name = self.run.name
        note = process.read_note(self.run)
        if note is None or process.is_alive(note) is False:
            return f"Run '{name}' is being written by another process, stop it with: seqplay stop {name}"
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(note.since))
        who = f"process {note.pid} on {note.host} since {since}"
        return f"Run '{name}' is being written by {who}, stop it with: seqplay stop {name}"
