"""SimpleRNN: the plainest recurrence, and the one whose memory fades fastest.

h ← tanh(W x + U h + b)
"""

from __future__ import annotations

from torch import Tensor, nn

from seqplay.architecture import Architecture, NoOptions
from seqplay.engine.cells.initial import start_gently


class RNN(nn.Module):
    """forward(x (B, T, inputs), h (B, width)) -> y (B, T, width), h."""

    def __init__(self, config: NoOptions, inputs: int, width: int) -> None:  # noqa: ARG002
        super().__init__()
        self.layer = nn.RNN(inputs, width, batch_first=True)
        start_gently(self.layer, gates=1)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y, h = self.layer(x, None if state is None else state.unsqueeze(0))
        return y, h[0]


rnn = Architecture(
    name="rnn",
    kind="cell",
    module=RNN,
    summary="SimpleRNN: one tanh of input and past. The first one to understand; its memory fades fast.",
    source="Elman 1990, https://doi.org/10.1207/s15516709cog1402_1",
    residual=True,
    learning_rate=0.005,  # no gates to protect it from a large one
    step="seqplay.steps.cells.rnn:step",
)
