"""One picture as characters: half blocks, quadrants, sextants, braille or plain ASCII.

A cell of a terminal has two colours. With colours, the pixels of a cell are parted into two groups, so that little is
lost, and each group is drawn in its mean; the character is the shape of the group with more ink, so that whoever cannot
show the colours still sees the shape. Without colours a pixel is drawn or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from operator import gt, itemgetter
from typing import NamedTuple

from seqplay.draw.lines import Line, Span
from seqplay.draw.pixels import planes


class Kind(NamedTuple):
    """A kind of art: how many pixels a cell has, and the character of each pattern of them.

    In a pattern, bit number `row * columns + column` tells whether that pixel is drawn.
    """

    rows: int
    columns: int
    glyphs: str
    has_two_colours: bool = True


# The bit of each of a braille character's dots in Unicode, row by row.
_DOTS = (0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80)
_DENSITY = " .:-=+*#%@"


def _sextant(pattern: int) -> str:
    """Unicode leaves out the four that other blocks are."""
    others = {0: " ", 0b010101: "▌", 0b101010: "▐", 0b111111: "█"}
    return others.get(pattern) or chr(0x1FAFF + pattern - (pattern > 0b010101) - (pattern > 0b101010))


def _braille(pattern: int) -> str:
    return chr(0x2800 + sum(dot for bit, dot in enumerate(_DOTS) if pattern >> bit & 1)) if pattern else " "


KINDS = {
    "half": Kind(2, 1, " ▀▄█"),
    "quadrant": Kind(2, 2, " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"),
    "sextant": Kind(3, 2, "".join(map(_sextant, range(64)))),
    "braille": Kind(4, 2, "".join(map(_braille, range(256))), has_two_colours=False),
    "ascii": Kind(1, 1, "".join(_DENSITY[value * len(_DENSITY) >> 8] for value in range(256)), has_two_colours=False),
}
LEVELS = 16
_LEVEL = bytes((value * (LEVELS - 1) + 127) // 255 for value in range(256))
# Bayer's order of thresholds: a grey is drawn as that share of dots, evenly spread.
_BAYER = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))
_MOST_KEPT = 1 << 16  # cells
_LARGEST_KEPT = 1 << 14  # bytes of a picture


class Shape(NamedTuple):
    """What the bytes of a picture are, and as what they are drawn."""

    height: int
    width: int
    channels: int
    ink: bool
    rows: int
    columns: int
    kind: str
    mono: bool


def paint(pixels: bytes, shape: Shape) -> tuple[Line, ...]:
    """`shape.rows` lines of `shape.columns` cells; those of a small picture are kept for the next time.

    Roles are "ink-A/B", "grey-A/B" or "rgb-A/B" (`lines` says what they mean); without colours there is none.
    """
    return kept(pixels, shape) if len(pixels) <= _LARGEST_KEPT else _painted(pixels, shape)


@lru_cache(maxsize=512)
def kept(pixels: bytes, shape: Shape) -> tuple[Line, ...]:
    return _painted(pixels, shape)


def _painted(pixels: bytes, shape: Shape) -> tuple[Line, ...]:
    kind = KINDS[shape.kind]
    size, cells, parts = (shape.height, shape.width), (shape.rows, shape.columns), (kind.rows, kind.columns)
    if shape.mono or not kind.has_two_colours:
        grey = _luminance(pixels) if shape.channels == 3 else pixels
        text = _shapes(planes(grey, size, cells, parts), shape, kind)
        role = "" if shape.mono else f"{_paint(shape)}-{_brightest(shape)}/{_darkest(shape)}"
        return tuple((Span(line, role),) for line in _cut(text, shape.columns))
    levels = [
        plane.translate(_LEVEL)
        for channel in range(shape.channels)
        for plane in planes(pixels[channel :: shape.channels], size, cells, parts)
    ]
    drawn = list(map(_cells(shape.kind, _paint(shape)).__getitem__, zip(*levels, strict=True)))
    return tuple(_joined(drawn[at : at + shape.columns]) for at in range(0, len(drawn), shape.columns))


def _paint(shape: Shape) -> str:
    return "rgb" if shape.channels == 3 else "ink" if shape.ink else "grey"


def _brightest(shape: Shape) -> str:
    return "fff" if shape.channels == 3 else str(LEVELS - 1)


def _darkest(shape: Shape) -> str:
    return "000" if shape.channels == 3 else "0"


def _luminance(pixels: bytes) -> bytes:
    """The brightness of colours, as the eye weighs them (ITU-R BT.601)."""
    colours = zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True)
    return bytes([(77 * red + 150 * green + 29 * blue) >> 8 for red, green, blue in colours])


def _cut(text: str, columns: int) -> list[str]:
    return [text[at : at + columns] for at in range(0, len(text), columns)]


# Without colours.


def _shapes(parts: Sequence[bytes], shape: Shape, kind: Kind) -> str:
    """The characters of all cells: ink from a threshold on, brightness as dots that are as dense."""
    if shape.kind == "ascii":
        return parts[0].decode("latin-1").translate(_table("ascii"))
    pixels = shape.height * shape.width / (len(parts[0]) * len(parts))
    pattern = 0
    for bit, part in enumerate(parts):
        is_ink = shape.ink and shape.channels == 1
        drawn = part.translate(_from_threshold(pixels)) if is_ink else _dithered(part, bit, shape, kind)
        pattern |= int.from_bytes(drawn, "little") << bit
    return pattern.to_bytes(len(parts[0]), "little").decode("latin-1").translate(_table(shape.kind))


@lru_cache
def _table(kind: str) -> dict[int, str]:
    return dict(enumerate(KINDS[kind].glyphs))


@lru_cache(maxsize=64)
def _from_threshold(pixels: float) -> bytes:
    """Which means of so many pixels are drawn: the more there are, the paler is a stroke that should still be seen."""
    return bytes(value >= 128 / max(1.0, pixels) ** (1 / 3) for value in range(256))


def _dithered(part: bytes, number: int, shape: Shape, kind: Kind) -> bytes:
    return bytes(map(gt, part, _thresholds(shape.rows, shape.columns, kind.rows, kind.columns, number)))


@lru_cache(maxsize=64)
def _thresholds(rows: int, columns: int, part_rows: int, part_columns: int, number: int) -> bytes:
    down, right = divmod(number, part_columns)
    return bytes(
        16 * _BAYER[(row * part_rows + down) % 4][(column * part_columns + right) % 4] + 8
        for row in range(rows)
        for column in range(columns)
    )


# With colours.


class _Cells(dict[tuple[int, ...], Span]):
    """Every cell that was seen so far: the levels of its pixels, channel after channel, to its span."""

    def __init__(self, kind: str, paint: str) -> None:
        super().__init__()
        self._kind, self._paint = KINDS[kind], paint

    def __missing__(self, levels: tuple[int, ...]) -> Span:
        if len(self) >= _MOST_KEPT:
            self.clear()
        size = self._kind.rows * self._kind.columns
        channels = [levels[at : at + size] for at in range(0, len(levels), size)]
        self[levels] = span = self._span(channels, size)
        return span

    def _span(self, channels: Sequence[tuple[int, ...]], size: int) -> Span:
        is_drawn = _split(max(channels, key=lambda levels: max(levels) - min(levels)))
        pattern = sum(drawn << bit for bit, drawn in enumerate(is_drawn))
        above, below = ([_level(levels, is_drawn, group) for levels in channels] for group in (True, False))
        if sum(above) < sum(below):
            pattern, above, below = (1 << size) - 1 - pattern, below, above
        if above == below:
            is_full = 2 * sum(above) >= LEVELS * len(above)
            return Span("█" if is_full else " ", self._role(above, below))
        return Span(self._kind.glyphs[pattern], self._role(above, below))

    def _role(self, above: Sequence[int], below: Sequence[int]) -> str:
        if len(above) == 3:
            return "rgb-" + "/".join("".join(f"{level:x}" for level in colour) for colour in (above, below))
        return f"{self._paint}-{above[0]}/{below[0]}"


@lru_cache
def _cells(kind: str, paint: str) -> _Cells:
    return _Cells(kind, paint)


def _split(levels: Sequence[int]) -> list[bool]:
    """Which pixels belong to the upper of two groups, so that the squares of what is lost are least.

    The best two groups lie on two sides of a threshold, as everywhere in one dimension. Where there is but one level
    all pixels are in both.
    """
    ordered, whole, size = sorted(levels), sum(levels), len(levels)
    best, threshold, below = -1.0, ordered[0], 0
    for count, (last, first) in enumerate(pairwise(ordered), start=1):
        below += last
        if last < first:
            # The squares within the groups are least where those of the sums, each over its count, are most.
            kept = below * below / count + (whole - below) ** 2 / (size - count)
            if kept > best:
                best, threshold = kept, first
    return [level >= threshold for level in levels]


def _level(levels: Sequence[int], is_drawn: Sequence[bool], group: bool) -> int:
    """The mean of a group, to the nearest level; of an empty one, that of all."""
    own = [level for level, drawn in zip(levels, is_drawn, strict=True) if drawn is group] or levels
    return (2 * sum(own) + len(own)) // (2 * len(own))


def _joined(cells: Sequence[Span]) -> Line:
    """The cells as a line in which neighbours of one role are one span."""
    line = []
    for role, same in groupby(cells, _role_of):
        first, *more = same
        line.append(Span("".join([first.text, *[text for text, _ in more]]), role) if more else first)
    return tuple(line)


_role_of = itemgetter(1)
