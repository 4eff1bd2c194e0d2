"""Whether what a cell tells beside forward is the same: its trace, and its step without torch."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqplay.architecture import Architecture, Trace
from seqplay.engine.contract.check import BrokenError
from seqplay.engine.contract.manners import LIMIT_SECONDS
from seqplay.engine.contract.subject import (
    INPUTS,
    SHAKE,
    SIZES,
    TIME,
    TOLERANCE,
    WIDTH,
    at,
    build,
    call,
    first_difference,
    form,
    leaves,
    random_input,
)
from seqplay.engine.contract.undisturbed import undisturbed
from seqplay.engine.sampling import step_of
from seqplay.engine.stack import Stack, StackShape

EQUAL = 1e-5
VOCABULARY = 7
TOKENS = (1, 5, 2, 2, 0, 6, 3, 1, 4)
HAS_TORCH = 3  # an exit code
ALONE = f"""
import importlib, sys
sys.path[:] = sys.argv[2:]
importlib.import_module(sys.argv[1])
sys.exit({HAS_TORCH} * ("torch" in sys.modules))
"""


def without_trace(architecture: Architecture) -> str:
    """Why there is no trace to check; "" where there is one."""
    owner: Any = architecture.module
    if not isinstance(owner, type):
        try:
            with undisturbed():
                owner = build(architecture)
        except KeyboardInterrupt:
            raise
        except BaseException:  # which other checks tell
            return "it cannot be built"
    return "" if callable(getattr(owner, "trace", None)) else "it has no trace"


def without_step(architecture: Architecture) -> str:
    return "" if architecture.step else "it names no step"


@torch.no_grad()
def trace_equals_forward(architecture: Architecture) -> None:
    for inputs, width in SIZES:
        module: Any = build(architecture, inputs, width, shaken=True).eval()
        x = random_input(inputs=inputs)
        _, carried = call(module, x)
        for words, state in (("from the start", None), ("from a carried state", carried)):
            traced = _check_trace(module, x, state, words)
        changed = x.clone()
        changed[:, TIME // 2 :] += 3
        for name, told in module.trace(changed, carried)[2].items():
            if found := first_difference(told.values[:, : TIME // 2], traced[name].values[:, : TIME // 2], EQUAL):
                raise BrokenError(
                    f"Only token {TIME // 2} and later ones changed, and '{name}' of the trace changed by {found}."
                )


def _check_trace(module: Any, x: Tensor, state: Any, words: str) -> dict[str, Trace]:
    """The traces, each looked at."""
    y, after = call(module, x, state)
    given = module.trace(x, state)
    if not isinstance(given, tuple | list) or len(given) != 3 or not isinstance(given[2], dict):
        raise BrokenError("trace must return y, state and a dict {name: Trace(values (B, T, K), low, high)}.")
    traced_y, traced_after, traces = given
    for what, ours, theirs in (("y", y, traced_y), ("a state", after, traced_after)):
        if form(ours) != form(theirs):
            raise BrokenError(f"trace returns {what} of another form than forward, {words}.")
    if found := first_difference(traced_y, y, EQUAL):
        raise BrokenError(f"y of trace differs from forward's by {found}, {words}; compute both by the same lines.")
    for (path, one), (_, other) in zip(leaves(after), leaves(traced_after), strict=True):
        if not torch.allclose(one, other, rtol=EQUAL, atol=EQUAL):
            raise BrokenError(f"{at(path)} that trace returns differs from forward's, {words}.")
    if not traces:
        raise BrokenError("trace returns an empty dict: there is nothing to draw.")
    for name, told in traces.items():
        _check_told(name, told, x)
    return dict(traces)


def _check_told(name: Any, told: Any, x: Tensor) -> None:
    if not isinstance(name, str) or not isinstance(told, Trace) or not isinstance(told.values, Tensor):
        raise BrokenError(
            f"trace has {name!r}: a {type(told).__name__}; it must be a text: Trace(a tensor, low, high)."
        )
    if told.values.ndim != 3 or told.values.shape[:2] != x.shape[:2]:
        raise BrokenError(
            f"'{name}' of the trace is {tuple(told.values.shape)}; it must be (B, T, K), here (3, 12, K)."
        )
    if not (math.isfinite(told.low) and math.isfinite(told.high) and told.low < told.high):
        raise BrokenError(f"'{name}' of the trace has a scale from {told.low} to {told.high}.")
    if not told.values.isfinite().all():
        raise BrokenError(f"'{name}' of the trace has values that are not finite.")
    low, high = float(told.values.min()), float(told.values.max())
    slack = EQUAL * (told.high - told.low)
    if low < told.low - slack or high > told.high + slack:
        raise BrokenError(
            f"'{name}' of the trace has values from {low:.3g} to {high:.3g}, and says they are within {told.low:g} and "
            f"{told.high:g}; give Trace the ends of its scale."
        )


def _alone(module: str) -> str:
    """What is wrong with importing a step's module in a process of its own; "" where nothing is."""
    command = [sys.executable, "-P", "-c", ALONE, module, *sys.path]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_SECONDS, start_new_session=True
        )
    except subprocess.TimeoutExpired:
        return f"importing its module was not done after {LIMIT_SECONDS:g} s."
    if done.returncode == HAS_TORCH:
        return (
            "importing its module brings torch in, which sampling does without; put the step into a file of its own, "
            "and leave __init__.py of its package empty."
        )
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
    return f"its module cannot be imported by itself: {said[-1]}" if done.returncode else ""


@torch.no_grad()
def step_equals_forward(architecture: Architecture) -> None:
    if problem := _alone(architecture.step.partition(":")[0]):
        raise BrokenError(f"{architecture.step}: {problem}")
    for embedding in (INPUTS, WIDTH):
        torch.manual_seed(0)
        shape = StackShape(VOCABULARY, embedding, WIDTH, 2, 0.0)
        network: nn.Module = Stack(architecture, architecture.config(), shape).eval()
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=SHAKE)
        nn.init.normal_(network.get_parameter("head.weight"))
        assert isinstance(network, Stack)
        wanted = network(torch.tensor([TOKENS]))[0][0].numpy()
        step, state = step_of(network), None
        for place, (token, logits) in enumerate(zip(TOKENS, wanted, strict=True)):
            found, state = step(token, state)
            apart = np.abs(np.asarray(found) - logits).max() if np.shape(found) == logits.shape else math.inf
            if not apart <= TOLERANCE * max(1.0, np.abs(wanted).max()):
                raise BrokenError(
                    f"Two layers stepped by {architecture.step} differ from torch by {apart:.2g} at token {place}"
                    f"{', the first one' if place == 0 else ', by the state that was carried'}; compute what forward "
                    "does."
                )
