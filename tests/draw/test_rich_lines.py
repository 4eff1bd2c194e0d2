import io

import pytest
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.style import Style

from seqplay.draw import Span, span
from seqplay.draw.palette import CONTRAST, DARK, LIGHT
from seqplay.draw.rich_lines import has_shades, role_styles, to_rich

ROLES = ["", "title", "muted", "faint", "hairline", "primary", "accent", "secondary", "success", "warning", "error"]
ROLES += [f"shade-{level}" for level in range(5)] + [f"run-{number}" for number in range(1, 7)]
ROLES += ["focus", "corner"] + [f"level-{level}" for level in range(5)]


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


def brightness(colour):
    red, green, blue = colour.get_truecolor()
    return 0.299 * red + 0.587 * green + 0.114 * blue


def shades(palette, paint="ink"):
    return [role_styles(palette)[f"{paint}-{level}/0"].color for level in range(16)]


@pytest.mark.parametrize("palette", [DARK, LIGHT, CONTRAST])
def test_ink_goes_from_the_paper_to_the_colour_of_text(palette):
    style = role_styles(palette)["ink-15/0"]
    ends = (Color.parse(palette.foreground), style.color), (Color.parse(palette.surface), style.bgcolor)
    assert all(abs(a - b) <= 4 for one, other in ends for a, b in zip(one.triplet, other.triplet, strict=True))


@pytest.mark.parametrize(("palette", "is_dark"), [(DARK, True), (LIGHT, False), (CONTRAST, True)])
@pytest.mark.parametrize("system", [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT])
def test_more_ink_is_brighter_on_a_dark_theme_and_darker_on_a_light_one(palette, is_dark, system):
    levels = [brightness(shade.downgrade(system)) for shade in shades(palette)]
    assert levels == sorted(set(levels), reverse=not is_dark)


@pytest.mark.parametrize("palette", [DARK, LIGHT, CONTRAST])
def test_256_colours_show_ink_in_greys(palette):
    for shade in shades(palette):
        channels = shade.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        assert max(channels) - min(channels) == 0


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_brightness_and_colours_are_the_same_on_every_theme(palette):
    styles = role_styles(palette)
    assert [shade.name for shade in shades(palette, "grey")][::15] == ["#000000", "#ffffff"]
    assert styles["rgb-f80/08f"] == Style(color="#ff8800", bgcolor="#0088ff")
    assert (styles["grey-15/0"].color.name, styles["grey-15/0"].bgcolor.name) == ("#ffffff", "#000000")


def test_a_paper_of_a_strong_colour_keeps_it():
    solarized = LIGHT._replace(surface="#eee8d5")
    assert role_styles(solarized)["ink-0/0"].bgcolor.name == "#eee8d5"


@pytest.mark.parametrize("role", ["inc-1/2", "pink", "ink"])
def test_a_role_that_does_not_exist_is_an_error(role):
    with pytest.raises(KeyError):
        role_styles()[role]


@pytest.mark.parametrize(
    ("system", "no_color", "has"),
    [
        ("truecolor", False, True),
        ("256", False, True),
        ("standard", False, False),
        (None, False, False),
        ("256", True, False),
    ],
)
def test_16_colours_and_no_color_have_no_shades(system, no_color, has):
    assert has_shades(Console(file=io.StringIO(), color_system=system, no_color=no_color)) is has
