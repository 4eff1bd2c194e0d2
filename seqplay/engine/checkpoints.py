"""What a checkpoint holds: everything that the next update depends on, so that resuming continues exactly.

model.safetensors       the averaged weights: what samples, scores, and other tools read
training.safetensors    weights/..., moment1/..., moment2/..., memory/...
state.json              step, seconds, tokens, changed settings, best so far, the memory's shape
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from seqplay.engine.tree import Tree, flatten, shape_of, unflatten
from seqplay.errors import RunError
from seqplay.recipe import fits
from seqplay.runs import commit, rows
from seqplay.runs.best import MODEL, STATE, STATE_BYTES, TRAINING, read_best
from seqplay.runs.tensors import check_tensors


@dataclass
class Changes:
    """What was changed while training: by a person, by the clock, or after a loss that was not finite."""

    steps: int
    """The run's length now."""
    rate_scale: float = 1.0
    anchor_step: int = 0
    anchor_progress: float = 0.0
    """From this step on, the schedule goes evenly from this progress to 1 at `steps`."""


@dataclass
class Training:
    """The whole state of a run between two updates. `step` counts the updates made; `best_step` is None before any
    score.
    """

    network: nn.Module
    averaged: nn.Module
    moment1: list[Tensor]
    moment2: list[Tensor]
    changes: Changes
    memory: Tree = None
    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    best_step: int | None = None
    best_loss: float | None = None
    since_best: int = 0
    """Evaluations since the best one."""
    smoothed_loss: float | None = None
    device: str = "cpu"

    NUMBERS = ("step", "seconds", "tokens", "best_step", "best_loss", "since_best", "smoothed_loss")


def save(checkpoints: Path, training: Training) -> None:
    """Commit a checkpoint of this moment and let go of those that are neither among the newest two nor the best."""
    named = dict(training.network.named_parameters())
    tensors = {f"weights/{name}": t for name, t in training.network.state_dict().items()}
    for moment, values in (("moment1", training.moment1), ("moment2", training.moment2)):
        tensors |= {f"{moment}/{name}": t for name, t in zip(named, values, strict=True)}
    tensors |= {f"memory/{path}": t for path, t in flatten(training.memory).items()}
    state = {name: getattr(training, name) for name in Training.NUMBERS}
    state |= {"changes": dataclasses.asdict(training.changes), "memory": shape_of(training.memory)}
    commit.commit(
        checkpoints,
        training.step,
        {
            MODEL: _bytes(training.averaged.state_dict()),
            TRAINING: _bytes(tensors),
            STATE: json.dumps(state, allow_nan=False).encode(),
        },
    )
    newest = commit.steps(checkpoints)[-2:]
    commit.keep(checkpoints, {*newest, training.step if training.best_step is None else training.best_step})


def load(checkpoints: Path, step: int, training: Training) -> None:
    """Put a run back to where it was at `step`. Raises RunError for a checkpoint that is damaged or of another
    network.
    """
    where = checkpoints / str(step)
    tensors = _tensors(commit.read_file(checkpoints, step, TRAINING), where / TRAINING)
    try:
        state = rows.from_json(commit.read_file(checkpoints, step, STATE, STATE_BYTES))
        named = dict(training.network.named_parameters())
        _fill(training.network.state_dict(), _under(tensors, "weights/"), where / TRAINING)
        for moment, values in (("moment1", training.moment1), ("moment2", training.moment2)):
            _fill(dict(zip(named, values, strict=True)), _under(tensors, f"{moment}/"), where / TRAINING)
        memory = {path: t.to(training.device) for path, t in _under(tensors, "memory/").items()}
        training.memory = unflatten(state["memory"], memory)
        training.changes = Changes(**{f.name: _number(Changes, f.name, state["changes"]) for f in fields(Changes)})
        for name in Training.NUMBERS:
            setattr(training, name, _number(Training, name, state))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
        raise RunError(f"{where} is no whole checkpoint: {type(problem).__name__} {problem}.") from None
    load_model(checkpoints, step, training.averaged)


def load_model(checkpoints: Path, step: int, network: nn.Module) -> None:
    """Give a network the averaged weights of a checkpoint."""
    _fill_model(network, commit.read_file(checkpoints, step, MODEL), checkpoints / str(step) / MODEL)


def load_best(checkpoints: Path, network: nn.Module) -> None:
    """Give a network the averaged weights of the best checkpoint."""
    step, content = read_best(checkpoints, MODEL)
    _fill_model(network, content, checkpoints / str(step) / MODEL)


def _fill_model(network: nn.Module, content: bytes, path: Path) -> None:
    _fill(network.state_dict(), _tensors(content, path), path)


def _bytes(tensors: Mapping[str, Tensor]) -> bytes:
    return safetensors.torch.save({name: t.detach().cpu().contiguous() for name, t in tensors.items()})


def _number(owner: type, name: str, values: Mapping[str, Any]) -> Any:
    """A number of state.json, of the type that its field has; raises KeyError or ValueError for what `save` never
    writes.
    """
    value = values[name]
    if not fits(value, get_type_hints(owner)[name]) or (type(value) is int and not 0 <= value < 1 << 63):
        raise ValueError(f"{name} cannot be {repr(value)[:60]}")
    return value


def _tensors(content: bytes, path: Path) -> dict[str, Tensor]:
    check_tensors(content, path)
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as problem:
        raise RunError(f"Cannot read {path}: {problem}.") from None


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


@torch.no_grad()
def _fill(places: Mapping[str, Tensor], values: Mapping[str, Tensor], path: Path) -> None:
    """Copy values into tensors of the same names, shapes and dtypes; nothing is copied unless all fit."""
    wanted = {name: (tuple(t.shape), t.dtype) for name, t in places.items()}
    found = {name: (tuple(t.shape), t.dtype) for name, t in values.items()}
    if wanted != found:
        odd = next(name for name in sorted({*wanted, *found}) if wanted.get(name) != found.get(name))
        raise RunError(f"{path} does not fit the plan's network: '{odd}' is {found.get(odd)}, not {wanted.get(odd)}.")
    for name, place in places.items():
        place.copy_(values[name])
