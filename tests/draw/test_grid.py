import pytest

from seqplay.draw import fit_pictures
from seqplay.draw.art import KINDS


@pytest.mark.parametrize(
    ("width", "height", "rows", "columns"), [(79, 14, 2, 5), (75, 21, 3, 5), (140, 42, 6, 9), (200, 60, 8, 13)]
)
def test_the_playgrounds_panes_have_as_many_digits_as_fit_at_14_by_7_cells(width, height, rows, columns):
    grid = fit_pictures(width, height, 28, 28)
    assert (grid.rows, grid.columns, grid.across, grid.down, grid.kind) == (rows, columns, 14, 7, "quadrant")


def test_one_picture_is_as_large_as_whole_pixels_allow():
    assert fit_pictures(80, 24, 28, 28, count=1)[2:5] == (14, 28, "half")
    assert fit_pictures(60, 30, 28, 28, count=1)[2:5] == (28, 56, "half")
    assert fit_pictures(55, 30, 28, 28, count=1)[2:5] == (14, 28, "half")


def test_pictures_grow_only_as_far_as_all_of_them_fit():
    assert fit_pictures(115, 28, 28, 28, count=8) == (2, 4, 14, 28, "half", False, 0)
    assert fit_pictures(115, 28, 28, 28, count=9)[:4] == (2, 7, 7, 14)


def test_without_a_height_there_are_as_many_rows_as_it_takes():
    assert fit_pictures(80, None, 28, 28, count=16)[:4] == (4, 5, 7, 14)
    assert fit_pictures(80, None, 28, 28, count=2)[:4] == (1, 2, 14, 28)


def test_pictures_of_few_pixels_are_shown_pixel_by_pixel():
    assert fit_pictures(80, None, 8, 8, count=100) == (12, 9, 4, 8, "half", False, 0)


def test_columns_that_are_asked_for_stand_side_by_side_shrunk_where_they_must_be():
    assert fit_pictures(80, None, 28, 28, count=20, columns=10)[:4] == (2, 10, 4, 7)
    assert fit_pictures(200, None, 28, 28, count=20, columns=4)[:4] == (5, 4, 7, 14)
    assert fit_pictures(30, None, 28, 28, count=20, columns=10)[:4] == (10, 2, 7, 14)


def test_a_size_that_is_asked_for_is_kept_where_it_fits():
    assert fit_pictures(80, 24, 28, 28, count=4, cells=(20, 10))[:5] == (2, 3, 10, 20, "quadrant")
    assert fit_pictures(10, 24, 28, 28, count=4, cells=(20, 10))[:4] == (4, 1, 5, 10)


def test_where_nothing_could_be_read_there_is_no_grid():
    assert fit_pictures(6, 3, 28, 28)[2:4] == (3, 6)
    assert fit_pictures(80, 5, 28, 28)[:4] == (1, 7, 5, 10)
    assert fit_pictures(5, 3, 28, 28) is None
    assert fit_pictures(80, 2, 28, 28) is None
    assert fit_pictures(80, 0, 28, 28) is None


def test_the_named_art_decides_how_small_a_picture_is():
    sizes = {kind: fit_pictures(80, 24, 28, 28, kind=kind)[2:5] for kind in KINDS}
    large, small = (14, 28), (7, 14)
    assert sizes == {
        kind: (*(large if kind in ("half", "ascii") else small), kind)
        for kind in ("half", "quadrant", "sextant", "braille", "ascii")
    }


def test_an_unknown_art_is_named():
    with pytest.raises(ValueError, match=r"No kind of art is named 'oil\\x1b'\. Known: auto, half, quadrant"):
        fit_pictures(80, 24, 28, 28, kind="oil\x1b")


def test_a_grid_never_leaves_its_room():
    sides = (1, 2, 3, 5, 8, 13, 20, 40)
    for picture in ((28, 28), (8, 8), (64, 40), (1, 30), (100, 3)):
        for width in sides:
            for height in sides:
                for more in (
                    {},
                    {"count": 3, "labelled": True},
                    {"count": 7, "columns": 2, "gap": 1},
                    {"cells": (9, 4)},
                ):
                    grid = fit_pictures(width, height, *picture, **more)
                    if grid:
                        assert 0 < grid.width <= width
                        assert 0 < grid.height <= height


def test_a_cell_of_the_grid_tells_which_picture_is_there():
    grid = fit_pictures(31, 17, 28, 28, labelled=True, gap=1)
    assert (grid.rows, grid.columns, grid.pitch, grid.width, grid.height) == (2, 2, 9, 29, 17)
    assert [grid.at(x, 0) for x in (-1, 0, 13, 14, 15, 28, 29)] == [None, 0, 0, None, 1, 1, None]
    assert [grid.at(0, y) for y in (-1, 0, 7, 8, 9, 16, 17)] == [None, 0, 0, None, 2, 2, None]
