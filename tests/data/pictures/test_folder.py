"""Folders of pictures: sizes, channels and labels as they are documented, and what cannot be read is one line."""

import io
import os
import struct
import sys
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from seqplay.data.pictures import Pictures, folder
from seqplay.data.pictures.folder import read_folder
from seqplay.errors import DataError, MissingError, SeqplayError

RED, GREY = (255, 0, 0), (90, 90, 90)
MB = 1 << 20


@pytest.fixture(autouse=True)
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is read; the working directory is beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets").mkdir()
    return tmp_path / "pets"


def draw(name: str, size: tuple[int, int] = (4, 3), colour: Any = RED, mode: str = "RGB", **more: Any) -> None:
    path = Path("pets", name)
    path.parent.mkdir(exist_ok=True)
    PIL.Image.new(mode, size, colour).save(path, **more)


def read() -> Pictures:
    return read_folder("pets")


def refusal(error: type[SeqplayError] = DataError) -> str:
    with pytest.raises(error) as refused:
        read()
    assert "\n" not in str(refused.value)
    return str(refused.value)


# -- labels


def test_labels_are_the_folders_numbers_before_words_and_files_in_the_order_of_their_names() -> None:
    for name, grey in (("10/a.png", 3), ("9/b.png", 2), ("9/a.png", 1), ("cat/b.png", 5), ("cat/a.png", 4)):
        draw(name, (1, 1), grey, "L")
    pictures = read()
    assert pictures.names == ("9", "10", "cat")
    assert pictures.labels.tolist() == [0, 0, 1, 2, 2]
    assert pictures.pixels.ravel().tolist() == [1, 2, 3, 4, 5]


def test_hidden_files_other_files_and_folders_without_pictures_are_passed_over(pets: Path) -> None:
    draw("cat/1.png"), draw("cat/.2.png"), draw(".dog/1.png"), draw("bird/deep.png"), draw("9.png")
    (pets / "cat" / "notes.txt").write_text("a cat")
    (pets / "bird" / "deep.png").rename(pets / "bird" / "deep")
    os.mkfifo(pets / "cat" / "3.png")
    pictures = read()
    assert (pictures.names, len(pictures)) == (("cat",), 1)


def test_pictures_without_folders_have_the_name_of_their_folder_as_label() -> None:
    draw("1.png"), draw("2.JPG")
    assert (read().names, read().labels.tolist()) == (("pets",), [0, 0])


def test_folders_that_lead_into_each_other_are_not_followed(pets: Path) -> None:
    draw("cat/1.png")
    os.symlink("..", pets / "cat" / "again")
    os.symlink(".", pets / "loop")
    os.symlink("round", pets / "round")
    assert len(read()) == 1


def test_a_name_that_is_no_utf8_is_still_a_label() -> None:
    os.mkdir(b"pets/caf\xe9")
    PIL.Image.new("L", (1, 1)).save(os.fsdecode(b"pets/caf\xe9/1.png"))
    assert read().names == ("caf\\udce9",)


# -- sizes and channels


def test_a_picture_of_the_first_ones_size_stays_as_it_is(pets: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 7, 64, 3), np.uint8)
    draw("cat/1.png")
    for number, picture in enumerate(pixels):
        PIL.Image.fromarray(picture).save(pets / "cat" / f"{number}.png")
    (pets / "cat" / "2.png").unlink(missing_ok=True)
    assert read().pixels.tolist() == pixels.tolist()


def test_a_large_first_picture_is_64_on_its_longer_side_and_others_cover_its_size() -> None:
    draw("cat/1.jpg", (1280, 640)), draw("cat/2.png", (3, 3)), draw("cat/3.bmp", (10, 900))
    pictures = read()
    assert pictures.pixels.shape == (3, 32, 64, 3)
    assert pictures.pixels[1:].tolist() == np.full((2, 32, 64, 3), RED).tolist()


def test_of_another_shape_the_middle_is_kept(pets: Path) -> None:
    draw("cat/1.png", (2, 2))
    wide = np.repeat(np.array([[10, 200, 200, 10]], np.uint8), 2, 0)
    PIL.Image.fromarray(wide).save(pets / "cat" / "2.png")
    assert read().pixels[1, ..., 0].tolist() == [[200, 200], [200, 200]]


def test_grey_pictures_have_one_channel_however_they_were_saved() -> None:
    draw("cat/1.png", colour=90, mode="L"), draw("cat/2.png", colour=GREY), draw("cat/3.gif", colour=GREY)
    pictures = read()
    assert pictures.pixels.tolist() == np.full((3, 3, 4, 1), 90).tolist()
    assert not pictures.ink


@pytest.mark.parametrize("name", ["cat/0.png", "cat/2.png"])
def test_one_picture_in_colour_gives_all_three_channels(name: str) -> None:
    draw("cat/1.png", colour=90, mode="L"), draw(name)
    colours = {tuple(pixel) for pixel in read().pixels.reshape(-1, 3).tolist()}
    assert colours == {RED, GREY}


def test_what_is_transparent_is_white() -> None:
    draw("cat/1.png", colour=(255, 0, 0, 0), mode="RGBA"), draw("cat/2.png", colour=(255, 0, 0, 255), mode="RGBA")
    assert read().pixels[:, 0, 0].tolist() == [[255, 255, 255], [255, 0, 0]]


@pytest.mark.parametrize(("mode", "name"), [("I;16", "cat/1.png"), ("I;16", "cat/1.pgm")])
def test_of_16_bits_the_upper_8_are_kept(mode: str, name: str) -> None:
    draw(name, colour=0x8080, mode=mode)
    assert set(read().pixels.ravel().tolist()) == {0x80}


def test_a_photograph_stands_upright() -> None:
    turned = PIL.Image.Exif()
    turned[0x0112] = 6
    draw("cat/1.jpg", (40, 20), exif=turned)
    assert read().pixels.shape[1:3] == (40, 20)


# -- what is refused


def png(width: int, height: int) -> bytes:
    """A PNG of 1 bit a pixel that claims a size and holds a few bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def encoded(kind: str) -> bytes:
    buffer, noise = io.BytesIO(), np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    PIL.Image.fromarray(noise).save(buffer, kind)
    return buffer.getvalue()


NO_PICTURE = "is no picture that can be read (PNG, JPEG, GIF, BMP, WEBP, PPM). Mend it, or take it out."
DAMAGED = "cannot be read: it is damaged or cut short. Mend it, or take it out."
WRONG = {
    "empty": (b"", NO_PICTURE),
    "text": (b"no picture", NO_PICTURE),
    "a program that draws": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", NO_PICTURE),
    "half a PNG": (encoded("PNG")[:2000], DAMAGED),
    "half a JPEG": (encoded("JPEG")[:2000], DAMAGED),
    "half a GIF": (encoded("GIF")[:2000], DAMAGED),
    "half a BMP": (encoded("BMP")[:2000], DAMAGED),
    "half a WEBP": (encoded("WEBP")[:500], DAMAGED),
    "PNG without pixels": (encoded("PNG").replace(b"IDAT", b"IDAX"), NO_PICTURE),
    "PNG with wrong bytes": (encoded("PNG")[:2000] + bytes(50) + encoded("PNG")[2050:], DAMAGED),
    "8,193 pixels a side": (png(8193, 8193), "has more than 67,108,864 pixels. Make it smaller, or take it out."),
    "12,000 pixels a side": (png(12_000, 12_000), "has more than 67,108,864 pixels. Make it smaller, or take it out."),
    "60,000 pixels a side": (png(60_000, 60_000), "has more than 67,108,864 pixels. Make it smaller, or take it out."),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_picture_is_one_line_that_names_it(case: str, pets: Path) -> None:
    content, told = WRONG[case]
    draw("cat/1.png")
    (pets / "cat" / "2.png").write_bytes(content)
    tracemalloc.start()
    try:
        assert refusal() == f"pets/cat/2.png {told}"
        assert tracemalloc.get_traced_memory()[1] < 4 * MB
    finally:
        tracemalloc.stop()


def test_a_picture_just_as_large_as_may_be_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    draw("cat/1.png", (4, 3))
    monkeypatch.setattr(folder, "MOST_PIXELS", 12)
    assert len(read()) == 1
    monkeypatch.setattr(folder, "MOST_PIXELS", 11)
    assert refusal() == "pets/cat/1.png has more than 11 pixels. Make it smaller, or take it out."


def test_a_link_that_leads_nowhere_is_no_picture(pets: Path) -> None:
    draw("cat/1.png")
    os.symlink("gone", pets / "cat" / "2.png")
    assert refusal() == "pets/cat/2.png cannot be read: No such file or directory. Mend it, or take it out."


def test_what_pillow_only_warns_of_is_read(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw("cat/1.png")
    fitted = folder._fitted

    def warn(image: PIL.Image.Image, size: tuple[int, int] | None) -> PIL.Image.Image:
        warnings.warn("Corrupt EXIF data", UserWarning, stacklevel=1)
        return fitted(image, size)

    monkeypatch.setattr(folder, "_fitted", warn)
    assert len(read()) == 1


def test_an_empty_folder_says_what_can_be_read() -> None:
    assert refusal() == (
        "pets holds no pictures. What can be read: MNIST's idx files, or a folder of pictures for each label, as "
        "cats/1.png and dogs/1.png."
    )


@pytest.mark.parametrize(
    ("limit", "value", "told"),
    [
        ("MOST_FILES", 2, "pets holds more than 2 pictures. Name a folder with fewer."),
        ("MOST_LABELS", 2, "pets holds more than 2 labels. Name a folder with fewer."),
        ("MOST_BYTES", 107, "pets holds more than 107 bytes of pixels. Name a folder with fewer pictures."),
    ],
)
def test_more_than_can_be_learned_is_refused(
    limit: str, value: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw("a/1.png"), draw("b/1.png"), draw("c/1.png")
    monkeypatch.setattr(folder, limit, value + 1)
    assert len(read()) == 3
    monkeypatch.setattr(folder, limit, value)
    assert refusal() == told


def test_without_pillow_the_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    draw("cat/1.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert refusal(MissingError) == (
        "Pictures in folders are read by Pillow. Install it: pip install 'seqplay[pictures]'"
    )
