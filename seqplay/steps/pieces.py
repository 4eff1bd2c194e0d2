"""Tokens cut into the pieces in which a text is shown: a character, a word, a syllable of several jamo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from seqplay.data.tokens import Codec
from seqplay.data.tokens.bpe import BYTE_OF
from seqplay.data.tokens.codec import HIDDEN


def cut(codec: Codec, ids: Iterable[int]) -> Iterator[tuple[str, list[int]]]:
    """The text of some ids, piece by piece as `codec.pieces` gives it, and the ids that each piece takes.

    Together the pieces take every id, in order. A last piece that more ids could have changed comes as it is; ids that
    show nothing come with an empty text.
    """
    taken: list[int] = []  # since the last piece ended
    ended = False

    def fed() -> Iterator[int]:
        nonlocal ended
        for i in ids:
            taken.append(i)
            yield i
        ended = True

    for text in codec.pieces(fed()):
        count = len(taken)
        # A syllable ends where the next begins: was the last id read only to find that out?
        if not ended and count > 1 and codec.decode(taken[:-1]) == text:
            count -= 1
        yield text, taken[:count]
        del taken[:count]
    if taken:
        yield "", taken


def shown(codec: Codec, token: int) -> str:
    """One token by itself: its text, or, where its bytes are no whole characters, the bytes."""
    text = codec.decode([token])
    if HIDDEN in text and codec.kind in ("byte", "bpe") and token:
        return "".join(f"\\x{BYTE_OF[character]:02x}" for character in codec.symbols[token])
    return text
