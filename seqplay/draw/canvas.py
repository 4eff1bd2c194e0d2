"""A page of cells to draw on: characters with roles, and curves as dots of which a cell shows those of one curve."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import compress, pairwise
from operator import ne

from seqplay.draw.lines import Line, Span
from seqplay.safe_text import clusters

_RHYTHM = ((2, 3), (6, 9))  # pixels drawn, of how many: in ASCII, in braille
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """`width` x `height` cells, all blank."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._texts = [[" "] * width for _ in range(height)]
        self._roles = [[""] * width for _ in range(height)]

    def put(self, column: int, row: int, text: str, role: str = "") -> None:
        """Write safe text; what lies outside of the page is left out."""
        if not 0 <= row < self.height:
            return
        texts, roles = self._texts[row], self._roles[row]
        if text.isascii():
            begin, end = max(0, column), min(column + len(text), self.width)
            if begin < end:
                texts[begin:end] = text[begin - column : end - column]
                roles[begin:end] = [role] * (end - begin)
            return
        for piece, cells in clusters(text):
            if column >= 0 and column + cells <= self.width:
                if cells:
                    texts[column : column + cells] = [piece] + [""] * (cells - 1)
                    roles[column : column + cells] = [role] * cells
                elif column:
                    texts[column - 1] += piece
            column += cells

    def repeat(self, column: int, row: int, glyphs: str, role: str, cells: int) -> None:
        """Fill so many cells with narrow characters, again and again, where the page certainly is."""
        self._texts[row][column : column + cells] = (glyphs * cells)[:cells]
        self._roles[row][column : column + cells] = [role] * cells

    def dot(self, column: int, row: int, glyph: str, role: str) -> None:
        """Put one narrow character where the page certainly is."""
        self._texts[row][column] = glyph
        self._roles[row][column] = role

    def lines(self) -> list[Line]:
        """The page without the blanks at the ends of its lines."""
        return [_runs(texts, roles) for texts, roles in zip(self._texts, self._roles, strict=True)]


def _runs(texts: list[str], roles: list[str]) -> Line:
    end = len(texts)
    while end and texts[end - 1] == " ":
        end -= 1
    if not end:
        return ()
    edges = [0, *compress(range(1, end), map(ne, roles[1:end], roles)), end]
    return tuple(Span("".join(texts[start:stop]), roles[start]) for start, stop in pairwise(edges))


class Dots:
    """One curve's pixels: 2 x 4 to a braille cell, or one to a cell where only ASCII may be drawn.

    A `dashed` curve leaves pixels out in a rhythm along its way.
    """

    def __init__(self, width: int, height: int, *, braille: bool = True, dashed: bool = False) -> None:
        self.width, self.height = width, height
        self.across, self.down = (2, 4) if braille else (1, 1)
        self._bits = bytearray(width * height)
        self._rhythm = _RHYTHM[braille] if dashed else (1, 1)
        self._way = 0
        self._pen = -1, -1

    def cells(self) -> Iterator[tuple[int, int, int]]:
        """(column, row, dots) of each cell that has any."""
        width, bits = self.width, self._bits
        return ((index % width, index // width, bits[index]) for index in compress(range(len(bits)), bits))

    def any_within(self, begin: int, end: int, row: int) -> bool:
        """Whether there is a dot in the columns `begin` to `end` of a row."""
        return any(self._bits[row * self.width + max(0, begin) : row * self.width + min(end, self.width)])

    def fill(self, begin: int, end: int, row: int) -> None:
        """Take whole cells."""
        for column in range(max(0, begin), min(end, self.width)):
            self._bits[row * self.width + column] = 0xFF

    def point(self, x: int, y: int) -> None:
        if 0 <= x < self.width * self.across and 0 <= y < self.height * self.down:
            self._bits[y // self.down * self.width + x // self.across] |= _BITS[y % self.down][x % self.across]

    def line(self, x0: int, y0: float, x1: int, y1: float) -> None:
        """A straight line; the part above or below the page is not drawn."""
        bottom = self.height * self.down - 1
        if min(y0, y1) > bottom + 0.5 or max(y0, y1) < -0.5:
            return
        slope = (x1 - x0) / (y1 - y0) if y1 != y0 else 0.0
        above, below = -1.0, bottom + 1.0
        if not above <= y0 <= below:
            edge = above if y0 < above else below
            x0, y0 = round(x0 + (edge - y0) * slope), edge
        if not above <= y1 <= below:
            edge = above if y1 < above else below
            x1, y1 = round(x1 + (edge - y1) * slope), edge
        self._bresenham(x0, math.floor(y0 + 0.5), x1, math.floor(y1 + 0.5))

    def _bresenham(self, x: int, y: int, x_end: int, y_end: int) -> None:
        dx, dy = abs(x_end - x), -abs(y_end - y)
        step_x, step_y = (1 if x < x_end else -1), (1 if y < y_end else -1)
        error = dx + dy
        drawn, rhythm = self._rhythm
        bits, width, down, across = self._bits, self.width, self.down, self.across
        right, bottom = width * across, self.height * down
        way = self._way - ((x, y) == self._pen)  # where a line goes on, its first pixel is the last one's
        while True:
            if way % rhythm < drawn and 0 <= x < right and 0 <= y < bottom:
                bits[y // down * width + x // across] |= _BITS[y % down][x % across]
            way += 1
            if x == x_end and y == y_end:
                break
            twice = 2 * error
            if twice >= dy:
                error += dy
                x += step_x
            if twice <= dx:
                error += dx
                y += step_y
        self._way, self._pen = way, (x, y)
