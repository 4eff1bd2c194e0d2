"""Lines as rich text for a console: the one place where a role becomes a colour outside of the playground.

The colours are those of the playground's own dark and light themes. Text is appended in pieces, never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from seqplay.draw.lines import Line


class _Palette(NamedTuple):
    background: str
    foreground: str
    primary: str
    accent: str
    secondary: str
    success: str
    warning: str
    error: str
    runs: tuple[str, ...]
    muted_share: float
    shade_share: float  # how much of the accent the deepest shade takes: text on it stays readable


_DARK = _Palette(
    "#0f1318", "#d5dbe3", "#6cb2f7", "#f0a45d", "#b79af0", "#62c79c", "#e6c35c", "#ef7078",
    ("#56b4e9", "#ee6c3f", "#f2e394", "#9464ef", "#b9efe0", "#c67f86"), 0.62, 0.48,
)  # fmt: skip
_LIGHT = _Palette(
    "#fbfaf7", "#20262d", "#1f6fbf", "#b4590a", "#7347c2", "#16805a", "#8f6a00", "#bf2f3a",
    ("#1f6fbf", "#c43a10", "#17224d", "#c02a83", "#4a1f0c", "#6a33d6"), 0.70, 0.62,
)  # fmt: skip


def to_rich(lines: Iterable[Line], *, dark: bool = True) -> Text:
    """The lines as one rich text, without a newline at its end. Content has the terminal's own colour."""
    styles = role_styles(dark)
    text = Text(no_wrap=True, overflow="crop", end="")
    for number, line in enumerate(lines):
        text.append("\n" if number else "")
        for piece, role in line:
            text.append(piece, styles[role])
    return text


@cache
def role_styles(dark: bool = True) -> dict[str, Style]:
    """The style of each role on a dark or a light background."""
    palette = _DARK if dark else _LIGHT
    styles = {
        "": Style.null(),
        "title": Style(bold=True),
        "muted": Style(color=_mixed(palette.background, palette.foreground, palette.muted_share)),
        "faint": Style(color=_mixed(palette.background, palette.foreground, 0.40)),
        "hairline": Style(color=_mixed(palette.background, palette.foreground, 0.17)),
    }
    for role in ("primary", "accent", "secondary", "success", "warning", "error"):
        styles[role] = Style(color=getattr(palette, role))
    for number, colour in enumerate(palette.runs, start=1):
        styles[f"run-{number}"] = Style(color=colour)
    for level in range(5):
        share = palette.shade_share * level / 4
        shade = _mixed(palette.background, palette.accent, share)
        # The deepest shade is bold, so that it is seen without colour too.
        styles[f"shade-{level}"] = (
            Style(color=palette.foreground, bgcolor=shade, bold=level == 4) if level else Style.null()
        )
    return styles


def _mixed(below: str, above: str, share: float) -> str:
    """The colour of `above` laid over `below` with the opacity `share`."""
    channels = (
        round(int(below[at : at + 2], 16) * (1 - share) + int(above[at : at + 2], 16) * share) for at in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)
