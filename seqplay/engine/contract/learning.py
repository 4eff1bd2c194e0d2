"""Whether a cell learns: all of it, and by seqplay's own loop."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay.architecture import Architecture
from seqplay.engine import loop
from seqplay.engine.contract.check import BrokenError
from seqplay.engine.contract.keeping import check_used
from seqplay.engine.contract.subject import TIME, build, call, random_input
from seqplay.engine.contract.trial import Letters, plan_for, training_of
from seqplay.engine.loop import DivergedError
from seqplay.engine.stack import Stack, StackShape

LETTERS = "helo"
SPELLED = "hello"
STARTS = (0, 1, 4)  # where rows begin: at an "l" nobody can know which of the two it is
UNITS, READ, UPDATES, ENOUGH = 16, 10, 300, 0.1
QUICK = 0.01  # a rate for so few units, where a cell's own is for many


def gradients(architecture: Architecture) -> None:
    for shaken in (False, True):
        dead, x = _dead(build(architecture, shaken=shaken))
        if not dead:
            break  # else a weight that begins at 0 may have kept a gradient from it
    check_used(dead)
    if x.grad is None or not x.grad.any():
        raise BrokenError("x gets no gradient from any output, so that layers below learn nothing; look for a detach.")


def _dead(module: nn.Module) -> tuple[list[str], Tensor]:
    """Parameters without a gradient, and x."""
    x = random_input(time=2 * TIME).requires_grad_()
    y, _ = call(module, x)
    if y.requires_grad:
        (y * torch.randn(y.shape)).sum().backward()  # type: ignore[no-untyped-call]
    return [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()], x


def learns_hello(architecture: Architecture) -> None:
    tries = []
    for rate in _rates(architecture):
        loss, wrote = _try_hello(architecture, rate)
        if not wrote:
            return
        tries.append((loss, wrote))
    best, wrote = min(tries)
    raise BrokenError(
        f"A stack of one layer with {UNITS} units still has a loss of {best:.2f} after {UPDATES} updates on 'hello', "
        f"where {ENOUGH} is easy, and goes on with '{wrote}' after 'h', not 'ellohelloh'; after an 'l' only the state "
        "tells what comes: look at what it holds, and how gates begin."
    )


def _rates(architecture: Architecture) -> list[float]:
    return sorted({max(architecture.learning_rate, QUICK), architecture.learning_rate}, reverse=True)


def _try_hello(architecture: Architecture, rate: float) -> tuple[float, str]:
    """The loss at the end, and what is written after "h"; "" where that and the loss are right."""
    torch.manual_seed(0)
    network = Stack(architecture, architecture.config(), StackShape(len(LETTERS), UNITS, UNITS, 1, 0.0))
    ids = torch.tensor([[LETTERS.index(SPELLED[(s + t) % len(SPELLED)]) for t in range(READ + 1)] for s in STARTS])
    plan = plan_for(architecture, rows=len(STARTS), steps=UPDATES, learning_rate=rate)
    task, training, hands = Letters(lambda _: ids), training_of(network, plan), loop.Hands(plan)
    loss, wrote = float("inf"), ""
    try:
        for step in range(1, UPDATES + 1):
            loop.update(training, task.as_task, plan, hands)
            if step % 20 == 0:
                loss, right, wrote = _read(network, ids)
                if loss < ENOUGH and right:
                    return loss, ""
    except DivergedError:
        raise BrokenError(f"After {training.step} updates on 'hello' a loss or gradient is not finite.") from None
    finally:
        hands.close()
    return loss, wrote


@torch.no_grad()
def _read(network: Stack, ids: Tensor) -> tuple[float, bool, str]:
    """The loss, whether every letter is the right one, and the letters that follow the first row's."""
    logits: Any = network.eval()(ids[:, :-1])[0]
    read = logits.argmax(-1)
    loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    return float(loss), torch.equal(read, ids[:, 1:]), "".join(LETTERS[i] for i in read[0].tolist())
