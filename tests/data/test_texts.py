"""Whatever a text comes from, it lies in the cache exactly once, in UTF-8; and what is no text is one clear error."""

import codecs
import hashlib
import io
import os
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay import files
from seqplay.data import corpora, texts
from seqplay.data.built_in import BUILT_IN, built_in_text, sample_texts
from seqplay.data.passages import cached_text
from seqplay.data.texts import Source, read_sources
from seqplay.errors import DataError, SeqplayError, UsageError, WriteError

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SEQPLAY_HOME; the working directory is an empty folder beside it."""
    monkeypatch.setenv("SEQPLAY_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "home"


@pytest.fixture
def cache(home: Path) -> Path:
    return home / "cache" / "texts"


def file(content: bytes, name: str = "novel.txt") -> str:
    Path(name).write_bytes(content)
    return name


def read(*given: str) -> str:
    """The text that the cache holds of some sources."""
    return cached(read_sources(given))


def cached(source: Source) -> str:
    return cached_text(source.data, source.name).text()


def refusal(*given: str, error: type[SeqplayError] = DataError) -> str:
    with pytest.raises(error) as refused:
        read_sources(given)
    return str(refused.value)


def standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


# -- one source or several


def test_a_file_is_known_by_its_name_and_the_hash_of_its_bytes() -> None:
    content = "나는 오늘\r\n기분이 좋아.\r".encode()
    assert read_sources([file(content)]) == Source("novel.txt", hashlib.sha256(content).hexdigest())


def test_the_name_is_never_a_path() -> None:
    Path("deep").mkdir()
    assert read_sources([file(b"a", "deep/novel.txt")]).name == "novel.txt"
    assert read_sources([str(Path("deep/novel.txt").absolute())]).name == "novel.txt"


def test_the_text_is_exactly_what_the_file_holds() -> None:
    content = "a\r\nb\rc\n\n\u2028\x0c\t\x1b[31m 👩‍👩‍👧 e\u0301 \ufeff \ufffd\n"
    assert read(file(content.encode())) == content


def test_several_files_are_joined_in_their_order_with_a_line_break_where_one_is_missing() -> None:
    file(b"one", "a"), file(b"two\n", "b"), file(b"three\r\n", "c"), file(b"four", "d")
    assert read("a", "b", "c", "d") == "one\ntwo\nthree\r\nfour"
    assert read_sources(["a", "b", "c", "d"]).name == "a and 3 more"


def test_an_empty_file_among_others_adds_nothing() -> None:
    file(b"", "empty"), file(b"one\n", "a"), file(b"two", "b")
    assert read("empty", "a", "empty", "empty", "b", "empty") == "one\ntwo"


def test_the_same_file_may_be_read_twice() -> None:
    file(b"one", "a")
    assert read("a", "a") == "one\none"


@pytest.mark.parametrize("content", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_file_is_refused(content: bytes, cache: Path) -> None:
    assert refusal(file(content)) == "novel.txt is empty: there is nothing to learn from it."
    assert list(cache.iterdir()) == []


def test_several_empty_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"")
    told = "a and 2 more is empty: there is nothing to learn from it."
    assert refusal(file(b"", "a"), "-", file(b"", "b")) == told
    assert refusal("-") == "standard-input is empty: there is nothing to learn from it."


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, "안녕\r\n".encode())
    source = read_sources(["-"])
    assert source.name == "standard-input"
    assert cached(source) == "안녕\r\n"


def test_standard_input_stays_open_and_a_second_dash_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, b"one\n")
    assert read("-", file(b"two\n"), "-") == "one\ntwo\n"
    assert not sys.stdin.closed
    assert not sys.stdin.buffer.closed


def test_a_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert refusal("-") == "Standard input is closed: there is no text to read."


class Folder(io.RawIOBase):
    """Standard input as `seqplay train - < .` gives it: it is open, and cannot be read."""

    def read(self, size: int = -1) -> bytes:
        raise IsADirectoryError(21, "Is a directory")


def test_standard_input_that_cannot_be_read_is_not_called_a_full_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": Folder()}))
    assert refusal("-") == "- cannot be read: Is a directory."


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_the_text_does_not_depend_on_where_its_blocks_end(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(texts, "CHUNK", size)
    content = "a가😀é\r\n" * 5
    for encoding, mark in (("utf-8", b""), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-32-be", codecs.BOM_UTF32_BE)):
        if len(mark) < size:
            assert read(file(mark + content.encode(encoding))) == content


# -- byte order marks


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_tells_the_encoding_and_is_no_part_of_the_text(mark: bytes, encoding: str) -> None:
    content = "나는 the 😀\r\n"
    source = read_sources([file(mark + content.encode(encoding))])
    assert source.data == hashlib.sha256(content.encode()).hexdigest()


def test_each_of_several_files_has_its_own_encoding() -> None:
    file(codecs.BOM_UTF16_LE + "하나\n".encode("utf-16-le"), "a")
    file(codecs.BOM_UTF8 + "둘\n".encode(), "b")
    assert read("a", "b") == "하나\n둘\n"


def test_only_one_mark_is_taken_away() -> None:
    assert read(file(codecs.BOM_UTF8 * 2 + b"a")) == "\ufeffa"


# -- what is no text


@pytest.mark.parametrize(
    ("content", "position", "byte"),
    [
        (b"\xff", 0, 0xFF),
        (b"abc\x80", 3, 0x80),
        (b"ab\xc3(", 2, 0xC3),
        ("가나".encode()[:-1], 3, 0xEB),
        (b"\xed\xa0\x80", 0, 0xED),
        (codecs.BOM_UTF8 + b"a\xff", 4, 0xFF),
        (b"a" * 5000 + b"\xfe", 5000, 0xFE),
    ],
)
def test_bytes_that_are_no_utf8_are_named_with_their_place(content: bytes, position: int, byte: int) -> None:
    assert refusal(file(content)).startswith(f"novel.txt is no UTF-8 text: byte {position:,} is {byte:#04x}.")


@pytest.mark.parametrize("chunk", [1, 3, 4, 7, 64])
@THOROUGH
@given(before=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=20))
def test_the_place_is_exact_also_across_blocks(chunk: int, before: str) -> None:
    content = before.encode() + "가".encode()[:2] + b"z" * 3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "CHUNK", chunk)
        told = refusal(file(content))
    assert told.startswith(f"novel.txt is no UTF-8 text: byte {len(before.encode())} is 0xea.")


def test_a_character_cut_by_the_end_of_a_block_of_the_real_size_is_no_error() -> None:
    content = "a" * (texts.CHUNK - 1) + "가" + "b" * texts.CHUNK + "😀"
    assert read(file(content.encode())) == content


def test_the_place_is_exact_beyond_a_block_of_the_real_size() -> None:
    content = b"a" * (texts.CHUNK - 1) + b"\xea\xb0" + b"z"
    assert refusal(file(content)).startswith("novel.txt is no UTF-8 text: byte 1,048,575 is 0xea.")


def test_half_a_utf16_character_is_named_with_its_place() -> None:
    assert refusal(file(codecs.BOM_UTF16_LE + b"a\0b")) == "novel.txt is no UTF-16-LE text: byte 4 is 0x62."
    assert refusal(file(codecs.BOM_UTF16_LE + b"\0\xd8a\0")) == "novel.txt is no UTF-16-LE text: byte 2 is 0x00."


@pytest.mark.parametrize(
    "content",
    [b"\0", b"abc\0def", b"\x7fELF\x02\x01\x01\0\0\0", codecs.BOM_UTF16_LE + b"a\0\0\0", b"a" * (1 << 20) + b"\0"],
)
def test_a_text_with_nul_is_a_binary_file(content: bytes) -> None:
    assert refusal(file(content)) == "novel.txt is no text: it holds NUL bytes, as programs and pictures do."


def test_a_picture_is_no_text() -> None:
    assert refusal(file(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")) == "novel.txt is no UTF-8 text: byte 0 is 0x89."


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr"])
@pytest.mark.parametrize("chunk", [8, 9, 1 << 20])
def test_korean_from_before_unicode_is_told_how_to_convert(
    encoding: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "CHUNK", chunk)
    assert refusal(file("나는 오늘 기분이 좋아.\n".encode(encoding))) == (
        "novel.txt is no UTF-8 text: byte 0 is 0xb3. "
        "If it is CP949, convert it: iconv -f CP949 -t UTF-8 novel.txt > new.txt"
    )


def test_the_command_that_is_told_does_what_it_says() -> None:
    if shutil.which("iconv") is None:
        pytest.skip("iconv is not installed")
    told = refusal(file("나는 똠방각하를 좋아해.\n".encode("cp949")))  # of CP949, not of EUC-KR
    subprocess.run(["sh", "-c", told.partition("convert it: ")[2]], check=True)
    assert read("new.txt") == "나는 똠방각하를 좋아해.\n"


def test_other_text_from_before_unicode_is_told_how_to_convert(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "If it is WINDOWS-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8"
    assert refusal(file("a naïve café".encode("cp1252"))).endswith(f" is 0xef. {told} novel.txt > new.txt")
    standard_input(monkeypatch, "naïve".encode("cp1252"))
    assert refusal("-").endswith(f"{told} FILE > new.txt")


def test_what_is_no_text_in_any_encoding_is_not_told_how_to_convert() -> None:
    assert "iconv" not in refusal(file(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"))
    assert "iconv" not in refusal(file(codecs.BOM_UTF16_LE + "나".encode("utf-16-le") + b"\0\xd8a\0"))


@pytest.mark.parametrize("chunk", [12, 1 << 20])
@pytest.mark.parametrize("fault", ["오늘".encode()[:-1], b"\xff!", b"\xe9t\xe9"])
def test_a_fault_behind_text_that_is_utf8_is_told_as_one(
    fault: bytes, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "CHUNK", chunk)
    told = refusal(file("나는 기분이".encode() + fault))
    assert told.startswith("novel.txt is no UTF-8 text: byte ")
    assert told.endswith(". What stands before it is: the text may be damaged, or cut short.")


def test_two_characters_beyond_ascii_may_be_there_by_chance() -> None:
    assert "iconv" in refusal(file("éé".encode() + b"\xff"))
    assert "damaged" in refusal(file("ééé".encode() + b"\xff"))


# -- folders


def test_of_a_folder_all_texts_are_read_in_the_order_of_their_paths() -> None:
    for name in ("b.txt", "a/2.txt", "a/1.txt", "c/d/e.txt", "B.txt", "a.md", "a/notes", ".hidden.txt", "c/x.txt.gz"):
        path = Path("books", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    assert read("books").split() == ["B.txt", "a/1.txt", "a/2.txt", "b.txt", "c/d/e.txt"]
    assert read_sources(["books"]).name == read_sources([str(Path("books").absolute())]).name == "books"


def test_a_folder_is_one_of_several_sources_and_its_texts_are_joined_by_lines() -> None:
    Path("books").mkdir()
    file(b"one", "books/1.txt"), file(b"two", "books/2.txt"), file(b"before", "x"), file(b"after", "y")
    assert read("x", "books", "y") == "before\none\ntwo\nafter"


@pytest.mark.parametrize("name", [None, "novel.md", ".novel.txt"])
def test_a_folder_without_texts_is_refused_with_what_to_type_instead(name: str | None) -> None:
    Path("books").mkdir()
    if name:
        file(b"text", f"books/{name}")
    assert refusal("books") == "books is a folder without .txt files. Name the files: books/*"


def test_a_folder_goes_before_a_built_in_text_of_its_name() -> None:
    Path("hello").mkdir()
    file(b"my own", "hello/novel.txt")
    assert read("hello") == "my own"


def test_a_link_to_a_folder_inside_a_folder_is_not_followed() -> None:
    Path("books/deep").mkdir(parents=True)
    file(b"text", "books/deep/novel.txt")
    os.symlink("..", "books/deep/up")
    assert read("books") == "text"


def test_a_pipe_in_a_folder_is_passed_over_and_a_broken_link_is_not() -> None:
    Path("books").mkdir()
    file(b"text", "books/novel.txt")
    os.mkfifo("books/pipe.txt")
    os.symlink(os.devnull, "books/device.txt")
    os.symlink("novel.txt", "books/link.txt")
    assert read("books") == "text\ntext"
    os.symlink("nowhere", "books/broken.txt")
    assert "books/broken.txt" in refusal("books", error=UsageError)


def test_a_folder_that_cannot_be_read_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: str) -> Any:  # root, as whom tests may run, is denied nothing
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    Path("books/deep").mkdir(parents=True)
    file(b"text", "books/novel.txt")
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", deny)
    assert refusal("books") == "books/deep cannot be read: Permission denied."


# -- what is not there


def test_a_missing_file_is_answered_with_the_nearest_built_in_text() -> None:
    known = [*BUILT_IN, "digits", *corpora.TABLE]
    assert refusal("englsh", error=UsageError) == (
        f"No file, built-in text or corpus named 'englsh'. Did you mean 'english'? Known: {', '.join(sorted(known))}."
    )
    assert "Did you mean 'tiny-shakespeare'?" in refusal("tiny-shakespear", error=UsageError)
    assert "Did you mean" not in refusal("/nowhere/x.txt", error=UsageError)
    assert refusal("", error=UsageError).startswith("No file, built-in text or corpus named ''.")


@pytest.mark.parametrize("folder", [".", "deep", "/"])
def test_a_missing_file_is_answered_with_the_nearest_file_beside_it(folder: str, tmp_path: Path) -> None:
    place = tmp_path if folder == "/" else Path(folder)
    place.mkdir(exist_ok=True)
    file(b"text", str(place / "shakespeare.txt"))
    asked, meant = str(place / "shakespear.txt"), str(place / "shakespeare.txt")
    assert refusal(asked, error=UsageError) == f"No file named '{asked}'. Did you mean '{meant}'?"


def test_a_file_that_is_near_goes_before_a_built_in_text_that_is_near() -> None:
    file(b"text", "engl.txt")
    assert refusal("eng.txt", error=UsageError) == "No file named 'eng.txt'. Did you mean 'engl.txt'?"


def test_a_pipe_in_the_file_system_is_read_to_its_end() -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes("하나\n".encode() * 50_000))
    writer.start()
    assert read("pipe") == "하나\n" * 50_000
    writer.join()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused(device: str) -> None:
    assert refusal(device) == f"{device} is no file that can be read to its end."


def test_a_socket_is_refused() -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        assert refusal("socket") == "socket is no file that can be read to its end."


def test_a_symlink_that_leads_in_a_circle_is_refused() -> None:
    os.symlink("circle", "circle")
    assert refusal("circle").startswith("circle cannot be read: Too many levels of symbolic links")


def test_a_symlink_to_a_text_is_read() -> None:
    os.symlink(file(b"text"), "link")
    assert read("link") == "text"


def test_a_file_without_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: object, *how: object) -> object:  # root, as whom tests may run, is denied nothing
        if path == "novel.txt":
            raise PermissionError(13, "Permission denied")
        return open(path, *how)  # type: ignore[call-overload]

    monkeypatch.setattr(texts, "open", deny, raising=False)
    assert refusal(file(b"a")) == "novel.txt cannot be read: Permission denied."


@pytest.mark.parametrize("name", ["no\0name", "n" * 300])
def test_a_name_that_no_file_can_have_is_an_error(name: str) -> None:
    with pytest.raises((DataError, UsageError)):
        read_sources([name])


@pytest.mark.parametrize("name", ["\x1b]0;owned\x07.txt", "two\nlines.txt", "가.txt", os.fsdecode(b"not\xffutf8.txt")])
def test_a_file_may_have_any_name(name: str) -> None:
    source = read_sources([file(b"text", name)])
    assert source.name == name.encode("utf-8", "replace").decode()
    assert refusal(file(b"\xff", name)).encode()
    os.unlink(name)
    assert refusal(name, error=UsageError).encode()


def test_an_endless_source_stops_at_the_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"a" * size

    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": Endless()}))
    monkeypatch.setattr(texts, "CHUNK", 1 << 10)
    monkeypatch.setattr(texts, "LARGEST", 1 << 14)
    assert "is larger than" in refusal("-")


# -- what changes while it is read


class Changed(io.FileIO):
    """A file that something is done to after its first block was read."""

    change: Callable[[str], object]

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(size) or b""
        if self.tell() == texts.CHUNK:
            Changed.change(str(self.name))
        return block


def append(name: str) -> None:
    with open(name, "ab") as file:
        file.write(b"more")


def rewrite(content: bytes) -> Callable[[str], object]:
    return lambda name: Path(name).write_bytes(content)


def replace(content: bytes) -> Callable[[str], object]:
    def change(name: str) -> None:
        Path("new").write_bytes(content)
        os.replace("new", name)

    return change


def changed_while_it_is_read(change: Callable[[str], object], monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a file of 40 bytes that is read 16 bytes at a time, and changes after the first of them."""
    monkeypatch.setattr(texts, "CHUNK", 16)
    monkeypatch.setattr(texts, "open", lambda name, mode: Changed(name, mode), raising=False)
    monkeypatch.setattr(Changed, "change", staticmethod(change), raising=False)
    os.utime(file(b"0123456789" * 4), (1e9, 1e9))  # so that any write is seen by its time
    return "novel.txt"


CHANGES: dict[str, Callable[[str], object]] = {
    "cut short": lambda name: os.truncate(name, 20),
    "cut short to what was read": lambda name: os.truncate(name, 16),
    "emptied": lambda name: os.truncate(name, 0),
    "grown": append,
    "written anew": rewrite(b"abcdefghij" * 4),
    "written anew and longer": rewrite(b"abcdefghij" * 8),
    "written anew and the same": rewrite(b"0123456789" * 4),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_changes_while_it_is_read_is_refused(
    change: Callable[[str], object], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = changed_while_it_is_read(change, monkeypatch)
    assert refusal(name) == "novel.txt changed while it was read. Train on a copy of it, or try again."
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("change", [replace(b"other"), os.unlink, lambda name: os.chmod(name, 0o600)])
def test_a_file_that_another_takes_the_place_of_is_read_to_its_end(
    change: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(changed_while_it_is_read(change, monkeypatch)) == "0123456789" * 4


def test_standard_input_from_a_file_that_changes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    name = changed_while_it_is_read(lambda name: os.truncate(name, 20), monkeypatch)
    with Changed(name, "rb") as stream:
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": stream}))
        assert refusal("-") == "- changed while it was read. Train on a copy of it, or try again."


def test_a_file_that_changes_between_two_trainings_is_another_text() -> None:
    first = read_sources([file(b"text")])
    second = read_sources([file(b"texT")])
    assert first.data != second.data
    assert (cached(first), cached(second)) == ("text", "texT")


# -- the cache


def test_the_cache_holds_exactly_the_utf8_bytes_for_their_owner_alone(cache: Path) -> None:
    before = os.umask(0)
    try:
        source = read_sources([file(codecs.BOM_UTF16_BE + "나\r\n".encode("utf-16-be"))])
    finally:
        os.umask(before)
    assert [path.name for path in cache.iterdir()] == [source.data]
    assert (cache / source.data).read_bytes() == "나\r\n".encode()
    assert stat.S_IMODE((cache / source.data).stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_the_same_text_lies_in_the_cache_once(cache: Path) -> None:
    first, second = read_sources([file(b"text", "a")]), read_sources([file(codecs.BOM_UTF8 + b"text", "b")])
    assert first.data == second.data
    assert len(list(cache.iterdir())) == 1


def test_what_is_no_text_leaves_nothing_in_the_cache(cache: Path) -> None:
    refusal(file(b"a" * 100 + b"\xff"))
    assert list(cache.iterdir()) == []


def test_the_users_own_file_is_not_touched() -> None:
    name = file(codecs.BOM_UTF8 + b"text\r\n")
    os.chmod(name, 0o640)
    before = os.stat(name)
    read_sources([name])
    after = os.stat(name)
    assert Path(name).read_bytes() == codecs.BOM_UTF8 + b"text\r\n"
    assert (after.st_mtime_ns, after.st_mode, after.st_ino) == (before.st_mtime_ns, before.st_mode, before.st_ino)


def test_a_text_that_was_deleted_after_reading_is_still_there() -> None:
    source = read_sources([file(b"text")])
    os.unlink("novel.txt")
    assert cached(source) == "text"


def test_a_symlink_in_the_place_of_a_cached_text_is_replaced_not_followed(cache: Path) -> None:
    victim = Path(file(b"precious", "victim"))
    data = hashlib.sha256(b"text").hexdigest()
    cache.mkdir(parents=True)
    os.symlink(victim.absolute(), cache / data)
    read_sources([file(b"text")])
    assert victim.read_bytes() == b"precious"
    assert not (cache / data).is_symlink()


@pytest.mark.parametrize("link", [True, False])
def test_what_is_in_the_place_of_the_half_written_text_is_not_written_to(
    link: bool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = Path(file(b"precious", "victim")).absolute()
    cache.mkdir(parents=True)
    monkeypatch.setattr(secrets, "token_hex", lambda count: "0" * 2 * count)
    partial = files.temporary(cache / "text")
    (os.symlink if link else os.link)(victim, partial)
    assert "File exists" in refusal(file(b"text"), error=WriteError)
    assert victim.read_bytes() == b"precious"


def test_nobody_can_guess_where_the_half_written_text_lies(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.extend(path.name for path in cache.iterdir())
            return super().read(size)

    seen: list[str] = []
    for _ in range(2):
        monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": Watched(b"text")}))
        read_sources(["-"])
    partials = {name for name in seen if name.startswith(".")}
    assert len(partials) == 2
    assert all(files.TEMPORARY.fullmatch(name) for name in partials)


def test_two_that_read_at_once_do_not_disturb_each_other(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes in two containers may have the same process id."""

    class Interrupted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            other.append(read_sources([file(b"the other text")]))
            return super().read(size)

    other: list[Source] = []
    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": Interrupted(b"text")}))
    source = read_sources(["-"])
    assert cached(source) == "text"
    assert cached(other[0]) == "the other text"
    assert {path.name for path in cache.iterdir()} == {source.data, other[0].data}


def test_what_a_killed_reader_left_is_swept_after_a_day_and_nothing_else(cache: Path) -> None:
    old, young, mine = files.temporary(cache / "text"), files.temporary(cache / "text"), cache / ".mine.partial"
    kept = read_sources([file(b"kept")]).data
    for path, days in ((old, 1.1), (young, 0.9), (mine, 99), (cache / kept, 99)):
        path.write_bytes(b"kept")
        os.utime(path, (time.time() - days * 86_400,) * 2)
    read_sources([file(b"text")])
    assert {path.name for path in cache.iterdir()} == {
        young.name,
        mine.name,
        kept,
        hashlib.sha256(b"text").hexdigest(),
    }


def test_a_text_is_cached_where_the_system_cannot_refuse_symlinks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_NOFOLLOW", raising=False)
    assert read(file(b"text")) == "text"


def test_reading_the_file_again_repairs_the_cache(cache: Path) -> None:
    source = read_sources([file(b"text")])
    (cache / source.data).write_bytes(b"other")
    read_sources(["novel.txt"])
    assert cached(source) == "text"


def test_a_cache_that_cannot_be_made_is_a_write_error(home: Path) -> None:
    home.write_bytes(b"")
    assert "Set SEQPLAY_HOME" in refusal(file(b"text"), error=WriteError)


def test_a_cache_that_cannot_take_a_text_is_a_write_error(cache: Path) -> None:
    (cache / hashlib.sha256(b"text").hexdigest() / "full").mkdir(parents=True)
    assert refusal(file(b"text"), error=WriteError).startswith(f"Cannot write {cache}: ")


# -- the texts that come along


def test_the_built_in_texts_are_these() -> None:
    assert list(BUILT_IN) == ["hello", "feelings", "english", "korean", "dialogue", "verse", "tunes"]


def test_hello_is_five_letters_and_feelings_three_sentences() -> None:
    assert read("hello") == "hello"
    assert read("feelings").splitlines() == [
        "나는 오늘 기분이 좋아.",
        "나는 내일도 기분이 좋을거야.",
        "기분이 좋은 날엔 춤을 추고 싶어.",
    ]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_text_is_read_by_its_name(name: str) -> None:
    source = read_sources([name])
    assert source == Source(name, hashlib.sha256(built_in_text(name)).hexdigest())


@pytest.mark.parametrize("name", ["english", "korean"])
def test_a_sample_text_is_long_enough_and_no_line_of_it_comes_twice(name: str) -> None:
    content = built_in_text(name)
    lines = [line for line in content.decode().splitlines() if line.strip()]
    assert len(content) >= 30_000
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "hello"])
def test_a_sample_text_is_made_of_lines_of_plain_text(name: str) -> None:
    content = built_in_text(name)
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert not any(ord(c) < 32 and c != "\n" for c in content.decode())


def test_each_sample_text_is_in_its_own_language() -> None:
    korean = built_in_text("korean").decode()
    assert sum("가" <= c <= "힣" for c in korean) > len(korean) / 2
    assert not any("가" <= c <= "힣" for c in built_in_text("english").decode())


def test_the_sample_texts_of_a_checkout_lie_beside_the_package() -> None:
    assert sample_texts() == Path(texts.__file__).parents[2] / "sample_texts"


def test_a_file_of_ones_own_goes_before_a_built_in_text_of_its_name() -> None:
    file(b"my own", "hello")
    assert read("hello") == "my own"
