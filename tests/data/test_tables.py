"""One column of a table is its text, a line a row; what is no such table is one clear error."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.data import tables
from seqplay.data.built_in import sample_texts
from seqplay.data.passages import cached_text
from seqplay.data.texts import read_sources
from seqplay.errors import DataError, UsageError

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
CELL = st.text(
    st.sampled_from(list("ab가,;'\"\n\r😀 \\\u2028\x0b\x85")) | st.characters(exclude_categories=["Cs"]), max_size=8
).map(lambda cell: cell.replace("\0", ""))


@pytest.fixture(autouse=True)
def widest() -> Iterator[None]:
    """The limit of the csv module is everybody's: each test leaves it as it was."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


def column(table: str, name: str = "text", block: int = 1 << 20) -> str:
    """A column of a table that comes in blocks."""
    blocks = [table[start : start + block] for start in range(0, len(table), block)]
    return "".join(tables.column(blocks, name, "novel.csv"))


def refusal(table: str, name: str = "text") -> str:
    with pytest.raises(DataError) as refused:
        column(table, name)
    return str(refused.value)


# -- with tabs


def test_with_a_tab_in_the_header_fields_lie_between_tabs() -> None:
    table = "text\tlabel\nthe cat, sat\tgood\n나는\tbad\n"
    assert column(table) == "the cat, sat\n나는\n"
    assert column(table, "label") == "good\nbad\n"


def test_with_tabs_a_quote_is_a_letter() -> None:
    assert column('text\tlabel\n"It\'s" he said\t1\n"\t2\n""\t3\n') == '"It\'s" he said\n"\n""\n'


@THOROUGH
@given(rows=st.lists(st.tuples(CELL, CELL)), block=st.integers(1, 30), ending=st.sampled_from(["\n", "\r\n"]))
def test_with_tabs_each_field_comes_as_it_is(rows: list[tuple[str, str]], block: int, ending: str) -> None:
    rows = [(a.translate({13: None, 10: None, 9: None}), b.translate({13: None, 10: None, 9: None})) for a, b in rows]
    table = ending.join(["label\ttext", *("\t".join(row) for row in rows)])
    assert column(table, block=block) == "".join(b + "\n" for _, b in rows)


# -- with commas


def test_with_commas_a_field_may_be_quoted() -> None:
    table = 'text,label\n"the cat, ""sat"" on\nthe mat",1\nplain,2\n"",3\n'
    assert column(table) == 'the cat, "sat" on\nthe mat\nplain\n\n'
    assert column(table, "label") == "1\n2\n3\n"


@THOROUGH
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL)),
    block=st.integers(1, 30),
    place=st.integers(0, 2),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_with_commas_what_the_csv_module_wrote_comes_back(
    rows: list[tuple[str, str, str]], block: int, place: int, ending: str
) -> None:
    """Line breaks of every kind inside of quotes too."""
    written = io.StringIO()
    csv.writer(written, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    assert column(written.getvalue(), "abc"[place], block) == "".join(row[place] + "\n" for row in rows)


def test_line_breaks_inside_of_quotes_stay_as_they_are() -> None:
    assert column('text,label\r\n"a\r\nb\rc\nd",1\r\ne,2\r\n') == "a\r\nb\rc\nd\ne\n"


def test_one_column_needs_no_comma() -> None:
    assert column("text\none\ntwo\n") == "one\ntwo\n"
    assert column("text\r\none") == "one\n"


def test_blank_lines_are_no_rows() -> None:
    assert column("\n\r\ntext,label\n\na,1\n\r\n\nb,2\n\n") == "a\nb\n"
    assert column("text\tlabel\n\na\t1\n\r\n\nb\t2\n\n") == "a\nb\n"


def test_an_empty_field_is_an_empty_line() -> None:
    assert column("text,label\n,1\nb,2\n") == "\nb\n"


def test_spaces_around_a_title_do_not_count_and_those_around_a_field_do() -> None:
    assert column(" text , label\n a ,1\n") == " a \n"


def test_of_two_columns_of_one_name_the_first_is_taken() -> None:
    assert column("text,text\na,b\n") == "a\n"


def test_a_row_may_have_more_fields_than_the_header() -> None:
    assert column("label,text\n1,a,b,c\n") == "a\n"


# -- what is no table, or not this one


def test_a_column_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as refused:
        column("label,texts\n1,a\n")
    assert str(refused.value) == "No column of novel.csv named 'text'. Did you mean 'texts'? It has: label, texts."
    with pytest.raises(UsageError, match=r"^No column of novel\.csv named 'text'\. It has: 1, 2\.$"):
        column("1\t2\na\tb\n")


def test_a_name_is_found_in_its_own_case() -> None:
    with pytest.raises(UsageError, match=r"named 'Text'\. Did you mean 'text'\?"):
        column("text\na\n", "Text")


def test_a_row_that_lacks_the_column_is_named_with_its_line() -> None:
    assert refusal("label,text\n1,a\n\n2\n") == "novel.csv has no column 'text' in line 4: 1 of 2 fields."
    assert refusal("a\tb\ttext\n1\t2\t3\n1\t2\n") == "novel.csv has no column 'text' in line 3: 2 of 3 fields."
    many = "label,text\n" + "1,a\n" * 1_500 + "1\n"
    assert refusal(many) == "novel.csv has no column 'text' in line 1,502: 1 of 2 fields."


def test_a_row_after_a_field_of_several_lines_is_named_with_its_line() -> None:
    assert refusal('label,text\n"1\n2\n3",a\n4\n') == "novel.csv has no column 'text' in line 5: 1 of 2 fields."


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ('text\n"abc\n', "line 2: unexpected end of data"),
        ('text\n"abc"d\n', "line 2: ',' expected after '\"'"),
        ("text,label\na,1\rb,2\r", "line 2: new-line character seen in unquoted field"),
        ("text,label\ra,1\r", "line 1: new-line character seen in unquoted field"),
        ("text\tlabel\na\rb\t1\n", "line 2: new-line character seen in unquoted field"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line_and_its_reason(table: str, why: str) -> None:
    assert refusal(table) == f"novel.csv is no table that can be read: {why}."


def test_a_field_may_be_wide() -> None:
    assert tables.WIDEST == 1 << 24
    wide = "가" * 1_000_000
    assert column(f'text,label\n"{wide}",1\n', block=10_000) == wide + "\n"
    assert column(f"text\tlabel\n{wide}\t1\n", block=10_000) == wide + "\n"


def test_a_field_that_is_too_wide_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "WIDEST", 100)
    assert column("text\n" + "x" * 100) == "x" * 100 + "\n"
    assert "line 3: field larger than field limit (100)" in refusal("text\na\n" + "x" * 101 + "\n")
    lines = "short\n" * 30
    assert "field larger than field limit (100)" in refusal(f'text\n"{lines}')  # a quote that nothing closes


def test_a_line_that_does_not_end_is_named_before_all_of_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "WIDEST", 100)
    taken = 0

    def long() -> Iterator[str]:
        nonlocal taken
        yield "text\na\n"
        for _ in range(1000):
            taken += 1
            yield "xxxxx" * 10

    with pytest.raises(DataError, match=r"^novel\.csv is no table: line 3 is longer than 100 characters\.$"):
        list(tables.column(long(), "text", "novel.csv"))
    assert taken == 3


def test_a_large_column_comes_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "BLOCK", 10)
    blocks = list(tables.column(["text,label\n" + "abcd,1\n" * 7], "text", "novel.csv"))
    assert blocks == ["abcd\n" * 3, "abcd\n" * 3, "abcd\n"]


# -- as a text to learn from


def read(path: Path, name: str) -> str:
    source = read_sources([str(path)], name)
    assert source.name == path.name
    return cached_text(source.data, source.name).text()


def test_a_column_is_read_as_a_text(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(b"\xef\xbb\xbf" + 'text,label\r\n"나는, 오늘",1\r\nthe cat,2\r\n'.encode())
    assert read(path, "text") == "나는, 오늘\nthe cat\n"
    with pytest.raises(UsageError, match=r"No column of .*reviews\.csv named 'txet'\. Did you mean 'text'\?"):
        read(path, "txet")


@pytest.mark.parametrize("content", ["text\tlabel\n", "text,label", "text\n\n\n", "", "\n\n"])
def test_a_table_without_rows_is_empty(content: str, tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=r"reviews\.csv is empty: there is nothing to learn from it\.$"):
        read(path, "text")


def test_several_tables_are_read_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\na,1\n")
    (tmp_path / "two.tsv").write_text("label\ttext\n1\tb\n")
    source = read_sources([str(tmp_path / "one.csv"), str(tmp_path / "two.tsv")], "text")
    assert cached_text(source.data, source.name).text() == "a\nb\n"


@pytest.mark.parametrize("path", sorted(sample_texts().glob("*.[ct]sv")), ids=lambda path: path.name)
def test_each_column_of_the_tables_that_come_along_can_be_read(path: Path) -> None:
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    titles = header.split("\t" if "\t" in header else ",")
    assert len(titles) > 1
    for name in titles:
        assert len(read(path, name).splitlines()) == len(rows)
