"""One update, from top to bottom: deal rows to threads, add up gradients, clip, step, average. And the quick score.

What happens between updates stands in drive.py. A run is a pure function of its plan and of the changes in its log, so
nothing in between may touch weights, moments or memory, or draw a random number that lasts.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim.adamw import adamw  # the function: the class would import torch._dynamo, a second, on its first step

from seqplay.engine import device
from seqplay.engine.checkpoints import Changes, Training
from seqplay.engine.task import Batch, Task
from seqplay.engine.tree import Tree, detach, join_rows, rows_of
from seqplay.recipe import Plan

Result = TypeVar("Result")
BETAS, EPSILON = (0.9, 0.99), 1e-8


class DivergedError(Exception):
    """A loss, a gradient or a weight was not finite: the run has to go back to a checkpoint."""


@dataclass(frozen=True)
class Updated:
    """What one update saw: the loss before it (nats per token), the gradient's length before clipping, the rate it
    used.
    """

    train_loss: float
    gradient_norm: float
    learning_rate: float


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
    moment1, moment2 = ([torch.zeros_like(p) for p in network.parameters()] for _ in BETAS)
    return Training(network, averaged, moment1, moment2, Changes(plan.steps), device=plan.device)


def update(training: Training, task: Task, plan: Plan, hands: Hands) -> Updated:
    """Make one update. Raises DivergedError when the loss, the gradient or a new weight is not finite."""
    network, step = training.network, training.step
    network.train()
    seed_generator(plan, step)
    batch, afresh = task.batch(network, plan, step)
    memory = None if afresh else training.memory
    parameters = list(network.parameters())

    def work(rows: slice) -> tuple[float, int, Sequence[Tensor], Tree]:
        part = {name: tensor[rows].to(plan.device) for name, tensor in batch.items()}
        with device.autocast(plan.device, plan.precision):
            loss, count, following = task.loss(network, part, rows_of(memory, rows))
        return float(loss.detach()), count, torch.autograd.grad(loss, parameters), detach(following)

    losses, counts, gradients, memories = zip(*hands.deal(work, rows_in(batch)), strict=True)
    count = sum(counts)
    gradient = [sum(parts[1:], start=parts[0]) / count for parts in zip(*gradients, strict=True)]
    norm = float(get_total_norm(gradient))
    loss = sum(losses) / count
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise DivergedError
    scale = min(1.0, plan.clip / max(norm, 1e-12))
    rate = learning_rate(plan, training.changes, step)
    _adamw(training, [g * scale for g in gradient], rate, plan.weight_decay)
    if not math.isfinite(float(get_total_norm([p.detach() for p in parameters]))):
        raise DivergedError  # else the next commit would keep them, and there would be no way back
    _average(training, plan)

    training.memory, training.step, training.tokens = join_rows(memories), step + 1, training.tokens + count
    smoothed = training.smoothed_loss
    training.smoothed_loss = loss if smoothed is None else 0.98 * smoothed + 0.02 * loss
    return Updated(loss, norm, rate)


@torch.no_grad()
def _adamw(training: Training, gradient: list[Tensor], rate: float, decay: float) -> None:
    """Adam with decoupled weight decay, on matrices only (Loshchilov & Hutter 2019,
    https://arxiv.org/abs/1711.05101).
    """
    parameters = list(training.network.parameters())
    made = [torch.tensor(float(training.step), device=training.device) for _ in parameters]
    for matrices in (True, False):
        chosen = [i for i, p in enumerate(parameters) if (p.ndim > 1) is matrices]
        if not chosen:
            continue
        adamw(
            [parameters[i] for i in chosen],
            [gradient[i] for i in chosen],
            [training.moment1[i] for i in chosen],
            [training.moment2[i] for i in chosen],
            [],
            [made[i] for i in chosen],
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=decay if matrices else 0.0,
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
        kept.copy_(buffer)


def estimate(training: Training, task: Task, plan: Plan, hands: Hands) -> float | None:
    """The averaged weights' loss on the beginning of the held-out part, in nats per token; None when nothing is held
    out.
    """
    total, count, memory = 0.0, 0, None
    for batch in task.held_out():

        def work(rows: slice, batch: Batch = batch, memory: Tree = memory) -> tuple[float, int, Tree]:
            part = {name: tensor[rows].to(plan.device) for name, tensor in batch.items()}
            with torch.no_grad(), device.autocast(plan.device, plan.precision):
                loss, n, following = task.loss(training.averaged, part, rows_of(memory, rows))
            return float(loss), n, following

        losses, counts, memories = zip(*hands.deal(work, rows_in(batch)), strict=True)
        total, count, memory = total + sum(losses), count + sum(counts), join_rows(memories)
    return total / count if count and math.isfinite(total) else None


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
