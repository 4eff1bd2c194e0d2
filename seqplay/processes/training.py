"""A training process that goes on whatever becomes of the viewer that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from seqplay import files
from seqplay.errors import MissingError
from seqplay.runs import layout
from seqplay.runs.layout import RunFiles
from seqplay.runs.network import lacking
from seqplay.runs.writable import check_writable

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def start(run: RunFiles) -> subprocess.Popen[bytes]:
    """Begin, or go on with, the training of a run, in a process group of its own; what it prints goes to output.txt.

    Raises SeqplayError, and has written nothing, for a run that may not be written.
    """
    check_writable(run)
    if run.plan.exists() and (told := lacking(layout.read_plan(run))):
        raise MissingError(told)
    # -P: a file torch.py in the folder where the user happens to be must not be imported instead of torch.
    command = [sys.executable, "-P", "-m", "seqplay.engine.train", os.path.abspath(run.path)]
    try:
        output = files.open_for_append(run.output)
    except OSError as problem:
        raise files.cannot_write(run.output, problem) from problem
    # A signal that comes before the trainer can take it waits: Python's own start-up would end it, with any exit code.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, close_fds=True
        )
    except OSError as problem:
        raise MissingError(f"The training process cannot be started: {problem.strerror}.") from problem
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(output)
