"""Every error that seqplay raises on purpose, and the exit code that each one means.

An error's text is one line: what happened, where, what to do next. Viewers print it as it is and never a traceback.

    SeqplayError            1   anything that has no better name
    ├── UsageError          2   asked in a way that cannot be done: an unknown name, a value out of range
    ├── DataError          65   the user's text, or what it decodes to, cannot be learned from
    ├── RunError           65   a run's files are missing, damaged, or written by a newer seqplay
    ├── MissingError       69   a plugin, an optional package or a process that is needed is not there
    ├── WriteError         74   the disk is full, read-only or failing
    └── BusyError          75   another process is writing this run
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from contextlib import suppress

LONGEST_SAID = 4096  # characters of what an exception says


class SeqplayError(Exception):
    """The root: one line for a person, and the exit code of the command that met it."""

    exit_code = 1


class UsageError(SeqplayError):
    exit_code = 2


class DataError(SeqplayError):
    exit_code = 65


class RunError(SeqplayError):
    exit_code = 65


class MissingError(SeqplayError):
    exit_code = 69


class WriteError(SeqplayError):
    exit_code = 74


class BusyError(SeqplayError):
    exit_code = 75


def counted(number: int, unit: str, units: str | None = None) -> str:
    """A number of things in words: "1 byte", "2,000 bytes", and with their own plural "2 jamo"."""
    return f"{number:,} {unit if number == 1 else units or unit + 's'}"


def said(problem: BaseException) -> str:
    """Type and words of an exception that may be of a plugin's making, whatever its own __str__ does."""
    words = ""
    with suppress(BaseException):
        words = str(problem)[:LONGEST_SAID]
    return f"{type(problem).__name__}: {words}" if words else type(problem).__name__


def no_such(kind: str, name: str, valid: Iterable[str], listed: str = "Known") -> str:
    """The sentence for an unknown name, with the nearest valid one: "No cell named 'lstmm'. Did you mean 'lstm'?
    ...".
    """
    names = sorted(valid)
    near = difflib.get_close_matches(name.casefold(), names, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    known = f" {listed}: {', '.join(names)}." if names else ""
    return f"No {kind} named '{name}'.{hint}{known}"
