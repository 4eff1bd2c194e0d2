"""What a worker tells of pictures before anything learns them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from seqplay import figures, wire
from seqplay.engine import worker
from seqplay.errors import SeqplayError
from seqplay.figures import Bars, Picture


def idx(content: bytes, *sizes: int) -> bytes:
    return bytes([0, 0, 8, len(sizes)]) + b"".join(struct.pack(">I", size) for size in sizes) + content


def test_pictures_are_counted_measured_and_some_of_them_shown(tmp_path: Path) -> None:
    pixels = bytes(range(6)) * 5
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(pixels, 5, 2, 3))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(bytes([0, 1, 1, 1, 0]), 5))
    about, picture, bars = worker.answer(wire.Ask("", "pictures", {"sources": [str(tmp_path)]}))
    assert {name: about[name] for name in ("count", "height", "width", "channels", "labels")} == {
        "count": 5, "height": 2, "width": 3, "channels": 1, "labels": 2,
    }  # fmt: skip
    shown, counts = figures.from_json(picture), figures.from_json(bars)
    assert isinstance(shown, Picture)
    assert (shown.count, shown.values(), shown.labels) == (5, pixels, ("0", "1", "1", "1", "0"))
    assert isinstance(counts, Bars)
    assert (counts.labels, counts.values) == (("0", "1"), (2.0, 3.0))


def test_what_holds_no_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqplayError):
        list(worker.answer(wire.Ask("", "pictures", {"sources": [str(tmp_path)]})))
