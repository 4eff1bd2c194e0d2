"""Starting weights of the gated layers: what lets a recurrent network learn from its first step."""

from __future__ import annotations

from torch import nn


def start_gently(layer: nn.RNNBase, gates: int) -> None:
    """Xavier input weights and orthogonal recurrent weights, each gate on its own; biases zero.

    An orthogonal matrix neither shrinks nor grows what it carries through time (Saxe et al. 2014, arXiv:1312.6120).
    """
    for name, weight in layer.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(weight)
            continue
        for gate in weight.data.chunk(gates):
            (nn.init.orthogonal_ if name.startswith("weight_hh") else nn.init.xavier_uniform_)(gate)
