"""The cache gives back exactly the pictures that were put into it, and nothing that anybody changed or made up."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from full_disk import largest_file

from seqplay import paths
from seqplay.data.pictures import Pictures
from seqplay.data.pictures.cache import HEADER_LIMIT_BYTES, cached_pictures, keep
from seqplay.errors import DataError, WriteError

COLOURS = Pictures(
    np.arange(3 * 2 * 2 * 3, dtype=np.uint8).reshape(3, 2, 2, 3), np.array([1, 0, 1]), ("고양이", "a\x1b[2J"), ink=False
)
GONE = (
    "The pictures of 'pets' are no longer in the cache, or damaged there. "
    "Give them back, unchanged: seqplay resume RUN --text SOURCE."
)


def refusal(data: str) -> str:
    with pytest.raises(DataError) as refused:
        cached_pictures(data, "pets")
    return str(refused.value)


def planted(content: bytes) -> str:
    """Bytes in the cache under their own hash, as a stranger could put them there."""
    data = hashlib.sha256(content).hexdigest()
    (paths.make_private(paths.pictures_dir()) / data).write_bytes(content)
    return data


def test_what_was_kept_comes_back_equal_and_can_be_written_to() -> None:
    back = cached_pictures(keep(COLOURS), "pets")
    assert (back.pixels.dtype, back.labels.dtype) == (np.uint8, np.int64)
    assert back.pixels.tolist() == COLOURS.pixels.tolist()
    assert back.labels.tolist() == [1, 0, 1]
    assert (back.names, back.ink) == (COLOURS.names, False)
    assert back.pixels.flags.writeable
    assert back.labels.flags.writeable


def test_a_view_is_kept_as_what_it_shows() -> None:
    view = Pictures(COLOURS.pixels[::2, :, ::-1], COLOURS.labels[::2], COLOURS.names, ink=False)
    assert cached_pictures(keep(view), "pets").pixels.tolist() == view.pixels.tolist()


def test_a_data_set_is_one_file_of_its_user_under_its_hash() -> None:
    data = keep(COLOURS)
    assert keep(COLOURS) == data
    path = paths.pictures_dir() / data
    assert os.listdir(paths.pictures_dir()) == [data]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_names_and_ink_are_part_of_the_hash() -> None:
    renamed = Pictures(COLOURS.pixels, COLOURS.labels, ("a", "b"), ink=False)
    inked = Pictures(COLOURS.pixels, COLOURS.labels, COLOURS.names, ink=True)
    assert len({keep(COLOURS), keep(renamed), keep(inked)}) == 3


def test_equal_pictures_have_one_hash_in_every_process() -> None:
    code = (
        "import numpy as np; from seqplay.data.pictures import Pictures; from seqplay.data.pictures.cache import keep\n"
        "print(keep(Pictures(np.zeros((1, 1, 1, 1), np.uint8), np.zeros(1, np.int64), ('a', 'b'), ink=True)))"
    )
    other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert keep(Pictures(np.zeros((1, 1, 1, 1), np.uint8), np.zeros(1, np.int64), ("a", "b"), ink=True)) == other


def test_a_full_disk_is_an_error_and_leaves_nothing() -> None:
    with largest_file(100), pytest.raises(WriteError, match="A file may not grow that large here"):
        keep(COLOURS)
    assert os.listdir(paths.pictures_dir()) == []


def test_what_a_killed_writer_left_long_ago_is_swept_away() -> None:
    folder = paths.make_private(paths.pictures_dir())
    for name in (f".a.{'0' * 16}.tmp", f".b.{'0' * 16}.tmp"):
        (folder / name).write_bytes(b"half")
    os.utime(folder / f".a.{'0' * 16}.tmp", (0, 0))
    data = keep(COLOURS)
    assert sorted(os.listdir(folder)) == [f".b.{'0' * 16}.tmp", data]


# -- what is not given back


def test_one_changed_bit_is_seen_wherever_it_is() -> None:
    data = keep(COLOURS)
    path = paths.pictures_dir() / data
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert refusal(data) == GONE
    path.write_bytes(content[:-1])
    assert refusal(data) == GONE


@pytest.mark.parametrize("data", ["", "../../etc/passwd", "0" * 64, "\0"])
def test_a_hash_that_is_none_or_gone_is_an_error(data: str) -> None:
    assert refusal(data) == GONE


def test_a_link_and_a_pipe_are_never_followed(tmp_path: Path) -> None:
    data = keep(COLOURS)
    path = paths.pictures_dir() / data
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert refusal(data) == GONE
    path.unlink()
    os.mkfifo(path)
    assert refusal(data) == GONE


def file(pixels: Any = COLOURS.pixels, labels: Any = COLOURS.labels, more: Any = None, **about: Any) -> bytes:
    """A file as `keep` writes it, with other arrays or another description."""
    described = {"names": ["a", "b"], "ink": False} | about
    arrays = {"pixels": pixels, "labels": np.array(labels), **(more or {})}
    return safetensors.numpy.save(arrays, {"pictures": json.dumps(described)})


def header(of: Callable[[dict[str, Any]], object], width: int = 0) -> bytes:
    """A file whose header was changed, and filled with spaces to a `width` in bytes."""
    content = file()
    size = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + size])
    of(entries)
    changed = json.dumps(entries).encode().ljust(width)
    return len(changed).to_bytes(8, "little") + changed + content[8 + size :]


NONE = np.zeros((0, 2, 2, 3), np.uint8)
FOREIGN = {
    "empty": b"",
    "text": b"this is not one of ours",
    "a header of 2^63 bytes": (1 << 63).to_bytes(8, "little") + b"{}",
    "a header that is too long": header(lambda _: None, HEADER_LIMIT_BYTES + 8),
    "a header of lists in lists": (100_000).to_bytes(8, "little") + b"[" * 100_000,
    "no description": safetensors.numpy.save({"pixels": COLOURS.pixels, "labels": COLOURS.labels}),
    "no labels": safetensors.numpy.save({"pixels": COLOURS.pixels}, {"pictures": '{"names": ["a"], "ink": false}'}),
    "another array": file(more={"more": NONE}),
    "pixels that are floats": file(COLOURS.pixels.astype(np.float32)),
    "labels that are floats": file(labels=np.array([1.0, 0.0, 1.0])),
    "a label too many": file(labels=[0, 1, 0, 1]),
    "a label without a name": file(labels=[0, 1, 2]),
    "a negative label": file(labels=[0, 1, -1]),
    "no pictures": file(NONE, np.zeros(0, np.int64)),
    "no width": file(np.zeros((3, 2, 0, 3), np.uint8)),
    "two channels": file(np.zeros((3, 2, 2, 2), np.uint8)),
    "65 pixels": file(np.zeros((3, 65, 2, 1), np.uint8)),
    "three dimensions": file(np.zeros((3, 2, 2), np.uint8)),
    "no names": file(names=[], labels=[0, 0, 0]),
    "names that are numbers": file(names=[1, 2]),
    "names that are null": file(names=None),
    "names that are one text": file(names="ab"),
    "too many names": file(names=["a"] * 4097),
    "ink that is a number": file(ink=1),
    "a description that is a list": safetensors.numpy.save({"pixels": COLOURS.pixels}, {"pictures": "[]"}),
    "an array that lies beyond the end": header(lambda e: e["pixels"].update(shape=[1 << 40, 2, 2, 3])),
    "arrays in the same place": header(lambda e: e["pixels"].update(data_offsets=[0, 36])),
    "an unknown type": header(lambda e: e["pixels"].update(dtype="I65")),
    "a size that is none": header(lambda e: e["pixels"].update(shape=[-3, 2, 2, 3])),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_was_never_written_by_seqplay_is_refused_even_under_its_own_hash(case: str) -> None:
    assert refusal(planted(FOREIGN[case])) == GONE


def test_what_the_foreign_files_were_made_from_is_given_back() -> None:
    assert len(cached_pictures(planted(file()), "pets")) == 3
    assert len(cached_pictures(planted(header(lambda _: None, HEADER_LIMIT_BYTES)), "pets")) == 3
