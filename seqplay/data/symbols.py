"""The symbols of a text: the different characters that it has, how often each occurs, and which script each is of."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.uint32]

# First and last code points of letters, in order (The Unicode Standard, Blocks.txt and Scripts.txt).
LETTERS = (
    ("Latin", 0x41, 0x5A), ("Latin", 0x61, 0x7A), ("Latin", 0xAA, 0xAA), ("Latin", 0xBA, 0xBA), ("Latin", 0xC0, 0xD6),
    ("Latin", 0xD8, 0xF6), ("Latin", 0xF8, 0x24F), ("Hangul", 0x1100, 0x11FF), ("Latin", 0x1E00, 0x1EFF),
    ("Latin", 0x2C60, 0x2C7F), ("Han", 0x2E80, 0x2FDF), ("Han", 0x3005, 0x3007), ("Han", 0x3021, 0x3029),
    ("Kana", 0x3041, 0x3096), ("Kana", 0x309D, 0x309F), ("Kana", 0x30A1, 0x30FA), ("Kana", 0x30FC, 0x30FF),
    ("Hangul", 0x3131, 0x318E), ("Kana", 0x31F0, 0x31FF), ("Han", 0x3400, 0x4DBF), ("Han", 0x4E00, 0x9FFF),
    ("Latin", 0xA722, 0xA7FF), ("Hangul", 0xA960, 0xA97F), ("Hangul", 0xAC00, 0xD7FF), ("Han", 0xF900, 0xFAFF),
    ("Latin", 0xFF21, 0xFF3A), ("Latin", 0xFF41, 0xFF5A), ("Kana", 0xFF66, 0xFF9F), ("Hangul", 0xFFA0, 0xFFDC),
    ("Kana", 0x1B000, 0x1B16F), ("Han", 0x20000, 0x3FFFF),
)  # fmt: skip
BEGINNINGS = [first for _, first, _ in LETTERS]
OTHERS = {"Nd": "digits", "So": "other"}  # a category of Unicode, and where it counts; other P and S are marks
SCRIPTS = ("Hangul", "Latin", "Han", "Kana", "digits", "space", "marks", "other")
SYLLABLES = range(0xAC00, 0xD7A4)


def code_points(text: str) -> Points:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def all_code_points(blocks: Iterable[bytes], characters: int) -> Points:
    """Those of a text in blocks of UTF-8, which has so many characters."""
    points, place = np.empty(characters, np.uint32), 0
    for block in blocks:
        some = code_points(block.decode())
        points[place : place + len(some)] = some
        place += len(some)
    return points


def counted(points: Points, before: npt.NDArray[np.int64] | None = None) -> npt.NDArray[np.int64]:
    """How often each code point occurs, by its number, together with the counts `before`."""
    counts = np.bincount(points)
    if before is None:
        return counts
    longer, shorter = (counts, before) if len(counts) > len(before) else (before, counts)
    longer = longer.copy()
    longer[: len(shorter)] += shorter
    return longer


def by_rank(counts: npt.NDArray[np.int64]) -> list[tuple[str, int]]:
    """Every symbol and how often it occurs, the most frequent first, equals in the order of their code points."""
    found = np.flatnonzero(counts)
    found = found[np.argsort(-counts[found], kind="stable")]
    return [(chr(point), count) for point, count in zip(found.tolist(), counts[found].tolist(), strict=True)]


def scripts(ranked: list[tuple[str, int]]) -> dict[str, int]:
    """How many characters of a text are of each of the SCRIPTS."""
    characters = dict.fromkeys(SCRIPTS, 0)
    for symbol, count in ranked:
        characters[script(symbol)] += count
    return characters


def hangul_share(characters: Mapping[str, int]) -> float:
    """Which share of the letters are Hangul; 0 where there are none."""
    letters = sum(characters[name] for name in ("Hangul", "Latin", "Han", "Kana", "other"))
    return characters["Hangul"] / letters if letters else 0.0


def jamo(ranked: list[tuple[str, int]]) -> int:
    """How many tokens a text has whose syllables are spelled with their letters: two, or three with a final."""
    return sum(count * _letters(ord(symbol)) for symbol, count in ranked)


def _letters(point: int) -> int:
    return 2 + ((point - SYLLABLES.start) % 28 > 0) if point in SYLLABLES else 1


@lru_cache(1 << 16)
def script(symbol: str) -> str:
    """One of the SCRIPTS: what a character is, at a glance."""
    point = ord(symbol)
    name, _, last = LETTERS[max(0, bisect_right(BEGINNINGS, point) - 1)]
    if LETTERS[0][1] <= point <= last:
        return name
    if symbol.isspace():
        return "space"
    category = unicodedata.category(symbol)
    return OTHERS.get(category, "marks" if category[0] in "PS" else "other")
