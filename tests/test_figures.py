import dataclasses
import json
import math
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqplay.figures import (
    Bars,
    Column,
    Curve,
    Curves,
    Figure,
    Floor,
    Mark,
    Picture,
    Point,
    Shaded,
    Table,
    Text,
    from_json,
    to_json,
)

EXAMPLES = [
    Text("writes this", "writes now", "step 2,400", prompt="ROMEO: "),
    Shaded(("나", "는", "\n"), (0.5, None, 7.25), 0.0, 8.0, "bits", "surprise", "9 % more"),
    Bars(("gzip", "lstm"), (2.21, None), "nats", "to beat", "caption"),
    Curves(
        (
            Curve("held out", (0.0, 60.0), (4.17, None), dashed=True, counts=(1, 64)),
            Curve("train", (), (), "muted"),
        ),
        "steps",
        "nats",
        "loss",
        "below 5-gram",
        log_y=True,
        floors=(Floor("gzip", 2.21),),
        x_end=3780.0,
        x_start=60.0,
        marks=(Mark(1500.0, "learning rate ÷2"),),
        points=(Point(2400.0, 1.47),),
        cursor=900.0,
        away=(1000.0, 2000.0),
        whole_y=True,
    ),
    Table((Column("run"), Column("held out", "right")), (("lstm", 1.47), ("rnn", None), (7, "x")), "runs", "3 runs"),
    Picture.of(bytes(range(24)), 2, 2, 3, labels=("4", "4→9"), columns=1, title="reads", caption="step 3"),
]


def through_json(figure):
    return from_json(json.loads(json.dumps(to_json(figure), allow_nan=False)))


@pytest.mark.parametrize("figure", EXAMPLES, ids=lambda figure: type(figure).__name__)
def test_a_figure_survives_json(figure):
    assert through_json(figure) == figure


def test_every_kind_of_figure_has_an_example_here():
    assert {type(figure) for figure in EXAMPLES} == set(get_args(Figure))


@pytest.mark.parametrize("figure", EXAMPLES, ids=lambda figure: type(figure).__name__)
def test_figures_are_frozen_and_say_what_they_are(figure):
    row = to_json(figure)
    assert (row["kind"], row["figure"]) == ("figure", type(figure).__name__.lower())
    with pytest.raises(dataclasses.FrozenInstanceError):
        figure.title = "another"


def test_a_number_that_does_not_exist_is_null():
    curves = Curves((Curve("loss", (1.0, 2.0, 3.0), (math.nan, math.inf, 1.0)),))
    assert to_json(curves)["curves"][0]["y"] == [None, None, 1.0]
    assert through_json(curves).curves[0].y == (None, None, 1.0)


def test_whole_numbers_are_read_as_floats_where_floats_are_meant():
    row = to_json(Curves((Curve("loss", (1.0,), (2.0,)),)))
    row["curves"][0] |= {"x": [1], "y": [2]}
    curve = from_json(row).curves[0]
    assert [type(value) for value in (*curve.x, *curve.y)] == [float, float]
    assert type(through_json(EXAMPLES[4]).rows[2][0]) is int


def test_keys_of_the_row_around_a_figure_are_passed_over():
    assert from_json({**to_json(Text("a")), "step": 60, "from_a_newer_seqplay": {}}) == Text("a")


def test_what_has_a_default_may_be_left_out():
    assert from_json({"kind": "figure", "figure": "text", "text": "a"}) == Text("a")


def test_a_chart_of_an_older_seqplay_is_read():
    row = {"kind": "figure", "figure": "curves", "curves": [{"name": "a", "x": [1.0], "y": [2.0], "role": "muted"}]}
    assert from_json(row | {"x_end": None}) == Curves((Curve("a", (1.0,), (2.0,), "muted"),))


def changed(figure, **keys):
    return {**to_json(figure), **keys}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (None, "a figure is an object, not null"),
        ([1], "a figure is an object, not a list"),
        ({"kind": "step"}, 'this row is no figure: its "kind" is not "figure"'),
        (
            {"kind": "figure", "figure": "pie\n"},
            "no figure is named 'pie\\n'; known: bars, curves, picture, shaded, table, text",
        ),
        ({"kind": "figure", "figure": []}, "no figure is named []; known: bars, curves, picture, shaded, table, text"),
        ({"kind": "figure", "figure": "text"}, "text.text is missing"),
        (changed(EXAMPLES[0], text=1), "text.text should be a text, not a number"),
        (changed(EXAMPLES[1], tokens="나는"), "shaded.tokens should be a list, not a text"),
        (changed(EXAMPLES[1], values=[1.0]), "Shaded has 3 tokens but 1 values"),
        (changed(EXAMPLES[2], values=[1.0, "2"]), "bars.values[1] should be a number or null, not a text"),
        (changed(EXAMPLES[2], values=[1.0, True]), "bars.values[1] should be a number or null, not true or false"),
        (
            changed(EXAMPLES[3], curves=[{"name": "a", "x": [None], "y": [1]}]),
            "curves.curves[0].x[0] should be a number, not null",
        ),
        (changed(EXAMPLES[3], curves=[7]), "curves.curves[0] should be an object, not a number"),
        (changed(EXAMPLES[3], log_y=1), "curves.log_y should be true or false, not a number"),
        (changed(EXAMPLES[3], away=[1.0]), "curves.away should be a list of 2, not of 1"),
        (changed(EXAMPLES[3], away="noon"), "curves.away should be a list or null, not a text"),
        (changed(EXAMPLES[3], away=[1.0, "2"]), "curves.away[1] should be a number, not a text"),
        (changed(EXAMPLES[3], marks=[{"x": 1.0}]), "curves.marks[0].name is missing"),
        (
            changed(EXAMPLES[3], curves=[{"name": "a", "x": [1], "y": [1], "counts": [1, 2]}]),
            "Curve has 1 x but 2 counts",
        ),
        (changed(EXAMPLES[3], x_end=10**400), "curves.x_end should be a number or null, not a number"),
        (
            changed(EXAMPLES[4], columns=[{"name": "a", "align": "up"}]),
            "table.columns[0].align should be left or right",
        ),
        (changed(EXAMPLES[5], channels=2), "Picture.channels is 1 or 3, not 2"),
        (changed(EXAMPLES[5], count=10**9), "Picture.count is from 0 to 4,096, not 1000000000"),
        (changed(EXAMPLES[5], height=0), "Picture.height is from 1 to 1,024, not 0"),
        (changed(EXAMPLES[5], labels=["4"]), "Picture has 1 labels but 2 pictures"),
        (changed(EXAMPLES[5], pixels="AAAA"), "Picture.pixels is the base64 of 24 bytes: it has 4 characters"),
        (changed(EXAMPLES[5], pixels="한" * 32), "Picture.pixels is not the base64 of 24 bytes"),
        (changed(EXAMPLES[5], pixels="A" * 31 + "="), "Picture.pixels is not the base64 of 24 bytes"),
        (changed(EXAMPLES[4], rows=[["a"]]), "Table.rows[0] has 1 cells for 2 columns"),
        (changed(EXAMPLES[4], rows=[[[], 1]]), "table.rows[0][0] should be a text or a number or null, not a list"),
    ],
)
def test_a_malformed_figure_is_refused_in_one_line(row, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        from_json(row)


def test_nan_from_a_careless_writer_is_refused():
    with pytest.raises(ValueError, match=r"bars\.values\[0\]"):
        from_json(json.loads('{"kind":"figure","figure":"bars","labels":["a"],"values":[NaN]}'))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from(EXAMPLES), st.data())
def test_any_json_in_any_field_is_a_figure_or_one_line(figure, data):
    row = to_json(figure)
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(JSON)
    refused = ""
    try:
        from_json(row)
    except ValueError as error:
        refused = str(error)
    assert "\n" not in refused
