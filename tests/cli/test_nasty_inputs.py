"""Whatever is given as a text, seqplay learns it, scores it and goes on from it, or says in one line why not
(promises I1, I2, I3, I5, I7 and I8).

What works ends with 0 and strict JSON, what does not with its exit code and one safe line on stderr; nothing hangs, and
nothing is left behind.
"""

import codecs
import gzip
import json
import math
import os
import pickle
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from forking import FORKS

from seqplay import files
from seqplay.data.passages import cached_text
from seqplay.data.texts import read_sources
from seqplay.data.tokens import CODECS
from seqplay.safe_text import safe_line

from .conftest import (
    COMMAND,
    GUARD,
    SMALL,
    STARTED,
    Result,
    Trained,
    as_if_killed,
    as_shells_say,
    ended,
    environment,
    rows_in,
    seqplay,
    until,
)

LONGEST_ARGUMENT = 100_000  # bytes; Linux takes 128 KiB
TRAINING = (*SMALL, "--steps", "2", "--batch", "4", "--set", "sequence=16", "--json")
FILE = "text.txt"


@dataclass(frozen=True)
class Given:
    """How something is named on the command line, in the folder where it lies.

    `stdin` is what standard input holds: bytes, a path that is opened, or None where it is closed. `runner` is what
    the command is started by.
    """

    sources: tuple[str | bytes, ...]
    column: str | None = None
    stdin: bytes | str | None = b""
    runner: tuple[str, ...] = ()
    command: tuple[str, ...] = tuple(COMMAND)

    @property
    def can_be_forked(self) -> bool:
        """Whether nothing is asked for that only a process which is started anew can have."""
        return not self.runner and self.stdin is not None and self.command == tuple(COMMAND)


@dataclass(frozen=True)
class Nasty:
    """Something that may be given as a text: the bytes of a file, or what makes it in a folder.

    `code` is the exit code of `train` with these `tokens`, and of `eval` and `sample --prompt-file` where `score` and
    `prompt` are None. Where `train` and `eval` refuse it, `words` stand in the line that says so.
    """

    name: str
    given: bytes | Callable[[Path], Given]
    code: int = 0
    words: str = ""
    tokens: str = "char"
    score: int | None = None
    prompt: int | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def codes(self) -> dict[str, int]:
        score, prompt = (self.code if code is None else code for code in (self.score, self.prompt))
        if isinstance(self.given, bytes):
            prompt = 0 if is_text(self.given.removeprefix(codecs.BOM_UTF8)) else 65
        return {"train": self.code, "eval": score, "sample": prompt}

    def make(self, folder: Path) -> Given:
        if callable(self.given):
            return self.given(folder)
        (folder / FILE).write_bytes(self.given)
        return Given((FILE,))


def is_text(content: bytes) -> bool:
    try:
        content.decode()
        return True
    except UnicodeDecodeError:
        return False


# -- what is made in a folder


def named(name: str | bytes, folder: Path, content: bytes = b"one two\n" * 9) -> Given:
    with open(os.fsencode(folder) + b"/" + (name if isinstance(name, bytes) else name.encode()), "wb") as file:
        file.write(content)
    return Given((name,))


def missing(name: str | bytes, folder: Path) -> Given:
    return Given((name,))


def linked(target: str, folder: Path) -> Given:
    (folder / "link.txt").symlink_to(target)
    return Given(("link.txt",))


def unreadable(folder: Path) -> Given:
    (folder / FILE).write_bytes(b"secret " * 9)
    (folder / FILE).chmod(0)
    needs_less = os.geteuid() == 0  # root opens every file as long as it may pass permissions
    if needs_less and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    runner = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if needs_less else ()
    return Given((FILE,), runner=runner)


def unreadable_folder(folder: Path) -> Given:
    (folder / "books" / "locked").mkdir(parents=True)
    (folder / "books" / "one.txt").write_bytes(b"one " * 9)
    given = unreadable(folder / "books" / "locked")
    (folder / "books" / "locked").chmod(0)
    return Given(("books",), runner=given.runner)


def folder_of_texts(folder: Path) -> Given:
    """Texts, beside what is none and would never end."""
    (folder / "books" / "more").mkdir(parents=True)
    (folder / "books" / "one.txt").write_bytes(b"one " * 9)
    (folder / "books" / "more" / "two.txt").write_bytes(codecs.BOM_UTF16_LE + "둘 ".encode("utf-16-le") * 9)
    (folder / "books" / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0")
    (folder / "books" / ".hidden.txt").write_bytes(b"\0")
    (folder / "books" / "zero.txt").symlink_to("/dev/zero")
    (folder / "books" / "more" / "up").symlink_to("..")
    os.mkfifo(folder / "books" / "pipe.txt")
    return Given(("books",))


def empty_folder(folder: Path, *names: str) -> Given:
    (folder / "books").mkdir()
    for name in names:
        (folder / "books" / name).write_bytes(b"text")
    return Given(("books",))


def fifo_with_a_writer(folder: Path) -> Given:
    os.mkfifo(folder / "pipe")
    STARTED.append(subprocess.Popen(["bash", "-c", 'seq 99 > "$0"', folder / "pipe"]))
    return Given(("pipe",))


def listening_socket(folder: Path) -> Given:
    with socket.socket(socket.AF_UNIX) as one, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # the path of a socket is a hundred bytes at most
        one.bind("socket")
    return Given(("socket",))


def standard_input(stdin: bytes | str | None, folder: Path) -> Given:
    return Given(("-",), stdin=stdin)


def table(content: bytes, name: str, folder: Path) -> Given:
    (folder / "table.csv").write_bytes(content)
    return Given(("table.csv",), column=name)


def twice(folder: Path) -> Given:
    (folder / FILE).write_bytes(b"one\r\ntwo")
    return Given((FILE, FILE, "hello", FILE))


MEDDLING = """
import os, sys
from seqplay.cli import main
from seqplay.data import texts

def meddled(stream, source, *more, read=texts._read):
    block = read(stream, source, *more)
    size = os.path.getsize(source)
    os.truncate(source, min(size, {size}))
    with open(source, "ab") as file:
        file.write(b"more" * (({size} - size) // 4))
    return block

texts._read = meddled
main()
"""


def changing(size: int, folder: Path) -> Given:
    """A file that has another size as soon as its first MiB is read."""
    (folder / FILE).write_bytes(b"one two\n" * (3 << 16))
    return Given((FILE,), command=(sys.executable, "-P", "-c", MEDDLING.format(size=size)))


# -- the table

EVERY = "".join(chr(i) for i in range(1, sys.maxunicode + 1) if unicodedata.category(chr(i)) not in ("Cn", "Cs"))
LINE_ENDS = "a\r\nb\rc\n\n\r\rd\u2028e\u2029f\x0cg\x0bh\x85i\x1cj\x1d\x1e"
TAGS = "".join(map(chr, range(0xE0000, 0xE0080)))
JAMO = "ᅡᅡ각ᆨᆨᄀ각ᅟᅟᅡᄀᄀ\u1160\ud7b0\ua960ㅎㅏ\n"
MARKUP = b'[/] [@click=app.quit]x[/] [bold <b>&amp;</b> {"a": [true]} %s {0} :smile: `rm` <|endoftext|> <s> [UNK]\n'
OSC = "\x1b]52;c;cHduZWQ=\x07 \x1b[2J\x1b[31mred\x1b[0m \x9b2J \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ "
UGLY = b"two\nlines \x1b]0;owned\x07 \xff \xe2\x80\xae.txt"

TEXTS = [
    Nasty("two characters", b"ab"),
    Nasty("one Hangul syllable in bytes", "가".encode(), tokens="byte", score=65, words="too short to score"),
    Nasty("shorter than the sequence", b"a few words, no more", tokens="word"),
    Nasty("one character 10,000 times", b"a" * 10_000),
    Nasty("only line breaks", b"\n" * 3_000, tokens="word"),
    Nasty("only spaces", b" " * 3_000, tokens="bpe"),
    Nasty(
        "every kind of line end",
        LINE_ENDS.encode() * 50,
        tokens="word",
    ),
    Nasty("a UTF-8 mark", codecs.BOM_UTF8 + b"one \xef\xbb\xbf two\n" * 20),
    Nasty("UTF-16-LE with its mark", codecs.BOM_UTF16_LE + "나는 the 😀\r\n".encode("utf-16-le") * 20, tokens="jamo"),
    Nasty("UTF-32-BE with its mark", codecs.BOM_UTF32_BE + "나는 the 😀\r\n".encode("utf-32-be") * 20, tokens="byte"),
    Nasty("1 MB without a space", "가나다".encode() * 111_111, tokens="word"),
    Nasty("1 MB of marks on one letter", b"e" + "\u0301".encode() * 500_000, tokens="word"),
    Nasty("emoji that are joined", "👩‍👩‍👧‍👦🏳️‍🌈👍🏽\u200d".encode() * 200, tokens="byte"),
    Nasty("right to left, with overrides", "\u202e\u2067שלום\u2069 \u200f\u061cمرحبا\u202c abc\u202d ".encode() * 50),
    Nasty("tags and noncharacters", f"{TAGS}\uffff\ufffe\ufdd0\U0001fffe\U0010ffff\ufffd\ufeff".encode() * 9),
    Nasty("decomposed Korean", f"{unicodedata.normalize('NFD', '나는 오늘 ')}{JAMO}".encode() * 20, tokens="jamo"),
    Nasty("escape sequences", OSC.encode() * 20, tokens="word"),
    Nasty("every character there is", EVERY.encode(), tokens="byte"),
    Nasty("20,000 different characters", EVERY[:20_000].encode()),
    Nasty("markup and special tokens", MARKUP * 20, tokens="bpe"),
    Nasty("the unknown symbol's name alone", b"<unk>" * 30, tokens="word"),
]
NO_TEXTS = [
    Nasty("empty", b"", 65, "text.txt is empty"),
    Nasty("one character", b"a", 65, "text.txt"),
    Nasty("a mark alone", codecs.BOM_UTF8, 65, "text.txt is empty", tokens="bpe"),
    Nasty("a UTF-16 mark alone", codecs.BOM_UTF16_BE, 65, "text.txt is empty", tokens="byte"),
    Nasty("UTF-16 without a mark", "one two\n".encode("utf-16-le") * 9, 65, "NUL", tokens="word"),
    Nasty("UTF-32 without a mark", "one two\n".encode("utf-32-be") * 9, 65, "NUL"),
    Nasty("half of UTF-16", codecs.BOM_UTF16_LE + b"a\0b\0c", 65, "no UTF-16-LE text: byte 6"),
    Nasty("a surrogate in UTF-16", codecs.BOM_UTF16_LE + b"a\0\0\xd8b\0", 65, "no UTF-16-LE text: byte"),
    Nasty("a surrogate in UTF-32", codecs.BOM_UTF32_LE + b"\0\xd8\0\0", 65, "no UTF-32-LE text: byte 4"),
    Nasty("beyond Unicode in UTF-32", codecs.BOM_UTF32_LE + b"\0\0\x11\0", 65, "no UTF-32-LE text: byte 4"),
    Nasty(
        "cut inside its last character",
        "나는 오늘".encode()[:-1],
        65,
        "byte 10 is 0xeb. What stands before it is",
        tokens="jamo",
    ),
    Nasty("a broken byte in the middle", b"one\n" * 500 + b"\xff" + b"two\n" * 500, 65, "byte 2,000 is 0xff"),
    Nasty("a surrogate in UTF-8", b"one \xed\xa0\x80 two", 65, "byte 4 is 0xed", tokens="byte"),
    Nasty("a pair of surrogates in UTF-8", b"\xed\xa0\xbd\xed\xb8\x80", 65, "byte 0 is 0xed"),
    Nasty("overlong", b"one \xc0\xaf \xe0\x80\xaf", 65, "byte 4 is 0xc0", tokens="byte"),
    Nasty("CP949", "나는 오늘 기분이 좋아.\n".encode("cp949") * 9, 65, "iconv -f CP949", tokens="jamo"),
    Nasty("Latin-1", "Ein schöner Tag für Cafés\n".encode("latin-1") * 9, 65, "iconv -f WINDOWS-1252"),
    Nasty("NUL in the middle", b"one\n" * 9 + b"\0" + b"two\n" * 9, 65, "NUL"),
    Nasty("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 65, "no UTF-8 text: byte 0 is 0x89"),
    Nasty("gzip", gzip.compress(b"one two\n" * 99, mtime=0), 65, "no UTF-8 text: byte 1 is 0x8b"),
    Nasty("a program", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0", 65, "NUL"),
    Nasty("a pickle", pickle.dumps({"weights": [1.0] * 99}), 65, "no UTF-8 text: byte 0 is 0x80"),
]
PLACES = [
    Nasty("an ugly name", partial(named, UGLY)),
    Nasty("a name that looks like a flag", partial(named, "-rf.txt")),
    Nasty("an ugly name of no text", partial(named, UGLY, content=b"\xff"), 65, "byte 0 is 0xff"),
    Nasty("an ugly name of nothing", partial(missing, UGLY), 2, "No file", prompt=65),
    Nasty("no name", partial(missing, ""), 2, "No file", prompt=65),
    Nasty("missing", partial(missing, "missing.txt"), 2, "or corpus named 'missing.txt'", prompt=65),
    Nasty("a name that is too long", partial(missing, "n" * 300), 65, "File name too long"),
    Nasty("below a file", partial(missing, "/dev/null/x"), 65, "Not a directory"),
    Nasty("a link in a circle", partial(linked, "link.txt"), 65, "symbolic links"),
    Nasty("a link to nothing", partial(linked, "gone.txt"), 2, "No file", prompt=65),
    Nasty("unreadable", unreadable, 65, "Permission denied"),
    Nasty("a folder of texts", folder_of_texts, prompt=65),
    Nasty("a folder with a part that is unreadable", unreadable_folder, 65, "Permission denied"),
    Nasty("an empty folder", empty_folder, 65, "is a folder without .txt files"),
    Nasty("a folder without texts", lambda folder: empty_folder(folder, "a.md"), 65, "is a folder without .txt files"),
    Nasty("a pipe with a writer", fifo_with_a_writer),
    Nasty("a socket", listening_socket, 65, "is no file that can be read to its end"),
    Nasty("/dev/null", partial(missing, "/dev/null"), 65, "is no file that can be read to its end", prompt=0),
    Nasty("/dev/zero", partial(missing, "/dev/zero"), 65, "is no file that can be read to its end", prompt=2),
    Nasty("/dev/full", partial(missing, "/dev/full"), 65, "is no file that can be read to its end", prompt=2),
    Nasty("a link to a device", partial(linked, "/dev/urandom"), 65, "is no file that can be read", prompt=2),
]
NO_FILES = [
    Nasty("a text on standard input", partial(standard_input, "한 둘 셋\n".encode() * 9), tokens="jamo"),
    Nasty("closed standard input", partial(standard_input, None), 65, "standard-input is empty"),
    Nasty("nothing on standard input", partial(standard_input, b""), 65, "standard-input is empty"),
    Nasty("endless zeros on standard input", partial(standard_input, "/dev/zero"), 65, "NUL"),
    Nasty("endless noise on standard input", partial(standard_input, "/dev/urandom"), 65, "no"),
    Nasty("quoted line breaks in a table", partial(table, b'id,text\n1,"one\ntwo, ""three"""\n2,four\n', "text")),
    Nasty("a table without that column", partial(table, b"id,texts\n1,one\n", "text"), 2, "Did you mean 'texts'?"),
    Nasty("a table with a short row", partial(table, b"id,text\n1,one\n2\n", "text"), 65, "line 3: 1 of 2 fields"),
    Nasty("a table with NUL", partial(table, b"id,text\n1,o\0e\n", "text"), 65, "NUL"),
    Nasty("a table with an open quote", partial(table, b'id,text\n1,"one\n2,two\n', "text"), 65, "line 3"),
    Nasty("a table without rows", partial(table, b"id,text\n", "text"), 65, "table.csv is empty"),
    Nasty("an empty table", partial(table, b"", "text"), 65, "table.csv is empty"),
    Nasty("the same file several times", twice),
    Nasty("a file that shrinks while it is read", partial(changing, 1_200_000), 65, "changed while it was read"),
    Nasty("a file that grows while it is read", partial(changing, 2_000_000), 65, "changed while it was read"),
]
CASES = [*TEXTS, *NO_TEXTS, *PLACES, *NO_FILES]


def words_of(command: str, case: Nasty, given: Given, run: str) -> list[str | bytes]:
    """What is typed after `seqplay`."""
    column = () if given.column is None else ("--column", given.column)
    match command:
        case "train":
            return ["train", *TRAINING, *column, "--tokens", case.tokens, "--", *given.sources]
        case "eval":
            return ["eval", run, "--json", *column, *(word for one in given.sources for word in ("--on", one))]
    return ["sample", run, "--json", "--length", "3", "--prompt-file", given.sources[0]]


def start(home: Path, folder: Path, words: Sequence[str | bytes], given: Given, anew: bool = False) -> Result:
    """Run a command in the folder of what it is given, forked where that can be and `anew` is not asked for; raises
    TimeoutExpired when it hangs.
    """
    command = [*given.runner, *given.command, *words]
    if given.stdin is None:
        command = ["bash", "-c", '"$0" "$@" <&-', *command]
    with open(folder / given.stdin if isinstance(given.stdin, str) else os.devnull, "rb") as opened:
        if given.can_be_forked and not anew:
            stdin = given.stdin if isinstance(given.stdin, bytes) else opened.fileno()
            done = FORKS.run(words, environment(home), stdin, GUARD, folder)
        else:
            read: Any = {"input": given.stdin} if isinstance(given.stdin, bytes) else {"stdin": opened}
            done = subprocess.run(
                command, capture_output=True, env=environment(home), cwd=folder, timeout=GUARD, check=False, **read
            )
    return Result(as_shells_say(done.returncode), done.stdout, done.stderr)


def assert_told(result: Result, code: int, words: str = "") -> None:
    """The exit code, and for a person nothing that a terminal would obey: one line where it is not 0."""
    said = result.err.decode()
    assert result.code == code, said
    assert [safe_line(line) for line in said.split("\n")] == said.split("\n")
    assert "Traceback" not in said
    assert "mistake in seqplay" not in said
    if code:
        line, end = said.split("\n")
        assert (line[:9], end) == ("seqplay: ", "")
        assert words in line
        assert not [row for row in result.rows if row["kind"] != "note"]


def everything_in(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file below a folder, and what would differ if somebody had written it."""
    found = {str(path.relative_to(folder)): path.lstat() for path in folder.rglob("*")}
    times = {name: status.st_mtime_ns for name, status in found.items() if stat.S_ISREG(status.st_mode)}
    return {name: (status.st_mode, status.st_size, times.get(name, 0)) for name, status in found.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


WAYS = [(case, way) for case in CASES for way in case.codes if way != "sample" or case not in NO_FILES]


@pytest.mark.parametrize(("case", "command"), WAYS, ids=str)
def test_it_works_or_is_one_line_and_an_exit_code(case: Nasty, command: str, copied: Trained, folder: Path) -> None:
    assert_works_or_is_told(case, command, copied, folder)


STARTED_ANEW = {
    ("an ugly name", "train"),
    ("cut inside its last character", "train"),
    ("UTF-16-LE with its mark", "eval"),
    ("escape sequences", "sample"),
    ("a text on standard input", "eval"),
    ("/dev/zero", "sample"),
}


@pytest.mark.parametrize(("case", "command"), [way for way in WAYS if (way[0].name, way[1]) in STARTED_ANEW], ids=str)
def test_nor_does_it_matter_that_a_command_starts_anew(
    case: Nasty, command: str, copied: Trained, folder: Path
) -> None:
    assert_works_or_is_told(case, command, copied, folder, anew=True)


def assert_works_or_is_told(case: Nasty, command: str, copied: Trained, folder: Path, anew: bool = False) -> None:
    given, code = case.make(folder), case.codes[command]
    runs = copied.home / "runs"
    before, beside = everything_in(runs), everything_in(folder)
    result = start(copied.home, folder, words_of(command, case, given, "harbour"), given, anew)
    assert_told(result, code, case.words if command != "sample" else "")
    if code == 0:
        ASSERT_WORKED[command](result)
    assert {name: seen for name, seen in everything_in(runs).items() if name in before} == before
    assert len(list(runs.iterdir())) == 1 + (command == "train" and code == 0)
    assert not [path for path in copied.home.rglob("*") if files.TEMPORARY.fullmatch(path.name)]
    if given.command == tuple(COMMAND):
        assert everything_in(folder) == beside


def assert_trained(result: Result) -> None:
    done = result.rows[-1]
    assert (done["kind"], done["steps"]) == ("done", 2)
    assert math.isfinite(done["train_loss"])


def assert_scored(result: Result) -> None:
    (score,) = result.rows
    assert math.isfinite(score["held_out_loss"])
    assert math.isfinite(score["bits_per_byte"])


def assert_written(result: Result) -> None:
    (sample,) = result.rows
    assert len(sample["text"]) == 3
    assert not any("\ud800" <= symbol <= "\udfff" for symbol in sample["prompt"])


ASSERT_WORKED = {"train": assert_trained, "eval": assert_scored, "sample": assert_written}


def test_the_table_has_every_kind_of_token() -> None:
    assert {case.tokens for case in CASES if not case.code} == set(CODECS)
    assert len({case.name for case in CASES}) == len(CASES)


def test_of_a_folder_its_texts_are_read_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    source = read_sources(folder_of_texts(folder).sources)
    assert cached_text(source.data, source.name).text() == "둘 " * 9 + "\n" + "one " * 9


NAIVE = (sys.executable, "-c", "import sys; text = open(sys.argv[-1]).read(); print(len(text), 'characters')")


@pytest.mark.parametrize("name", ["a broken byte in the middle", "NUL in the middle", "an ugly name of nothing"])
def test_a_naive_reader_fails_the_table(name: str, home: Path, folder: Path) -> None:
    (case,) = [case for case in CASES if case.name == name]
    given = case.make(folder)
    result = start(home, folder, words_of("train", case, given, ""), replace(given, command=NAIVE))
    with pytest.raises((AssertionError, ValueError)):
        assert_told(result, case.code, case.words)


# -- prompts

PROMPTS = [case for case in (*TEXTS, *NO_TEXTS) if b"\0" not in case.given and len(case.given) < LONGEST_ARGUMENT]


@pytest.mark.parametrize("case", PROMPTS, ids=str)
def test_as_a_prompt_it_is_gone_on_from_or_refused(case: Nasty, trained: Trained) -> None:
    code = 0 if is_text(case.given) else 2
    result = seqplay(trained.home, "sample", "--json", "--length", "3", "--prompt", case.given)
    assert_told(result, code, "The prompt holds bytes that are no UTF-8 text.")
    if code == 0:
        assert_written(result)


@pytest.mark.parametrize("name", ["escape sequences", "right to left, with overrides", "tags and noncharacters"])
def test_symbols_that_are_refused_are_named_in_one_safe_line(name: str, trained: Trained) -> None:
    (case,) = [case for case in TEXTS if case.name == name]
    result = seqplay(trained.home, "sample", "--unk", "error", "--prompt", case.given)
    assert_told(result, 2, "the model never saw them in training")


# -- what waits

WAITING = {"train": ("train", "pipe"), "eval": ("eval", "--on", "pipe"), "sample": ("sample", "--prompt-file", "pipe")}


@pytest.mark.parametrize("command", WAITING)
def test_a_pipe_waits_for_its_writer_until_ctrl_c(command: str, copied: Trained, folder: Path) -> None:
    """As with any other tool; and a writer that says nothing is waited for as well."""
    os.mkfifo(folder / "pipe")
    before = everything_in(copied.home / "runs")
    for writes in (False, True):
        waiting = subprocess.Popen(
            [*COMMAND, *WAITING[command]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(copied.home),
            cwd=folder,
        )
        STARTED.append(waiting)
        if writes:
            with open(folder / "pipe", "wb"):  # this one waits too, for the reader
                waiting.send_signal(signal.SIGINT)
                result = ended(waiting)
        else:
            until(lambda: is_asleep(waiting.pid), "the command waits")  # noqa: B023
            waiting.send_signal(signal.SIGINT)
            result = ended(waiting)
        assert (result.code, result.out, result.err.strip()) == (130, b"", b"")
    assert everything_in(copied.home / "runs") == before
    assert not [path for path in copied.home.rglob("*") if files.TEMPORARY.fullmatch(path.name)]


def is_asleep(pid: int) -> bool:
    """Whether a process waits for something, and that for a while: it would also sleep while the disk reads for it."""
    for _ in range(20):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state != "S":
            return False
        time.sleep(0.01)
    return True


# -- a text that is not what it was


def another_byte(text: Path) -> None:
    content = bytearray(text.read_bytes())
    content[1500] ^= 1
    text.write_bytes(content)


def one_byte_less(text: Path) -> None:
    os.truncate(text, 2_999)


def a_link(text: Path) -> None:
    shutil.move(text, text.parent.parent / "text")
    text.symlink_to(text.parent.parent / "text")


def test_a_run_does_not_go_on_with_another_text(copied: Trained) -> None:
    as_if_killed(copied.run)
    shutil.rmtree(copied.home / "cache" / "ids")
    text = copied.home / "cache" / "texts" / json.loads(copied.run.plan.read_bytes())["data"]
    kept, run = text.read_bytes(), copied.run
    for change in (another_byte, one_byte_less, a_link):
        change(text)
        before = everything_in(run.checkpoints), run.plan.read_bytes(), run.recipe.read_bytes(), steps_in(run.log)
        result = seqplay(copied.home, "resume", "harbour")
        assert_told(result, 65, "The text 'harbour.txt' is no longer in the cache.")
        after = everything_in(run.checkpoints), run.plan.read_bytes(), run.recipe.read_bytes(), steps_in(run.log)
        assert before == after
        text.unlink()
        text.write_bytes(kept)
    assert seqplay(copied.home, "resume", "harbour").code == 0
    assert rows_in(run.log)[-1]["kind"] == "done"


def steps_in(log: Path) -> list[dict[str, Any]]:
    return [row for row in rows_in(log) if row["kind"] == "step"]
