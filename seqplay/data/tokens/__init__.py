"""Tokens: how text becomes numbers and back. One file a kind."""

from __future__ import annotations

import json
from collections.abc import Iterable

from seqplay.data.tokens.bpe import Bpe
from seqplay.data.tokens.bytes import Bytes
from seqplay.data.tokens.characters import Characters
from seqplay.data.tokens.codec import UNKNOWN, Codec, Ids, id_type
from seqplay.data.tokens.jamo import Jamo
from seqplay.data.tokens.words import Words
from seqplay.errors import RunError, UsageError, no_such

__all__ = ["CODECS", "UNKNOWN", "Codec", "Ids", "find", "from_json", "id_type", "learn"]

CODECS: dict[str, type[Codec]] = {codec.kind: codec for codec in (Characters, Words, Bpe, Bytes, Jamo)}
MOST = 1 << 20  # symbols that a file may hold


def find(kind: str) -> type[Codec]:
    """Raises UsageError with the nearest kind's name."""
    if kind not in CODECS:
        raise UsageError(no_such("kind of token", kind, CODECS))
    return CODECS[kind]


def learn(kind: str, text: Iterable[str], most: int | None = None) -> Codec:
    """A codec of a kind learned from a text in blocks, which may be gone through twice."""
    return find(kind).learn(text, most)


def from_json(kind: str, tokenizer_json: str) -> Codec:
    """The codec that `tokenizer_json` wrote; raises RunError for anything else.

    Only the vocabulary is read: patterns that a stranger may have put into the file are never run.
    """
    try:
        model = json.loads(tokenizer_json)["model"]
        vocabulary = model["vocab"]
        symbols = sorted(vocabulary, key=vocabulary.__getitem__)
        if [vocabulary[s] for s in symbols] != list(range(len(symbols))) or type(vocabulary[symbols[-1]]) is not int:
            raise ValueError("ids are not 0, 1, 2, ...")
        if symbols[0] != UNKNOWN or not 2 <= len(symbols) <= MOST:
            raise ValueError(f"it takes {UNKNOWN} as id 0, and from 1 to {MOST - 1:,} symbols after it")
        "".join(symbols).encode()  # no lone surrogate: it could not be written again
        return CODECS[kind].restore(symbols, model)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as problem:
        raise RunError(f"tokenizer.json cannot be read as a {kind} vocabulary: {problem}.") from None
