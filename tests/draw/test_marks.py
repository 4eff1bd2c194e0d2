from dataclasses import replace

from seqplay.draw import draw_curves, plain
from seqplay.figures import Curve, Curves, Mark, Point

STEPS = tuple(float(step) for step in range(100))
LOSS = tuple(1.5 + 1 / (1 + step) for step in STEPS)
CHART = Curves((Curve("loss", STEPS[:50], LOSS[:50]),), "steps", x_start=0.0, x_end=100.0)


def drawn(figure=CHART, width=60, height=16, ascii_only=False, **changes):
    return [plain(line) for line in draw_curves(replace(figure, **changes), width, height, ascii_only=ascii_only)]


def columns(lines, glyph):
    return {column for line in lines for column, character in enumerate(line) if character == glyph}


def roles(glyph, **changes):
    return {role for line in draw_curves(replace(CHART, **changes), 60, 16) for text, role in line if glyph in text}


def tick_column(lines, label):
    return lines[-1].index(label) + (len(label) - 1) // 2


def test_a_mark_is_a_dashed_line_with_its_name_and_a_foot_on_the_axis():
    lines = drawn(marks=(Mark(50.0, "learning rate ÷2"),))
    (column,) = columns(lines, "┊")
    assert lines[-2][column] == "▲"
    assert abs(column - tick_column(lines, "50")) <= 1
    assert lines[0][column : column + 18] == "┊ learning rate ÷2"
    assert roles("┊", marks=(Mark(50.0, ""),)) == roles("▲", marks=(Mark(50.0, ""),)) == {"accent"}


def test_a_name_without_room_at_the_right_stands_at_the_left():
    lines = drawn(marks=(Mark(95.0, "learning rate ÷2"),))
    assert "learning rate ÷2 ┊" in lines[0]


def test_names_do_not_meet_each_other_the_newest_is_kept():
    lines = drawn(marks=tuple(Mark(x, f"change {x:.0f}") for x in (50.0, 55.0, 60.0, 65.0)))
    assert "change 65" in lines[0]
    assert len(columns(lines, "┊")) == len(columns(lines, "▲")) == 4
    named = [name for line in lines for name in ("50", "55", "60") if f"change {name}" in line]
    assert len(named) < 3
    assert sum(line.count("change") for line in lines) == len(named) + 1


def test_of_two_names_that_would_meet_the_newer_one_is_kept():
    lines = drawn(height=2, marks=(Mark(20.0, "a long older change"), Mark(90.0, "a long newer change")))
    assert "newer" in lines[0]
    assert "older" not in lines[0]


def test_a_name_that_would_cover_a_curve_stands_beneath_it():
    high = Curves((Curve("a", (0.0, 1.0, 99.0), (0.0, 4.0, 4.0)),))
    lines = drawn(high, marks=(Mark(50.0, "learning rate ÷2"),))
    assert "learning rate ÷2" in lines[1]
    assert lines[0] == drawn(high)[0]


def test_the_cursor_is_one_line_under_the_curves():
    lines = drawn(cursor=50.0)
    (column,) = columns(lines, "│") - columns(drawn(), "│")
    assert abs(column - tick_column(lines, "50")) <= 1
    through = drawn(cursor=20.0)
    assert all(
        a == b
        for one, two in zip(through, drawn(), strict=True)
        for a, b in zip(one, two, strict=False)
        if "⠁" <= b <= "⣿"
    )
    assert "" in roles("│", cursor=50.0)


def test_what_lies_outside_of_the_axis_is_not_drawn():
    outside = {"marks": (Mark(-5.0, "early"), Mark(101.0, "late")), "cursor": 200.0, "away": (150.0, 160.0)}
    assert drawn(**outside, points=(Point(300.0, 1.5), Point(10.0, 99.0))) == drawn()


def test_the_best_loss_takes_the_place_of_the_head_and_the_label_follows_it():
    for best in (LOSS[49], LOSS[49] + 0.012):  # a head shows the mean of its column
        lines = drawn(points=(Point(49.0, best),))
        assert any("◆ 1.52 loss" in line for line in lines)
    assert roles("◆", points=(Point(49.0, LOSS[49]),)) == {"success"}


def test_a_point_where_the_curve_is_not_stands_in_its_own_place():
    (row,) = (row for row, line in enumerate(drawn(points=(Point(80.0, 1.65),))) if "◆" in line)
    assert row < 8


def test_the_stretch_that_nobody_watched_is_dashed_on_the_axis():
    lines = drawn(away=(25.0, 75.0))
    dashes = columns(lines, "┄")
    assert {line_number for line_number, line in enumerate(lines) if "┄" in line} == {14}
    base = sum(lines[14].count(character) for character in "─┄┴")
    assert abs(len(dashes) - base / 2) <= 2
    assert max(dashes) - min(dashes) + 1 - lines[14][min(dashes) : max(dashes)].count("┴") == len(dashes)


def test_a_stretch_that_began_before_the_view_is_drawn_from_its_edge():
    assert columns(drawn(away=(-50.0, 10.0)), "┄")


def test_everything_has_an_ascii_form():
    lines = drawn(
        ascii_only=True, marks=(Mark(60.0, "slower"),), cursor=80.0, points=(Point(49.0, LOSS[49]),), away=(5.0, 20.0)
    )
    text = "\n".join(lines)
    assert text.isascii()
    assert ": slower" in text
    assert "& 1.52 loss" in text
    assert "^" in lines[-2]
    assert "...." in lines[-2]
