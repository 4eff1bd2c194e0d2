"""Pictures in a grid: as large as there is room for, with their labels beneath them, and the chosen one marked."""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.art import Shape, paint
from seqplay.draw.grid import GAP, Grid, fit_pictures
from seqplay.draw.lines import Line, Span, cut, framed, in_ascii, merged
from seqplay.figures import Picture
from seqplay.safe_text import pad, safe_line

_CORNERS, _ASCII_CORNERS = ("┌┐", "└┘"), ("++", "++")


def draw_picture(
    figure: Picture,
    width: int,
    height: int | None = None,
    *,
    kind: str = "auto",
    mono: bool = False,
    ascii_only: bool = False,
    chosen: int | None = None,
    cells: tuple[int, int] | None = None,
) -> list[Line]:
    """The pictures in lines of at most `width` cells; where `height` is given, as many rows of them as fit into it.

    `kind` is "auto" or one of `art.KINDS`, `cells` the size (across, down) of a picture: `fit_pictures` says what they
    mean. `mono` is for a terminal without shades of grey (`rich_lines.has_shades` tells), `ascii_only` for one without
    blocks: both draw in the colour of text. `chosen` is the number of the picture that is marked. Raises ValueError for
    damaged pixels and for an unknown kind.
    """
    width = max(1, width)
    room = None if height is None else height - bool(figure.title) - bool(figure.caption)
    grid = fit_figure(figure, width, room, kind="ascii" if ascii_only else kind, cells=cells)
    if grid:
        body = _rows(figure, grid, mono or ascii_only, chosen)
    else:
        body = [cut((Span("no room for a picture", "muted"),), width)]
    lines = framed(body, figure.title, figure.caption, width)[:height]
    return in_ascii(lines) if ascii_only else lines


def fit_figure(
    figure: Picture, width: int, height: int | None, *, kind: str = "auto", cells: tuple[int, int] | None = None
) -> Grid | None:
    """The grid in which `draw_picture` draws a figure without title and caption; None where there is no room."""
    return fit_pictures(
        width,
        height,
        figure.height,
        figure.width,
        count=figure.count,
        columns=figure.columns,
        kind=kind,
        labelled=bool(figure.labels),
        gap=0 if figure.ink and figure.channels == 1 else 1,
        cells=cells,
    )


def _rows(figure: Picture, grid: Grid, mono: bool, chosen: int | None) -> list[Line]:
    """All lines of the pictures that the grid has a place for."""
    shape = Shape(figure.height, figure.width, figure.channels, figure.ink, grid.down, grid.across, grid.kind, mono)
    pictures = [paint(pixels, shape) for pixels in _pixels(figure)[: grid.rows * grid.columns]]
    if chosen is not None and 0 <= chosen < len(pictures):
        corners = _ASCII_CORNERS if grid.kind == "ascii" else _CORNERS
        pictures[chosen] = _marked(pictures[chosen], corners, "primary" if mono else "corner")
    lines: list[Line] = []
    for first in range(0, len(pictures), grid.columns):
        side_by_side = pictures[first : first + grid.columns]
        lines += [()] * grid.gap if first else []
        lines += map(_beside, zip(*side_by_side, strict=True))
        if figure.labels:
            numbers = range(first, first + len(side_by_side))
            lines.append(_beside([(_label(figure.labels[one], grid.across, one == chosen),) for one in numbers]))
    return lines


def _pixels(figure: Picture) -> list[bytes]:
    """The bytes of each picture."""
    size = figure.height * figure.width * figure.channels
    try:
        values = figure.values()
    except ValueError as problem:
        raise ValueError(f"Picture.pixels is no base64: {problem}") from None
    if len(values) != size * figure.count:
        raise ValueError(f"Picture.pixels is {len(values):,} bytes, not {size * figure.count:,}")
    return [values[at : at + size] for at in range(0, len(values), size)]


def _beside(parts: Sequence[Line]) -> Line:
    """One line of several pictures. Their own spans are merged already; what they have in common is no role at all."""
    gap = Span(" " * GAP)
    pieces = [piece for part in parts for piece in (*part, gap)][:-1]
    return tuple(pieces) if any(role for _, role in pieces) else merged(pieces)


def _label(text: str, width: int, is_chosen: bool) -> Span:
    return Span(pad(safe_line(text), width, "center"), "primary" if is_chosen else "muted")


def _marked(picture: Sequence[Line], corners: Sequence[str], role: str) -> tuple[Line, ...]:
    """The picture with a mark in each of its corners, as far as it has four."""
    if len(picture) < 2:
        return tuple(picture)
    top, bottom = (_between(picture[at], glyphs, role) for at, glyphs in zip((0, -1), corners, strict=True))
    return top, *picture[1:-1], bottom


def _between(line: Line, glyphs: str, role: str) -> Line:
    cells = [Span(character, own) for text, own in line for character in text]
    return merged([Span(glyphs[0], role), *cells[1:-1], Span(glyphs[1], role)]) if len(cells) > 2 else line
