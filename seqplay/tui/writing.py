"""A text that a model writes, in pieces: what each says, the tokens that it takes, and how unexpected it was.

What is shown of a text that grows by thousands of pieces a second is kept up to date piece by piece, never counted
anew.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from seqplay.draw.odds import Odds

TAKEN = 9  # of the tokens that may come next have a digit
LEAST_SHARE = 5e-4  # of a token that has none: with less its number reads 0.0 %
MOST_OF_A_PIECE = 1000  # characters; a longer one is shown as several, so that no line is ever one piece
MOST_OF_A_BLOCK = 4000  # characters without a line break; there one is made, so that little is laid out at a time


class Piece(NamedTuple):
    """A character, a word, a syllable of several jamo: its text, its tokens, and its surprise in bits (None: nothing
    predicted it).
    """

    text: str
    ids: tuple[int, ...]
    bits: float | None


@dataclass(frozen=True)
class Source:
    """Pieces `begin` to `end` were copied, `text`, and first stand in this line of the training text."""

    begin: int
    end: int
    text: str
    line_number: int
    line: str


class Writing:
    """A prompt, and what a model wrote after it. `begin_of_text`: it has no prompt, and is read as a text's beginning.

    `wanted` is how many tokens it should grow to, its prompt not counted.
    """

    def __init__(self, temperature: float = 1.0, wanted: int = 0) -> None:
        self.temperature, self.wanted = temperature, wanted
        self.pieces: list[Piece] = []
        self.blocks: list[int] = [0]
        """The first piece of each stretch that begins on a line of its own."""
        self.prompt = self.prompt_tokens = 0
        """How many pieces, and tokens, are the prompt's."""
        self.begin_of_text = True
        self.unknown: list[str] = []
        self.step: int | None = None
        self.tokens = self.characters = 0
        self.bits = 0.0
        self.revision, self.cuts = 0, 0
        """These grow with every change, and with every one that took something away."""
        self.compared = 0
        self.longest: int | None = None
        self.new_share: float | None = None
        self.not_compared = ""
        self.sources: list[Source] = []
        self.copied = bytearray()
        self._block_characters = 0

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def written(self) -> int:
        """Tokens after the prompt."""
        return self.tokens - self.prompt_tokens

    @property
    def missing(self) -> int:
        """Tokens that are wanted and not yet written."""
        return self.wanted - self.written

    def end(self) -> None:
        """Want no more than is written."""
        self.wanted = self.written

    @property
    def bits_a_character(self) -> float | None:
        """The mean surprise of what was written."""
        return self.bits / self.characters if self.characters else None

    def add(self, text: str, ids: Sequence[int], bits: float | None) -> None:
        """Take in the next piece."""
        self._add(Piece(text[:MOST_OF_A_PIECE], tuple(ids), bits))
        for begin in range(MOST_OF_A_PIECE, len(text), MOST_OF_A_PIECE):
            self._add(Piece(text[begin : begin + MOST_OF_A_PIECE], (), None))

    def _add(self, piece: Piece) -> None:
        pieces, text = self.pieces, piece.text
        if self.is_block_ended and pieces:
            self.blocks.append(len(pieces))
            self._block_characters = 0
        pieces.append(piece)
        self.tokens += len(piece.ids)
        self._block_characters += len(text)
        self.characters += len(text)
        self.bits += piece.bits or 0.0
        self.revision += 1

    @property
    def is_block_ended(self) -> bool:
        """Whether what comes next begins on a line of its own."""
        if not self.pieces:
            return True
        last = self.pieces[-1].text
        count = self._block_characters
        return last[-1:] == "\n" or (count >= MOST_OF_A_BLOCK and (last[-1:].isspace() or count > 2 * MOST_OF_A_BLOCK))

    def end_prompt(self) -> None:
        """What stands here is the prompt; what follows is written."""
        self.prompt, self.prompt_tokens = len(self.pieces), self.tokens
        self.begin_of_text = self.tokens == 0
        self.characters, self.bits = 0, 0.0

    def cut(self, count: int) -> None:
        """Keep so many pieces. What is cut of the prompt is no longer its."""
        if count >= len(self.pieces):
            return
        self.replace(self.pieces[:count])

    def replace(self, pieces: Sequence[Piece]) -> None:
        """Say something else; as many tokens as before are the prompt's."""
        prompt_tokens, begin_of_text = self.prompt_tokens, self.begin_of_text
        self.pieces, self.blocks, self._block_characters = [], [0], 0
        self.tokens = self.prompt = self.prompt_tokens = self.characters = 0
        self.bits = 0.0
        self.cuts += 1
        self.revision += 1
        for piece in pieces:
            belongs = self.tokens < prompt_tokens
            self._add(piece)
            if belongs:
                self.end_prompt()
        self.prompt_tokens = min(self.prompt_tokens, prompt_tokens)
        self.begin_of_text = begin_of_text or not self.prompt_tokens
        self.sources = [source for source in self.sources if source.end <= len(self.pieces)]
        del self.copied[len(self.pieces) :]

    def until(self, count: int) -> Writing:
        """A writing of its own that has the first so many pieces of this one."""
        other = Writing(self.temperature, self.wanted)
        other.prompt_tokens, other.begin_of_text, other.unknown = self.prompt_tokens, self.begin_of_text, self.unknown
        other.step = self.step
        other.replace(self.pieces[:count])
        return other

    def ids(self, count: int | None = None) -> list[int]:
        """The tokens of the first so many pieces; of all."""
        return [i for piece in self.pieces[:count] for i in piece.ids]

    def end_of(self, count: int, characters: int) -> str:
        """The last characters before a piece."""
        found = ""
        for piece in reversed(self.pieces[max(0, count - characters - 1) : count]):
            found = piece.text + found
            if len(found) > characters:
                break
        return found

    def text(self) -> str:
        """What was written after the prompt."""
        return "".join(piece.text for piece in self.pieces[self.prompt :])

    def prompt_text(self) -> str:
        return "".join(piece.text for piece in self.pieces[: self.prompt])

    def compare(self, row: Mapping[str, Any], revision: int) -> None:
        """Take in what of the text, as it was at that revision, is copied."""
        self.compared, self.not_compared = revision, ""
        self.longest, self.new_share = row["longest"], row["new_8_grams"]
        begins, text = [0], self.text()
        for piece in self.pieces[self.prompt :]:
            begins.append(begins[-1] + len(piece.text))
        self.copied = bytearray(len(self.pieces))
        self.sources = []
        for begin, end, number, line in row["copies"]:
            first, last = bisect_right(begins, begin) - 1, bisect_right(begins, end - 1)
            first, last = first + self.prompt, min(last + self.prompt, len(self.pieces))
            if first < last:
                self.sources.append(Source(first, last, text[begin:end], number, line))
                self.copied[first:last] = b"\1" * (last - first)

    def source_at(self, place: int) -> Source | None:
        """Where the piece at a place was copied from."""
        return next((source for source in self.sources if source.begin <= place < source.end), None)


@dataclass(frozen=True)
class Next:
    """The odds at one place of a text, and what they were asked of."""

    odds: tuple[Odds, ...]
    ids: tuple[int, ...]
    bits: float
    at: tuple[int, int]
    """The text's revision, and the number of pieces before the place."""

    @classmethod
    def of(cls, row: Mapping[str, Any], writing: Writing, place: int) -> Next:
        """An answer of kind "next"."""
        tokens = [one for n, one in enumerate(row["tokens"]) if n < TAKEN or max(one["p"], one["p1"]) >= LEAST_SHARE]
        odds = tuple(Odds(one["text"], one["p"], one["p1"], one["kept"]) for one in tokens)
        ids = tuple(one["id"] for one in tokens)
        return cls(odds, ids, row["uncertainty_bits"], (writing.revision, place))

    @property
    def kept(self) -> list[int]:
        """The places among the odds of those tokens that the digits take."""
        return [number for number, one in enumerate(self.odds) if one.kept][:TAKEN]


def surprise_of(p: float) -> float | None:
    """The bits of a token with this share of the odds."""
    return -math.log2(p) if p > 0 else None
