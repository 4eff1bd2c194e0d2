"""Rows that no trainer of ours would write: whatever stands in them, what is seen of a run can be drawn."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.draw.curves import draw_curves
from seqplay.draw.numbers import clock, percent
from seqplay.figures import Floor
from seqplay.runs import charts, scores
from seqplay.runs.charts import AXES, UNITS, Axes
from seqplay.runs.progress import Change, Progress
from seqplay.tui import comparison, verdict
from seqplay.tui.comparison import Compared
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.judge_box import histogram, histogram_in_a_line
from seqplay.tui.widgets.running import crash_card, log_spaced, vitals

START = {"kind": "start", "cell": "lstm", "why": "", "tokens": "char", "unit": "character", "minutes": None}
START |= {"steps": 400, "layers": 1, "hidden": 8, "parameters": 1000, "train_tokens": 3000}
STEP = {"kind": "step", "step": 8, "train_loss": 2.0, "seconds": 0.8, "tokens": 640}
CHANGE = {"kind": "change", "step": 8, "name": "learning_rate", "value": 0.01, "before": 0.02}
ROWS: list[dict[str, Any]] = [
    START,
    STEP | {"learning_rate": 0.01, "gradient_norm": 0.5},
    {"kind": "evaluation", "step": 8, "held_out_estimate": 2.1, "seconds": 0.8, "tokens": 640},
    CHANGE,
    CHANGE | {"name": "steps", "value": 500, "before": 400},
    {"kind": "note", "note": "crashed", "message": "out of memory"},
    {"kind": "done", "steps": 400, "seconds": 40.0, "train_loss": 1.0, "held_out_loss": 1.5, "bits_per_byte": 2.0},
    {"kind": "figure", "figure": "text", "step": 8, "prompt": "T", "text": "he", "caption": ""},
    STEP | {"critic_loss": 0.6, "generator_loss": 1.6, "train_real": 0.7, "train_drawn": 0.3, "train_accuracy": 0.9},
    {"kind": "evaluation", "step": 8, "held_out_estimate": None, "seconds": 0.8, "tokens": 640, "classes_present": 10,
     "confident_share": 0.9, "frechet": 11.0, "class_shares": [0.5, 0.5], "held_out_accuracy": 0.9},
    {"kind": "figure", "figure": "picture", "step": 8, "pixels": "AAAA", "count": 3, "height": 1, "width": 1},
]  # fmt: skip
ODD = [None, True, 0, -1, 9, 20, 2**62, 2**63, 10**308, 10**400, 0.0, 5e-324, 1e-99, 1e99, 1e308, -1e308]
ODD += ["", "steps", "rollback", "paused", [], ["char"], {}, {"a": 1}]  # type: ignore[list-item]
FLOORS = (Floor("uniform", 4.0), Floor("gzip", 1.0))


class Stub:
    """A run of which only the rows are known."""

    plan, is_loading, checkpoint_steps, task, has_pictures = None, False, (), "text", False

    def __init__(self, progress: Progress) -> None:
        self.progress, self.state = progress, progress.state

    best_loss = Subject.best_loss


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    row = dict(draw(st.sampled_from(ROWS)))
    if "step" in row:
        row["step"] = draw(st.integers(0, 40))
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=2)):
        row[name] = draw(st.sampled_from(ODD))
    return row


def see(progress: Progress, axes: Axes, cursor: float) -> None:
    """Everything that is made of a run without an app."""
    figure = charts.loss_chart(progress, axes, FLOORS, cursor=cursor)
    draw_curves(figure, 60, 12)
    for series in (progress.gradient, progress.rate, progress.pace):
        curve = series.curve("", axis=axes.x)
        end = charts.x_end(progress, axes.x)
        draw_curves(charts.Curves((curve,), x_label=axes.x_label, x_end=end, whole_y=True), 40, 8)
    subject = cast(Subject, Stub(progress))
    vitals(subject)
    crash_card(subject)
    percent(progress.share)
    clock(progress.seconds_left or 0.0)
    verdict.verdict(progress, FLOORS, progress.state)
    verdict.at(progress, axes, cursor)
    log_spaced(progress.samples, progress.samples[-1] if progress.samples else None, 4)
    compared = [Compared(subject, "a", "run-1"), Compared(subject, "b", "run-2")]
    measure = comparison.measure_of(compared, axes)
    draw_curves(comparison.chart(compared, axes, measure, FLOORS, cursor=cursor), 60, 12)
    comparison.title_of(compared, measure.label)
    comparison.reach(compared, axes)
    comparison.caption(compared, axes, measure, None)
    comparison.caption(compared, axes, measure, cursor)
    comparison.sample_at(progress, axes.x, cursor)
    for task, numbers in ((scores.DRAWS, scores.LOSSES), ("recognise", scores.ACCURACIES)):
        draw_curves(scores.chart(progress, axes, numbers, cursor), 40, 8)
        assert len(scores.verdict(progress, task, "finished") + scores.best_said(progress, task)) < 100
        for at in (None, cursor):
            assert len(scores.warning(progress, axes.x, at)) < 120
            if shares := scores.class_shares(progress, axes.x, at):
                histogram(shares, 30, 3)
                histogram_in_a_line(shares, 30)
            shown = scores.shown_at(progress, axes.x, at)
            assert shown is None or shown.picture.count >= 0


AXES_OF_ANY_KIND = st.builds(
    Axes, st.sampled_from(AXES), st.booleans(), st.booleans(), st.sampled_from([*UNITS]), st.sampled_from([1, 10])
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.lists(rows(), max_size=16), AXES_OF_ANY_KIND, st.floats(0, 100))
def test_no_row_keeps_a_run_from_being_drawn(made: list[dict[str, Any]], axes: Axes, cursor: float) -> None:
    progress = Progress("odd")
    for row in made:
        progress.add(row)
    see(progress, axes, cursor)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["kind"])
def test_no_value_of_one_field_keeps_a_run_from_being_drawn(row: dict[str, Any]) -> None:
    for name in row:
        for value in ODD:
            progress = Progress("odd")
            for one in (START, STEP, row | {name: value}):
                progress.add(one)
            vitals(cast(Subject, Stub(progress)))
            verdict.verdict(progress, FLOORS, progress.state)
            charts.loss_chart(progress, Axes("tokens"))
            comparison.measure_of([Compared(cast(Subject, Stub(progress)), "a", "run-1")], Axes())


@pytest.mark.parametrize(
    "row",
    [
        START | {"tokens": ["char"]},
        STEP | {"learning_rate": 10**400},
        STEP | {"train_loss": 1e308},
        CHANGE | {"value": 5e-324, "before": 1e308},
        CHANGE | {"name": "steps", "value": 10**300},
        {"kind": ["step"]},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_drawn_is_refused(row: dict[str, Any]) -> None:
    progress = Progress("odd")
    progress.add(STEP)
    assert not progress.add(row)
    assert (progress.start, progress.step["step"], progress.changes, progress.steps) == ({}, 8, [], 0)


def test_a_change_that_no_ratio_tells_is_still_said() -> None:
    assert charts.said(Change(1, 1.0, 1, "learning_rate", 5e-324, 1e308)) == "learning rate ÷inf"
    assert charts.said(Change(1, 1.0, 1, "learning_rate", 0.02, 0.01)) == "learning rate ×2"
    assert charts.said(Change(1, 1.0, 1, "learning_rate", 0.01, 0.02)) == "learning rate ÷2"


def test_before_the_first_step_the_axis_of_tokens_has_no_end() -> None:
    progress = Progress("timed")
    progress.add(START | {"minutes": 2})
    assert [charts.x_end(progress, axis) for axis in AXES] == [400.0, 120.0, None]
    progress.add(STEP)
    assert charts.x_end(progress, "tokens") == 32_000.0


def test_a_hundred_percent_is_said_only_when_nothing_is_left() -> None:
    shares = (0.0, 0.29, 399 / 400, 1 - 1e-15, 1.0)
    assert [percent(share) for share in shares] == ["0 %", "29 %", "99 %", "99 %", "100 %"]
