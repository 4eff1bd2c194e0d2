"""Drawn digits are many, legible in size and ink, and each a pure function of a seed and its index."""

import numpy as np
import pytest

from seqplay.data.pictures.drawing.paths import POINTS, paths
from seqplay.data.pictures.drawing.pen import ink
from seqplay.data.pictures.drawing.skeletons import WAYS
from seqplay.data.pictures.drawn import BLOCK, draw_digits

COUNT = 2000
PIXELS, LABELS = draw_digits(0, COUNT)
MIDDLE = 13.5  # of 28 pixels


def shape_of(path: str) -> list[list[int]]:
    """The count of points of every piece of every stroke."""
    return [[len(piece.split()) for piece in stroke.split("/")] for stroke in path.split(";")]


@pytest.mark.parametrize(
    ("first", "count"), [(5, 5), (0, 1), (BLOCK - 3, 7), (BLOCK - 1, 2 * BLOCK + 2), (BLOCK, BLOCK)]
)
def test_any_range_is_that_slice_of_the_whole(first: int, count: int) -> None:
    pixels, labels = draw_digits(first, count)
    assert (pixels.dtype, pixels.shape, labels.dtype, labels.shape) == (np.uint8, (count, 28, 28), np.int64, (count,))
    assert np.array_equal(pixels, PIXELS[first : first + count])
    assert np.array_equal(labels, LABELS[first : first + count])


def test_the_global_random_state_is_neither_read_nor_moved() -> None:
    np.random.seed(3)
    again, _ = draw_digits(0, BLOCK)
    moved = np.random.random()
    np.random.seed(3)
    assert moved == np.random.random()
    assert np.array_equal(again, PIXELS[:BLOCK])


def test_no_digits_are_an_empty_array() -> None:
    for first in (0, 7, BLOCK):
        pixels, labels = draw_digits(first, 0)
        assert (pixels.shape, labels.shape) == ((0, 28, 28), (0,))


def test_digits_before_the_first_do_not_exist() -> None:
    for arguments in ((-1, 5), (5, -1), (0, 5, -1)):
        with pytest.raises(ValueError, match=r"do not exist|non-negative"):
            draw_digits(*arguments)


@pytest.mark.parametrize("seed", [1, 2**32])
def test_another_seed_is_other_digits(seed: int) -> None:
    pixels, labels = draw_digits(0, 3 * BLOCK, seed)
    assert not (pixels == PIXELS[: 3 * BLOCK]).all(axis=(1, 2)).any()
    assert not np.array_equal(labels, LABELS[: 3 * BLOCK])


def test_a_seed_above_32_bits_is_not_a_later_block_of_a_small_one() -> None:
    later, _ = draw_digits(BLOCK, BLOCK, 5)
    assert not np.array_equal(draw_digits(0, BLOCK, 5 + 2**32)[0], later)


def test_every_block_holds_each_label_equally_often_in_its_own_order() -> None:
    blocks = LABELS.reshape(-1, BLOCK)
    for block in blocks:
        assert np.bincount(block, minlength=10).tolist() == [BLOCK // 10] * 10
    assert len(np.unique(blocks, axis=0)) == len(blocks)


def test_far_digits_exist() -> None:
    pixels, labels = draw_digits(10**12 + 7, 2)
    assert pixels.any(axis=(1, 2)).all()
    assert set(labels.tolist()) <= set(range(10))


def test_no_picture_is_empty_or_flooded() -> None:
    inked = (PIXELS > 127).mean(axis=(1, 2))
    assert inked.min() > 0.02
    assert inked.max() < 0.40
    assert PIXELS.max(axis=(1, 2)).min() > 180


def test_the_paper_is_white_and_the_borders_of_strokes_are_grey() -> None:
    assert (np.median(PIXELS, axis=(1, 2)) == 0).all()
    assert (PIXELS[:, [0, -1], :] == 0).mean() > 0.995
    grey = ((PIXELS > 0) & (PIXELS < 255)).mean(axis=(1, 2))
    assert grey.min() > 0.02
    assert len(np.unique(PIXELS)) == 256


def test_ink_is_centred() -> None:
    mass = PIXELS.sum(axis=(1, 2), dtype=np.float64)
    for axis in (1, 2):
        centre = (PIXELS.sum(axis=axis, dtype=np.float64) * np.arange(28)).sum(axis=1) / mass
        assert np.abs(centre - MIDDLE).max() < 1.2
        assert abs(centre.mean() - MIDDLE) < 0.05


def test_the_longer_side_is_about_20_pixels() -> None:
    sides = []
    for axis in (1, 2):
        some = (PIXELS > 127).any(axis=axis)
        sides.append(28 - some.argmax(axis=1) - some[:, ::-1].argmax(axis=1))
    longer = np.max(sides, axis=0)
    assert longer.min() >= 17
    assert longer.max() <= 22
    assert 19 <= longer.mean() <= 20


def test_digits_of_one_label_all_differ() -> None:
    assert len(np.unique(PIXELS.reshape(COUNT, -1), axis=0)) == COUNT
    for label in range(10):
        some = PIXELS[label == LABELS][:100].reshape(100, -1).astype(np.float32)
        apart = np.abs(some[:, None] - some[None]).mean(axis=2)[~np.eye(100, dtype=bool)]
        assert apart.min() > 2
        assert apart.mean() > 12


def test_labels_tell_what_is_drawn() -> None:
    """The nearest of 1,500 other digits has the same label nearly always: chance is 0.1."""
    known, asked = PIXELS[:1500].reshape(1500, -1) / 255.0, PIXELS[1500:].reshape(500, -1) / 255.0
    distance = (known**2).sum(axis=1) - 2 * asked @ known.T
    assert (LABELS[:1500][distance.argmin(axis=1)] == LABELS[1500:]).mean() > 0.9


def test_numerals_are_written_in_several_ways_that_mix() -> None:
    assert len(WAYS) == 10
    for ways in WAYS:
        assert len(ways) >= 3
        for way in ways:
            assert len(way.paths) >= 2
            assert all(shape_of(path) == shape_of(way.paths[0]) for path in way.paths)


def test_the_points_of_the_pen_follow_from_the_control_points() -> None:
    table = paths()
    assert np.allclose(table.odds.sum(axis=1), 1)
    assert np.allclose(table.curve.sum(axis=2), 1, atol=1e-5)  # moved control points move the curve as far
    begins, ends = table.curve[:, 0], table.curve[:, -1]
    assert np.allclose(begins[:, 0], 1, atol=1e-5)
    assert np.allclose(ends.max(axis=1), 1, atol=0.02)
    lifts = [path.paths[0].count(";") for ways in WAYS for path in ways]
    assert ((POINTS - 1) - table.inked.sum(axis=1)).tolist() == lifts


def test_a_straight_stroke_is_one_half_at_its_radius_and_a_lifted_pen_leaves_no_ink() -> None:
    x = np.linspace(4, 23, 97, dtype=np.float32)
    points = np.stack((x, np.full_like(x, 14)), axis=-1)[None]
    down = np.ones((1, 96), dtype=np.float32)
    drawn = ink(points, down, np.full((1, 96), 2, dtype=np.float32))[0]
    assert drawn[[12, 16], 13] == pytest.approx(0.5, abs=0.01)
    assert (drawn[13:16, 8:20] == 1).all()
    assert (drawn[[9, 19]] == 0).all()
    assert not ink(points, 0 * down, np.full((1, 96), 2, dtype=np.float32)).any()
