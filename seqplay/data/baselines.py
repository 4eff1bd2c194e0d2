"""What simple models reach on a text, in bits a character: what a network has to beat.

All are scored as a run is: on the held-out part, from its second character on, knowing nothing before its first. A
character that the training part lacks costs the odds of the unknown symbol and the spelling of one of all code points.
"""

from __future__ import annotations

import math
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seqplay.data.symbols import Points, by_rank

ORDER = 5
SPELLING = math.log2(sys.maxunicode + 1)  # bits: an unknown character could be any code point
HOLDOUT = 0.1  # of the characters, at the end
SMALL = 1000  # characters; nothing is held out from a text that is shorter
MOST_SYMBOLS = 7_000  # five of them fit into 64 bits
GZIP = 31  # zlib's word for: the largest window, with gzip's header

Ids = npt.NDArray[np.unsignedinteger[Any]]
Keys = npt.NDArray[np.unsignedinteger[Any]]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """A text as ids, 0 for the unknown symbol: the training part, the held-out part, how many symbols there are with
    the unknown one, and the code point of each but that.
    """

    train: Ids
    held_out: Ids
    symbols: int
    points: Points

    @property
    def scored(self) -> Ids:
        return self.held_out[1:]

    @property
    def spelling(self) -> float:
        """Bits a character that the spelling of unknown ones costs."""
        return SPELLING * float(np.mean(self.scored == 0)) if len(self.scored) else 0.0

    def text(self, ids: Ids) -> str:
        """Of ids of known symbols."""
        return "".join(map(chr, self.points[ids.astype(np.int64) - 1].tolist()))

    def ranked(self) -> list[tuple[str, int]]:
        """Every symbol of the training part and how often it occurs there, the most frequent first."""
        counts = np.zeros(int(self.points.max(initial=0)) + 1, np.int64)
        counts[self.points] = np.bincount(self.train, minlength=self.symbols)[1:]
        return by_rank(counts)


def kept(characters: int, holdout: float = HOLDOUT) -> int:
    """How many characters of a text are learned from, as `Passage.split` has it; the others are held out."""
    return int(characters * (1 - holdout) + 1e-9) if characters >= SMALL and holdout > 0 else characters


def split(points: Points, holdout: float = HOLDOUT) -> Parts:
    """The parts of a text, with the ids that `Characters` gives."""
    cut = kept(len(points), holdout)
    used = np.zeros(int(points.max(initial=0)) + 1, bool)
    used[points[:cut]] = True
    known = np.flatnonzero(used)
    symbols = len(known) + 1
    kind: Any = np.uint8 if symbols <= 1 << 8 else np.uint16 if symbols <= 1 << 16 else np.uint32
    table: Ids = np.zeros(len(used), kind)
    table[known] = np.arange(1, symbols)
    return Parts(table[points[:cut]], table[points[cut:]], symbols, known.astype(np.uint32))


def uniform(parts: Parts) -> float:
    """All symbols equally likely."""
    return math.log2(parts.symbols) + parts.spelling


def unigram(parts: Parts) -> float | None:
    """Each symbol as likely as it is frequent, counted once more than it occurs. None where nothing is held out."""
    if len(parts.scored) == 0:
        return None
    counts = np.bincount(parts.train, minlength=parts.symbols) + 1
    scored = np.bincount(parts.scored, minlength=parts.symbols)
    return float(scored @ np.log2(counts.sum() / counts)) / len(parts.scored) + parts.spelling


def gzip(blocks: Iterable[bytes], characters: int) -> float | None:
    """The whole text as `gzip -9` packs it. None where it is too short to hold anything out."""
    if characters < SMALL:
        return None
    packer = zlib.compressobj(9, wbits=GZIP)
    return 8 * (sum(len(packer.compress(block)) for block in blocks) + len(packer.flush())) / characters


def five_gram(parts: Parts) -> float | None:
    """Each symbol as likely as after the four before it. None where nothing is held out."""
    if len(parts.scored) == 0:
        return None
    classes, within = _classes(parts)
    model = NGram(classes[parts.train], int(classes.max()) + 1)
    edge = np.full(ORDER - 1, model.edge, model.keys.dtype)
    windows, counts = _tally(
        _windows(np.concatenate([edge, classes[parts.held_out]]), model.base, model.keys.dtype)[1:]
    )
    bits = -float(counts @ np.log2(model.odds(windows))) / len(parts.scored)
    return bits + float(np.mean(within[parts.scored])) + parts.spelling


def _classes(parts: Parts) -> tuple[Ids, Floats]:
    """What the n-gram model takes for each symbol: itself, or, beyond the MOST_SYMBOLS most frequent, one class of
    all others; and the bits that it then takes to tell which of the class it is.
    """
    classes, within = np.arange(parts.symbols, dtype=np.uint32), np.zeros(parts.symbols)
    if parts.symbols > MOST_SYMBOLS:
        counts = np.bincount(parts.train, minlength=parts.symbols)
        counts[0] = len(parts.train) + 1  # the unknown symbol is none of them
        ranked = np.argsort(-counts, kind="stable")
        kept, others = ranked[: MOST_SYMBOLS - 1], ranked[MOST_SYMBOLS - 1 :]
        classes[np.sort(kept)] = np.arange(MOST_SYMBOLS - 1)
        classes[others] = MOST_SYMBOLS - 1
        within[others] = np.log2(counts[others].sum() / counts[others])
    return classes, within


class NGram:
    """An interpolated model of ORDER symbols with the smoothing of Witten and Bell, which trusts a context the more,
    the fewer different symbols followed it: p(c|h) = (n(hc) + t(h) p(c|h')) / (n(h) + t(h)).

    n(h) is how many symbols followed h, t(h) how many different ones, h' is h without its first symbol, and below the
    empty context all symbols are equally likely. (I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE
    Transactions on Information Theory 37(4), 1991, method C; interpolated as in S. F. Chen and J. Goodman, "An
    empirical study of smoothing techniques for language modeling", 1998.)

    A window of ORDER ids is one number, so that those with the same beginning stand together once they are sorted.
    """

    def __init__(self, train: Ids, symbols: int) -> None:
        self.symbols, self.edge, self.base = symbols, symbols, symbols + 1
        kind = np.uint32 if self.base**ORDER < 1 << 32 else np.uint64
        edge = np.full(ORDER - 1, self.edge, train.dtype)
        self.keys, self.counts = _tally(_windows(np.concatenate([train, edge]), self.base, kind))

    def odds(self, windows: Keys) -> Floats:
        """The odds of each window's last symbol after those before it; `edge` in it is the start of the text."""
        odds = np.full(len(windows), 1 / self.symbols)
        for order in range(1, ORDER + 1):
            grams = _rest(windows, self.base**order)
            contexts = grams // _of(grams, self.base)
            keys, counts = _grouped(self.keys // _of(self.keys, self.base ** (ORDER - order)), self.counts)
            inside = _rest(keys, self.base) != self.edge
            keys, counts = keys[inside], counts[inside]
            heads, totals = _grouped(keys // _of(keys, self.base), counts)
            _, kinds = _grouped(keys // _of(keys, self.base), np.ones(len(keys), np.int64))
            place, is_known = _found(heads, contexts)
            total, different = totals[place], kinds[place]
            place, is_there = _found(keys, grams)
            count = counts[place] * is_there
            odds = np.where(is_known, (count + different * odds) / (total + different), odds)
        return odds


def _windows(ids: Ids, base: int, kind: Any) -> Keys:
    """Every ORDER neighbouring ids as the digits of one number."""
    count = len(ids) - ORDER + 1
    windows: Keys = ids[:count].astype(kind)
    for i in range(1, ORDER):
        windows *= _of(windows, base)
        windows += ids[i : i + count].astype(kind)
    return windows


def _tally(keys: Keys) -> tuple[Keys, npt.NDArray[np.int64]]:
    """The different keys in order and how often each occurs; sorts in place."""
    keys.sort()
    starts = _starts(keys)
    return keys[starts], np.diff(starts, append=len(keys))


def _grouped(keys: Keys, counts: npt.NDArray[np.int64]) -> tuple[Keys, npt.NDArray[np.int64]]:
    """The different ones of keys that are in order, and the sum of each one's counts."""
    starts = _starts(keys)
    return keys[starts], np.add.reduceat(counts, starts)


def _starts(keys: Keys) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))


def _found(keys: Keys, wanted: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Where in keys that are in order each wanted one is, and whether it is there."""
    place = np.searchsorted(keys, wanted)
    place[place == len(keys)] = 0
    return place, keys[place] == wanted


def _of(keys: Keys, number: int) -> Any:
    """A number of the keys' own type: with another, numpy would compute in floats or with Python's."""
    return keys.dtype.type(number)


def _rest(keys: Keys, number: int) -> Keys:
    """keys % number, in a third of the time; a number that does not fit leaves every key as it is."""
    if number > np.iinfo(keys.dtype).max:
        return keys
    rest: Keys = keys - keys // _of(keys, number) * _of(keys, number)
    return rest
