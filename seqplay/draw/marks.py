"""What a chart says beside its curves: where something was changed, where the viewer points, what nobody watched."""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.canvas import Dots
from seqplay.draw.page import Page
from seqplay.figures import Mark, Point
from seqplay.safe_text import cell_width, safe_line

_ROWS = 2  # at the top, for the names of marks


def draw_lines(page: Page, marks: Sequence[Mark], cursor: float | None) -> list[tuple[int, str]]:
    """The upright lines of marks and cursor, beneath the curves. Returns the marks in sight: column and safe name."""
    canvas, layout, glyphs = page.canvas, page.layout, page.glyphs
    found = [(column, safe_line(mark.name)) for mark in marks if (column := page.column(mark.x)) is not None]
    upright = [(column, glyphs.mark, "accent") for column, _ in found]
    if cursor is not None and (column := page.column(cursor)) is not None:
        upright.append((column, glyphs.cursor, ""))
    for column, glyph, role in upright:
        for row in range(layout.rows):
            canvas.dot(layout.left + column, row, glyph, role)
    if layout.has_base:
        for column, _ in found:
            canvas.dot(layout.left + column, layout.rows, glyphs.marked, "accent")
    return found


def draw_names(page: Page, marks: Sequence[tuple[int, str]], curves: Sequence[Dots], taken: Dots) -> None:
    """The name of each mark beside the top of its line, the newest first; one that finds no free place is left out."""
    lines = {column for column, _ in marks}
    for column, name in sorted(marks, reverse=True):
        cells = cell_width(name)
        for row in range(min(_ROWS, page.layout.rows - 1)):
            begin = next(
                (
                    begin
                    for begin in (column + 2, column - 1 - cells)
                    if name and _is_free(page, curves, taken, lines - {column}, begin, begin + cells, row)
                ),
                None,
            )
            if begin is not None:
                page.canvas.put(page.layout.left + begin - 1, row, f" {name} ", "accent")
                taken.fill(begin - 1, begin + cells + 1, row)
                break


def _is_free(page: Page, curves: Sequence[Dots], taken: Dots, lines: set[int], begin: int, end: int, row: int) -> bool:
    if begin < 1 or end >= page.layout.columns or any(begin - 1 <= line <= end for line in lines):
        return False
    return not any(dots.any_within(begin - 1, end + 1, row) for dots in (*curves, taken))


def draw_points(page: Page, points: Sequence[Point], heads: Sequence[tuple[int, int]], taken: Dots) -> None:
    """A point in its cell, or on the head of a curve that ends there: the curve shows the mean of a column."""
    for point in points:
        column = page.column(point.x)
        if column is None or not page.shows(point.y):
            continue
        row = page.row(point.y)
        row = next((end for at, end in heads if at == column and abs(end - row) <= 1), row)
        page.canvas.dot(page.layout.left + column, row, page.glyphs.point, point.role)
        taken.fill(column, column + 1, row)


def draw_away(page: Page, away: tuple[float, float]) -> None:
    """The stretch of the base line during which nobody watched."""
    layout, scale = page.layout, page.x_scale
    begin, end = (page.column(max(scale.low, min(x, scale.high))) for x in away)
    if not layout.has_base or begin is None or end is None or away[1] < scale.low or away[0] > scale.high:
        return
    for column in range(begin, end + 1):
        page.canvas.dot(layout.left + column, layout.rows, page.glyphs.away, "muted")
