"""One update, from top to bottom: deal rows to threads, add up gradients, clip, step, average. And the quick score.

What happens between updates stands in drive.py. A run is a pure function of its plan and of the changes in its log, so
nothing in between may touch weights, moments or memory, or draw a random number that lasts.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim.adamw import adamw  # the function: the class would import torch._dynamo, a second, on its first step

from seqplay.engine import device
from seqplay.engine.checkpoints import Changes, Training
from seqplay.engine.task import Batch, Loss, Phase, Score, Task
from seqplay.engine.tree import Tree, detach, join_rows, rows_of
from seqplay.recipe import Plan

Result = TypeVar("Result")
EPSILON = 1e-8


class DivergedError(Exception):
    """A loss, a gradient or a weight was not finite: the run has to go back to a checkpoint."""


@dataclass(frozen=True)
class Updated:
    """What one update saw: the loss before it (nats per token; None where its phase was left out), the gradient's
    length before clipping, the rate it used, and the task's further numbers, each a mean over the tokens.
    """

    train_loss: float | None
    gradient_norm: float
    learning_rate: float
    numbers: dict[str, float]


class Hands:
    """The threads that share the work of a batch: as many as the plan says, in an order that never varies."""

    def __init__(self, plan: Plan) -> None:
        self.slices = plan.slices
        torch.set_num_threads(plan.threads if plan.slices == 1 else 1)
        self._pool = ThreadPoolExecutor(plan.slices, initializer=_enter_thread)

    def deal(self, work: Callable[[slice], Result], rows: int) -> list[Result]:
        """What `work` gives for each share of the rows."""
        cuts = [rows * i // self.slices for i in range(self.slices + 1)]
        parts = [slice(a, b) for a, b in pairwise(cuts) if a < b]
        if self.slices == 1:
            return [work(part) for part in parts]
        try:
            return list(self._pool.map(work, parts))
        finally:
            torch.clear_autocast_cache()

    def close(self) -> None:
        self._pool.shutdown()


def _enter_thread() -> None:
    """Make a thread ready to share work.

    All threads share autocast's cache of weights in bfloat16, and the first that leaves autocast would empty it while
    the others compute, at a moment that varies, and with it the rounding of their gradients. One more level of nesting
    leaves the emptying to `deal`.
    """
    torch.set_num_threads(1)
    torch.autocast_increment_nesting()


def start(task: Task, plan: Plan) -> Training:
    """A run before its first update."""
    network = task.build(plan)
    task.prepare(network)
    network.to(plan.device)
    averaged = copy.deepcopy(network).requires_grad_(False).eval()
    moment1, moment2 = ([torch.zeros_like(p) for p in network.parameters()] for _ in range(2))
    return Training(network, averaged, moment1, moment2, Changes(plan.steps), device=plan.device)


def update(training: Training, task: Task, plan: Plan, hands: Hands, only: Collection[str] = ()) -> Updated:
    """Make one update, of the phases named in `only` where it names any. Raises DivergedError when a loss, a gradient
    or a new weight is not finite.
    """
    network, step = training.network, training.step
    network.train()
    seed_generator(plan, step)
    batch, afresh = task.batch(network, plan, step)
    memory = None if afresh else training.memory
    rate = learning_rate(plan, training.changes, step)
    places = {id(parameter): place for place, parameter in enumerate(network.parameters())}
    phases = task.phases(network)
    losses: dict[str, list[float]] = {}
    numbers: dict[str, list[float]] = {}
    for phase in phases:
        if only and phase.name not in only:
            continue
        made = _gradient(phase, batch, memory, plan, hands)
        norm = float(get_total_norm(made.gradient)) / made.count
        losses.setdefault(phase.name, []).append(made.loss)
        for name, value in made.numbers.items():
            numbers.setdefault(f"train_{name}", []).append(value)
        if not (math.isfinite(made.loss) and math.isfinite(norm)):
            raise DivergedError
        scale = min(1.0, plan.clip / max(norm, 1e-12)) / made.count
        chosen = [places[id(parameter)] for parameter in phase.parameters]
        _adamw(training, chosen, made.gradient, scale, rate, plan)
    if not math.isfinite(float(get_total_norm([p.detach() for p in network.parameters()]))):
        raise DivergedError  # else the next commit would keep them, and there would be no way back
    _average(training, plan)

    training.memory, training.step, training.tokens = made.memory, step + 1, training.tokens + made.count
    smoothed, loss = training.smoothed_loss, made.loss if phases[-1].name in losses else None
    if loss is not None:
        training.smoothed_loss = loss if smoothed is None else 0.98 * smoothed + 0.02 * loss
    numbers |= {f"{name}_loss": seen for name, seen in losses.items() if name}
    return Updated(loss, norm, rate, {name: sum(seen) / len(seen) for name, seen in numbers.items()})


@dataclass(frozen=True)
class _Gradient:
    """Means over the `count` tokens of a batch, but of the gradient the sum; and the memory that follows."""

    gradient: list[Tensor]
    loss: float
    count: int
    memory: Tree
    numbers: dict[str, float]


def _gradient(phase: Phase, batch: Batch, memory: Tree, plan: Plan, hands: Hands) -> _Gradient:
    def work(rows: slice) -> tuple[Loss, Sequence[Tensor]]:
        part = {name: tensor[rows].to(plan.device) for name, tensor in batch.items()}
        with device.autocast(plan.device, plan.precision):
            loss = phase.loss(part, rows_of(memory, rows))
        gradient = torch.autograd.grad(loss.total, phase.parameters)
        return replace(loss, total=loss.total.detach(), memory=detach(loss.memory)), gradient

    losses, gradients = zip(*hands.deal(work, rows_in(batch)), strict=True)
    count = sum(loss.count for loss in losses)
    return _Gradient(
        [sum(parts[1:], start=parts[0]) for parts in zip(*gradients, strict=True)],
        sum(float(loss.total) for loss in losses) / count,
        count,
        join_rows([loss.memory for loss in losses]),
        _means([loss.numbers for loss in losses], count),
    )


def _means(totals: Sequence[Mapping[str, Tensor]], count: int) -> dict[str, float]:
    return {name: sum(float(part[name].detach()) for part in totals) / count for name in totals[0]}


@torch.no_grad()
def _adamw(
    training: Training, chosen: Sequence[int], gradient: Sequence[Tensor], scale: float, rate: float, plan: Plan
) -> None:
    """Adam with decoupled weight decay, on matrices only (Loshchilov & Hutter 2019,
    https://arxiv.org/abs/1711.05101), for the parameters at the `chosen` places, by `scale` times their gradient.
    """
    parameters = list(training.network.parameters())
    # The fused kernel reads memory as it lies, and a convolution's gradient may lie otherwise than its weights.
    laid_out = (torch.mul(g, scale, out=torch.empty_like(parameters[i])) for i, g in zip(chosen, gradient, strict=True))
    gradients = dict(zip(chosen, laid_out, strict=True))
    made = torch.tensor(float(training.step), device=training.device)
    for matrices in (True, False):
        places = [i for i in chosen if (parameters[i].ndim > 1) is matrices]
        if not places:
            continue
        adamw(
            [parameters[i] for i in places],
            [gradients[i] for i in places],
            [training.moment1[i] for i in places],
            [training.moment2[i] for i in places],
            [],
            [made.clone() for _ in places],
            fused=True,
            amsgrad=False,
            beta1=plan.beta1,
            beta2=plan.beta2,
            lr=rate,
            weight_decay=plan.weight_decay if matrices else 0.0,
            eps=EPSILON,
            maximize=False,
        )


@torch.no_grad()
def _average(training: Training, plan: Plan) -> None:
    """Move the averaged weights a little towards the weights; faster in the first steps, whose weights soon mean
    nothing.
    """
    share = 1 - min(plan.average, (1 + training.step) / (10 + training.step))
    for averaged, now in zip(training.averaged.parameters(), training.network.parameters(), strict=True):
        averaged.lerp_(now, share)
    for kept, buffer in zip(training.averaged.buffers(), training.network.buffers(), strict=True):
        if buffer.is_floating_point():  # such as statistics; a mask of -inf stays what it is
            moved = torch.lerp(kept, buffer, share)
            kept.copy_(torch.where(moved.isfinite(), moved, buffer))
        else:
            kept.copy_(buffer)


def estimate(training: Training, task: Task, plan: Plan, hands: Hands) -> Score:
    """The averaged weights' loss on the beginning of the held-out part, in nats per token, and further numbers; empty
    when nothing is held out.
    """
    total, count, memory = 0.0, 0, None
    numbers: dict[str, float] = {}
    for batch in task.held_out():

        def work(rows: slice, batch: Batch = batch, memory: Tree = memory) -> Loss:
            part = {name: tensor[rows].to(plan.device) for name, tensor in batch.items()}
            with torch.no_grad(), device.autocast(plan.device, plan.precision):
                return task.loss(training.averaged, part, rows_of(memory, rows))

        losses = hands.deal(work, rows_in(batch))
        seen = sum(loss.count for loss in losses)
        total, count = total + sum(float(loss.total) for loss in losses), count + seen
        memory = join_rows([loss.memory for loss in losses])
        for name, mean in _means([loss.numbers for loss in losses], seen).items():
            numbers[name] = numbers.get(name, 0.0) + mean * seen
    if not count or not math.isfinite(total):
        return Score()
    return Score(total / count, {f"held_out_{name}": value / count for name, value in numbers.items()})


def progress(changes: Changes, step: int) -> float:
    """How far through its schedule the update after `step` is, from 0 to 1."""
    left = max(1, changes.steps - changes.anchor_step)
    return changes.anchor_progress + (1 - changes.anchor_progress) * min(1.0, (step - changes.anchor_step) / left)


def learning_rate(plan: Plan, changes: Changes, step: int) -> float:
    """Rise evenly during the warm-up, then fall evenly to zero at the end of the budget."""
    done = progress(changes, step)
    shape = (1 - done) / max(1e-9, 1 - plan.warmup)
    if done < plan.warmup:
        shape = (done + 1 / max(1, changes.steps)) / plan.warmup
    return plan.learning_rate * changes.rate_scale * min(1.0, shape)


def rows_in(batch: Batch) -> int:
    return len(next(iter(batch.values())))


def seed_generator(plan: Plan, step: int) -> None:
    """Start torch's global generator from (seed, step), so that its state need not be kept between updates."""
    torch.manual_seed((plan.seed * 0x9E3779B97F4A7C15 + step) % (1 << 63))
