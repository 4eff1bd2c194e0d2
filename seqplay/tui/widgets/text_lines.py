"""A text of pieces broken into lines, no more of it than somebody looks at.

A text is laid out in blocks, each of which begins on a line of its own. Where one stands is (block, row of that block):
how many rows there are before it nobody has to know, so that a text of any length is scrolled at once.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from seqplay.safe_text import cell_width, clusters, safe_text
from seqplay.tui.writing import Writing

Place = tuple[int, int]  # a block, and a row of it
TAB = "    "
MOST_KEPT = 300  # blocks
_PARTS = re.compile(r"\n|\t|[^\n\t]+")


class Item(NamedTuple):
    """What is drawn of a piece at one place: its cells, none where a line is broken at a blank."""

    piece: int
    text: str
    cells: int


Row = list[Item]


class Block:
    """Rows of at most `width` cells, of which the last is kept for a blank, a line break or the cursor.

    Lines are broken at blanks, as `draw.text.wrap` does it, and more pieces may be fed at any time.
    """

    def __init__(self, first: int, width: int) -> None:
        self.fed, self.room = first, max(1, width - 1)
        self.rows: list[Row] = [[]]
        self._cells = 0
        self._word = 0  # where in the last row the word begins that is not ended

    def feed(self, text: str) -> None:
        """Lay out the next piece."""
        piece, row = self.fed, self.rows[-1]
        self.fed += 1
        if not text:
            self._put(piece, "", 0)
        elif text[0] not in "\n\t" and row and (cell_width(text[0]) == 0 or row[-1].text[-1:] == "\u200d"):
            self._join(piece, text)
        else:
            self._feed(piece, safe_text(text))

    def _feed(self, piece: int, text: str) -> None:
        parts = _PARTS.findall(text)
        for number, part in enumerate(parts):
            if part == "\n":
                self._put(piece, " " if self._cells <= self.room else "", 1)
                if number < len(parts) - 1:  # the last one ends the block
                    self._break()
            elif part == "\t":
                self._put_blank(piece, TAB)
            else:
                for character, cells in clusters(part):
                    if character.isspace():
                        self._put_blank(piece, character)
                    else:
                        self._wrap(min(cells, self.room))
                        self._put(piece, *((character, cells) if cells <= self.room else ("…", 1)))

    def _put_blank(self, piece: int, blank: str) -> None:
        cells = cell_width(blank)
        self._put(piece, blank if self._cells + cells <= self.room else "", cells)
        self._word = len(self.rows[-1])

    def _put(self, piece: int, text: str, cells: int) -> None:
        self.rows[-1].append(Item(piece, text, cells if text else 0))
        self._cells += cells if text else 0

    def _join(self, piece: int, text: str) -> None:
        """A piece that joins the character before it is drawn with it."""
        first, *rest = clusters(self.rows[-1][-1].text + safe_text(text))
        before = self.rows[-1].pop()
        self._cells += first[1] - before.cells
        self.rows[-1].append(Item(before.piece, *first))
        self._feed(piece, "".join(part for part, _ in rest))

    def _wrap(self, cells: int) -> None:
        """Begin a row where so many cells do not fit, and take along the word that they belong to."""
        if self._cells + cells <= self.room:
            return
        row = self.rows[-1]
        word = row[self._word :] if self._word else []
        del row[len(row) - len(word) :]
        self._break()
        self.rows[-1].extend(word)
        self._cells = sum(item.cells for item in word)
        if self._cells + cells > self.room:
            self._break()

    def _break(self) -> None:
        self.rows.append([])
        self._cells = self._word = 0


class TextLines:
    """The rows of a writing at a width."""

    def __init__(self, writing: Writing, width: int) -> None:
        self.writing, self.width = writing, width
        self._cuts = writing.cuts
        self._blocks: dict[int, Block] = {}

    @property
    def count(self) -> int:
        """How many blocks there are: after a line break one more, which is empty."""
        if not self.writing.pieces:
            return 1
        return len(self.writing.blocks) + self.writing.is_block_ended

    def rows(self, number: int) -> list[Row]:
        """The rows of a block."""
        starts, pieces = self.writing.blocks, self.writing.pieces
        if number >= len(starts) or not pieces:
            return [[]]
        if self._cuts != self.writing.cuts or len(self._blocks) > MOST_KEPT:
            self._cuts = self.writing.cuts
            self._blocks.clear()
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = Block(starts[number], self.width)
        end = starts[number + 1] if number + 1 < len(starts) else len(pieces)
        while block.fed < end:
            block.feed(pieces[block.fed].text)
        return block.rows

    def row(self, place: Place) -> Row:
        rows = self.rows(place[0])
        return rows[min(place[1], len(rows) - 1)]

    def moved(self, place: Place, by: int) -> Place:
        """The place so many rows on, or the first or the last there is."""
        block, row = min(place[0], self.count - 1), place[1] + by
        while row < 0 and block:
            block -= 1
            row += len(self.rows(block))
        while row >= len(self.rows(block)):
            if block == self.count - 1:
                return self.end()
            row -= len(self.rows(block))
            block += 1
        return block, max(0, row)

    def end(self) -> Place:
        block = self.count - 1
        return block, len(self.rows(block)) - 1

    def place_of(self, piece: int) -> Place:
        """Where a piece begins; that of none is the end."""
        if piece >= len(self.writing.pieces):
            return self.end()
        starts = self.writing.blocks
        block = bisect_right(starts, piece) - 1
        rows = self.rows(block)
        row = bisect_left(rows, piece, key=lambda row: row[0].piece if row else 1 << 62)
        begins = row < len(rows) and rows[row] and rows[row][0].piece == piece
        if begins and not (row and rows[row - 1] and rows[row - 1][-1].piece == piece):
            return block, row
        return block, max(0, row - 1)

    def column_of(self, place: Place, piece: int) -> int:
        """The cell of a row in which a piece begins."""
        return sum(item.cells for item in self.row(place) if item.piece < piece)

    def piece_at(self, place: Place, column: int) -> int:
        """The piece that stands at a cell; behind the end of a row its last one, and behind the text none."""
        row = self.row(place)
        at = 0
        for item in row:
            at += item.cells
            if column < at:
                return item.piece
        if not row or place == self.end():
            return len(self.writing.pieces)
        return row[-1].piece
