"""A run that a newer seqplay has written is refused with both versions, and nothing is written to it (promise D16)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from seqplay.engine import tasks, train
from seqplay.errors import RunError
from seqplay.processes import training
from seqplay.recipe import FORMAT, plan_from_json, recipe_from_json, to_json
from seqplay.runs import commit, layout, rows
from seqplay.runs.layout import RunFiles
from seqplay.runs.summary import summarise
from seqplay.runs.writer import cut

from .conftest import NEWEST, change, every_file
from .test_corrupt_files import ended

BOTH = rf"it has format 999 and this seqplay reads formats up to {FORMAT}\. .*pip install -U seqplay"
Place = Callable[[RunFiles], Path]
PLACES: dict[str, Place] = {
    "recipe.json": lambda run: run.recipe,
    "plan.json": lambda run: run.plan,
    "manifest.json": lambda run: run.checkpoints / str(NEWEST) / commit.MANIFEST,
}
each_place = pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))


def test_every_file_with_a_format_is_here(run: RunFiles) -> None:
    with_format = set()
    for name, content in every_file(run).items():
        if name.endswith(".json") and "format" in json.loads(content):
            with_format.add(Path(name).name)
    assert with_format == set(PLACES)


@each_place
def test_a_newer_file_is_refused_before_a_byte_is_written(
    place: Place, run: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a trainer was started")

    monkeypatch.setattr(subprocess, "Popen", never)
    monkeypatch.setattr(train.sys, "argv", ["train", str(run.path)])
    monkeypatch.setattr(train.signal, "signal", lambda *_: None)
    change(place(run), format=999)
    before = every_file(run)
    with pytest.raises(RunError, match=BOTH):
        training.start(run)
    with pytest.raises(SystemExit) as left:
        train.main()
    assert left.value.code == 65
    for command in ("sample", "show", "runs"):
        assert ended(command, run) in (0, 65)
    assert every_file(run) == before


@each_place
def test_reading_what_is_newer_names_both_versions(place: Place, run: RunFiles) -> None:
    change(place(run), format=999)
    reads: dict[Path, Callable[[], object]] = {
        run.recipe: lambda: layout.read_recipe(run.recipe),
        run.plan: lambda: tasks.reopen(run),
    }
    with pytest.raises(RunError, match=BOTH):
        reads.get(place(run), lambda: commit.verify(run.checkpoints, NEWEST))()
    if place(run) in reads:
        assert "pip install -U seqplay" in (summarise(run).problem or "")


def test_a_newer_checkpoint_of_an_old_run_is_not_taken_for_a_damaged_one(run: RunFiles) -> None:
    """Going back to the checkpoint before it would throw away what the newer seqplay has trained."""
    change(PLACES["manifest.json"](run), format=999)
    assert layout.read_plan(run).format == FORMAT
    with pytest.raises(RunError, match=BOTH):
        training.start(run)


def test_fields_that_this_version_does_not_know_are_written_back(run: RunFiles) -> None:
    unknown = {"later": {"a": [1, None, "한"]}, "extra": 5}
    change(run.recipe, **unknown)
    change(run.plan, **unknown)
    recipe = recipe_from_json(layout.read_json(run.recipe), run.recipe)
    plan = plan_from_json(layout.read_json(run.plan), run.plan)
    for kept, path in ((recipe, run.recipe), (plan, run.plan)):
        assert rows.from_json(rows.to_json(to_json(kept))) == layout.read_json(path)
        assert unknown.keys() <= to_json(kept).keys()
    assert asdict(plan)["extra"] == unknown


def test_rows_and_fields_of_a_log_that_this_version_does_not_know_stay_byte_for_byte(run: RunFiles) -> None:
    later = b'{"kind": "later", "step": 1, "what": [1.50, {"a":null}]}\n{"kind":"step","step":2,"more":  1}\n'
    run.log.write_bytes(later + b'{"kind":"step","step":3}\n')
    cut(run.log, 2)
    assert run.log.read_bytes() == later
