"""Several runs side by side: names, measures, differences, and the columns of their table."""

import json
import math
import time
import unicodedata

import pytest

from seqplay.draw.lines import line_width, plain
from seqplay.runs import shelf
from seqplay.runs.charts import Axes
from seqplay.runs.layout import RunFiles
from seqplay.runs.rows import to_line
from seqplay.safe_text import cell_width
from seqplay.tui import comparison
from seqplay.tui.comparison import Compared
from seqplay.tui.shelf_watch import Kept, ShelfWatch, look, summarise
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.comparing import Differs, shares
from seqplay.tui.widgets.run_table import fitted, folded, mark_role, matches, started

from .conftest import recorded


def read(run: RunFiles, *, thinned: bool = False) -> Subject:
    subject = Subject(run, thinned=thinned)
    while subject.is_loading:
        subject.poll()
    return subject


def compared(*runs: RunFiles) -> list[Compared]:
    return [Compared(read(run), run.name, f"run-{at}") for at, run in enumerate(runs, start=1)]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["shakespeare-lstm", "shakespeare-big"], ["lstm", "big"]),
        (["plays-lstm-long", "plays-gru-long"], ["lstm", "gru"]),
        (["plays-lstm", "plays-gru", "names-gru"], ["lstm", "gru", "names-gru"]),
        (["harbour", "harbour-2"], ["harbour", "harbour-2"]),
        (["소설-1", "소설-2"], ["1", "2"]),
        (["a-b", "a_b"], ["a-b", "a_b"]),
        (["novel"], ["novel"]),
        (["x-b", "x-a", "a"], ["x-b", "x-a", "a"]),
    ],
)
def test_a_short_name_is_what_tells_a_run_from_the_others(names: list[str], short: list[str]) -> None:
    assert comparison.short_names(names) == short


def test_a_long_name_is_cut_where_it_says_least() -> None:
    assert comparison.tail("shakespeare-lstm", 8) == "…re-lstm"
    assert cell_width(comparison.tail("한국어-소설", 6)) <= 6
    assert comparison.tail("gru", 3) == "gru"


def test_runs_of_the_same_tokens_are_compared_in_nats() -> None:
    measure = comparison.measure_of(compared(recorded("a"), recorded("b", cell="gru")), Axes())
    assert (measure.label, measure.keys, measure.warning) == ("nats per character", (None, None), "")


def test_runs_of_different_tokens_are_compared_in_bits_a_byte_where_that_is_known() -> None:
    done, stopped = recorded("a"), recorded("b", tokens="byte", end="stopped")
    measure = comparison.measure_of(compared(done, stopped), Axes(unit="perplexity"))
    assert measure.label == "bits per byte"
    assert "only bits per byte compare" in measure.warning
    ratio = 2.0 / Subject.best_loss.fget(read(done))  # type: ignore[attr-defined]
    assert [key(1.0) for key in measure.keys if key] == pytest.approx([ratio, 3300 / 34 / math.log(2)])


def test_without_its_text_a_run_of_other_tokens_is_drawn_with_a_warning() -> None:
    runs = compared(recorded("a", end="stopped"), recorded("b", tokens="byte", text="of its own", end="stopped"))
    from seqplay import paths

    for text in paths.texts_dir().iterdir():
        text.unlink()
    measure = comparison.measure_of(runs, Axes())
    assert measure.keys == (None, None)
    assert measure.warning == "their tokens differ: these losses do not compare"


def test_words_learned_from_another_text_are_other_tokens() -> None:
    measure = comparison.measure_of(
        compared(recorded("a", tokens="word"), recorded("b", tokens="word", text="another text")), Axes()
    )
    assert measure.label == "bits per byte"
    same = comparison.measure_of(compared(recorded("c", tokens="word"), recorded("d", tokens="word")), Axes())
    assert same.label == "nats per word"


def test_a_plan_of_a_stranger_names_no_file_outside_of_the_cache() -> None:
    run = recorded("a", end="stopped")
    plan = json.loads(run.plan.read_text()) | {"data": "../../../../etc/passwd"}
    run.plan.write_text(json.dumps(plan))
    assert comparison.bits_a_byte(read(run)) is None


def test_the_axis_ends_where_only_one_run_goes_on() -> None:
    runs = compared(recorded("a", steps=100, end="stopped"), recorded("b", steps=400, end="stopped"))
    measure = comparison.measure_of(runs, Axes())
    figure = comparison.chart(runs, Axes(), measure)
    assert (figure.x_start, figure.x_end) == (0.0, pytest.approx(110.0))
    assert comparison.reach(runs, Axes()) == (0.0, pytest.approx(110.0))
    whole = comparison.chart(runs, Axes(whole=True), measure)
    assert (whole.x_start, whole.x_end) == (None, 400.0)


def test_one_cursor_reads_every_run_and_a_point_where_one_is_over() -> None:
    runs = compared(recorded("a", steps=100, end="stopped"), recorded("b", steps=120, end="stopped"))
    axes = Axes(x="seconds")
    measure = comparison.measure_of(runs, axes)
    assert comparison.at(runs, axes, measure, 10.0) == "at 0:10   a 1.66   b 1.66"
    assert comparison.at(runs, axes, measure, 11.5).startswith("at 0:12   a ·   b 1.")
    told = comparison.sample_at(runs[0].progress, "seconds", 5.0)
    assert told is not None
    assert told.step == 40
    assert comparison.sample_at(runs[0].progress, "seconds", 0.5) is None


def test_only_what_differs_is_a_row_and_the_same_is_a_point() -> None:
    runs = compared(recorded("a"), recorded("b", cell="gru"), recorded("c", hidden=64))
    box = Differs()
    box.compared, box.settings = runs, [comparison.settings_of(one.subject) for one in runs]
    lines = [plain(line).split() for line in box.content(60, 3)]
    assert lines == [["a", "b", "c"], ["cell", "lstm", "gru", "·"], ["hidden", "8", "·", "64"]]
    assert all(line_width(line) <= 16 for line in box.content(16, 30))


def test_a_time_makes_as_many_steps_as_it_can_and_that_is_no_difference() -> None:
    differ, same = comparison.differing([{"minutes": 1.0, "steps": 10}, {"minutes": 1.0, "steps": 12}])
    assert (differ, same) == ([], ["minutes"])
    assert comparison.differing([{"steps": 10}, {"steps": 12}])[0] == ["steps"]
    assert comparison.differing([{"settings.k": 1}, {}])[0] == ["settings.k"]


def test_texts_share_the_rows_and_each_gets_one() -> None:
    assert shares([9, 9], 4) == [2, 2]
    assert shares([1, 9, 9], 8) == [1, 4, 3]
    assert shares([5, 5, 5], 2) == [1, 1, 1]


def test_a_long_log_is_thinned_to_its_scores_and_some_steps() -> None:
    run = recorded("long", steps=0, of=30_000, end="stopped")
    with run.log.open("ab") as log:
        for step in range(1, 30_001):
            where = {"step": step, "seconds": step / 10, "tokens": step}
            log.write(to_line({"kind": "step", **where, "train_loss": 2.0, "why": "x" * 20}))
            if step % 1000 == 0:
                log.write(to_line({"kind": "evaluation", **where, "held_out_estimate": 2.0}))
    subject = read(run, thinned=True)
    assert len(subject.progress.held_out.steps) == 30
    assert 10_000 <= len(subject.progress.train.steps) <= 15_001
    where = {"step": 30_001, "seconds": 3001.0, "tokens": 30_001}
    with run.log.open("ab") as log:
        log.write(to_line({"kind": "step", **where, "train_loss": 2.0}))
    subject.poll()
    assert subject.progress.train.steps[-1] == 30_001


# -- the table


def test_a_narrow_table_loses_columns_and_keeps_what_matters() -> None:
    names = [[column.name for column, _ in fitted(width)] for width in (30, 80, 116, 196)]
    assert names[0] == ["run"]
    assert names[1] == ["run", "network", "tokens", "done", "held out", "started"]
    assert names[2] == ["run", "text", "network", "tokens", "done", "held out", "bits/byte", "started"]
    assert names[3][-1] == "bits a byte"
    for width in (30, 80, 116, 196):
        widths = [cells for _, cells in fitted(width, {"run": 90, "text": 90})]
        assert 5 + sum(widths) + 2 * (len(widths) - 1) == width


def test_a_filter_finds_runs_by_name_text_network_tokens_and_state() -> None:
    kept = Kept(recorded("plays-GRU", cell="gru", source="소설.txt", tokens="jamo", end="stopped"), 1.0, ())
    assert matches(kept, ["gru"])
    assert not matches(kept, ["jamo"])
    kept.summary = summarise([kept])[0][2]
    for word in ("plays", "소설", unicodedata.normalize("NFD", "소설"), "gru 1×8", "gru 1x8", "jamo", "stopped"):
        assert matches(kept, [folded(word)])
    assert matches(kept, ["stop", "jam"])
    assert not matches(kept, ["stop", "lstm"])


def test_a_moment_is_told_in_the_words_of_its_distance() -> None:
    now = time.mktime((2026, 11, 21, 18, 0, 0, 0, 0, -1))
    for seconds, told in (
        (-5, "now"), (30, "now"), (240, "4 min"), (7200, "2 h"), (10 * 3600, "today"), (2 * 86400, "Thu"),
        (18 * 86400, "3 Nov"), (400 * 86400, "Oct 2025"),
    ):  # fmt: skip
        assert started(now - seconds, now) == told
    assert started(None, now) == "—"


def test_a_seventh_mark_begins_again_with_dashes() -> None:
    assert [mark_role(slot) for slot in (0, 5, 6, 12)] == [
        ("run-1", False), ("run-6", False), ("run-1", True), ("run-1", False)
    ]  # fmt: skip


def test_a_run_is_summarised_again_only_when_a_file_of_it_changed() -> None:
    finished, stopped = recorded("finished"), recorded("stopped", end="stopped")
    watch = ShelfWatch()
    assert watch.take_in(look(()))
    assert [kept.name for kept in watch.stale([watch.kept["stopped"]])] == ["stopped", "finished"]
    assert watch.learn(summarise(watch.stale()))
    assert watch.stale(again=True) == []
    with stopped.log.open("ab") as log:
        log.write(to_line({"kind": "note", "step": 200, "note": "crashed", "message": ""}))
    assert not watch.take_in(look(set(watch.kept)))
    assert [kept.name for kept in watch.stale()] == ["stopped"]
    assert watch.learn(summarise(watch.stale()))
    assert watch.counts() == {"finished": 1, "crashed": 1}
    for path in sorted(finished.path.iterdir()):
        path.unlink()
    finished.path.rmdir()
    assert watch.take_in(look(set(watch.kept)))
    assert list(watch.kept) == ["stopped"]


def test_a_look_that_began_before_a_rename_or_removal_here_undoes_nothing() -> None:
    recorded("a")
    watch = ShelfWatch()
    watch.take_in(look(()))
    before = look(set(watch.kept), watch.generation)
    with watch.changing():
        during = look(set(watch.kept), watch.generation)
        assert not watch.take_in(during)
        renamed = shelf.rename(shelf.find("a"), "b")
        assert not watch.take_in(look(set(watch.kept), watch.generation))
        watch.kept = {"b": Kept(renamed, 0.0, ())}
    for old in (before, during):
        assert not watch.take_in(old)
    assert list(watch.kept) == ["b"]
    recorded("c")
    assert watch.take_in(look(set(watch.kept), watch.generation))
    assert sorted(watch.kept) == ["b", "c"]


def test_a_run_that_may_live_is_asked_for_at_each_look() -> None:
    watch = ShelfWatch()
    watch.take_in(look(()))
    kept = Kept(recorded("live", end="killed"), 1.0, ())
    watch.kept["live"] = kept
    watch.learn([(kept, (), summarise([kept])[0][2].__class__("live", kept.run.path, "running"))])
    assert watch.stale() == []
    assert watch.stale(again=True) == [kept]
