from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from seqplay.draw import plain
from seqplay.draw.dials import Dial, draw_dials, slider

DIALS = (
    Dial("t", "temperature", 0.4, "0.80"),
    Dial("k", "top-k", 1.0, "off"),
    Dial("e", "seed", None, "new each time"),
)


def drawn(dials=DIALS, width=40, in_hand="", **options):
    return [plain(line) for line in draw_dials(dials, width, in_hand, **options)]


def test_dials_are_exactly_this():
    assert drawn() == [
        "t temperature  ━━━━━━━●───────────  0.80",
        "k top-k        ━━━━━━━━━━━━━━━━━━●   off",
        "e seed                     new each time",
    ]


def test_the_dial_in_hand_stands_out():
    lines = draw_dials(DIALS, 40, "k")
    assert {role for text, role in lines[1] if text.strip()} == {"primary"}
    assert "primary" not in {role for _, role in (*lines[0], *lines[2])}


def test_a_knob_is_at_the_ends_for_none_and_all_of_it():
    assert plain(slider(0.0, 5)) == "●────"
    assert plain(slider(7.0, 5)) == "━━━━●"
    assert plain(slider(0.5, 5, ascii_only=True)) == "==o--"
    assert slider(0.5, 0) == []


def test_without_room_the_lines_are_left_out_before_the_values():
    assert drawn(DIALS, 20) == ["t temperature   0.80", "k top-k          off", "e seed new each time"]
    assert drawn(DIALS, 12)[0] == "t temp… 0.80"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(Dial, st.text(max_size=2), st.text(max_size=9), st.none() | st.floats(), st.text(max_size=9)),
        max_size=5,
    ),
    st.integers(1, 60),
    st.booleans(),
)
def test_any_dials_fit_into_any_width(dials, width, ascii_only):
    for line in drawn(dials, width, dials[0].key if dials else "", ascii_only=ascii_only):
        assert cell_len(line) <= width
        assert not set(line) & set("\n\t\x1b\u202e")
