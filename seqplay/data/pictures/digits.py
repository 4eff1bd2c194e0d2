"""The built-in pictures: the first 20,000 digits that seqplay draws, drawn once and then kept in the cache."""

from __future__ import annotations

import numpy as np

from seqplay import files, paths
from seqplay.data.pictures import Pictures
from seqplay.data.pictures.cache import cached_pictures, keep
from seqplay.data.pictures.kinds import DIGITS
from seqplay.errors import DataError, RunError

DRAWN = 20_000


def kept_digits() -> str:
    """The SHA-256 of the digits in the cache, drawn where they are not there unharmed. Raises WriteError."""
    from seqplay.data.pictures.drawn import VERSION

    # A file names the hash under which they lie, for this way of drawing: to know it, nothing need be drawn.
    known = paths.make_private(paths.pictures_dir()) / f"{DIGITS}-{VERSION}-{DRAWN}"
    try:
        data = files.read_bytes(known, 100).decode("ascii", "replace")
        cached_pictures(data, DIGITS)
    except (RunError, DataError):
        data = keep(drawn_digits())
        files.write_atomically(known, data.encode())
    return data


def drawn_digits() -> Pictures:
    """The digits, drawn now: some seconds."""
    from seqplay.data.pictures.drawn import draw_digits

    pixels, labels = draw_digits(0, DRAWN)
    return Pictures(pixels[..., np.newaxis], labels, tuple("0123456789"), ink=True)
