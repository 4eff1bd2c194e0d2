"""What a plugin's import does to the process it is in: looked at in a fresh one (importing.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

from seqplay.architecture import Architecture
from seqplay.engine.contract.check import BrokenError, file_of

LIMIT_SECONDS = 60.0
PROGRAM = Path(__file__).with_name("importing.py")


def manners_at_import(architecture: Architecture) -> None:
    name, file = file_of(architecture)
    if faults := _faults(name, file, Path(file).stat().st_mtime_ns):
        raise BrokenError(f"Importing {name} {'; '.join(faults)}. Do it where it is used, not at the top of the file.")


def without_file(architecture: Architecture) -> str:
    name, file = file_of(architecture)
    return "" if name and file and Path(file).is_file() else "it was defined in no file that could be imported again"


@cache
def _faults(name: str, file: str, changed: int) -> tuple[str, ...]:  # noqa: ARG001
    """What is wrong with importing a module; once for all architectures in it, as torch alone takes a second."""
    asked = json.dumps({"name": name, "file": file, "path": sys.path})
    command = [sys.executable, "-P", str(PROGRAM), asked]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_SECONDS, start_new_session=True
        )
    except subprocess.TimeoutExpired:
        return (f"was not done after {LIMIT_SECONDS:g} s",)
    line, _, rest = done.stdout.partition(b"\n")
    try:
        faults = [str(fault) for fault in json.loads(line)]
    except (ValueError, TypeError):
        return (f"ends the process, with exit code {done.returncode}",)
    late = (rest + done.stderr).decode("utf-8", "replace")
    if late.strip() or done.returncode:
        faults.append(f"leaves something to be done at the end of the process, which says {late[:80]!r}")
    return tuple(faults)
