"""Tokens: how text becomes numbers and back.

A codec is learned once, from the training part alone, and saved with its run as `tokenizer.json`, the file of the
Hugging Face `tokenizers` library, which gives the same ids. Id 0 is the unknown symbol, so no prompt and no held-out
text can crash a model. Ids are numpy arrays from the start: a list of Python integers would cost ten times the
memory.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import numpy.typing as npt

from seqplay.errors import RunError, UsageError, no_such

if TYPE_CHECKING:
    import tokenizers

Ids = npt.NDArray[np.integer[Any]]
UNKNOWN = "<unk>"
ANY_CHARACTER = r"[\s\S]"
WORD = r" ?[\p{L}\p{N}\p{M}_]+(?:['’\-][\p{L}\p{N}\p{M}_]+)*| ?[^\s\p{L}\p{N}\p{M}_]|\s"
"""A word carries the space before it; a punctuation mark too; a line break and any further space is a token of its
own.
"""

BLOCK = 1 << 20  # characters encoded at a time, so that memory stays bounded
MOST_WORDS = 50_000
MOST_COUNTED = 4_000_000  # different words counted at a time: about 400 MB


def id_type(vocabulary: int) -> type[np.uint8] | type[np.uint16] | type[np.int32]:
    """The smallest integer type that holds the ids of a vocabulary of this size."""
    return np.uint8 if vocabulary <= 1 << 8 else np.uint16 if vocabulary <= 1 << 16 else np.int32


class Codec(ABC):
    """Text to ids (1-D integer array) and back: `symbols[i]` is the text of id i, the unknown symbol of id 0.

    A new kind of token is one such class and its entry in CODECS.
    """

    kind: str
    unit: str  # what one token is called
    embedding: int  # how long a token's vector is where nobody asked for a length
    left_out: int = 0  # different symbols of the text it was learned from that became unknown; 0 after from_json

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)

    @classmethod
    @abstractmethod
    def learn(cls, text: str, most: int = MOST_WORDS) -> Self:
        """The codec of a text, with at most `most` symbols where the kind has a cap."""

    @classmethod
    @abstractmethod
    def check(cls, symbols: Sequence[str]) -> None:
        """Raises ValueError, with the reason, for symbols after the unknown one that this kind does not have."""

    def __len__(self) -> int:
        return len(self.symbols)

    @abstractmethod
    def encode(self, text: str) -> Ids:
        """The ids of a text; a symbol that was not learned becomes 0."""

    @abstractmethod
    def unknown(self, text: str) -> list[str]:
        """The symbols of `text` that were not learned, each once, in order, one for every id 0 that differs."""

    @abstractmethod
    def hidden_characters(self, text: str) -> int:
        """How many characters of `text` the unknown symbol hides."""

    @abstractmethod
    def beginning(self, text: str, count: int) -> str:
        """The part of a text that its first `count` tokens stand for."""

    @abstractmethod
    def tokenizer_json(self) -> str:
        """The same codec as the `tokenizers` library reads it."""

    def start(self) -> Ids:
        """What stands before a text that has no prompt: a line break if there is one, else the unknown symbol."""
        return np.array([self.symbols.index("\n") if "\n" in self.symbols else 0])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; the unknown symbol becomes U+FFFD."""
        return "".join(self.symbols[i] if i else "\ufffd" for i in map(int, ids))


@final
class Characters(Codec):
    """One token a Unicode character."""

    kind, unit, embedding = "char", "character", 64

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        known = np.array([ord(s) for s in self.symbols[1:]], np.int64)
        self._ids = np.zeros(int(known.max(initial=0)) + 1, id_type(len(self.symbols)))
        self._ids[known] = np.arange(1, len(self.symbols))

    @classmethod
    def learn(cls, text: str, most: int = MOST_WORDS) -> Self:  # noqa: ARG003
        """Every character, without a cap."""
        counts = np.bincount(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32), minlength=1)
        return cls((UNKNOWN, *map(chr, np.flatnonzero(counts).tolist())))

    @classmethod
    def check(cls, symbols: Sequence[str]) -> None:
        if any(len(symbol) != 1 for symbol in symbols):
            raise ValueError("a symbol is not one character")

    def encode(self, text: str) -> Ids:
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        known = points < len(self._ids)
        if known.all():
            return self._ids[points]
        return np.where(known, self._ids[np.where(known, points, 0)], self._ids.dtype.type(0))

    def unknown(self, text: str) -> list[str]:
        known = set(self.symbols[1:])
        return [symbol for symbol in dict.fromkeys(text) if symbol not in known]

    def hidden_characters(self, text: str) -> int:
        return int(np.count_nonzero(self.encode(text) == 0))

    def beginning(self, text: str, count: int) -> str:
        return text[:count]

    def tokenizer_json(self) -> str:
        return _tokenizer(self.symbols, ANY_CHARACTER).to_str(pretty=False)


@final
class Words(Codec):
    """One token a word with the space before it, a punctuation mark, or a line break. A Korean word keeps its
    particle.
    """

    kind, unit, embedding = "word", "word", 256

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__(symbols)
        self._tokenizer = _tokenizer(self.symbols, WORD)

    @classmethod
    def learn(cls, text: str, most: int = MOST_WORDS) -> Self:
        """The `most` frequent words. In a text of over 20,000 tokens a word seen once is left unknown, so that the
        unknown is learned, unless no word is seen twice.

        In a text of more than MOST_COUNTED different words the rare ones are forgotten in between: those that come
        again are then counted from anew, and in `left_out` once more.
        """
        counts: dict[str, int] = {}
        splitter = _tokenizer((UNKNOWN,), WORD).pre_tokenizer
        total = forgotten = 0
        for block in _blocks(text):
            for piece, _ in splitter.pre_tokenize_str(block):
                total += 1
                if piece in counts:
                    counts[piece] += 1
                    continue
                if len(counts) >= MOST_COUNTED:
                    counts = _more_frequent_half(counts)
                    forgotten += MOST_COUNTED - len(counts)
                counts[piece] = 1
        counts.pop(UNKNOWN, None)
        least = 2 if total > 20_000 and max(counts.values(), default=0) > 1 else 1
        kept = sorted((w for w, n in counts.items() if n >= least), key=lambda w: (-counts[w], w))[: most - 1]
        codec = cls((UNKNOWN, *kept))
        codec.left_out = forgotten + len(counts) - len(kept)
        return codec

    @classmethod
    def check(cls, symbols: Sequence[str]) -> None:
        if "" in symbols:
            raise ValueError("a symbol is empty")

    def encode(self, text: str) -> Ids:
        kind = id_type(len(self.symbols))
        blocks = [np.array(self._tokenizer.encode(b, add_special_tokens=False).ids, kind) for b in _blocks(text)]
        return np.concatenate(blocks) if blocks else np.zeros(0, kind)

    def unknown(self, text: str) -> list[str]:
        return list(dict.fromkeys(word.strip(" ") or word for word in self._hidden(text)))

    def hidden_characters(self, text: str) -> int:
        return sum(map(len, self._hidden(text)))

    def _hidden(self, text: str) -> list[str]:
        known = set(self.symbols[1:])
        return [piece for piece in self._pieces(text) if piece not in known]

    def beginning(self, text: str, count: int) -> str:
        return text[: sum(map(len, islice(self._pieces(text), count)))]

    def _pieces(self, text: str) -> Iterator[str]:
        return (p for block in _blocks(text) for p, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(block))

    def tokenizer_json(self) -> str:
        return self._tokenizer.to_str(pretty=False)


CODECS: dict[str, type[Codec]] = {codec.kind: codec for codec in (Characters, Words)}


def learn(kind: str, text: str, most: int) -> Codec:
    """A codec of a kind learned from the training part of a text, with at most `most` symbols where the kind has a
    cap.
    """
    if kind not in CODECS:
        raise UsageError(no_such("kind of token", kind, CODECS))
    return CODECS[kind].learn(text, most)


def from_json(kind: str, tokenizer_json: str) -> Codec:
    """The codec that `tokenizer_json` wrote. Reads the vocabulary itself, so that a character model needs no other
    library.
    """
    try:
        vocabulary = json.loads(tokenizer_json)["model"]["vocab"]
        symbols = sorted(vocabulary, key=vocabulary.__getitem__)
        if [vocabulary[s] for s in symbols] != list(range(len(symbols))) or type(vocabulary[symbols[-1]]) is not int:
            raise ValueError("ids are not 0, 1, 2, ...")
        if symbols[0] != UNKNOWN or not 2 <= len(symbols) <= 1 << 20:
            raise ValueError(f"it takes {UNKNOWN} as id 0, and from 1 to {(1 << 20) - 1:,} symbols after it")
        "".join(symbols).encode()  # no lone surrogate: it could not be written again
        CODECS[kind].check(symbols[1:])
        return CODECS[kind](symbols)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as problem:
        raise RunError(f"tokenizer.json cannot be read as a {kind} vocabulary: {problem}.") from None


def _tokenizer(symbols: Sequence[str], pattern: str) -> tokenizers.Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({s: i for i, s in enumerate(symbols)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def _more_frequent_half(counts: dict[str, int]) -> dict[str, int]:
    """The words seen more than once, and of these at most half as many as there are words: so it is seldom done."""
    repeated = {word: count for word, count in counts.items() if count > 1}
    if len(repeated) <= len(counts) // 2:
        return repeated
    return dict(sorted(repeated.items(), key=lambda item: -item[1])[: len(counts) // 2])


def _blocks(text: str) -> Iterable[str]:
    """The text in pieces that end after a line break (a token of its own), in a longer line before a space, and
    inside a word only where that alone is longer than a block.
    """
    start = 0
    while start < len(text):
        cut = len(text)
        if cut - start > BLOCK:
            cut = text.rfind("\n", start, start + BLOCK) + 1
            if cut <= start:  # a space stands only at the beginning of a token
                cut = text.rfind(" ", start + 1, start + BLOCK)
            if cut <= start:
                cut = start + BLOCK
        yield text[start:cut]
        start = cut
