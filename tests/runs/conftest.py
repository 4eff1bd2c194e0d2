from pathlib import Path

import pytest

from seqplay.runs import shelf
from seqplay.runs.layout import RunFiles


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SEQPLAY_HOME."""
    monkeypatch.setenv("SEQPLAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> RunFiles:
    """A new run without a file in it."""
    return shelf.create("novel", "")
