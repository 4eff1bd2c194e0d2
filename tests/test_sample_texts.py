"""What the README of the sample texts promises of them."""

from __future__ import annotations

import csv
import datetime
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "sample_texts"
TEXTS = {"english.txt": 40_000, "korean.txt": 60_000, "dialogue.txt": 15_000, "verse.txt": 8_000, "tunes.abc": 8_000}
LABELLED = {
    "sentiment-english.tsv": 2,
    "sentiment-korean.tsv": 2,
    "topics-english.tsv": 8,
    "topics-korean.tsv": 8,
}
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name != "README.md")
NO_TEXT = re.compile(r"[A-Z][A-Z ]*:|[RMLK]:.*|Over the water and home again[,.]|text\tlabel")  # may come again


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if name.endswith(".tsv") else ",", strict=True))


def lines(name: str) -> list[str]:
    every = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line for line in every if line.strip() and not NO_TEXT.fullmatch(line)]


def runs_of_eight(line: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"[\w']+", line.casefold())
    return zip(*(words[i:] for i in range(8)), strict=False)


def test_every_file_has_its_line_in_the_readme() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_utf8_with_plain_line_breaks(name: str) -> None:
    content = (FOLDER / name).read_bytes()
    assert content.decode("utf-8").encode() == content
    assert not content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content
    assert content.endswith(b"\n")
    assert not content.endswith(b"\n\n")


@pytest.mark.parametrize(("name", "least"), TEXTS.items())
def test_a_text_is_as_long_as_promised(name: str, least: int) -> None:
    assert len((FOLDER / name).read_bytes()) >= least


def test_the_korean_text_has_20000_syllables() -> None:
    assert sum("가" <= c <= "힣" for c in (FOLDER / "korean.txt").read_text(encoding="utf-8")) >= 20_000


def test_no_line_comes_twice_in_any_file() -> None:
    counted = Counter(line for name in FILES for line in lines(name))
    assert [line for line, count in counted.items() if count > 1] == []


def test_no_run_of_eight_words_comes_more_than_twice() -> None:
    counted = Counter(run for name in FILES for line in lines(name) for run in runs_of_eight(line))
    assert [run for run, count in counted.items() if count > 2] == []
    assert len(counted) > 10_000


@pytest.mark.parametrize(("name", "classes"), LABELLED.items())
def test_labelled_sentences_are_balanced_and_none_comes_twice(name: str, classes: int) -> None:
    found = rows(name)
    counted = Counter(row["label"] for row in found)
    assert len(counted) == classes
    assert len(set(counted.values())) == 1
    assert len({row["text"] for row in found}) == len(found) >= 240


def test_pairs_are_200_or_more_and_each_sentence_is_there_once() -> None:
    pairs = rows("english-korean.tsv")
    assert len(pairs) >= 200
    for side in ("source", "target"):
        assert len({pair[side] for pair in pairs}) == len(pairs)
    assert all(pair["source"].isascii() and re.search("[가-힣]", pair["target"]) for pair in pairs)


def test_each_blank_has_one_word_for_an_answer() -> None:
    found = rows("blanks.tsv")
    assert {"text": "나는 지각을 [ ].", "answer": "했다"} in found
    assert all(row["text"].count("[ ]") == 1 and len(row["answer"].split()) == 1 for row in found)


def test_the_series_is_daily_with_a_week_a_season_and_a_trend() -> None:
    days = [(datetime.date.fromisoformat(row["date"]), int(row["visitors"])) for row in rows("visitors.csv")]
    assert [day for day, _ in days] == [days[0][0] + datetime.timedelta(i) for i in range(1096)]

    def mean(chosen: list[int]) -> float:
        return sum(chosen) / len(chosen)

    assert mean([n for day, n in days if day.weekday() >= 5]) > 1.2 * mean([n for day, n in days if day.weekday() < 5])
    assert mean([n for day, n in days if day.month == 8]) > 1.4 * mean([n for day, n in days if day.month == 1])
    assert mean([n for day, n in days if day.year == 2024]) > 1.1 * mean([n for day, n in days if day.year == 2022])


def test_every_bar_of_every_tune_adds_up() -> None:
    """A bar beside a repeat may be a part of one: a pickup and what it leaves of the last bar."""
    measured = 0
    for tune in (FOLDER / "tunes.abc").read_text(encoding="utf-8").strip().split("\n\n"):
        header, music = {}, ""
        for line in tune.splitlines():
            if re.match("[A-Z]:", line):
                header[line[0]] = line[2:]
            else:
                music += line
        beats, unit = (int(n) for n in header["M"].split("/"))
        whole = beats * (int(header["L"].split("/")[1]) // unit)
        bars = [bar for part in re.split(r":?\|:|:\|", music) for bar in [part.split("|")] if part.strip("| ]")]
        for part in bars:
            inner = [length(bar) for bar in part if bar.strip("] 12")][1:-1]
            assert set(inner) <= {whole}, (header["T"], inner)
            measured += len(inner)
    assert measured > 400


def length(bar: str) -> float:
    """How many unit notes a bar lasts."""
    notes = re.findall(r"[_^=]*([A-Ga-gz])[,']*(\d*)(/?\d*)", re.sub(r"^\[?[12]", "", bar.strip()))
    total = 0.0
    for _, times, share in notes:
        total += int(times or 1) / (int(share[1:] or 2) if share else 1)
    return total
