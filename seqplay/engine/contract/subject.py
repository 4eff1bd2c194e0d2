"""The cell under examination: how it is built and called, and how two outputs or states are told apart."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from seqplay.architecture import Architecture
from seqplay.engine.contract.check import BrokenError
from seqplay.options import configure, options_of

INPUTS, WIDTH = 5, 16
SIZES = ((INPUTS, WIDTH), (WIDTH, WIDTH))
"""inputs and width: the first layer's differ where the embedding has another size than the layers."""
ROWS, TIME = 3, 12
TOLERANCE = 1e-4  # of float32, by the contract
SMALLEST_SCALE = 0.05  # outputs below it are compared as if they were so large
SHAKE = 0.05
SAYS = "end forward with `return y, state`"
BRANCHES = (tuple, list, dict)


def build(
    architecture: Architecture,
    inputs: int = INPUTS,
    width: int = WIDTH,
    config: Any = None,
    seed: int = 0,
    shaken: bool = False,
) -> nn.Module:
    """A new cell. `shaken` moves every weight a little, so that one that begins at 0 shows what it does."""
    torch.manual_seed(seed)
    _check_takes(architecture.module, (None, inputs, width), "def __init__(self, config, inputs, width)")
    module = architecture.module(architecture.config() if config is None else config, inputs, width)
    if not isinstance(module, nn.Module):
        raise BrokenError(f"module(config, inputs, width) gives a {type(module).__name__}; derive it from nn.Module.")
    for given in ((None,), (None, None)):
        _check_takes(module.forward, given, "def forward(self, x, state=None)")
    if shaken:
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=SHAKE)
    return module


def _check_takes(function: Callable[..., Any], given: tuple[Any, ...], wanted: str) -> None:
    """Raises BrokenError where a function takes other arguments than are given to it."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of compiled code nobody can tell
        return
    try:
        signature.bind(*given)
    except TypeError as problem:
        raise BrokenError(f"It takes other arguments than it is given ({problem}): {wanted}.") from None


def variants(architecture: Architecture) -> Iterator[tuple[str, Any]]:
    """The settings that are tried beside the default ones, each with its words: every other choice, and the low ends.

    The high ends may be large. What a cell refuses by a ValueError when it is built (heads that do not divide the
    width) is left out.
    """
    for option in options_of(architecture.config):
        values: list[Any] = [choice for choice in option.choices if choice != option.default]
        if option.type is bool:
            values = [not option.default]
        elif option.low is not None and option.low != option.default:
            values = [option.low]
        for value in values:
            config = configure(architecture.config, {option.name: value}, f"the cell '{architecture.name}'")
            try:
                build(architecture, config=config)
            except ValueError:
                continue
            yield f"{option.name}={value:g}" if isinstance(value, float) else f"{option.name}={value}", config


def random_input(rows: int = ROWS, time: int = TIME, inputs: int = INPUTS, seed: int = 1) -> Tensor:
    """x (rows, time, inputs)."""
    return torch.randn(rows, time, inputs, generator=torch.Generator().manual_seed(seed))


def call(module: nn.Module, x: Tensor, *state: Any) -> tuple[Tensor, Any]:
    """y and the next state; BrokenError where forward gives no such pair."""
    given = module(x, *state)
    if given is None:
        raise BrokenError(f"forward returns None instead of two things: {SAYS}.")
    if not isinstance(given, tuple | list):
        raise BrokenError(f"forward returns a {type(given).__name__} instead of two things: {SAYS}.")
    if len(given) != 2:
        raise BrokenError(f"forward returns {len(given)} things instead of two: {SAYS}.")
    y, after = given
    if not isinstance(y, Tensor):
        raise BrokenError(f"y is a {type(y).__name__}, no tensor: {SAYS}.")
    return y, after


def check_output(y: Tensor, x: Tensor, width: int) -> None:
    """Raises BrokenError unless y is finite, float32, of x's device, and (B, T, width)."""
    wanted = (*x.shape[:2], width)
    if tuple(y.shape) != wanted:
        raise BrokenError(f"y has the shape {tuple(y.shape)} for x {tuple(x.shape)}; it must be {wanted}.")
    if y.dtype != torch.float32:
        raise BrokenError(f"y is {_words(y.dtype)} for a float32 x; return it in x's dtype, as with y.to(x.dtype).")
    if y.device != x.device:
        raise BrokenError(f"y is on {y.device}, x on {x.device}; make tensors with x.new_zeros, or device=x.device.")
    if not y.isfinite().all():
        row, token, unit = (int(place) for place in (~y.isfinite()).nonzero()[0])
        raise BrokenError(
            f"y is {float(y[row, token, unit])} at row {row}, token {token}, unit {unit} before any training; "
            "look for a division by 0, a log of 0 or an exp of a large number."
        )


def leaves(state: Any) -> list[tuple[str, Any]]:
    """Everything in a state that is no tuple, list or dict, by its path, such as "0/key"; None is nothing."""
    return [(path, node) for path, node in _nodes(state) if node is not None and type(node) not in BRANCHES]


def _nodes(state: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """A state and all that is in it, by path."""
    yield path, state
    if type(state) in BRANCHES:
        for key, value in state.items() if type(state) is dict else enumerate(state):
            yield from _nodes(value, f"{path}/{key}" if path else str(key))


def check_state(state: Any, x: Tensor) -> None:
    """Raises BrokenError unless a state is a tree of tensors with x's rows first, on x's device."""
    for path, leaf in leaves(state):
        named = at(path)
        if not isinstance(leaf, Tensor):
            raise BrokenError(
                f"{named} is a {type(leaf).__name__}; a state has tensors only, in tuples, lists and dicts. Make a "
                "number a tensor with a value for each row."
            )
        if leaf.ndim == 0 or leaf.shape[0] != x.shape[0]:
            raise BrokenError(
                f"{named} has the shape {tuple(leaf.shape)} for {x.shape[0]} rows; dimension 0 must be the rows."
            )
        if leaf.device != x.device:
            raise BrokenError(f"{named} is on {leaf.device}, x on {x.device}; make it with x.new_zeros.")
    keys = [key for _, node in _nodes(state) if type(node) is dict for key in node]
    if odd := [key for key in keys if not isinstance(key, str)]:
        raise BrokenError(
            f"A dict of the state has the key {odd[0]!r}; use texts, as checkpoints name tensors by them."
        )


def check_same_form(first: Any, later: Any, when: str) -> None:
    """Raises BrokenError unless two states have the same tree, shapes and dtypes."""
    one, other = form(first), form(later)
    for path in {**one, **other}:
        if one.get(path) != other.get(path):
            raise BrokenError(
                f"{at(path)} is {other.get(path, 'missing')} {when}, and was {one.get(path, 'missing')} after "
                "the first call; a state keeps its tree, shapes and dtypes for ever."
            )


def at(path: str) -> str:
    """Where something stands in a state, in words."""
    return f"The state at {path}" if path else "The state"


def form(state: Any) -> dict[str, str]:
    """The tree of a state, with the dtype and shape of each tensor, in words by path."""
    return {path: _form(node) for path, node in _nodes(state)}


def _form(node: Any) -> str:
    if isinstance(node, Tensor):
        return f"{_words(node.dtype)} {tuple(node.shape)}"
    return "None" if node is None else f"a {type(node).__name__}{f' of {len(node)}' if type(node) in BRANCHES else ''}"


@dataclasses.dataclass(frozen=True)
class Difference:
    """The earliest token at which two outputs (B, T, K) differ, the row where they do so most, and by how much."""

    token: int
    row: int
    amount: float

    def __str__(self) -> str:
        return f"{self.amount:.2g} at token {self.token}, row {self.row}"


def first_difference(one: Tensor, other: Tensor, tolerance: float = TOLERANCE) -> Difference | None:
    """None where two outputs (B, T, K) differ nowhere by more than `tolerance` of the largest number."""
    one, other = one.detach().double(), other.detach().double()
    largest = float(other.abs().max()) if other.numel() else 0.0
    scale = max(SMALLEST_SCALE, largest) if math.isfinite(largest) else 1.0
    apart = (one - other).abs().nan_to_num(math.inf, math.inf).amax(-1)
    tokens = (apart > tolerance * scale).any(0).nonzero().flatten()
    if len(tokens) == 0:
        return None
    token = int(tokens[0])
    row = int(apart[:, token].argmax())
    return Difference(token, row, float(apart[row, token]))


def _words(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
