"""The rows of a check, and what speed is measured against."""

import json
from typing import Any

import broken
import pytest

from seqplay.engine import catalog
from seqplay.engine.contract import running
from seqplay.engine.contract.speed import speed


def test_speed_is_beside_an_lstm_of_as_many_parameters() -> None:
    measured = speed(broken.cell(broken.Good), seconds=0.05)
    assert measured.parameters == 2 * (128 * 128 + 128)
    assert measured.lstm_parameters == pytest.approx(measured.parameters, rel=0.02)
    assert measured.tokens_per_second > 0
    assert measured.ratio > 0
    itself = speed(catalog.load("lstm")[0], seconds=0.05)
    assert itself.parameters == itself.lstm_parameters == 4 * 128 * (128 + 128 + 2)


def test_rows_are_plain_and_end_with_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = broken.cell(broken.Forgets)
    monkeypatch.setattr(running, "speed", lambda it: speed(it, 0.02))
    rows: list[dict[str, Any]] = json.loads(json.dumps(list(running.rows(architecture)), allow_nan=False))
    assert [row["kind"] for row in rows] == ["checking", "check"] * (len(rows) // 2 - 1) + ["checking", "speed"]
    assert set(rows[1]) == {"kind", "check", "why", "outcome", "reason"}
    failed = [row["check"] for row in rows if row.get("outcome") == "failed"]
    assert failed == ["chunks equal the whole"]


def test_what_has_no_form_has_no_speed() -> None:
    *_, last = running.rows(broken.cell(broken.DoublesOutput))
    assert last["kind"] == "check"


def test_a_check_is_named_before_it_calls_the_plugin() -> None:
    built = []
    rows = running.rows(broken.cell(lambda config, inputs, width: built.append(width)))
    assert next(rows) == {"kind": "checking", "check": "shapes and dtypes"}
    assert built == []
    assert next(rows)["outcome"] == "failed"
    assert built != []
    assert next(rows) == {"kind": "checking", "check": "sizes without memory"}


def test_a_speed_that_cannot_be_measured_is_null_with_its_reason() -> None:
    *_, row = running.rows(broken.cell(broken.HasADeadParameter))
    assert row["ratio"] is None
    assert "RuntimeError" in row["reason"]
