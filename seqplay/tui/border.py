"""The display border of the playground: the last thing that every line of every widget passes.

What is drawn from data is made safe where it is drawn. This is for the rest: what is typed or pasted into a widget of
Textual's, and whatever was forgotten. With NO_COLOR it also takes the colours out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from seqplay.draw.palette import Palette
from seqplay.safe_text import safe_text
from seqplay.tui.theme import styles_of

REVERSED = ("place", "chosen", ">")  # roles whose background says something that nothing else does


class Border(LineFilter):
    """Lets no control character through; with `palette`, which tells the colours in use, no colour either."""

    def __init__(self, palette: Callable[[], Palette] | None = None) -> None:
        super().__init__()
        self.palette = palette

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, as wide as they were."""
        if self.palette is None:
            return [one if is_safe(one.text) else Segment(_safe(one.text), one.style) for one in segments]
        palette = self.palette()
        return [Segment(_safe(text), colourless(style or Style.null(), palette)) for text, style, _ in segments]


def is_safe(text: str) -> bool:
    return safe_text(text, keep="") == text


def _safe(text: str) -> str:
    """The text with what a terminal could obey as blanks that are as wide: most of it is no cell wide, and vanishes."""
    return text if is_safe(text) else "".join(c if is_safe(c) else " " * cell_len(c) for c in text)


@cache
def colourless(style: Style, palette: Palette) -> Style:
    """The style without colours; reverse where the colour behind the text is all that marks it."""
    return Style(
        bold=style.bold,
        italic=style.italic,
        underline=style.underline,
        strike=style.strike,
        reverse=bool(style.reverse) != (style.bgcolor in _marking(palette)) or None,
    )


@cache
def _marking(palette: Palette) -> frozenset[RichColor | None]:
    return frozenset(styles_of(palette)[role].bgcolor for role in REVERSED)
