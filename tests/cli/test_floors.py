"""Imports go downwards only, and no viewer reaches torch (design.md, section 3)."""

import subprocess
import sys
from pathlib import Path

from .conftest import GUARD, ROOT

WALK = """
import importlib, pathlib, sys, seqplay
root = pathlib.Path(seqplay.__file__).parent
files = sorted(path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
names = [".".join(file.parts).removesuffix(".__init__") for file in files if "engine" not in file.parts]
names = [name for name in names if not name.startswith(("seqplay.scaffold.cell.", "seqplay.scaffold.model."))]
for name in names:
    importlib.import_module(name)
    assert "torch" not in sys.modules, name
    assert not any(loaded.startswith("seqplay.engine.") for loaded in sys.modules), name
print(*names)
"""


def test_no_module_outside_the_engine_imports_torch() -> None:
    walked = subprocess.run([sys.executable, "-P", "-c", WALK], capture_output=True, text=True, timeout=GUARD)
    assert walked.returncode == 0, walked.stderr
    names = set(walked.stdout.split())
    assert {"seqplay.cli.train", "seqplay.processes.worker", "seqplay.steps.cells.lstm", "seqplay.wire"} <= names


def test_the_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run([command, "--no-cache"], capture_output=True, text=True, cwd=ROOT, timeout=GUARD)
    assert linted.returncode == 0, linted.stdout
    assert "0 broken" in linted.stdout
