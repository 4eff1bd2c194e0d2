"""Words as tokens: the Korean word keeps its particle, punctuation stands alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from seqplay.data.tokens.codec import HIDDEN, UNKNOWN, Codec, Ids, id_type
from seqplay.data.tokens.library import WORD, in_pieces, split_at, word_level

if TYPE_CHECKING:
    import tokenizers

MOST = 50_000
LONG = 100_000  # characters; in a text that is longer, a word that is seen once teaches nothing


@final
class Words(Codec):
    """One token a word with the space before it, a punctuation mark, or a line break."""

    kind, unit, embedding = "word", "word", 256
    rows = 8
    learns_from = 10_000_000

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        self._tokenizer = word_level(self.symbols, WORD)

    @classmethod
    def learn(cls, text: Iterable[str], most: int | None = None) -> Self:
        """The `most` frequent words. In a LONG text a word that is seen once is left unknown, so that the unknown is
        learned, unless no word is seen twice.
        """
        characters = 0

        def measured() -> Iterator[str]:
            nonlocal characters
            for block in text:
                characters += len(block)
                yield block

        kept = found = _by_frequency(measured(), least=1)
        if characters > LONG:  # the library does not tell how often it saw a word: it has to see the text again
            kept = _by_frequency(text, least=2) or found
        codec = cls((UNKNOWN, *kept[: (most or MOST) - 1]))
        codec.left_out = len(found) + 1 - len(codec)
        return codec

    @classmethod
    def restore(cls, symbols: Sequence[str], model: Mapping[str, Any]) -> Self:  # noqa: ARG003
        if "" in symbols:
            raise ValueError("a symbol is empty")
        return cls(symbols)

    def encode(self, text: str) -> Ids:
        encoded = self._tokenizer.encode_batch_fast(list(in_pieces(text)), add_special_tokens=False)
        return np.fromiter(chain.from_iterable(e.ids for e in encoded), id_type(len(self.symbols)))

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        return (self.symbols[i] if i else HIDDEN for i in map(int, ids))

    def spelled(self, text: str) -> tuple[Ids, Ids]:
        words, known = self._split(text), set(self.symbols[1:])
        bytes_ = np.array([len(word.encode()) for word in words], np.int64)
        return bytes_, np.array([0 if word in known else len(word) for word in words], np.int64)

    def unknown(self, text: str) -> list[str]:
        known = set(self.symbols[1:])
        return list(dict.fromkeys(word.strip(" ") or word for word in self._split(text) if word not in known))

    def _split(self, text: str) -> list[str]:
        split = self._tokenizer.pre_tokenizer.pre_tokenize_str
        return [word for piece in in_pieces(text) for word, _ in split(piece)]

    def tokenizer(self) -> tokenizers.Tokenizer:
        return self._tokenizer


def _by_frequency(text: Iterable[str], least: int) -> list[str]:
    """The words that occur at least so often, the most frequent first, equally frequent ones in order."""
    from tokenizers import Tokenizer, models, trainers

    counter = Tokenizer(models.WordLevel())
    counter.pre_tokenizer = split_at(WORD)
    trainer = trainers.WordLevelTrainer(vocab_size=1 << 30, min_frequency=least, show_progress=False, special_tokens=[])
    counter.train_from_iterator(chain.from_iterable(map(in_pieces, text)), trainer)
    vocabulary = counter.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)
