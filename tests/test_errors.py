"""The error tree, its exit codes, and the sentence for an unknown name."""

import re

import pytest

from seqplay import errors
from seqplay.errors import SeqplayError, counted, no_such

# design.md, section 6: "Exit codes"
EXIT_CODES = {
    "SeqplayError": 1,
    "UsageError": 2,
    "DataError": 65,
    "RunError": 65,
    "MissingError": 69,
    "WriteError": 74,
    "BusyError": 75,
}


def tree() -> dict[str, type[SeqplayError]]:
    return {n: e for n, e in vars(errors).items() if isinstance(e, type) and issubclass(e, SeqplayError)}


def test_each_error_has_the_exit_code_of_the_design() -> None:
    assert {name: error.exit_code for name, error in tree().items()} == EXIT_CODES


def test_every_error_is_a_child_of_the_root_and_of_no_other() -> None:
    for error in tree().values():
        assert error.__bases__ == ((Exception,) if error is SeqplayError else (SeqplayError,))


def test_the_docstring_draws_the_tree_as_it_is() -> None:
    drawn = re.findall(r"(\w+Error) +(\d+) ", errors.__doc__ or "")
    assert {name: int(code) for name, code in drawn} == EXIT_CODES


def test_no_two_usual_codes_of_the_shell_are_taken() -> None:
    assert not {0, 126, 127, 128 + 1, 128 + 2, 128 + 15} & set(EXIT_CODES.values())


def test_an_error_prints_as_its_sentence() -> None:
    for error in tree().values():
        assert str(error("The disk is full.")) == "The disk is full."


def test_an_unknown_name_is_answered_with_the_nearest_one_and_all_others() -> None:
    sentence = "No cell named 'lstmm'. Did you mean 'lstm'? Installed: gru, lstm, rnn."
    assert no_such("cell", "lstmm", ["rnn", "lstm", "gru"], listed="Installed") == sentence


def test_a_name_like_no_other_gets_the_list_alone() -> None:
    assert no_such("cell", "xyz", {"gru": 1, "lstm": 2}) == "No cell named 'xyz'. Known: gru, lstm."


def test_where_nothing_is_known_nothing_is_listed() -> None:
    assert no_such("run", "novel", []) == "No run named 'novel'."


@pytest.mark.parametrize("name", ["", "%s {0}", "가" * 3])
def test_any_name_is_quoted_as_it_is(name: str) -> None:
    assert no_such("run", name, ()) == f"No run named '{name}'."


@pytest.mark.parametrize(
    ("number", "unit", "units", "words"),
    [
        (0, "byte", None, "0 bytes"),
        (1, "byte", None, "1 byte"),
        (2_000, "byte", None, "2,000 bytes"),
        (1, "jamo", "jamo", "1 jamo"),
        (2, "jamo", "jamo", "2 jamo"),
    ],
)
def test_one_thing_is_counted_in_the_singular(number: int, unit: str, units: str | None, words: str) -> None:
    assert counted(number, unit, units) == words
