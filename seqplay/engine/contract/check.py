"""What a check is, and what it found. Nothing that a plugin does inside a check comes out of it as an exception."""

from __future__ import annotations

import sys
import sysconfig
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

import seqplay
from seqplay.architecture import Architecture
from seqplay.engine.contract.undisturbed import undisturbed

LONGEST_REASON = 400  # characters
OURS = tuple(str(Path(module).parent) for module in (seqplay.__file__, torch.__file__))
PYTHONS = (sysconfig.get_path("stdlib"), "<frozen")


class BrokenError(Exception):
    """A check found the contract broken; the text says what was seen, where, how far off, and what to do."""


@dataclass(frozen=True)
class Check:
    """`function` raises BrokenError, or whatever the plugin raises; `why` is what would go wrong in seqplay otherwise.

    `needs` names the checks without which this one means nothing. `absent` says why an architecture has nothing to be
    checked here; "" where it has.
    """

    name: str
    why: str
    function: Callable[[Architecture], None]
    needs: tuple[str, ...] = ()
    absent: Callable[[Architecture], str] = lambda _: ""


@dataclass(frozen=True)
class Result:
    """`reason` is one line; "" where the check passed."""

    check: str
    why: str
    outcome: Literal["passed", "failed", "not run"]
    reason: str = ""


def run(check: Check, architecture: Architecture) -> Result:
    """Run one check, whatever it needs."""
    try:
        with undisturbed():
            check.function(architecture)
    except KeyboardInterrupt:  # of the person who waits
        raise
    except BaseException as problem:
        return Result(check.name, check.why, "failed", reason_of(problem, architecture))
    return Result(check.name, check.why, "passed")


def reason_of(problem: BaseException, architecture: Architecture) -> str:
    """One line for what a check, or the plugin in it, raised: type, message, and the plugin's file and line."""
    text = ""
    with suppress(Exception):  # the exception may be of the plugin's making
        text = " ".join(str(problem).split())
    if not isinstance(problem, BrokenError):
        text = f"It raises {type(problem).__name__}{f': {text}' if text else ''}"
        text = (text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…") + _where(problem, architecture)
    return text


def file_of(architecture: Architecture) -> tuple[str, str]:
    """The name of the module that defines an architecture, and its file; "" where there is none."""
    name = str(getattr(getattr(architecture.module, "func", architecture.module), "__module__", "") or "")
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    return name, str(getattr(module, "__file__", None) or getattr(spec, "origin", None) or "")


def _where(problem: BaseException, architecture: Architecture) -> str:
    """The last place in the plugin's own file, else outside of seqplay, torch and Python; "" where there is none."""
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if frame.filename == file_of(architecture)[1]]
    foreign = [frame for frame in frames if not frame.filename.startswith((*OURS, *PYTHONS))]
    found = own or foreign
    return f" ({Path(found[-1].filename).name}, line {found[-1].lineno})" if found else ""
