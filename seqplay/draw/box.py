"""A frame around what is drawn: its title at the top left, what it means at the bottom right.

Where there is little room one titled rule above the content takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from seqplay.draw.lines import Line, Span, cut, line_width, merged, span

_LEAST_CAPTION = 6  # cells in which a shortened caption still says something


class _Frame(NamedTuple):
    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    side: str


_ROUND = _Frame("╭", "╮", "╰", "╯", "─", "│")
_ASCII = _Frame("+", "+", "+", "+", "-", "|")


def boxed(
    lines: Sequence[Line],
    width: int,
    height: int,
    title: str | Line = "",
    caption: str | Line = "",
    role: str = "hairline",
    *,
    compact: bool = False,
    focused: bool = False,
    ascii_only: bool = False,
) -> list[Line]:
    """`height` lines of `width` cells: a rounded frame, and in it as much of `lines` as fits.

    A title that is a text is content, and bold where the box is `focused`, whose frame has the role "focus"; a caption
    is muted. A line of spans keeps its roles. `compact` draws one rule with title and caption above the content, which
    then has the whole width. A page of less than two rows or five columns is content alone.
    """
    frame = _ASCII if ascii_only else _ROUND
    edge = "focus" if focused else role
    head = (span(title, "title" if focused else ""),) if isinstance(title, str) else title
    foot = (span(caption, "muted"),) if isinstance(caption, str) else caption
    if width < 5 or height < 2:
        return _filled(lines, max(0, width), max(0, height))
    if compact:
        rule = _rule("", "", head, foot, width, edge, frame.across)
        return [rule, *_filled(lines, width, height - 1)]
    sides = Span(f"{frame.side} ", edge), Span(f" {frame.side}", edge)
    return [
        _rule(frame.top_left, frame.top_right, head, (), width, edge, frame.across),
        *(merged([sides[0], *line, sides[1]]) for line in _filled(lines, width - 4, height - 2)),
        _rule(frame.bottom_left, frame.bottom_right, (), foot, width, edge, frame.across),
    ]


def _filled(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    """Exactly `height` lines of exactly `width` cells."""
    shown = [cut(line, width) for line in lines[:height]]
    blank: list[Line] = [()] * (height - len(shown))
    return [merged([*line, Span(" " * (width - line_width(line)))]) for line in (*shown, *blank)]


def _rule(begin: str, end: str, head: Line, foot: Line, width: int, edge: str, across: str) -> Line:
    """A rule with `head` in it at the left and `foot` at the right, which is shortened first."""
    room = width - len(begin + end) - 2
    left = _named(cut(head, max(0, room - 2)))
    room -= line_width(left)
    right = _named(cut(foot, max(0, room - 3)) if room - 3 >= min(_LEAST_CAPTION, line_width(foot)) else ())
    between = Span(across * (room - line_width(right)), edge)
    return merged([Span(begin + across, edge), *left, between, *right, Span(across + end, edge)])


def _named(text: Line) -> Line:
    return (Span(" "), *text, Span(" ")) if line_width(text) else ()
