"""The parts of the `tokenizers` library that several kinds of tokens are made of; it is loaded when it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from seqplay.data.tokens.codec import UNKNOWN

if TYPE_CHECKING:
    import tokenizers
    from tokenizers.pre_tokenizers import PreTokenizer

ANY_CHARACTER = r"[\s\S]"
WORD = r" ?[\p{L}\p{N}\p{M}_]+(?:['’\-][\p{L}\p{N}\p{M}_]+)*| ?[^\s\p{L}\p{N}\p{M}_]|\s"
"""A word carries the space before it; a punctuation mark too; a line break and any further space is a token of its
own.
"""

PIECE = 1 << 15  # characters that the library is given at a time: small, so that it keeps all cores busy


def word_level(symbols: Sequence[str], pattern: str) -> tokenizers.Tokenizer:
    """A tokenizer that looks up each match of a pattern as a whole."""
    from tokenizers import Tokenizer, decoders, models

    tokenizer = Tokenizer(models.WordLevel({s: i for i, s in enumerate(symbols)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = split_at(pattern)
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def split_at(pattern: str) -> PreTokenizer:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(pattern), "isolated")


def in_pieces(text: str) -> Iterator[str]:
    """A text in pieces that end where a token ends: after a line break or before a space, and inside a word only where
    that alone is longer than a piece.
    """
    start = 0
    while start < len(text):
        cut = len(text)
        if cut - start > PIECE:
            cut = text.rfind("\n", start, start + PIECE) + 1
            if cut <= start:  # a space stands only at the beginning of a token
                cut = text.rfind(" ", start + 1, start + PIECE)
            if cut <= start:
                cut = start + PIECE
        yield text[start:cut]
        start = cut
