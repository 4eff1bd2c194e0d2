"""Shared by all tests: a home of their own, and no silent skips where all tools are supposed to be there."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from forking import FORKS


@pytest.fixture(autouse=True)
def home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees, or writes into, the runs of whoever runs it."""
    home = tmp_path / "seqplay-home"
    monkeypatch.setenv("SEQPLAY_HOME", str(home))
    return home


def pytest_collection_finish() -> None:
    """What is imported by now stays: collecting garbage need not look through it, again and again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def forks_end_with_the_session() -> Iterator[None]:
    yield
    FORKS.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if os.environ.get("SEQPLAY_NO_SKIPS") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and SEQPLAY_NO_SKIPS is set: {report.longrepr}"
    return report
