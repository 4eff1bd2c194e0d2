"""Scripts read `--json` and log.jsonl, so their words and shapes are a promise (design.md, section 6)."""

from pathlib import Path

from .conftest import SMALL, Trained, as_if_killed, rows_in, seqplay

KINDS = {"start", "step", "evaluation", "change", "note", "done"}
STEP = {"step", "train_loss", "seconds", "tokens"}
SCORES = {"held_out_loss", "bits_per_byte", "perplexity"}
DONE = {"run", "steps", "seconds", "parameters", "train_loss", "tokens_per_second", *SCORES}


def test_train_prints_one_strict_json_object_a_line_and_each_has_a_known_kind(trained: Trained) -> None:
    kinds = [row["kind"] for row in trained.result.rows]
    assert set(kinds) <= KINDS
    assert {"start", "step", "evaluation", "done"} <= set(kinds)
    assert kinds[0] == "start"
    assert kinds[-1] == "done"
    assert trained.result.out.endswith(b"\n")


def test_every_training_step_has_exactly_one_step_row(trained: Trained) -> None:
    steps = [row for row in trained.result.rows if row["kind"] == "step"]
    assert [row["step"] for row in steps] == list(range(1, 9))
    for row in steps:
        assert row.keys() >= STEP
        assert isinstance(row["train_loss"], float)
        assert row["seconds"] >= 0
    tokens = [row["tokens"] for row in steps]
    assert tokens == sorted(set(tokens))


def test_done_has_every_promised_number(trained: Trained) -> None:
    done = trained.result.rows[-1]
    assert done.keys() >= DONE
    assert done["run"] == str(trained.run.path)
    assert done["steps"] == 8
    assert all(isinstance(done[name], int | float) for name in DONE - {"run"})
    start = trained.result.rows[0]
    assert start["run"] == str(trained.run.path)
    assert start["parameters"] == done["parameters"]


def test_log_holds_the_rows_that_train_printed(trained: Trained) -> None:
    """A row's run is its name in the log, which moves with its directory, and its directory on stdout."""
    logged = rows_in(trained.run.log)
    named = [{**row, "run": str(trained.run.path)} if "run" in row else row for row in logged]
    assert named == trained.result.rows
    assert all(row["run"] == trained.run.name for row in logged if "run" in row)


def test_numbers_that_do_not_exist_are_null_and_not_absent(home: Path) -> None:
    """Of a text under 1,000 characters nothing is held out."""
    result = seqplay(home, "train", "hello", "--steps", "2", *SMALL, "--json")
    assert result.code == 0
    done = result.rows[-1]
    assert done.keys() >= DONE
    assert all(done[name] is None for name in SCORES)
    assert isinstance(done["train_loss"], float)
    assert [row["held_out_estimate"] for row in result.rows if row["kind"] == "evaluation"] == [None, None]

    evaluated = seqplay(home, "eval", "--json")
    assert evaluated.code == 65
    (scored,) = evaluated.rows
    assert all(scored[name] is None for name in SCORES)
    (listed,) = seqplay(home, "runs", "--json").rows
    assert listed["held_out_loss"] is None


def test_eval_gives_the_same_numbers_as_training_did(trained: Trained) -> None:
    (scored,) = seqplay(trained.home, "eval", "harbour", "--json").rows
    done = trained.result.rows[-1]
    for name in [*SCORES, "held_out_accuracy", "held_out_tokens"]:
        assert scored[name] == done[name], name
    assert scored["kind"] == "score"
    assert scored["run"] == done["run"]
    assert scored["window"] is None
    assert scored["source"] is None


def test_eval_in_cold_windows_scores_whole_windows_of_the_held_out_part(trained: Trained) -> None:
    (scored,) = seqplay(trained.home, "eval", "--window", "16", "--json").rows
    assert scored["window"] == 16
    assert scored["scored_tokens"] == 16 * ((300 - 1) // 16)
    assert scored["held_out_loss"] != trained.result.rows[-1]["held_out_loss"]


def test_eval_on_the_same_text_is_another_number_under_the_same_names(trained: Trained, text: Path) -> None:
    (scored,) = seqplay(trained.home, "eval", "--on", text, "--json").rows
    assert scored.keys() >= SCORES
    assert scored["scored_tokens"] == 2999
    assert scored["source"] == "harbour.txt"


def test_runs_prints_one_object_for_each_run(trained: Trained) -> None:
    (row,) = seqplay(trained.home, "runs", "--json").rows
    done = trained.result.rows[-1]
    assert row["kind"] == "run"
    assert (row["name"], row["path"], row["state"]) == ("harbour", done["run"], "finished")
    assert {name: row[name] for name in ("held_out_loss", "bits_per_byte", "train_loss", "steps", "seconds")} == {
        name: done[name] for name in ("held_out_loss", "bits_per_byte", "train_loss", "steps", "seconds")
    }
    assert row["problem"] is None
    assert row["network"] == "lstm 1x8"
    assert "lstm 1×8" in seqplay(trained.home, "runs").out.decode()


def test_runs_prints_nothing_where_there_are_none(home: Path) -> None:
    result = seqplay(home, "runs", "--json")
    assert (result.code, result.out) == (0, b"")


def test_show_prints_the_plan_and_the_last_row(trained: Trained) -> None:
    (row,) = seqplay(trained.home, "show", "--json").rows
    assert (row["kind"], row["run"], row["state"]) == ("show", str(trained.run.path), "finished")
    assert (row["hidden"], row["steps"], row["cell"], row["tokens"]) == (8, 8, "lstm", "char")
    assert row["last"] == rows_in(trained.run.log)[-1]


def test_sample_prints_one_object_for_each_text(trained: Trained) -> None:
    command = ("sample", "--prompt", "The ", "--length", "30", "--count", "3", "--seed", "5", "--json")
    result = seqplay(trained.home, *command)
    assert [row["kind"] for row in result.rows] == ["sample"] * 3
    assert [row["seed"] for row in result.rows] == [5, 6, 7]
    assert all((row["prompt"], len(row["text"])) == ("The ", 30) for row in result.rows)
    assert len({row["text"] for row in result.rows}) == 3


def test_resume_prints_the_new_rows_alone_and_the_log_has_each_step_once(copied: Trained) -> None:
    as_if_killed(copied.run)
    result = seqplay(copied.home, "resume", "harbour", "--json")
    assert result.code == 0
    assert {row["kind"] for row in result.rows} <= KINDS
    assert [row["step"] for row in result.rows if row["kind"] == "step"] == list(range(1, 9))
    assert [row["kind"] for row in result.rows].count("start") == 0
    assert result.rows[-1]["kind"] == "done"
    assert [row["step"] for row in rows_in(copied.run.log) if row["kind"] == "step"] == list(range(1, 9))


def test_a_crash_of_an_earlier_process_is_not_told_again_when_resuming_succeeds(copied: Trained) -> None:
    as_if_killed(copied.run)
    with copied.run.log.open("a") as log:
        log.write('{"kind":"note","note":"crashed","message":"the disk was full","exit_code":74}\n')
    result = seqplay(copied.home, "resume", "harbour")
    assert result.code == 0
    assert "the disk was full" not in result.err.decode()
    assert "on held-out text" in result.err.decode()
