"""What a judge's numbers say of drawn pictures, and the sentences about a generator that has gone wrong."""

import numpy as np
import pytest
import torch
from torch import nn

from seqplay.data.pictures import Pictures
from seqplay.engine import frechet, judging
from seqplay.engine.judge import Judge, Yardsticks, variance
from seqplay.engine.pictures import to_tensor

N = 120


class Quarters(nn.Module):
    """Reads which quarter of a 2x2 picture is the brightest: the features are its four values, from 0 to 1."""

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        return (pictures.flatten(1) + 1) / 2

    def head(self, features: torch.Tensor) -> torch.Tensor:
        return 20 * features


def quarters(count: int = N, seed: int = 0, classes: int = 4) -> Pictures:
    labels = np.arange(count) % classes
    pixels = np.random.default_rng(seed).integers(0, 60, (count, 2, 2, 1), dtype=np.uint8)
    pixels.reshape(count, 4)[np.arange(count), labels] += 180
    return Pictures(pixels, labels, ("a", "b", "c", "d"), True)


@pytest.fixture
def judge() -> Judge:
    real = Quarters().features(to_tensor(quarters()))
    yardsticks = Yardsticks(0.99, 0.5, variance(to_tensor(quarters())), 0.02, 0.1)
    return Judge(Quarters(), frechet.fit(real), yardsticks)  # type: ignore[arg-type]


def scored(judge: Judge, drawn: Pictures) -> judging.Scores:
    return judging.score(judge, to_tensor(drawn), quarters())


def test_pictures_like_the_real_ones_score_well(judge: Judge) -> None:
    found = scored(judge, quarters(seed=1))
    assert found.confident_share == 1.0
    assert found.classes_present == 4
    assert found.class_shares == (0.25,) * 4
    assert 0 < found.frechet < 0.01
    assert found.variety == pytest.approx(1.0, abs=0.05)
    assert (found.frechet_floor, found.nearest_floor, found.judge_accuracy) == (0.5, 0.1, 0.99)


def test_copies_of_the_training_pictures_are_told(judge: Judge) -> None:
    found = scored(judge, quarters().take(np.arange(60)))
    assert found.copied_share == 1.0
    assert found.nearest_distance < 1e-5
    assert scored(judge, quarters(seed=1)).copied_share < 0.5


def test_the_frechet_distance_is_that_of_the_features(judge: Judge) -> None:
    drawn = quarters(seed=2, classes=3)
    wanted = frechet.distance(frechet.fit(Quarters().features(to_tensor(drawn))), judge.real)
    assert scored(judge, drawn).frechet == pytest.approx(wanted)
    assert wanted > 0.1


def test_a_class_counts_from_two_per_cent_of_the_pictures_on(judge: Judge) -> None:
    one = quarters().take(np.zeros(98, np.int64))
    both = quarters().take(np.array([0] * 98 + [1] * 2))
    assert scored(judge, one).classes_present == 1
    assert scored(judge, both).classes_present == 2
    assert scored(judge, both).class_shares == (0.98, 0.02, 0.0, 0.0)


def test_pictures_that_could_be_anything_are_read_without_confidence(judge: Judge) -> None:
    grey = Pictures(np.full((10, 2, 2, 1), 128, np.uint8), np.zeros(10, np.int64), ("a", "b", "c", "d"), True)
    assert scored(judge, grey).confident_share == 0.0


def test_values_that_are_not_finite_give_finite_scores(judge: Judge) -> None:
    drawn = torch.full((20, 1, 2, 2), float("nan"))
    assert np.isfinite(judging.score(judge, drawn, quarters()).frechet)


def test_the_row_of_scores_is_plain_data(judge: Judge) -> None:
    row = scored(judge, quarters(seed=1)).to_row()
    assert row["class_shares"] == [0.25] * 4
    assert {type(value) for value in row.values()} == {float, int, list}


def test_the_variance_is_of_values_from_0_to_1() -> None:
    wanted = (quarters().pixels / 255).var(axis=0, ddof=1).mean()
    assert variance(to_tensor(quarters())) == pytest.approx(wanted)
