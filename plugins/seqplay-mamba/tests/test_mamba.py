"""Mamba is a cell of seqplay, and computes what its papers say."""

from typing import Any

import pytest
import torch
from seqplay_mamba import Config, Mamba, mamba, ssd
from torch import Tensor

from seqplay.testing import parametrize_with_checks

ROWS, T, HEADS, P, N = 2, 11, 3, 4, 5


@parametrize_with_checks(mamba)
def test_the_contract_holds(check: Any) -> None:
    check()


@pytest.fixture
def inputs() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "x": torch.randn(ROWS, T, HEADS, P),
        "log_a": -torch.rand(ROWS, T, HEADS),
        "B": torch.randn(ROWS, T, N),
        "C": torch.randn(ROWS, T, N),
        "S": torch.randn(ROWS, HEADS, P, N),
    }


def recurrence(x: Tensor, log_a: Tensor, B: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    """The equations token by token, as the module's text has them."""
    read = []
    for t in range(x.shape[1]):
        S = log_a[:, t].exp()[..., None, None] * S + torch.einsum("bhp,bn->bhpn", x[:, t], B[:, t])
        read.append(torch.einsum("bhpn,bn->bhp", S, C[:, t]))
    return torch.stack(read, 1), S


@pytest.mark.parametrize("chunk", [1, 4, T, 32])
def test_the_matrix_products_are_the_recurrence(chunk: int, inputs: dict[str, Tensor]) -> None:
    torch.testing.assert_close(ssd(**inputs, chunk=chunk), recurrence(**inputs), atol=1e-5, rtol=1e-4)


def test_without_decay_it_is_attention_without_softmax(inputs: dict[str, Tensor]) -> None:
    inputs |= {"log_a": torch.zeros(ROWS, T, HEADS), "S": torch.zeros(ROWS, HEADS, P, N)}
    weights = (inputs["C"] @ inputs["B"].mT).tril()
    read, _ = ssd(**inputs, chunk=4)
    torch.testing.assert_close(read, torch.einsum("bts,bshp->bthp", weights, inputs["x"]), atol=1e-5, rtol=1e-4)


def test_a_decay_as_fast_as_a_float_allows_forgets_and_gives_no_nan(inputs: dict[str, Tensor]) -> None:
    """Where a decay would be divided by another, both 0 here, this is the first thing to break."""
    inputs["log_a"] = torch.full((ROWS, T, HEADS), -1e4).requires_grad_()
    read, S = ssd(**inputs)
    own = torch.einsum("btn,btn->bt", inputs["B"], inputs["C"])[..., None, None] * inputs["x"]
    torch.testing.assert_close(read, own)
    torch.testing.assert_close(S, torch.einsum("bhp,bn->bhpn", inputs["x"][:, -1], inputs["B"][:, -1]))
    assert torch.autograd.grad(read.sum(), inputs["log_a"])[0].isfinite().all()


@pytest.mark.parametrize(("width", "shape"), [(8, (1, 8)), (96, (3, 32)), (7, (7, 1))])
def test_a_layer_of_any_width_has_heads(width: int, shape: tuple[int, int]) -> None:
    _, (S, _) = Mamba(Config(), 5, width)(torch.randn(ROWS, 1, 5))
    assert S.shape == (ROWS, *shape, 64)


def test_the_trace_tells_what_each_head_keeps() -> None:
    layer = Mamba(Config(), 5, 96).requires_grad_(False)
    kept = layer.trace(torch.randn(ROWS, T, 5))[2]["a"]
    assert kept.values.shape == (ROWS, T, 3)
    layer.log_A.fill_(-20.0)  # a state that hardly fades
    assert layer.trace(torch.randn(ROWS, T, 5))[2]["a"].values.min() > 0.999
