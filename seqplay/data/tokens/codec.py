"""What a codec is: text to ids and back.

A codec is learned once, from the training part alone, and saved with its run as `tokenizer.json`, the file of the
Hugging Face `tokenizers` library, which gives the same ids. Id 0 is the unknown symbol, so no prompt and no held-out
text can crash a model. Ids are numpy arrays from the start: a list of Python integers would cost ten times the
memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import tokenizers

Ids = npt.NDArray[np.integer[Any]]
UNKNOWN = "<unk>"
HIDDEN = "\ufffd"
"""What the unknown symbol decodes to."""


def id_type(vocabulary: int) -> type[np.uint8] | type[np.uint16] | type[np.int32]:
    """The smallest integer type that holds the ids of a vocabulary of this size."""
    return np.uint8 if vocabulary <= 1 << 8 else np.uint16 if vocabulary <= 1 << 16 else np.int32


class Codec(ABC):
    """Text to ids (1-D integer array) and back: `symbols[i]` is how `tokenizer.json` writes id i, id 0 the unknown.

    A new kind of token is one such class, in a file here, and its entry in CODECS.
    """

    kind: str
    unit: str  # what one token is called
    embedding: int  # how long a token's vector is where nobody asked for a length
    rows: int = 32  # of a batch, at most, where nobody asked: the larger the vocabulary, the dearer a row
    spells: bool = False  # whether the tokens spell words out, so that each has much to tell apart with few symbols
    learns_from: int | None = None  # bytes at the beginning of a text that are enough to learn from; None: all of it
    left_out: int = 0  # different symbols of the text it was learned from that became unknown; 0 after from_json

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)

    @classmethod
    @abstractmethod
    def learn(cls, text: Iterable[str], most: int | None = None) -> Self:
        """The codec of a text in blocks, which may be gone through twice.

        At most `most` symbols are kept where the kind has a cap; None is the kind's own.
        """

    @classmethod
    @abstractmethod
    def restore(cls, symbols: Sequence[str], model: Mapping[str, Any]) -> Self:
        """The codec of these symbols, the first of them UNKNOWN; `model` is what tokenizer.json has under that name.

        Raises ValueError, with the reason, for what this kind never writes.
        """

    @property
    def units(self) -> str:
        """What several tokens are called."""
        return f"{self.unit}s"

    def __len__(self) -> int:
        return len(self.symbols)

    @abstractmethod
    def encode(self, text: str) -> Ids:
        """The ids of a text; a symbol that was not learned becomes 0."""

    def known(self, text: str) -> Ids:
        """The ids of a text, what was never learned left out of it."""
        ids = self.encode(text)
        return ids[ids > 0]

    @abstractmethod
    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of some ids, piece by piece, each as soon as no later id can change it; HIDDEN for the unknown."""

    @abstractmethod
    def spelled(self, text: str) -> tuple[Ids, Ids]:
        """For each token of a text: how many bytes of UTF-8 it stands for, and how many characters it hides.

        What is spelled by several tokens counts at the first of them.
        """

    @abstractmethod
    def unknown(self, text: str) -> list[str]:
        """The symbols of a text that were not learned, each once, in order."""

    @abstractmethod
    def tokenizer(self) -> tokenizers.Tokenizer:
        """The same codec as an object of the `tokenizers` library."""

    def tokenizer_json(self) -> str:
        return self.tokenizer().to_str(pretty=False)

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.pieces(ids))

    def start(self) -> Ids:
        """What stands before a text that has no prompt: a line break where it is a symbol, else the unknown one."""
        return self.encode("\n")
