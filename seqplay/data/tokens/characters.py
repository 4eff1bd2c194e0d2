"""Characters as tokens, and what every kind shares whose tokens are found character by character."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import numpy.typing as npt

from seqplay.data.tokens.codec import HIDDEN, UNKNOWN, Codec, Ids, id_type
from seqplay.data.tokens.library import ANY_CHARACTER, word_level

if TYPE_CHECKING:
    import tokenizers

NOTHING = -1


class ByCharacter(Codec):
    """A codec that looks every code point up in one table: rows of ids, NOTHING behind the last."""

    spells = True
    table: npt.NDArray[np.int32]  # (code points, most ids of one); its last row is of what is not in it

    def encode(self, text: str) -> Ids:
        return self._ids(self._rows(text))

    def known(self, text: str) -> Ids:
        """A character goes as a whole, also where only a part of it is unknown."""
        rows = self._rows(text)
        return self._ids(rows[(rows != 0).all(axis=1)])

    def _ids(self, rows: npt.NDArray[np.int32]) -> Ids:
        ids = rows.ravel() if rows.shape[1] == 1 else rows[rows != NOTHING]
        return ids.astype(id_type(len(self.symbols)))

    def spelled(self, text: str) -> tuple[Ids, Ids]:
        points, rows = code_points(text), self._rows(text)
        lengths = np.count_nonzero(rows != NOTHING, axis=1)
        first = np.cumsum(lengths) - lengths
        bytes_, hidden = np.zeros((2, lengths.sum()), np.int64)
        bytes_[first] = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)
        hidden[first] = (rows == 0).any(axis=1)
        return bytes_, hidden

    def unknown(self, text: str) -> list[str]:
        hidden = (self._rows(text) == 0).any(axis=1)
        return list(dict.fromkeys(symbol for symbol, is_hidden in zip(text, hidden.tolist(), strict=True) if is_hidden))

    def _rows(self, text: str) -> npt.NDArray[np.int32]:
        return self.table[np.minimum(code_points(text), len(self.table) - 1)]


@final
class Characters(ByCharacter):
    """One token a Unicode character."""

    kind, unit, embedding = "char", "character", 64

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        known = [ord(symbol) for symbol in self.symbols[1:]]
        self.table = np.zeros((max(known, default=0) + 2, 1), np.int32)
        self.table[known, 0] = np.arange(1, len(self.symbols))

    @classmethod
    def learn(cls, text: Iterable[str], most: int | None = None) -> Self:  # noqa: ARG003
        """Every character, without a cap."""
        return cls((UNKNOWN, *map(chr, used_code_points(text))))

    @classmethod
    def restore(cls, symbols: Sequence[str], model: Mapping[str, Any]) -> Self:  # noqa: ARG003
        if any(len(symbol) != 1 for symbol in symbols[1:]):
            raise ValueError("a symbol is not one character")
        return cls(symbols)

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        return (self.symbols[i] if i else HIDDEN for i in map(int, ids))

    def tokenizer(self) -> tokenizers.Tokenizer:
        return word_level(self.symbols, ANY_CHARACTER)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def used_code_points(text: Iterable[str]) -> list[int]:
    """The code points of a text in blocks, each once, in order."""
    used = np.zeros(0x110000, bool)
    for block in text:
        used[code_points(block)] = True
    return np.flatnonzero(used).tolist()
