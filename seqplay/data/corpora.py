"""The well-known corpora that can be fetched: where each lies, how large it is, and the SHA-256 that it must have.

Plain data. A size and a SHA-256 stand here only where a published source confirms them (TensorFlow Datasets' checksums
for tiny Shakespeare and MNIST; several independent projects agree on text8); what has none is said to be not pinned.
The mirrors are tried in their order.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from seqplay import paths
from seqplay.errors import DataError, MissingError, UsageError, no_such

LARGEST = 64_000_000  # bytes taken of a file whose size is not pinned; the largest books have a tenth of it
BOOK = re.compile("gutenberg-([1-9][0-9]{0,6})")


@dataclass(frozen=True)
class Content:
    """A file by its name in the corpus's folder, with the size in bytes and the SHA-256 that are known; None is not
    pinned.
    """

    name: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Remote:
    """What a server sends from any of `urls`, and what is kept of it: the same, or the one `member` of a zip file."""

    urls: tuple[str, ...]
    sent: Content
    member: str = ""
    unpacked: Content | None = None

    @property
    def kept(self) -> Content:
        return self.unpacked or self.sent


@dataclass(frozen=True)
class Corpus:
    """One line of the table. `page` is where a person reads about it."""

    name: str
    what: str
    licence: str
    page: str
    remotes: tuple[Remote, ...]
    is_text: bool = True

    @property
    def size(self) -> int | None:
        """The bytes to fetch; None is not known before."""
        sizes = [remote.sent.size for remote in self.remotes]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def is_pinned(self) -> bool:
        return all(remote.sent.sha256 for remote in self.remotes)

    @property
    def folder(self) -> Path:
        return paths.home() / "data" / self.name

    @property
    def path(self) -> Path:
        """What to train on: a text's file, else the folder."""
        return self.folder / self.remotes[0].kept.name if self.is_text else self.folder

    def is_here(self) -> bool:
        """Whether each file is here in its size. `download.fetch` compares the SHA-256 too, which takes longer."""
        return all(_is_file(self.folder / remote.kept.name, remote.kept.size) for remote in self.remotes)


def _mnist(name: str, size: int, sha256: str) -> Remote:
    mirrors = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
    return Remote(tuple(mirror + name for mirror in mirrors), Content(name, size, sha256))


TABLE = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "tiny-shakespeare",
            "from Shakespeare's plays",
            "public domain",
            "https://github.com/karpathy/char-rnn",
            (
                Remote(
                    ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",),
                    Content(
                        "tiny-shakespeare.txt",
                        1_115_394,
                        "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                    ),
                ),
            ),
        ),
        Corpus(
            "text8",
            "English Wikipedia, a to z",
            "CC BY-SA 3.0, GFDL",
            "https://mattmahoney.net/dc/textdata.html",
            (
                Remote(
                    ("https://mattmahoney.net/dc/text8.zip", "http://mattmahoney.net/dc/text8.zip"),
                    Content(
                        "text8.zip", 31_344_016, "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
                    ),
                    "text8",
                    Content(
                        "text8.txt", 100_000_000, "6e890197040d37d85beb962ae1f041ff1d9a9ca8d20c7d99c85027eebf51dca7"
                    ),
                ),
            ),
        ),
        Corpus(
            "mnist",
            "70,000 handwritten digits",
            "CC BY-SA 3.0",
            "https://keras.io/api/datasets/mnist/",
            (
                _mnist(
                    "train-images-idx3-ubyte.gz",
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                ),
                _mnist(
                    "train-labels-idx1-ubyte.gz",
                    28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                ),
                _mnist(
                    "t10k-images-idx3-ubyte.gz",
                    1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                ),
                _mnist(
                    "t10k-labels-idx1-ubyte.gz",
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                ),
            ),
            is_text=False,
        ),
    )
}
# Any book by its number. Project Gutenberg asks programs to go to a mirror, and it mends its books: nothing is pinned.
GUTENBERG = Corpus(
    "gutenberg-NUMBER",
    "any Gutenberg book, UTF-8",
    "public domain (USA)",
    "https://www.gutenberg.org/ebooks/NUMBER",
    (
        Remote(
            (
                "https://gutenberg.pglaf.org/cache/epub/NUMBER/pgNUMBER.txt",
                "https://www.gutenberg.org/cache/epub/NUMBER/pgNUMBER.txt",
            ),
            Content("gutenberg-NUMBER.txt"),
        ),
    ),
)


def find(name: str) -> Corpus | None:
    """The corpus of this name; None where there is none."""
    book = BOOK.fullmatch(name)
    return TABLE.get(name) if book is None else _book(book[1])


def named(name: str) -> Corpus:
    """The corpus of this name; raises UsageError with the nearest one."""
    corpus = find(name)
    if corpus is None:
        raise UsageError(no_such("corpus", name, [*TABLE, GUTENBERG.name], listed="Corpora"))
    return corpus


def listed() -> list[Corpus]:
    """Everything that can be fetched: the table, the books that are here, and the line that stands for any book."""
    try:
        books = sorted(name for name in os.listdir(paths.home() / "data") if BOOK.fullmatch(name))
    except OSError:
        books = []
    here = [book for book in map(named, books) if book.is_here()]
    return [*TABLE.values(), *here, GUTENBERG]


def text_path(name: str) -> Path | None:
    """The file of a text that was fetched; None where no corpus is called that.

    Raises MissingError when it was not fetched yet, DataError when it is no text.
    """
    corpus = find(name)
    if corpus is None:
        return None
    if not corpus.is_text:
        raise DataError(f"{name} is no text: {corpus.what}. See the texts that can be fetched: seqplay data list")
    return fetched(corpus)


def pictures_path(name: str) -> Path | None:
    """The folder of pictures that were fetched; None where no corpus of pictures is called that.

    Raises MissingError when they were not fetched yet.
    """
    corpus = find(name)
    return None if corpus is None or corpus.is_text else fetched(corpus)


def fetched(corpus: Corpus) -> Path:
    """What to train on. Raises MissingError, with the command that fetches it, where it is not here."""
    if not corpus.is_here():
        raise MissingError(f"{corpus.name} is not here yet. Fetch it: seqplay data get {corpus.name}")
    return corpus.path


def _book(number: str) -> Corpus:
    def filled(template: str) -> str:
        return template.replace("NUMBER", number)

    remotes = tuple(
        replace(remote, urls=tuple(map(filled, remote.urls)), sent=replace(remote.sent, name=filled(remote.sent.name)))
        for remote in GUTENBERG.remotes
    )
    return replace(
        GUTENBERG,
        name=filled(GUTENBERG.name),
        what=f"Gutenberg's book {number}",
        page=filled(GUTENBERG.page),
        remotes=remotes,
    )


def _is_file(path: Path, size: int | None) -> bool:
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (status.st_size > 0 if size is None else status.st_size == size)
