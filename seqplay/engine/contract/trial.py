"""Training by the real loop on what needs no data, no run directory and no installed distribution."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay.architecture import Architecture
from seqplay.engine.checkpoints import Changes, Training
from seqplay.engine.task import Batch, Loss, Phase, Task
from seqplay.engine.tree import Tree
from seqplay.recipe import Plan

FOLLOWS = 0.9  # how slowly the averaged weights follow, in so few updates


def plan_for(architecture: Architecture, rows: int, steps: int, **resolved: Any) -> Plan:
    """A plan that trains an architecture as its declaration says, on the CPU, in one thread and in float32."""
    about: dict[str, Any] = {
        architecture.kind: architecture.name,
        "learning_rate": architecture.learning_rate,
        "weight_decay": architecture.weight_decay,
        "average": FOLLOWS,
        "precision": "float32",
        "threads": 1,
        "slices": 1,
        "seed": 0,
        "warmup": 0.05,
        **resolved,
    }
    return Plan(
        steps=steps,
        batch=rows,
        beta1=architecture.betas[0],
        beta2=architecture.betas[1],
        holdout=0.0,
        device="cpu",
        clip=1.0,
        evaluate_every=steps,
        minutes=None,
        patience=None,
        settings={},
        task=architecture.task or "text",
        source="",
        data="",
        train_tokens=1,
        held_out_tokens=0,
        parameters=0,
        layer_table=[],
        why="",
        notices=[],
        codec={},
        distribution="",
        version="",
        torch=torch.__version__,
        **about,
    )


def training_of(network: nn.Module, plan: Plan) -> Training:
    """A network before its first update."""
    averaged = copy.deepcopy(network).requires_grad_(False).eval()
    moment1, moment2 = ([torch.zeros_like(p) for p in network.parameters()] for _ in range(2))
    return Training(network, averaged, moment1, moment2, Changes(plan.steps))


@dataclass(frozen=True)
class Letters:
    """What the loop asks of a task, of tokens (B, T + 1) that a step reads: each is told the one before it."""

    read: Callable[[int], Tensor]

    @property
    def as_task(self) -> Task:
        return cast(Task, self)

    def batch(self, network: nn.Module, plan: Plan, step: int) -> tuple[Batch, bool]:  # noqa: ARG002
        ids = self.read(step)
        return {"ids": ids[:, :-1], "next": ids[:, 1:]}, True

    def phases(self, network: nn.Module) -> Sequence[Phase]:
        return [Phase(partial(_loss, network), list(network.parameters()))]


def _loss(network: nn.Module, rows: Batch, memory: Tree) -> Loss:  # noqa: ARG001
    logits, _ = network(rows["ids"])
    total = F.cross_entropy(logits.float().flatten(0, 1), rows["next"].flatten(), reduction="sum")
    return Loss(total, rows["next"].numel())
