"""The layers of a network are found by running it: a model lists none of its own."""

import torch
from torch import Tensor, nn

from seqplay.engine.tasks.layer_table import layer_rows, to_table


class Network(nn.Module):
    """Stages that are used in another order than they are made in, one of them twice, and a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(12, 3)
        self.blocks = nn.ModuleList([nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)])
        self.max_pool1 = nn.MaxPool2d(2)
        self.rows = nn.LSTM(4, 2, batch_first=True)
        self.scale = nn.Parameter(torch.ones(5))

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.blocks[0](pictures)
        x = self.max_pool1(self.blocks[1](self.blocks[1](x)))
        y, _ = self.rows(x.mean(2).transpose(1, 2))
        return self.last(y.flatten(1)) * self.scale[0]


def test_every_stage_is_listed_once_in_the_order_of_use_and_no_weight_is_left_out() -> None:
    network = Network()
    rows = layer_rows(network, torch.zeros(1, 1, 4, 12), "reader")
    assert rows == [
        ("reader blocks 0", (4, 12, 4), 40),
        ("reader blocks 1", (4, 12, 4), 148),
        ("reader max-pool 1", (2, 6, 4), 0),
        ("reader rows", (6, 2), 64),
        ("reader last", (3,), 39),
        ("reader own weights", (3,), 5),
    ]
    assert sum(parameters for _, _, parameters in rows) == sum(p.numel() for p in network.parameters())


def test_the_stages_of_an_only_sequential_are_those_of_the_network() -> None:
    inner = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.ReLU()))
    assert layer_rows(inner, torch.zeros(1, 2)) == [
        ("0", (3,), 9), ("1", (4,), 16),
    ]  # fmt: skip
    assert [name for name, _, _ in layer_rows(nn.Sequential(inner), torch.zeros(1, 2))] == ["0", "1"]


def test_listing_leaves_a_network_as_it_was() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 3)).train()
    layer_rows(network, torch.ones(1, 2))
    assert network.training
    assert all(not module._forward_hooks for module in network.modules())
    assert int(network[0].num_batches_tracked) == 0  # type: ignore[arg-type]


def test_a_plan_holds_shapes_with_the_batch() -> None:
    assert to_table([("head", (10,), 5), ("paint", (28, 28, 1), 0)], 64) == [
        ["head", "(64, 10)", 5], ["paint", "(64, 28, 28, 1)", 0],
    ]  # fmt: skip
