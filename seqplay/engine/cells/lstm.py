"""LSTM: a memory that is added to, not overwritten, so that what it holds survives many steps.

i = σ(W_i x + U_i h + b_i)      what to let in
f = σ(W_f x + U_f h + b_f)      what to keep
g = tanh(W_g x + U_g h + b_g)   what could be let in
o = σ(W_o x + U_o h + b_o)      what to show
c ← f ⊙ c + i ⊙ g
h ← o ⊙ tanh(c)
"""

from __future__ import annotations

from torch import Tensor, nn

from seqplay.architecture import Architecture, NoOptions
from seqplay.engine.cells.initial import start_gently

State = tuple[Tensor, Tensor]  # h (B, width), c (B, width)


class LSTM(nn.Module):
    """forward(x (B, T, inputs), (h, c)) -> y (B, T, width), (h, c). PyTorch's own layer: on a CPU nothing is faster."""

    def __init__(self, config: NoOptions, inputs: int, width: int) -> None:  # noqa: ARG002
        super().__init__()
        self.layer = nn.LSTM(inputs, width, batch_first=True)
        start_gently(self.layer, gates=4)
        forget = slice(width, 2 * width)
        nn.init.ones_(
            self.layer.get_parameter("bias_ih_l0").data[forget]
        )  # begin by remembering (Jozefowicz et al. 2015)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        carried = None if state is None else (state[0].unsqueeze(0), state[1].unsqueeze(0))
        y, (h, c) = self.layer(x, carried)
        return y, (h[0], c[0])


lstm = Architecture(
    name="lstm",
    kind="cell",
    module=LSTM,
    summary="Long short-term memory: gates decide what is kept, so it remembers longest. The best start on a CPU.",
    source="Hochreiter & Schmidhuber 1997, https://doi.org/10.1162/neco.1997.9.8.1735",
    residual=True,
    step="seqplay.steps.cells.lstm:step",
)
