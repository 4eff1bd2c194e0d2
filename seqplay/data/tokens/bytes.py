"""Bytes of UTF-8 as tokens, and how the `tokenizers` library writes bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from seqplay.data.tokens.codec import HIDDEN, UNKNOWN, Codec, Ids

if TYPE_CHECKING:
    import tokenizers
    from tokenizers.pre_tokenizers import PreTokenizer

_PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
WRITTEN = {byte: chr(byte) for byte in _PRINTABLE} | {byte: chr(256 + i) for i, byte in enumerate(_OTHERS)}
"""The character that stands for each byte in a tokenizer.json, as in GPT-2's vocabulary."""


@final
class Bytes(Codec):
    """One token a byte of UTF-8: 256 symbols for every text there is, three of them for a Hangul syllable."""

    kind, unit, embedding, spells = "byte", "byte", 64, True

    def __init__(self) -> None:
        super().__init__((UNKNOWN, *(WRITTEN[byte] for byte in range(256))))

    @classmethod
    def learn(cls, text: Iterable[str], most: int | None = None) -> Self:  # noqa: ARG003
        """There is nothing to learn."""
        return cls()

    @classmethod
    def restore(cls, symbols: Sequence[str], model: Mapping[str, Any]) -> Self:  # noqa: ARG003
        codec = cls()
        if tuple(symbols) != codec.symbols:
            raise ValueError("its symbols are not the 256 bytes")
        return codec

    def encode(self, text: str) -> Ids:
        return np.frombuffer(text.encode(), np.uint8).astype(np.uint16) + np.uint16(1)

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        return join_bytes(bytes((i - 1,)) if i else None for i in map(int, ids))

    def spelled(self, text: str) -> tuple[Ids, Ids]:
        count = len(text.encode())
        return np.ones(count, np.int64), np.zeros(count, np.int64)

    def unknown(self, text: str) -> list[str]:  # noqa: ARG002
        return []

    def tokenizer(self) -> tokenizers.Tokenizer:
        from tokenizers import Tokenizer, decoders, models

        tokenizer = Tokenizer(models.BPE({s: i for i, s in enumerate(self.symbols)}, []))
        tokenizer.pre_tokenizer, tokenizer.decoder = as_bytes(), decoders.ByteLevel()
        return tokenizer


def as_bytes() -> PreTokenizer:
    from tokenizers import pre_tokenizers

    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def join_bytes(pieces: Iterable[bytes | None]) -> Iterator[str]:
    """Text from bytes, each character as soon as it is whole; HIDDEN for None and for bytes that are no UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        text = decoder.decode(b"", final=True) + HIDDEN if piece is None else decoder.decode(piece)
        if text:
            yield text
    if text := decoder.decode(b"", final=True):
        yield text
