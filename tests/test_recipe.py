"""Recipe and Plan: to JSON and back without loss, and a stranger's file is one clean error."""

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay import recipe
from seqplay.errors import RunError
from seqplay.options import Option, check, options_of
from seqplay.recipe import Plan, Recipe, plan_from_json, recipe_from_json, to_json

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
Kept = TypeVar("Kept", Recipe, Plan)
PATH = "runs/novel/plan.json"

PLAN = Plan(
    steps=100,
    cell="lstm",
    tokens="char",
    hidden=8,
    layers=1,
    embedding=8,
    dropout=0.1,
    embedding_dropout=0.0,
    batch=4,
    sequence=16,
    learning_rate=0.01,
    holdout=0.1,
    seed=0,
    device="cpu",
    threads=2,
    slices=2,
    precision="float32",
    weight_decay=0.1,
    warmup=0.05,
    clip=1.0,
    average=0.998,
    evaluate_every=10,
    minutes=0.5,
    patience=None,
    settings={},
    task="text",
    source="novel.txt",
    data="0" * 64,
    vocabulary=30,
    train_tokens=9000,
    held_out_tokens=1000,
    parameters=1234,
    layer_table=[["embedding", "(4, 16, 8)", 240]],
    notices=[],
    codec={},
    wrap=False,
    residual=True,
    why="as asked",
    distribution="seqplay",
    version="0.1.0",
    torch="2.10.0",
)
RECIPE = Recipe(minutes=0.5, hidden=64, settings={"heads": 4}, source="novel.txt", data="0" * 64, created=1.7e9)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=8,
)
HOSTILE = st.sampled_from([10**12, -1, 0, 2**63, 10**400, 1e308, -0.5, True, "", "12", "lstm", [], {}, [[]], None])


def crossed(row: dict[str, Any]) -> dict[str, Any]:
    """The row after it was a JSON text."""
    crossing: dict[str, Any] = json.loads(json.dumps(row))
    return crossing


def plan_refusal(**changed: Any) -> str:
    with pytest.raises(RunError) as refused:
        plan_from_json({**to_json(PLAN), **changed}, PATH)
    return str(refused.value)


def recipe_refusal(**changed: Any) -> str:
    with pytest.raises(RunError) as refused:
        recipe_from_json({**to_json(RECIPE), **changed}, "recipe.json")
    return str(refused.value)


def read_or_refused(read: Callable[[dict[str, Any], object], Kept], row: dict[str, Any]) -> Kept | None:
    """What is read, or None where it is refused in one line that begins with the file's path."""
    try:
        return read(row, PATH)
    except RunError as problem:
        said = str(problem)
    assert said.startswith(PATH)
    assert "\n" not in said
    return None


def values_of(option: Option) -> st.SearchStrategy[Any]:
    if option.choices:
        return st.sampled_from(option.choices)
    low, high = option.low, option.high
    return {int: st.integers(low and int(low), high and int(high)), float: st.floats(low, high), str: st.text()}[
        option.type  # type: ignore[index]
    ]


ANY_RECIPE = st.fixed_dictionaries(
    {},
    optional={o.name: values_of(o) | st.none() if o.default is None else values_of(o) for o in options_of(Recipe)},
).map(lambda chosen: Recipe(**chosen))


# -- there and back


def test_a_recipe_and_a_plan_come_back_as_they_were() -> None:
    assert recipe_from_json(crossed(to_json(RECIPE)), PATH) == RECIPE
    assert plan_from_json(crossed(to_json(PLAN)), PATH) == PLAN


@THOROUGH
@given(ANY_RECIPE)
def test_every_recipe_that_can_be_asked_for_comes_back(asked: Recipe) -> None:
    assert recipe_from_json(crossed(to_json(asked)), PATH) == asked


def test_the_keys_are_the_fields_and_extra_is_no_key() -> None:
    for kept in (RECIPE, PLAN):
        assert set(to_json(kept)) == {f.name for f in dataclasses.fields(kept)} - {"extra"}


def test_every_field_of_a_recipe_may_be_left_out() -> None:
    assert recipe_from_json({}, PATH) == Recipe()


def test_a_recipe_written_by_hand_may_hold_numbers_as_text() -> None:
    assert recipe_from_json({"hidden": "64", "minutes": "0.5"}, PATH) == Recipe(hidden=64, minutes=0.5)


def test_both_have_the_format_of_this_version() -> None:
    assert to_json(RECIPE)["format"] == to_json(PLAN)["format"] == recipe.FORMAT


def test_every_default_of_a_recipe_is_a_value_it_would_accept() -> None:
    for option in options_of(Recipe):
        if option.default is not None:
            assert check(option, option.default) == option.default


def test_every_setting_has_a_line_of_help() -> None:
    for option in options_of(Recipe):
        assert option.help
        assert "\n" not in option.help


# -- what a newer seqplay wrote (D16)


@THOROUGH
@given(st.dictionaries(st.text(max_size=8).map("new ".__add__), JSON, max_size=4))
def test_unknown_fields_are_kept_and_written_back(unknown: dict[str, Any]) -> None:
    for kept, read in ((RECIPE, recipe_from_json), (PLAN, plan_from_json)):
        row = {**to_json(kept), **unknown}
        again = read(row, PATH)
        assert again.extra == unknown
        assert json.dumps(to_json(again), sort_keys=True) == json.dumps(row, sort_keys=True)


def test_a_field_that_is_called_extra_is_an_unknown_field_like_any_other() -> None:
    for kept, read in ((RECIPE, recipe_from_json), (PLAN, plan_from_json)):
        row = {**to_json(kept), "extra": {"a": 1}}
        assert to_json(read(row, PATH)) == row


def test_a_later_recipes_unknown_field_cannot_shadow_a_known_one() -> None:
    assert to_json(dataclasses.replace(RECIPE, extra={"hidden": 7}))["hidden"] == 64


# -- what cannot be


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("hidden", 10**12, "hidden takes a whole number from 1 to 65536, not '1000000000000'."),
        ("layers", -1, "layers takes a whole number from 1 to 64, not '-1'."),
        ("layers", None, "layers takes a whole number from 1 to 64, not 'None'."),
        ("layers", 1.5, "layers takes a whole number from 1 to 64, not '1.5'."),
        ("layers", [1], "layers takes a whole number from 1 to 64, not '[1]'."),
        ("batch", True, "batch takes a whole number from 1 to 65536, not 'True'."),
        ("tokens", "bytes", "tokens takes one of char, word, bpe, byte, jamo, not 'bytes'."),
        ("cell", ["lstm"], "cell takes text, not \"['lstm']\"."),
        ("cell", None, "cell takes text, not 'None'."),
        ("dropout", math.nan, "dropout takes a number from 0 to 0.95, not 'nan'."),
        ("settings", [], "settings cannot be []."),
        ("settings", None, "settings cannot be None."),
        ("source", 5, "source cannot be 5."),
        ("data", ["x"], "data cannot be ['x']."),
        ("task", None, "task cannot be None."),
        ("created", "today", "created cannot be 'today'."),
        ("created", math.inf, "created cannot be inf."),
        ("format", "1", "format cannot be '1'."),
        ("format", True, "format cannot be True."),
    ],
)
def test_a_bad_value_in_a_recipe_is_named_with_the_file(name: str, value: object, said: str) -> None:
    assert recipe_refusal(**{name: value}) == f"recipe.json: {said}"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("hidden", 10**12, "hidden takes a whole number from 1 to 65536, not '1000000000000'."),
        ("layers", -1, "layers takes a whole number from 1 to 64, not '-1'."),
        ("layers", 65, "layers takes a whole number from 1 to 64, not '65'."),
        ("hidden", None, "hidden cannot be None."),
        ("hidden", "8", "hidden cannot be '8'."),
        ("hidden", 8.0, "hidden cannot be 8.0."),
        ("hidden", True, "hidden cannot be True."),
        ("dropout", "x", "dropout cannot be 'x'."),
        ("dropout", 1, "dropout takes a number from 0 to 0.95, not '1'."),
        ("steps", 0, "steps takes a whole number from 1 to 9.0072e+15, not '0'."),
        ("slices", 10**6, "slices takes a whole number from 1 to 1024, not '1000000'."),
        ("vocabulary", 10**12, "vocabulary takes a whole number from 1 to 1.04858e+06, not '1000000000000'."),
        ("train_tokens", -5, "train_tokens takes a whole number from 1 to 9.0072e+15, not '-5'."),
        ("device", "cuda:7", "device takes one of cpu, cuda, mps, not 'cuda:7'."),
        ("device", "auto", "device takes one of cpu, cuda, mps, not 'auto'."),
        ("precision", "int4", "precision takes one of float32, bfloat16, not 'int4'."),
        ("tokens", "../x", "tokens takes one of char, word, bpe, byte, jamo, not '../x'."),
        ("minutes", "long", "minutes cannot be 'long'."),
        ("patience", 0, "patience takes a whole number from 1 to 1e+06, not '0'."),
        ("settings", [1], "settings cannot be [1]."),
        ("why", None, "why cannot be None."),
        ("layer_table", {}, "layer_table cannot be {}."),
        ("layer_table", [5], "layer_table is no list of (layer, output shape, parameters)."),
        ("layer_table", [["a", "b"]], "layer_table is no list of (layer, output shape, parameters)."),
        ("layer_table", [["a", "b", "c"]], "layer_table is no list of (layer, output shape, parameters)."),
        ("layer_table", [{"a": 1}], "layer_table is no list of (layer, output shape, parameters)."),
    ],
)
def test_a_bad_value_in_a_plan_is_named_with_the_file(name: str, value: object, said: str) -> None:
    assert plan_refusal(**{name: value}) == f"{PATH}: {said}"


def test_a_plan_must_hold_every_field_that_has_no_default() -> None:
    for name in to_json(PLAN).keys() - {"format", "unit", "column", "model", "beta1", "beta2"}:
        row = to_json(PLAN)
        del row[name]
        with pytest.raises(RunError) as refused:
            plan_from_json(row, PATH)
        assert str(refused.value) == f"{PATH} lacks {name}."


def test_an_empty_plan_is_one_line() -> None:
    with pytest.raises(RunError, match=rf"^{PATH} lacks steps, cell, tokens, hidden, .*, version, torch\.$"):
        plan_from_json({}, PATH)


def test_none_is_allowed_only_where_it_means_something() -> None:
    allowed = [name for name in to_json(PLAN) if _is_plan({**to_json(PLAN), name: None})]
    assert allowed == ["minutes", "patience", "column"]


def _is_plan(row: dict[str, Any]) -> bool:
    try:
        plan_from_json(row, PATH)
    except RunError:
        return False
    return True


@pytest.mark.parametrize("name", ["settings", "of a newer seqplay"])
def test_a_file_that_is_nested_too_deeply_to_be_written_again_is_refused(name: str) -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for _ in range(levels - 1):
            value = {"a": value}
        return value

    for read, kept in ((recipe_from_json, RECIPE), (plan_from_json, PLAN)):
        deepest = {**to_json(kept), name: nested(31)}
        assert to_json(read(deepest, PATH)) == deepest
        with pytest.raises(RunError, match=f"^{PATH} is nested more than 32 levels deep"):
            read({**to_json(kept), name: nested(900)}, PATH)
        with pytest.raises(RunError, match="nested"):
            read({**to_json(kept), "hidden": nested(980)}, PATH)


def test_a_huge_value_does_not_make_a_huge_message() -> None:
    for value in ("x" * 10**6, [0] * 10**6, {"a": "x" * 10**6}):
        assert len(plan_refusal(hidden=value)) < 200
        assert len(recipe_refusal(hidden=value)) < 200


@THOROUGH
@given(st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(Recipe)]), JSON | HOSTILE, max_size=4))
def test_any_json_is_a_recipe_within_its_bounds_or_one_run_error(changed: dict[str, Any]) -> None:
    read = read_or_refused(recipe_from_json, {**to_json(RECIPE), **changed})
    if read is None:
        return
    for option in options_of(Recipe):
        value = getattr(read, option.name)
        assert (value is None and option.default is None) or check(option, value) == value
    assert type(read.settings) is dict
    assert [type(v) for v in (read.task, read.source, read.data)] == [str] * 3


@THOROUGH
@given(st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(Plan)]), JSON | HOSTILE, max_size=4))
def test_any_json_is_a_plan_within_its_bounds_or_one_run_error(changed: dict[str, Any]) -> None:
    read = read_or_refused(plan_from_json, {**to_json(PLAN), **changed})
    if read is None:
        return
    for name in ("hidden", "embedding", "batch", "sequence"):
        assert 1 <= getattr(read, name) <= 65_536
    assert 1 <= read.layers <= 64
    assert 1 <= read.vocabulary <= 1 << 20
    assert all(type(name) is str and type(count) is int for name, _, count in read.layer_table)


@THOROUGH
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4))
def test_any_json_object_alone_is_no_plan(row: dict[str, Any]) -> None:
    with pytest.raises(RunError, match=r"lacks|cannot be"):
        plan_from_json(row, PATH)
