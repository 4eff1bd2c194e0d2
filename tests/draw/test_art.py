from itertools import product

import pytest
from pictures_drawn import gradient, ring, three

from seqplay.draw import Span, art, plain
from seqplay.draw.art import KINDS, Shape, paint
from seqplay.safe_text import cell_width

BLOCKS = ["half", "quadrant", "sextant"]


def drawn(pixels, kind, rows, columns, size=None, channels=1, ink=True, mono=False):
    height, width = size or (rows * KINDS[kind].rows, columns * KINDS[kind].columns)
    return paint(bytes(pixels), Shape(height, width, channels, ink, rows, columns, kind, mono))


def texts(*args, **more):
    return [plain(line) for line in drawn(*args, **more, mono=True)]


def test_every_character_is_one_cell_wide_and_means_one_pattern():
    for name, kind in KINDS.items():
        assert all(cell_width(glyph) == 1 for glyph in kind.glyphs)
        if name != "ascii":
            assert len(set(kind.glyphs)) == len(kind.glyphs) == 1 << kind.rows * kind.columns


def test_the_sextants_are_those_of_unicode():
    glyphs = KINDS["sextant"].glyphs
    assert (glyphs[1], glyphs[20], glyphs[22], glyphs[41], glyphs[43], glyphs[62]) == tuple("🬀🬓🬔🬧🬨🬻")


def test_a_three_in_half_blocks_is_its_very_pixels():
    assert texts(three(), "half", 4, 8) == [" ▄▀▀▀▀▄ ", "   ▄▄▄▀ ", "      █ ", " ▀▄▄▄▄▀ "]


def test_a_three_in_quadrants_sextants_and_braille():
    assert texts(three(), "quadrant", 4, 4) == ["▗▀▀▖", " ▗▄▘", "   ▌", "▝▄▄▘"]
    assert texts(three() + bytes(8), "sextant", 3, 4) == ["🬇🬂🬂🬓", " 🬁🬂🬓", "🬁🬋🬋🬀"]
    assert texts(three(), "braille", 2, 4) == ["⠐⢉⣉⠆", "⠠⣀⣀⠇"]


def test_density_grows_with_ink():
    assert texts([0, 25, 26, 128, 255], "ascii", 1, 5) == ["  .+@"]


def test_half_blocks_have_the_exact_level_of_each_pixel():
    pixels = [0, 255, 170, 85, 255, 0, 85, 170]
    assert drawn(pixels, "half", 1, 4) == ((Span("▄▀", "ink-15/0"), Span("▀▄", "ink-10/5")),)


def test_a_cell_is_the_means_of_its_two_groups_and_its_shape_that_of_more_ink():
    pixels = [0, 0, 255, 255, 255, 0, 0, 255, 0, 0, 255, 255, 85, 0, 0, 204]
    paper, ink = Span(" ", "ink-0/0"), Span("█", "ink-15/15")
    assert drawn(pixels, "quadrant", 1, 4) == ((paper, ink, Span("▘", "ink-15/2"), Span("▐", "ink-14/0")),)


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("pixels", [three(), ring(8), gradient(8, 8)])
def test_the_shape_is_there_with_and_without_colours(kind, pixels):
    pixels = bytes(255 * (value > 127) for value in pixels) + bytes(8)
    rows, columns = 9 // KINDS[kind].rows, 8 // KINDS[kind].columns
    pixels = pixels[: 8 * rows * KINDS[kind].rows]
    coloured = drawn(pixels, kind, rows, columns)
    assert [plain(line) for line in coloured] == texts(pixels, kind, rows, columns)
    assert {role for line in coloured for _, role in line} <= {"ink-15/0", "ink-0/0", "ink-15/15"}


@pytest.mark.parametrize("kind", ["braille", "ascii"])
def test_art_of_one_colour_is_ink_on_paper(kind):
    assert {role for line in drawn(ring(8), kind, 2, 4, (8, 8)) for _, role in line} == {"ink-15/0"}
    assert {role for line in drawn(ring(8), kind, 2, 4, (8, 8), ink=False) for _, role in line} == {"grey-15/0"}


def test_without_colours_brightness_is_as_many_dots():
    quarter = texts(bytes([64]) * 64, "braille", 2, 4, (8, 8), ink=False)
    assert sum((ord(cell) & 0xFF).bit_count() for cell in "".join(quarter)) == 64 / 4
    lines = texts(gradient(16, 64), "braille", 4, 32, (16, 64), ink=False)
    dots = [sum((ord(line[at]) & 0xFF).bit_count() for line in lines if line[at] != " ") for at in range(32)]
    eighths = [sum(dots[at : at + 4]) for at in range(0, 32, 4)]
    assert eighths == sorted(eighths)
    assert eighths[0] < 0.1 * 128 < 0.9 * 128 < eighths[-1]


def test_a_pale_stroke_is_seen_where_a_picture_is_shrunk():
    stroke = (bytes(8) + bytes([210]) * 8) * 2  # every second row: its means are 105
    assert texts(stroke, "half", 1, 8, (4, 8)) == ["████████"]
    assert texts(bytes([105]) * 16, "half", 1, 8) == [" " * 8]


def test_colours_are_drawn_as_they_are():
    assert drawn([255, 0, 0, 0, 0, 255], "half", 1, 1, channels=3) == ((Span("▀", "rgb-f00/00f"),),)
    red, green = [255, 0, 0], [0, 255, 0]
    assert drawn(red + green + red + red, "quadrant", 1, 1, channels=3) == ((Span("▙", "rgb-f00/0f0"),),)
    cyan = [0, 204, 204]  # brighter than red, though red differs most
    assert drawn(red + cyan + red + red, "quadrant", 1, 1, channels=3) == ((Span("▝", "rgb-0cc/f00"),),)
    assert drawn([85, 85, 85] * 4, "quadrant", 1, 1, channels=3) == ((Span(" ", "rgb-555/555"),),)
    assert texts([0, 255, 0, 0, 0, 255], "ascii", 1, 2, channels=3) == ["+."]


@pytest.mark.parametrize("kind", ["quadrant", "sextant"])
def test_no_other_two_groups_of_pixels_would_lose_less(kind):
    size = KINDS[kind].rows * KINDS[kind].columns

    def lost(levels, is_upper):
        groups = [[one for one, upper in zip(levels, is_upper, strict=True) if upper is side] for side in (True, False)]
        return sum((one - sum(group) / len(group)) ** 2 for group in groups for one in group)

    splits = list(product((False, True), repeat=size))
    for levels in list(product((0, 3, 8, 15), repeat=size))[:: 1 if size == 4 else 97]:
        best = min(lost(levels, split) for split in splits)
        assert lost(levels, art._split(levels)) == pytest.approx(best)
