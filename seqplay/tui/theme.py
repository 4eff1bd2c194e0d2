"""Roles as styles: the playground's own themes, and any theme of Textual's by its own colours."""

from __future__ import annotations

from functools import cache

from rich.style import Style
from textual.theme import Theme

from seqplay.draw.palette import CONTRAST, DARK, LIGHT, Palette, mixed
from seqplay.draw.rich_lines import Styles, role_styles

PALETTES = {"seqplay-dark": DARK, "seqplay-light": LIGHT, "seqplay-contrast": CONTRAST}
DEFAULT = "seqplay-dark"


def themes() -> list[Theme]:
    """The playground's own themes; the colours of runs in each can be told apart by people who are colour-blind."""
    return [
        Theme(
            name=name,
            primary=p.primary,
            secondary=p.secondary,
            accent=p.accent,
            success=p.success,
            warning=p.warning,
            error=p.error,
            foreground=p.foreground,
            background=p.background,
            surface=p.surface,
            panel=p.surface,
            dark=p.is_dark,
        )
        for name, p in PALETTES.items()
    ]


def palette_of(theme: Theme) -> Palette:
    """The colours of a theme; what it leaves out is that of the playground's dark or light one."""
    if theme.name in PALETTES:
        return PALETTES[theme.name]
    base = DARK if theme.dark else LIGHT
    named = {
        name: getattr(theme, name)
        for name in "background foreground surface primary accent secondary success warning error".split()
    }
    return base._replace(**{name: colour for name, colour in named.items() if _is_plain(colour)})


def _is_plain(colour: str | None) -> bool:
    return colour is not None and len(colour) == 7 and colour.startswith("#")


@cache
def styles_of(palette: Palette) -> Styles:
    """The style of every role of a drawing, and of those that only the playground has.

    ">" before a role: the same on the row of the cursor.
    """
    styles = dict(role_styles(palette))
    styles |= {
        "": Style(color=palette.foreground),
        "title": Style(color=palette.foreground, bold=True),
        "key": Style(color=palette.foreground, bold=True),
        "place": Style(color=palette.background, bgcolor=palette.primary, bold=True),
        "initial": Style(color=palette.foreground, underline=True),
        "chosen": Style(color=palette.foreground, bgcolor=mixed(palette.background, palette.primary, 0.35), bold=True),
        "focus": Style(color=mixed(palette.background, palette.primary, 0.75)),
        "copied": Style(color=palette.secondary, underline=True),
        "reading": Style(color=palette.background, bgcolor=palette.primary),
    }
    cursor = Style(bgcolor=mixed(palette.background, palette.primary, 0.18))
    return Styles(palette, styles | {f">{role}": cursor + style for role, style in styles.items()})
