"""Whether a cell's numbers stay numbers: over thousands of tokens, and in bfloat16."""

from __future__ import annotations

import torch
from torch import Tensor

from seqplay.architecture import Architecture
from seqplay.engine.contract.check import BrokenError
from seqplay.engine.contract.subject import SIZES, build, call, check_same_form, random_input
from seqplay.engine.tree import detach

LONG = 2048  # tokens of a call, as many as scoring reads at a time
CALLS = 3  # that carry a state: more tokens than most tables of learned positions have
FAR = 0.1  # of the outputs' size, what 8 bits of a number may cost over a few tokens


def long_sequences(architecture: Architecture) -> None:
    module, x = build(architecture), random_input(1, LONG).requires_grad_()
    y, state = call(module, x)
    if (token := _first_bad(y)) is not None:
        raise BrokenError(
            f"In one call with {LONG:,} tokens y is not finite from token {token} on; do not divide by a product of "
            "many gates, which becomes 0: work in logarithms, in parts, or token by token."
        )
    y.square().mean().backward()  # type: ignore[no-untyped-call]
    for name, tensor in (("x", x), *module.named_parameters()):
        if tensor.grad is not None and not tensor.grad.isfinite().all():
            raise BrokenError(
                f"In one call with {LONG:,} tokens y is finite, and the gradient of '{name}' is not; look for a "
                "division by a number that becomes 0, or a logarithm or root of it."
            )
    with torch.no_grad():
        state = detach(state)
        for number in range(1, CALLS):
            y, state = call(module, random_input(1, LONG, seed=number), state)
            if (token := _first_bad(y)) is not None:
                raise BrokenError(
                    f"In calls with {LONG:,} tokens each, the state carried on, y is not finite from token "
                    f"{number * LONG + token:,} on; what the state adds up must have a bound."
                )


def bfloat16(architecture: Architecture) -> None:
    for inputs, width in SIZES:
        module, x = build(architecture, inputs, width), random_input(inputs=inputs)
        wanted, state = call(module, x)
        wanted, _ = call(module, x, state)
        with torch.autocast("cpu", torch.bfloat16):
            _, first = call(module, x)
            y, after = call(module, x, first)
        if not y.dtype.is_floating_point or not y.isfinite().all():
            raise BrokenError(
                "In bfloat16 y is not finite; compute it in float32 (x.float()), or say precision='float32'."
            )
        check_same_form(first, after, "after a second call in bfloat16")
        far = float((y.float() - wanted).square().mean().sqrt() / wanted.square().mean().sqrt().clamp(min=1e-6))
        if far > FAR:
            raise BrokenError(
                f"In bfloat16 y is {100 * far:.0f} % away from y in float32, more than {100 * FAR:.0f} %; compute sums "
                "over many tokens in float32, or say precision='float32'."
            )
        module.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = call(module, x)[0].float().square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        for name, parameter in module.named_parameters():
            if parameter.grad is not None and not parameter.grad.isfinite().all():
                raise BrokenError(f"In bfloat16 the gradient of '{name}' is not finite; or say precision='float32'.")


def _first_bad(y: Tensor) -> int | None:
    bad = (~y.isfinite()).flatten(2).any(-1).any(0).nonzero()
    return int(bad[0]) if len(bad) else None
