"""A corrupt file of a run gives one RunError that names it, and silent damage is found (promises X2 and X3)."""

from __future__ import annotations

import json
import os
import random
import resource
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
import safetensors.numpy
import safetensors.torch
from torch import nn

from seqplay import cli, figures, wire
from seqplay.data import tokens
from seqplay.engine import checkpoints, loop, planning, tasks
from seqplay.engine.checkpoints import Training
from seqplay.errors import RunError, SeqplayError
from seqplay.runs import commit, layout, process
from seqplay.runs.best import MODEL, STATE, TRAINING, best_step
from seqplay.runs.control import ControlReader, is_request
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import last_row, read_all
from seqplay.runs.summary import is_busy, summarise
from seqplay.runs.writable import check_writable
from seqplay.runs.writer import cut

from .conftest import FILES, NEWEST, change, plant, plant_tokenizer

MUTATIONS = 400
SEED = 9
COMMANDS_EVERY = 80  # of the mutations, one goes through whole commands too
MOST_GROWTH = 200 << 20  # bytes of memory
MARKS = [b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\0", b"\xff", b"-1", b"null", b"1e999", b"NaN", b"9" * 30]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand damaged files need not survive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@dataclass(frozen=True)
class Kind:
    """A kind of file: where it is, how a stranger puts another in its place, and all that reads it."""

    file: str
    read: Callable[[RunFiles], object]
    put: Callable[[RunFiles, bytes], object]
    commands: tuple[str, ...] = ("show", "sample", "runs")

    def path(self, run: RunFiles) -> Path:
        in_checkpoint = run.checkpoints / str(NEWEST) / self.file
        return in_checkpoint if in_checkpoint.exists() else run.path / self.file


def put(name: str) -> Callable[[RunFiles, bytes], object]:
    return lambda run, content: (run.path / name).write_bytes(content)


def put_in_checkpoint(name: str) -> Callable[[RunFiles, bytes], object]:
    return lambda run, content: (run.checkpoints / str(NEWEST) / name).write_bytes(content)


def planted(name: str) -> Callable[[RunFiles, bytes], object]:
    return lambda run, content: plant(run, name, content)


def read_recipe(run: RunFiles) -> None:
    summarise(run)
    layout.read_recipe(run.recipe)


def read_plan(run: RunFiles) -> None:
    summarise(run)
    task, plan = tasks.reopen(run)
    with suppress(UnfitError):
        fits_here(lambda: planning.check_memory(task, plan, copies=1))


def read_tokenizer(run: RunFiles) -> None:
    plan = layout.read_plan(run)
    codec = tokens.from_json(plan.tokens, layout.read_codec(run, plan))
    codec.decode(codec.encode("The harbour"))


def read_log(run: RunFiles) -> None:
    summarise(run)
    assert all(isinstance(row, dict) for row in read_all(run.log))
    cut(run.log, NEWEST)


def read_figures(run: RunFiles) -> None:
    row = last_row(run.figures)
    with suppress(ValueError):  # what `show` makes a RunError of
        figures.from_json(row)


def read_control(run: RunFiles) -> None:
    assert all(is_request(row) for row in ControlReader(run.control).poll())


def read_manifest(run: RunFiles) -> None:
    check_writable(run)
    best_step(run.checkpoints)
    commit.verify(run.checkpoints, NEWEST)


def read_process(run: RunFiles) -> None:
    process.read_note(run)
    assert is_busy(run) in (True, False)
    summarise(run)


def read_model(run: RunFiles) -> None:
    checkpoints.load_model(run.checkpoints, NEWEST, network_of(run))


def read_training(run: RunFiles) -> None:
    best_step(run.checkpoints)
    checkpoints.load(run.checkpoints, NEWEST, training_of(run))


KINDS = [
    Kind("recipe.json", read_recipe, put("recipe.json")),
    Kind("plan.json", read_plan, put("plan.json")),
    Kind("tokenizer.json", read_tokenizer, plant_tokenizer),
    Kind("log.jsonl", read_log, put("log.jsonl")),
    Kind("figures.jsonl", read_figures, put("figures.jsonl")),
    Kind("control.jsonl", read_control, put("control.jsonl")),
    Kind("process.json", read_process, put("process.json")),
    Kind(commit.MANIFEST, read_manifest, put_in_checkpoint(commit.MANIFEST)),
    Kind(STATE, read_training, planted(STATE)),
    Kind(MODEL, read_model, planted(MODEL)),
    Kind(TRAINING, read_training, planted(TRAINING)),
]
UNREAD = {"output.txt", "lock"}


class UnfitError(Exception):
    """A network that was planned is too large for this machine, which is no fault of its file."""


def fits_here(check: Callable[[], object]) -> None:
    try:
        check()
    except SeqplayError as problem:
        if "Lower --hidden" not in str(problem):
            raise
        raise UnfitError from None


_opened: dict[str, Training] = {}


def training_of(run: RunFiles) -> Training:
    """The state that a checkpoint of the trained run fits; made once, as a damaged file must not change it halfway."""
    if not _opened:
        task, plan = tasks.reopen(run)
        _opened["training"] = loop.start(task, plan)
    return _opened["training"]


def network_of(run: RunFiles) -> nn.Module:
    return training_of(run).averaged


def mutated(data: bytes, generator: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(generator.randint(1, 3)):
        at = generator.randrange(len(out))
        match generator.randrange(6):
            case 0:
                out[at] ^= 1 << generator.randrange(8)
            case 1:
                out[at:at] = generator.choice(MARKS)
            case 2:
                del out[at : at + generator.randint(1, 40)]
            case 3:
                out[at : at + 1] = generator.choice(b"0123456789").to_bytes()
            case 4:
                begin = generator.randrange(len(out))
                out[at:at] = out[begin : begin + generator.randint(1, 60)]
            case _:
                out = out[: at + 1]
        out = out or bytearray(b"x")
    return bytes(out)


def attempt(kind: Kind, run: RunFiles, content: bytes, with_commands: bool = False) -> None:
    """Put a damaged file in its place: it is read, or refused by the one error there is for it."""
    kind.put(run, content)
    problem = refusal(lambda: kind.read(run))
    if problem:
        assert problem.exit_code in (65, 69), problem
        assert len(str(problem)) < 1000 + 3 * len(str(run.path)), problem
        if problem.exit_code == 65:
            assert any(name in str(problem) for name in (kind.file, run.tokenizer.name, "plan", "checkpoint")), problem
    for command in kind.commands if with_commands else ():
        assert ended(command, run) in (0, 65, 69), command


def refusal(act: Callable[[], object]) -> SeqplayError | None:
    """Why something is not done, if it is not; every other error is raised."""
    try:
        act()
    except SeqplayError as problem:
        return problem
    return None


def ended(command: str, run: RunFiles) -> int:
    """The exit code of a whole command; every error that it has no name for is raised."""
    words = {"sample": [str(run.path), "--length", "2"], "show": [str(run.path)]}.get(command, [])
    module = import_module(f"seqplay.cli.{cli.MODULES.get(command, command)}")
    nowhere = TextIOWrapper(BytesIO(), encoding="utf-8")
    with redirect_stdout(nowhere), redirect_stderr(nowhere):
        try:
            module.command.main(words, prog_name=command, standalone_mode=False)
        except SeqplayError as problem:
            return problem.exit_code
    return 0


def grown_bytes() -> int:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_every_file_of_a_run_is_a_kind_here(run: RunFiles) -> None:
    in_checkpoint = {path.name for path in (run.checkpoints / str(NEWEST)).iterdir()}
    assert {kind.file for kind in KINDS} == (FILES | in_checkpoint) - UNREAD


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.file)
def test_400_mutations_of_a_file_give_one_run_error_or_are_read(kind: Kind, run: RunFiles) -> None:
    process.note_this_process(run)
    training_of(run)
    good, generator = kind.path(run).read_bytes(), random.Random(f"{SEED} {kind.file}")
    before = grown_bytes()
    for number in range(MUTATIONS):
        content = mutated(good, generator)
        try:
            attempt(kind, run, content, number % COMMANDS_EVERY == 0)
        except Exception as problem:
            raise AssertionError(f"seed {SEED}, {kind.file}, mutation {number}: {content[:3000]!r}") from problem
    assert grown_bytes() - before < MOST_GROWTH


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.file)
def test_a_file_cut_at_any_64th_byte_gives_one_run_error_or_is_read(kind: Kind, run: RunFiles) -> None:
    process.note_this_process(run)
    training_of(run)
    good = kind.path(run).read_bytes()
    for size in range(0, len(good), 64):
        attempt(kind, run, good[:size])


def test_a_corrupt_question_is_a_value_error() -> None:
    good = wire.to_line(wire.Ask("run", "continue", {"prompt": "The", "length": 3})).encode()
    generator = random.Random(SEED)
    lines: Iterable[bytes] = [mutated(good, generator) for _ in range(MUTATIONS)]
    for line in [*lines, *(good[:size] for size in range(len(good))), b"[" * 100_000]:
        with suppress(ValueError):
            wire.ask_from_line(line.decode("utf-8", "replace"))


def test_mutated_weights_bite_a_reader_that_trusts_the_library(run: RunFiles) -> None:
    """Of corrupt weights the library alone reads a large part, and raises errors of many kinds for the rest."""
    good, generator = (run.checkpoints / str(NEWEST) / MODEL).read_bytes(), random.Random(SEED)
    read, raised = 0, set()
    for _ in range(MUTATIONS):
        try:
            read += bool(safetensors.numpy.load(mutated(good, generator)))
        except Exception as problem:
            raised.add(type(problem).__name__)
    assert read > MUTATIONS // 10
    assert raised


@pytest.mark.parametrize("wrong", [None, "1", True, -1, 1 << 63, [], {}, 0.5], ids=repr)
@pytest.mark.parametrize("name", ["step", "tokens", "since_best", "steps", "anchor_step"])
def test_a_number_of_a_state_that_is_no_count_is_a_run_error(name: str, wrong: object, run: RunFiles) -> None:
    state = json.loads((run.checkpoints / str(NEWEST) / STATE).read_bytes())
    owner = state if name in state else state["changes"]
    owner[name] = wrong
    plant(run, STATE, json.dumps(state).encode())
    with pytest.raises(RunError, match=rf"{NEWEST} is no whole checkpoint: ValueError {name} cannot be"):
        checkpoints.load(run.checkpoints, NEWEST, training_of(run))


def test_settings_that_a_cell_does_not_have_are_the_plans_fault(run: RunFiles) -> None:
    training_of(run)
    change(run.plan, settings={"heads": 4})
    task, plan = tasks.reopen(run)
    with pytest.raises(RunError, match="The plan does not fit its cell: No setting of the cell 'lstm' named 'heads'"):
        task.build(plan)


# -- silent damage


def flips(run: RunFiles) -> Iterator[tuple[Path, int]]:
    """200 random bits of the newest checkpoint's files, each file as often as it is large."""
    paths = [path for path in sorted((run.checkpoints / str(NEWEST)).iterdir()) if path.is_file()]
    sizes = [path.stat().st_size for path in paths]
    generator = random.Random(SEED)
    for path in [*paths * 10, *generator.choices(paths, sizes, k=200 - 10 * len(paths))]:
        yield path, generator.randrange(8 * path.stat().st_size)


def flip(path: Path, bit: int) -> None:
    with path.open("r+b") as file:
        byte = os.pread(file.fileno(), 1, bit // 8)[0]
        os.pwrite(file.fileno(), bytes([byte ^ 1 << bit % 8]), bit // 8)


def test_one_bit_flipped_anywhere_in_a_checkpoint_is_found_when_it_is_loaded(run: RunFiles) -> None:
    training = training_of(run)
    checkpoints.load(run.checkpoints, NEWEST, training)
    for path, bit in flips(run):
        flip(path, bit)
        with pytest.raises(RunError) as raised:
            checkpoints.load(run.checkpoints, NEWEST, training)
        assert str(run.checkpoints) in str(raised.value), f"seed {SEED}, {path.name}, bit {bit}"
        flip(path, bit)
    checkpoints.load(run.checkpoints, NEWEST, training)


def test_a_flipped_bit_bites_a_reader_without_a_manifest(run: RunFiles) -> None:
    weights = [(path, bit) for path, bit in flips(run) if path.suffix == ".safetensors"]
    found = 0
    for path, bit in weights:
        flip(path, bit)
        try:
            safetensors.torch.load(path.read_bytes())
        except safetensors.SafetensorError:
            found += 1
        flip(path, bit)
    assert found < len(weights) / 2
