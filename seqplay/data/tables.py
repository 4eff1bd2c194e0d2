"""One column of a table (.csv or .tsv) as a text: a line for every row, without the header."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from seqplay.errors import DataError, UsageError, no_such

WIDEST = 1 << 24  # characters in a field
BLOCK = 1 << 20  # characters that are gathered before they go on


def column(
    text: Iterable[str], name: str, source: str, block: int | None = None, is_cut: Callable[[], bool] = lambda: False
) -> Iterator[str]:
    """The column whose header is `name`, in blocks of some `block` characters (None: BLOCK). A table whose header holds
    a tab has tabs between its fields and no quotes; any other is CSV (RFC 4180). Where the text `is_cut`, which is
    known at its end, a last row that cannot be read is left out.

    Raises UsageError for a column that the table does not have, DataError for a row that lacks it.
    """
    rows = _rows(_lines(text, source), source, is_cut)
    header = next((row for _, row in rows if row), None)
    if header is None:
        return
    titles = [title.strip() for title in header]
    if name not in titles:
        raise UsageError(no_such(f"column of {source}", name, titles, listed="It has"))
    place = titles.index(name)
    gathered: list[str] = []
    size = 0
    for line, row in rows:
        if not row:
            continue
        if len(row) <= place:
            if is_cut():
                break
            raise DataError(f"{source} has no column '{name}' in line {line:,}: {len(row)} of {len(titles)} fields.")
        gathered.append(row[place] + "\n")
        size += len(gathered[-1])
        if size > (block or BLOCK):
            yield "".join(gathered)
            gathered, size = [], 0
    yield "".join(gathered)


def _rows(lines: Iterator[str], source: str, is_cut: Callable[[], bool]) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every row."""
    first = next(lines, "")
    dialect: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if "\t" in first else {"strict": True}
    csv.field_size_limit(WIDEST)
    reader = csv.reader(chain([first], lines), **dialect)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            if is_cut():
                return
            what, _, _ = str(problem).partition(" - ")  # behind that comes advice for programmers
            raise DataError(f"{source} is no table that can be read: line {reader.line_num:,}: {what}.") from None
        yield reader.line_num, row


def _lines(text: Iterable[str], source: str) -> Iterator[str]:
    """Lines, each with its line break, of a text in blocks."""
    rest, number = "", 1
    for block in text:
        *lines, end = block.split("\n")
        for line in lines:
            yield rest + line + "\n"
            rest, number = "", number + 1
        rest += end
        if len(rest) > WIDEST:
            raise DataError(f"{source} is no table: line {number:,} is longer than {WIDEST:,} characters.")
    if rest:
        yield rest
