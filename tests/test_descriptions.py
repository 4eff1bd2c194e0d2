"""An architecture as plain data survives being written, and what is no description is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from seqplay import __version__, descriptions, plugins
from seqplay.descriptions import Description, from_json, to_json
from seqplay.errors import MissingError
from seqplay.options import Option

ROOT = Path(__file__).resolve().parents[1]
OPTIONS = (
    Option("heads", int, 4, "attention heads a layer", 1, 64),
    Option("keep", float, 0.5, "share that is kept", 0.0, None),
    Option("causal", bool, True, "sees only the past"),
    Option("norm", str, "layer", "kind of norm", None, None, ("layer", "rms")),
    Option("window", int, None, "tokens that it sees"),
)
MINE = Description("mine", "cell", "나의 셀 \x1b[31m", "Somebody 2026", OPTIONS, "seqplay-mine", "0.3")


def row(**changed: Any) -> dict[str, Any]:
    return {**to_json(MINE), **changed}


def with_setting(**changed: Any) -> dict[str, Any]:
    return row(options=[{**to_json(MINE)["options"][0], **changed}])


def test_a_description_is_the_same_after_json() -> None:
    assert from_json(json.loads(json.dumps(to_json(MINE), allow_nan=False))) == MINE


def test_types_are_read_as_types_and_whole_numbers_for_a_float_as_floats() -> None:
    (read,) = from_json(with_setting(type="float", default=4)).options
    assert read.type is float
    assert repr(read.default) == "4.0"


@pytest.mark.parametrize(
    ("garbage", "said"),
    [
        (None, "a description is an object, not None"),
        ([row()], "a description is an object"),
        ({key: value for key, value in row().items() if key != "source"}, "and nothing else"),
        (row(more=1), "and nothing else"),
        (row(name=3), "name is text, not 3"),
        (row(summary=None), "summary is text"),
        (row(summary="x" * 4097), "summary is longer than 4,096 characters"),
        (row(kind="task"), "kind is one of cell, model, not 'task'"),
        (row(built_in=1), "built_in is true or false"),
        (row(options={}), "options: should be a list"),
        (row(options=[3]), "a setting is an object, not 3"),
        (row(options=to_json(MINE)["options"] * 2), "two settings have the same name"),
        (row(options=[{**to_json(MINE)["options"][0], "name": f"n{n}"} for n in range(257)]), "at most 256"),
        (with_setting(name="--help"), "'--help' is no name for a setting"),
        (with_setting(type="list"), "heads is one of bool, int, float, str, not 'list'"),
        (with_setting(type=["int"]), "heads is one of bool, int, float, str"),
        (with_setting(help=["x"]), "heads: help is text"),
        (with_setting(low="1"), "heads: its bound is a number, not '1'"),
        (with_setting(low=True), "heads: its bound is a number"),
        (with_setting(high=float("nan")), "heads: its bound is a number, not nan"),
        (with_setting(high=10**400), "heads: its bound is a number"),
        (with_setting(low=65), "heads: its lowest value 65 is above its highest 64"),
        (with_setting(choices=[1]), "heads: a choice is text, not 1"),
        (with_setting(choices="rms"), "heads: choices: should be a list"),
        (with_setting(default="4"), "heads: its default '4' is no int"),
        (with_setting(default=True), "heads: its default True is no int"),
        (with_setting(default=4.0), "heads: its default 4.0 is no int"),
        (with_setting(default=65), "its default does not fit: heads takes a whole number from 1 to 64, not '65'."),
        (with_setting(default=[4]), "heads: its default"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_description_is_refused_with_one_line(garbage: object, said: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        from_json(garbage)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 200


def test_every_installed_built_in_is_described_with_this_version() -> None:
    found = descriptions.built_in()
    assert set(found) == {(k, n) for k in plugins.GROUPS for n, p in plugins.installed(k).items() if p.built_in}
    assert {(d.distribution, d.version, d.built_in) for d in found.values()} == {("seqplay", __version__, True)}
    assert all(d.summary and d.source for d in found.values())


@pytest.mark.parametrize("damaged", [b"", b"{}", b"[3]", b"\xff", b"[" * 100_000, b'[{"name": "lstm"}]', None])
def test_a_damaged_file_of_the_built_ins_says_what_to_do(
    damaged: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptions, "BUILT_IN", tmp_path / "built_in.json")
    if damaged is not None:
        (tmp_path / "built_in.json").write_bytes(damaged)
    with pytest.raises(MissingError, match=r"built_in\.json: .*Install seqplay again\.$"):
        descriptions.built_in()


@pytest.mark.parametrize("builder", [WheelBuilder, SdistBuilder])
def test_the_file_of_the_built_ins_is_in_wheel_and_sdist(builder: Any) -> None:
    packed = {Path(file.path).resolve() for file in builder(str(ROOT)).recurse_included_files()}
    assert descriptions.BUILT_IN in packed
