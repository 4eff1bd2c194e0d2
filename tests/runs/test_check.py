"""Damage of every kind is found, said with what it means, and told apart from what a kill leaves."""

import dataclasses
import hashlib
import json
import os
import random
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqplay import recipe
from seqplay.recipe import Plan, Recipe
from seqplay.runs import check as checking
from seqplay.runs import check_checkpoints, commit, process, shelf
from seqplay.runs.best import MODEL, STATE, TRAINING
from seqplay.runs.check import Checked, check
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.rows import to_json, to_line

TEXT = "나는 오늘 기분이 좋아.\n".encode() * 40
DATA = hashlib.sha256(TEXT).hexdigest()
TOKENIZER = b'{"model":{"vocab":{"a":0}}}'
START = {"kind": "start", "run": "novel", "step": 0, "cell": "lstm", "hidden": 8, "train_tokens": 500}
DONE = {"kind": "done", "steps": 8, "best_step": 8, "held_out_loss": 1.5}
FIGURE = {"kind": "figure", "figure": "text", "step": 0, "text": "abc"}


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def tensors(*values: float) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, 4 * len(values)]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4 * len(values))


def checkpoint(run: RunFiles, step: int, best: int | None = None, **more: bytes) -> None:
    state = {"step": step, "best_step": step if best is None else best}
    contents = {MODEL: tensors(1, 2), TRAINING: tensors(1, 2, 3), STATE: to_json(state), **more}
    commit.commit(run.checkpoints, step, contents)


def step_row(step: int) -> dict[str, Any]:
    return {"kind": "step", "step": step, "train_loss": 2.5, "seconds": 1.5, "tokens": 900}


def write_log(run: RunFiles, *rows: dict[str, Any]) -> None:
    run.log.write_bytes(b"".join(map(to_line, rows)))


@pytest.fixture
def whole(home: Path) -> RunFiles:
    """A run that was stopped at step 9, after checkpoints at 4 and 8; its text is in the cache."""
    run = shelf.create("novel", "")
    (home / "cache" / "texts").mkdir(parents=True)
    (home / "cache" / "texts" / DATA).write_bytes(TEXT)
    asked = Recipe(source="소설.txt", data=DATA, created=1000.0)
    run.recipe.write_bytes(to_json(recipe.to_json(asked)))
    plan = Plan(
        steps=12, cell="lstm", tokens="char", hidden=8, layers=1, embedding=8, dropout=0.0, embedding_dropout=0.0,
        batch=2, sequence=4, learning_rate=0.01, holdout=0.1, seed=0, device="cpu", threads=1, slices=1,
        precision="float32", weight_decay=0.1, warmup=0.05, clip=1.0, average=0.998, evaluate_every=4, minutes=None,
        patience=None, settings={}, task="text", source="소설.txt", data=DATA, vocabulary=9, train_tokens=500,
        held_out_tokens=60, parameters=5, layer_table=[], why="as asked", notices=[],
        codec={"tokenizer.json": hashlib.sha256(TOKENIZER).hexdigest()}, wrap=False, residual=False,
        distribution="seqplay", version=installed("seqplay"), torch=installed("torch"),
    )  # fmt: skip
    run.plan.write_bytes(to_json(recipe.to_json(plan)))
    run.tokenizer.write_bytes(TOKENIZER)
    checkpoint(run, 4)
    checkpoint(run, 8)
    write_log(run, START, *map(step_row, range(1, 10)))
    run.figures.write_bytes(to_line(FIGURE))
    run.control.write_bytes(to_line({"kind": "control", "action": "stop", "value": None, "time": 1.0}))
    run.output.write_bytes(b"")
    run.lock.write_bytes(b"")
    return run


def installed(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


def finish(run: RunFiles) -> None:
    with run.log.open("ab") as log:
        log.write(to_line(DONE))


def problems(checked: Checked) -> list[tuple[str, str]]:
    return [(finding.level, finding.subject) for finding in checked.findings if finding.level != "ok"]


def message(checked: Checked, subject: str) -> str:
    return " | ".join(finding.message for finding in checked.findings if finding.subject == subject)


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def tree(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything that a write would change."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in [directory, *directory.rglob("*")]
    }


# -- what is well


def test_a_whole_run_goes_on_and_is_not_touched(whole: RunFiles, home: Path) -> None:
    before = tree(home)
    checked = check(whole)
    assert problems(checked) == []
    assert (checked.is_good, checked.step) == (True, 8)
    assert checked.verdict == "All good: `seqplay resume novel` goes on from step 8."
    assert message(checked, "checkpoints").startswith("4, 8: ")
    assert tree(home) == before


def test_a_finished_run_writes(whole: RunFiles) -> None:
    finish(whole)
    checked = check(whole)
    assert problems(checked) == []
    assert (checked.is_good, checked.step) == (True, None)
    assert checked.verdict == "All good: novel is finished. Write with it: seqplay sample novel"


def test_a_run_that_has_not_begun_begins(whole: RunFiles) -> None:
    shutil.rmtree(whole.checkpoints)
    for path in (whole.plan, whole.tokenizer, whole.log, whole.figures, whole.control):
        path.unlink()
    checked = check(whole)
    assert problems(checked) == []
    assert checked.verdict == "All good: `seqplay resume novel` goes on from step 0."


def test_a_run_elsewhere_is_called_by_its_path(whole: RunFiles, tmp_path: Path) -> None:
    moved = RunFiles(whole.path.rename(tmp_path / "a run"))
    assert f"`seqplay resume '{moved.path}'` goes on" in check(moved).verdict


# -- every file, damaged in every way


def every_file(run: RunFiles) -> list[Path]:
    top = [run.recipe, run.plan, run.tokenizer, run.log, run.figures, run.control]
    return [*top, *(run.checkpoints / "8" / name for name in (MODEL, TRAINING, STATE, commit.MANIFEST))]


FILES = "recipe.json plan.json tokenizer.json log.jsonl figures.jsonl control.jsonl".split()
IN_STEP = [f"checkpoints/8/{name}" for name in (MODEL, TRAINING, STATE, commit.MANIFEST)]
BAD = ("plan.json", "tokenizer.json")


def level_of(name: str) -> str:
    return "bad" if name in BAD else "warn"


def subject_of(name: str) -> str:
    return "checkpoint 8" if name in IN_STEP else name


@pytest.mark.parametrize("name", [*FILES, *IN_STEP])
def test_a_flipped_bit_is_found(name: str, whole: RunFiles) -> None:
    flip(whole.path / name, 1)
    checked = check(whole)
    assert (level_of(name), subject_of(name)) in problems(checked)
    assert checked.is_good is (name not in BAD)


@pytest.mark.parametrize("name", [*FILES, *IN_STEP])
def test_a_file_cut_in_the_middle_is_found(name: str, whole: RunFiles) -> None:
    os.truncate(whole.path / name, (whole.path / name).stat().st_size // 2)
    assert (level_of(name), subject_of(name)) in problems(check(whole))


@pytest.mark.parametrize("name", ["recipe.json", "plan.json", "tokenizer.json", "log.jsonl", *IN_STEP])
def test_a_missing_file_is_found(name: str, whole: RunFiles) -> None:
    (whole.path / name).unlink()
    assert (level_of(name), subject_of(name)) in problems(check(whole))


@pytest.mark.parametrize("name", [*FILES, *IN_STEP, "process.json", "output.txt", "lock"])
def test_a_symlink_in_the_place_of_a_file_is_bad(name: str, whole: RunFiles, tmp_path: Path) -> None:
    path = whole.path / name
    (tmp_path / "elsewhere").write_bytes(path.read_bytes() if path.exists() else b"")
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "elsewhere")
    found = problems(check(whole))
    assert any("symlink" in message(check(whole), subject) for _, subject in found)
    assert ("warn" if name in IN_STEP else "bad", subject_of(name)) in found
    assert [subject for _, subject in found].count(subject_of(name)) == 1


@pytest.mark.parametrize("name", ["checkpoints", "checkpoints/8"])
def test_a_symlink_in_the_place_of_checkpoints_is_bad(name: str, whole: RunFiles, tmp_path: Path) -> None:
    (whole.path / name).rename(tmp_path / "elsewhere")
    (whole.path / name).symlink_to(tmp_path / "elsewhere")
    checked = check(whole)
    assert ("bad", name) in problems(checked)
    assert "is a symlink, which is never followed" in message(checked, name)


def test_every_bit_of_a_checkpoint_counts(whole: RunFiles) -> None:
    generator = random.Random(0)
    for _ in range(60):
        path = generator.choice([whole.checkpoints / "8" / name for name in (MODEL, TRAINING, STATE, commit.MANIFEST)])
        bit = generator.randrange(path.stat().st_size * 8)
        flip(path, bit)
        assert check_checkpoints.read_checkpoints(whole.checkpoints).whole != [4, 8], f"seed 0, {path}, bit {bit}"
        flip(path, bit)


def test_a_file_of_the_wrong_kind_does_not_hang(whole: RunFiles) -> None:
    for path in (whole.log, whole.figures, whole.control, whole.output):
        path.unlink()
        os.mkfifo(path)
    assert {subject for _, subject in problems(check(whole))} >= {"log.jsonl", "figures.jsonl", "output.txt"}


# -- checkpoints


def test_the_newest_checkpoint_is_damaged(whole: RunFiles) -> None:
    flip(whole.checkpoints / "8" / TRAINING, 500)
    checked = check(whole)
    assert problems(checked) == [("warn", "checkpoint 8")]
    assert "`resume` goes on from 4 and makes the steps after it again" in message(checked, "checkpoint 8")
    assert message(checked, "checkpoint 8").startswith("checkpoints/8/training.safetensors is damaged")
    assert checked.verdict == "`seqplay resume novel` goes on from step 4."


def test_an_old_checkpoint_is_damaged(whole: RunFiles) -> None:
    flip(whole.checkpoints / "4" / TRAINING, 500)
    checked = check(whole)
    assert "`resume` does not need it" in message(checked, "checkpoint 4")
    assert (checked.is_good, checked.step) == (True, 8)


def test_every_checkpoint_is_damaged(whole: RunFiles) -> None:
    for step in ("4", "8"):
        flip(whole.checkpoints / step / TRAINING, 500)
    checked = check(whole)
    assert problems(checked)[:2] == [("bad", "checkpoint 4"), ("bad", "checkpoint 8")]
    assert checked.verdict == "novel cannot go on, for checkpoint 4, checkpoint 8. It writes: seqplay sample novel"


def test_all_checkpoints_are_missing(whole: RunFiles) -> None:
    shutil.rmtree(whole.checkpoints)
    checked = check(whole)
    assert ("bad", "checkpoints") in problems(checked)
    assert "`resume` would begin again at step 0" in message(checked, "checkpoints")
    assert not checked.is_good


def test_a_finished_run_needs_its_best_checkpoint_alone(whole: RunFiles) -> None:
    finish(whole)
    flip(whole.checkpoints / "4" / MODEL, 500)
    assert problems(check(whole)) == [("warn", "checkpoint 4")]
    flip(whole.checkpoints / "4" / MODEL, 500)
    flip(whole.checkpoints / "8" / MODEL, 500)
    checked = check(whole)
    assert ("bad", "checkpoint 8") in problems(checked)
    assert "`sample` needs it" in message(checked, "checkpoint 8")
    assert checked.verdict.startswith("novel is finished, and damaged: ")


def test_the_checkpoint_with_the_scores_is_missing(whole: RunFiles) -> None:
    finish(whole)
    shutil.rmtree(whole.checkpoints / "8")
    assert ("bad", "checkpoint 8") in problems(check(whole))


def test_a_last_row_that_seqplay_never_writes_is_no_crash(whole: RunFiles) -> None:
    with whole.log.open("ab") as log:
        log.write(to_line({"kind": "done", "best_step": [8], "steps": {}}))
    assert ("bad", "checkpoint [8]") in problems(check(whole))


def test_the_best_checkpoint_of_an_unfinished_run_is_damaged(whole: RunFiles) -> None:
    checkpoint(whole, 8, best=4)
    flip(whole.checkpoints / "4" / MODEL, 500)
    checked = check(whole)
    assert problems(checked) == [("warn", "checkpoint 4"), ("warn", "checkpoints")]
    assert "`sample` waits until the training has a better one" in message(checked, "checkpoints")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (MODEL, b""),
        (MODEL, (1 << 60).to_bytes(8, "little")),
        (MODEL, (2).to_bytes(8, "little") + b"[]"),
        (TRAINING, tensors(1, 2)[:-1]),
        (STATE, b'{"step": 7}'),
        (STATE, b'{"step": NaN}'),
    ],
)
def test_a_stranger_hashes_what_seqplay_would_never_write(name: str, content: bytes, whole: RunFiles) -> None:
    checkpoint(whole, 8, **{name: content})
    assert problems(check(whole))[0] == ("warn", "checkpoint 8")


def test_a_manifest_that_lists_too_little_is_damage(whole: RunFiles) -> None:
    commit.commit(whole.checkpoints, 8, {MODEL: tensors(1), STATE: b'{"step": 8}'})
    checked = check(whole)
    assert "training.safetensors" in message(checked, "checkpoint 8")


def test_a_run_that_a_newer_seqplay_went_on_with_cannot_go_on_here(whole: RunFiles) -> None:
    manifest = whole.checkpoints / "8" / commit.MANIFEST
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 999'))
    checked = check(whole)
    assert not checked.is_good
    assert "pip install -U seqplay" in message(checked, "novel")


# -- logs


def test_a_torn_last_line_is_no_damage(whole: RunFiles) -> None:
    for path in (whole.log, whole.figures):
        with path.open("ab") as log:
            log.write(to_line({"kind": "note", "message": "한글"})[:-4])
    checked = check(whole)
    assert problems(checked) == [("warn", "log.jsonl"), ("warn", "figures.jsonl")]
    assert "its last line is torn" in message(checked, "log.jsonl")
    assert checked.is_good


LINES: list[tuple[bytes, str]] = [
    (b"\0" * 4096, "last line is torn"),
    (b"\0" * 20 + b"\n", "1 line is damaged"),
    (b'{"a": NaN}\n[]\n', "2 lines are damaged"),
    (b"\xff\xfe\n", "1 line is damaged"),
    (to_line(step_row(9)), "1 of its steps come again"),
    (to_line(step_row(12)), "2 steps without a row"),
    (b"\n\n", ""),
]


@pytest.mark.parametrize(("content", "words"), LINES)
def test_odd_lines_are_counted(content: bytes, words: str, whole: RunFiles) -> None:
    with whole.log.open("ab") as log:
        log.write(content)
    checked = check(whole)
    assert words in message(checked, "log.jsonl")
    assert problems(checked) == ([("warn", "log.jsonl")] if words else [])


def test_a_line_longer_than_any_row_is_not_read_at_once(whole: RunFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqplay.runs import check_logs

    monkeypatch.setattr(check_logs, "LINE_LIMIT_BYTES", 512)
    with whole.log.open("ab") as log:
        log.write(b"x" * 1500 + b"\n" + to_line(step_row(10)))
    checked = check(whole)
    assert "3 lines are damaged" in message(checked, "log.jsonl")
    assert "to step 10" in message(checked, "log.jsonl")


def test_a_log_larger_than_any_is_not_read(whole: RunFiles) -> None:
    os.truncate(whole.log, 1 << 40)
    assert "the limit is 4,294,967,296" in message(check(whole), "log.jsonl")


def test_a_log_that_ends_before_the_newest_checkpoint_lost_rows(whole: RunFiles) -> None:
    write_log(whole, START, *map(step_row, range(1, 6)))
    assert "ends at step 5, before checkpoint 8" in message(check(whole), "log.jsonl")


@pytest.mark.parametrize(
    "change", [{"name": "steps"}, {"name": "dropout", "value": 1}, {"name": "steps", "value": float("nan")}, {}]
)
def test_a_change_that_resume_would_refuse_is_bad(change: dict[str, Any], whole: RunFiles) -> None:
    write_log(whole, START, *map(step_row, range(1, 9)), {"kind": "change", "step": 8, **change})
    checked = check(whole)
    assert problems(checked) == [("bad", "log.jsonl")]
    assert checked.verdict.startswith("novel cannot go on, for log.jsonl.")


def test_a_change_that_seqplay_writes_is_good(whole: RunFiles) -> None:
    change = {"kind": "change", "step": 8, "name": "steps", "value": 20, "before": 12}
    write_log(whole, START, *map(step_row, range(1, 9)), change)
    assert problems(check(whole)) == []


def test_a_plan_that_was_changed_after_the_run_began_is_found(whole: RunFiles) -> None:
    whole.plan.write_bytes(whole.plan.read_bytes().replace(b'"hidden":8', b'"hidden":9'))
    checked = check(whole)
    assert ("bad", "plan.json") in problems(checked)
    assert "hidden 9, and the first row of log.jsonl says 8" in message(checked, "plan.json")


def test_figures_that_cannot_be_drawn_are_counted(whole: RunFiles) -> None:
    whole.figures.write_bytes(to_line(FIGURE) + to_line({**FIGURE, "text": 5}) + to_line({**FIGURE, "figure": "pie"}))
    checked = check(whole)
    assert problems(checked) == [("warn", "figures.jsonl")]
    assert "2 lines are damaged" in message(checked, "figures.jsonl")


def test_requests_that_nobody_takes_are_counted(whole: RunFiles) -> None:
    whole.control.write_bytes(b'{"kind": "control", "action": "explode"}\n')
    assert problems(check(whole)) == [("warn", "control.jsonl")]


# -- what is beside the run: who writes it, its text, its cell, other files


def test_a_run_that_is_being_written_raises_no_alarm(whole: RunFiles) -> None:
    with whole.log.open("ab") as log:
        log.write(b'{"kind":"st')
    with WriterLock(whole):
        checked = check(whole)
    assert problems(checked) == []
    assert checked.verdict.startswith(f"All good: novel is training now, in process {os.getpid()} on ")
    assert checked.step is None


def test_a_paused_run_says_so(whole: RunFiles) -> None:
    write_log(whole, START, *map(step_row, range(1, 9)), {"kind": "note", "step": 8, "note": "paused", "message": ""})
    with WriterLock(whole):
        assert "novel is paused, in process" in check(whole).verdict


def test_a_run_that_could_not_go_on_says_so_while_it_is_trained(whole: RunFiles) -> None:
    whole.tokenizer.write_bytes(b"{}")
    with WriterLock(whole):
        checked = check(whole)
    assert not checked.is_good
    assert checked.verdict == "novel is being trained, and could not go on from here, for tokenizer.json."


def test_a_checkpoint_that_goes_while_it_is_read_is_no_finding(
    whole: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = commit.read_file

    def let_go(checkpoints: Path, step: int, *more: Any) -> bytes:
        if step == 4 and (checkpoints / "4").exists():
            (checkpoints / "4").rename(checkpoints / f".4.removed-{'0' * 16}")
        return real(checkpoints, step, *more)

    monkeypatch.setattr(commit, "read_file", let_go)
    checked = check(whole)
    assert problems(checked) == []
    assert message(checked, "checkpoints").startswith("8: ")


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_no_finding(
    whole: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, read = commit.load_manifest, []

    def replaced(checkpoints: Path, step: int) -> commit.Manifest:
        manifest = real(checkpoints, step)
        if step == 8 and 8 not in read:
            checkpoint(whole, 8, extra=b"")
            checkpoint(whole, 8)
            manifest.files["extra"] = commit.Listed("", 0)
        read.append(step)
        return manifest

    monkeypatch.setattr(commit, "load_manifest", replaced)
    assert problems(check(whole)) == []


def test_a_file_that_goes_while_the_directory_is_listed_is_no_finding(
    whole: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.listdir
    gone = {whole.path: [f".log.jsonl.{'0' * 16}.tmp", "gone"], whole.checkpoints: ["7", f".9.partial-{'0' * 16}"]}
    monkeypatch.setattr(os, "listdir", lambda path: [*real(path), *gone.get(path, [])])
    assert problems(check(whole)) == []
    assert not [finding for finding in check(whole).findings if "gone" in finding.subject]


def test_the_note_of_a_killed_process_is_told(whole: RunFiles) -> None:
    dead = dataclasses.replace(process.note_this_process(whole), started="1")
    whole.process.write_bytes(to_json(dataclasses.asdict(dead)))
    checked = check(whole)
    assert problems(checked) == [("warn", "process.json")]
    assert f"process {os.getpid()} on " in message(checked, "process.json")
    assert checked.step == 8


def test_a_process_on_another_host_cannot_be_known(whole: RunFiles) -> None:
    elsewhere = dataclasses.replace(process.note_this_process(whole), host="elsewhere.example")
    whole.process.write_bytes(to_json(dataclasses.asdict(elsewhere)))
    os.utime(whole.log, (1, 1))
    checked = check(whole)
    assert problems(checked) == [("warn", "process.json")]
    assert "on elsewhere.example" in message(checked, "process.json")


def test_a_damaged_note_names_nobody(whole: RunFiles) -> None:
    whole.process.write_bytes(b'{"pid": -1}')
    assert problems(check(whole)) == [("warn", "process.json")]


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: flip(path, 0)], ids=["gone", "flipped"])
def test_without_its_text_a_run_writes_and_does_not_go_on(damage: Callable[[Path], None], whole: RunFiles) -> None:
    damage(shelf.paths.cache_dir() / "texts" / DATA)
    checked = check(whole)
    assert problems(checked) == [("bad", "text 소설.txt")]
    assert "seqplay resume novel --text FILE" in message(checked, "text 소설.txt")
    assert checked.verdict == "novel cannot go on, for text 소설.txt. It writes: seqplay sample novel"
    finish(whole)
    assert problems(check(whole)) == [("warn", "text 소설.txt")]


def test_a_plan_that_names_no_text_reads_nothing(whole: RunFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr(checking, "_sha256", read.append)
    whole.plan.write_bytes(whole.plan.read_bytes().replace(DATA.encode(), b"../../../../dev/sda"))
    check(whole)
    assert read == []
    assert ("bad", "text 소설.txt") in problems(check(whole))


def test_a_text_that_is_larger_than_the_memory_can_be_hashed(tmp_path: Path) -> None:
    content = bytes(8 << 20)
    (tmp_path / "text").write_bytes(content)
    tracemalloc.start()
    try:
        digest = checking._sha256(tmp_path / "text")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert digest == hashlib.sha256(content).hexdigest()
    assert peak < len(content) / 10


def test_a_cell_that_is_not_installed_is_named_with_what_brings_it_back(whole: RunFiles) -> None:
    plan = json.loads(whole.plan.read_bytes()) | {"cell": "mingru", "distribution": "seqplay-mingru", "version": "3"}
    whole.plan.write_bytes(to_json(plan))
    write_log(whole, *map(step_row, range(1, 9)))
    checked = check(whole)
    assert problems(checked) == [("bad", "cell mingru")]
    assert message(checked, "cell mingru").endswith("get it back with: pip install seqplay-mingru")
    finish(whole)
    assert not check(whole).is_good


def test_a_cell_of_the_same_name_is_not_the_cell(whole: RunFiles) -> None:
    whole.plan.write_bytes(to_json(json.loads(whole.plan.read_bytes()) | {"distribution": "acme", "version": "3"}))
    checked = check(whole)
    assert problems(checked) == [("bad", "cell lstm")]
    assert "came from acme 3, which is not installed here." in message(checked, "cell lstm")
    assert message(checked, "cell lstm").endswith("pip install acme")


def test_another_version_is_a_warning_for_a_run_that_goes_on(whole: RunFiles) -> None:
    whole.plan.write_bytes(to_json(json.loads(whole.plan.read_bytes()) | {"torch": "2.10.0", "version": "0.0.1"}))
    assert problems(check(whole)) == [("warn", "seqplay"), ("warn", "torch")]
    finish(whole)
    assert problems(check(whole)) == []


@pytest.mark.parametrize("name", ["../recipe.json", "/etc/passwd", "notes.txt", "", "checkpoints"])
def test_a_plan_that_names_files_outside_its_codec_reads_none(name: str, whole: RunFiles) -> None:
    whole.plan.write_bytes(to_json(json.loads(whole.plan.read_bytes()) | {"codec": {name: "0" * 64}}))
    assert "seqplay writes no file of this name" in message(check(whole), name)


def test_foreign_files_are_listed_and_no_damage(whole: RunFiles, tmp_path: Path) -> None:
    (whole.path / "notes.txt").write_text("mine")
    (whole.path / "folder").mkdir()
    (whole.path / "link").symlink_to(tmp_path)
    (whole.checkpoints / "8" / "notes.txt").write_text("mine")
    (whole.checkpoints / "7").mkdir()
    (whole.checkpoints / "7" / "notes.txt").write_text("mine")
    (whole.checkpoints / "latest").mkdir()
    checked = check(whole)
    assert problems(checked) == []
    told = [finding.subject for finding in checked.findings if "is not seqplay's" in finding.message]
    names = ["7/notes.txt", "8/notes.txt", "latest"]
    assert sorted(told) == sorted([*(f"checkpoints/{name}" for name in names), "folder", "link", "notes.txt"])


def test_what_a_kill_leaves_is_no_finding(whole: RunFiles) -> None:
    (whole.path / f".log.jsonl.{'a' * 16}.tmp").write_bytes(b"half")
    partial = whole.checkpoints / f".9.partial-{'a' * 16}"
    partial.mkdir()
    (partial / MODEL).write_bytes(b"half")
    checked = check(whole)
    assert problems(checked) == []
    assert not [finding for finding in checked.findings if "tmp" in finding.subject or "partial" in finding.subject]


def test_no_message_tells_where_the_run_lies_when_a_file_of_it_is_meant(whole: RunFiles) -> None:
    for name in (*FILES, *IN_STEP):
        flip(whole.path / name, 1)
    assert not [f.message for f in check(whole).findings if str(whole.path) in f.message]
