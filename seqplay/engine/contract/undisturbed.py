"""A place to try a plugin in: seqplay's own settings of torch inside, and the caller's again afterwards."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside: float32, gradients, one thread, no autocast, a fixed random state, and silent warnings, whatever an
    import has set; outside nothing changes, not even the random states.
    """
    dtype, threads, states = torch.get_default_dtype(), torch.get_num_threads(), random_states()
    try:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(1)
        torch.manual_seed(0)
        with warnings.catch_warnings(), torch.autocast("cpu", enabled=False), torch.enable_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.set_rng_state(torch.tensor(states["torch's"], dtype=torch.uint8, device="cpu"))
        np.random.set_state(states["numpy's"])
        random.setstate(states["Python's"])


def random_states() -> dict[str, Any]:
    """The global random states, by whose they are, as values that == compares."""
    name, key, *rest = np.random.get_state()
    numpys = (name, np.asarray(key).tolist(), *rest)
    return {"torch's": torch.get_rng_state().tolist(), "numpy's": numpys, "Python's": random.getstate()}


def drawn_since(states: dict[str, Any]) -> list[str]:
    """Whose random state is another than it was, such as "numpy's"."""
    return [whose for whose, now in random_states().items() if now != states[whose]]
