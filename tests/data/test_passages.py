"""A cached text is read again block by block: all of it, cut where tokens end, and never what it is not."""

import gc
import hashlib
import os
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay import paths
from seqplay.data import passages
from seqplay.data.passages import Passage, cached_text
from seqplay.errors import DataError

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
MIXED = st.text(st.sampled_from(list("ab가é😀 \n\r\t\0")))
WORDS = st.lists(st.sampled_from(["a", "bc", " ", " d", "\n", " 가", "é ", "e\n"])).map("".join)


def stored(content: bytes) -> Path:
    """Where the cache holds a text."""
    folder = paths.make_private(paths.cache_dir() / "texts")
    path = folder / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    return path


def passage(text: str | bytes) -> Passage:
    content = text.encode() if isinstance(text, str) else text
    return cached_text(stored(content).name, "novel.txt")


def in_blocks(block: int, text: str) -> list[str]:
    """The blocks of a text that is read `block` bytes at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "BLOCK", block)
        return list(passage(text))


# -- blocks


@THOROUGH
@given(text=ANY_TEXT | MIXED, block=st.integers(1, 20))
def test_the_blocks_are_the_text(text: str, block: int) -> None:
    assert "".join(in_blocks(block, text)) == text


@THOROUGH
@given(text=ANY_TEXT | MIXED, block=st.integers(1, 20))
def test_no_block_is_much_longer_than_what_is_read_at_a_time(text: str, block: int) -> None:
    assert all(len(part.encode()) <= 2 * block + 3 for part in in_blocks(block, text))


@THOROUGH
@given(text=MIXED, block=st.integers(5, 20))
def test_blocks_are_not_empty(text: str, block: int) -> None:
    assert all(in_blocks(block, text))


@THOROUGH
@given(text=WORDS, block=st.integers(8, 20))
def test_a_block_ends_after_a_line_break_or_before_a_space(text: str, block: int) -> None:
    parts = in_blocks(block, text)
    for before, after in pairwise(parts):
        nearby = before[-5:] + after[:1]
        assert before.endswith("\n") or after.startswith(" ") or not {" ", "\n"} & set(nearby)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcdefgh", ["abcdefg", "h"]),
        ("abc efgh", ["abc", " efgh"]),
        ("abc\nef h", ["abc\n", "ef h"]),
        ("abcdefg\n", ["abcdefg\n"]),
        ("abcdefg\nh", ["abcdefg\n", "h"]),
        ("abcdefg h", ["abcdefg", " h"]),
        (" abcdefgh i", [" abcdef", "gh i"]),
        ("ab cd\nef gh\nij", ["ab cd\n", "ef gh\nij"]),
        ("ab cd\nef gh\nijkl", ["ab cd\n", "ef gh\n", "ijkl"]),
        ("abcdefg가나다", ["abcdefg", "가나", "다"]),
        ("a\r\nb\r\nc\r\nd", ["a\r\nb\r\n", "c\r\nd"]),
        ("", []),
    ],
)
def test_where_blocks_of_8_bytes_end(text: str, expected: list[str]) -> None:
    assert in_blocks(8, text) == expected


@pytest.mark.parametrize("character", ["a", "é", "가", "😀"])
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_long_line_without_spaces_is_cut_between_characters(character: str, before: str) -> None:
    line = before + character * 40
    for block in range(4, 20):
        parts = in_blocks(block, line)
        assert "".join(parts) == line
        assert len(parts) > 1


@THOROUGH
@given(text=MIXED, block=st.integers(1, 20))
def test_a_passage_is_cut_at_the_same_places_each_time(text: str, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "BLOCK", block)
        one, other = passage(text), passage(text)
        assert list(one) == list(one) == list(other)


def test_two_may_read_a_passage_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "BLOCK", 4)
    whole = passage("one two three four")
    blocks = iter(whole)
    assert next(blocks) + whole.text() + "".join(blocks) == "one" + "one two three four" + " two three four"


def test_blocks_of_the_real_size_end_where_a_character_does() -> None:
    assert passages.BLOCK == 1 << 20
    text = "a" * ((1 << 20) - 1) + "가나" + "b" * (1 << 20) + " 😀\n"
    parts = list(passage(text))
    assert "".join(parts) == text
    assert parts[0] == "a" * ((1 << 20) - 1)  # half of the next character does not belong to it
    assert parts[-1].endswith("😀\n")


def test_a_large_text_takes_little_memory() -> None:
    line = "나는 오늘 기분이 좋아, and the cat sat on the mat.\n"
    path = stored((line * ((24 << 20) // len(line.encode()))).encode())
    tracemalloc.start()
    try:
        train, held_out = cached_text(path.name, "novel.txt").split(0.1)
        read = sum(len(block) for part in (train, held_out, train.beginning(20_000_000)) for block in part)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert read > train.characters + held_out.characters
    assert peak < 16 << 20


# -- its parts


@THOROUGH
@given(text=ANY_TEXT | MIXED, block=st.integers(1, 20), holdout=st.floats(0, 0.9))
def test_the_parts_are_those_of_the_characters(text: str, block: int, holdout: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "BLOCK", block)
        patch.setattr(passages, "SMALL", 5)
        whole = passage(text)
        train, held_out = whole.split(holdout)
        cut = len(text) if len(text) < 5 or holdout == 0 else int(len(text) * (1 - holdout) + 1e-9)
        assert (train.text(), held_out.text()) == (text[:cut], text[cut:])
        assert (train.characters, held_out.characters) == (cut, len(text) - cut)
        assert len(train) + len(held_out) == len(whole) == len(text.encode())
        assert whole.characters == len(text)
        again = held_out.split(0.5)
        assert "".join(part.text() for part in again) == text[cut:]


def test_of_tiny_shakespeare_the_last_111540_characters_are_held_out() -> None:
    train, held_out = passage("x" * 1_115_394).split(0.1)
    assert (train.characters, held_out.characters) == (1_003_854, 111_540)
    assert (len(train.text()), len(held_out.text())) == (1_003_854, 111_540)


@pytest.mark.parametrize("length", [0, 1, 999, 1000, 1001, 10_000])
def test_the_last_tenth_is_held_out_from_1000_characters_on(length: int) -> None:
    held_out = {0: 0, 1: 0, 999: 0, 1000: 100, 1001: 101, 10_000: 1000}[length]
    assert [part.characters for part in passage("가" * length).split(0.1)] == [length - held_out, held_out]


@pytest.mark.parametrize("holdout", [0, 0.0])
def test_without_a_share_nothing_is_held_out(holdout: float) -> None:
    train, held_out = passage("x" * 5000).split(holdout)
    assert (train.text(), held_out.text(), list(held_out)) == ("x" * 5000, "", [])


@THOROUGH
@given(st.integers(1000, 5000), st.floats(0, 0.9))
def test_the_parts_are_the_text_and_the_held_out_one_is_its_end(length: int, holdout: float) -> None:
    text = "".join(chr(0xAC00 + i) for i in range(length))
    train, held_out = passage(text).split(holdout)
    assert train.text() + held_out.text() == text
    count = held_out.characters
    assert length * holdout - 1e-6 <= count < length * holdout + 1 or count == 0 == int(holdout * 1e6)


def test_a_share_in_percent_of_a_round_length_is_exact() -> None:
    whole = passage("x" * 10_000)
    for percent in range(1, 91):
        assert whole.split(percent / 100)[1].characters == percent * 100


@THOROUGH
@given(text=ANY_TEXT | MIXED, block=st.integers(1, 20), most=st.integers(0, 60), skipped=st.integers(0, 10))
def test_a_beginning_is_the_whole_characters_among_its_bytes(text: str, block: int, most: int, skipped: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "BLOCK", block)
        patch.setattr(passages, "SMALL", 1)
        whole = passage(text[:skipped] + "|" + text)
        part = whole.split(len(text) / whole.characters)[1] if text else whole
        begun = part.beginning(most)
        assert begun.text() == part.text().encode()[:most].decode(errors="ignore")
        assert begun.characters == len(begun.text())
        assert len(begun) <= most


# -- a file that is not what it was


def read_all_ways(whole: Passage) -> list[object]:
    """Each way to read a passage; those that find it cut short give a DataError."""

    def tried(read: object) -> object:
        try:
            return read()  # type: ignore[operator]
        except DataError as problem:
            return str(problem)

    return [
        tried(read)
        for read in (whole.text, lambda: list(whole), lambda: whole.split(0.1), lambda: whole.beginning(3_000_000))
    ]


@pytest.mark.parametrize("left", [0, 1, 2_000_000, 3_999_999])
def test_a_text_that_is_cut_short_while_it_is_read_is_an_error_and_not_a_killed_process(left: int) -> None:
    whole = passage("가" * 1_333_334)
    os.truncate(stored(("가" * 1_333_334).encode()), left)
    told = "The cached text was cut short while it was read. Train on it again."
    beginning = told if left < 3_000_000 else whole.beginning(3_000_000)
    assert read_all_ways(whole) == [told, told, told, beginning]


def test_a_text_that_is_cut_short_between_two_blocks_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "BLOCK", 8)
    whole = passage("one two three four five six")
    blocks = iter(whole)
    assert next(blocks) == "one two"
    os.truncate(stored(b"one two three four five six"), 12)
    with pytest.raises(DataError, match="cut short"):
        list(blocks)


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_a_text_that_is_replaced_or_removed_is_read_to_its_end(how: str) -> None:
    path = stored(b"text")
    whole = cached_text(path.name, "novel.txt")
    if how == "replaced":
        Path("other").write_bytes(b"other")
        os.replace("other", path)
    else:
        path.unlink()
    assert whole.text() == "text"


@pytest.mark.parametrize("content", [b"texT", b"", b"text\n", b"\xff", None])
def test_a_cached_text_that_changed_or_is_gone_is_an_error_that_says_what_to_do(content: bytes | None) -> None:
    path = stored(b"text")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        cached_text(path.name, "novel.txt")
    assert str(refused.value).startswith("The text 'novel.txt' is no longer in the cache. ")
    assert "rain on it again" in str(refused.value)


def test_each_bit_of_a_cached_text_counts() -> None:
    content = "가나 text\n".encode()
    path = stored(content)
    for bit in range(len(content) * 8):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(DataError):
            cached_text(path.name, "novel.txt")


@pytest.mark.parametrize("kind", ["symlink", "folder", "pipe"])
def test_what_is_no_ordinary_file_in_the_place_of_a_cached_text_is_not_read(kind: str, tmp_path: Path) -> None:
    path = stored(b"text")
    os.rename(path, tmp_path / "elsewhere")
    if kind == "symlink":
        os.symlink(tmp_path / "elsewhere", path)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(DataError, match="no longer in the cache"):
        cached_text(path.name, "novel.txt")


@pytest.mark.parametrize(
    "data", ["", ".", "../x", "/dev/zero", "/dev/stdin", "a\0b", "0" * 63, "0" * 65, "G" * 64, "가" * 64, "x" * 5000]
)
def test_a_run_cannot_name_any_other_file_as_its_text(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "OpenFile", lambda path: pytest.fail(f"{path} was opened"))
    with pytest.raises(DataError, match="no longer in the cache"):
        cached_text(data, "novel.txt")


def test_a_file_is_closed_with_the_last_of_the_passages_that_read_it() -> None:
    def opened() -> int:
        gc.collect()
        return len(os.listdir("/dev/fd"))

    before = opened()
    whole = passage("x" * 2000)
    part = whole.split(0.1)[1]
    assert opened() == before + 1
    del whole
    assert part.text() == "x" * 200
    del part
    assert opened() == before
    with pytest.raises(DataError):
        cached_text("0" * 64, "novel.txt")
    assert opened() == before


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
