"""Which file of a run is where, and which formats of it can be read.

A run is a directory, and the only thing that processes share. `recipe.json` (what was asked) is never rewritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqplay import files
from seqplay.errors import RunError
from seqplay.recipe import FORMAT, Plan, Recipe, plan_from_json, recipe_from_json
from seqplay.runs import rows

CODEC_BYTES = 1 << 26  # the largest file of a codec that is read
MOST_MARKS = {b":": 9 << 17, b",": 27 << 17, b"[": 9 << 17, b"{": 1 << 17}
"""What a codec may hold of each: enough for a million entries, too little to grow far beyond the file's size."""


@dataclass(frozen=True)
class RunFiles:
    """The paths of one run; none of them need exist."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.json"

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def tokenizer(self) -> Path:
        return self.path / "tokenizer.json"

    @property
    def pixels(self) -> Path:
        return self.path / "pixels.json"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def figures(self) -> Path:
        return self.path / "figures.jsonl"

    @property
    def control(self) -> Path:
        return self.path / "control.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def process(self) -> Path:
        return self.path / "process.json"

    @property
    def output(self) -> Path:
        return self.path / "output.txt"

    @property
    def lock(self) -> Path:
        return self.path / "lock"


def read_json(path: Path, limit_bytes: int = 1 << 20) -> dict[str, Any]:
    """The object in a JSON file. Raises RunError, naming the path, for a file that is missing, too large or damaged."""
    data = files.read_bytes(path, limit_bytes)
    try:
        return rows.from_json(data)
    except ValueError as error:
        raise RunError(f"Cannot read {path}: {error}.") from error


def check_format(row: Mapping[str, Any], path: object = "this run") -> None:
    """Raises RunError, naming `path`, if a newer seqplay wrote this; an absent `format` is the first one."""
    found = row.get("format", FORMAT)
    if type(found) is not int or not 1 <= found < 2**31:
        raise RunError(f"Cannot read {path}: it is damaged, {ascii(found)[:40]} is no format number.")
    if is_newer(row):
        known = f"this seqplay reads formats up to {FORMAT}"
        raise RunError(f"Cannot read {path}: it has format {found} and {known}. Upgrade it: pip install -U seqplay")


def is_newer(row: Mapping[str, Any]) -> bool:
    """Whether a newer seqplay wrote this."""
    found = row.get("format")
    return type(found) is int and FORMAT < found < 2**31


def read_plan(run: RunFiles) -> Plan:
    """The plan of a run; raises RunError where there is none yet, or none that this version can read."""
    if not run.plan.exists():
        raise RunError(f"{run.name} has no plan yet: its training has not begun.")
    row = read_json(run.plan)
    check_format(row, run.plan)
    return plan_from_json(row, run.plan)


def read_codec(run: RunFiles, plan: Plan, name: str = "tokenizer.json") -> str:
    """A file of the run's codec. Raises RunError where it is not the one that the plan was made with."""
    path = run.path / name
    content = files.read_bytes(path, CODEC_BYTES)
    if hashlib.sha256(content).hexdigest() != plan.codec.get(name):
        raise RunError(f"{path} is damaged: it is not the file that the run was planned with.")
    if any(content.count(mark) > most for mark, most in MOST_MARKS.items()):
        raise RunError(f"Cannot read {path}: it has more than {1 << 20:,} entries.")
    return content.decode("utf-8", "replace")


def read_recipe(path: Path) -> Recipe:
    """A recipe file; raises RunError where it is missing, damaged, or of a newer version."""
    row = read_json(path)
    check_format(row, path)
    return recipe_from_json(row, path)
