"""A run that was planned elsewhere, or with a cell that is not what it was."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from seqplay.architecture import Architecture, NoOptions
from seqplay.data.built_in import built_in_text
from seqplay.engine import catalog, planning
from seqplay.engine.stack import Stack, StackShape
from seqplay.errors import MissingError, RunError, UsageError

MakeRun = Callable[..., Any]
TEXT = built_in_text("english").decode()[:1500]
PLAN = {"hidden": 8, "embedding": 8, "batch": 8, "sequence": 16, "steps": 4}


class Ones(nn.Module):
    """A cell that always says 1."""

    def __init__(self, config: NoOptions, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: torch.Tensor, state: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        return x.new_ones(*x.shape[:2], self.width), x.new_zeros(len(x), 1)


class Drawing(nn.Module):
    """A cell that draws from torch's global generator while it trains."""

    def __init__(self, config: NoOptions, inputs: int, width: int) -> None:
        super().__init__()
        self.layer, self.drop = nn.Linear(inputs, width), nn.Dropout(0.5)

    def forward(self, x: torch.Tensor, state: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        return self.drop(self.layer(x)), x.new_zeros(len(x), 1)


def test_another_torch_is_said_and_the_run_goes_on(make_run: MakeRun) -> None:
    run = make_run(TEXT, **PLAN).planned()
    run.change_plan(torch="1.0.0")
    assert run.train()
    said = [row["message"] for row in run.rows("note")]
    assert any("planned with torch 1.0.0" in message for message in said)


def test_a_device_that_is_not_there_is_said_in_one_line(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning.device, "pick_device", lambda _: "cpu")
    run = make_run(TEXT, **PLAN).planned()
    run.change_plan(device="cuda")
    with pytest.raises(UsageError, match="trains on cuda"):
        run.train()


def test_a_cell_of_another_distribution_is_not_taken_for_the_runs_own(make_run: MakeRun) -> None:
    run = make_run(TEXT, **PLAN).planned()
    run.change_plan(distribution="seqplay-other", version="2.0")
    with pytest.raises(MissingError, match=r"came from seqplay-other 2\.0.*pip install seqplay-other"):
        run.train()


def test_a_codec_that_was_changed_is_refused(make_run: MakeRun) -> None:
    run = make_run(TEXT, **PLAN).planned()
    content = run.files.tokenizer.read_text()
    run.files.tokenizer.write_text(content.replace('"h"', '"\\u00e9"'))
    with pytest.raises(RunError, match=r"tokenizer\.json is damaged"):
        run.train()


@pytest.mark.parametrize(("residual", "said"), [(False, 1.0), (True, 3.0)])
def test_the_stack_adds_a_layers_input_only_where_the_architecture_says_so(residual: bool, said: float) -> None:
    ones = Architecture("ones", "cell", Ones, "says 1", residual=residual)
    stack = Stack(ones, NoOptions(), StackShape(vocabulary=3, embedding=4, hidden=4, layers=3, dropout=0.0))
    heard: list[torch.Tensor] = []
    stack.head.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    stack(torch.tensor([[0, 1]]))
    assert torch.equal(heard[0], torch.full((1, 2, 4), said))


def test_a_cell_that_draws_while_it_trains_gets_one_thread(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = Architecture("lstm", "cell", Drawing, "draws")
    plugin = catalog.load("lstm")[1]
    monkeypatch.setattr(catalog, "load", lambda name, kind="cell": (drawing, plugin))
    one, two = (make_run(TEXT, threads=2, **PLAN).planned() for _ in range(2))
    assert (one.plan.slices, one.plan.threads) == (1, 1)
    assert "draws random numbers" in one.plan.notices[0]
    assert one.train()
    assert two.train()
    losses = [[row["train_loss"] for row in run.rows("step")] for run in (one, two)]
    assert losses[0] == losses[1]
