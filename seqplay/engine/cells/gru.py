"""GRU: an LSTM's idea with two gates and one state.

r = σ(W_r x + b_r + U_r h + d_r)             how much of the past the proposal may see
z = σ(W_z x + b_z + U_z h + d_z)             how much of the past is kept
n = tanh(W_n x + b_n + r ⊙ (U_n h + d_n))    the proposal
h ← (1 - z) ⊙ n + z ⊙ h
"""

from __future__ import annotations

from torch import Tensor, nn

from seqplay.architecture import Architecture, NoOptions
from seqplay.engine.cells.initial import start_gently


class GRU(nn.Module):
    """forward(x (B, T, inputs), h (B, width)) -> y (B, T, width), h."""

    def __init__(self, config: NoOptions, inputs: int, width: int) -> None:  # noqa: ARG002
        super().__init__()
        self.layer = nn.GRU(inputs, width, batch_first=True)
        start_gently(self.layer, gates=3)
        keep = slice(width, 2 * width)
        nn.init.ones_(self.layer.get_parameter("bias_ih_l0").data[keep])  # begin by remembering, as the LSTM does

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y, h = self.layer(x, None if state is None else state.unsqueeze(0))
        return y, h[0]


gru = Architecture(
    name="gru",
    kind="cell",
    module=GRU,
    summary="Gated recurrent unit: two gates, one state. Close to the LSTM; slower on a CPU: no fused path.",
    source="Cho et al. 2014, https://arxiv.org/abs/1406.1078",
    residual=True,
    step="seqplay.steps.cells.gru:step",
)
