"""Mamba: a state space whose memory the input steers, computed by matrix products.

A state space keeps a state S that fades. What makes it selective (Gu & Dao 2023) is that the input decides at every
token how fast it fades, what is written to it and what is read from it. In Mamba-2 (Dao & Gu 2024) the units lie in
heads of P units; each head has a state of (P, N) numbers, and all of it fades at one rate:

e = W_e x + b_e                        the layer's input, at the layer's width
(z, v) = W norm(e)
(x, B, C) = silu(conv(v))              conv: each unit's own weighted sum of its last 4 values
Δ = softplus(W_Δ norm(e) + b_Δ)        one number a head: the length of this token's step
a = exp(-Δ A)                          one number a head: what is kept, from 0 to 1
S ← a S + Δ x Bᵀ                       x (P) is written along B (N)
r = S C + D x                          and what lies along C (N) is read
w = e + W_o norm(r ⊙ silu(z))

Token by token that is slow. Unrolled, it is r_t = Σ_{s≤t} (a_{s+1} … a_t) (C_t · B_s) Δ_s x_s + D x_t: attention that
has a decay in place of its softmax. So the tokens of a chunk take a few matrix products (`ssd`), and only S is carried
from chunk to chunk. The decays are exponentials of differences of running sums, none of them above 0: nothing
overflows, however long the text.

The layer ends with an MLP, so that one layer is enough for a small network:

(p, q) = W_1 norm(w) + b_1
y = norm(w + W_2 (p ⊙ silu(q)) + b_2)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay import Architecture, Trace, option

TAPS = 4  # tokens that the convolution sees, the newest among them
CHUNK = 32  # tokens whose products are taken at once: their cost grows with it, the number of operations falls

State = tuple[Tensor, Tensor]  # S (B, heads, P, N), the convolution's last inputs (B, TAPS - 1, inner + 2 N)


@dataclass(frozen=True)
class Config:
    expand: float = option(1.0, help="units that carry a state, for each unit of the layer", low=0.25, high=8)
    head: int = option(64, help="units in a head (P), or the largest divisor of both", low=1, high=1024)
    state: int = option(64, help="numbers that each unit keeps (N)", low=1, high=1024)
    mlp: float = option(1.0, help="units inside the MLP, for each unit of the layer", low=0.1, high=8)


def ssd(x: Tensor, log_a: Tensor, B: Tensor, C: Tensor, S: Tensor, chunk: int = CHUNK) -> tuple[Tensor, Tensor]:
    """S_t = a_t S_{t-1} + x_t B_tᵀ and r_t = S_t C_t, from S (rows, heads, P, N), for all t: r as x, and the last S.

    x (rows, T, heads, P); log_a (rows, T, heads), none above 0; B and C (rows, T, N), the same for every head
    ("state space duality", Dao & Gu 2024, section 6).
    """
    read = []
    for x_, log_a_, B_, C_ in zip(*(torch.split(t, chunk, 1) for t in (x, log_a, B, C)), strict=True):
        x_, B_, C_ = x_.transpose(1, 2), B_.unsqueeze(1), C_.unsqueeze(1)  # heads before time; one B and C for all
        since = log_a_.cumsum(1).transpose(1, 2)  # (rows, heads, Q): log a_1 + … + log a_t
        later = torch.ones(since.shape[2], since.shape[2], dtype=torch.bool, device=x.device).triu(1)
        # (rows, heads, Q, Q): what is left at t of what was written at s. Masked before exp, which could overflow.
        left = (since.unsqueeze(3) - since.unsqueeze(2)).masked_fill(later, -math.inf).exp()
        here = (C_ @ B_.mT * left) @ x_
        before = C_ @ S.mT * since.exp().unsqueeze(3)
        read.append((here + before).transpose(1, 2))
        written = (x_ * left[:, :, -1].unsqueeze(3)).mT @ B_
        S = since[:, :, -1, None, None].exp() * S + written
    return torch.cat(read, 1), S


class Mamba(nn.Module):
    """forward(x (B, T, inputs), (S, tail)) -> y (B, T, width), (S, tail)."""

    def __init__(self, config: Config, inputs: int, width: int) -> None:
        super().__init__()
        self.inner, self.N = max(1, round(config.expand * width)), config.state
        self.P = math.gcd(self.inner, config.head)
        heads, mixed = self.inner // self.P, self.inner + 2 * self.N
        self.enter = nn.Linear(inputs, width) if inputs != width else nn.Identity()
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, self.inner + mixed, bias=False)
        nn.init.normal_(self.project.weight, std=width**-0.5)
        self.taps = nn.Parameter(torch.randn(TAPS, mixed) * TAPS**-0.5)
        self.taps_bias = nn.Parameter(torch.zeros(mixed))
        # The heads begin with memories of 1 to 64 tokens, A = 1. The paper's are longer, for longer texts.
        duration = torch.logspace(0, -6, heads, base=2)
        self.duration = nn.Linear(width, heads)
        self.duration.bias.data = duration.expm1().log()  # softplus of it is `duration`
        self.log_A = nn.Parameter(torch.zeros(heads))
        self.D = nn.Parameter(torch.ones(heads, 1))
        self.read_norm = nn.RMSNorm(self.inner)
        self.leave = nn.Linear(self.inner, width, bias=False)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp_out = nn.Linear(max(1, round(config.mlp * width)), width)
        self.mlp_in = nn.Linear(width, 2 * self.mlp_out.in_features)
        self.out_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        y, state, _ = self._run(x, state)
        return y, state

    def trace(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State, dict[str, Trace]]:
        """What each head keeps of its state at every token."""
        y, state, log_a = self._run(x, state)
        return y, state, {"a": Trace(log_a.exp())}

    def _run(self, x: Tensor, state: State | None) -> tuple[Tensor, State, Tensor]:
        e = self.enter(x).float()  # what is carried and added up stays in float32; only products may be shorter
        rows, T, _ = e.shape
        S, tail = state or (
            e.new_zeros(rows, self.inner // self.P, self.P, self.N),
            e.new_zeros(rows, TAPS - 1, self.inner + 2 * self.N),
        )
        n = self.norm(e)
        z, v = self.project(n).float().split([self.inner, self.inner + 2 * self.N], -1)
        longer = torch.cat([tail, v], 1)
        v = self.taps_bias
        for k in range(TAPS):  # at this length faster on a CPU than PyTorch's convolution
            v = torch.addcmul(v, self.taps[k], longer[:, k : k + T])
        units, B, C = torch.split(F.silu(v), [self.inner, self.N, self.N], -1)
        units = units.unflatten(2, (-1, self.P))  # (rows, T, heads, P)
        duration = F.softplus(self.duration(n).float())
        log_a = -duration * self.log_A.exp()
        r, S = ssd(units * duration.unsqueeze(3), log_a, B, C, S)
        r = (r + self.D * units).flatten(2)
        w = e + self.leave(self.read_norm(r * F.silu(z)))
        p, q = self.mlp_in(self.mlp_norm(w)).chunk(2, -1)
        y = self.out_norm(w + self.mlp_out(p * F.silu(q)))
        return y, (S, longer[:, T:]), log_a


mamba = Architecture(
    name="mamba",
    kind="cell",
    module=Mamba,
    summary="A selective state space: the input steers how fast a large memory fades. Matrix products, no loop.",
    config=Config,
    source="Dao & Gu 2024, https://arxiv.org/abs/2405.21060; Gu & Dao 2023, https://arxiv.org/abs/2312.00752",
    learning_rate=0.004,
)
