"""Curves in a terminal: connected braille lines, their names and last values on their heads, yardsticks across.

Every series is first reduced to what one pixel column can show, and the rest works on those few hundred numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from seqplay.draw.canvas import Canvas, Dots
from seqplay.draw.labels import Label, draw_labels
from seqplay.draw.lines import Line, Span, closing, heading, in_ascii, merged
from seqplay.draw.marks import draw_away, draw_lines, draw_names, draw_points
from seqplay.draw.numbers import reading
from seqplay.draw.page import ASCII, BOX, Layout, Page, lay_out
from seqplay.draw.ranges import x_range, y_range
from seqplay.draw.reduce import Reduced, Series, drawable, in_order, last, reduce, within
from seqplay.draw.scale import Tick, clock_ticks, ticks
from seqplay.figures import Curve, Curves
from seqplay.safe_text import cell_width, fit, safe_line

_SPIKE = 6  # an extreme this many usual spreads from its mean is drawn: a spike is news
_ASCII_CURVES = "*ox+#@"


def draw_curves(figure: Curves, width: int, height: int, *, ascii_only: bool = False) -> list[Line]:
    """The chart in at most `height` lines of at most `width` cells, with title and caption where there is room.

    `ascii_only` draws with ASCII characters alone, except for what data says.
    """
    width, height = max(1, width), max(1, height)
    glyphs = ASCII if ascii_only else BOX
    title = heading(figure.title, width, figure.y_label) if height >= 5 else []
    caption = closing(figure.caption, width) if height >= 6 else []
    rows = height - len(title) - len(caption)
    whole = [_series(curve) for curve in figure.curves]
    x_scale = x_range([series.x for series in whole], figure.x_end, figure.x_start)
    points = whole
    if drawable(figure.x_start):
        points = [within(series, x_scale.low, x_scale.high) for series in whole]
    values = [last(series.y) for series in points]
    floors = [floor for floor in figure.floors if drawable(floor.y, positive=figure.log_y)]
    across = 1 if ascii_only else 2

    def reduced(columns: int) -> list[list[Reduced | None]]:
        ends = x_scale.low, x_scale.high, columns * across
        return [reduce(series, *ends, positive=figure.log_y) for series in points]

    def layout_for(y_ticks: Sequence[Tick]) -> tuple[Layout, list[str], list[str]]:
        decimals = max([2, *(len(tick.label.partition(".")[2]) for tick in y_ticks if "e" not in tick.label)])
        names = [_named(value, curve.name, decimals) for value, curve in zip(values, figure.curves, strict=True)]
        names = [
            f"{name} {glyphs.beyond}" if name and series.x[-1] > x_scale.high else name
            for name, series in zip(names, whole, strict=True)
        ]
        yardsticks = [_named(floor.y, floor.name, decimals) for floor in floors]
        return lay_out(width, rows, y_ticks, [*names, *yardsticks]), names, yardsticks

    # Labels decide the columns, these the range, and that the labels: a first guess is nearly always right.
    guess, _, _ = layout_for(())
    series = reduced(guess.columns)
    if not floors and not any(series):
        return [*title, *_nothing(width, rows), *caption]
    y_scale = y_range(series, [floor.y for floor in floors], figure.log_y, rows, whole=figure.whole_y)
    y_ticks = ticks(y_scale, max(1, rows / 4.5), decimals=2)
    layout, names, yardsticks = layout_for(y_ticks)
    if layout.columns != guess.columns:
        series = reduced(layout.columns)

    canvas = Canvas(width, rows)
    page = Page(canvas, layout, glyphs, x_scale, y_scale, across)
    _draw_axes(page, y_ticks, figure.x_label)
    if figure.away:
        draw_away(page, figure.away)
    labels = [
        Label(layout.columns, page.row(floor.y), floor.y, name, "muted")
        for floor, name in zip(floors, yardsticks, strict=True)
        if layout.gutter and page.shows(floor.y)
    ]
    for label in labels:
        canvas.repeat(layout.left, label.row, glyphs.floor, "faint", layout.columns)
    marks = draw_lines(page, figure.marks, figure.cursor)
    dots = [_dots(page, one, curve.dashed) for one, curve in zip(series, figure.curves, strict=True)]
    _draw_dots(page, dots, [curve.role for curve in figure.curves])
    heads = [
        _head(page, one, value, name, curve.role, number)
        for number, (one, value, name, curve) in enumerate(zip(series, values, names, figure.curves, strict=True))
        if any(one) and value is not None
    ]
    taken = Dots(layout.columns, layout.rows)
    draw_points(page, figure.points, [(head.column, head.row) for head in heads], taken)
    draw_names(page, marks, dots, taken)
    draw_labels(page, dots, taken, heads, labels)
    lines = [*title, *canvas.lines(), *caption]
    return in_ascii(lines) if ascii_only else lines


def _series(curve: Curve) -> Series:
    counts = curve.counts if curve.counts and min(curve.counts) > 0 and max(curve.counts) < 1 << 53 else ()
    return in_order(Series(curve.x, curve.y, counts))


def _nothing(width: int, rows: int) -> list[Line]:
    text = fit("nothing to draw yet", width)
    middle = merged([Span(" " * ((width - cell_width(text)) // 2)), Span(text, "muted")])
    return [*[()] * ((rows - 1) // 2), middle]


def _named(value: float | None, name: str, decimals: int) -> str:
    return "" if value is None else f"{reading(value, decimals)} {safe_line(name)}".rstrip()


def _draw_axes(page: Page, y_ticks: Sequence[Tick], x_label: str) -> None:
    canvas, layout, glyphs = page.canvas, page.layout, page.glyphs
    axis = layout.left - 1
    for row in range(layout.rows):
        canvas.put(axis, row, glyphs.axis, "hairline")
    for tick in y_ticks if layout.rows > 2 else ():
        row = page.row(tick.value)
        canvas.repeat(layout.left, row, glyphs.grid, "hairline", layout.columns)
        if axis > 0:
            canvas.put(axis, row, glyphs.axis_tick, "hairline")
            canvas.put(axis - 1 - len(tick.label), row, tick.label, "muted")
    if layout.has_base:
        canvas.put(axis, layout.rows, glyphs.corner, "hairline")
        canvas.repeat(layout.left, layout.rows, glyphs.base, "hairline", layout.columns)
        _draw_x_ticks(page, x_label)


def _draw_x_ticks(page: Page, x_label: str) -> None:
    canvas, layout, scale = page.canvas, page.layout, page.x_scale
    end = layout.left + layout.columns
    name = fit(safe_line(x_label), max(0, canvas.width - layout.left - 2))
    room = cell_width(name)
    name_at = end + 1 if room < layout.gutter else canvas.width - room
    canvas.put(name_at, layout.rows + 1, name, "muted")
    limit = name_at - 1 if name else canvas.width
    free_from = 0
    marks = clock_ticks if x_label == "time" and scale.high - scale.low >= 4 else ticks
    for tick in marks(scale, layout.columns / 12):
        column = layout.left + round(scale.at(tick.value) * (layout.columns - 1))
        if not layout.left <= column < end:
            continue
        canvas.put(column, layout.rows, page.glyphs.base_tick, "hairline")
        begin = max(0, min(column - (len(tick.label) - 1) // 2, limit - len(tick.label)))
        if free_from <= begin <= column < begin + len(tick.label) + 1:
            canvas.put(begin, layout.rows + 1, tick.label, "muted")
            free_from = begin + len(tick.label) + 2


def _dots(page: Page, series: Sequence[Reduced | None], dashed: bool) -> Dots:
    dots = Dots(page.layout.columns, page.layout.rows, braille=page.across > 1, dashed=dashed)
    spreads = sorted(point.high - point.low for point in series if point)
    news = spreads[len(spreads) // 2] / 2 * _SPIKE if spreads else 0.0
    before: tuple[int, float] | None = None
    for point in series:
        if point is None:
            before = None
            continue
        here = point.column, page.pixel(point.mean)
        dots.line(*(before or here), *here)
        for extreme in (point.low, point.high):
            if abs(extreme - point.mean) > news:
                dots.line(*here, point.column, page.pixel(extreme))
        before = here
    if before:
        dots.point(before[0], math.floor(before[1] + 0.5))  # a head is seen in a dashed curve too
    return dots


def _draw_dots(page: Page, curves: Sequence[Dots], roles: Sequence[str]) -> None:
    """Where two curves meet, the more important one owns the cell."""
    left, dot = page.layout.left, page.canvas.dot
    for number in reversed(range(len(curves))):
        ascii_glyph, role = _ASCII_CURVES[number % len(_ASCII_CURVES)], roles[number]
        for column, row, bits in curves[number].cells():
            dot(left + column, row, chr(0x2800 + bits) if page.across > 1 else ascii_glyph, role)


def _head(page: Page, series: Sequence[Reduced | None], value: float, name: str, role: str, curve: int) -> Label:
    end = next(point for point in reversed(series) if point)
    above = page.y_scale.at(end.mean) > 1
    return Label(end.column // page.across, page.row(end.mean), value, name, role, above, curve)
