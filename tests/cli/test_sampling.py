"""Any prompt gets an answer, and one seed writes one text, whoever computes it (promises I3, I5)."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from seqplay import wire
from seqplay.cli import sample
from seqplay.data import tokens
from seqplay.errors import MissingError, SeqplayError
from seqplay.processes import worker
from seqplay.steps import cells

from .conftest import Trained, seqplay


def test_what_the_model_never_saw_is_named_and_left_out(trained: Trained) -> None:
    result = seqplay(trained.home, "sample", "--prompt", "한T☃he", "--length", "10", "--json")
    assert result.code == 0
    (line,) = result.lines
    assert "'한'" in line
    assert "'☃'" in line
    (row,) = result.rows
    assert (row["prompt"], len(row["text"])) == ("The", 10)


def test_a_prompt_of_unknown_symbols_alone_begins_from_nothing(trained: Trained) -> None:
    unknown = seqplay(trained.home, "sample", "--prompt", "한☃", "--length", "30", "--seed", "3")
    nothing = seqplay(trained.home, "sample", "--length", "30", "--seed", "3")
    assert unknown.code == 0
    assert len(unknown.err.decode().splitlines()) == 1
    assert unknown.out == nothing.out


@pytest.mark.parametrize("argv", [["--no-prompt"], ["--prompt", ""]], ids=str)
def test_no_prompt_is_a_prompt(argv: list[str], trained: Trained) -> None:
    result = seqplay(trained.home, "sample", *argv, "--length", "12")
    assert (result.code, result.err, len(result.out.decode())) == (0, b"", 12)


def test_length_0_writes_the_prompt_alone(trained: Trained) -> None:
    result = seqplay(trained.home, "sample", "--prompt", "The sea", "--length", "0")
    assert (result.code, result.out) == (0, b"The sea")


def test_a_seed_writes_the_same_texts_again_and_counts_up(trained: Trained) -> None:
    command = ("sample", "--length", "40", "--json", "--seed")
    first = [row["text"] for row in seqplay(trained.home, *command, "4", "--count", "3").rows]
    assert [row["text"] for row in seqplay(trained.home, *command, "4", "--count", "3").rows] == first
    assert [row["text"] for row in seqplay(trained.home, *command, "5").rows] == first[1:2]
    assert len(set(first)) == 3


def test_without_a_seed_each_text_is_new(trained: Trained) -> None:
    rows = seqplay(trained.home, "sample", "--length", "40", "--count", "2", "--json").rows
    assert rows[0]["text"] != rows[1]["text"]
    assert rows[0]["seed"] is None


def test_temperature_0_takes_the_likeliest_whatever_the_seed(trained: Trained) -> None:
    rows = seqplay(trained.home, "sample", "--temperature", "0", "--count", "2", "--seed", "1", "--json").rows
    assert rows[0]["text"] == rows[1]["text"]


def test_several_texts_in_a_pipe_are_apart_by_a_line(trained: Trained) -> None:
    command = ("sample", "--prompt", "T", "--length", "20", "--count", "2", "--seed", "1")
    texts = [row["text"] for row in seqplay(trained.home, *command, "--json").rows]
    assert seqplay(trained.home, *command).out.decode() == f"T{texts[0]}\n\nT{texts[1]}"


def test_a_prompt_file_is_read_without_its_byte_order_mark(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "prompt").write_bytes("\ufeffThe sea\n".encode())
    result = seqplay(trained.home, "sample", "--prompt-file", tmp_path / "prompt", "--length", "5")
    assert (result.code, result.err) == (0, b"")
    assert result.out.startswith(b"The sea\n")


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 65, "No such file"),
        (b"The \xff", 65, "is no UTF-8 text: byte 4"),
        (b"T" * ((1 << 20) + 1), 2, "1,048,577 characters; at most 1,048,576"),
        ("한".encode() * (1 << 21), 2, "characters; at most 1,048,576"),
        (b"\xed\xa0\x80", 65, "is no UTF-8 text"),
    ],
    ids=["missing", "invalid", "too long", "too long, cut in a character", "surrogate"],
)
def test_a_prompt_file_that_cannot_be_used_is_one_line(
    content: bytes | None, code: int, words: str, trained: Trained, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "prompt").write_bytes(content)
    result = seqplay(trained.home, "sample", "--prompt-file", tmp_path / "prompt")
    assert (result.code, result.out) == (code, b"")
    (line,) = result.lines
    assert words in line


def test_an_endless_prompt_file_is_refused(trained: Trained) -> None:
    result = seqplay(trained.home, "sample", "--prompt-file", "/dev/zero")
    assert (result.code, result.out) == (2, b"")
    assert "characters; at most" in result.lines[0]


def test_a_folder_is_no_prompt_file(trained: Trained, tmp_path: Path) -> None:
    result = seqplay(trained.home, "sample", "--prompt-file", tmp_path)
    assert result.code == 65
    assert "Is a directory" in result.lines[0]


def test_bytes_that_are_no_text_are_refused_as_a_prompt(trained: Trained) -> None:
    result = seqplay(trained.home, "sample", "--prompt", b"The \xff")
    assert (result.code, result.lines) == (2, ["seqplay: The prompt holds bytes that are no UTF-8 text."])


@pytest.mark.parametrize("prompt", ["The 한", ""])
def test_a_cell_without_a_torch_free_step_writes_the_same_text_by_its_worker(
    prompt: str, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQPLAY_HOME", str(trained.home))
    command = ["--prompt", prompt, "--length", "60", "--seed", "9", "--json"]
    here = CliRunner().invoke(sample.command, command, catch_exceptions=False)
    monkeypatch.setattr(cells, "find", lambda _: None)
    asked: list[wire.Ask] = []
    ask = worker.ask
    monkeypatch.setattr(worker, "ask", lambda question: asked.append(question) or ask(question))
    there = CliRunner().invoke(sample.command, command, catch_exceptions=False)
    assert (here.exit_code, there.exit_code, len(asked)) == (0, 0, 1)
    known = tokens.from_json("char", trained.run.tokenizer.read_text()).encode("The " if prompt else "")
    assert asked[0].options["ids"] == known.tolist()
    assert "prompt" not in asked[0].options
    assert there.stdout == here.stdout


def test_a_workers_error_keeps_its_exit_code_and_is_no_guess_at_its_class() -> None:
    """65 could be the user's text or the run's files."""
    with pytest.raises(SeqplayError, match="has no plan yet") as met:
        list(worker.ask(wire.Ask("/nowhere", "continue")))
    assert (type(met.value), met.value.exit_code) == (SeqplayError, 65)
    assert SeqplayError.exit_code == 1


def test_a_worker_that_dies_before_it_has_read_the_question_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a pipe holds: the write itself fails."""
    monkeypatch.setattr(worker.sys, "executable", "/bin/false")
    with pytest.raises(MissingError, match="The model's process ended with exit code 1"):
        list(worker.ask(wire.Ask("run", "continue", {"prompt": "T" * (1 << 20)})))
