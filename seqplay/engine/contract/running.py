"""Runs an architecture's checks, each at most once and after those that it needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, fields
from typing import Any

from seqplay.architecture import Architecture
from seqplay.engine.contract import cells
from seqplay.engine.contract.check import Check, Result, reason_of, run
from seqplay.engine.contract.speed import Speed, speed
from seqplay.errors import UsageError, no_such


def checks_for(architecture: Architecture) -> tuple[Check, ...]:
    """All checks of its kind, in order."""
    if architecture.kind == "model":
        from seqplay.engine.contract import models  # which loads the tasks

        return models.CHECKS
    return cells.CHECKS


class Examination:
    """An architecture's results so far."""

    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.checks = {check.name: check for check in checks_for(architecture)}
        self._results: dict[str, Result] = {}

    def result(self, name: str) -> Result:
        """What a check finds; "not run" where it has nothing to check, or one that it needs has not passed."""
        if name not in self._results:
            self._results[name] = self._run(self.checks[name])
        return self._results[name]

    def applies(self, check: Check) -> bool:
        return not check.absent(self.architecture)

    def _run(self, check: Check) -> Result:
        if reason := check.absent(self.architecture):
            return Result(check.name, check.why, "not run", reason)
        for needed in check.needs:
            if self.result(needed).outcome != "passed":
                return Result(check.name, check.why, "not run", f"needs '{needed}'")
        return run(check, self.architecture)


def run_checks(architecture: Architecture, only: Collection[str] = ()) -> Iterator[Result]:
    """The result of every check in order, or of those named in `only`. Raises UsageError for a name that none has."""
    examination = Examination(architecture)
    for name in only:
        if name not in examination.checks:
            raise UsageError(no_such("check", name, examination.checks))
    for name in examination.checks:
        if not only or name in only:
            yield examination.result(name)


def rows(architecture: Architecture) -> Iterator[dict[str, Any]]:
    """Plain rows: one of kind "checking" before each check, as it may end the process, and one of kind "check" with its
    result; of a cell of the right form then those of its speed, its numbers None and the reason told where it cannot be
    measured.
    """
    examination = Examination(architecture)
    for name in examination.checks:
        yield {"kind": "checking", "check": name}
        yield {"kind": "check", **asdict(examination.result(name))}
    if architecture.kind == "cell" and examination.result(next(iter(examination.checks))).outcome == "passed":
        yield {"kind": "checking", "check": "speed"}
        yield {"kind": "speed", **_speed(architecture)}


def _speed(architecture: Architecture) -> dict[str, Any]:
    try:
        return {**asdict(speed(architecture)), "reason": ""}
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        return {**dict.fromkeys(field.name for field in fields(Speed)), "reason": reason_of(problem, architecture)}
