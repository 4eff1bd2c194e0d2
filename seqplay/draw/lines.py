"""What every drawing is made of: lines of spans, each a text with a role.

A role says what a span means, not how it looks: "" (content), "muted", "faint", "hairline", "title", "primary",
"accent", "secondary", "success", "warning", "error", "focus" (a frame), "shade-0" ... "shade-4" (behind a text),
"level-0" ... "level-4" (of a block), "run-1" ... "run-6", "corner" (of the chosen picture). Those of pictures are A on
B: "ink-A/B" in levels from 0, the paper, to 15, the colour of text; "grey-A/B" from 0, black, to 15, white; "rgb-A/B"
in a hexadecimal digit each for red, green and blue. `rich_lines` and the app's theme turn roles into colours.
Text that comes from data enters a span through `span`, which makes it safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from seqplay.safe_text import cell_width, fit, safe_line


class Span(NamedTuple):
    """A piece of one line. Its text holds no control character."""

    text: str
    role: str = ""


Line = tuple[Span, ...]


def span(text: str, role: str = "") -> Span:
    """A span of text from data, made safe and kept on one line."""
    return Span(safe_line(text), role)


def line_width(line: Iterable[Span]) -> int:
    """The cells of a line."""
    return sum(cell_width(piece.text) for piece in line)


def plain(line: Iterable[Span]) -> str:
    """The line without its roles."""
    return "".join(piece.text for piece in line)


def merged(pieces: Iterable[Span]) -> Line:
    """A line in which neighbours of one role are one span."""
    texts: list[list[str]] = []
    roles: list[str] = []
    for text, role in pieces:
        if roles and roles[-1] == role:
            texts[-1].append(text)
        elif text:
            roles.append(role)
            texts.append([text])
    return tuple(Span("".join(parts), role) for parts, role in zip(texts, roles, strict=True))


def cut(line: Line, width: int) -> Line:
    """The line, cut with … where it is wider than `width` cells."""
    if line_width(line) <= width:
        return line
    kept: list[Span] = []
    for text, role in line:
        room = width - line_width(kept)
        if cell_width(text) > room - 1:
            return (*kept, Span(fit(text + " " * width, room), role))
        kept.append(Span(text, role))
    return tuple(kept)


_IN_ASCII = str.maketrans("━╸─—…", "==--~")


def in_ascii(lines: Iterable[Line]) -> list[Line]:
    """The lines with what the drawing itself adds in ASCII; what data says stays."""
    return [tuple(Span(text.translate(_IN_ASCII), role) for text, role in line) for line in lines]


def heading(title: str, width: int, aside: str = "") -> list[Line]:
    """The title's line, followed by a muted `aside` (a unit); nothing where both are empty."""
    pieces = [span(title, "title")] if title else []
    if aside:
        pieces.append(span(f", {aside}" if title else aside, "muted"))
    return [cut(tuple(pieces), width)] if pieces else []


def closing(caption: str, width: int) -> list[Line]:
    """The caption's line, at the right; nothing where it is empty."""
    if not caption:
        return []
    text = fit(safe_line(caption), width)
    return [merged([Span(" " * (width - cell_width(text))), Span(text, "muted")])]


def framed(body: Sequence[Line], title: str, caption: str, width: int, aside: str = "") -> list[Line]:
    """`body` under its title and above its caption."""
    return [*heading(title, width, aside), *body, *closing(caption, width)]
