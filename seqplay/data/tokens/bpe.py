"""Byte-pair encoding: tokens are pieces of words that occur often (Sennrich et al. 2016,
https://arxiv.org/abs/1508.07909), built up from bytes, so that any text can be written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from seqplay.data.tokens.bytes import WRITTEN, as_bytes, join_bytes
from seqplay.data.tokens.codec import UNKNOWN, Codec, Ids, id_type
from seqplay.data.tokens.library import WORD, in_pieces, split_at
from seqplay.errors import UsageError

if TYPE_CHECKING:
    import tokenizers

# As words are split, but into stretches: merging takes ever longer in a word of thousands of letters, as in Chinese.
STRETCH = WORD.replace("]+", "]{1,64}").replace(")*", "){0,4}")
LEAST, MOST = 512, 4_096
CHARACTERS_EACH = 400  # of the text, for a piece to be seen often enough
BYTE_OF = {character: byte for byte, character in WRITTEN.items()}


@final
class Bpe(Codec):
    """One token a piece of a word: a frequent word as a whole, a rare one in pieces, down to its bytes."""

    kind, unit, embedding = "bpe", "piece", 128
    rows = 16
    learns_from = 5_000_000

    def __init__(self, symbols: Sequence[str], merges: Sequence[tuple[str, str]]) -> None:
        super().__init__(symbols)
        self._bytes = [b"", *(bytes(BYTE_OF[c] for c in symbol) for symbol in self.symbols[1:])]
        self._lengths = np.array([len(piece) for piece in self._bytes])
        self._tokenizer = _tokenizer({s: i for i, s in enumerate(self.symbols)}, merges)

    @classmethod
    def learn(cls, text: Iterable[str], most: int | None = None) -> Self:
        """All 256 bytes, then pieces, the most frequent pair first, until there are `most` symbols; without `most`, as
        many as the length of the text suggests.
        """
        from tokenizers import trainers

        if most is None:
            most = min(MOST, max(LEAST, sum(map(len, text)) // CHARACTERS_EACH))
        if most <= len(BYTE_OF):
            raise UsageError(f"bpe has a symbol for each byte: --set vocabulary={len(BYTE_OF) + 1} is the least.")
        learner = _tokenizer({}, [])
        trainer = trainers.BpeTrainer(
            vocab_size=most - 1, show_progress=False, special_tokens=[], initial_alphabet=list(BYTE_OF)
        )
        learner.train_from_iterator(chain.from_iterable(map(in_pieces, text)), trainer)
        model = json.loads(learner.to_str())["model"]
        return cls((UNKNOWN, *sorted(model["vocab"], key=model["vocab"].__getitem__)), _merges(model))

    @classmethod
    def restore(cls, symbols: Sequence[str], model: Mapping[str, Any]) -> Self:
        merges, known = _merges(model), set(symbols[1:])
        if not known.issuperset(BYTE_OF) or any(not symbol or not BYTE_OF.keys() >= set(symbol) for symbol in known):
            raise ValueError("a symbol is not made of bytes, or a byte is missing")
        if any(not known.issuperset((left, right, left + right)) for left, right in merges):
            raise ValueError("a merge makes no symbol")
        return cls(symbols, merges)

    def encode(self, text: str) -> Ids:
        encoded = self._tokenizer.encode_batch_fast(list(in_pieces(text)), add_special_tokens=False)
        return np.fromiter(chain.from_iterable(e.ids for e in encoded), id_type(len(self.symbols)))

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        return join_bytes(self._bytes[i] if i else None for i in map(int, ids))

    def spelled(self, text: str) -> tuple[Ids, Ids]:
        ids = self.encode(text)
        return self._lengths[ids], np.zeros(len(ids), np.int64)

    def unknown(self, text: str) -> list[str]:  # noqa: ARG002
        return []

    def tokenizer(self) -> tokenizers.Tokenizer:
        return self._tokenizer


def _tokenizer(vocabulary: dict[str, int], merges: Sequence[tuple[str, str]]) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(vocabulary, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split_at(STRETCH), as_bytes()])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _merges(model: Mapping[str, Any]) -> list[tuple[str, str]]:
    merges = model["merges"]
    if type(merges) is not list or any(type(m) is not list or list(map(type, m)) != [str, str] for m in merges):
        raise ValueError("merges are no list of pairs of symbols")
    return [(left, right) for left, right in merges]
