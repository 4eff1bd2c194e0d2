"""The files of a run, and reading JSON that may be damaged or made by a stranger (X2, X4, D16)."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from seqplay.errors import RunError
from seqplay.recipe import FORMAT
from seqplay.runs import commit, layout, process, rows
from seqplay.runs.control import ControlReader
from seqplay.runs.layout import RunFiles, check_format, read_json
from seqplay.runs.reader import read_all
from seqplay.runs.summary import summarise

VIEWER_MODULES = sorted(path.stem for path in Path(layout.__file__).parent.glob("[!_]*.py"))


def test_every_file_of_a_run_has_its_name() -> None:
    run = RunFiles(Path("/home/runs/소설"))
    assert run.name == "소설"
    names = "recipe.json plan.json tokenizer.json log.jsonl figures.jsonl control.jsonl checkpoints"
    paths = [run.recipe, run.plan, run.tokenizer, run.log, run.figures, run.control, run.checkpoints]
    assert [path.name for path in paths] == names.split()
    assert [run.process.name, run.output.name, run.lock.name] == ["process.json", "output.txt", "lock"]
    assert {path.parent for path in paths} == {run.path}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON at line 1"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "1e999 is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "integer"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b"\0" * 100, "not JSON"),
    ],
)
def test_what_is_no_json_object_is_an_error_that_names_the_file(data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_bytes(data)
    with pytest.raises(RunError, match=rf"recipe\.json: .*{reason}") as raised:
        read_json(tmp_path / "recipe.json")
    assert len(str(raised.value)) < 300 + len(str(tmp_path))


def test_a_missing_file_a_directory_a_fifo_and_a_symlink_are_errors(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("absent", "fifo", "loop", ".", "nul\0"):
        with pytest.raises(RunError, match="Cannot read"):
            read_json(tmp_path / name)


def test_a_file_over_the_limit_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text('{"a": "xx"}')
    assert read_json(path, limit_bytes=11) == {"a": "xx"}
    with pytest.raises(RunError, match="has 11 bytes and the limit is 10"):
        read_json(path, limit_bytes=10)
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RunError, match="the limit is 1,048,576"):
        read_json(path)


def test_a_newer_format_names_both_versions_and_says_to_upgrade() -> None:
    check_format({})
    check_format({"format": FORMAT})
    with pytest.raises(RunError, match=r"plan\.json: it has format 999 .* up to 1\. .*pip install -U seqplay"):
        check_format({"format": 999}, "plan.json")
    damaged: object
    for damaged in (0, -1, True, "1", 1.0, None, []):
        with pytest.raises(RunError, match="damaged"):
            check_format({"format": damaged})


def test_numbers_that_are_not_finite_become_null_and_lone_surrogates_a_replacement_mark() -> None:
    row = {"a": float("nan"), "b": [1.5, float("-inf")], "c": {"d": (float("inf"),)}, "e": "한\ud800글", "f": True}
    assert json.loads(rows.to_line(row)) == {
        "a": None,
        "b": [1.5, None],
        "c": {"d": [None]},
        "e": "한\ufffd글",
        "f": True,
    }
    assert "한".encode() in rows.to_line(row)
    assert rows.to_line({"a": "\n\u2028"}).count(b"\n") == 1


def test_a_line_with_a_kind_or_step_of_the_wrong_type_is_no_row() -> None:
    assert rows.from_line(b'{"kind": "step", "step": 0}') == {"kind": "step", "step": 0}
    assert rows.from_line(b'{"step": null, "more": {}}') == {"step": None, "more": {}}
    wrong = [
        b'{"kind": 1}',
        b'{"step": "1"}',
        b'{"step": 1.0}',
        b'{"step": true}',
        b'{"step": -1}',
        b'{"step": %d}' % 2**63,
    ]
    assert [rows.from_line(line) for line in wrong] == [None] * len(wrong)


def test_only_a_finite_number_is_a_number() -> None:
    assert [rows.number(value) for value in (1, 2.5, True, "1", None, float("nan"), 10**400, [])] == [
        1.0,
        2.5,
        *[None] * 6,
    ]


def mutated(data: bytes, generator: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(out))
        match generator.randrange(4):
            case 0:
                out[at] ^= 1 << generator.randrange(8)
            case 1:
                out[at:at] = bytes(generator.choices(b'{}[]",:0-e\xff\x00', k=generator.randint(1, 5)))
            case 2:
                del out[at : at + generator.randint(1, 9)]
            case _:
                out = out[: at + 1]
        out = out or bytearray(b"x")
    return bytes(out)


def damage(run: RunFiles) -> str:
    """The error about the checkpoint of step 1, or its path if there is none."""
    try:
        commit.verify(run.checkpoints, 1)
    except RunError as error:
        return str(error)
    return str(run.checkpoints)


def test_400_damaged_versions_of_each_file_give_a_run_error_or_are_read(run: RunFiles) -> None:
    generator = random.Random(16)
    recipe = {"format": 1, "created": 1.5, "source": "소설.txt", "task": "text", "cell": "lstm"}
    plan = {**recipe, "steps": 5, "layers": 1, "hidden": 8, "tokens": "char"}
    run.recipe.write_bytes(rows.to_json(recipe))
    run.plan.write_bytes(rows.to_json(plan))
    process.note_this_process(run)
    log = [{"kind": "step", "step": 1, "train_loss": 2.0}, {"kind": "evaluation", "step": 1, "held_out_estimate": 3.0}]
    run.log.write_bytes(b"".join(map(rows.to_line, log)))
    run.control.write_bytes(rows.to_line({"kind": "control", "action": "stop", "value": None, "time": 1.0}))
    manifest = commit.commit(run.checkpoints, 1, {"weights": b"abc"}) / "manifest.json"
    for path in (run.recipe, run.plan, run.process, run.log, run.control, manifest):
        good = path.read_bytes()
        for _ in range(400):
            path.write_bytes(mutated(good, generator))
            summary = summarise(run)
            assert (summary.state == "broken") == (summary.problem is not None)
            assert isinstance(read_all(run.log), list)
            assert isinstance(ControlReader(run.control).poll(), list)
            process.read_note(run)
            assert str(run.checkpoints) in damage(run)
        path.write_bytes(good)


def test_a_viewer_that_imports_all_of_it_has_no_heavy_module() -> None:
    program = (
        "import importlib, sys\n"
        f"for name in {VIEWER_MODULES!r}: importlib.import_module('seqplay.runs.' + name)\n"
        "print([m for m in ('numpy', 'torch', 'rich', 'textual', 'filelock', 'platformdirs') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
