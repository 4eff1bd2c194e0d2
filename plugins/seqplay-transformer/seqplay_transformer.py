"""One block of a transformer as a cell: every token looks back at the last `context` tokens and takes what it needs.

Notation: x_t (width) is the token at time t; each head has its own W_q, W_k, W_v and g; R_t rotates by position t.

    u_t = Σ_j w_j ⊙ norm(x_{t-j})                    j = 0, 1, 2: a token and the two before it
    q_t = W_q u_t / |W_q u_t|                        what a token looks for
    k_t = W_k u_t / |W_k u_t|                        what it is found by
    v_t = W_v u_t                                    what it then says
    a_ts = softmax_s(g (R_t q_t)·(R_s k_s))          s = t-context+1 .. t
    x_t ← x_t + W_o [Σ_s a_ts v_s of every head]
    y_t = norm(x_t + W_2 relu(W_1 norm(x_t))²)

Vaswani et al. 2017, arXiv:1706.03762 (attention); Su et al. 2021, arXiv:2104.09864 (rotary positions: what R_t q and
R_s k have in common depends on t - s alone); Dai et al. 2019, arXiv:1901.02860 (keys and values go along from one
stretch of text to the next); Henry et al. 2020, arXiv:2010.04245 (q and k of length 1 and a learned sharpness g: no
learning rate makes the scores too large); So et al. 2021, arXiv:2109.08668 (relu², and the short convolution w).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay import Architecture, Trace, option

TAPS = 3  # inputs in the convolution: with a key made of "th", one layer finds what came after "th" the last time
BLOCK = 64  # queries answered at a time: T tokens at once make T x (context + BLOCK) scores, never T x T

State = tuple[Tensor, Tensor, Tensor, Tensor]
"""Keys and values (B, heads, context, d), the newest last; the convolution's last inputs (B, TAPS - 1, width); how many
of the keys are real (B), int64: the others are zeros that stand before the start."""


@dataclass(frozen=True)
class Config:
    """Settings of a layer. A head is width / heads wide, rounded up to an even number: any number of heads works."""

    heads: int = option(8, help="attention heads; they share the width, whatever it is", low=1, high=64)
    context: int = option(64, help="tokens that a token sees, itself included", low=1, high=4096)
    mlp: float = option(2.0, help="units inside the MLP, as a multiple of the width", low=0.25, high=16)
    base: float = option(1000.0, help="rotary base: the larger, the slower the slowest rotation", low=2, high=1e7)


class Transformer(nn.Module):
    """forward(x (B, T, inputs), state) -> y (B, T, width), state."""

    cos: Tensor  # (context + BLOCK, d / 2): of each position, for each pair of numbers that it turns
    sin: Tensor

    def __init__(self, config: Config, inputs: int, width: int) -> None:
        super().__init__()
        self.heads, self.context = config.heads, config.context
        self.d = 2 * math.ceil(width / config.heads / 2)
        self.enter = nn.Identity() if inputs == width else nn.Linear(inputs, width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.taps = nn.Parameter(torch.randn(TAPS, width) / math.sqrt(TAPS))
        self.qkv = nn.Linear(width, 3 * self.heads * self.d, bias=False)
        start = 2 * math.log2(self.context + 1)  # enough for one key to outweigh all others (Henry et al.)
        self.sharpness = nn.Parameter(torch.full((self.heads, 1, 1), start))
        self.out = nn.Linear(self.heads * self.d, width)
        units = max(1, round(config.mlp * width))
        self.up, self.down = nn.Linear(width, units), nn.Linear(units, width)
        for last in (self.out, self.down):  # a block that begins as little more than x is easy to learn in
            nn.init.normal_(last.weight, std=0.02)
            nn.init.zeros_(last.bias)
        speeds = config.base ** -(torch.arange(0, self.d, 2).double() / self.d)
        angles = torch.arange(self.context + BLOCK)[:, None] * speeds
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self._layer(x, state, lambda *_: None)

    def trace(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State, dict[str, Trace]]:
        """How many tokens back each head looks, on average, and over how many it spreads (entropy, nats)."""
        back: list[Tensor] = []
        spread: list[Tensor] = []

        def look(weights: Tensor, ago: Tensor) -> None:
            back.append((weights * ago).sum(-1))
            spread.append(torch.special.entr(weights).sum(-1))

        y, state = self._layer(x, state, look)
        reach = Trace(torch.cat(back, 2).mT, 0.0, self.context)
        entropy = Trace(torch.cat(spread, 2).mT, 0.0, math.log(self.context + 1))
        return y, state, {"looks back": reach, "entropy": entropy}

    def _layer(self, x: Tensor, state: State | None, look: Callable[[Tensor, Tensor], None]) -> tuple[Tensor, State]:
        """`look` is shown the weights of every block of queries and how many tokens ago their keys were."""
        x = self.enter(x).to(x.dtype)  # autocast gives bfloat16, too coarse for a sum of all layers and for the state
        B, T, _ = x.shape
        keys, values, inputs, real = self._start(x) if state is None else state
        inputs = torch.cat([inputs, self.norm1(x)], 1)  # (B, TAPS - 1 + T, width)
        u = sum(w * inputs[:, j : j + T] for j, w in enumerate(self.taps))
        q, k, v = self.qkv(u).view(B, T, 3, self.heads, self.d).permute(2, 0, 3, 1, 4)  # each (B, heads, T, d)
        q, k = F.rms_norm(q, (self.d,)) * (self.sharpness / self.d), F.rms_norm(k, (self.d,))  # √d long each
        keys, values = torch.cat([keys, k.to(x.dtype)], 2), torch.cat([values, v.to(x.dtype)], 2)
        said = []
        for start in range(0, T, BLOCK):
            some = q[:, :, start : start + BLOCK]
            view = slice(start, start + self.context + some.shape[2])
            weights, ago = self._attend(some, keys[:, :, view], self.context - real - start)
            look(weights, ago)
            said.append(weights @ values[:, :, view])
        x = x + self.out(torch.cat(said, 2).transpose(1, 2).flatten(2))
        x = x + self.down(F.relu(self.up(self.norm2(x))).square())
        state = keys[:, :, T:], values[:, :, T:], inputs[:, T:], (real + T).clamp(max=self.context)
        return self.norm3(x), state

    def _attend(self, q: Tensor, k: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
        """The weights (B, heads, n, context + n) of queries (B, heads, n, d) over keys (B, heads, context + n, d), the
        last n of which are the queries' own, and the first real one in place `first` (B); and how many tokens ago
        (n, context + n) each key was.
        """
        places = torch.arange(k.shape[2], device=k.device)
        ago = places[self.context :, None] - places
        unseen = (ago < 0) | (ago >= self.context) | (places < first[:, None, None, None])
        scores = self._rotate(q, self.context) @ self._rotate(k, 0).mT
        return scores.masked_fill(unseen, -math.inf).softmax(-1), ago

    def _rotate(self, x: Tensor, start: int) -> Tensor:
        """x (B, heads, n, d) by rotary positions, of which the first is `start`.

        They count from the oldest key in view, not from the start of the text, so they stay small and the millionth
        token is as exact as the tenth. This is why keys are carried as they are before rotation.
        """
        cos, sin = (table[start : start + x.shape[2]] for table in (self.cos, self.sin))
        one, other = x.chunk(2, -1)
        return torch.cat([one * cos - other * sin, one * sin + other * cos], -1)

    def _start(self, x: Tensor) -> State:
        B, _, width = x.shape
        none = x.new_zeros(B, self.heads, self.context, self.d)
        return none, none, x.new_zeros(B, TAPS - 1, width), x.new_zeros(B, dtype=torch.int64)


transformer = Architecture(
    name="transformer",
    kind="cell",
    module=Transformer,
    summary="One block of a transformer: attention over the last tokens. It sees exactly so far, and nothing before.",
    config=Config,
    source="Vaswani et al. 2017, https://arxiv.org/abs/1706.03762",
    learning_rate=0.003,
)
