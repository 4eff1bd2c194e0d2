"""One JSON line each: what a viewer asks and a worker answers survives the pipe as it was."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.wire import Ask, ask_from_line, end, row_from_line, to_line

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
ANY_TEXT = st.text(st.characters())  # lone surrogates as well: a file's name may hold them
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(ANY_TEXT, inside, max_size=3),
    max_leaves=8,
)


@THOROUGH
@given(ANY_TEXT, ANY_TEXT, st.dictionaries(ANY_TEXT, VALUES, max_size=4), st.integers())
def test_a_question_comes_back_as_it_was_asked(run: str, question: str, options: dict[str, Any], number: int) -> None:
    assert ask_from_line(to_line(Ask(run, question, options, number))) == Ask(run, question, options, number)


@THOROUGH
@given(st.dictionaries(ANY_TEXT, VALUES, max_size=4))
def test_a_row_is_one_ascii_line(row: dict[str, Any]) -> None:
    line = to_line(row)
    assert line.isascii()
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert json.loads(line) == row


def test_a_number_that_json_has_no_word_for_is_refused_by_the_writer() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON compliant"):
            to_line({"loss": value})


def test_a_question_may_lack_options() -> None:
    assert ask_from_line('{"run": "r", "question": "continue"}') == Ask("r", "continue", {}, 0)
    assert ask_from_line('{"run": "r", "question": "continue", "options": null}').options == {}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "{",
        "[]",
        "null",
        '"run"',
        "{}",
        '{"run": "r"}',
        '{"question": "q"}',
        '{"run": 1, "question": "q"}',
        '{"run": "r", "question": null}',
        '{"run": "r", "question": ["q"]}',
        '{"run": "r", "question": "q", "options": [1]}',
        '{"run": "r", "question": "q", "options": "length"}',
        '{"run": "r", "question": "q", "options": 7}',
        '{"run": "r", "question": "q", "number": "1"}',
        '{"run": "r", "question": "q", "number": true}',
        "[" * 100_000,
        '{"run":' * 100_000,
        "not json",
    ],
)
def test_a_line_that_is_no_question_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        ask_from_line(line)


@THOROUGH
@given(VALUES)
def test_any_json_is_a_question_or_a_value_error(value: Any) -> None:
    try:
        ask = ask_from_line(json.dumps(value))
    except ValueError:
        return
    assert isinstance(ask.run, str)
    assert isinstance(ask.question, str)
    assert isinstance(ask.options, dict)


def test_an_answer_ends_with_its_message_and_exit_code() -> None:
    assert end() == {"kind": "end", "message": "", "exit_code": 0, "stopped": False}
    assert end("It is gone.", 65) == {"kind": "end", "message": "It is gone.", "exit_code": 65, "stopped": False}
    assert end(stopped=True)["stopped"] is True
    assert row_from_line(to_line(end("It is gone.", 65)).encode()) == end("It is gone.", 65)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"kind": 1}',
        b'{"kind": "end"}',
        b'{"kind": "end", "message": 1}',
        b"[" * 99_999,
    ],
    ids=range(9),
)
def test_a_line_that_is_no_row_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        row_from_line(line)


def test_a_question_cannot_be_changed_on_its_way() -> None:
    with pytest.raises(AttributeError):
        Ask("r", "q").run = "other"  # type: ignore[misc]
