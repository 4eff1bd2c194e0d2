from seqplay.draw import Span, draw_table, plain
from seqplay.figures import Column, Table

TABLE = Table(
    (Column("run"), Column("text"), Column("held out"), Column("parameters"), Column("started", "right")),
    (
        ("shakespeare-lstm", "plays.txt", 1.47, 1115394, "now"),
        ("한국어-소설", "소설.txt", 13.914, 90000, "today"),
        ("digits", "digits", None, 12.5, "Tue"),
    ),
)


def drawn(figure, width):
    return [plain(line) for line in draw_table(figure, width)]


def test_numbers_are_grouped_and_aligned_on_their_points():
    assert drawn(TABLE, 80) == [
        "run               text       held out   parameters  started",
        "shakespeare-lstm  plays.txt     1.470  1,115,394        now",
        "한국어-소설       소설.txt     13.914     90,000      today",
        "digits            digits            —         12.5      Tue",
    ]


def test_columns_are_dropped_from_the_right():
    assert drawn(TABLE, 50)[1] == "shakespeare-lstm  plays.txt     1.470  1,115,394"
    assert drawn(TABLE, 40)[1] == "shakespeare-lstm  plays.txt     1.470"
    assert drawn(TABLE, 16)[1:3] == ["shakespeare-lstm", "한국어-소설"]


def test_the_last_column_left_is_cut():
    assert drawn(TABLE, 6) == ["run", "shake…", "한국…", "digits"]


def test_long_texts_are_cut_before_a_column_is_dropped():
    table = Table((Column("run"), Column("source"), Column("loss")), (("lstm", "a very long path to a text.txt", 1.5),))
    assert drawn(table, 30)[1] == "lstm  a very long path …   1.5"


def test_the_header_is_muted_and_content_is_not():
    header, row = draw_table(Table((Column("a"), Column("b")), (("x", None),)), 20)
    assert header == (Span("a", "muted"), Span("  "), Span("b", "muted"))
    assert row == (Span("x  "), Span("—", "muted"))


def test_a_table_without_rows_or_columns_is_drawn():
    assert drawn(Table((Column("run"),), ()), 20) == ["run"]
    assert drawn(Table((), ()), 20) == []


def test_cells_from_data_are_safe():
    assert drawn(Table((Column("a\x1b"),), (("b\nc",),)), 20) == ["a␛", "b⏎c"]
