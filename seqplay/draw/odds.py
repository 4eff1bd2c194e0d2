"""The odds of what comes next: a measured line for each token, and where each would be at temperature 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from seqplay.draw.lines import Line, Span, cut, line_width, merged
from seqplay.draw.numbers import grouped
from seqplay.safe_text import cell_width, fit, pad, safe_line

_NUMBERED = 9  # as many as there are keys
_LEAST_LINE = 4
_MOST_TOKEN = 0.35
_LEGENDS = ("where it is at temperature 1", "at temperature 1", "temperature 1")


@dataclass(frozen=True)
class Odds:
    """A token that may come next: its share `p` as the dials stand, `p1` at temperature 1, and whether it is kept."""

    text: str
    p: float
    p1: float
    kept: bool = True


class _Glyphs(NamedTuple):
    heavy: str
    half: str
    mark: str
    cut: str
    space: str
    about: str


_BOX = _Glyphs("━", "╸", "┃", "╌", "␣", "≈")
_ASCII = _Glyphs("=", "-", "|", "- ", "_", "~")


def draw_odds(
    odds: Sequence[Odds],
    width: int,
    height: int,
    cut_by: str = "",
    bits: float | None = None,
    *,
    ascii_only: bool = False,
) -> list[Line]:
    """The odds, likeliest first, in at most `height` lines of at most `width` cells.

    The kept ones are numbered for the keys 1 to 9. What `cut_by` ("top-p") has cut stands beneath a dashed line, faint.
    `bits` is the entropy of the whole distribution: 2^bits even choices are as uncertain.
    """
    width, height = max(1, width), max(1, height)
    glyphs = _ASCII if ascii_only else _BOX
    has_marks = any(abs(_share(one.p) - _share(one.p1)) > 5e-4 for one in odds)
    foot = _foot(bits, has_marks, width, height, glyphs)
    rows = height - len(foot)
    kept = [number for number, one in enumerate(odds) if one.kept]
    lost = [number for number, one in enumerate(odds) if not one.kept]
    lines = _measured(odds, kept[:rows], width, glyphs, has_marks=has_marks)
    if lost and len(kept) < rows:
        lines.append(_dashes(f"cut by {cut_by}" if cut_by else "cut", width, glyphs))
        lines += _measured(odds, lost[: rows - len(lines)], width, glyphs, has_marks=has_marks)
    return [cut(line, width) for line in (*lines, *foot)]


def _share(p: float) -> float:
    return max(0.0, min(p, 1.0)) if not math.isnan(p) else 0.0


def _measured(
    odds: Sequence[Odds], shown: Sequence[int], width: int, glyphs: _Glyphs, *, has_marks: bool
) -> list[Line]:
    """A line for each of the `shown` ones, in the columns and on the scale of all."""
    texts = [_name(one.text, glyphs) for one in odds]
    percents = [f"{grouped(100 * _share(one.p), 1)} %" for one in odds]
    token_room = min(max(map(cell_width, texts), default=0), max(2, int(width * _MOST_TOKEN)))
    percent_room = max(map(cell_width, percents), default=0)
    room = width - 2 - token_room - 1 - 2 - percent_room
    if room < _LEAST_LINE:
        room = 0
        token_room = max(0, min(token_room, width - 2 - 1 - percent_room))
    most = max((max(_share(one.p), _share(one.p1)) for one in odds), default=0.0) or 1.0
    lines: list[Line] = []
    for key, number in enumerate(shown, start=1):
        one = odds[number]
        quiet = "" if one.kept else "faint"
        digit = str(key) if one.kept and key <= _NUMBERED else " "
        mark = _share(one.p1) / most if has_marks else None
        line = [*_line(_share(one.p) / most, mark, room, quiet, glyphs), Span("  ")] if room else []
        name = Span(f"{digit} ", quiet or "muted"), Span(pad(texts[number], token_room) + " ", quiet)
        lines.append(merged([*name, *line, Span(pad(percents[number], percent_room, "right"), quiet)]))
    return lines


def _name(text: str, glyphs: _Glyphs) -> str:
    return safe_line(text).replace(" ", glyphs.space)


def _line(part: float, mark: float | None, room: int, quiet: str, glyphs: _Glyphs) -> list[Span]:
    """`part` of `room` cells as a heavy line, and an upright one at `mark`."""
    halves = max(round(part * 2 * room), int(part > 0))
    cells = list((glyphs.heavy * (halves // 2) + glyphs.half * (halves % 2)).ljust(room))
    pieces = [Span(cell, quiet or "primary") if cell != " " else Span(cell) for cell in cells]
    if mark is not None:
        pieces[min(room - 1, int(mark * room))] = Span(glyphs.mark, quiet or "muted")
    return list(merged(pieces))


def _dashes(text: str, width: int, glyphs: _Glyphs) -> Line:
    name = fit(safe_line(text), max(0, width - 6))
    dashes = (glyphs.cut * width)[: max(0, width - cell_width(name) - 3)]
    return merged([Span(dashes, "faint"), Span(f" {name} ", "muted"), Span(glyphs.cut[:1], "faint")])


def _foot(bits: float | None, has_marks: bool, width: int, height: int, glyphs: _Glyphs) -> list[Line]:
    lines: list[Line] = []
    if bits is not None and math.isfinite(bits) and height >= 4:
        lines.append(_uncertainty(max(0.0, bits), width, glyphs))
    if has_marks and height >= 9:
        legend = next((text for text in _LEGENDS if cell_width(text) + 2 <= width), "")
        lines += [(Span(glyphs.mark, "muted"), Span(f" {legend}", "muted"))] if legend else []
    return [(), *lines] if lines and height >= 8 else lines


def _uncertainty(bits: float, width: int, glyphs: _Glyphs) -> Line:
    """As much of it as there is room for."""
    choices = round(2 ** min(bits, 60.0))
    number = Span(f"{bits:.1f} bits", "title")
    even = Span(f" {glyphs.about} {choices:,} even choice{'s' * (choices != 1)}", "muted")
    lines: list[Line] = [(Span("uncertainty ", "muted"), number, even), (number, even), (number,)]
    return next((line for line in lines if line_width(line) <= width), lines[-1])
