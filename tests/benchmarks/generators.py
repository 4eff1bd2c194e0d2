"""How many pictures a second an adversarial model learns from, beside a plain float32 PyTorch loop of the very same
networks in the same process, taking turns. Prints medians; nothing here passes or fails.

    python tests/benchmarks/generators.py [--updates 30] [--rounds 7]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from statistics import median
from typing import Any

import torch

from seqplay.data.pictures.sources import read_pictures
from seqplay.engine import loop, planning
from seqplay.engine.models.layers import ChannelsLast
from seqplay.engine.pictures import to_tensor
from seqplay.engine.tasks.digits import DigitsTask
from seqplay.recipe import Plan, Recipe


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--updates", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, nargs="*", default=[64, 128])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["SEQPLAY_HOME"] = home
        source = read_pictures(["digits"])
        print("pictures a second: seqplay, plain PyTorch in float32, ratio of the medians (the lowest, the highest)")
        for model, batch in product(("dcgan", "wgan"), asked.batch):
            data = {"source": source.name, "data": source.data}
            recipe = Recipe(task="digits", model=model, batch=batch, steps=10**6, **data)
            task = DigitsTask.begin(recipe)
            plan = replace(planning.make_plan(recipe, task), steps=10**6)
            ours, plain = our_updates(task, plan), plain_updates(task, plan)
            pairs = [(timed(ours, asked.updates), timed(plain, asked.updates)) for _ in range(asked.rounds + 1)][1:]
            mine, theirs = (plan.batch / median(seconds) for seconds in zip(*pairs, strict=True))
            ratios = sorted(slow / quick for quick, slow in pairs)
            told = f"{ratios[0]:.2f}, {ratios[-1]:.2f}"
            print(f"  {model:8}{batch:>4} at a time{mine:>8,.0f}{theirs:>8,.0f}   {mine / theirs:.2f} ({told})")


def timed(update: Callable[[], None], times: int) -> float:
    """Seconds for one update."""
    began = time.perf_counter()
    for _ in range(times):
        update()
    return (time.perf_counter() - began) / times


def our_updates(task: DigitsTask, plan: Plan) -> Callable[[], None]:
    training, hands = loop.start(task, plan), loop.Hands(plan)
    return lambda: loop.update(training, task, plan, hands) and None


def plain_updates(task: DigitsTask, plan: Plan) -> Callable[[], None]:
    """The loop that a tutorial writes: float32, the usual layout, Adam, no average."""
    network: Any = task.build(plan).to(memory_format=torch.contiguous_format)
    for parent in list(network.modules()):
        for name, part in list(parent.named_children()):
            if isinstance(part, ChannelsLast):
                setattr(parent, name, torch.nn.Identity())
    network.train()
    pictures = to_tensor(task.data.train).contiguous()
    optimisers = [
        torch.optim.Adam(part.parameters(), lr=plan.learning_rate, betas=(plan.beta1, plan.beta2))
        for part in (network.critic, network.generator)
    ]

    def update() -> None:
        for _ in range(network.critic_updates):
            real = pictures[torch.randint(len(pictures), (plan.batch,))]
            step(optimisers[0], network.critic_loss(real, torch.randn(plan.batch, network.latent))[0])
        step(optimisers[1], network.generator_loss(torch.randn(plan.batch, network.latent))[0])

    return update


def step(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


if __name__ == "__main__":
    main()
