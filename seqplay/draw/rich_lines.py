"""Lines as rich text for a console: the one place where a role becomes a colour outside of the playground.

Text is appended in pieces, never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from rich.style import Style
from rich.text import Text

from seqplay.draw.lines import Line
from seqplay.draw.palette import DARK, Palette, mixed


def to_rich(lines: Iterable[Line], palette: Palette = DARK) -> Text:
    """The lines as one rich text, without a newline at its end. Content has the terminal's own colour."""
    styles = role_styles(palette)
    text = Text(no_wrap=True, overflow="crop", end="")
    for number, line in enumerate(lines):
        text.append("\n" if number else "")
        for piece, role in line:
            text.append(piece, styles[role])
    return text


@cache
def role_styles(palette: Palette = DARK) -> dict[str, Style]:
    """The style of each role on the background of a palette."""
    styles = {
        "": Style.null(),
        "title": Style(bold=True),
        "muted": Style(color=mixed(palette.background, palette.foreground, palette.muted)),
        "faint": Style(color=mixed(palette.background, palette.foreground, 0.40)),
        "hairline": Style(color=mixed(palette.background, palette.foreground, palette.hairline)),
    }
    for role in ("primary", "accent", "secondary", "success", "warning", "error"):
        styles[role] = Style(color=getattr(palette, role))
    styles["focus"] = Style(color=mixed(palette.background, palette.primary, 0.75))
    for number, colour in enumerate(palette.runs, start=1):
        styles[f"run-{number}"] = Style(color=colour)
    for level in range(5):
        share = palette.shade * level / 4
        shade = mixed(palette.background, palette.accent, share)
        # The deepest shade is bold, so that it is seen without colour too.
        styles[f"shade-{level}"] = (
            Style(color=palette.foreground, bgcolor=shade, bold=level == 4) if level else Style.null()
        )
        styles[f"level-{level}"] = Style(color=mixed(palette.background, palette.accent, 0.4 + 0.15 * level))
    return styles
