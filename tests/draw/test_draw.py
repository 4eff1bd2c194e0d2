import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from seqplay.draw import draw, plain
from seqplay.figures import Bars, Column, Curve, Curves, Figure, Floor, Mark, Picture, Point, Shaded, Table, Text

WORDS = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("한글👍🏽❤\ufe0f\u200d\u0301\u1100\u1161\n\t \x1b"),
    max_size=12,
)
NUMBERS = st.floats() | st.floats(0, 5)
VALUES = st.none() | NUMBERS


def pairs_of(first, second, most=6):
    return st.lists(st.tuples(first, second), max_size=most).map(
        lambda pairs: tuple(zip(*pairs, strict=True)) or ((), ())
    )


CURVE = st.builds(
    lambda name, points, role, dashed, count: Curve(name, *points, role, dashed, (count,) * len(points[0])),
    WORDS,
    pairs_of(NUMBERS, VALUES, 30),
    st.sampled_from(["primary", "muted", "run-1"]),
    st.booleans(),
    st.integers(-1, 3) | st.just(10**400),
)
CURVES = st.builds(
    Curves,
    st.lists(CURVE, max_size=4).map(tuple),
    WORDS | st.just("time"),
    WORDS,
    WORDS,
    WORDS,
    log_y=st.booleans(),
    floors=st.lists(st.builds(Floor, WORDS, NUMBERS), max_size=3).map(tuple),
    x_end=VALUES,
    x_start=VALUES,
    marks=st.lists(st.builds(Mark, NUMBERS, WORDS), max_size=4).map(tuple),
    points=st.lists(st.builds(Point, NUMBERS, NUMBERS), max_size=2).map(tuple),
    cursor=VALUES,
    away=st.none() | st.tuples(NUMBERS, NUMBERS),
    whole_y=st.booleans(),
)
CELLS = st.none() | WORDS | st.integers() | NUMBERS
TABLES = st.integers(0, 4).flatmap(
    lambda count: st.builds(
        Table,
        st.tuples(*[st.builds(Column, WORDS, st.sampled_from(["left", "right"]))] * count),
        st.lists(st.tuples(*[CELLS] * count), max_size=4).map(tuple),
        WORDS,
        WORDS,
    )
)
OTHERS = (
    st.builds(Text, WORDS, WORDS, WORDS, WORDS)
    | st.builds(lambda pairs, *rest: Bars(*pairs, *rest), pairs_of(WORDS, VALUES), WORDS, WORDS, WORDS)
    | st.builds(
        lambda pairs, *rest: Shaded(*pairs, *rest), pairs_of(WORDS, VALUES), NUMBERS, NUMBERS, WORDS, WORDS, WORDS
    )
    | TABLES
)
WIDTHS = st.integers(1, 300) | st.integers(1, 40)
HEIGHTS = st.integers(1, 60) | st.integers(1, 12)


def check_lines(lines, width):
    for line in lines:
        text = plain(line)
        assert cell_len(text) <= width, ascii(text)
        assert all(character not in text for character in "\n\t\r\x1b\x7f\u2028\u202e")
        assert all(span.text for span in line)


@settings(max_examples=200, deadline=None)
@given(CURVES, WIDTHS, HEIGHTS, st.booleans())
def test_any_curves_fit_into_any_size(figure, width, height, ascii_only):
    lines = draw(figure, width, height, ascii_only=ascii_only)
    assert len(lines) <= height
    check_lines(lines, width)


@settings(max_examples=200, deadline=None)
@given(OTHERS, WIDTHS, st.booleans())
def test_any_figure_fits_into_any_width(figure, width, ascii_only):
    check_lines(draw(figure, width, 10, ascii_only=ascii_only), width)


@pytest.mark.parametrize("height", [1, 2, 3, 5, 8, 24, 60])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 12, 20, 40, 80, 300])
def test_a_real_chart_fits_into_every_size(width, height):
    steps = tuple(float(step) for step in range(300))
    losses = tuple(1.4 + 2.8 / (1 + step / 20) for step in steps)
    curves = Curve("held out 한국어", steps, losses), Curve("train", steps, losses, "muted")
    figure = Curves(
        curves,
        "steps",
        "nats",
        "loss",
        "a caption",
        floors=(Floor("gzip", 2.21),),
        x_end=400.0,
        marks=(Mark(200.0, "learning rate ÷2"), Mark(210.0, "학습률 ÷2")),
        points=(Point(299.0, losses[-1]),),
        cursor=100.0,
        away=(50.0, 90.0),
    )
    lines = draw(figure, width, height)
    assert len(lines) <= height
    check_lines(lines, width)


def test_every_kind_of_figure_can_be_drawn():
    examples = [Text("a"), Shaded((), (), 0, 1), Bars((), ()), Curves(()), Table((), ()), Picture.of(b"\0", 1, 1)]
    assert {type(figure) for figure in examples} == set(get_args(Figure))
    for figure in examples:
        draw(figure, 20, 5)


def test_drawing_imports_neither_rich_nor_numpy_nor_torch():
    code = "import sys, seqplay.draw; sys.exit(bool({'rich', 'numpy', 'torch', 'textual'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
