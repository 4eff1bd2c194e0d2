"""The transformer keeps the contract of a cell, and attends as its docstring's equations say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from seqplay_transformer import TAPS, Config, Transformer, transformer
from torch import Tensor

from seqplay.testing import parametrize_with_checks

INPUTS, WIDTH, CONTEXT, HEADS = 5, 12, 7, 3


@parametrize_with_checks(transformer)
def test_the_contract_holds(check: Callable[[], None]) -> None:
    check()


@pytest.fixture
def cell() -> Transformer:
    torch.manual_seed(0)
    cell = Transformer(Config(heads=HEADS, context=CONTEXT), INPUTS, WIDTH)
    for parameter in cell.parameters():  # norms and biases, too, must be seen
        torch.nn.init.normal_(parameter, std=0.5)
    return cell.requires_grad_(False)


def inputs(rows: int, time: int) -> Tensor:
    return torch.randn(rows, time, INPUTS, generator=torch.Generator().manual_seed(1))


def by_the_equations(cell: Transformer, x: Tensor, first: int) -> Tensor:
    """y (T, width) of one row x (T, inputs), one token and one head at a time, in float64; the first token's position
    is `first`.
    """
    weights = {name: tensor.double() for name, tensor in cell.state_dict().items()}
    d = cell.d
    turns = Config().base ** -(torch.arange(0, d, 2, dtype=torch.float64) / d)

    def linear(name: str, n: Tensor) -> Tensor:
        return n @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", torch.zeros(()))

    def norm(name: str, n: Tensor) -> Tensor:
        return torch.nn.functional.layer_norm(n, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"])

    def rotated(n: Tensor, position: int) -> Tensor:
        n = n / n.norm()
        pairs = torch.complex(n[: d // 2], n[d // 2 :]) * torch.polar(torch.ones(d // 2).double(), position * turns)
        return torch.cat([pairs.real, pairs.imag])

    x = linear("enter", x.double())
    padded = torch.cat([torch.zeros(TAPS - 1, WIDTH), norm("norm1", x)])
    u = torch.stack([(weights["taps"] * padded[t : t + TAPS]).sum(0) for t in range(len(x))])
    q, k, v = linear("qkv", u).view(len(x), 3, HEADS, d).unbind(1)
    said = torch.zeros(len(x), HEADS, d, dtype=torch.float64)
    for t in range(len(x)):
        last = range(max(0, t - CONTEXT + 1), t + 1)
        for h in range(HEADS):
            products = [rotated(q[t, h], first + t) @ rotated(k[s, h], first + s) for s in last]
            said[t, h] = (weights["sharpness"][h, 0, 0] * torch.stack(products)).softmax(0) @ v[last, h]
    x = x + linear("out", said.flatten(1))
    return norm("norm3", x + linear("down", linear("up", norm("norm2", x)).relu().square()))


@pytest.mark.parametrize("first", [0, 10, 1_000_000])
def test_attention_is_a_softmax_over_the_last_keys_wherever_in_the_text_they_stand(
    cell: Transformer, first: int
) -> None:
    x = inputs(1, 140)  # more than two blocks
    torch.testing.assert_close(cell(x)[0][0].double(), by_the_equations(cell, x[0], first), atol=1e-5, rtol=0)


def test_an_input_is_seen_for_exactly_the_context_and_what_the_convolution_adds(cell: Transformer) -> None:
    x = inputs(1, 100)
    changed = x.clone()
    changed[:, 40] += 1
    differs = (cell(changed)[0] - cell(x)[0]).abs().amax(-1)[0] > 1e-6
    assert differs.nonzero().flatten().tolist() == list(range(40, 40 + CONTEXT + TAPS - 1))


def test_rows_that_began_at_different_times_go_on_together(cell: Transformer) -> None:
    x = inputs(2, 90)
    young, old = cell(x[:1, :2])[1], cell(x[1:, :80])[1]
    together, _ = cell(torch.stack([x[0, 2:12], x[1, 80:]]), tuple(map(torch.cat, zip(young, old, strict=True))))
    torch.testing.assert_close(together[0], cell(x[:1])[0][0, 2:12], atol=1e-5, rtol=0)
    torch.testing.assert_close(together[1], cell(x[1:])[0][0, 80:], atol=1e-5, rtol=0)


def test_a_head_that_looks_for_nothing_looks_everywhere_alike(cell: Transformer) -> None:
    cell.qkv.weight[: HEADS * cell.d] = 0
    _, _, traces = cell.trace(inputs(2, 80))
    seen = torch.arange(1, 81).clamp(max=CONTEXT)[:, None].expand(2, 80, HEADS)
    torch.testing.assert_close(traces["looks back"].values, (seen - 1) / 2)
    torch.testing.assert_close(traces["entropy"].values, seen.log())
