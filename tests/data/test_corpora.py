"""The table of corpora, and what it says of what is here."""

import re
from pathlib import Path

import pytest

from seqplay.data import corpora
from seqplay.data.corpora import Corpus
from seqplay.errors import DataError, MissingError, UsageError

ALL = [*corpora.TABLE.values(), corpora.GUTENBERG]


@pytest.mark.parametrize("corpus", corpora.TABLE.values(), ids=lambda corpus: corpus.name)
def test_everything_in_the_table_is_pinned_by_size_and_sha256(corpus: Corpus) -> None:
    contents = [content for remote in corpus.remotes for content in (remote.sent, remote.kept)]
    for content in contents:
        assert content.size
        assert re.fullmatch("[0-9a-f]{64}", content.sha256 or "")
    assert corpus.is_pinned
    assert corpus.size == sum(remote.sent.size or 0 for remote in corpus.remotes)


@pytest.mark.parametrize("corpus", ALL, ids=lambda corpus: corpus.name)
def test_the_first_address_of_each_file_is_https_and_no_name_leaves_its_folder(corpus: Corpus) -> None:
    for remote in corpus.remotes:
        assert remote.urls[0].startswith("https://")
        assert all(url.startswith(("https://", "http://")) for url in remote.urls)
        for content in (remote.sent, remote.kept):
            assert Path(content.name).name == content.name


def test_only_what_is_pinned_may_come_over_http() -> None:
    assert all(url.startswith("https://") for remote in corpora.GUTENBERG.remotes for url in remote.urls)


def test_a_book_is_named_by_its_number() -> None:
    book = corpora.named("gutenberg-1342")
    assert book.remotes[0].urls == (
        "https://gutenberg.pglaf.org/cache/epub/1342/pg1342.txt",
        "https://www.gutenberg.org/cache/epub/1342/pg1342.txt",
    )
    assert book.path == book.folder / "gutenberg-1342.txt"
    assert (book.size, book.is_pinned, book.page) == (None, False, "https://www.gutenberg.org/ebooks/1342")


@pytest.mark.parametrize("name", ["gutenberg-", "gutenberg-01", "gutenberg-1/../x", "gutenberg-12345678", "../text8"])
def test_what_is_no_name_of_a_corpus_is_none(name: str) -> None:
    assert corpora.find(name) is None
    assert corpora.text_path(name) is None


def test_an_unknown_name_comes_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"No corpus named 'tinyshakespeare'\. Did you mean 'tiny-shakespeare'\?"):
        corpora.named("tinyshakespeare")


def test_a_text_that_was_not_fetched_says_how_to_fetch_it() -> None:
    with pytest.raises(MissingError, match=r"^text8 is not here yet\. Fetch it: seqplay data get text8$"):
        corpora.text_path("text8")


def test_pictures_are_no_text() -> None:
    with pytest.raises(DataError, match="mnist is no text"):
        corpora.text_path("mnist")


def test_a_text_that_was_fetched_has_its_file() -> None:
    book = corpora.named("gutenberg-11")
    book.folder.mkdir(parents=True)
    book.path.write_text("Alice")
    assert corpora.text_path("gutenberg-11") == book.path
    assert [corpus.name for corpus in corpora.listed()][-2:] == ["gutenberg-11", "gutenberg-NUMBER"]


def test_what_has_another_size_or_is_no_file_is_not_here(tmp_path: Path) -> None:
    corpus = corpora.TABLE["tiny-shakespeare"]
    corpus.folder.mkdir(parents=True)
    corpus.path.write_text("short")
    assert not corpus.is_here()
    (tmp_path / "elsewhere").write_bytes(bytes(corpus.size or 0))
    corpus.path.unlink()
    corpus.path.symlink_to(tmp_path / "elsewhere")
    assert not corpus.is_here()
    corpora.named("gutenberg-1").path.mkdir(parents=True)
    assert not corpora.named("gutenberg-1").is_here()
