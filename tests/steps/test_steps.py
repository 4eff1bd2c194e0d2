"""A stack one token at a time in numpy is the stack that torch trained; and odds, dials and writing are exact."""

import dataclasses
import math
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay import plugins
from seqplay.architecture import NoOptions
from seqplay.engine import catalog, sampling
from seqplay.engine.stack import Stack, StackShape
from seqplay.errors import UsageError
from seqplay.options import configure
from seqplay.steps import cells
from seqplay.steps import stack as step_stack
from seqplay.steps.cell import sigmoid
from seqplay.steps.stack import StackStep
from seqplay.steps.writing import Dials, Step, odds, write

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
V = 23
CELLS = ("rnn", "lstm", "gru")
NETWORKS = pytest.mark.parametrize(
    ("cell", "layers", "hidden"), [(c, n, h) for c in CELLS for n in (1, 2) for h in (8, 17)]
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """A token of 8 units is too small to share: with more threads torch mostly waits for them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(cell: str, layers: int = 1, hidden: int = 8, wrap: bool = False) -> Stack:
    """A stack of this cell whose every weight is random: starting weights leave biases and norms at 0 and 1."""
    torch.manual_seed(layers * 100 + hidden)
    architecture = dataclasses.replace(catalog.load(cell)[0], wrap=wrap)
    stack = Stack(architecture, NoOptions(), StackShape(V, 8, hidden, layers, 0.0)).eval()
    with torch.no_grad():
        for weight in stack.parameters():
            weight += 0.3 * torch.randn_like(weight)
    return stack


def random_tokens(count: int) -> list[int]:
    return np.random.default_rng(1).integers(0, V, count).tolist()


def assert_same_logits(stack: Stack, step: Any) -> None:
    """`step` gives the torch stack's logits for 50 tokens, each from the state that the one before it left."""
    ids = random_tokens(50)
    with torch.inference_mode():
        expected, _ = stack(torch.tensor([ids]))
    state = None
    for token, logits in zip(ids, expected[0].numpy(), strict=True):
        found, state = step(token, state)
        np.testing.assert_allclose(found, logits, atol=1e-4, rtol=0)
        assert found.dtype == np.float32


# -- the same network


@NETWORKS
def test_numpy_logits_are_torchs_over_50_tokens(cell: str, layers: int, hidden: int) -> None:
    stack = network(cell, layers, hidden)
    step = sampling.step_of(stack)
    assert isinstance(step, StackStep)
    assert_same_logits(stack, step)


@NETWORKS
def test_torch_token_by_token_is_torch_at_once(cell: str, layers: int, hidden: int) -> None:
    stack = network(cell, layers, hidden)
    assert_same_logits(stack, sampling.torch_step(stack))


@pytest.mark.parametrize("hidden", [8, 17])
@pytest.mark.parametrize("cell", CELLS)
def test_numpy_wraps_a_cell_in_its_norm_as_torch_does(cell: str, hidden: int) -> None:
    stack = network(cell, 3, hidden, wrap=True)
    assert_same_logits(stack, sampling.step_of(stack))


@pytest.mark.parametrize("cell", CELLS)
def test_a_vocabulary_too_large_for_a_table_gives_the_same_logits(cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = network(cell, 2)
    monkeypatch.setattr(step_stack, "LARGEST_TABLE", 0)
    step = sampling.step_of(stack)
    assert isinstance(step, StackStep)
    assert step.table is None
    assert_same_logits(stack, step)


@NETWORKS
def test_the_same_seed_writes_the_same_tokens_in_numpy_and_torch(cell: str, layers: int, hidden: int) -> None:
    stack = network(cell, layers, hidden)
    for dials in (Dials(seed=7), Dials(1.0, top_k=5, seed=8), Dials(1.5, top_p=0.8, seed=9), Dials(0.0)):
        in_numpy = list(write(sampling.step_of(stack), [3, 1], 50, dials))
        in_torch = list(write(sampling.torch_step(stack), [3, 1], 50, dials))
        assert in_numpy == in_torch
        assert len(in_numpy) == 50


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_can_be_gone_on_from_twice(cell: str) -> None:
    step = sampling.step_of(network(cell, 2))
    _, state = step(3, None)
    first, _ = step(4, state)
    step(5, state)
    again, _ = step(4, state)
    assert first.tobytes() == again.tobytes()


def test_a_cell_without_a_step_is_written_with_by_torch() -> None:
    stack = network("lstm")
    stack.architecture = dataclasses.replace(stack.architecture, step="")
    step = sampling.step_of(stack)
    assert not isinstance(step, StackStep)
    assert_same_logits(stack, step)


def test_saturated_gates_are_0_and_1_without_a_warning() -> None:
    assert sigmoid(np.array([-1e4, -100, 0, 100, 1e4], np.float32)).tolist() == [0, 0, 0.5, 1, 1]
    assert sigmoid(np.array([0.3], np.float32)).dtype == np.float32


@THOROUGH
@given(st.floats(-30, 30, width=32))
def test_sigmoid_is_torchs(x: float) -> None:
    assert float(sigmoid(np.array([x], np.float32))[0]) == pytest.approx(float(torch.tensor(x).sigmoid()), abs=1e-6)


# -- which cell has a step


def test_every_built_in_cell_that_names_a_step_has_the_one_that_is_found_and_the_other_way_round() -> None:
    named = {}
    for name, plugin in plugins.installed("cell").items():
        if plugin.built_in:
            module, _, function = catalog.load(name)[0].step.partition(":")
            if module:
                named[name] = getattr(import_module(module), function)
    folder = Path(cells.__file__).parent
    files = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    assert named == {name: cells.find(name) for name in files}


@pytest.mark.parametrize(
    "name", ["", "nothing", "__init__", "__pycache__", "lstm.step", "../lstm", "os", "가", "l m", "\0"]
)
def test_what_is_no_cell_with_a_step_has_none(name: str) -> None:
    assert cells.find(name) is None


def test_steps_need_no_torch() -> None:
    code = """
import sys
from seqplay.steps import cells, stack, writing
for name in ("rnn", "lstm", "gru"):
    assert cells.find(name)
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- odds


def logits_of(*p: float) -> np.ndarray:
    """Logits of the unknown symbol, the likeliest of all, and then of tokens with these odds."""
    return np.array([5.0, *map(math.log, p)], np.float32)


FOUR = logits_of(0.5, 0.25, 0.125, 0.125)


def test_at_temperature_1_the_odds_are_the_models_own_without_the_unknown() -> None:
    np.testing.assert_allclose(odds(FOUR, Dials(1.0)), [0, 0.5, 0.25, 0.125, 0.125], atol=1e-6)


def test_a_temperature_of_one_half_squares_the_odds() -> None:
    squares = np.array([0, 16, 4, 1, 1]) / 22
    np.testing.assert_allclose(odds(FOUR, Dials(0.5)), squares, atol=1e-6)


def test_a_temperature_of_2_takes_their_roots() -> None:
    roots = np.sqrt([0, 8, 4, 2, 2])
    np.testing.assert_allclose(odds(FOUR, Dials(2.0)), roots / roots.sum(), atol=1e-6)


def test_temperature_0_is_certain_of_the_likeliest() -> None:
    assert odds(FOUR, Dials(0.0)).tolist() == [0, 1, 0, 0, 0]
    assert odds(FOUR[::-1].copy(), Dials(0.0)).tolist() == [0, 0, 0, 0, 1]


def test_at_temperature_0_the_first_of_equals_is_taken() -> None:
    assert odds(np.array([9, 1, 3, 3], np.float32), Dials(0.0, top_k=2, top_p=0.1)).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("top_k", "expected"),
    [
        (0, [0, 0.5, 0.25, 0.125, 0.125]),
        (1, [0, 1, 0, 0, 0]),
        (2, [0, 2 / 3, 1 / 3, 0, 0]),
        (4, [0, 0.5, 0.25, 0.125, 0.125]),
        (5, [0, 0.5, 0.25, 0.125, 0.125]),
        (10**9, [0, 0.5, 0.25, 0.125, 0.125]),
    ],
)
def test_top_k_keeps_the_k_likeliest(top_k: int, expected: list[float]) -> None:
    np.testing.assert_allclose(odds(FOUR, Dials(1.0, top_k=top_k)), expected, atol=1e-6)


def test_tokens_that_tie_for_the_last_place_of_top_k_all_stay() -> None:
    np.testing.assert_allclose(odds(FOUR, Dials(1.0, top_k=3)), [0, 0.5, 0.25, 0.125, 0.125], atol=1e-6)


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (0.0, [0, 1, 0, 0, 0]),
        (0.49, [0, 1, 0, 0, 0]),
        (0.51, [0, 2 / 3, 1 / 3, 0, 0]),
        (0.74, [0, 2 / 3, 1 / 3, 0, 0]),
        (0.76, [0, 4 / 7, 2 / 7, 1 / 7, 0]),
        (0.88, [0, 0.5, 0.25, 0.125, 0.125]),
        (1.0, [0, 0.5, 0.25, 0.125, 0.125]),
    ],
)
def test_top_p_keeps_the_fewest_that_together_reach_it(top_p: float, expected: list[float]) -> None:
    np.testing.assert_allclose(odds(FOUR, Dials(1.0, top_p=top_p)), expected, atol=1e-6)


def test_odds_that_reach_top_p_exactly_are_enough() -> None:
    equal = np.zeros(5, np.float32)
    assert odds(equal, Dials(1.0, top_p=0.5)).tolist() == [0, 0.5, 0.5, 0, 0]


def test_top_p_counts_what_top_k_left() -> None:
    np.testing.assert_allclose(odds(FOUR, Dials(1.0, top_k=2, top_p=0.6)), [0, 1, 0, 0, 0], atol=1e-6)


FINITE = st.floats(-1e4, 1e4, width=32)


@THOROUGH
@given(
    st.lists(FINITE, min_size=2, max_size=30),
    st.floats(0, 100),
    st.integers(0, 40),
    st.floats(0, 1),
)
def test_odds_always_sum_to_1_and_never_hold_the_unknown(
    values: list[float], temperature: float, top_k: int, top_p: float
) -> None:
    logits = np.array(values, np.float32)
    before = logits.tobytes()
    p = odds(logits, Dials(temperature, top_k, top_p))
    assert p.shape == logits.shape
    assert p[0] == 0
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(1, abs=1e-5)
    assert p[1 + int(logits[1:].argmax())] == p.max() > 0
    assert logits.tobytes() == before


@THOROUGH
@given(st.lists(FINITE, min_size=3, max_size=30, unique=True), st.integers(1, 40))
def test_without_ties_top_k_leaves_at_most_k(values: list[float], top_k: int) -> None:
    p = odds(np.array(values, np.float32), Dials(1.0, top_k=top_k))
    assert np.count_nonzero(p) <= top_k
    assert set(np.flatnonzero(p)) <= set((1 + np.argsort(values[1:])[::-1])[:top_k].tolist())


@pytest.mark.parametrize(
    "wrong",
    [
        *({"temperature": bad} for bad in (-0.1, math.nan, 101.0)),
        *({"top_k": bad} for bad in (-1, 1.5)),
        *({"top_p": bad} for bad in (1.1, -0.1)),
        *({"seed": bad} for bad in (-1, "now")),
    ],
)
def test_dials_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"^{next(iter(wrong))} takes "):
        configure(Dials, wrong, "sampling")


# -- writing


def always(logits: np.ndarray) -> Step:
    """A step that says the same after every token."""

    def step(token: int, state: Any) -> tuple[np.ndarray, Any]:
        return logits, state

    return step


def counting(token: int, state: int | None) -> tuple[np.ndarray, int]:
    """A step whose likeliest next token is how many it has read, from 1 to 4."""
    read = (state or 0) + 1
    return np.eye(5, dtype=np.float32)[1 + (read - 1) % 4] * 3, read


def test_the_prompt_is_read_and_not_repeated() -> None:
    assert list(write(counting, [2], 6, Dials(0.0))) == [1, 2, 3, 4, 1, 2]
    assert list(write(counting, [2, 2, 2], 3, Dials(0.0))) == [3, 4, 1]


def test_a_length_of_0_writes_nothing() -> None:
    assert list(write(counting, [1], 0, Dials())) == []


def test_the_same_seed_writes_the_same_and_another_seed_another() -> None:
    first, again, other = (list(write(counting, [1], 60, Dials(1.0, seed=seed))) for seed in (1, 1, 2))
    assert first == again != other


def test_without_a_seed_each_text_is_new() -> None:
    first, second = (list(write(counting, [1], 200, Dials(3.0))) for _ in range(2))
    assert first != second


def test_a_longer_text_begins_with_the_shorter_one() -> None:
    short, long = (list(write(counting, [1], length, Dials(1.0, seed=3))) for length in (10, 40))
    assert long[:10] == short


def test_tokens_are_given_one_at_a_time_as_they_are_written() -> None:
    read: list[int] = []

    def step(token: int, state: Any) -> tuple[np.ndarray, Any]:
        read.append(token)
        return counting(token, state)

    writing: Iterator[int] = write(step, [2, 2], 10**9, Dials(0.0))
    assert [next(writing), next(writing)] == [2, 3]
    assert read == [2, 2, 2]


def test_a_prompt_may_be_an_array_of_any_integer_type() -> None:
    for kind in (np.uint8, np.uint16, np.int32, np.int64):
        assert list(write(counting, np.array([2, 2], kind), 2, Dials(0.0))) == [2, 3]


@THOROUGH
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_the_unknown_is_never_written(seed: int, temperature: float) -> None:
    likely = np.array([50, 0, 1, -1], np.float32)
    assert 0 not in list(write(always(likely), [1], 20, Dials(temperature, seed=seed)))


def test_tokens_are_drawn_as_often_as_their_odds_say() -> None:
    drawn = np.bincount(list(write(always(FOUR), [1], 20_000, Dials(1.0, seed=0))), minlength=5)
    np.testing.assert_allclose(drawn / 20_000, [0, 0.5, 0.25, 0.125, 0.125], atol=0.015)


def test_a_token_that_top_k_dropped_is_never_drawn() -> None:
    drawn = set(write(always(FOUR), [1], 2000, Dials(100.0, top_k=2, seed=0)))
    assert drawn == {1, 2}
