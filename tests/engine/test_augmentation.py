"""Moved pictures: drawn for a whole batch, moved row by row."""

import torch

from seqplay.engine.augmentation import draw_moves, move


def pictures(count: int = 4) -> torch.Tensor:
    return torch.rand(count, 1, 6, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_the_same_seed_draws_the_same_moves_and_another_others() -> None:
    state = torch.get_rng_state()
    assert torch.equal(draw_moves(5, (1, 2)), draw_moves(5, (1, 2)))
    assert not torch.equal(draw_moves(5, (1, 2)), draw_moves(5, (1, 3)))
    assert torch.equal(torch.get_rng_state(), state)


def test_rows_moved_by_several_threads_are_the_rows_of_the_batch() -> None:
    moves = draw_moves(4, (0,))
    parts = [move(pictures()[part], moves[part]) for part in (slice(0, 1), slice(1, 4))]
    assert torch.equal(torch.cat(parts), move(pictures(), moves))


def test_moving_by_nothing_changes_nothing() -> None:
    still = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]]).expand(4, 2, 3)
    torch.testing.assert_close(move(pictures(), still), pictures(), atol=1e-5, rtol=0)


def test_a_shift_of_one_pixel_repeats_the_edge() -> None:
    right = torch.tensor([[[1.0, 0, -2 / 8], [0, 1, 0]]]).expand(4, 2, 3)
    wanted = torch.cat([pictures()[..., :1], pictures()[..., :-1]], -1)
    torch.testing.assert_close(move(pictures(), right), wanted, atol=1e-5, rtol=0)


def test_moves_stay_within_a_quarter_of_the_picture() -> None:
    moves = draw_moves(2000, (0,))
    assert float(moves[:, :, 2].abs().max()) < 0.25
    still = torch.eye(2).expand(2000, 2, 2)
    assert 0.2 < float((moves[:, :, :2] - still).abs().max()) < 0.6
    assert torch.linalg.det(moves[:, :, :2]).min() > 0.5
