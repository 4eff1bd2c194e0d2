"""What a viewer asks of a trainer arrives once and whole, and nothing else does."""

import os
from pathlib import Path

import pytest

from seqplay.errors import UsageError, WriteError
from seqplay.runs.control import ACTIONS, ControlReader, ask
from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import to_line


def test_requests_arrive_in_order_from_an_offset_on(run: RunFiles) -> None:
    offsets = []
    for action in ACTIONS:
        ask(run, action, {"learning_rate": 0.5, "temperature": 0.5, "step": 3}.get(action))
        offsets.append(run.control.stat().st_size)
    requests = ControlReader(run.control).poll()
    assert [row["action"] for row in requests] == list(ACTIONS)
    assert [row["value"] for row in requests] == [None, None, None, 0.5, 0.5, None, 3]
    for index, offset in enumerate(offsets):
        assert ControlReader(run.control, offset).poll() == requests[index + 1 :]


def test_a_poll_returns_only_what_is_new(run: RunFiles) -> None:
    reader = ControlReader(run.control)
    assert reader.poll() == []
    ask(run, "pause")
    assert [row["action"] for row in reader.poll()] == ["pause"]
    assert reader.poll() == []
    ask(run, "continue")
    assert [row["action"] for row in reader.poll()] == ["continue"]


def test_a_poll_with_nothing_new_opens_no_file(run: RunFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(run, "pause")
    reader = ControlReader(run.control)
    reader.poll()

    def refuse(*_: object) -> int:
        raise AssertionError

    monkeypatch.setattr(os, "open", refuse)
    assert reader.poll() == []


def test_half_a_request_waits_for_its_end(run: RunFiles) -> None:
    line = to_line({"kind": "control", "action": "stop", "value": None, "time": 1.0})
    reader = ControlReader(run.control)
    run.control.write_bytes(line[:10])
    assert reader.poll() == []
    run.control.write_bytes(line)
    assert [row["action"] for row in reader.poll()] == ["stop"]
    assert reader.offset == len(line)


def test_garbage_and_unknown_actions_are_skipped(run: RunFiles) -> None:
    garbage = b'\0\0\n{}\n[]\n{"kind":"control","action":["stop"]}\n{"kind":"control","action":"explode"}\n\xff\n'
    run.control.write_bytes(garbage)
    reader = ControlReader(run.control)
    assert reader.poll() == []
    assert reader.offset == len(garbage)
    ask(run, "stop")
    assert [row["action"] for row in reader.poll()] == ["stop"]


def test_a_request_is_one_write_of_one_line(run: RunFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: writes.append(bytes(data)) or real(descriptor, data))
    ask(run, "learning_rate", 0.25)
    assert writes == [run.control.read_bytes()]
    assert writes[0].endswith(b"}\n")


@pytest.mark.parametrize("value", [None, 0.0, -1.0, float("nan"), float("inf"), True, 1e9 + 1, 10**400])
def test_a_learning_rate_is_a_number_above_zero(value: float | None, run: RunFiles) -> None:
    with pytest.raises(UsageError, match="A learning rate is a number above 0 and at most 1,000,000,000"):
        ask(run, "learning_rate", value)
    assert not run.control.exists()


@pytest.mark.parametrize(
    "value",
    ["null", "0", "-0.0", "-1", "1e999", "Infinity", "NaN", "true", "1000000001", "1" * 400, '"0.1"', "[0.1]", "{}"],
)
def test_a_learning_rate_that_ask_would_refuse_never_reaches_the_trainer(value: str, run: RunFiles) -> None:
    run.control.write_text(f'{{"kind":"control","action":"learning_rate","value":{value}}}\n')
    reader = ControlReader(run.control)
    assert reader.poll() == []
    ask(run, "learning_rate", 1e9)
    assert [row["value"] for row in reader.poll()] == [1e9]


def test_a_learning_rate_without_its_value_never_reaches_the_trainer(run: RunFiles) -> None:
    run.control.write_text('{"kind":"control","action":"learning_rate"}\n')
    assert ControlReader(run.control).poll() == []


@pytest.mark.parametrize("value", [None, -0.1, -1.0, float("nan"), 100.5])
def test_a_temperature_is_a_number_from_zero_to_a_hundred(value: float | None, run: RunFiles) -> None:
    with pytest.raises(UsageError, match="A temperature is a number from 0 to 100, not"):
        ask(run, "temperature", value)
    run.control.write_text(
        f'{{"kind":"control","action":"temperature","value":{"null" if value is None else value}}}\n'
    )
    assert ControlReader(run.control).poll() == []


def test_an_unknown_request_names_the_nearest(run: RunFiles) -> None:
    with pytest.raises(UsageError, match=r"No request named 'stopp'\. Did you mean 'stop'\?"):
        ask(run, "stopp")


def test_a_symlink_is_not_written_through(run: RunFiles, tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"")
    run.control.symlink_to(tmp_path / "mine")
    with pytest.raises(WriteError, match="never writes through one"):
        ask(run, "stop")
    assert (tmp_path / "mine").read_bytes() == b""
