"""One token at a time through a trained network: by its cell's torch-free step where it has one, else through torch."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch

from seqplay.engine.stack import Stack
from seqplay.steps.cell import Array
from seqplay.steps.stack import StackStep
from seqplay.steps.writing import Step


def step_of(network: Stack) -> Step:
    """A function (token, state) -> logits (vocabulary), next state."""
    architecture = network.architecture
    if not architecture.step:
        return torch_step(network)
    module, _, function = architecture.step.partition(":")
    weights = {name: tensor.detach().float().cpu().numpy() for name, tensor in network.state_dict().items()}
    return StackStep(
        weights,
        network.shape.layers,
        getattr(import_module(module), function),
        architecture.wrap,
        architecture.residual,
    )


def torch_step(network: Stack) -> Step:
    device = next(network.parameters()).device

    def step(token: int, state: Any) -> tuple[Array, Any]:
        network.eval()
        with torch.inference_mode():
            logits, state = network(torch.tensor([[token]], device=device), state)
        return logits[0, 0].float().cpu().numpy(), state

    return step
