"""Which pictures are held out depends on what they hold alone, and each label gives its share."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.data.pictures import Pictures
from seqplay.data.pictures.split import split

THOROUGH = settings(derandomize=True, deadline=None, max_examples=100)


def pictures(contents: Sequence[int], labels: Sequence[int]) -> Pictures:
    """Pictures of 2 x 1 that hold the numbers `contents`."""
    pixels = np.array(contents, ">u2").view(np.uint8).reshape(-1, 2, 1, 1)
    return Pictures(pixels, np.array(labels, np.int64), tuple("abcdefghij"), ink=True)


def contents(part: Pictures) -> list[int]:
    return [int.from_bytes(picture.tobytes(), "big") for picture in part.pixels]


def test_each_label_gives_its_share_and_the_order_stays() -> None:
    labels = [0] * 1000 + [1] * 305 + [2] * 95
    train, held_out = split(pictures(range(1400), labels), 0.1)
    assert np.bincount(held_out.labels).tolist() == [100, 31, 10]  # 30.5 and 9.5 are rounded up
    assert np.bincount(train.labels).tolist() == [900, 274, 85]
    assert sorted(contents(train) + contents(held_out)) == list(range(1400))
    assert contents(train) == sorted(contents(train))
    assert contents(held_out) == sorted(contents(held_out))
    assert held_out.names == train.names == tuple("abcdefghij")


def test_the_same_pictures_are_held_out_always() -> None:
    _, held_out = split(pictures(range(40), [0] * 40), 0.1)
    assert contents(held_out) == [4, 22, 31, 35]


@pytest.mark.parametrize(("count", "wanted"), [(1, 0), (2, 1), (3, 1), (9, 1), (14, 1), (15, 2)])
def test_of_two_pictures_or_more_at_least_one_is_held_out(count: int, wanted: int) -> None:
    assert len(split(pictures(range(count), [3] * count), 0.1)[1]) == wanted


def test_without_a_share_nothing_is_held_out() -> None:
    given_ = pictures(range(20), [0, 1] * 10)
    train, held_out = split(given_, 0.0)
    assert contents(train) == list(range(20))
    assert held_out.pixels.shape == (0, 2, 1, 1)
    assert len(held_out) == 0


def test_however_large_the_share_something_is_left_to_learn_from() -> None:
    train, held_out = split(pictures(range(4), [0, 0, 1, 1]), 0.9)
    assert sorted(train.labels) == sorted(held_out.labels) == [0, 1]


def test_many_equal_pictures_do_not_keep_others_from_being_held_out() -> None:
    copies = pictures([7] * 60 + list(range(100, 140)), [0] * 100)
    for share in (0.1, 0.3):
        assert len(split(copies, share)[1]) == 100 * share
    assert set(contents(split(copies, 0.1)[0])) >= {7}


def test_equal_pictures_of_several_labels_lie_in_one_part() -> None:
    numbers = list(range(50)) * 2
    train, held_out = split(pictures(numbers, [0] * 50 + [1] * 50), 0.2)
    assert not set(contents(train)) & set(contents(held_out))
    assert len(held_out) == 20


@THOROUGH
@given(
    items=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1, max_size=60),
    share=st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.9]),
    random=st.randoms(use_true_random=False),
)
def test_neither_the_order_nor_copies_matter(items: list[tuple[int, int]], share: float, random: "object") -> None:
    train, held_out = split(pictures(*zip(*items, strict=True)), share)
    assert not set(contents(train)) & set(contents(held_out))
    assert len(train) + len(held_out) == len(items)
    assert len(train) > 0
    random.shuffle(items)  # type: ignore[attr-defined]
    assert set(contents(split(pictures(*zip(*items, strict=True)), share)[1])) == set(contents(held_out))


def test_one_bit_of_one_channel_makes_another_picture() -> None:
    pixels = np.zeros((64, 3, 3, 3), np.uint8)
    pixels[np.arange(54), np.arange(54) // 18, np.arange(54) // 6 % 3, np.arange(54) // 2 % 3] = 1 + np.arange(54) % 2
    one = Pictures(pixels, np.zeros(64, np.int64), ("a",), ink=False)
    assert len(split(one, 0.25)[1]) == 16
