import math

from seqplay.draw import draw_curves, plain
from seqplay.figures import Curve, Curves, Floor

STEPS = tuple(float(step) for step in range(0, 1000, 10))
LOSS = tuple(1.4 + 2.8 / (1 + step / 20) ** 0.7 for step in STEPS)


def drawn(figure, width=60, height=16, **options):
    return [plain(line) for line in draw_curves(figure, width, height, **options)]


def page(figure, width=60, height=16, **options):
    return "\n".join(drawn(figure, width, height, **options))


def cells_of(lines, role):
    """{(column, row)} of the dots drawn in a role."""
    found = set()
    for row, line in enumerate(lines):
        column = 0
        for text, its_role in line:
            for character in text:
                if its_role == role and "\u2800" < character <= "\u28ff":
                    found.add((column, row))
                column += 1
    return found


def row_of(lines, text):
    return next(row for row, line in enumerate(lines) if text in line)


def test_a_small_chart_is_exactly_this():
    figure = Curves((Curve("up", (0.0, 1.0, 2.0, 3.0, 4.0), (0.0, 1.0, 2.0, 3.0, 4.0)),), "steps", title="line")
    assert drawn(figure, 40, 11) == [
        "line",
        "4.00 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈⢀ 4.00 up",
        "     │                     ⢀⡠⠔⠊⠁",
        "     │                  ⣀⠔⠊⠁",
        "     │              ⢀⡠⠒⠉",
        "2.00 ┤┈┈┈┈┈┈┈┈┈┈┈⣀⠤⠊⠁┈┈┈┈┈┈┈┈┈┈┈",
        "     │       ⣀⠤⠒⠉",
        "     │   ⢀⡠⠔⠊",
        "0.00 ┤⡠⠔⠊⠁┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈",
        "     └┴───────────┴────────────┴",
        "      0           2            4 steps",
    ]


def test_an_empty_chart_says_so():
    assert "nothing to draw yet" in page(Curves(()))
    assert "nothing to draw yet" in page(Curves((Curve("loss", (1.0, 2.0), (None, math.nan)),)))


def test_a_waiting_chart_shows_its_floors_over_the_whole_budget():
    lines = drawn(Curves((), "steps", floors=(Floor("gzip", 2.21), Floor("5-gram", 1.56)), x_end=3000.0))
    assert row_of(lines, "2.21 gzip") < row_of(lines, "1.56 5-gram")
    assert "╌╌╌╌" in lines[row_of(lines, "2.21 gzip")]
    assert "2,000" in lines[-1]


def test_the_axis_spans_the_budget_from_the_first_point_on():
    early = Curves((Curve("loss", STEPS[:5], LOSS[:5]),), "steps", x_end=1000.0)
    late = Curves((Curve("loss", STEPS, LOSS),), "steps", x_end=1000.0)
    assert drawn(early)[-1] == drawn(late)[-1]
    assert max(column for column, _ in cells_of(draw_curves(early, 60, 16), "primary")) < 12


def test_name_and_last_value_ride_on_the_head():
    lines = drawn(Curves((Curve("held out", STEPS[:50], LOSS[:50]),), "steps", x_end=1000.0))
    line = lines[row_of(lines, "held out")]
    head = line.index(f"{LOSS[49]:.2f} held out")
    assert "\u2800" < line[head - 2] <= "\u28ff"


def test_the_value_on_the_head_does_not_depend_on_the_size():
    noisy = tuple(loss + (-1) ** number * 0.1 for number, loss in enumerate(LOSS))
    figure = Curves((Curve("train", STEPS, noisy),))
    for width, height in ((40, 10), (80, 24), (200, 60)):
        assert f"{noisy[-1]:.2f} train" in page(figure, width, height)


def test_heads_at_one_height_keep_their_order_in_the_gutter():
    curves = tuple(Curve(name, (0.0, 1.0), (3.0, end)) for name, end in (("b", 1.01), ("c", 1.0), ("a", 1.02)))
    lines = drawn(Curves(curves))
    assert row_of(lines, "1.02 a") < row_of(lines, "1.01 b") < row_of(lines, "1.00 c")


def test_a_floor_keeps_its_row_when_a_head_wants_it_too():
    figure = Curves((Curve("lstm", STEPS, LOSS),), floors=(Floor("5-gram", LOSS[-1] + 0.001),))
    lines = drawn(figure)
    assert lines[row_of(lines, "5-gram")].count("╌") > 10
    assert row_of(lines, "lstm") == row_of(lines, "5-gram") + 1


def test_the_more_important_curve_owns_a_cell_where_two_meet():
    figure = Curves((Curve("a", STEPS, LOSS, "primary"), Curve("b", STEPS, LOSS, "muted")))
    lines = draw_curves(figure, 60, 16)
    assert cells_of(lines, "primary")
    assert not cells_of(lines, "muted")


def test_the_first_plunge_does_not_take_the_rows():
    plunge = Curves((Curve("loss", (0.0, *(step + 10 for step in STEPS)), (90.0, *LOSS)),))
    rows = {row for column, row in cells_of(draw_curves(plunge, 60, 24), "primary")}
    assert "90" not in page(plunge, 60, 24)
    assert len(rows) > 12
    assert 0 in rows  # it comes from above


def test_a_rising_curve_is_seen_whole():
    accuracy = tuple(1 - math.exp(-step / 100) for step in STEPS)
    figure = Curves((Curve("accuracy", STEPS, accuracy),))
    columns = {column for column, _ in cells_of(draw_curves(figure, 60, 16), "primary")}
    assert max(columns) - min(columns) + 1 == len(columns)
    assert "1.00 accuracy" in page(figure)


def test_one_step_that_spikes_is_seen_among_ten_thousand():
    x = tuple(float(step) for step in range(10_000))
    calm = tuple(2.0 + 0.01 * (step % 7) for step in range(10_000))
    spiked = (*calm[:5000], 2.6, *calm[5001:])
    floors = (Floor("top", 2.7),)
    calm_rows, spiked_rows = (
        {row for _, row in cells_of(draw_curves(Curves((Curve("loss", x, y),), floors=floors), 60, 16), "primary")}
        for y in (calm, spiked)
    )
    assert min(spiked_rows) < min(calm_rows) - 2


def test_a_head_that_ran_away_is_named_with_an_arrow():
    x = tuple(float(step) for step in range(200))
    figure = Curves((Curve("gru", x, (1.5,) * 199 + (1.6,)), Curve("rnn", x, (1.7,) * 199 + (1e6,), "run-2")))
    assert "↑1,000,000 rnn" in page(figure)


def test_a_missing_number_leaves_a_gap():
    x = tuple(float(step) for step in range(40))
    whole = Curves((Curve("loss", x, (1.0,) * 40),))
    broken = Curves((Curve("loss", x, (1.0,) * 15 + (None,) * 10 + (1.0,) * 15),))
    missing = cells_of(draw_curves(whole, 60, 16), "primary") - cells_of(draw_curves(broken, 60, 16), "primary")
    assert len(missing) > 8


def test_points_far_apart_are_connected():
    columns = {
        column for column, _ in cells_of(draw_curves(Curves((Curve("a", (0.0, 9.0), (1.0, 2.0)),)), 60, 16), "primary")
    }
    assert len(columns) == max(columns) - min(columns) + 1 > 30


def test_one_point_and_a_constant_are_drawn():
    assert len(cells_of(draw_curves(Curves((Curve("a", (7.0,), (1.5,)),)), 60, 16), "primary")) == 1
    constant = cells_of(draw_curves(Curves((Curve("a", STEPS, (1.5,) * len(STEPS)),)), 60, 16), "primary")
    assert len({row for _, row in constant}) == 1


def test_a_log_axis_leaves_out_what_has_no_logarithm():
    figure = Curves(
        (Curve("rate", (0.0, 1.0, 2.0, 3.0), (0.0, 1e-4, 1e-2, 1.0)),), log_y=True, floors=(Floor("none", 0.0),)
    )
    assert "0.01" in page(figure)
    assert "none" not in page(figure)


def test_time_is_read_as_a_clock():
    seconds = tuple(float(second) for second in range(120))
    assert "1:00" in drawn(Curves((Curve("a", seconds, seconds),), "time"))[-1]


def test_ascii_only_draws_nothing_else():
    figure = Curves(
        (Curve("held out", STEPS, LOSS), Curve("train", STEPS, tuple(y - 0.2 for y in LOSS), "muted")),
        "steps",
        title="a title that is much too long for a chart of this width, so that it is cut",
        floors=(Floor("gzip", 2.21),),
    )
    text = page(figure, ascii_only=True)
    assert text.isascii()
    assert "*" in text
    assert "o" in text


def test_names_from_data_are_safe_and_measured_in_cells():
    figure = Curves((Curve("한국어\x1b[2J", STEPS, LOSS),), "\u202esteps", title="\x07", caption="a\nb")
    text = page(figure)
    assert "한국어␛[2J" in text
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "a⏎b" in text


def test_the_caption_stands_at_the_bottom_right():
    assert drawn(Curves((Curve("a", STEPS, LOSS),), caption="below 5-gram"))[-1] == "below 5-gram".rjust(60)


def test_labels_beside_each_other_are_in_the_order_of_their_values():
    figure = Curves((Curve("b", (0.0, 5.0), (4.0, 2.0)), Curve("a", (0.0, 5.0), (4.0, 2.01))), x_end=20.0)
    lines = drawn(figure)
    assert row_of(lines, "2.01 a") + 1 == row_of(lines, "2.00 b")
    assert lines[row_of(lines, "2.01 a")].index("2.01 a") == lines[row_of(lines, "2.00 b")].index("2.00 b") < 30


def test_labels_that_touch_another_curve_go_to_the_gutter():
    x = tuple(float(step) for step in range(100))
    short = Curve("short", x[:50], tuple(1.0 + step / 100 for step in x[:50]), "muted")
    above = Curve("long", x, tuple(1.002 + step / 100 for step in x))
    lines = drawn(Curves((above, short)), 60, 16)
    label = lines[row_of(lines, "short")]
    assert label.index("1.49 short") > 45


def test_a_label_in_the_row_beside_its_head_is_alone_there():
    x = tuple(float(step) for step in range(100))
    level = Curve("level", x, (1.0,) * 100)
    ends = Curve("ends", x[:50], (1.0,) * 50, "muted")
    rows = [row for row, line in enumerate(drawn(Curves((level, ends)))) if "1.00" in line and "ends" in line]
    lines = drawn(Curves((level, ends)))
    assert all("⠒" not in lines[row][:40] or lines[row].index("ends") > 45 for row in rows)


def test_the_value_of_a_curve_that_goes_on_is_that_at_the_edge_and_an_arrow_says_so():
    figure = Curves((Curve("up", (0.0, 100.0), (0.0, 10.0)),), x_start=0.0, x_end=50.0)
    assert "5.00 up ▸" in page(figure)
    assert "5.00 up >" in page(figure, ascii_only=True)
    assert "▸" not in page(Curves(figure.curves, x_start=0.0, x_end=100.0))


def test_a_part_of_the_axis_shows_only_what_lies_in_it():
    figure = Curves((Curve("loss", STEPS, LOSS), Curve("early", STEPS[:10], LOSS[:10], "muted")), "steps")
    part = Curves(figure.curves, "steps", x_start=400.0, x_end=600.0)
    lines = drawn(part)
    assert "400" in lines[-1]
    assert "600" in lines[-1]
    assert "early" not in "\n".join(lines)
    assert "1.65" not in page(figure)
    assert "1.65" in page(part)


def test_a_part_without_a_curve_says_so():
    assert "nothing to draw yet" in page(Curves((Curve("loss", STEPS, LOSS),), x_start=2000.0, x_end=3000.0))


def test_the_end_of_the_axis_is_named():
    figure = Curves((Curve("a", (0.0, 120.0), (1.0, 2.0)),), "time", x_end=120.0)
    assert "2:00 time" in drawn(figure)[-1]


def test_the_whole_of_a_plunge_is_shown_when_it_is_asked_for():
    steps, losses = (0.0, *(step + 10 for step in STEPS)), (90.0, *LOSS)
    figure = Curves((Curve("loss", steps, losses),))
    assert "  50 ┤" not in page(figure)
    assert "  50 ┤" in page(Curves(figure.curves, whole_y=True))


def test_a_plunge_after_which_nothing_happens_is_shown_whole():
    learned = tuple(1.4 * 0.93**step + 0.001 for step in range(400))
    lines = drawn(Curves((Curve("hello", tuple(map(float, range(400))), learned),)))
    assert any(line.startswith("1.00") for line in lines)
    assert lines[0][6] > "\u2800"


def test_a_dashed_curve_leaves_dots_out_and_keeps_its_head():
    whole, dashed = (
        cells_of(draw_curves(Curves((Curve("a", STEPS, (1.5,) * len(STEPS), "primary", flag),)), 60, 16), "primary")
        for flag in (False, True)
    )
    assert dashed < whole
    assert 0.5 < len(dashed) / len(whole) < 0.9
    assert max(dashed) == max(whole)
    text = page(Curves((Curve("a", STEPS, (1.5,) * len(STEPS), dashed=True),)), ascii_only=True)
    assert "+**.**.**.**" in text


def test_a_thinned_curve_is_drawn_with_the_weight_of_its_points():
    light, heavy = (Curve("a", (0.0, 0.0, 9.0), (1.0, 3.0, 2.0), counts=(count, 1, 1)) for count in (1, 99))
    floors = Floor("low", 0.0), Floor("high", 4.0)
    first = [
        {row for column, row in cells_of(draw_curves(Curves((curve,), floors=floors), 60, 16), "primary") if column < 8}
        for curve in (light, heavy)
    ]
    assert max(first[1]) > max(first[0])
