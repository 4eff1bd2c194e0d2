"""Tests of your own cell or model, written by seqplay. In a test file of your plugin:

    from seqplay.testing import parametrize_with_checks
    from seqplay_mingru.cell import mingru, minlstm

    @parametrize_with_checks(mingru, minlstm)
    def test_the_contract_holds(check):
        check()

`pytest` then runs each check as a test of its own, such as "mingru: chunks equal the whole". One that fails says what
was seen, where, what to do, and why it matters. `pytest -k "mingru and chunks"` runs it alone. A check without which
another means nothing skips it: mend the failed one first. Without pytest, `check(mingru)` runs all of them.

Only inside these functions is torch imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seqplay.architecture import Architecture

if TYPE_CHECKING:
    from seqplay.engine.contract.running import Examination

__all__ = ["check", "parametrize_with_checks"]


def parametrize_with_checks(*architectures: Architecture) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a test that has one argument, `check`: it is run with every check that applies to these architectures,
    each a function without arguments that raises AssertionError where the contract is broken.
    """
    import pytest

    tests = [pytest.param(one, id=str(one)) for architecture in architectures for one in _tests(architecture)]
    return pytest.mark.parametrize("check", tests)


def check(architecture: Architecture) -> None:
    """Run every check. Raises AssertionError that lists all that fail."""
    from seqplay.engine.contract.running import run_checks

    failed = [result for result in run_checks(architecture) if result.outcome == "failed"]
    if failed:
        lines = [f"{result.check}: {result.reason}\n    {result.why}" for result in failed]
        raise AssertionError(f"{architecture.name} breaks the contract.\n" + "\n".join(lines))


@dataclass(frozen=True)
class _Test:
    """One check of one architecture; what it needs is run once for all of an architecture's tests."""

    name: str
    examination: Examination

    def __str__(self) -> str:
        return f"{self.examination.architecture.name}: {self.name}"

    def __call__(self) -> None:
        __tracebackhide__ = True
        result = self.examination.result(self.name)
        if result.outcome == "failed":
            raise AssertionError(f"{result.reason}\n{result.why}")
        if result.outcome == "not run":
            import pytest

            pytest.skip(result.reason)


def _tests(architecture: Architecture) -> Iterator[_Test]:
    from seqplay.engine.contract.running import Examination

    examination = Examination(architecture)
    for one in examination.checks.values():
        if examination.applies(one):
            yield _Test(one.name, examination)
