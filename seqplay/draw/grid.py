"""How many pictures stand side by side and beneath each other in a rectangle of cells, and how large each is."""

from __future__ import annotations

from typing import NamedTuple

from seqplay.draw.art import KINDS

GAP = 1  # the empty column between two pictures
_SCALES = (8, 6, 4, 3, 2, 1)  # columns of cells for one of pixels
_FEW_PIXELS = 20  # a side with less is shown pixel by pixel
_LEAST_PIXELS = 12  # of the longer side of a picture that is shrunk: less cannot be read
_PAGE = 16  # the most rows of a picture where nothing limits them


class Grid(NamedTuple):
    """Pictures in `rows` and `columns`, each of `down` x `across` cells and drawn as `kind`."""

    rows: int
    columns: int
    down: int
    across: int
    kind: str
    labelled: bool = False
    gap: int = 0
    """Empty rows between two rows of pictures."""

    @property
    def pitch(self) -> int:
        """Rows from the top of one picture to that of the one beneath it."""
        return self.down + self.labelled + self.gap

    @property
    def height(self) -> int:
        return max(0, self.rows * self.pitch - self.gap)

    @property
    def width(self) -> int:
        return max(0, self.columns * (self.across + GAP) - GAP)

    def at(self, x: int, y: int) -> int | None:
        """The number of the picture, among all that there is a place for, that has this cell or whose label has it."""
        (row, below), (column, right) = divmod(y, self.pitch), divmod(x, self.across + GAP)
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            return None
        is_between = right >= self.across or below >= self.pitch - self.gap
        return None if is_between else row * self.columns + column


class _Room(NamedTuple):
    width: int
    height: int | None
    labelled: bool
    gap: int

    def columns(self, across: int) -> int:
        return (self.width + GAP) // (across + GAP)

    def rows(self, down: int) -> int | None:
        return None if self.height is None else (self.height + self.gap) // (down + self.labelled + self.gap)

    def scale(self, across: float, down: float, side_by_side: int) -> float:
        """How many times as large pictures of `across` x `down` cells may be, so many of them side by side."""
        wide = ((self.width + GAP) // side_by_side - GAP) / across
        return wide if self.height is None else min(wide, (self.height - self.labelled) / down)


def fit_pictures(
    width: int,
    height: int | None,
    picture_height: int,
    picture_width: int,
    *,
    count: int | None = None,
    columns: int = 0,
    kind: str = "auto",
    labelled: bool = False,
    gap: int = 0,
    cells: tuple[int, int] | None = None,
) -> Grid | None:
    """The grid for pictures of so many pixels in `width` x `height` cells; `height` None: as many rows as it takes.

    Pictures are as large as `count` of them allow. Without a count, or where they do not all fit, a pixel is as small
    as `kind` can draw it, and there are as many as fit. Where not even one fits it is shrunk; None where nothing could
    be read any more. `columns`, where it is not 0, stand side by side wherever they can be read, and `cells` is the
    size (across, down) of each. "auto" is half blocks where a pixel has a whole one, else quadrants. Raises ValueError
    for an unknown kind.
    """
    if kind != "auto" and kind not in KINDS:
        raise ValueError(f"No kind of art is named {ascii(kind)[:40]}. Known: auto, {', '.join(KINDS)}.")
    room = _Room(width, height, labelled, gap)
    parts = 2 if kind == "auto" else KINDS[kind].columns
    if cells is not None:
        found = _shrunk(room, max(1, cells[0]), max(1, cells[1]), columns, count, least=0.0)
    else:
        readable = 1 if min(picture_height, picture_width) < _FEW_PIXELS else 1 / parts
        found = _whole(room, picture_width, picture_height / 2, columns, count, readable) if count else None
        least = min(1, _LEAST_PIXELS / max(picture_height, picture_width)) / parts / readable
        across, down = picture_width * readable, picture_height * readable / 2
        found = found or _shrunk(room, across, down, columns, count, least)
    if found is None:
        return None
    across, down, side_by_side = found
    fitting = room.rows(down)
    rows = -(-count // side_by_side) if count is not None else 1 if fitting is None else fitting
    rows = rows if fitting is None else min(rows, fitting)
    own_kind = kind if kind != "auto" else "half" if across >= picture_width else "quadrant"
    return Grid(rows, side_by_side, down, across, own_kind, labelled, gap) if rows or count == 0 else None


def _whole(
    room: _Room, across: float, down: float, columns: int, count: int, least: float
) -> tuple[int, int, int] | None:
    """The size (across, down) of pictures and how many stand side by side, where all of them fit."""
    for scale in (*_SCALES, least):
        size = max(1, round(across * scale)), max(1, round(down * scale))
        side_by_side = columns or min(count, room.columns(size[0]))
        if scale >= least and 0 < side_by_side <= room.columns(size[0]):
            rows, needed = room.rows(size[1]), -(-count // side_by_side)
            if (needed <= rows) if rows is not None else (needed == 1 and size[1] <= _PAGE):
                return *size, side_by_side
    return None


def _shrunk(
    room: _Room, across: float, down: float, columns: int, count: int | None, least: float
) -> tuple[int, int, int] | None:
    """The same where not all fit: of this size, or down to `least` times it."""
    for wanted in (columns, 1) if columns else (1,):
        scale = min(1.0, room.scale(across, down, wanted))
        if scale > 0 and scale >= least:
            size = max(1, round(across * scale)), max(1, round(down * scale))
            most = room.columns(size[0])
            return *size, wanted if wanted == columns else min(count or most, most)
    return None
