"""minGRU and minLSTM: gates that do not look at the past, so that all tokens are computed at once.

A GRU's gates read the state before, and so have to wait for it. Take that away, and the bounds of tanh, and the state
is a moving average whose weights the input chooses (Feng et al. 2024):

minGRU     z = σ(W_z u + b_z)          how much of the state is replaced
           h̃ = W_h u + b_h             by what
           h ← (1 - z) ⊙ h + z ⊙ h̃

minLSTM    i = σ(W_i u + b_i)          what to let in
           f = σ(W_f u + b_f)          what to keep
           h̃ = W_h u + b_h
           h ← f/(f + i) ⊙ h + i/(f + i) ⊙ h̃

Both are h_t = a_t ⊙ h_{t-1} + b_t, with a and b known for every t beforehand. That is a scan: T tokens take about
2 log T operations one after the other, not T. The paper's scan is of logarithms, for which h̃ must be positive. The one
below only adds and multiplies by numbers from 0 to 1: nothing overflows, and h̃ may have any sign.

Gates that do not see the state need some context to judge by, so the paper puts a convolution before them, and an MLP
behind. Together they are one layer here:

e = W_e x + b_e                        the layer's input, at the layer's width
u = conv(norm(e))                      conv: each unit's own weighted sum of its last 4 values
v = e + h                              h: from u, as above
y = norm(v + W_2 relu(W_1 norm(v) + b_1)² + b_2)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay import Architecture, Trace, option

State = tuple[Tensor, Tensor]  # h (B, width), the convolution's last inputs (B, taps - 1, width)


@dataclass(frozen=True)
class Config:
    taps: int = option(4, help="tokens that the convolution sees, the newest among them", low=2, high=64)
    mlp: float = option(1.0, help="units inside the MLP, for each unit of the layer", low=0.1, high=8)


# -- the scan


def scan(a: Tensor, b: Tensor) -> Tensor:
    """h_t = a_t ⊙ h_{t-1} + b_t from h_{-1} = 0, for all t at once. a, b, h: (B, T, K).

    Two steps in a row are one step of the same form, a₂(a₁h + b₁) + b₂ = (a₂a₁)h + (a₂b₁ + b₂). So join the tokens in
    pairs and scan these, half as many, which gives every second h; one step from each of them gives the h between. In
    all that is the work of some 3 T steps (Blelloch 1990, "Prefix sums and their applications").
    """
    if a.shape[1] == 1:
        return b
    h = torch.empty_like(b)
    h[:, 1::2] = scan(a[:, 1::2] * a[:, :-1:2], a[:, 1::2] * b[:, :-1:2] + b[:, 1::2])
    h[:, 0] = b[:, 0]
    h[:, 2::2] = a[:, 2::2] * h[:, 1:-1:2] + b[:, 2::2]
    return h


class Scan(torch.autograd.Function):
    """`scan` from the state h_0 (B, K) before the first token, with a gradient that is a scan, too, from the last one.

    PyTorch could derive it from `scan`, and would keep every level of it to do so. By hand: γ_t is what reaches h_t
    from the layers above, and g_t all that does, by way of the states after it, too.

    g_t = γ_t + a_{t+1} ⊙ g_{t+1}      ∂L/∂b_t = g_t      ∂L/∂a_t = g_t ⊙ h_{t-1}      ∂L/∂h_0 = g_0 ⊙ a_0
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, h_0: Tensor) -> Tensor:
        b = b.clone()
        b[:, 0] += a[:, 0] * h_0
        h = scan(a, b)
        ctx.save_for_backward(a, h, h_0)
        return h

    @staticmethod
    def backward(ctx: Any, gamma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a, h, h_0 = ctx.saved_tensors
        a_next = a.roll(-1, 1)  # its last one, a_0, meets the state after the last token: nothing
        g = scan(a_next.flip(1), gamma.flip(1)).flip(1)
        h_before = torch.cat([h_0.unsqueeze(1), h[:, :-1]], 1)
        return g * h_before, g, a[:, 0] * g[:, 0]


# -- the gates: u (B, T, width) -> a, b (B, T, width) and what to show of them

Gates = tuple[Tensor, Tensor, dict[str, Tensor]]


class MinGRU(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = _projection(width, parts=2)

    def forward(self, u: Tensor) -> Gates:
        z, candidate = self.project(u).float().chunk(2, -1)
        z = z.sigmoid()
        return 1 - z, z * candidate, {"z": z}


class MinLSTM(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = _projection(width, parts=3)

    def forward(self, u: Tensor) -> Gates:
        i, f, candidate = self.project(u).float().chunk(3, -1)
        # f/(f + i) = σ(log f - log i): still exact where both gates are so nearly shut that f + i would be 0
        keep = (F.logsigmoid(f) - F.logsigmoid(i)).sigmoid()
        return keep, (1 - keep) * candidate, {"i": i.sigmoid(), "f": f.sigmoid()}


def _projection(width: int, parts: int) -> nn.Linear:
    """The gates and the candidate in one product, the gate that lets in first.

    That gate's bias falls from 0 to -4 over the units: at the start they average over 2 to some 50 tokens, so that
    there is a memory of every length to learn with (after Tallec & Ollivier 2018, https://arxiv.org/abs/1804.11188).
    """
    linear = nn.Linear(width, parts * width)
    for part in linear.weight.data.chunk(parts):
        nn.init.xavier_uniform_(part)
    nn.init.zeros_(linear.bias)
    linear.bias.data[:width] = torch.linspace(0, -4, width)
    return linear


# -- the layer


class Block(nn.Module):
    """forward(x (B, T, inputs), (h, tail)) -> y (B, T, width), (h, tail), whichever the gates are."""

    def __init__(self, gates: nn.Module, config: Config, inputs: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width) if inputs != width else nn.Identity()
        self.norm = nn.LayerNorm(width)
        self.taps = nn.Parameter(torch.randn(config.taps, width) * config.taps**-0.5)
        self.gates = gates
        self.mlp_norm = nn.LayerNorm(width)
        inner = max(1, round(config.mlp * width))
        self.mlp_in = nn.Linear(width, inner)
        self.mlp_out = nn.Linear(inner, width)
        self.out_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        y, state, _ = self._run(x, state)
        return y, state

    def trace(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State, dict[str, Trace]]:
        y, state, gates = self._run(x, state)
        return y, state, {name: Trace(values) for name, values in gates.items()}

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State, dict[str, Tensor]]:
        e = self.enter(x).float()  # what is carried and added up stays in float32; only products may be shorter
        before = len(self.taps) - 1
        h_0, tail = state or (e.new_zeros(len(e), e.shape[2]), e.new_zeros(len(e), before, e.shape[2]))
        u, tail = convolve(self.norm(e), tail, self.taps)
        a, b, gates = self.gates(u)
        h = Scan.apply(a, b, h_0)
        v = e + h
        y = self.out_norm(v + self.mlp_out(F.relu(self.mlp_in(self.mlp_norm(v))).square()))
        return y, (h[:, -1], tail), gates


def convolve(x: Tensor, tail: Tensor, taps: Tensor) -> tuple[Tensor, Tensor]:
    """Σ_k taps_k ⊙ x_{t-K+1+k} of x (B, T, width), whose K - 1 values before the first are the tail; and the next tail.

    K products with shifted copies: at K = 4 faster on a CPU than PyTorch's convolution, and x stays as it lies.
    """
    T = x.shape[1]
    longer = torch.cat([tail, x], 1)
    y = taps[0] * longer[:, :T]
    for k in range(1, len(taps)):
        y = torch.addcmul(y, taps[k], longer[:, k : k + T])
    return y, longer[:, T:]


def _cell(gates: Callable[[int], nn.Module]) -> Callable[[Config, int, int], nn.Module]:
    return lambda config, inputs, width: Block(gates(width), config, inputs, width)


mingru = Architecture(
    name="mingru",
    kind="cell",
    module=_cell(MinGRU),
    summary="A GRU whose gates look only at the input: all tokens are computed at once, by a scan.",
    config=Config,
    source="Feng et al. 2024, https://arxiv.org/abs/2410.01201",
    learning_rate=0.005,
    step="seqplay_mingru.step:mingru",
)

minlstm = Architecture(
    name="minlstm",
    kind="cell",
    module=_cell(MinLSTM),
    summary="An LSTM whose gates look only at the input and share one unit of weight: a scan over all tokens.",
    config=Config,
    source="Feng et al. 2024, https://arxiv.org/abs/2410.01201",
    learning_rate=0.005,
    step="seqplay_mingru.step:minlstm",
)
