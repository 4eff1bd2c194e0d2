"""Files in the idx format: what is in them is what is read, and each way in which they can be wrong is its one line."""

import gzip
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqplay.data.pictures import idx
from seqplay.data.pictures.idx import images_in, read_idx
from seqplay.errors import DataError

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
AGAIN = "Fetch or copy it again."
MB = 1 << 20
PIXELS = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
NUMBERS = np.array([7, 1, 7, 10, 1], np.uint8)

Change = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with five pictures of 4 x 3 and their labels."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    write(IMAGES, as_idx(PIXELS)), write(LABELS, as_idx(NUMBERS))
    return tmp_path / "work"


def as_idx(values: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", *sizes: int, kind: int = 8) -> bytes:
    """An array in the idx format; its header may say other `sizes` than it has."""
    sizes = sizes or values.shape
    return bytes([0, 0, kind, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes) + values.tobytes()


def write(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)


def refusal(images: str = IMAGES) -> str:
    with pytest.raises(DataError) as refused:
        read_idx(images)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# -- what is read


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_pixels_and_labels_are_what_the_files_hold_packed_or_not_whatever_they_are_called(
    pack: Change, end: str
) -> None:
    os.unlink(LABELS)
    write(IMAGES + end, pack(as_idx(PIXELS))), write(LABELS + end, pack(as_idx(NUMBERS)))
    pictures = read_idx(IMAGES + end)
    assert pictures.pixels.dtype == np.uint8
    assert pictures.pixels.tolist() == PIXELS[..., np.newaxis].tolist()
    assert [pictures.names[label] for label in pictures.labels] == ["7", "1", "7", "10", "1"]
    assert (pictures.names, pictures.ink, pictures.labels.dtype) == (("1", "7", "10"), True, np.int64)


def test_a_file_of_four_dimensions_has_channels_and_brightness() -> None:
    colours = np.arange(5 * 2 * 2 * 3, dtype=np.uint8).reshape(5, 2, 2, 3)
    write("train-images-idx4-ubyte", as_idx(colours)), write("train-labels-idx1-ubyte", as_idx(NUMBERS))
    pictures = read_idx("train-images-idx4-ubyte")
    assert pictures.pixels.tolist() == colours.tolist()
    assert not pictures.ink


def test_a_file_that_was_packed_in_several_pieces_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "CHUNK", 7)
    content = as_idx(PIXELS)
    write(IMAGES, b"".join(gzip.compress(content[at : at + 9]) for at in range(0, len(content), 9)))
    assert read_idx(IMAGES).pixels.tobytes() == PIXELS.tobytes()


def test_the_largest_pictures_are_64_on_a_side() -> None:
    write(IMAGES, as_idx(np.zeros((5, 64, 64), np.uint8)))
    assert read_idx(IMAGES).pixels.shape == (5, 64, 64, 1)


def test_of_a_folder_the_training_part_comes_first_and_nothing_twice() -> None:
    for name in (f"{IMAGES}.gz", "train-images.idx3-ubyte", "train-images-idx3-ubyte.gz", ".train-images-idx3-ubyte"):
        write(name, b"")
    Path("more-images-idx3-ubyte").mkdir()
    assert images_in(".") == ["./train-images-idx3-ubyte.gz", f"./{IMAGES}"]


# -- what is refused

CUT, LONG = "is cut short. " + AGAIN, "has 77 bytes, and its header says 76. " + AGAIN
MORE = "holds more than the 76 bytes that its header says. " + AGAIN
NO_IDX, DAMAGED = "is no file in the idx format: it ", "is damaged: it does not unpack to what was packed. " + AGAIN


def images(*sizes: int, kind: int = 8) -> Change:
    return lambda _: as_idx(PIXELS, *sizes, kind=kind)


WRONG_IMAGES: dict[str, tuple[Change, str]] = {
    "empty": (lambda _: b"", NO_IDX + "is empty. " + AGAIN),
    "half a magic": (lambda c: c[:3], CUT),
    "half a header": (lambda c: c[:11], CUT),
    "a byte is missing": (lambda c: c[:-1], CUT),
    "a byte too many": (lambda c: c + b"\0", LONG),
    "a web page": (lambda _: b"<html>", NO_IDX + "begins with 3c 68 74 6d. " + AGAIN),
    "no dimensions": (lambda _: bytes([0, 0, 8, 0]), NO_IDX + "begins with 00 00 08 00. " + AGAIN),
    "255 dimensions": (lambda _: bytes([0, 0, 8, 255]), NO_IDX + "begins with 00 00 08 ff. " + AGAIN),
    "float32": (images(5, 4, 3, kind=13), "holds numbers of type 0x0d: pictures and labels are bytes, of type 0x08."),
    "labels": (images(60), f"has 1 dimension, and pictures have 3, or 4 with their channels. {AGAIN}"),
    "flat": (images(5, 12), f"has 2 dimensions, and pictures have 3, or 4 with their channels. {AGAIN}"),
    "no pictures": (images(0, 4, 3), "holds no pictures: there is nothing to learn from it."),
    "nothing wide": (
        images(5, 4, 0),
        "holds pictures of 4 x 0: pictures have from 1 to 64 pixels on a side. Make them smaller.",
    ),
    "large": (
        images(5, 65, 3),
        "holds pictures of 65 x 3: pictures have from 1 to 64 pixels on a side. Make them smaller.",
    ),
    "two channels": (
        images(5, 3, 2, 2),
        "holds pictures of 2 channels: they have 1 (grey) or 3 (red, green, blue).",
    ),
    "four pictures": (
        lambda _: as_idx(PIXELS[:4]),
        f"holds 4 pictures, but {LABELS} 5 labels. Fetch or copy both again.",
    ),
    "6 pictures are said": (images(6, 4, 3), f"holds 6 pictures, but {LABELS} 5 labels. Fetch or copy both again."),
    "larger than it says": (images(5, 4, 64), CUT),
    "packed, a byte too many": (lambda c: gzip.compress(c + b"\0"), MORE),
    "packed, a byte is missing": (lambda c: gzip.compress(c[:-1]), CUT),
    "packed and cut short": (lambda c: gzip.compress(c)[:-9], CUT),
    "packed and cut in its header": (lambda c: gzip.compress(c)[:5], CUT),
    "packed, with another checksum": (lambda c: gzip.compress(c)[:-8] + b"\1\2\3\4" + gzip.compress(c)[-4:], DAMAGED),
    "packed, with a wrong block": (lambda c: gzip.compress(c)[:10] + b"\xff" + gzip.compress(c)[11:], DAMAGED),
    "packed, garbage behind": (lambda c: gzip.compress(c) + b"garbage", DAMAGED),
    "packed web page": (lambda _: gzip.compress(b"<html>"), NO_IDX + "begins with 3c 68 74 6d. " + AGAIN),
    "packed nothing": (lambda _: gzip.compress(b""), NO_IDX + "is empty. " + AGAIN),
    "packed twice": (lambda c: gzip.compress(gzip.compress(c)), NO_IDX + "begins with 1f 8b 08 00. " + AGAIN),
}


@pytest.mark.parametrize("case", WRONG_IMAGES)
def test_a_wrong_file_of_pictures_is_one_line_that_names_it(case: str) -> None:
    change, told = WRONG_IMAGES[case]
    write(IMAGES, change(as_idx(PIXELS)))
    assert refusal() == f"{IMAGES} {told}"


WRONG_LABELS: dict[str, tuple[Change, str]] = {
    "cut short": (lambda c: c[:-1], f"{LABELS} is cut short. {AGAIN}"),
    "pictures": (lambda _: as_idx(PIXELS), f"{LABELS} has 3 dimensions, and labels have 1. {AGAIN}"),
    "int32": (
        lambda c: as_idx(NUMBERS, kind=12),
        f"{LABELS} holds numbers of type 0x0c: pictures and labels are bytes, of type 0x08.",
    ),
    "one label less": (
        lambda _: as_idx(NUMBERS[:4]),
        f"{IMAGES} holds 5 pictures, but {LABELS} 4 labels. Fetch or copy both again.",
    ),
    "no labels": (
        lambda _: as_idx(NUMBERS[:0]),
        f"{IMAGES} holds 5 pictures, but {LABELS} 0 labels. Fetch or copy both again.",
    ),
    "four thousand million": (
        lambda _: as_idx(NUMBERS, 0xFFFFFFFF),
        f"{LABELS} holds 4,294,967,295 labels, and at most 1,000,000 pictures can be learned.",
    ),
}


@pytest.mark.parametrize("case", WRONG_LABELS)
def test_a_wrong_file_of_labels_is_one_line_that_names_it(case: str) -> None:
    change, told = WRONG_LABELS[case]
    write(LABELS, change(as_idx(NUMBERS)))
    assert refusal() == told


def test_pictures_without_labels_say_which_file_is_missing() -> None:
    os.unlink(LABELS)
    assert refusal() == f"{IMAGES} has no labels beside it: {LABELS}, or the same with .gz, is missing."


def test_a_file_of_labels_given_for_pictures_says_where_pictures_lie() -> None:
    assert refusal(LABELS) == (
        f"{LABELS} cannot be paired with its labels by its name. Pictures lie in a file like train-images-idx3-ubyte, "
        "their labels beside it in train-labels-idx1-ubyte."
    )


def test_a_link_that_leads_nowhere_and_a_pipe_are_no_files() -> None:
    os.unlink(IMAGES)
    os.symlink("gone", IMAGES)
    assert refusal() == f"{IMAGES} cannot be read: No such file or directory."
    os.unlink(IMAGES)
    os.mkfifo(IMAGES)
    assert refusal() == f"{IMAGES} is no file that can be read to its end."


# -- bombs


def peak_of_refusing() -> tuple[str, int]:
    """What is said, and the most memory that was taken, in bytes."""
    tracemalloc.start()
    try:
        return refusal(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_of_a_file_that_unpacks_to_256_mb_no_more_is_unpacked_than_its_header_says(name: str) -> None:
    write(name, gzip.compress(Path(name).read_bytes()) + gzip.compress(bytes(MB), 1) * 256)
    said, peak = peak_of_refusing()
    assert said.startswith(f"{name} holds more than the ")
    assert peak < 4 * MB  # gzip.open(...).read() takes 256 and more


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_no_room_is_made_for_what_a_header_says_before_the_file_is_known_to_be_as_long(pack: Change) -> None:
    write(LABELS, gzip.compress(as_idx(np.zeros(200_000, np.uint8))))
    write(IMAGES, pack(as_idx(PIXELS, 200_000, 64, 64)))
    said, peak = peak_of_refusing()
    assert said == f"{IMAGES} is cut short. {AGAIN}"
    assert peak < 4 * MB  # np.empty of what it says: 819


def test_more_than_a_gib_of_pixels_is_refused_whatever_the_file_holds() -> None:
    write(LABELS, gzip.compress(as_idx(np.zeros(300_000, np.uint8))))
    write(IMAGES, gzip.compress(as_idx(PIXELS, 300_000, 64, 64)) + gzip.compress(bytes(MB), 1) * 1_200)
    said, peak = peak_of_refusing()
    assert said == f"{IMAGES} holds 1,228,800,000 bytes of pixels: at most 1,073,741,824 can be learned."
    assert peak < 4 * MB
