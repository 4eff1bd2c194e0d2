"""What this cell computes, in one sentence.

a = σ(W_a x + b_a)                    how much of the past every unit keeps
h ← a ⊙ h + (1 - a) ⊙ (W x + b)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seqplay import Architecture, option


@dataclass(frozen=True)
class Config:
    memory: float = option(1.0, help="how much is kept at first: 0 is half of it", low=-8.0, high=8.0)


class MyCell(nn.Module):
    """forward(x (B, T, inputs), h (B, width)) -> y (B, T, width), h."""

    def __init__(self, config: Config, inputs: int, width: int) -> None:
        super().__init__()
        self.propose, self.keep = nn.Linear(inputs, width), nn.Linear(inputs, width)
        nn.init.constant_(self.keep.bias, config.memory)

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        a, new = torch.sigmoid(self.keep(x)).float(), self.propose(x).float()  # bfloat16 would forget small changes
        y = [new.new_zeros(new[:, 0].shape) if h is None else h]
        for t in range(x.shape[1]):
            y.append(a[:, t] * y[-1] + (1 - a[:, t]) * new[:, t])
        return torch.stack(y[1:], 1), y[-1]


mycell = Architecture(name="mycell", kind="cell", module=MyCell, config=Config, summary="A leaky unit.", wrap=True)
