from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from seqplay.draw import plain
from seqplay.draw.odds import Odds, draw_odds

WARM = (Odds("셨", 0.5, 0.4), Odds(" ", 0.25, 0.25), Odds("\n", 0.05, 0.1, kept=False))


def drawn(odds=WARM, width=40, height=12, *rest, **options):
    return [plain(line) for line in draw_odds(odds, width, height, *rest, **options)]


def test_the_odds_are_exactly_this():
    assert drawn(WARM, 30, 9, "top-p", 2.2) == [
        "1 셨 ━━━━━━━━━━━━━┃━━━  50.0 %",
        "2 ␣  ━━━━━━━━┃          25.0 %",
        "╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ cut by top-p ╌",
        "  ⏎  ━╸ ┃                5.0 %",
        "",
        "2.2 bits ≈ 5 even choices",
        "┃ where it is at temperature 1",
    ]


def test_what_is_cut_is_faint_and_has_no_number():
    lines = draw_odds(WARM, 40, 12)
    cut = next(line for line in lines if "⏎" in plain(line))
    assert {role for text, role in cut if text.strip()} == {"faint"}
    assert plain(cut).startswith("  ")


def test_at_temperature_one_nothing_is_compared():
    text = "\n".join(drawn((Odds("a", 0.7, 0.7), Odds("b", 0.3, 0.3)), 40, 12, "", 1.0))
    assert "┃" not in text
    assert "temperature" not in text
    assert "uncertainty 1.0 bits ≈ 2 even choices" in text


def test_one_even_choice_is_singular():
    assert "≈ 1 even choice" in "\n".join(drawn(bits=0.0))
    assert "choices" not in "\n".join(drawn(bits=0.0))


def test_only_nine_are_numbered():
    lines = drawn([Odds(chr(97 + number), 0.05, 0.05) for number in range(12)], 40, 12)
    assert [line[0] for line in lines] == [*"123456789", " ", " ", " "]


def test_nothing_is_said_to_be_cut_before_all_that_is_kept_is_seen():
    odds = [Odds(str(number), 0.1, 0.1, kept=number < 6) for number in range(9)]
    assert not any("cut" in line for line in drawn(odds, 40, 6, "top-k"))
    assert "cut by top-k" in drawn(odds, 40, 7, "top-k")[-1]


def test_ascii_only_draws_nothing_else():
    assert "".join(
        drawn((Odds("a b", 0.5, 0.4), Odds("c", 0.1, 0.2, kept=False)), 40, 12, "top-k", 2.0, ascii_only=True)
    ).isascii()


WORDS = st.text(st.characters(exclude_categories=()) | st.sampled_from("한글👍🏽\u200d\u0301\n\t \x1b"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.builds(Odds, WORDS, st.floats(), st.floats(0, 1), st.booleans()), max_size=14),
    st.integers(1, 60),
    st.integers(1, 20),
    WORDS,
    st.none() | st.floats(),
    st.booleans(),
)
def test_any_odds_fit_into_any_size(odds, width, height, cut_by, bits, ascii_only):
    lines = drawn(odds, width, height, cut_by, bits, ascii_only=ascii_only)
    assert len(lines) <= height
    for line in lines:
        assert cell_len(line) <= width
        assert not set(line) & set("\n\t\x1b\u202e")
