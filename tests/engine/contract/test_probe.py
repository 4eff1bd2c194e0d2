"""What a trainer looks at before it plans refuses every lie about form in one line, and disturbs nothing."""

import random
from dataclasses import dataclass
from typing import Any

import broken
import broken_models
import numpy as np
import pytest
import torch
from torch import Tensor

from seqplay import option
from seqplay.architecture import Architecture, NoOptions
from seqplay.engine import catalog
from seqplay.engine.contract.probe import probe
from seqplay.engine.contract.undisturbed import random_states
from seqplay.errors import MissingError


def returning(given: Any) -> Architecture:
    """A cell that returns what `given` makes of x, y and the next state."""

    class Odd(broken.Good):
        def forward(self, x: Tensor, state: Any = None) -> Any:
            y, after = super().forward(x, state if isinstance(state, Tensor) else None)
            return given(x, y, after)

    return broken.cell(Odd)


LIES = {
    "None": (lambda x, y, h: None, "forward returns None"),
    "y alone": (lambda x, y, h: y, "forward returns a Tensor instead of two things"),
    "three things": (lambda x, y, h: (y, h, h), "forward returns 3 things"),
    "y is no tensor": (lambda x, y, h: (0.0, h), "y is a float"),
    "the last y": (lambda x, y, h: (y[:, -1], h), r"y has the shape \(3, 16\)"),
    "time first": (lambda x, y, h: (y.transpose(0, 1), h), r"y has the shape \(4, 3, 16\)"),
    "float64": (lambda x, y, h: (y.double(), h), "y is float64"),
    "another device": (lambda x, y, h: (y.to("meta"), h), "y is on meta"),
    "not finite": (lambda x, y, h: (y / 0, h), "y is -?(inf|nan)"),
    "state without rows": (lambda x, y, h: (y, h.unsqueeze(0)), r"The state has the shape \(1, 3, 16\) for 3 rows"),
    "state of a scalar": (lambda x, y, h: (y, {"h": h, "n": h.sum()}), r"The state at n has the shape \(\)"),
    "state with a number": (lambda x, y, h: (y, (h, x.shape[1])), "The state at 1 is a int"),
    "state on another device": (lambda x, y, h: (y, h.to("meta")), "The state is on meta"),
    "state that changes shape": (lambda x, y, h: (y, y), r"The state is float32 \(3, 1, 16\) after a call"),
    "state that changes dtype": (lambda x, y, h: (y, h.double() if x.shape[1] == 1 else h), "is float64"),
    "state that changes tree": (lambda x, y, h: (y, (h, h) if x.shape[1] == 1 else [h, h]), "is a tuple of 2"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_cell_that_lies_about_its_form_is_refused_in_one_line(lie: str) -> None:
    given, reason = LIES[lie]
    with pytest.raises(MissingError, match=reason) as refused:
        probe(returning(given), NoOptions())
    said = str(refused.value)
    assert said.startswith("The cell 'Odd' breaks the contract: ")
    assert said.endswith(". Check it: seqplay plugins check Odd")
    assert "\n" not in said


def test_one_tensor_under_two_names_is_refused() -> None:
    with pytest.raises(MissingError, match=r"'gate.weight' and 'value.weight' share memory"):
        probe(broken.cell(broken.SharesAParameter), NoOptions())


def test_parameters_that_are_not_float32_or_not_there_are_refused() -> None:
    with pytest.raises(MissingError, match="'turn' is complex64; parameters must be float32"):
        probe(broken.cell(broken.HasAComplexParameter), NoOptions())
    with pytest.raises(MissingError, match=r"'gate\.weight' is only made at the first call"):
        probe(broken.cell(broken.MakesWeightsOnTheWay), NoOptions())
    with pytest.raises(MissingError, match="'scale' is float64; parameters must be float32"):
        probe(broken_models.model(broken_models.HasADoubleParameter), NoOptions())


@pytest.mark.parametrize("raised", [ValueError("no"), SystemExit(1), BaseException("no")])
def test_a_cell_that_cannot_be_built_is_refused_with_the_place(raised: BaseException) -> None:
    def module(config: Any, inputs: int, width: int) -> Any:
        raise raised

    with pytest.raises(MissingError, match=rf"It raises {type(raised).__name__}.*\(test_probe.py, line \d+\)"):
        probe(broken.cell(module), NoOptions())


def test_a_wrong_signature_and_what_is_no_module_are_refused() -> None:
    with pytest.raises(MissingError, match=r"def __init__\(self, config, inputs, width\)"):
        probe(broken.cell(lambda width: None), NoOptions())

    class Stateless(broken.Good):
        def forward(self, x):
            return super().forward(x)

    with pytest.raises(MissingError, match=r"too many positional arguments\): def forward\(self, x, state=None\)"):
        probe(broken.cell(Stateless), NoOptions())
    with pytest.raises(MissingError, match=r"gives a list; derive it from nn\.Module"):
        probe(broken.cell(lambda config, inputs, width: []), NoOptions())


def test_a_parameter_that_no_output_uses_is_refused_by_its_name() -> None:
    with pytest.raises(MissingError, match="gets no gradient from any output; use it in forward, take it out"):
        probe(broken.cell(broken.HasADeadParameter), NoOptions())


def test_a_config_that_fits_no_small_size_is_tried_at_the_sizes_of_the_run() -> None:
    @dataclass(frozen=True)
    class Heads:
        heads: int = option(4, help="must divide the width")

    class Divided(broken.Good):
        def __init__(self, config: Heads, inputs: int, width: int) -> None:
            if width % config.heads:
                raise ValueError("heads do not divide the width")
            super().__init__(config, inputs, width)

    architecture = broken.cell(Divided, config=Heads)
    probe(architecture, Heads(3), ((5, 16), (5, 15), (8, 16)))
    with pytest.raises(MissingError, match="heads do not divide the width"):
        probe(architecture, Heads(3))


def test_a_model_is_probed_too() -> None:
    probe(broken_models.model(broken_models.Painter), NoOptions())
    with pytest.raises(MissingError, match=r"^The model 'DrawsTooBright' breaks the contract: The generator's"):
        probe(broken_models.model(broken_models.DrawsTooBright), NoOptions())


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_the_built_in_cells_pass(name: str) -> None:
    architecture = catalog.load(name)[0]
    probe(architecture, architecture.config())


def test_no_random_state_is_moved() -> None:
    class Draws(broken.Good):
        def forward(self, x: Tensor, state: Any = None) -> Any:
            random.random(), np.random.rand(), torch.rand(3)
            return super().forward(x, state)

    before = random_states()
    probe(broken.cell(Draws), NoOptions())
    assert random_states() == before
