"""Settings declared once: what is read out of a declaration, and which values it lets through."""

import math
from dataclasses import dataclass, field
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.errors import UsageError
from seqplay.options import Option, check, configure, option, options_of

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)


@dataclass(frozen=True)
class Config:
    heads: int = option(4, help="attention heads a layer", low=1, high=64)
    keep: float = option(0.5, help="share that is kept", low=0.0, high=1.0)
    causal: bool = option(True, help="sees only the past")
    norm: str = option("layer", help="kind of norm", choices=("layer", "rms"))
    window: int | None = option(None, help="tokens that it sees", low=1)
    rate: Optional[float] = option(None, help="speed", high=2.0)  # noqa: UP045
    note: str = option("", help="anything")
    derived: int = field(default=3)


HEADS, KEEP, CAUSAL, NORM, WINDOW, RATE, NOTE = options_of(Config)


def refusal(declared: Option, value: object) -> str:
    with pytest.raises(UsageError) as refused:
        check(declared, value)
    return str(refused.value)


def test_declared_settings_are_read_in_their_order_with_all_that_was_said() -> None:
    assert Option("heads", int, 4, "attention heads a layer", 1, 64) == HEADS
    assert Option("norm", str, "layer", "kind of norm", None, None, ("layer", "rms")) == NORM
    assert [o.name for o in options_of(Config)] == "heads keep causal norm window rate note".split()


def test_a_field_that_is_no_option_is_no_setting() -> None:
    assert "derived" not in [o.name for o in options_of(Config)]


def test_the_type_of_an_optional_setting_is_the_type_it_has_when_it_is_set() -> None:
    assert (WINDOW.type, RATE.type) == (int, float)
    assert WINDOW.default is None


def test_configure_without_values_gives_the_defaults() -> None:
    assert configure(Config, {}, "the cell 'x'") == Config()


def test_configure_takes_text_as_typed_and_values_as_read_from_json() -> None:
    typed = {"heads": "8", "keep": "0.25", "causal": "no", "norm": "rms", "window": "16", "rate": "1e-3", "note": "7"}
    read = {"heads": 8, "keep": 0.25, "causal": False, "norm": "rms", "window": 16, "rate": 0.001, "note": "7"}
    assert (
        configure(Config, typed, "x") == configure(Config, read, "x") == Config(8, 0.25, False, "rms", 16, 0.001, "7")
    )


def test_configure_names_the_nearest_setting_for_an_unknown_one() -> None:
    with pytest.raises(UsageError) as refused:
        configure(Config, {"head": 3}, "the cell 'mine'")
    assert str(refused.value) == (
        "No setting of the cell 'mine' named 'head'. Did you mean 'heads'? "
        "It has: causal, heads, keep, norm, note, rate, window."
    )


def test_a_field_that_is_no_option_cannot_be_set() -> None:
    with pytest.raises(UsageError, match=r"^'derived' of x cannot be set: declare it with option\("):
        configure(Config, {"derived": 1}, "x")


@pytest.mark.parametrize("value", [1, 64, "1", "64", 8.0, " 8 "])
def test_both_bounds_are_allowed_values(value: object) -> None:
    assert type(check(HEADS, value)) is int


@pytest.mark.parametrize("value", [0, 65, -1, 10**12, "0", "65", 1.5, "1.5", "8.0", "", "x", None, [], {}, [1], True])
def test_a_whole_number_out_of_bounds_or_of_another_type_is_refused(value: object) -> None:
    assert refusal(HEADS, value) == f"heads takes a whole number from 1 to 64, not {str(value)!r}."


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "nan", "inf", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(value: object) -> None:
    for declared in (HEADS, KEEP, WINDOW, RATE):
        assert refusal(declared, value).startswith(f"{declared.name} takes a")


def test_a_whole_number_too_large_for_a_float_is_refused_as_one() -> None:
    assert refusal(KEEP, 10**400).startswith("keep takes a number from 0 to 1, not '1000")
    assert refusal(RATE, 10**400).startswith("rate takes a number of at most 2, not '1000")


@pytest.mark.parametrize("declared", [HEADS, KEEP, WINDOW, NORM, NOTE])
@pytest.mark.parametrize("value", [True, False])
def test_true_and_false_are_no_numbers_and_no_text(declared: Option, value: bool) -> None:
    assert refusal(declared, value).endswith(f"not {str(value)!r}.")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        *((yes, True) for yes in (True, "true", "YES", "on", "1", 1)),
        *((no, False) for no in (False, "No", "off", "0", 0)),
    ],
)
def test_these_words_mean_yes_and_no(value: object, meant: bool) -> None:
    assert check(CAUSAL, value) is meant


@pytest.mark.parametrize("value", [2, "maybe", "", None, 1.0, []])
def test_nothing_else_means_yes_or_no(value: object) -> None:
    assert refusal(CAUSAL, value) == f"causal takes true or false, not {str(value)!r}."


def test_a_choice_is_one_of_the_choices() -> None:
    assert check(NORM, "rms") == "rms"
    assert refusal(NORM, "batch") == "norm takes one of layer, rms, not 'batch'."
    assert refusal(NORM, "RMS") == "norm takes one of layer, rms, not 'RMS'."


@pytest.mark.parametrize("value", [None, 5, 1.5, ["layer"], {"a": 1}])
def test_only_text_is_text(value: object) -> None:
    assert refusal(NOTE, value) == f"note takes text, not {str(value)!r}."


def test_a_missing_bound_is_not_named() -> None:
    assert refusal(WINDOW, 0) == "window takes a whole number of at least 1, not '0'."
    assert refusal(RATE, 3) == "rate takes a number of at most 2, not '3'."
    assert refusal(Option("n", int, 1, ""), "x") == "n takes a whole number, not 'x'."


def test_none_is_no_value_even_where_the_default_is_none() -> None:
    assert refusal(WINDOW, None) == "window takes a whole number of at least 1, not 'None'."


def test_a_long_value_is_cut_in_the_message() -> None:
    assert len(refusal(HEADS, "x" * 10**6)) < 200


def test_a_refusal_is_one_line() -> None:
    assert refusal(HEADS, "1\n2\r3").count("\n") == 0


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)


@THOROUGH
@given(st.sampled_from(options_of(Config)), JSON)
def test_any_value_is_taken_as_the_settings_type_or_refused(declared: Option, value: object) -> None:
    try:
        taken = check(declared, value)
    except UsageError:
        return
    assert type(taken) is declared.type
    assert check(declared, taken) == taken


@THOROUGH
@given(st.integers(1, 64), st.floats(0, 1), st.booleans(), st.sampled_from(["layer", "rms"]), st.text())
def test_what_is_valid_stays_as_it_is_also_when_it_is_typed(
    heads: int, keep: float, causal: bool, norm: str, note: str
) -> None:
    for declared, value in ((HEADS, heads), (KEEP, keep), (CAUSAL, causal), (NORM, norm), (NOTE, note)):
        assert check(declared, value) == check(declared, str(value)) == value
