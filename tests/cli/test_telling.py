"""What commands say of runs that change, or hold what no trainer writes."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from seqplay.cli import evaluate, live, output, pause, show, stop
from seqplay.errors import DataError, RunError
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
    problem = invoke(evaluate.command, trained, "harbour", "--on", "hello").exception
    assert isinstance(problem, DataError)
    assert str(problem).startswith("hello is too short")


def planned(copied: Trained, **changed: Any) -> None:
    plan = json.loads(copied.run.plan.read_text())
    copied.run.plan.write_text(json.dumps({**plan, **changed}))


def test_show_tells_the_dropout_before_the_first_layer_where_there_is_any(copied: Trained) -> None:
    planned(copied, dropout=0.5, embedding_dropout=0.25)
    assert "dropout 0.5, 0.25 before the first layer, batch" in invoke(show.command, copied, "harbour").stdout
    planned(copied, dropout=0.5, embedding_dropout=0.0)
    assert "dropout 0.5, batch" in invoke(show.command, copied, "harbour").stdout


@pytest.mark.parametrize(("unit", "many"), [("word", "words"), ("jamo", "jamo"), ("token", "tokens")])
def test_show_calls_a_token_what_it_is(unit: str, many: str, copied: Trained) -> None:
    planned(copied, unit=unit)
    shown = invoke(show.command, copied, "harbour").stdout
    assert f"nats per {unit}" in shown
    assert f"2,700 {many} to learn from" in shown
    assert f"nats a {unit}, " in shown


def test_show_says_what_the_train_loss_is(copied: Trained) -> None:
    loss = rows_in(copied.run.log)[-1]["train_loss"]
    shown = invoke(show.command, copied, "harbour").stdout
    assert f"train loss     {loss:.3f} nats a character, mean of the last 50 steps or so" in shown


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_show_wraps_its_facts_and_cuts_none(columns: int, trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    output.console.cache_clear()
    shown = invoke(show.command, trained, "harbour").stdout
    output.console.cache_clear()
    facts = shown[shown.index("\ntext ") : shown.index("wrote last")]
    assert max(map(len, facts.splitlines())) <= columns
    assert "…" not in facts
    assert "2,700 characters to learn from, 300 held out" in " ".join(facts.split())
