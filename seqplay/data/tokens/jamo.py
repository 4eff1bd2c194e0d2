"""Jamo as tokens: a Hangul syllable is spelled with the letters that it is made of, and they join again.

A model of jamo has some 70 letters to learn where a model of characters has some 1,500 syllables, and can write
syllables that it never saw. Other characters are tokens as they are. A conjoining jamo that stands in the text by
itself (decomposed Korean, NFD) has ESCAPE before it, so that it is not joined: any text comes back as it was.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from seqplay.data.tokens.characters import NOTHING, ByCharacter, used_code_points
from seqplay.data.tokens.codec import HIDDEN, UNKNOWN
from seqplay.data.tokens.library import ANY_CHARACTER, word_level

if TYPE_CHECKING:
    import tokenizers
    from tokenizers.normalizers import Normalizer

# The Unicode Standard, chapter 3.12: a syllable is FIRST + (initial * 21 + vowel) * 28 + final, final 0 being none.
FIRST, SYLLABLES = 0xAC00, 11_172
INITIALS = [chr(0x1100 + i) for i in range(19)]
VOWELS = [chr(0x1161 + i) for i in range(21)]
FINALS = [chr(0x11A8 + i) for i in range(27)]
ESCAPE = "\u115f"  # the filler in place of an initial, which no syllable contains
TAKEN = {*INITIALS, *VOWELS, *FINALS, ESCAPE}


@final
class Jamo(ByCharacter):
    """One token an initial, a vowel or a final of a Hangul syllable, or any other character."""

    kind, unit, units, embedding = "jamo", "jamo", "jamo", 64

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        ids = {symbol: i for i, symbol in enumerate(self.symbols) if i}
        others = [symbol for symbol in ids if symbol not in TAKEN]
        self.table = np.full((max([FIRST + SYLLABLES, *(ord(s) + 1 for s in others)]) + 1, 3), NOTHING, np.int32)
        self.table[:, 0] = 0
        self.table[[ord(s) for s in others], 0] = [ids[s] for s in others]
        for symbol in TAKEN:
            self.table[ord(symbol), :2] = ids.get(ESCAPE, 0), ids.get(symbol, 0)
        initials, vowels, finals = ([ids.get(s, 0) for s in part] for part in (INITIALS, VOWELS, FINALS))
        syllables = self.table[FIRST : FIRST + SYLLABLES]
        syllables[:, 0] = np.repeat(initials, 21 * 28)
        syllables[:, 1] = np.tile(np.repeat(vowels, 28), 19)
        syllables[:, 2] = np.tile([NOTHING, *finals], 19 * 21)

    @classmethod
    def learn(cls, text: Iterable[str], most: int | None = None) -> Self:  # noqa: ARG003
        """Every jamo and other character, without a cap."""
        return cls((UNKNOWN, *sorted({part for point in used_code_points(text) for part in _parts(chr(point))})))

    @classmethod
    def restore(cls, symbols: Sequence[str], model: Mapping[str, Any]) -> Self:  # noqa: ARG003
        if any(len(symbol) != 1 or FIRST <= ord(symbol) < FIRST + SYLLABLES for symbol in symbols[1:]):
            raise ValueError("a symbol is not one jamo or other character")
        return cls(symbols)

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        """Jamo that form no syllable, as a model may write them, come as letters that stand alone (ㅎ, ㅏ)."""
        held = ""  # the beginning of a syllable, or ESCAPE
        for i in map(int, ids):
            symbol = self.symbols[i] if i else HIDDEN
            joined = unicodedata.normalize("NFC", held + symbol) if held and symbol in TAKEN else ""
            if held == ESCAPE:
                yield symbol
                held = ""
            elif len(joined) == 1:
                held = joined
                if symbol in FINALS:  # nothing more can join it
                    yield held
                    held = ""
            else:
                if held:
                    yield _alone(held)
                held = symbol if symbol in TAKEN else ""
                if not held:
                    yield symbol
        if held not in ("", ESCAPE):
            yield _alone(held)

    def tokenizer(self) -> tokenizers.Tokenizer:
        tokenizer = word_level(self.symbols, ANY_CHARACTER)
        tokenizer.normalizer = _taking_apart()
        return tokenizer


@cache
def _taking_apart() -> Normalizer:
    """Takes syllables apart: finals, then vowels, are put behind them; then each becomes its initial."""
    from tokenizers import Regex, normalizers

    ends = [f"[{''.join(_syllables(final=f))}]" for f in range(1, 28)]
    middles = [f"[{''.join(f'{_syllable(i, v)}-{_syllable(i, v, 27)}' for i in range(19))}]" for v in range(21)]
    starts = [f"[{_syllable(i, 0)}-{_syllable(i, 20, 27)}]" for i in range(19)]
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex(f"(?=[{''.join(sorted(TAKEN))}])"), ESCAPE),
            *(normalizers.Replace(Regex(f"(?<={these})"), f) for these, f in zip(ends, FINALS, strict=True)),
            *(normalizers.Replace(Regex(f"(?<={these})"), v) for these, v in zip(middles, VOWELS, strict=True)),
            *(normalizers.Replace(Regex(these), i) for these, i in zip(starts, INITIALS, strict=True)),
        ]
    )


def _syllable(initial: int, vowel: int, final: int = 0) -> str:
    return chr(FIRST + (initial * 21 + vowel) * 28 + final)


def _syllables(final: int) -> Iterator[str]:
    return (_syllable(initial, vowel, final) for initial in range(19) for vowel in range(21))


def _parts(character: str) -> str:
    """The symbols that spell a character."""
    if character in TAKEN:
        return ESCAPE + character
    return unicodedata.normalize("NFD", character) if FIRST <= ord(character) < FIRST + SYLLABLES else character


def _alone(held: str) -> str:
    """What is shown of a syllable, or of jamo that never became one: the letter as it is written by itself."""
    if held not in TAKEN:
        return held
    _, _, letter = unicodedata.name(held).rpartition("SEONG ")
    return unicodedata.lookup(f"HANGUL LETTER {letter}")
