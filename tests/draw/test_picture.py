import pytest
from hostile import HOSTILE, OBEYED
from pictures_drawn import SIDE, gradient, ring, three
from rich.cells import cell_len

from seqplay.draw import Span, draw, draw_picture, plain
from seqplay.draw.art import KINDS, kept
from seqplay.figures import Picture

RINGS = Picture.of(ring() * 3, SIDE, SIDE)
LABELLED = Picture.of(three() * 3, 8, 8, labels=("한글로 쓴 이름", "3", "three"))


def texts(lines):
    return [plain(line) for line in lines]


def test_pictures_stand_side_by_side_with_a_column_between_and_rows_that_touch():
    figure = Picture.of(three() * 3, 8, 8, columns=2)
    one = [" ▄▀▀▀▀▄ ", "   ▄▄▄▀ ", "      █ ", " ▀▄▄▄▄▀ "]
    assert texts(draw_picture(figure, 17, mono=True)) == [f"{line} {line}" for line in one] + one


def test_brightness_and_colours_have_a_row_between():
    for channels in (1, 3):
        figure = Picture.of(bytes(8 * 8 * channels * 2), 8, 8, channels, ink=False, columns=1)
        assert [len(line) for line in texts(draw_picture(figure, 8))] == [8] * 4 + [0] + [8] * 4


def test_labels_stand_centred_beneath_and_are_cut_to_their_pictures():
    lines = draw_picture(LABELLED, 26, chosen=1)
    assert plain(lines[4]) == "한글로 …    3      three  "
    assert [role for _, role in lines[4]] == ["muted", "", "primary", "", "muted"]


def test_the_chosen_picture_has_marked_corners():
    plainly, marked = (texts(draw_picture(LABELLED, 26, chosen=chosen)) for chosen in (None, 1))
    assert [line[:9] + line[17:] for line in marked[:4]] == [line[:9] + line[17:] for line in plainly[:4]]
    assert [line[9] + line[16] for line in marked[:4]] == ["┌┐", "  ", "  ", "└┘"]
    assert [line[10:16] for line in marked[:4]] == [line[10:16] for line in plainly[:4]]
    corners = [role for text, role in draw_picture(LABELLED, 26, chosen=1)[0] if text in "┌┐"]
    assert corners == ["corner", "corner"]
    assert "++" in {line[9] + line[16] for line in texts(draw_picture(LABELLED, 26, chosen=1, ascii_only=True))}


@pytest.mark.parametrize("chosen", [-1, 3])
def test_a_chosen_number_that_no_picture_has_marks_none(chosen):
    assert draw_picture(LABELLED, 26, chosen=chosen) == draw_picture(LABELLED, 26)


def test_only_whole_rows_are_drawn_into_a_height():
    many = Picture.of(ring() * 12, SIDE, SIDE, title="draws now", caption="step 3")
    lines = texts(draw_picture(many, 29, 17))
    assert len(lines) == 1 + 2 * 7 + 1
    assert (lines[0], lines[-1].strip()) == ("draws now", "step 3")
    assert len(draw_picture(many, 29)) == 1 + 6 * 7 + 1


@pytest.mark.parametrize("mono", [False, True])
@pytest.mark.parametrize("kind", ["auto", *KINDS])
def test_no_size_is_left(kind, mono):
    figures = RINGS, LABELLED, Picture.of(gradient(9, 30) * 3, 9, 10, 3, title="제목 title", caption="a caption")
    for figure in figures:
        for width in (*range(1, 24), 31, 40):
            for height in (None, 1, 2, 5, 12):
                lines = texts(draw_picture(figure, width, height, kind=kind, mono=mono, chosen=0))
                assert all(cell_len(line) <= width for line in lines)
                assert height is None or len(lines) <= height


def test_where_there_is_no_room_one_line_says_so():
    assert draw_picture(RINGS, 5) == [(Span("no r…", "muted"),)]
    assert texts(draw_picture(RINGS, 40, 2)) == ["no room for a picture"]


def test_no_pictures_are_no_lines():
    assert draw_picture(Picture.of(b"", 28, 28), 80) == []


@pytest.mark.parametrize("kind", KINDS)
def test_without_colours_the_same_cells_are_drawn_in_the_colour_of_text(kind):
    coloured, mono = (draw_picture(RINGS, 60, kind=kind, mono=mono) for mono in (False, True))
    assert [len(plain(line)) for line in coloured] == [len(plain(line)) for line in mono]
    assert {role for line in mono for _, role in line} == {""}
    assert {role[:4] for line in coloured for _, role in line} == {"", "ink-"}


def test_a_ring_of_14_by_7_cells_is_round_and_hollow():
    lines = texts(draw_picture(RINGS, 44, mono=True))
    assert len(lines) == 7
    ring_lines = [line[:14] for line in lines]
    assert ring_lines == [line[15:29] for line in lines]
    assert ring_lines[3][6:8] == "  "
    assert all(line.strip() for line in ring_lines[1:6])


def test_ascii_is_ascii():
    lines = draw(LABELLED, 26, 20, ascii_only=True)
    assert all(line.isascii() for line in texts(lines)[:4])
    assert any("@" in line for line in texts(lines))
    assert draw(RINGS, 26, 20, ascii_only=True, kind="sextant") == draw_picture(RINGS, 26, kind="ascii", mono=True)


def test_labels_that_a_terminal_would_obey_are_made_safe():
    figure = Picture.of(
        bytes(28 * 28 * len(HOSTILE)), 28, 28, labels=tuple(HOSTILE), title=HOSTILE[0], caption="\x1b]0;"
    )
    for line in texts(draw_picture(figure, 120)):
        assert not OBEYED.search(line)
        assert cell_len(line) <= 120


@pytest.mark.parametrize("pixels", ["!AAA", "AA=A", "한AAA", "AA==", "A\x1b[m"])
def test_damaged_pixels_are_told_in_one_line(pixels):
    with pytest.raises(ValueError, match=r"^Picture\.pixels is [^\n\x1b]*$"):
        draw_picture(Picture(pixels, 1, 1, 3), 20)


def test_a_picture_once_drawn_is_not_drawn_again():
    draw_picture(RINGS, 60)
    drawn = kept.cache_info().misses
    draw_picture(RINGS, 60, chosen=2)
    assert kept.cache_info().misses == drawn


def test_large_pictures_are_not_kept_in_memory():
    held = kept.cache_info().currsize
    assert len(draw_picture(Picture.of(bytes(200 * 200), 200, 200), 40)) == 20
    assert kept.cache_info().currsize == held
