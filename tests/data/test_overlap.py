"""What the held-out part shares with the training part is found exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.data import overlap as module
from seqplay.data.overlap import Overlap, overlap
from seqplay.data.symbols import code_points

SMALL_ALPHABET = st.text("ab", min_size=1, max_size=60)


def overlap_of(train: str, held_out: str) -> Overlap:
    return overlap(code_points(train), code_points(held_out))


def longest(train: str, held_out: str) -> int:
    ends = range(len(held_out) + 1)
    return max((j - i for i in ends for j in ends if i <= j and held_out[i:j] in train), default=0)


def share(train: str, held_out: str, long: int) -> float:
    covered = {
        place
        for i in range(len(held_out) - long + 1)
        if held_out[i : i + long] in train
        for place in range(i, i + long)
    }
    return len(covered) / len(held_out)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(train=SMALL_ALPHABET, held_out=SMALL_ALPHABET, middle=st.text("abc", max_size=30))
def test_the_longest_shared_block_and_the_share_are_exact(train: str, held_out: str, middle: str) -> None:
    train, held_out = train + middle + train, held_out + middle
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FIRST", 3)
        patch.setattr(module, "LONG", 7)
        patch.setattr(module, "STRETCH", 16)
        found = overlap_of(train, held_out)
    assert found.length == longest(train, held_out)
    assert held_out[found.begin : found.begin + found.length] in train
    assert found.share == share(train, held_out, 7)


def test_a_block_of_50_characters_is_long_and_one_of_49_is_not() -> None:
    block = "".join(map(chr, range(0x4E00, 0x4E00 + 50)))
    assert overlap_of("a" * 40 + block, "b" * 50 + block) == Overlap(50, 50, 0.5)
    assert overlap_of("a" * 40 + block, "b" * 50 + block[1:]) == Overlap(50, 49, 0.0)


def test_the_first_of_several_longest_blocks_is_told() -> None:
    assert overlap_of("xyz", "axyzbxyz") == Overlap(1, 3, 0.0)


def test_a_block_lies_in_one_part() -> None:
    assert overlap_of("abc", "abcabc").length == 3
    assert overlap_of("aab", "aabaab") == Overlap(0, 3, 0.0)


@pytest.mark.parametrize(("train", "held_out"), [("", ""), ("a", ""), ("", "a"), ("a", "b")])
def test_nothing_is_shared_where_there_is_nothing_alike(train: str, held_out: str) -> None:
    assert overlap_of(train, held_out) == Overlap(0, 0, 0.0)


@pytest.mark.parametrize("text", ["a" * 30_000, "ab" * 15_000, "The same again and again.\n" * 1200])
def test_a_text_that_repeats_itself_shares_all_of_its_end(text: str) -> None:
    kept = len(text) * 9 // 10
    assert overlap_of(text[:kept], text[kept:]) == Overlap(0, len(text) - kept, 1.0)


def test_a_block_is_never_claimed_by_its_hash_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = module._Windows.hashes
    monkeypatch.setattr(module._Windows, "hashes", lambda *given: np.minimum(real(*given), 1))
    found = overlap_of("abcdefgh" * 20, "abcdxxxx" * 20)
    assert found.length <= 4
