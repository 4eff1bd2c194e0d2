"""Lines as rich text for a console: the one place where a role becomes a colour outside of the playground.

Text is appended in pieces, never read as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

from rich.console import Console
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


class Styles(dict[str, Style]):
    """A style for each role; those of pictures, of which there are very many, are made when they are asked for."""

    def __init__(self, palette: Palette, styles: Mapping[str, Style]) -> None:
        super().__init__(styles)
        self.palette = palette

    def __missing__(self, role: str) -> Style:
        return _picture_style(self.palette, role)


def has_shades(console: Console) -> bool:
    """Whether a console can show the shades of grey of a picture: with 16 colours they would be any colour."""
    return not console.no_color and console.color_system in ("256", "truecolor")


@cache
def role_styles(palette: Palette = DARK) -> Styles:
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
    styles["corner"] = Style(color=palette.primary, bgcolor=palette.surface)
    return Styles(palette, styles)


@lru_cache(maxsize=1 << 13)
def _picture_style(palette: Palette, role: str) -> Style:
    """The style of "ink-A/B", "grey-A/B" or "rgb-A/B": A on B. Raises KeyError for every other role."""
    kind, _, colours = role.partition("-")
    above, _, below = colours.partition("/")
    ends = {"ink": (palette.surface, palette.foreground), "grey": ("#000000", "#ffffff")}
    if kind not in (*ends, "rgb") or not below:
        raise KeyError(role)
    if kind == "rgb":
        return Style(color=_doubled(above), bgcolor=_doubled(below))
    dark, bright = ends[kind]
    front, back = (_greyed(mixed(dark, bright, int(level) / 15)) for level in (above, below))
    return Style(color=front, bgcolor=back)


def _greyed(colour: str) -> str:
    """A colour that is nearly grey as one that is grey with 256 colours too, where rich would make it blue or yellow.

    rich takes for grey what has less than 15 % of saturation.
    """
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    middle, spread = (max(channels) + min(channels)) / 2, max(channels) - min(channels)
    room = 2 * min(middle, 255 - middle)
    if not 0.15 * room <= spread < 0.25 * room:
        return colour
    share = max(0, int(0.15 * room - 1)) / spread
    return "#" + "".join(f"{round(middle + (value - middle) * share):02x}" for value in channels)


def _doubled(colour: str) -> str:
    return "#" + "".join(2 * digit for digit in colour)
