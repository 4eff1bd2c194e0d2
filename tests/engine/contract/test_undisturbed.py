"""Random states are told apart by every single draw, and come back."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from seqplay.engine.contract.undisturbed import drawn_since, random_states, undisturbed

DRAWS = {"torch's": lambda: torch.rand(1), "numpy's": np.random.rand, "Python's": random.random}


@pytest.mark.parametrize("whose", DRAWS)
def test_one_number_more_is_seen_and_taken_back(whose: str) -> None:
    draw: Callable[[], object] = DRAWS[whose]
    with undisturbed():
        draw()  # numpy makes 624 numbers at a time: the next one only moves a counter
        before = random_states()
        with undisturbed():
            draw(), draw()  # where torch's begins anew, one would lead to the same place
            inside = drawn_since(before)
        assert drawn_since(before) == []
        draw()
        assert drawn_since(before) == [whose]
    assert whose in inside
