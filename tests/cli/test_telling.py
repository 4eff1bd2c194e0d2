"""What commands say of runs that change, or hold what no trainer writes."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from seqplay.cli import evaluate, live, pause, show, stop
from seqplay.errors import RunError
from seqplay.processes import worker
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock

from .conftest import Trained, rows_in

TEXT_FIGURE = {"kind": "figure", "figure": "text", "step": 8, "text": "one", "caption": "", "prompt": ""}
STEP = {"kind": "step", "step": 9, "train_loss": 2.0, "seconds": 9.0, "tokens": 9000}


def invoke(command: Any, trained: Trained, *argv: str) -> Result:
    return CliRunner(env={"SEQPLAY_HOME": str(trained.home)}).invoke(command, argv)


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("log", {**STEP, "train_loss": "low"}),
        ("log", {**STEP, "train_loss": {}}),
        ("log", {**STEP, "seconds": None}),
        ("log", {"kind": "step", "step": 9}),
        ("log", {"kind": "evaluation", "step": 9, "held_out_estimate": "low"}),
        ("log", {"kind": "done", "held_out_loss": "low"}),
        ("log", {"kind": "change", "name": "steps", "value": [], "step": 8}),
        ("log", {"step": 9}),
        ("figures", {**TEXT_FIGURE, "text": 5}),
        ("figures", {**TEXT_FIGURE, "caption": None}),
        ("figures", {"kind": "figure", "figure": "text"}),
    ],
    ids=str,
)
def test_show_names_the_file_with_a_row_that_no_trainer_writes(file: str, row: dict[str, Any], copied: Trained) -> None:
    path = getattr(copied.run, file)
    with path.open("a") as log:
        log.write(json.dumps(row) + "\n")
    result = invoke(show.command, copied, "harbour")
    assert isinstance(result.exception, RunError), result.exception
    assert str(path) in str(result.exception)
    assert "\n" not in str(result.exception)
    assert result.output == ""


@pytest.mark.parametrize("command", [stop.command, pause.command], ids=["stop", "pause"])
def test_a_run_that_finishes_before_it_takes_a_request_is_said_to_be_finished(
    command: Any, copied: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = rows_in(copied.run.log)[-1]
    lines = copied.run.log.read_bytes().splitlines(keepends=True)
    copied.run.log.write_bytes(b"".join(lines[:-1]))

    def finish(run: RunFiles, action: str) -> None:
        with run.log.open("a") as log:
            log.write(json.dumps(done) + "\n")
        run.process.unlink()  # and its process ends

    monkeypatch.setattr(live.control, "ask", finish)
    with WriterLock(copied.run):
        result = invoke(command, copied, "harbour")
    assert result.stderr == "harbour is finished. Write with it: seqplay sample harbour\n"


def test_a_score_on_another_text_names_that_text(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    score = dict.fromkeys(evaluate.NAMES, 2.0)
    monkeypatch.setattr(worker, "ask", lambda _: iter([score]))
    assert "hello, one stream" in invoke(evaluate.command, trained, "harbour", "--on", "hello").stdout
    assert "hello" not in invoke(evaluate.command, trained, "harbour").stdout


def test_another_text_that_is_too_short_to_score_is_named(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ask", lambda _: iter([dict.fromkeys(evaluate.NAMES)]))
    assert invoke(evaluate.command, trained, "harbour", "--on", "hello").stderr.startswith("hello is too short")
