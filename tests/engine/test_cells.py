"""Every built-in cell keeps the contract of a sequence layer, alone and in a stack."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqplay import plugins
from seqplay.architecture import Architecture, NoOptions
from seqplay.engine import catalog
from seqplay.engine.sampling import step_of, torch_step
from seqplay.engine.stack import Stack, StackShape
from seqplay.engine.tree import flatten, map_tree
from seqplay.steps.cell import CellStep

B, T, D, H = 3, 12, 5, 8
BUILT_IN = [name for name, plugin in plugins.installed("cell").items() if plugin.built_in]


@pytest.fixture(params=BUILT_IN)
def cell(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    architecture, _ = catalog.load(request.param)
    module: nn.Module = architecture.module(architecture.config(), D, H)
    return module.requires_grad_(False)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(B, T, D, generator=torch.Generator().manual_seed(1))


def close(one: Any, other: Any) -> None:
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


def test_the_built_in_cells_are_these() -> None:
    assert sorted(BUILT_IN) == ["gru", "lstm", "rnn"]


@pytest.mark.parametrize("cuts", [[1] * T, [5, 7], [11, 1], [4, 4, 4]])
def test_chunks_with_carried_state_equal_one_call(cuts: list[int], cell: nn.Module, x: Tensor) -> None:
    whole, last = cell(x)
    state, pieces = None, []
    for chunk in x.split(cuts, dim=1):
        y, state = cell(chunk, state)
        pieces.append(y)
    close(torch.cat(pieces, 1), whole)
    assert flatten(state).keys() == flatten(last).keys()
    for name, tensor in flatten(state).items():
        close(tensor, flatten(last)[name])


def test_chunks_without_the_state_differ(cell: nn.Module, x: Tensor) -> None:
    whole, _ = cell(x)
    assert (torch.cat([cell(chunk)[0] for chunk in x.split([6, 6], dim=1)], 1) - whole).abs().max() > 1e-3


def test_an_output_depends_on_no_later_input(cell: nn.Module, x: Tensor) -> None:
    y, _ = cell(x)
    for t in range(T - 1):
        changed = x.clone()
        changed[:, t + 1 :] += 1
        other, _ = cell(changed)
        close(other[:, : t + 1], y[:, : t + 1])
        assert (other[:, t + 1] - y[:, t + 1]).abs().max() > 1e-3


def test_rows_do_not_see_each_other(cell: nn.Module, x: Tensor) -> None:
    y, state = cell(x)
    for b in range(B):
        alone, state_alone = cell(x[b : b + 1])
        close(alone[0], y[b])
        for name, tensor in flatten(state_alone).items():
            close(tensor[0], flatten(state)[name][b])


def test_state_has_rows_first_and_keeps_its_tree_and_shapes(cell: nn.Module, x: Tensor) -> None:
    _, first = cell(x)
    _, second = cell(x[:, :1], first)
    shapes = [{name: (t.shape, t.dtype) for name, t in flatten(state).items()} for state in (first, second)]
    assert shapes[0] == shapes[1]
    assert {shape[0] for shape, _ in shapes[0].values()} == {B}


def test_state_of_some_rows_goes_on_as_those_rows(cell: nn.Module, x: Tensor) -> None:
    _, state = cell(x)
    y, _ = cell(x, state)
    some, _ = cell(x[1:], map_tree(lambda t: t[1:], state))
    close(some, y[1:])


# -- the stack


class Leaky(nn.Module):
    """h <- h / 2 + W x: the smallest cell that carries something."""

    def __init__(self, config: NoOptions, inputs: int, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = x.new_zeros(x.shape[0], self.enter.out_features) if state is None else state
        steps = []
        for t in range(x.shape[1]):
            h = h / 2 + self.enter(x[:, t])
            steps.append(h)
        return torch.stack(steps, 1), h


def leaky_step(weights: Any) -> CellStep:
    W, b = weights["enter.weight"], weights["enter.bias"]

    def advance(p: Any, state: Any) -> Any:
        h = p if state is None else state / 2 + p
        return h, h

    return CellStep(lambda x: x @ W.T + b, advance)


def stack_of(name: str, wrap: bool, embedding: int, layers: int) -> Stack:
    torch.manual_seed(0)
    if name == "leaky":
        architecture = Architecture("leaky", "cell", Leaky, "a test", wrap=wrap, step=f"{__name__}:leaky_step")
    else:
        architecture, _ = catalog.load(name)
    network = Stack(architecture, NoOptions(), StackShape(7, embedding, H, layers, 0.3, 0.2))
    for parameter in network.parameters():  # norms and biases, too, must be seen
        nn.init.normal_(parameter, std=0.5)
    return network


@pytest.mark.parametrize(("name", "wrap"), [*((name, False) for name in BUILT_IN), ("leaky", False), ("leaky", True)])
@pytest.mark.parametrize("embedding", [H, D])
@pytest.mark.parametrize("layers", [1, 3])
def test_a_token_at_a_time_without_torch_equals_torch_and_the_whole_text_at_once(
    name: str, wrap: bool, embedding: int, layers: int
) -> None:
    network = stack_of(name, wrap, embedding, layers).eval()
    ids = [1, 5, 2, 2, 0, 6, 3]
    with torch.no_grad():
        whole = network(torch.tensor([ids]))[0][0].numpy()
    for step in (step_of(network), torch_step(network)):
        state = None
        for token, wanted in zip(ids, whole, strict=True):
            logits, state = step(token, state)
            np.testing.assert_allclose(logits, wanted, atol=1e-4)


def test_the_step_without_torch_is_taken_where_there_is_one() -> None:
    assert type(step_of(stack_of("leaky", True, H, 1))).__name__ == "StackStep"


@pytest.mark.parametrize("wrap", [False, True])
def test_a_wrapped_cell_is_x_plus_the_cell_of_the_normalised_x(wrap: bool) -> None:
    network = stack_of("leaky", wrap, H, 1).eval()
    ids = torch.tensor([[1, 2, 3]])
    x = network.embedding(ids)
    y = network.cells[0](nn.functional.layer_norm(x, (H,), network.norms[0].weight, network.norms[0].bias))[0] if wrap \
        else network.cells[0](x)[0]  # fmt: skip
    close(network(ids)[0], network.head(x + y if wrap else y))


@pytest.mark.parametrize("wrap", [False, True])
def test_every_weight_of_a_stack_learns(wrap: bool) -> None:
    network = stack_of("leaky", wrap, H, 2)
    masks = network.draw_masks(2, 4, seed=0, step=0)
    logits, _ = network(torch.tensor([[1, 2, 3, 4], [5, 6, 0, 1]]), None, masks)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    logits.pow(2).sum().backward()
    torch.optim.SGD(network.parameters(), 0.01).step()
    assert [name for name, p in network.named_parameters() if torch.equal(p, before[name])] == []
