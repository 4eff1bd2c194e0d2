import io

import pytest
from rich.console import Console

from seqplay.draw import Span, span
from seqplay.draw.palette import CONTRAST, DARK, LIGHT
from seqplay.draw.rich_lines import role_styles, to_rich

ROLES = ["", "title", "muted", "faint", "hairline", "primary", "accent", "secondary", "success", "warning", "error"]
ROLES += [f"shade-{level}" for level in range(5)] + [f"run-{number}" for number in range(1, 7)]
ROLES += ["focus"] + [f"level-{level}" for level in range(5)]


@pytest.mark.parametrize("palette", [DARK, LIGHT, CONTRAST])
def test_every_role_has_a_style(palette):
    assert set(role_styles(palette)) == set(ROLES)


def test_markup_in_data_is_never_parsed():
    hostile = "[/] [bold]x[/bold] [@click=app.quit]y [link=file:///]z"
    assert to_rich([(span(hostile),)]).plain == hostile


def test_lines_stay_lines_and_a_role_becomes_its_style():
    text = to_rich([(Span("a", "primary"), Span("b")), (), (Span("c"),)])
    assert text.plain == "ab\n\nc"
    assert text.spans[0].style == role_styles()["primary"]


def test_without_colour_the_deepest_shade_is_still_seen():
    out = io.StringIO()
    Console(file=out, force_terminal=True, no_color=True, width=20).print(
        to_rich([(Span("x", "shade-4"), Span("y", "shade-1"))])
    )
    assert "\x1b[1mx" in out.getvalue()
    assert "48;" not in out.getvalue()
