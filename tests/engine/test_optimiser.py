"""One step of the optimiser against torch's own class, and the average of what it makes."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay.engine import loop
from seqplay.engine.checkpoints import Changes, Training
from seqplay.recipe import Plan

PLAN = Plan(
    steps=10, model="none", batch=4, learning_rate=0.1, holdout=0.1, seed=0, device="cpu", threads=1, slices=1,
    precision="float32", weight_decay=0.1, warmup=0.0, clip=1.0, average=0.0, evaluate_every=5, minutes=None,
    patience=None, settings={}, task="none", source="", data="", train_tokens=4, held_out_tokens=0, parameters=0,
    layer_table=[], why="", notices=[], codec={}, distribution="", version="", torch="",
)  # fmt: skip


def losses(network: nn.Module) -> Tensor:
    pictures = torch.linspace(-1, 1, 4 * 3 * 8 * 8).view(4, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    return F.silu(network(pictures)).square().mean()


def test_a_gradient_that_lies_otherwise_in_memory_than_its_weights_moves_the_right_ones() -> None:
    """The fused kernel pairs numbers as they lie: convolutions would learn nothing but noise, without any error."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 4, 2, 1), nn.Conv2d(6, 5, 3))
    reference = copy.deepcopy(network)
    moments = [[torch.zeros_like(p) for p in network.parameters()] for _ in range(2)]
    training = Training(network, copy.deepcopy(network), *moments, Changes(10))
    matrices, others = ([p for p in reference.parameters() if (p.ndim > 1) is big] for big in (True, False))
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, lr=0.1, betas=(0.9, 0.99), foreach=False, fused=False)
    for step in range(3):
        training.step = step
        parameters = list(network.parameters())
        gradient = torch.autograd.grad(losses(network), parameters)
        otherwise = [
            g.contiguous(memory_format=torch.channels_last) if g.ndim == 4 else g.contiguous() for g in gradient
        ]
        loop._adamw(training, range(len(parameters)), otherwise, 1.0, 0.1, PLAN)
        theirs.zero_grad()
        losses(reference).backward()
        theirs.step()
        for mine, its in zip(parameters, reference.parameters(), strict=True):
            assert torch.allclose(mine, its, atol=1e-5)


class Masked(nn.Module):
    """A layer with a statistic, and with the causal mask that many cells have."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.register_buffer("mask", torch.triu(torch.full((3, 3), -torch.inf), 1))
        self.register_buffer("mean", torch.zeros(2))


def test_statistics_are_averaged_and_a_mask_of_infinities_stays_what_it_is() -> None:
    network = Masked()
    averaged = copy.deepcopy(network)
    network.mean.fill_(1.0)
    training = Training(network, averaged, [], [], Changes(10), step=10**6)
    loop._average(training, replace(PLAN, average=0.9))
    assert torch.equal(averaged.mask, network.mask)
    assert averaged.mean.tolist() == pytest.approx([0.1, 0.1])
