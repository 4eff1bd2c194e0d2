"""The Fréchet distance of two Gaussians is what the closed form says."""

import pytest
import torch

from seqplay.engine.frechet import Gaussian, distance, fit


def heap(count: int = 500, width: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def turned(width: int) -> torch.Tensor:
    return torch.linalg.qr(heap(width, width, seed=9))[0]


def test_equal_heaps_are_at_distance_0() -> None:
    assert distance(fit(heap()), fit(heap())) == pytest.approx(0, abs=1e-10)


def test_equal_heaps_with_fewer_vectors_than_features_are_at_distance_0() -> None:
    few = heap(count=4, width=50)
    assert distance(fit(few), fit(few)) == pytest.approx(0, abs=1e-6)


def test_a_shifted_heap_is_at_the_square_of_the_shift() -> None:
    shift = torch.tensor([3.0, 0, 0, 4.0, 0, 0], dtype=torch.float64)
    assert distance(fit(heap()), fit(heap() + shift)) == pytest.approx(25.0)


def test_a_heap_three_times_as_wide_is_at_four_times_its_variance() -> None:
    """|m - 3m|² + tr(S + 9S - 2 · 3S) = 4 (|m|² + tr S)."""
    one = fit(heap())
    wanted = 4 * (one.mean.square().sum() + one.covariance.trace())
    assert distance(one, fit(3 * heap())) == pytest.approx(float(wanted))


def test_covariances_that_do_not_commute_follow_the_closed_form_of_two_dimensions() -> None:
    """tr √M = √(tr M + 2 √det M) for M of 2 x 2, with M = S₁ S₂."""
    one, other = torch.tensor([[2.0, 0.5], [0.5, 1.0]]).double(), torch.tensor([[1.0, -0.7], [-0.7, 3.0]]).double()
    product = one @ other
    root = torch.sqrt(product.trace() + 2 * product.det().sqrt())
    wanted = float(one.trace() + other.trace() - 2 * root)
    zero = torch.zeros(2).double()
    assert distance(Gaussian(zero, one), Gaussian(zero, other)) == pytest.approx(wanted)


def test_turning_both_heaps_changes_nothing_and_neither_does_their_order() -> None:
    one, other, turn = heap(seed=1), 2 * heap(seed=2) @ torch.diag(torch.arange(6.0)).double() + 1, turned(6)
    plain = distance(fit(one), fit(other))
    assert plain > 1
    assert distance(fit(one @ turn), fit(other @ turn)) == pytest.approx(plain)
    assert distance(fit(other), fit(one)) == pytest.approx(plain)


def test_the_fit_is_the_mean_and_the_unbiased_covariance_in_float64() -> None:
    made = fit(torch.tensor([[0.0, 1.0], [2.0, 1.0]]))
    assert made.mean.tolist() == [1.0, 1.0]
    assert made.covariance.tolist() == [[2.0, 0.0], [0.0, 0.0]]
    assert made.covariance.dtype == torch.float64
