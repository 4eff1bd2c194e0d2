"""Limits hold before anything is parsed or made room for (promises X4, and X2's bound on memory)."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from torch import nn

from seqplay.cli import train as train_command
from seqplay.engine import checkpoints, planning, tasks
from seqplay.errors import RunError, SeqplayError, UsageError
from seqplay.files import read_exactly
from seqplay.recipe import plan_from_json
from seqplay.runs import commit, layout
from seqplay.runs.best import MODEL, STATE, TRAINING
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import LINE_LIMIT_BYTES, LogReader, last_row, read_all
from seqplay.runs.summary import summarise
from seqplay.runs.tensors import HEADER_LIMIT_BYTES, check_tensors
from seqplay.runs.writer import cut
from seqplay.steps.cell import Array

from .conftest import NEWEST, change, plant, plant_tokenizer

MB = 1 << 20
LARGE = 16 * MB  # of a codec: no matter what is in it, reading it may take twice that and 200 MB
PROGRAM = """
import json, sys
from pathlib import Path
import numpy
import safetensors.numpy
from seqplay.data import tokens
from seqplay.errors import RunError
from seqplay.runs import layout, reader, summary
from seqplay.runs.layout import RunFiles
from seqplay.cli import runs, sample, show
run = RunFiles(Path(sys.argv[1]))
def peak():  # of this program alone: getrusage would begin with that of the one which started it
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
before = peak()
try:
    exec(sys.argv[2])
    said = ""
except RunError as problem:
    said = str(problem)
print(json.dumps([said, peak() - before]))
"""
CODEC = "tokens.from_json('char', layout.read_codec(run, layout.read_plan(run)))"
SAMPLE = "sample.command.main([str(run.path), '--length', '1'], standalone_mode=False)"
SHOW = "show.command.main([str(run.path)], standalone_mode=False)"


def read_in_a_process(run: RunFiles, statement: str) -> tuple[str, int]:
    """What a reader said, and by how many bytes the memory of its process grew."""
    if sys.platform != "linux":
        pytest.skip("/proc is not here")
    command = [sys.executable, "-P", "-c", PROGRAM, str(run.path), statement]
    environment = {**os.environ, "PYTHONPATH": str(Path(layout.__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said, grown = json.loads(done.stdout.splitlines()[-1])
    return said, grown


def most(path: Path) -> int:
    return 2 * path.stat().st_size + 200 * MB


# -- JSON

BOMBS: dict[str, Callable[[], bytes]] = {
    "lists": lambda: b"[" + b"[]," * (LARGE // 3) + b"[]]",
    "lists of one": lambda: b"[" + b"[[]]," * (LARGE // 5) + b"[]]",
    "objects": lambda: b"[" + b'{"a":0},' * (LARGE // 8) + b"{}]",
    "numbers": lambda: b"[" + b"1e9," * (LARGE // 4) + b"0]",
    "entries": lambda: b'{"model":{"vocab":{' + b"".join(b'"%x":%d,' % (i, i) for i in range(1_300_000)) + b'"x":1}}}',
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_a_codec_of_more_than_a_million_entries_is_refused_before_it_is_parsed(
    bomb: Callable[[], bytes], run: RunFiles
) -> None:
    plant_tokenizer(run, bomb())
    said, grown = read_in_a_process(run, CODEC)
    assert "has more than 1,048,576 entries" in said
    assert str(run.tokenizer) in said
    assert grown < most(run.tokenizer)


def test_such_a_codec_bites_a_reader_that_parses_first(run: RunFiles) -> None:
    plant_tokenizer(run, BOMBS["lists"]())
    assert read_in_a_process(run, "json.loads(run.tokenizer.read_bytes())")[1] > most(run.tokenizer)


def test_a_codec_of_the_largest_size_that_is_allowed_is_not_taken_for_a_bomb(run: RunFiles) -> None:
    symbols = ["<unk>", *map(chr, range(0x20, 0xD800)), *map(chr, range(0xE000, 0x10FFFF))][: 1 << 20]
    content = json.dumps({"model": {"vocab": {symbol: i for i, symbol in enumerate(symbols)}}}).encode()
    plant_tokenizer(run, content)
    assert layout.read_codec(run, layout.read_plan(run)) == content.decode()


def test_a_codec_over_64_mb_and_a_config_over_1_mb_are_not_read(run: RunFiles) -> None:
    os.truncate(run.tokenizer, 64 * MB + 1)
    with pytest.raises(RunError, match=r"tokenizer\.json: it has 67,108,865 bytes and the limit is 67,108,864"):
        layout.read_codec(run, layout.read_plan(run))
    for path, read in ((run.recipe, layout.read_recipe), (run.plan, lambda _: layout.read_plan(run))):
        os.truncate(path, MB + 1)
        with pytest.raises(RunError, match=rf"{path.name}: it has 1,048,577 bytes and the limit is 1,048,576"):
            read(path)
        assert summarise(run).state == "broken"


def test_a_config_of_1_mb_takes_little_memory_whatever_is_in_it(run: RunFiles) -> None:
    run.recipe.write_bytes(b'{"settings":{' + b",".join(b'"%d":{"":0}' % i for i in range(70_000)) + b"}}")
    assert MB * 0.8 < run.recipe.stat().st_size < MB
    assert read_in_a_process(run, "layout.read_recipe(run.recipe)")[1] < most(run.recipe)


def test_a_state_and_a_manifest_over_1_mb_are_not_read(run: RunFiles) -> None:
    plant(run, STATE, b'{"a":' + b"[" * MB)
    for said in (
        read_in_a_process(run, SAMPLE)[0],
        refusal(lambda: checkpoints.load_best(run.checkpoints, network(run))),
    ):
        assert "state.json: it has 1,048,581 bytes and the limit is 1,048,576" in said
    os.truncate(run.checkpoints / str(NEWEST) / commit.MANIFEST, MB + 1)
    with pytest.raises(RunError, match=r"manifest\.json: it has 1,048,577 bytes"):
        commit.verify(run.checkpoints, NEWEST)


# -- weights


def weights_of(run: RunFiles) -> dict[str, Array]:
    loaded: dict[str, Array] = safetensors.numpy.load((run.checkpoints / str(NEWEST) / MODEL).read_bytes())
    return loaded


def network(run: RunFiles) -> nn.Module:
    task, plan = tasks.reopen(run)
    return task.build(plan)


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(RunError) as raised:
        read()
    return str(raised.value)


def file_of(header: object, numbers: bytes = b"", size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + numbers


def tensor(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}}


CLAIMS = {
    "nothing": b"",
    "half a length": b"\x08\0\0",
    "a header of 2**63 bytes": struct.pack("<Q", 1 << 63),
    "a header beyond the end": file_of({}, size=100),
    "a header over 1 MB": file_of(b"{}" + b" " * HEADER_LIMIT_BYTES),
    "a header that is no object": file_of(b"[]"),
    "a header nested deeply": file_of(b'{"a":' * 100_000),
    "2**40 numbers": file_of(tensor("F32", [1 << 20, 1 << 20], 0, 4), b"1234"),
    "2**64 numbers": file_of(tensor("F32", [1 << 32, 1 << 32], 0, 0)),
    "a size beyond 64 bits": file_of(tensor("F32", [1 << 64, 0], 0, 0)),
    "none of 2**60 rows": file_of(tensor("F32", [1 << 60, 0], 0, 0)),
    "1000 dimensions": file_of(tensor("F32", [1] * 1000, 0, 4), b"1234"),
    "a negative size": file_of(tensor("F32", [-1, -1], 0, 4), b"1234"),
    "a size that is true": file_of({"x": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234"),
    "bytes that end before they begin": file_of(tensor("F32", [0], 4, 0), b"1234"),
    "bytes beyond the end": file_of(tensor("F32", [2], 0, 8), b"1234"),
    "an unknown kind of number": file_of(tensor("F4", [2], 0, 1), b"1"),
    "no shape": file_of({"x": {"dtype": "F32"}}),
    "a tensor that is a text": file_of({"x": "y"}),
}


@pytest.mark.parametrize("content", CLAIMS.values(), ids=list(CLAIMS))
def test_weights_that_claim_what_they_do_not_hold_are_refused_before_a_library_sees_them(
    content: bytes, run: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unseen(_: bytes) -> None:
        raise AssertionError("the library was given it")

    monkeypatch.setattr(safetensors.numpy, "load", unseen)
    monkeypatch.setattr(checkpoints.safetensors.torch, "load", unseen)
    built = network(run)
    for name in (MODEL, TRAINING):
        plant(run, name, content)
    from seqplay.cli import sample

    for read in (
        lambda: sample.command.main([str(run.path), "--length", "1"], standalone_mode=False),
        lambda: checkpoints.load_best(run.checkpoints, built),
        lambda: checkpoints.load(run.checkpoints, NEWEST, checkpoints.Training(built, built, [], [], None)),
    ):
        said = refusal(read)
        assert said.startswith(f"Cannot read {run.checkpoints / str(NEWEST)}{os.sep}")


def test_weights_as_they_are_written_pass(run: RunFiles) -> None:
    for step in commit.steps(run.checkpoints):
        for name in (MODEL, TRAINING):
            check_tensors(commit.read_file(run.checkpoints, step, name), Path(name))
    check_tensors(safetensors.numpy.save({"none": np.zeros((0, 5), np.float32)}, {"made": "by"}), Path("x"))


def test_shapes_that_numpy_would_stretch_are_refused_before_anything_is_computed(run: RunFiles) -> None:
    """A bias of (N, 1) beside N odds is a table of N x N, and of 12 MB of weights the memory would be full."""
    count = 1_000_000
    weights = weights_of(run)
    stretched = {
        "embedding.weight": np.zeros((count, 1), np.float32),
        "head.weight": np.zeros((count, 8), np.float32),
        "head.bias": np.zeros((count, 1), np.float32),
        **{name: weight for name, weight in weights.items() if name.startswith("cells.")},
        "cells.0.layer.weight_ih_l0": np.zeros((32, 1), np.float32),
    }
    for changed in (
        stretched,
        {**weights, "cells.0.layer.bias_ih_l0": np.zeros((count, 1), np.float32)},
        {**weights, "head.bias": weights["head.bias"][:, None]},
        {**weights, "embedding.weight": np.zeros((3, 4, 5), np.float32)},
        {**weights, "head.weight": weights["head.weight"].astype(np.float16)},
    ):
        plant(run, MODEL, safetensors.numpy.save(changed))
        said, grown = read_in_a_process(run, SAMPLE)
        assert f"{run.checkpoints / str(NEWEST) / MODEL} does not fit the plan" in said
        assert grown < most(run.checkpoints / str(NEWEST) / MODEL)


def test_a_file_larger_than_the_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is all holes costs its maker nothing, and a system that promises any memory ends whoever uses it."""
    (tmp_path / "model").write_bytes(b"12345")
    assert read_exactly(tmp_path / "model", 5) == b"12345"
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 2, "SC_PAGE_SIZE": 2}.__getitem__)
    with pytest.raises(RunError, match=r"model: it does not fit in the memory"):
        read_exactly(tmp_path / "model", 5)


# -- logs


def test_a_log_of_a_terabyte_of_holes_is_refused_and_neither_read_nor_looked_through(run: RunFiles) -> None:
    for path in (run.log, run.figures):
        path.write_bytes(b"")
        os.truncate(path, 1 << 40)
        for read in (read_all, lambda path: LogReader(path).poll(), lambda path: cut(path, 1)):
            with pytest.raises(RunError, match=rf"{path.name}: it has 1,099,511,627,776 bytes and the limit is"):
                read(path)
        assert last_row(path) is None
        assert summarise(run).state != "finished"


def test_a_log_of_one_long_line_takes_little_memory(run: RunFiles) -> None:
    run.log.write_bytes(b'{"kind":"step","a":[' + b"[]," * (LINE_LIMIT_BYTES // 3 - 20) + b"[]]}\n")
    for statement in ("reader.read_all(run.log)", "reader.last_row(run.log)", "summary.summarise(run)"):
        assert read_in_a_process(run, statement)[1] < most(run.log)


def test_a_figure_of_a_megabyte_is_drawn(run: RunFiles) -> None:
    row = {"kind": "figure", "figure": "text", "step": 4, "text": "한글 words " * 70_000}
    run.figures.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    assert read_in_a_process(run, SHOW)[1] < most(run.figures)


# -- sizes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden", 10**12),
        ("hidden", 65_537),
        ("layers", 65),
        ("embedding", 10**12),
        ("batch", 10**12),
        ("sequence", 10**12),
    ],
)
def test_a_size_out_of_bounds_is_refused_in_a_recipe_and_in_a_plan(name: str, value: int, run: RunFiles) -> None:
    for path, read in ((run.recipe, layout.read_recipe), (run.plan, lambda _: layout.read_plan(run))):
        change(path, **{name: value})
        with pytest.raises(RunError, match=rf"{path.name}: {name} takes a whole number from 1 to .*, not '{value}'"):
            read(path)


def test_a_recipe_of_10_to_the_12_units_ends_the_command_without_making_room_for_them(
    run: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: object) -> None:
        raise AssertionError("a run was made")

    monkeypatch.setattr(train_command.begin.shelf, "create", never)
    change(run.recipe, hidden=10**12)
    with pytest.raises(RunError, match="hidden takes a whole number from 1 to 65536"):
        train_command.command.main(["hello", "--recipe", str(run.recipe)], standalone_mode=False)
    said, grown = read_in_a_process(run, "layout.read_recipe(run.recipe)")
    assert "hidden takes a whole number from 1 to 65536" in said
    assert grown < 50 * MB


def test_a_network_that_is_within_bounds_but_larger_than_the_memory_is_refused_before_it_is_made(run: RunFiles) -> None:
    task, plan = tasks.reopen(run)
    row = json.loads(run.plan.read_bytes())
    large = plan_from_json({**row, "hidden": 65_536, "layers": 64}, run.plan)
    with pytest.raises(UsageError, match=r"GiB; this machine has .* Lower --hidden"):
        planning.check_memory(task, large, copies=1, memory_bytes=64 << 30)
    assert planning.check_memory(task, plan, copies=5, memory_bytes=64 << 30) == plan.parameters


def test_a_name_that_is_a_megabyte_long_is_refused_in_a_short_line(run: RunFiles) -> None:
    for path, read in ((run.recipe, layout.read_recipe), (run.plan, lambda _: layout.read_plan(run))):
        for name in ("cell", "task", "source"):
            before = path.read_bytes()
            change(path, **{name: "x" * 900_000})
            with pytest.raises(SeqplayError, match=f"{name} cannot be") as raised:
                read(path)
            assert len(str(raised.value)) < 200 + len(str(path))
            path.write_bytes(before)
    assert hashlib.sha256(run.tokenizer.read_bytes()).hexdigest() in run.plan.read_text()
