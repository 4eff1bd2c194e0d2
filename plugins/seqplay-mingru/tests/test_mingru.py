"""minGRU and minLSTM are cells of seqplay, and compute what their paper says."""

from typing import Any

import numpy as np
import pytest
import torch
from seqplay_mingru import step
from seqplay_mingru.cell import MinGRU, MinLSTM, Scan, convolve, mingru, minlstm
from torch import Tensor, nn

from seqplay.testing import parametrize_with_checks

B, T, D, H = 2, 11, 5, 8


@parametrize_with_checks(mingru, minlstm)
def test_the_contract_holds(check: Any) -> None:
    check()


def recurrence(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """The plain loop that a scan replaces."""
    steps = []
    for t in range(a.shape[1]):
        h = a[:, t] * h + b[:, t]
        steps.append(h)
    return torch.stack(steps, 1)


@pytest.mark.parametrize("time", [1, 2, 3, 8, 11])
def test_a_scan_and_its_gradient_are_those_of_the_recurrence(time: int) -> None:
    torch.manual_seed(0)
    a, b, h_0 = torch.rand(B, time, H), torch.randn(B, time, H), torch.randn(B, H)
    inputs = [tensor.double().requires_grad_() for tensor in (a, b, h_0)]
    weight = torch.randn(B, time, H)
    one, other = Scan.apply(*inputs), recurrence(*inputs)
    torch.testing.assert_close(one, other)
    gradients = (torch.autograd.grad((h * weight).sum(), inputs) for h in (one, other))
    torch.testing.assert_close(*gradients)


def test_a_scan_of_thousands_of_tokens_that_keep_all_or_nothing_stays_exact() -> None:
    b = torch.ones(1, 5000, 1)
    zero = torch.zeros(1, 1)
    assert torch.equal(Scan.apply(torch.ones_like(b), b, zero), b.cumsum(1))
    assert torch.equal(Scan.apply(torch.zeros_like(b), b, zero), b)


def test_the_state_of_mingru_moves_by_z_towards_the_candidate() -> None:
    a, b, shown = MinGRU(H)(torch.randn(B, T, H))
    z = shown["z"]
    torch.testing.assert_close(a, 1 - z)
    h = torch.full((B, T, H), 0.3)
    candidate = b / z
    torch.testing.assert_close(a * h + b, h + z * (candidate - h))


@pytest.mark.parametrize("shift", [0.0, -200.0])
def test_the_gates_of_minlstm_share_one_unit_of_weight_however_shut_they_are(shift: float) -> None:
    torch.manual_seed(0)
    gates = MinLSTM(H)
    gates.project.bias.data[: 2 * H] += shift
    u = torch.randn(B, T, H)
    i, f, candidate = gates.project(u).double().chunk(3, -1)  # in float64 even σ(-200) is not 0
    share = f.sigmoid() / (f.sigmoid() + i.sigmoid())
    keep, let_in, _ = gates(u)
    torch.testing.assert_close(keep.double(), share, atol=1e-5, rtol=0)
    torch.testing.assert_close(let_in.double(), (1 - share) * candidate, atol=1e-5, rtol=1e-5)


def test_the_convolution_is_pytorchs_causal_one() -> None:
    x, taps = torch.randn(B, T, H), torch.randn(4, H)
    y, tail = convolve(x, torch.zeros(B, 3, H), taps)
    padded = nn.functional.pad(x.transpose(1, 2), (3, 0))
    torch.testing.assert_close(y, nn.functional.conv1d(padded, taps.T.unsqueeze(1), groups=H).transpose(1, 2))
    assert torch.equal(tail, x[:, -3:])


@pytest.mark.parametrize(("architecture", "numpy_step"), [(mingru, step.mingru), (minlstm, step.minlstm)])
@pytest.mark.parametrize("inputs", [D, H])
def test_a_token_at_a_time_in_numpy_is_the_layer(architecture: Any, numpy_step: Any, inputs: int) -> None:
    torch.manual_seed(0)
    layer = architecture.module(architecture.config(), inputs, H).requires_grad_(False)
    for parameter in layer.parameters():  # biases and norms, too, must be seen
        nn.init.normal_(parameter, std=0.5)
    x = torch.randn(1, T, inputs)
    wanted = layer(x)[0][0].numpy()
    one = numpy_step({name: tensor.numpy() for name, tensor in layer.state_dict().items()})
    state = None
    for t, projected in enumerate(one.project(x[0].numpy())):
        y, state = one.advance(projected, state)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, wanted[t], atol=1e-4)
