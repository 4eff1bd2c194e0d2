"""Ids on the disk are those that the codec gives, whatever happened to the file that holds them."""

import errno
import gc
import hashlib
import io
import os
import stat
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay import files, paths
from seqplay.data import ids, passages
from seqplay.data.ids import TokenIds, token_ids
from seqplay.data.passages import Passage, cached_text
from seqplay.data.tokens import CODECS, Codec, learn
from seqplay.errors import DataError, WriteError

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
KINDS = tuple(CODECS)
TEXT = "The cat sat.\n나는 오늘 기분이 좋아 😀\n" * 5
WORDS = st.lists(st.sampled_from(["a", "bc", " ", " d", "\n", " 가", "é ", "e\n", "\u1100 ", "각\n", "! "])).map(
    "".join
)


@pytest.fixture
def cache(home_of_its_own: Path) -> Path:
    """Where ids lie."""
    return home_of_its_own / "cache" / "ids"


def stored(text: str) -> Path:
    """Where the cache holds a text."""
    path = paths.make_private(paths.cache_dir() / "texts") / hashlib.sha256(text.encode()).hexdigest()
    path.write_bytes(text.encode())
    return path


def passage(text: str) -> Passage:
    return cached_text(stored(text).name, "novel.txt")


def whole(found: TokenIds) -> list[int]:
    return found.read(0, len(found)).tolist()


def made(codec: Codec, of: Passage) -> tuple[TokenIds, bool]:
    """The ids of a passage, and whether they had to be made."""
    said: list[str] = []
    return token_ids(codec, of, said.append), bool(said)


def only_file(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


# -- the ids


@pytest.mark.parametrize("kind", KINDS)
def test_the_ids_are_those_of_the_whole_text(kind: str) -> None:
    codec = learn(kind, [TEXT])
    found = token_ids(codec, passage(TEXT))
    assert whole(found) == codec.encode(TEXT).tolist()
    assert len(found) == len(codec.encode(TEXT))


@pytest.mark.parametrize("kind", KINDS)
@settings(derandomize=True, deadline=None, max_examples=50)
@given(text=WORDS, block=st.integers(5, 20))
def test_the_ids_do_not_depend_on_where_blocks_end(kind: str, text: str, block: int) -> None:
    """As long as no word is longer than a block."""
    codec = learn(kind, [text])
    expected = codec.encode(text).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passages, "BLOCK", block)
        patch.setattr(ids, "LAYOUT", block)  # so that none are kept from another block
        parts = list(passage(text))
        found = whole(token_ids(codec, passage(text)))
    assert found == [i for part in parts for i in codec.encode(part).tolist()]
    if kind not in ("word", "bpe") or all(b[0] == " " or a[-1] == "\n" for a, b in pairwise(parts)):
        assert found == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_ids_of_many_small_blocks_are_those_of_the_whole_text(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "BLOCK", 32)
    codec = learn(kind, passage(TEXT))
    assert codec.tokenizer_json() == learn(kind, [TEXT]).tokenizer_json()
    assert len(list(passage(TEXT))) > 5
    assert whole(token_ids(codec, passage(TEXT))) == codec.encode(TEXT).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_each_part_of_a_text_has_its_own_ids(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "SMALL", 1)
    of = passage(TEXT)
    train, held_out = of.split(0.3)
    codec = learn(kind, train)
    for part in (train, held_out, of, of.split(0.2)[0]):
        for _ in range(2):
            assert whole(token_ids(codec, part)) == codec.encode(part.text()).tolist()


def test_a_part_without_text_has_no_ids() -> None:
    codec = learn("char", [TEXT])
    empty = passage(TEXT).split(0.1)[1]
    for _ in range(2):
        found = token_ids(codec, empty)
        assert (len(found), whole(found), list(found.blocks())) == (0, [], [])


def test_another_codec_or_another_text_has_other_ids(cache: Path) -> None:
    one, other = learn("char", ["ab"]), learn("char", ["ba c"])
    assert whole(token_ids(one, passage("abc"))) == [1, 2, 0]
    assert whole(token_ids(other, passage("abc"))) == [2, 3, 4]
    assert whole(token_ids(one, passage("bac"))) == [2, 1, 0]
    assert len(list(cache.iterdir())) == 3
    assert whole(token_ids(one, passage("abc"))) == [1, 2, 0]


def test_the_ids_of_another_layout_or_library_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    assert [made(codec, of)[1] for _ in range(2)] == [True, False]
    monkeypatch.setattr(ids, "LAYOUT", ids.LAYOUT + 1)
    assert made(codec, of)[1]
    monkeypatch.setattr(ids, "version", lambda name: "0.0" if name == "tokenizers" else "?")
    assert made(codec, of)[1]


@pytest.mark.parametrize(("symbols", "size"), [(10, 1), (300, 2), (66_000, 4)])
def test_ids_take_the_smallest_type_on_the_disk(symbols: int, size: int, cache: Path) -> None:
    text = "".join(chr(0x4E00 + i if 0x4E00 + i < 0xD800 else 0x10000 + i) for i in range(symbols))
    found = token_ids(learn("char", [text]), passage(text))
    assert found.read(0, 1).dtype == np.dtype(f"<{'ui'[size == 4]}{size}")
    assert only_file(cache).stat().st_size == symbols * size + 32
    assert whole(found) == list(range(1, symbols + 1))


def test_a_text_that_changed_never_has_the_ids_of_before(tmp_path: Path) -> None:
    codec = learn("char", [TEXT])
    of = passage(TEXT)
    token_ids(codec, of)
    changed = TEXT.replace("cat", "tac")
    stored(TEXT).write_bytes(changed.encode())  # of the same size, where the old one lay
    with pytest.raises(DataError):
        cached_text(of.data, "novel.txt")
    assert whole(token_ids(codec, passage(changed))) == codec.encode(changed).tolist()


def test_how_far_it_is_is_told_and_nothing_where_the_ids_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passages, "BLOCK", 100)
    codec, of = learn("jamo", [TEXT]), passage(TEXT)
    said: list[str] = []
    token_ids(codec, of, said.append)
    assert said[-1] == "making jamo tokens: 100% of the text"
    assert len(said) > 2
    token_ids(codec, of, lambda _: pytest.fail("they were made again"))


# -- reading them


def test_a_stretch_is_read_and_ends_where_the_ids_end() -> None:
    codec = learn("char", ["abcdefgh"])
    found = token_ids(codec, passage("abcdefgh"))
    for start in range(-3, 12):
        for stop in range(-3, 12):
            expected = list(range(1, 9))[max(0, start) : max(0, stop)]
            assert found.read(start, stop).tolist() == expected, (start, stop)
    assert found.rows([0, 4, 1], 3).tolist() == [[1, 2, 3], [5, 6, 7], [2, 3, 4]]
    assert found.rows(iter([5]), 3).tolist() == [[6, 7, 8]]


@pytest.mark.parametrize("block", [1, 3, 8, 9])
def test_the_blocks_are_the_ids(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "BLOCK", block)
    blocks = [part.tolist() for part in token_ids(learn("char", ["abcdefgh"]), passage("abcdefgh")).blocks()]
    assert [i for part in blocks for i in part] == list(range(1, 9))
    assert [len(part) for part in blocks[:-1]] == [block] * (len(blocks) - 1)


def test_ids_that_are_cut_short_while_they_are_read_are_an_error_and_not_a_killed_process(cache: Path) -> None:
    found = token_ids(learn("char", [TEXT]), passage(TEXT))
    os.truncate(only_file(cache), 10)
    assert len(found.read(0, 10)) == 10
    for read in (lambda: found.read(5, 15), lambda: found.rows([0, 20], 3), lambda: list(found.blocks())):
        with pytest.raises(DataError, match="The cached ids of the text were cut short while they were read"):
            read()


def test_ids_that_are_replaced_or_removed_are_read_to_their_end(cache: Path, tmp_path: Path) -> None:
    codec = learn("char", [TEXT])
    found = token_ids(codec, passage(TEXT))
    only_file(cache).unlink()
    assert whole(found) == codec.encode(TEXT).tolist()


# -- a file that is not what it was


def remade(codec: Codec, of: Passage) -> bool:
    """Whether ids had to be made again; they are right in any case, and the next time they are there."""
    found, again = made(codec, of)
    assert whole(found) == codec.encode(of.text()).tolist()
    assert not made(codec, of)[1]
    return again


@pytest.mark.parametrize("kind", ["char", "byte"])
def test_one_bit_that_flips_anywhere_is_found(kind: str, cache: Path) -> None:
    codec, of = learn(kind, ["나는 cat"]), passage("나는 cat")
    token_ids(codec, of)
    content = only_file(cache).read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        only_file(cache).write_bytes(changed)
        assert remade(codec, of)
        assert only_file(cache).read_bytes() == content


def test_a_change_far_inside_a_large_file_is_found(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "BLOCK", 16)
    codec, of = learn("char", [TEXT]), passage(TEXT)
    token_ids(codec, of)
    content = bytearray(only_file(cache).read_bytes())
    for place in range(0, len(content), 17):
        only_file(cache).write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert remade(codec, of)


@pytest.mark.parametrize("kind", ["char", "byte"])
def test_a_file_of_another_length_is_made_again(kind: str, cache: Path) -> None:
    codec, of = learn(kind, ["나는 cat"]), passage("나는 cat")
    token_ids(codec, of)
    content = only_file(cache).read_bytes()
    for changed in (*(content[:end] for end in range(len(content))), content + b"\0", content + b"\0\0", content * 2):
        only_file(cache).write_bytes(changed)
        assert remade(codec, of)


def test_a_file_that_anybody_can_make_is_no_file_of_ids(cache: Path) -> None:
    """The digest is over the key too: ids with their own SHA-256 behind them are not enough."""
    codec, of = learn("char", [TEXT]), passage(TEXT)
    token_ids(codec, of)
    content = only_file(cache).read_bytes()[:-32]
    only_file(cache).write_bytes(content + hashlib.sha256(content).digest())
    assert remade(codec, of)


@pytest.mark.parametrize("how", [os.link, os.symlink, os.rename])
def test_the_ids_of_another_text_in_their_place_are_made_again(how: Any, cache: Path) -> None:
    codec, one, other = learn("char", [TEXT]), passage(TEXT), passage(TEXT.replace("cat", "tac"))
    token_ids(codec, one)
    first = only_file(cache)
    token_ids(codec, other)
    (second,) = set(cache.iterdir()) - {first}
    content = second.read_bytes()
    first.unlink()
    how(second, first)
    assert remade(codec, one)
    assert not first.is_symlink()
    if second.exists():
        assert second.read_bytes() == content
    assert whole(token_ids(codec, other)) == codec.encode(other.text()).tolist()


def test_a_symlink_in_their_place_is_not_followed(cache: Path, tmp_path: Path) -> None:
    """Not even to a file that would be right."""
    codec, of = learn("char", [TEXT]), passage(TEXT)
    token_ids(codec, of)
    path, elsewhere = only_file(cache), tmp_path / "elsewhere"
    os.rename(path, elsewhere)
    content = elsewhere.read_bytes()
    os.symlink(elsewhere, path)
    os.utime(elsewhere, (1, 1))
    assert remade(codec, of)
    assert not path.is_symlink()
    assert (elsewhere.read_bytes(), elsewhere.stat().st_mtime) == (content, 1)


def test_a_pipe_in_their_place_does_not_hang(cache: Path) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    token_ids(codec, of)
    path = only_file(cache)
    path.unlink()
    os.mkfifo(path)
    assert remade(codec, of)


def test_a_folder_in_their_place_is_a_write_error(cache: Path) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    token_ids(codec, of)
    path = only_file(cache)
    path.unlink()
    (path / "full").mkdir(parents=True)
    with pytest.raises(WriteError, match=f"^Cannot write {cache}: "):
        token_ids(codec, of)
    assert [entry.name for entry in cache.iterdir()] == [path.name]


def test_the_file_of_somebody_else_is_made_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    token_ids(codec, of)
    inode = only_file(cache).stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 12_345)
        found, again = made(codec, of)
    assert again
    assert whole(found) == codec.encode(TEXT).tolist()
    assert only_file(cache).stat().st_ino != inode
    assert not made(codec, of)[1]


def test_ids_are_for_their_owner_alone(cache: Path) -> None:
    before = os.umask(0)
    try:
        token_ids(learn("char", [TEXT]), passage(TEXT))
    finally:
        os.umask(before)
    assert stat.S_IMODE(only_file(cache).stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


# -- writing them


class Full(io.RawIOBase):
    """A disk with room for so many bytes, or none that can be made sure of."""

    def __init__(self, descriptor: int, room: int) -> None:
        self.descriptor, self.room = descriptor, room

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def write(self, content: Any) -> int:
        if len(content) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(content)
        return os.write(self.descriptor, content)

    def close(self) -> None:
        if not self.closed:
            os.close(self.descriptor)
        super().close()


@pytest.mark.parametrize("room", [0, 50, 150, 165])
def test_a_full_disk_is_a_write_error_and_leaves_nothing(
    room: int, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    assert room < len(TEXT) + 32
    monkeypatch.setattr(passages, "BLOCK", 40)
    with monkeypatch.context() as patch:
        patch.setattr(ids, "open", lambda descriptor, mode: Full(descriptor, room), raising=False)
        with pytest.raises(WriteError, match=r"No space left on device\. Make room on the disk, then try again\.$"):
            token_ids(codec, of)
        assert list(cache.iterdir()) == []
    assert remade(codec, of)


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_failing_disk_is_a_write_error_and_leaves_nothing(
    name: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    codec, of = learn("char", [TEXT]), passage(TEXT)
    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        with pytest.raises(WriteError, match="The disk may be failing"):
            token_ids(codec, of)
    assert list(cache.iterdir()) == []
    assert remade(codec, of)


def test_the_file_is_on_the_disk_before_its_name_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"{os.fstat(descriptor).st_size} bytes")
        fsync(descriptor)

    def watched_replace(*names: Any) -> None:
        done.append("replace")
        replace(*names)

    codec, of = learn("char", [TEXT]), passage(TEXT)
    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    token_ids(codec, of)
    assert done == [f"{len(TEXT) + 32} bytes", "replace", "folder"]


def test_a_text_that_is_cut_short_under_it_leaves_nothing(cache: Path) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    os.truncate(stored(TEXT), 20)
    with pytest.raises(DataError, match="cut short"):
        token_ids(codec, of)
    assert list(cache.iterdir()) == []


def test_who_interrupts_it_leaves_nothing(cache: Path) -> None:
    def interrupt(message: str) -> None:
        raise KeyboardInterrupt

    codec, of = learn("char", [TEXT]), passage(TEXT)
    with pytest.raises(KeyboardInterrupt):
        token_ids(codec, of, interrupt)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("after", range(6))
def test_who_is_killed_while_it_writes_leaves_no_ids_that_are_taken_for_whole(
    after: int, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after so many blocks, or (the last) with the whole file under its partial name."""
    monkeypatch.setattr(passages, "BLOCK", 60)
    codec, of = learn("char", [TEXT]), passage(TEXT)
    child = os.fork()
    if child == 0:
        said: list[str] = []

        def say(message: str) -> None:
            said.append(message)
            if len(said) == after + 1:
                os._exit(9)

        os.replace = lambda *_: os._exit(9)  # type: ignore[assignment]
        try:
            token_ids(codec, of, say)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    (left,) = cache.iterdir()
    assert files.TEMPORARY.fullmatch(left.name)
    assert remade(codec, of)
    assert left.exists()  # another process may be writing it


def test_what_a_killed_writer_left_is_swept_after_a_day_and_ids_that_nobody_used_after_a_month(cache: Path) -> None:
    codec = learn("char", [TEXT])
    days = {"used": 29, "unused": 31, "read again": 31}
    found = {}
    for name in days:
        before = set(cache.iterdir()) if cache.exists() else set()
        token_ids(codec, passage(TEXT + name))
        (found[name],) = set(cache.iterdir()) - before
    partials = [files.temporary(found["used"]) for _ in range(2)]
    for partial in partials:
        partial.write_bytes(b"half")
    aged = {**{found[name]: age for name, age in days.items()}, partials[0]: 1.1, partials[1]: 0.9}
    for path, age in aged.items():
        os.utime(path, (time.time() - age * 86_400,) * 2)
    assert not made(codec, passage(TEXT + "read again"))[1]
    assert partials[0].exists()  # only who writes sweeps
    assert made(codec, passage(TEXT + "new"))[1]
    assert {path for path in aged if path.exists()} == {found["used"], found["read again"], partials[1]}
    assert not made(codec, passage(TEXT + "used"))[1]
    assert made(codec, passage(TEXT + "unused"))[1]


def test_a_folder_or_link_among_the_ids_does_not_matter(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    (cache / "folder").mkdir(parents=True)
    os.symlink(tmp_path / "mine", cache / "link")
    for name in ("folder", "link"):
        os.utime(cache / name, (1, 1), follow_symlinks=False)
    assert remade(learn("char", [TEXT]), passage(TEXT))
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert (cache / "folder").is_dir()
    assert not (cache / "link").is_symlink()  # it is old itself, whatever it leads to


def test_ids_can_be_read_where_nothing_can_be_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    codec, of = learn("char", [TEXT]), passage(TEXT)
    token_ids(codec, of)
    monkeypatch.setattr(os, "utime", refuse)
    assert not made(codec, of)[1]


def test_a_cache_that_cannot_be_made_is_a_write_error(cache: Path) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    cache.write_bytes(b"")
    with pytest.raises(WriteError, match="Set SEQPLAY_HOME"):
        token_ids(codec, of)


def test_two_that_make_the_same_ids_at_once_do_not_disturb_each_other(cache: Path) -> None:
    codec, of = learn("char", [TEXT]), passage(TEXT)
    others: list[TokenIds] = []

    def meanwhile(message: str) -> None:
        others.append(token_ids(codec, of))

    found = token_ids(codec, of, meanwhile)
    assert others
    assert whole(found) == whole(others[0]) == codec.encode(TEXT).tolist()
    assert only_file(cache)


def test_a_file_is_closed_with_the_ids_that_read_it() -> None:
    def opened() -> int:
        gc.collect()
        return len(os.listdir("/dev/fd"))

    codec, of = learn("char", [TEXT]), passage(TEXT)
    before = opened()
    found = [token_ids(codec, of) for _ in range(3)]
    assert opened() == before + 3
    del found
    assert opened() == before
