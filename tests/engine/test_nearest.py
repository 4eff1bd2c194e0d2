"""The training picture most like a drawn one is found in blocks, as comparing each with each would find it."""

import numpy as np
import pytest
import torch

from seqplay.data.pictures import Pictures
from seqplay.engine import nearest as module
from seqplay.engine.nearest import nearest
from seqplay.engine.pictures import to_tensor


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 7)


def pictures(count: int, seed: int, channels: int = 3) -> Pictures:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 4, 5, channels), dtype=np.uint8)
    return Pictures(pixels, np.zeros(count, np.int64), ("a",), False)


def test_it_is_the_one_that_comparing_each_with_each_finds() -> None:
    some, many = pictures(10, 1), pictures(30, 2)
    a, b = (part.pixels.reshape(len(part), -1) / 255 for part in (some, many))
    wanted = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    places, distances = nearest(to_tensor(some), many)
    assert places.tolist() == wanted.argmin(1).tolist()
    np.testing.assert_allclose(distances, wanted.min(1), atol=1e-5)


def test_a_distance_of_1_is_one_value_from_0_to_255() -> None:
    black = Pictures(np.zeros((1, 4, 5, 1), np.uint8), np.zeros(1, np.int64), ("a",), True)
    drawn = torch.full((1, 1, 4, 5), -1.0)
    drawn[0, 0, 2, 3] = 1.0
    assert nearest(drawn, black)[1].tolist() == [1.0]


def test_a_copy_is_at_hardly_any_distance() -> None:
    many = pictures(30, 2)
    places, distances = nearest(to_tensor(many.take(np.array([29, 0, 8]))), many)
    assert places.tolist() == [29, 0, 8]
    assert float(distances.max()) < 1e-5


def test_places_that_do_not_count_are_passed_over() -> None:
    many = pictures(20, 3)
    twice = many.take(np.array([*range(20), 4]))
    places, distances = nearest(to_tensor(twice), twice, but=torch.arange(21))
    assert all(place != at for at, place in enumerate(places.tolist()))
    assert (places[4], places[20]) == (20, 4)
    assert (distances < 1e-5).nonzero().flatten().tolist() == [4, 20]
