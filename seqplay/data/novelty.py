"""How much of a text is copied from the text that its model learned from.

Every 8 characters of the training text that stand together (an 8-gram) are hashed and the hashes sorted, a block at a
time; a place of the text at hand that has the same 8 characters is then found by bisection, and followed to both sides.
A hash only proposes: whatever is reported was compared character by character.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

GRAM = 8  # characters
MOST_BYTES = 20_000_000  # of the training text that are looked at
COPY = 20
"""What a copied run must count to be told: a letter 1, a Hangul syllable or an ideograph 2.

Text of the same author that no model wrote shares runs with the training part as well. Of the held-out parts of tiny
Shakespeare, the English and the Korean sample text, 12, 14 and 15 % lie in such runs that count 16, and 2, 4 and 6 % in
those that count 20: 20 letters, or about 12 characters of Korean.
"""
WIDE = 0x2E80  # from this code point on (kana, ideographs, Hangul) a character tells about twice what a letter does
BLOCK_BITS = 20  # 8-grams that are sorted at a time: 2**20
MOST_PLACES = 50_000  # of one 8-gram that are followed; a text of spaces has millions
STEP = 32  # characters compared at a time
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits well mixed: Knuth's golden ratio
LINE = 200  # characters shown of a source line
BEFORE = 40  # of which so many stand before the copy where the line is longer

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Copy:
    """Characters `begin` to `end` of a text stand in the training text, first in this line, counted from 1."""

    begin: int
    end: int
    line_number: int
    line: str


@dataclass(frozen=True)
class Novelty:
    """What of a text is copied, in characters. `new_8_grams` is the share of its 8-grams that the training text lacks,
    None for a text without any; `read` is how much of the training text was looked at.
    """

    longest: int
    new_8_grams: float | None
    copies: tuple[Copy, ...]
    read: int

    def to_row(self) -> dict[str, Any]:
        copies = [[copy.begin, copy.end, copy.line_number, copy.line] for copy in self.copies]
        return {"longest": self.longest, "new_8_grams": self.new_8_grams, "copies": copies, "read": self.read}


@final
class TrainingText:
    """A training text and the index of its 8-grams: 1 MB takes about 0.1 s and 10 MB of memory."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.codes = _codes(text)
        self.breaks = np.flatnonzero(self.codes == ord("\n"))
        self.blocks: list[npt.NDArray[np.uint64]] = []  # sorted (hash << BLOCK_BITS | place in the block)

    def index(self, watch: Callable[[], None] = lambda: None) -> None:
        """Make the index, or what is missing of it; `watch` is called between blocks, and may raise to stop."""
        size = 1 << BLOCK_BITS
        while (begin := len(self.blocks) * size) < len(self.codes) - GRAM + 1:
            watch()
            keys = _hashes(self.codes[begin : begin + size + GRAM - 1])
            keys |= np.arange(len(keys), dtype=np.uint64)
            keys.sort()
            self.blocks.append(keys)

    def compare(self, text: str, watch: Callable[[], None] = lambda: None) -> Novelty:
        """What of a text is copied from this one. `watch` is called now and then, and may raise to stop."""
        self.index(watch)
        search = _Search(self, _codes(text))
        runs = []
        for run in search.runs():
            watch()
            runs.append(run)
        longest = max((end - begin for begin, end, _ in runs), default=0) or self._short(text, watch)
        weights = np.concatenate([[0], np.cumsum(1 + (search.codes >= WIDE))])
        copies = [self._copy(*run) for run in runs if weights[run[1]] - weights[run[0]] >= COPY]
        return Novelty(longest, search.new_share(), tuple(copies), len(self.codes))

    def _short(self, text: str, watch: Callable[[], None]) -> int:
        """The longest copy where none has GRAM characters: a copy of n characters holds one of n - 1."""
        fewest, most = 0, min(GRAM - 1, len(text), len(self.text))
        while fewest < most:
            length = (fewest + most + 1) // 2
            if any(text[place : place + length] in self.text for place in self._likely(_codes(text), length, watch)):
                fewest = length
            else:
                most = length - 1
        return fewest

    def _likely(self, codes: npt.NDArray[Any], length: int, watch: Callable[[], None]) -> list[int]:
        """The places of a text whose next `length` characters seem to stand in this one too."""
        ours = _hashes(codes, length)
        begins = np.zeros(1 << 16, bool)  # most hashes differ in their first 16 bits
        begins[ours >> np.uint64(48)] = True
        found = np.zeros(len(ours), bool)
        for begin in range(0, len(self.codes), 1 << BLOCK_BITS):
            watch()
            theirs = _hashes(self.codes[begin : begin + (1 << BLOCK_BITS) + length - 1], length)
            found |= np.isin(ours, theirs[begins[theirs >> np.uint64(48)]])
        return np.flatnonzero(found).tolist()

    def _copy(self, begin: int, end: int, place: int) -> Copy:
        number = int(np.searchsorted(self.breaks, place))
        first = int(self.breaks[number - 1]) + 1 if number else 0
        last = int(self.breaks[number]) if number < len(self.breaks) else len(self.text)
        if last - first > LINE:
            first = max(first, min(place - BEFORE, last - LINE))
        return Copy(begin, end, number + 1, self.text[first : min(last, first + LINE)])


class _Search:
    """One text looked up in a training text."""

    def __init__(self, training: TrainingText, codes: npt.NDArray[np.uint32]) -> None:
        self.training, self.codes = training, codes
        wanted = _hashes(codes)
        top = wanted | np.uint64((1 << BLOCK_BITS) - 1)
        self.low = [np.searchsorted(keys, wanted, "left") for keys in training.blocks]
        self.high = [np.searchsorted(keys, top, "right") for keys in training.blocks]
        self.found = np.zeros(len(wanted), bool)  # whether the 8-gram at each place is in the training text
        for low, high in zip(self.low, self.high, strict=True):
            self.found |= low < high
        for place in np.flatnonzero(self.found).tolist():
            self.found[place] = self._first_is_it(place) or len(self.places(place)) > 0

    def new_share(self) -> float | None:
        return 1 - float(self.found.mean()) if len(self.found) else None

    def places(self, place: int) -> Places:
        """Where in the training text the 8-gram at a place of the text stands, ascending; the first MOST_PLACES."""
        candidates, room = [np.zeros(0, np.int64)], MOST_PLACES
        for number, keys in enumerate(self.training.blocks):
            low, high = int(self.low[number][place]), int(self.high[number][place])
            if low < high and room > 0:
                inside = keys[low : min(high, low + room)] & np.uint64((1 << BLOCK_BITS) - 1)
                candidates.append(inside.astype(np.int64) + (number << BLOCK_BITS))
                room -= len(inside)
        found = np.concatenate(candidates)
        return found[self._same(place, found, GRAM, 1).all(axis=1)]

    def runs(self) -> list[tuple[int, int, int]]:
        """Every copied run of GRAM characters or more that cannot be made longer: begin, end, and where it was copied
        from.
        """
        runs = []
        place = 0
        while place < len(self.found):
            if not self.found[place]:
                place += 1
                continue
            places = self.places(place)
            before = self._reach(place - 1, places - 1, -1)  # how far each goes on to the left
            places = places[before == before.max()]
            begin = place - int(before.max())
            after = self._reach(place + GRAM, places + GRAM, 1)
            end = place + GRAM + int(after.max())
            runs.append((begin, end, int(places[after.argmax()]) - (place - begin)))
            place = end - GRAM + 1  # a run that ends later holds the 8-gram that begins here, or begins after it
        return runs

    def _first_is_it(self, place: int) -> bool:
        for number, keys in enumerate(self.training.blocks):
            low = self.low[number][place]
            if low < self.high[number][place]:
                there = int(keys[low]) % (1 << BLOCK_BITS) + (number << BLOCK_BITS)
                both = self.codes[place : place + GRAM], self.training.codes[there : there + GRAM]
                return bool(np.array_equal(*both))
        return False

    def _reach(self, place: int, places: Places, way: int) -> Places:
        """How many characters from `place` on, to the right (way 1) or left (-1), are those from each of `places`."""
        reached = np.zeros(len(places), np.int64)
        alive = np.arange(len(places))
        room = len(self.codes) - place if way > 0 else place + 1
        for done in range(0, room, STEP):
            count = min(STEP, room - done)
            same = self._same(place + way * done, places[alive] + way * done, count, way)
            reached[alive] += np.where(same.all(axis=1), count, same.argmin(axis=1))
            alive = alive[same.all(axis=1)]
            if not len(alive):
                break
        return reached

    def _same(self, place: int, places: Places, count: int, way: int) -> npt.NDArray[np.bool_]:
        """Whether each of `count` characters is the same here and there: (places, count)."""
        steps = way * np.arange(count)
        there, theirs = places[:, None] + steps, self.training.codes
        inside = (there >= 0) & (there < len(theirs))
        same: npt.NDArray[np.bool_] = inside & (theirs[np.where(inside, there, 0)] == self.codes[place + steps])
        return same


def _codes(text: str) -> npt.NDArray[np.uint32]:
    """The code points of a text, in the smallest type that holds them."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    highest = int(codes.max(initial=0))
    return codes.astype(np.uint8 if highest < 1 << 8 else np.uint16 if highest < 1 << 16 else np.uint32)


def _hashes(codes: npt.NDArray[Any], length: int = GRAM) -> npt.NDArray[np.uint64]:
    """A hash of the characters at every place, its last BLOCK_BITS 0."""
    count = max(0, len(codes) - length + 1)
    hashes = np.zeros(count, np.uint64)
    for place in range(length):
        hashes *= MULTIPLIER
        hashes += codes[place : place + count]
    hashes *= MULTIPLIER
    hashes >>= np.uint64(BLOCK_BITS)
    hashes <<= np.uint64(BLOCK_BITS)
    return hashes
