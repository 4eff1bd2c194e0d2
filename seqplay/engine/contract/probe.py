"""The quick look that a trainer takes at a plugin before it plans: does it keep the contract's form at all?

A few calls of a tiny network. What only shows in longer tries is left to `seqplay plugins check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from seqplay.architecture import Architecture
from seqplay.engine.contract.check import reason_of
from seqplay.engine.contract.keeping import check_no_shared, check_parameters, check_used
from seqplay.engine.contract.subject import (
    INPUTS,
    WIDTH,
    build,
    call,
    check_output,
    check_same_form,
    check_state,
    random_input,
)
from seqplay.engine.contract.undisturbed import undisturbed
from seqplay.errors import MissingError

ROWS, TIME = 3, 4


def probe(architecture: Architecture, config: Any, sizes: Sequence[tuple[int, int]] = ((INPUTS, WIDTH),)) -> None:
    """Raises MissingError, in one line, for an architecture that breaks the form of its contract.

    `sizes` are pairs of inputs and width; the first at which a cell can be built is tried, as its config may not fit
    all. Torch's random state stays as it was.
    """
    try:
        with undisturbed():
            if architecture.kind == "model":
                from seqplay.engine.contract.pictures import probe_model

                probe_model(architecture, config)
            else:
                with torch.no_grad():
                    _probe_cell(*_built(architecture, config, sizes))
    except KeyboardInterrupt:  # of the person who waits
        raise
    except BaseException as problem:
        kind, name, reason = architecture.kind, architecture.name, reason_of(problem, architecture).removesuffix(".")
        raise MissingError(
            f"The {kind} '{name}' breaks the contract: {reason}. Check it: seqplay plugins check {name}"
        ) from problem


def _built(architecture: Architecture, config: Any, sizes: Sequence[tuple[int, int]]) -> tuple[nn.Module, int, int]:
    for inputs, width in sizes[:-1]:
        try:
            return build(architecture, inputs, width, config), inputs, width
        except Exception:  # the last size tells
            continue
    inputs, width = sizes[-1]
    return build(architecture, inputs, width, config), inputs, width


def _probe_cell(module: nn.Module, inputs: int, width: int) -> None:
    check_parameters(module)
    check_no_shared(module)
    x = random_input(ROWS, TIME, inputs)
    y, first = call(module, x)
    check_output(y, x, width)
    check_state(first, x)
    for time, state in ((1, None), (1, first)):
        more = x[:, :time]
        y, after = call(module, more, state)
        check_output(y, more, width)
        check_state(after, more)
        check_same_form(first, after, "after a call with 1 token")
    with torch.enable_grad():
        named = dict(module.named_parameters())
        y, _ = call(module, x)
        gradients = torch.autograd.grad(y.sum(), list(named.values()), allow_unused=True) if y.requires_grad else ()
    check_used(
        [name for name, gradient in zip(named, gradients or [None] * len(named), strict=True) if gradient is None]
    )
    alone = x[:1]
    y, after = call(module, alone)
    check_output(y, alone, width)
    check_state(after, alone)
