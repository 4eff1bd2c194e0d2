"""A run as a training leaves it, written without one: importing torch would cost more than every test here."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from seqplay import files, recipe
from seqplay.data import tokens
from seqplay.data.texts import read_sources
from seqplay.recipe import Plan
from seqplay.runs import commit, layout, rows
from seqplay.runs.best import MODEL, STATE
from seqplay.runs.layout import RunFiles

TEXT = "the salt of the harbour\nand the lantern by the sea\n" * 40
H = 8
PLAN = Plan(
    steps=1, cell="lstm", tokens="char", hidden=H, layers=1, embedding=H, dropout=0.0, embedding_dropout=0.0, batch=1,
    sequence=8, learning_rate=0.01, holdout=0.1, seed=0, device="cpu", threads=1, slices=1, precision="float32",
    weight_decay=0.0, warmup=0.0, clip=1.0, average=0.0, evaluate_every=1, minutes=None, patience=None, settings={},
    task="text", source="sea.txt", data="", vocabulary=0, train_tokens=900, held_out_tokens=100, parameters=0,
    layer_table=[], why="", notices=[], codec={}, wrap=False, residual=False, distribution="seqplay", version="0",
    torch="2",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A run whose weights are random numbers."""

    files: RunFiles
    plan: Plan

    @property
    def path(self) -> str:
        return str(self.files.path)

    def commit(self, step: int) -> None:
        """A better checkpoint, with other weights."""
        random = np.random.default_rng(step)
        shapes = {
            "embedding.weight": (self.plan.vocabulary, H),
            "cells.0.layer.weight_ih_l0": (4 * H, H),
            "cells.0.layer.weight_hh_l0": (4 * H, H),
            "cells.0.layer.bias_ih_l0": (4 * H,),
            "cells.0.layer.bias_hh_l0": (4 * H,),
            "head.weight": (self.plan.vocabulary, H),
            "head.bias": (self.plan.vocabulary,),
        }
        weights = {name: random.normal(0, 1, shape).astype(np.float32) for name, shape in shapes.items()}
        state = json.dumps({"best_step": step}).encode()
        commit.commit(self.files.checkpoints, step, {MODEL: safetensors.numpy.save(weights), STATE: state})

    def change_plan(self, **values: Any) -> None:
        row = layout.read_json(self.files.plan) | values
        files.write_atomically(self.files.plan, rows.to_json(row))


@pytest.fixture
def made(tmp_path: Path, home_of_its_own: Path) -> Made:
    source = tmp_path / "sea.txt"
    source.write_text(TEXT)
    codec = tokens.learn("char", [TEXT])
    content = codec.tokenizer_json().encode()
    kept = {"tokenizer.json": hashlib.sha256(content).hexdigest()}
    plan = replace(PLAN, vocabulary=len(codec), data=read_sources([str(source)]).data, codec=kept)
    run = RunFiles(home_of_its_own / "runs" / "sea")
    run.path.mkdir(parents=True)
    run.tokenizer.write_bytes(content)
    run.plan.write_bytes(rows.to_json(recipe.to_json(plan)))
    made = Made(run, plan)
    made.commit(1)
    return made


@pytest.fixture
def plugin(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the worker run some code of a plugin, in place of the module that describes architectures."""

    def install(code: str) -> None:
        folder = tmp_path / "site"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(
            "import sys, types\n"
            "def describe(name, kind):\n"
            + "".join(f"    {line}\n" for line in code.splitlines())
            + "sys.modules['seqplay.engine.descriptions'] = types.SimpleNamespace(describe=describe)\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)

    return install
