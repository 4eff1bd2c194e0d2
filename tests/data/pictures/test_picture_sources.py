"""What holds pictures is known without reading it, and whatever it is, it lies in the cache once."""

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from seqplay import paths
from seqplay.data import corpora
from seqplay.data.pictures import Pictures, digits, is_pictures
from seqplay.data.pictures.cache import cached_pictures
from seqplay.data.pictures.drawn import draw_digits
from seqplay.data.pictures.sources import look_at_pictures, read_pictures
from seqplay.errors import DataError, MissingError, SeqplayError, UsageError

TRAIN, TEST = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, which is empty; twenty built-in digits are enough here."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(digits, "DRAWN", 20)
    return tmp_path / "work"


def idx(folder: str, images: str, grey: int, *labels: int, side: int = 2) -> str:
    """A pair of files in a folder: pictures of one grey, one for each label."""
    Path(folder).mkdir(exist_ok=True)
    pixels, count = bytes([grey]) * len(labels) * side * side, len(labels).to_bytes(4, "big")
    header = bytes([0, 0, 8, 3]) + count + side.to_bytes(4, "big") * 2
    Path(folder, images).write_bytes(header + pixels)
    name = images.replace("images-idx3", "labels-idx1")
    Path(folder, name).write_bytes(bytes([0, 0, 8, 1]) + count + bytes(labels))
    return folder


def labelled(folder: str, *names: str, colour: Any = 9) -> str:
    for name in names:
        path = Path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("L", (2, 2), colour).save(path)
    return folder


def read(*given: str) -> Pictures:
    source = read_pictures(given)
    return cached_pictures(source.data, source.name)


def refusal(*given: str, error: type[SeqplayError] = DataError) -> str:
    with pytest.raises(error) as refused:
        read_pictures(given)
    assert "\n" not in str(refused.value)
    assert not paths.pictures_dir().exists() or not os.listdir(paths.pictures_dir())
    return str(refused.value)


# -- what holds pictures


def test_built_in_digits_and_a_corpus_of_pictures_are_known_by_their_names(work: Path) -> None:
    assert is_pictures(["digits"])
    assert is_pictures(["mnist"])
    assert not is_pictures(["english"])
    assert not is_pictures(["text8"])
    (work / "digits").write_text("one two three")
    (work / "mnist").write_text("one two three")
    assert not is_pictures(["digits", "mnist"])


@pytest.mark.parametrize(
    "content", [bytes([0, 0, 8, 3]), gzip.compress(bytes([0, 0, 8, 3, 0]), mtime=0), bytes([0, 0, 13, 4])]
)
def test_a_file_in_the_idx_format_is_known_by_how_it_begins(content: bytes, work: Path) -> None:
    (work / "mine").write_bytes(content)
    assert is_pictures(["mine"])


@pytest.mark.parametrize("name", [TRAIN, f"{TRAIN}.gz", "a-labels.idx1-ubyte", "cat.png", "CAT.JPEG", "cat.webp"])
def test_files_of_pictures_are_known_by_their_names_even_where_they_are_damaged(name: str, work: Path) -> None:
    (work / name).write_bytes(b"")
    assert is_pictures([name])


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0", b"text", gzip.compress(b"text", mtime=0), b"\x1f\x8b", b"\x1f\x8b\x08", bytes([0, 0, 8, 2])],
)
def test_other_files_are_no_pictures(content: bytes, work: Path) -> None:
    (work / "novel").write_bytes(content)
    assert not is_pictures(["novel"])


def test_what_cannot_be_looked_at_is_no_pictures(work: Path) -> None:
    os.mkfifo(work / "pipe.png")
    os.symlink("loop.png", work / "loop.png")
    assert not is_pictures(["pipe.png", "loop.png", "gone", "-", "a\0b", ""])


def test_one_source_of_pictures_is_enough(work: Path) -> None:
    (work / "novel.txt").write_text("text")
    assert is_pictures(["novel.txt", "digits"])


def test_a_folder_holds_pictures_where_more_pictures_lie_in_it_than_texts(work: Path) -> None:
    labelled("pets", "cats/1.png", "dogs/2.png")
    assert is_pictures(["pets"])
    (work / "pets" / "README.txt").write_text("Pictures of pets.")
    assert is_pictures(["pets"])
    (work / "pets" / "cats" / "1.txt").write_text("This is a cat.")
    assert not is_pictures(["pets"])
    assert is_pictures([labelled("flat", "1.png")])
    assert is_pictures([idx("mnist-10k", TEST, 1, 0)])


@pytest.mark.parametrize("name", [".cat/1.png", "cat/.1.png", "deep/cat/1.png"])
def test_hidden_pictures_and_those_of_deeper_folders_make_no_folder_of_pictures(name: str) -> None:
    assert not is_pictures([labelled("pets", name)])


def test_to_know_it_takes_neither_numpy_nor_pillow() -> None:
    labelled("pets", "cats/1.png")
    code = (
        "import sys; from seqplay.data import pictures; print(pictures.is_pictures(['pets']));"
        "print(*sorted({'numpy', 'PIL', 'safetensors', 'torch'} & sys.modules.keys()))"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said == "True\n\n"


# -- reading


def test_the_name_is_never_a_path() -> None:
    idx("mine", TEST, 1, 0)
    assert read_pictures(["mine/"]).name == "mine"
    assert read_pictures([os.path.abspath("mine") + "/" + TEST]).name == TEST
    assert read_pictures(["mine", "mine"]).name == "mine and 1 more"


def test_all_pairs_of_a_folder_are_read_the_training_part_first() -> None:
    idx("mine", TEST, 1, 9, 3), idx("mine", TRAIN, 2, 3, 10)
    pictures = read("mine")
    assert pictures.pixels[:, 0, 0, 0].tolist() == [2, 2, 1, 1]
    assert pictures.names == ("3", "9", "10")
    assert pictures.labels.tolist() == [0, 2, 1, 0]


def test_one_file_of_pictures_is_read_alone() -> None:
    idx("mine", TEST, 1, 9, 3), idx("mine", TRAIN, 2, 3, 10)
    assert read(f"mine/{TEST}").pixels[:, 0, 0, 0].tolist() == [1, 1]


def test_several_sources_are_joined_and_equal_names_are_one_label() -> None:
    labelled("a", "cat/1.png", "dog/1.png", colour=1), labelled("b", "ant/1.png", "dog/1.png", colour=2)
    pictures = read("a", "b")
    assert pictures.names == ("ant", "cat", "dog")
    assert pictures.labels.tolist() == [1, 2, 0, 2]
    assert pictures.pixels[:, 0, 0, 0].tolist() == [1, 1, 2, 2]
    assert not pictures.ink


def test_pictures_of_two_sizes_are_not_joined() -> None:
    idx("a", TEST, 1, 0), idx("b", TEST, 1, 0, side=3)
    assert refusal("a", "b") == f"b/{TEST} holds pictures of 3 x 3 x 1 of ink, and a/{TEST} of 2 x 2 x 1 of ink."
    assert refusal("a", labelled("c", "1.png")) == (f"c holds pictures of 2 x 2 x 1, and a/{TEST} of 2 x 2 x 1 of ink.")


def test_a_corpus_of_pictures_is_read_where_it_was_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal("mnist", error=MissingError) == "mnist is not here yet. Fetch it: seqplay data get mnist"
    corpus = corpora.TABLE["mnist"]
    corpus.folder.mkdir(parents=True)
    idx(str(corpus.folder), TRAIN, 1, 5), idx(str(corpus.folder), TEST, 2, 6)
    monkeypatch.setattr(corpora.Corpus, "is_here", lambda _: True)
    assert read_pictures(["mnist"]).name == "mnist"
    assert read("mnist").pixels[:, 0, 0, 0].tolist() == [1, 2]


# -- the built-in digits


def test_the_built_in_digits_are_the_first_that_seqplay_draws() -> None:
    pictures = read("digits")
    pixels, labels = draw_digits(0, 20)
    assert pictures.pixels.tolist() == pixels[..., np.newaxis].tolist()
    assert pictures.labels.tolist() == labels.tolist()
    assert (pictures.names, pictures.ink) == (tuple("0123456789"), True)


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many digits were drawn, each time."""
    drawn: list[int] = []

    def draw(first: int, count: int) -> Any:
        drawn.append(count)
        return draw_digits(first, count)

    monkeypatch.setattr("seqplay.data.pictures.drawn.draw_digits", draw)
    return drawn


def test_they_are_drawn_once(drawings: list[int]) -> None:
    first = read_pictures(["digits"])
    assert read_pictures(["digits"]) == first
    assert drawings == [20]


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


@pytest.mark.parametrize("lose", [Path.unlink, damage])
@pytest.mark.parametrize("which", ["the pictures", "their hash"])
def test_they_are_drawn_again_where_the_cache_has_lost_or_damaged_them(
    lose: Any, which: str, drawings: list[int]
) -> None:
    first = read_pictures(["digits"])
    lose(
        next(path for path in paths.pictures_dir().iterdir() if (path.name == first.data) == (which == "the pictures"))
    )
    assert read_pictures(["digits"]) == first
    assert drawings == [20, 20]
    assert len(cached_pictures(first.data, "digits")) == 20
    read_pictures(["digits"])
    assert drawings == [20, 20]


def test_another_way_of_drawing_does_not_take_the_old_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_pictures(["digits"])
    monkeypatch.setattr("seqplay.data.pictures.drawn.VERSION", 10_000)
    monkeypatch.setattr("seqplay.data.pictures.drawn.draw_digits", lambda at, count: draw_digits(at + 100, count))
    assert read_pictures(["digits"]).data != first.data


def test_what_is_only_looked_at_is_not_kept() -> None:
    name, pictures = look_at_pictures([idx("mine", TEST, 7, 0, 3)])
    assert (name, pictures.pixels[:, 0, 0, 0].tolist(), pictures.names) == ("mine", [7, 7], ("0", "3"))
    assert not paths.pictures_dir().exists()
    name, pictures = look_at_pictures(["digits"])
    assert (name, len(pictures)) == ("digits", 20)


def test_they_can_be_joined_with_others() -> None:
    idx("mine", TEST, 1, 3, side=28)
    pictures = read("digits", "mine")
    assert (len(pictures), pictures.names, int(pictures.labels[-1])) == (21, tuple("0123456789"), 3)


# -- what is refused


def test_a_name_that_is_nothing_comes_with_the_nearest_one() -> None:
    labelled("pets", "cats/1.png")
    assert refusal("pest", error=UsageError) == "No pictures named 'pest'. Did you mean 'pets'?"
    assert refusal("./pest", error=UsageError) == "No pictures named './pest'. Did you mean 'pets'?"
    assert refusal("digts", error=UsageError) == (
        "No pictures named 'digts'. Did you mean 'digits'? Known: digits, mnist."
    )
    assert refusal("a\0b", error=UsageError) == "No pictures named 'a\0b'. Known: digits, mnist."
    assert refusal("-", error=UsageError) == "Pictures are not read from standard input. Name a folder of pictures."


def test_what_is_no_pictures_says_what_pictures_are(work: Path) -> None:
    (work / "novel.txt").write_text("text")
    assert refusal("digits", "novel.txt") == (
        "novel.txt holds no pictures. Name a folder of pictures, or a file in MNIST's idx format."
    )
    labelled(".", "cat.png")
    assert refusal("cat.png") == (
        "cat.png is one picture. Name the folder that holds a folder of pictures for each label."
    )
    (work / "empty").mkdir()
    assert refusal("empty").startswith("empty holds no pictures. What can be read: ")


@pytest.mark.parametrize(
    ("limit", "value", "told"),
    [
        ("MOST_PICTURES", 1, "a and what follows hold 2 pictures: at most 1 can be learned."),
        ("MOST_LABELS", 1, "a and what follows hold 2 labels: at most 1 can be learned."),
        ("MOST_BYTES", 7, "a and what follows hold 8 bytes of pixels: at most 7 can be learned."),
    ],
)
def test_more_than_can_be_learned_is_refused(
    limit: str, value: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled("a", "cat/1.png"), labelled("b", "dog/1.png")
    monkeypatch.setattr(f"seqplay.data.pictures.sources.{limit}", value)
    assert refusal("a", "b") == told
