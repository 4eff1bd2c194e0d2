"""Texts, broken into lines at spaces where there are any, by cells and never inside a character with its marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from seqplay.draw.lines import Line, Span, framed, merged
from seqplay.figures import Text
from seqplay.safe_text import cell_width, clusters, safe_text

_TAB = " " * 4
_PIECES = re.compile(r"\n|[^\S\n]+|\S+")


def draw_text(figure: Text, width: int) -> list[Line]:
    """The text after its muted prompt, in as many lines as it takes."""
    body = wrap([Span(figure.prompt, "muted"), Span(figure.text)], width)
    return framed(body, figure.title, figure.caption, width)


def wrap(spans: Iterable[Span], width: int) -> list[Line]:
    """Spans of text from data, made safe and broken into lines of at most `width` cells.

    Newlines break a line and tabs become spaces. The spaces at which a line is broken are not drawn. A character wider
    than `width` is drawn ….
    """
    width = max(1, width)
    lines: list[Line] = []
    line: list[Span] = []
    word: list[Span] = []
    line_cells = word_cells = 0

    def end_line() -> None:
        nonlocal line, line_cells
        while line and line[-1].text.isspace():
            line.pop()
        if line:
            lines.append(merged(line))
        line, line_cells = [], 0

    def end_word() -> None:
        nonlocal line_cells, word, word_cells
        if line_cells + word_cells > width:
            end_line()
        if word_cells > width:
            *full, word = _chopped(word, width)
            lines.extend(map(merged, full))
            word_cells = sum(_cells(text) for text, _ in word)
        line.extend(word)
        line_cells += word_cells
        word, word_cells = [], 0

    for text, role in _pieces(spans):
        if not text.isspace():
            word.append(Span(text, role))
            word_cells += _cells(text)
            continue
        end_word()
        if text == "\n":
            lines.append(merged(line))
            line, line_cells = [], 0
            continue
        for space in text.replace("\t", _TAB):
            if line_cells + cell_width(space) <= width:
                line.append(Span(space, role))
                line_cells += cell_width(space)
    end_word()
    if line:
        lines.append(merged(line))
    return lines


def _pieces(spans: Iterable[Span]) -> Iterator[Span]:
    for text, role in spans:
        for match in _PIECES.finditer(safe_text(text)):
            yield Span(match[0], role)


def _cells(text: str) -> int:
    """The most cells that `text` takes after another span: a variation selector may widen what stands before it."""
    return cell_width(text) + text.startswith("\ufe0f")


def _chopped(word: list[Span], width: int) -> list[list[Span]]:
    """A word wider than a line, in parts that are not."""
    parts: list[list[Span]] = [[]]
    filled = 0
    for text, role in word:
        for piece, _ in clusters(text):
            if (cells := _cells(piece)) > width:
                piece, cells = "…", 1
            if filled + cells > width:
                parts.append([])
                filled = 0
            parts[-1].append(Span(piece, role))
            filled += cells
    return parts
