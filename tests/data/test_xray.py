"""An X-ray tells exact facts of a text, soon, and keeps nothing; what is no text is told as training tells it."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqplay import paths
from seqplay.data import baselines, texts, xray
from seqplay.data.built_in import built_in_text
from seqplay.data.suggestions import suggest
from seqplay.data.symbols import code_points
from seqplay.data.texts import read_sources
from seqplay.data.xray import Xray, examine, examine_cached, examine_text, from_row, to_row
from seqplay.errors import DataError, SeqplayError, UsageError

ENGLISH = built_in_text("english").decode()
PLAY = "ROMEO:\r\nO, speak again!\n\n  JULIET:\nO Romeo\n \nROMEO:\nO, speak again!\nROMEO:"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def file(content: bytes | str, name: str = "novel.txt") -> str:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def last(xrays: Iterator[Xray]) -> Xray:
    *before, final = xrays
    assert [one.is_final for one in before] == [False] * len(before)
    assert final.is_final
    return final


def refusal(*sources: str, error: type[SeqplayError] = DataError, column: str | None = None) -> str:
    with pytest.raises(error) as refused:
        list(examine(sources, column))
    return str(refused.value)


# -- facts


def test_the_facts_of_a_short_text() -> None:
    assert last(examine([file(PLAY)])) == Xray(
        name="novel.txt",
        data=hashlib.sha256(PLAY.encode()).hexdigest(),
        size=len(PLAY),
        bytes_read=len(PLAY),
        is_final=True,
        characters=len(PLAY),
        words=12,
        lines=9,
        symbols=len(set(PLAY)),
        beginning=PLAY,
        frequent=tuple(sorted({s: PLAY.count(s) for s in set(PLAY)}.items(), key=lambda one: (-one[1], one[0]))),
        rare=tuple(sorted({s: PLAY.count(s) for s in set(PLAY)}.items(), key=lambda one: (one[1], one[0]))[:20]),
        too_rare=sum(PLAY.count(symbol) < 5 for symbol in set(PLAY)),
        scripts=(("Latin", 49 / 74), ("space", 17 / 74), ("marks", 8 / 74)),
        repeated_lines=3 / 7,
        most_repeated=("ROMEO:", 3),
        held_out=0,
        shared_length=0,
        shared_block="",
        shared_share=0.0,
        uniform=pytest.approx(4.7004, abs=1e-4),
        unigram=None,
        five_gram=None,
        gzip=None,
        suggestion=suggest(len(PLAY), 0.0),
    )


def test_the_facts_of_a_text_with_a_held_out_part() -> None:
    found, parts = last(examine(["english"])), baselines.split(code_points(ENGLISH))
    assert (found.name, found.characters, found.lines) == ("english", len(ENGLISH), ENGLISH.count("\n"))
    assert found.held_out == len(parts.held_out) == len(ENGLISH) - int(0.9 * len(ENGLISH))
    assert (found.uniform, found.unigram) == (baselines.uniform(parts), baselines.unigram(parts))
    assert found.five_gram == baselines.five_gram(parts)
    assert found.gzip == baselines.gzip([ENGLISH.encode()], len(ENGLISH))
    assert found.beginning == ENGLISH[:500]
    assert found.suggestion == suggest(len(parts.train), 0.0)


def test_jamo_are_suggested_for_a_small_korean_text_with_the_tokens_that_a_run_counts() -> None:
    from seqplay.data.tokens.jamo import Jamo

    text = built_in_text("korean").decode()
    train = text[: int(len(text) * 0.9)]
    assert last(examine(["korean"])).suggestion.why.endswith(
        f" {len(Jamo.learn([train]).encode(train)):,} jamo to learn from"
    )


def test_a_block_that_was_copied_into_the_held_out_part_is_found_and_only_its_beginning_told() -> None:
    found = last(examine([file(ENGLISH[:9_000] + ENGLISH[100:1_000] + "#")]))
    assert (found.held_out, found.shared_length) == (991, 900)
    assert found.shared_block == ENGLISH[100:300]
    assert found.shared_share == 900 / 991


@pytest.mark.parametrize("text", [PLAY, "a", "\n", " a \n\n b\n", "가나 다\u3000라\x1c마", "a\n" * 700 + "한 글" * 20])
@pytest.mark.parametrize("size", [1, 4, 7])
def test_the_facts_do_not_depend_on_where_blocks_end(text: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = last(examine([file(text)]))
    assert found.words == len(text.split())
    assert found.lines == text.count("\n") + (not text.endswith("\n"))
    full = [line.strip() for line in text.split("\n") if line.strip()]
    assert found.repeated_lines == ((len(full) - len(set(full))) / len(full) if full else 0)
    monkeypatch.setattr(texts, "CHUNK", size)
    assert last(examine(["novel.txt"])) == found
    assert last(examine_text(text, "novel.txt")) == found


def test_a_text_is_the_same_however_it_is_given() -> None:
    file("One line without an end", "a.txt"), file("Two lines\n", "b.txt")
    Path("books").mkdir()
    file("One line without an end", "books/a.txt"), file("Two lines\n", "books/b.txt")
    both, folder = last(examine(["a.txt", "b.txt"])), last(examine(["books"]))
    assert (both.name, folder.name) == ("a.txt and 1 more", "books")
    assert both.data == read_sources(["books"]).data
    assert both == replace(folder, name=both.name)
    joined = "One line without an end\nTwo lines\n"
    pasted = last(examine_text(joined, both.name))
    assert pasted == replace(both, size=len(joined), bytes_read=len(joined))
    assert last(examine_cached(pasted.data or "", both.name)) == pasted


def test_of_a_cached_text_as_much_is_held_out_as_a_run_holds_out() -> None:
    source = read_sources([file(ENGLISH[:20_000])])
    tenth, third = (last(examine_cached(source.data, "english", share)) for share in (0.1, 0.3))
    assert tenth == last(examine_cached(source.data, "english"))
    assert (tenth.held_out, third.held_out) == (2000, 6000)
    parts = baselines.split(code_points(ENGLISH[:20_000]), 0.3)
    assert (third.unigram, third.five_gram) == (baselines.unigram(parts), baselines.five_gram(parts))
    assert third.gzip == tenth.gzip
    assert third.suggestion == suggest(14_000, 0.0)
    with pytest.raises(UsageError, match=r"from 0 to 0\.9, not 1"):
        list(examine_cached(source.data, "english", 1.0))


def test_of_a_table_one_column_is_examined() -> None:
    file('text,label\n"one, two",a\nthree,b\n', "table.csv")
    found = last(examine(["table.csv"], "text"))
    assert (found.beginning, found.bytes_read) == ("one, two\nthree\n", 32)
    assert found.data == read_sources(["table.csv"], "text").data


def test_another_encoding_is_read_as_text_and_its_bytes_are_those_of_the_file() -> None:
    found = last(examine([file("\ufeff나는\n".encode("utf-16-le"))]))
    assert (found.characters, found.size, found.bytes_read) == (3, 8, 8)
    assert found.data == hashlib.sha256("나는\n".encode()).hexdigest()


# -- soon, and no more than is needed


def test_nothing_is_kept(home_of_its_own: Path) -> None:
    last(examine([file(ENGLISH)]))
    last(examine_text(ENGLISH, "pasted"))
    assert not home_of_its_own.exists()


def test_the_first_x_ray_needs_one_block_and_each_that_follows_knows_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "CHUNK", 1000)
    found = examine([file(ENGLISH[:20_000])])
    first = next(found)
    assert (first.bytes_read, first.size, first.characters, first.is_partial) == (1000, 20_000, 1000, True)
    assert (first.data, first.held_out, first.uniform, first.gzip) == (None, None, None, None)
    assert first.suggestion == suggest(18_000, 0.0)
    rest = list(found)
    assert [one.bytes_read for one in rest] == [2000, 4000, 8000, 16_000, 20_000, 20_000, 20_000, 20_000]
    known = [sum(value is not None for value in to_row(one).values()) for one in [first, *rest]]
    assert known == sorted(known)
    assert len(set(known)) == 5
    assert not rest[-1].is_partial


@pytest.mark.parametrize("kind", ["file", "two files", "cached", "pasted", "utf-16"])
def test_a_text_that_is_too_large_is_known_by_its_beginning(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xray, "MOST_BYTES", 5001)
    text = "a가 \n" * 1000
    if kind == "cached":
        source = read_sources([file(text)])
        found = last(examine_cached(source.data, source.name))
    elif kind == "two files":
        found = last(examine([file(text[:2000], "a"), file(text[2000:], "b")]))
    else:
        content = "\ufeff".encode("utf-16-le") + text.encode("utf-16-le") if kind == "utf-16" else text
        found = last(examine_text(text, "pasted") if kind == "pasted" else examine([file(content)]))
    begin = text[: 2499 if kind == "utf-16" else 3333]
    assert (found.is_partial, found.data, found.characters) == (True, None, len(begin))
    assert found.size == (8002 if kind == "utf-16" else 6000)
    assert found.bytes_read in (4999, 5001)
    assert found.five_gram == baselines.five_gram(baselines.split(code_points(begin)))
    assert re.search(r" 3,(599|600|601) characters to learn from$", found.suggestion.why)


def test_files_beyond_what_is_read_are_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xray, "MOST_BYTES", 10)
    opened: list[str] = []
    real = texts._open
    monkeypatch.setattr(texts, "_open", lambda source: (opened.append(source), real(source))[1])
    assert last(examine([file(b"0123456789", "a"), file(b"\xff", "b")])).is_partial
    assert opened == ["a"]
    assert not last(examine(["a"])).is_partial


@pytest.mark.parametrize("table", ["n,text\n" + '1,"ab ""c"" \nd"\n' * 50, "n\ttext\n" + "1\tabcdefghij\n" * 50])
@pytest.mark.parametrize("most", range(200, 220))
def test_a_table_may_be_cut_anywhere(table: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xray, "MOST_BYTES", most)
    found = last(examine([file(table)], "text"))
    assert found.is_partial
    assert found.lines in range(12, 36)


# -- what is no text


def test_what_is_no_text_is_told_as_training_tells_it() -> None:
    file(b"", "empty"), file(b"a\xff", "latin"), file(b"a\0", "binary"), file("나는".encode("cp949"), "old")
    file(b"a,b\n1\n", "table.csv")
    Path("folder").mkdir()
    os.symlink("circle", "circle")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        for source in (
            "empty", "latin", "binary", "old", "folder", "circle", "socket", "/dev/zero", "nowhere.txt", "englsh",
            "tiny-shakespeare", "mnist", "a\0b",
        ):  # fmt: skip
            with pytest.raises(SeqplayError) as told:
                read_sources([source])
            assert refusal(source, error=type(told.value)) == str(told.value)
    for column in ("b", "c"):
        with pytest.raises(SeqplayError) as told:
            read_sources(["table.csv"], column)
        assert refusal("table.csv", error=type(told.value), column=column) == str(told.value)


def test_a_pipe_is_refused_without_waiting_for_whoever_writes_to_it() -> None:
    os.mkfifo("pipe")
    assert refusal("pipe") == "pipe is no file that can be read to its end."
    assert refusal(file(ENGLISH), "pipe") == "pipe is no file that can be read to its end."


def test_standard_input_is_left_alone() -> None:
    assert refusal("-", error=UsageError).startswith("Standard input can be read only once.")


@pytest.mark.parametrize("text", ["", "a\0", "a\ud800"])
def test_pasted_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        list(examine_text(text, "pasted"))


@pytest.mark.parametrize("data", ["0" * 64, "../novel.txt", ""])
def test_a_text_that_the_cache_no_longer_holds_is_told(data: str) -> None:
    file(ENGLISH)
    with pytest.raises(DataError, match="no longer in the cache"):
        list(examine_cached(data, "novel.txt"))


def test_a_text_that_changed_in_the_cache_is_no_text_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source = read_sources([file(ENGLISH)])
    (paths.texts_dir() / source.data).write_bytes(b"\xff" * 3000)
    with pytest.raises(DataError, match="no longer in the cache"):
        list(examine_cached(source.data, source.name))
    monkeypatch.setattr(xray, "MOST_BYTES", 2000)
    with pytest.raises(DataError, match=r"novel\.txt' is damaged in the cache"):
        list(examine_cached(source.data, source.name))


# -- as JSON


def row_of(text: str = PLAY) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(json.dumps(to_row(last(examine_text(text, "novel.txt"))), allow_nan=False))
    return row


@pytest.mark.parametrize("text", ["hello", PLAY, ENGLISH[:3000] + "\x1b]52;c;YQ==\x07"])
def test_an_x_ray_comes_back_from_json_as_it_was(text: str) -> None:
    for found in examine_text(text, "novel.txt"):
        assert from_row(json.loads(json.dumps(to_row(found), allow_nan=False))) == found


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 5}, {"name": "x" * 5000}, {"size": -1}, {"size": 1.5}, {"size": True}, {"size": 1 << 60},
        {"characters": None}, {"is_final": 1}, {"uniform": "6"}, {"uniform": float("nan")}, {"gzip": float("inf")},
        {"frequent": None}, {"frequent": [["a", 1]] * 300}, {"frequent": [["a"]]}, {"frequent": [["a", "b"]]},
        {"frequent": ["ab"]}, {"rare": [["a", 1, 2]]}, {"scripts": [["Latin", 1.5]]}, {"repeated_lines": 2.0},
        {"shared_share": 1.1}, {"most_repeated": []}, {"most_repeated": "ab"}, {"suggestion": None},
        {"suggestion": {}}, {"suggestion": {"tokens": "char"}}, {"data": "../secret"}, {"more": 1},
    ],
)  # fmt: skip
def test_a_row_that_is_no_x_ray_is_refused_with_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z"):
        from_row({**row_of(), **wrong})


@pytest.mark.parametrize("row", [None, [], "x", 5, {}, {"kind": "figure"}])
def test_what_is_no_row_of_an_x_ray_is_refused(row: object) -> None:
    with pytest.raises(ValueError, match="an X-ray is an object"):
        from_row(row)


def test_a_row_that_lacks_anything_is_refused() -> None:
    for name in row_of():
        with pytest.raises(ValueError, match="nothing else"):
            from_row({key: value for key, value in row_of().items() if key != name})


def test_reading_a_row_loads_neither_numpy_nor_torch() -> None:
    code = (
        "import json, sys; from seqplay.data.xray import from_row; from_row(json.load(sys.stdin)); "
        "sys.exit(bool({'numpy', 'torch'} & sys.modules.keys()))"
    )
    told = subprocess.run([sys.executable, "-c", code], input=json.dumps(row_of()), text=True, check=False)
    assert told.returncode == 0
