"""Asking a worker process one question."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from signal import Signals
from typing import Any

from seqplay import wire
from seqplay.errors import MissingError, SeqplayError


def ask(question: wire.Ask) -> Iterator[dict[str, Any]]:
    """The rows that answer, as they come. Raises the SeqplayError that the worker met, or MissingError when it died."""
    with tempfile.TemporaryFile() as output:
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "seqplay.engine.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            with suppress(BrokenPipeError):  # it has died already: how is told below
                worker.stdin.write(wire.to_line(question).encode())
            with suppress(BrokenPipeError):
                worker.stdin.close()
            for line in worker.stdout:
                row = json.loads(line)
                if row["kind"] != "end":
                    yield row
                elif row["message"]:
                    raise _error(row)
                else:
                    return
            code = worker.wait()
            how = f"ended by signal {Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            output.seek(0)
            last = output.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise MissingError(f"The model's process {how}. {last}".strip())
        finally:
            worker.kill()
            worker.wait()
            worker.stdout.close()


def _error(row: dict[str, Any]) -> SeqplayError:
    """What the worker met. Only its exit code crosses, and two classes share one."""
    problem = SeqplayError(row["message"])
    problem.exit_code = row["exit_code"]
    return problem
