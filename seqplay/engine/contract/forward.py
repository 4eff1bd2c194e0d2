"""What a cell's forward gives: of what form, from what it may come, and what it leaves as it was."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

from seqplay.architecture import Architecture
from seqplay.engine.contract.check import BrokenError, reason_of
from seqplay.engine.contract.keeping import check_parameters, differing
from seqplay.engine.contract.numbers import LONG
from seqplay.engine.contract.subject import (
    INPUTS,
    ROWS,
    SIZES,
    TIME,
    WIDTH,
    at,
    build,
    call,
    check_output,
    check_same_form,
    check_state,
    first_difference,
    leaves,
    random_input,
    variants,
)
from seqplay.engine.contract.undisturbed import drawn_since, random_states
from seqplay.engine.tree import detach

LATE = 300  # tokens: more than the window of a cell that sees a part of the past only
FAR_CUTS = (LONG,) * 3, (LONG // 2, LONG, LONG, LONG // 2)
CUTS = ((12, 12), (1,) * 24, (5, 7, 12), (23, 1))


def shapes(architecture: Architecture) -> None:
    for inputs, width in SIZES:
        module = build(architecture, inputs, width)
        check_parameters(module)
        for rows, time in ((1, 1), (ROWS, 1), (1, TIME), (ROWS, TIME)):
            x = random_input(rows, time, inputs)
            y, _ = call(module, x)
            check_output(y, x, width)
        call(module, x, None)
    for words, config in variants(architecture):
        x = random_input()
        try:
            module = build(architecture, config=config)
            check_parameters(module)
            y, _ = call(module, x)
            check_output(y, x, WIDTH)
        except BrokenError as problem:
            raise BrokenError(f"With {words}: {problem}") from None


def state_rules(architecture: Architecture) -> None:
    for inputs, width in SIZES:
        module = build(architecture, inputs, width)
        for rows in (1, ROWS):
            _walk(module, rows, inputs)
    _learn_twice(build(architecture))
    for words, module, inputs in _modules(architecture):
        _check_device(module, random_input(inputs=inputs), words, architecture)


def _walk(module: nn.Module, rows: int, inputs: int) -> None:
    """Carry a state through calls of several lengths."""
    x = random_input(rows, TIME, inputs)
    _, first = call(module, x)
    check_state(first, x)
    _, state = call(module, x[:, :1])
    check_same_form(first, state, "after a first call with 1 token")
    for time in (1, 1, TIME, 2, 60):
        more = random_input(rows, time, inputs)
        before = [(path, tensor.clone()) for path, tensor in leaves(state)]
        y, after = call(module, more, state)
        check_output(y, more, y.shape[-1])
        for (path, was), (_, now) in zip(before, leaves(state), strict=True):
            if not torch.equal(was, now):
                raise BrokenError(
                    f"{at(path)} that was given was changed in place; make new tensors, as others hold it still."
                )
        check_state(after, more)
        check_same_form(first, after, f"after another call with {time} token{'s' if time > 1 else ''}")
        state = after


def _learn_twice(module: nn.Module) -> None:
    """Two updates in a row, the state cut off between them, as a trainer does."""
    x = random_input()
    y, state = call(module, x)
    y.square().sum().backward()  # type: ignore[no-untyped-call]
    y, _ = call(module, x, detach(state))
    try:
        y.square().sum().backward()  # type: ignore[no-untyped-call]
    except RuntimeError as problem:
        if "second time" not in str(problem):
            raise
        raise BrokenError(
            "The second update reaches back into the first, although the state was detached between them; keep "
            "nothing computed in the module, return it as state."
        ) from None


def _check_device(module: nn.Module, x: Tensor, words: str, architecture: Architecture) -> None:
    """Raises BrokenError where forward makes a tensor on torch's default device, which need not be that of x."""
    advice = "make tensors with x.new_zeros, or device=x.device."
    try:
        with torch.device("meta"):
            y, state = call(module, x)
            y, state = call(module, x, state)
    except Exception as problem:
        reason = reason_of(problem, architecture)
        raise BrokenError(f"{words}Where torch's default device is not that of x: {reason}; {advice}") from problem
    for path, tensor in [("", y), *leaves(state)]:
        if tensor.device != x.device:
            what = "y" if tensor is y else at(path)
            raise BrokenError(f"{words}{what} is on torch's default device, and x on another; {advice}")


def same_again(architecture: Architecture) -> None:
    one, other = (build(architecture).state_dict() for _ in range(2))
    if odd := differing(one, other):
        raise BrokenError(
            f"'{odd[0]}' begins with other numbers when it is built again from the same seed; draw weights from "
            "torch's global random state only."
        )
    for training in (False, True):
        module, x = build(architecture, shaken=True).train(training), random_input()
        mode = "training" if training else "evaluation"
        states, weights = random_states(), deepcopy(module.state_dict())
        y, state = call(module, x)
        if changed := differing(weights, module.state_dict()):
            raise BrokenError(
                f"In {mode} mode forward changes '{changed[0]}'; keep nothing in the module from one call to the next, "
                "return it as state. A norm over the batch does so, too."
            )
        if drawn := drawn_since(states):
            raise BrokenError(
                f"In {mode} mode forward draws from {drawn[0]} global random state; dropout is the stack's: take it "
                "out, and draw what has to be random once, into a buffer."
            )
        again, state_again = call(module, x)
        if found := first_difference(again, y, 0.0):
            raise BrokenError(
                f"In {mode} mode the same input twice gives outputs that differ by {found}; keep nothing in the module "
                "from one call to the next, return it as state."
            )
        for (path, one), (_, other) in zip(leaves(state), leaves(state_again), strict=True):
            if isinstance(one, Tensor) and not torch.equal(one, other):
                raise BrokenError(f"{at(path)} differs when the same input is given again.")


def causality(architecture: Architecture) -> None:
    for words, module, inputs in _modules(architecture):
        x = random_input(inputs=inputs)
        y, _ = call(module, x)
        for t in (1, 2, TIME // 2, TIME - 1):
            changed = x.clone()
            changed[:, t:] = 3 * random_input(time=TIME - t, inputs=inputs, seed=2)
            other, _ = call(module, changed)
            if found := first_difference(other[:, :t], y[:, :t], 1e-5):
                raise BrokenError(
                    f"{words}Only token {t} and later ones changed, and the output changed by {found}; an output may "
                    "depend on its own token and earlier ones only."
                )


def rows_apart(architecture: Architecture) -> None:
    module, x = build(architecture, shaken=True), random_input(4)
    for training in (False, True):
        y, _ = call(module.train(training), x)
        for row in range(len(x)):
            alone, _ = call(module, x[row : row + 1])
            if found := first_difference(alone, y[row : row + 1]):
                raise BrokenError(
                    f"Row {row} alone gives another output than in a batch of {len(x)}: {found.amount:.2g} at token "
                    f"{found.token}; dimension 0 is the rows: no mean, softmax or norm over it."
                )


def chunks(architecture: Architecture) -> None:
    for words, module, inputs in _modules(architecture):
        for cut in CUTS:
            _check_cut(module, random_input(time=sum(cut), inputs=inputs), cut, words)
    _check_cut(build(architecture).eval(), random_input(2, LATE), (LATE // 2 - 1, 1, LATE // 2), "")
    _check_far(build(architecture).eval())


def _check_cut(module: nn.Module, x: Tensor, cut: tuple[int, ...], words: str) -> None:
    """Raises BrokenError where the parts differ from the whole. The first part has no past: it is not looked at."""
    whole, parts = _read(module, x, (len(x[0]),)), _read(module, x, cut)
    if found := first_difference(parts[:, cut[0] :], whole[:, cut[0] :]):
        lengths = f"one of {len(x[0])} tokens read one by one" if set(cut) == {1} else f"parts of {cut} tokens"
        raise BrokenError(
            f"{words}In {lengths}, the state carried on, the output at token {cut[0] + found.token}, row {found.row} "
            f"differs by {found.amount:.2g} from one call with all tokens; what a later token needs of earlier ones "
            "must be in the state that is returned, and be used when it is given."
        )


def _check_far(module: nn.Module) -> None:
    """Raises BrokenError where what an output sees depends on where the calls begin, however long ago it was.

    Two ways to cut, as no call need be longer than scoring's: a whole of so many tokens may take gigabytes.
    """
    x = random_input(1, sum(FAR_CUTS[0]))
    one, other = (_read(module, x, cut) for cut in FAR_CUTS)
    if found := first_difference(one, other):
        raise BrokenError(
            f"Read in parts of {LONG:,} tokens, the state carried on, the output at token {found.token:,} differs by "
            f"{found.amount:.2g} from one with the cuts elsewhere; what it sees may not depend on where its call "
            "began: attend to just as many keys as the state holds."
        )


@torch.no_grad()
def _read(module: nn.Module, x: Tensor, cut: tuple[int, ...]) -> Tensor:
    """y of all parts, the state carried on."""
    parts, state = [], None
    for part in torch.split(x, list(cut), dim=1):
        y, state = call(module, part, state)
        parts.append(y)
    return torch.cat(parts, 1)


def _modules(architecture: Architecture) -> Iterator[tuple[str, nn.Module, int]]:
    """Shaken cells of both sizes and with other settings: words to begin a reason with, the cell, its inputs."""
    for inputs, width in SIZES:
        yield "", build(architecture, inputs, width, shaken=True), inputs
    for words, config in variants(architecture):
        yield f"With {words}: ", build(architecture, config=config, shaken=True), INPUTS
