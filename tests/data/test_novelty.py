"""What a text copies from the training text is found exactly, whatever the hashes say."""

import time
from collections.abc import Callable
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.data import novelty
from seqplay.data.novelty import GRAM, Copy, TrainingText

THOROUGH = settings(derandomize=True, deadline=None, max_examples=150)
LINES = "the first line of it\nand here a second, longer line stands\nthe end\n"
WORDS = ["salt ", "the ", "harbour ", "sea\n", "a ", "lantern, ", "바다 ", "항구\n"]


def runs_by_hand(training: str, text: str) -> list[tuple[int, int]]:
    """Every stretch of GRAM characters or more that the training text has and that cannot be made longer."""
    ends = []
    for begin in range(len(text)):
        end = begin
        while end < len(text) and text[begin : end + 1] in training:
            end += 1
        ends.append(end)
    return [
        (begin, end) for begin, end in enumerate(ends) if end - begin >= GRAM and (begin == 0 or ends[begin - 1] < end)
    ]


def test_a_copy_tells_where_it_came_from() -> None:
    found = TrainingText(LINES).compare("XX here a second, longer liXX")
    assert found.copies == (Copy(2, 27, 2, "and here a second, longer line stands"),)
    assert (found.longest, found.read) == (25, len(LINES))
    assert found.new_8_grams == 1 - 18 / 22


def test_a_text_that_shares_nothing_is_all_new() -> None:
    found = TrainingText(LINES).compare("QWZQWZQWZQWZ")
    assert (found.longest, found.new_8_grams, found.copies) == (0, 1.0, ())


def test_a_text_of_fewer_than_8_characters_has_no_8_grams() -> None:
    found = TrainingText(LINES).compare("the end")
    assert (found.longest, found.new_8_grams, found.copies) == (7, None, ())
    assert TrainingText("").compare("").longest == 0


@pytest.mark.parametrize("length", range(GRAM))
def test_the_longest_copy_is_told_where_it_is_shorter_than_an_8_gram(length: int) -> None:
    assert TrainingText("abcdefghij" * 3).compare("Q" + "abcdefghij"[:length] + "QQQQQQQQ").longest == length


@THOROUGH
@given(
    st.lists(st.sampled_from(WORDS), max_size=60),
    st.lists(st.sampled_from([*WORDS, "x", "ea\na "]), max_size=20),
)
def test_every_run_that_cannot_be_made_longer_is_found(training: list[str], text: list[str]) -> None:
    ours, theirs = "".join(text), "".join(training)
    search = novelty._Search(indexed(theirs), novelty._codes(ours))
    found = search.runs()
    assert [(begin, end) for begin, end, _ in found] == runs_by_hand(theirs, ours)
    for begin, end, place in found:
        assert theirs[place : place + end - begin] == ours[begin:end]
    grams = [ours[i : i + GRAM] in theirs for i in range(len(ours) - GRAM + 1)]
    assert search.found.tolist() == grams


def test_runs_may_overlap() -> None:
    search = novelty._Search(indexed("abcdefghij defghijkl"), novelty._codes("abcdefghijkl"))
    assert search.runs() == [(0, 10, 0), (3, 12, 11)]


def indexed(text: str) -> TrainingText:
    training = TrainingText(text)
    training.index()
    return training


def test_hashes_that_clash_copy_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every 8-gram then has the hash of every other."""
    monkeypatch.setattr(novelty, "MULTIPLIER", np.uint64(0))
    text = "a second, longer line QWZQWZQWZ stands"
    training = indexed(LINES)
    assert len(np.unique(training.blocks[0] >> np.uint64(novelty.BLOCK_BITS))) == 1
    found = [(begin, end) for begin, end, _ in novelty._Search(training, novelty._codes(text)).runs()]
    assert found == runs_by_hand(LINES, text) == [(0, 22)]


def test_a_copy_may_lie_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = indexed(LINES).compare(LINES)
    monkeypatch.setattr(novelty, "BLOCK_BITS", 4)
    training = indexed(LINES)
    assert len(training.blocks) == 4
    assert training.compare(LINES) == whole
    assert [(copy.begin, copy.end) for copy in whole.copies] == [(0, len(LINES))]


@pytest.mark.parametrize(
    ("copied", "is_told"), [("k" * 19, False), ("k" * 20, True), ("가" * 9, False), ("가" * 10, True)]
)
def test_a_hangul_syllable_counts_as_two_letters(copied: str, is_told: bool) -> None:
    found = TrainingText(f"QQ{copied}RR").compare(f"xx{copied}yy")
    assert found.longest == len(copied)
    assert [(copy.begin, copy.end) for copy in found.copies] == ([(2, 2 + len(copied))] if is_told else [])


def test_of_a_long_line_the_part_around_the_copy_is_shown() -> None:
    line = "".join(map("".join, product("abcdef", repeat=4)))
    (copy,) = TrainingText(f"one\n{line}\n").compare(line[3000:3050]).copies
    assert (copy.line_number, len(copy.line)) == (2, novelty.LINE)
    assert copy.line == line[2960:3160]


def test_an_index_that_was_stopped_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(novelty, "BLOCK_BITS", 4)
    training = TrainingText(LINES)
    with pytest.raises(InterruptedError):
        training.index(after(2, InterruptedError))
    (first, second) = training.blocks
    assert training.compare(LINES).longest == len(LINES)
    assert training.blocks[0] is first
    assert training.blocks[1] is second


def after(calls: int, problem: type[Exception]) -> Callable[[], None]:
    left = iter(range(calls))

    def watch() -> None:
        if next(left, None) is None:
            raise problem

    return watch


def test_a_million_characters_are_ready_at_once() -> None:
    """Usually in 0.03 s: the limit is ten times what is promised."""
    random = Random(0)
    text = "".join(random.choices(WORDS, k=200_000))
    began = time.perf_counter()
    training = indexed(text)
    assert training.compare(text[5000:5600]).longest >= 600
    assert time.perf_counter() - began < 3


def test_a_training_text_of_one_symbol_hangs_nobody() -> None:
    found = TrainingText(" " * 200_000).compare(" " * 300)
    assert (found.longest, found.new_8_grams, len(found.copies)) == (300, 0.0, 1)


def test_a_row_is_plain_json() -> None:
    row = TrainingText(LINES).compare("here a second, longer line").to_row()
    assert row == {
        "longest": 26,
        "new_8_grams": 0.0,
        "copies": [[0, 26, 2, "and here a second, longer line stands"]],
        "read": len(LINES),
    }
