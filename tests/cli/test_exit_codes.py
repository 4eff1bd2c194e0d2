"""Every way to go wrong has its exit code and one line that says what to do (design.md, section 6)."""

import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from forking import FORKS

from seqplay.cli import COMMANDS
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock

from .conftest import COMMAND, GUARD, Result, Trained, environment, seqplay, strict


@dataclass(frozen=True)
class Case:
    """`words` stand in the one line on stderr. {folder} holds the texts, {home} is SEQPLAY_HOME."""

    argv: str
    code: int
    words: str

    def __str__(self) -> str:
        return self.argv.replace("{folder}/", "")


def complaint(result: Result) -> str:
    """The one line that a command says when it cannot do what was asked."""
    assert b"Traceback" not in result.out + result.err
    assert result.out == b""
    (line,) = result.lines
    return line


USAGE = [
    Case("trian", 2, "No command named 'trian'. Did you mean 'train'?"),
    Case("--bogus", 2, "--bogus"),
    *(Case(f"{name} --bogus", 2, "--bogus") for name in COMMANDS),
    Case("train", 2, "SOURCE"),
    Case("train hello --celll gru", 2, "--cell"),
    Case("train hello --cell lstmm", 69, "No cell named 'lstmm'. Did you mean 'lstm'? Installed: gru, lstm, rnn."),
    Case("train hello --cell own.py", 2, "Say which object of own.py is the cell: own.py:NAME"),
    Case("train hello --cell {folder}/own.py:Own", 69, "There is no file {folder}/own.py."),
    Case("--no-plugins train hello --cell mine", 69, "No cell named 'mine'."),
    Case("train hello --tokens chr", 2, "'char'"),
    Case("train hello --hidden abc", 2, "'abc'"),
    Case("train hello --hidden 0", 2, "hidden takes a whole number from 1 to 65536, not '0'"),
    Case("train hello --hidden 1000000000000", 2, "hidden takes a whole number from 1 to 65536"),
    Case("train hello --steps 0", 2, "steps takes a whole number from 1"),
    Case("train hello --minutes nan", 2, "minutes takes a number from 0.001"),
    Case("train hello --dropout 1", 2, "dropout takes a number from 0 to 0.95"),
    Case("train hello --device tpu", 2, "'cuda'"),
    Case("train hello --set hidden", 2, "--set takes KEY=VALUE"),
    Case("train hello --steps 5 --set minutes=1", 2, "Give --minutes or --steps, not both."),
    Case("train hello --set clip=x", 2, "clip takes a number"),
    Case("train hello --recipe {folder}/missing.json", 65, "missing.json: No such file"),
    Case("train hello --recipe {folder}/text.txt", 65, "text.txt: it is not JSON"),
    Case("train hello --recipe {folder}/newer.json", 65, "format 999"),
    Case("train hello --name ../up", 2, "A run cannot be named '../up'"),
    Case("train hello --name CON", 2, "Windows keeps that name"),
    Case("train {folder}/missing.txt", 2, "No file, built-in text or corpus named '{folder}/missing.txt'"),
    Case("train engish", 2, "Did you mean 'english'?"),
    Case("train {folder}/no-texts", 65, "no-texts is a folder without .txt files"),
    Case("train {folder}/empty.txt", 65, "empty.txt is empty: there is nothing to learn from it."),
    Case("train {folder}/nul", 65, "NUL"),
    Case("train {folder}/latin-1.txt", 65, "is no UTF-8 text: byte 3 is 0xe9"),
    Case("train {folder}/socket", 65, "is no file that can be read to its end"),
    Case("sample", 2, "There are no runs yet"),
    Case("sample --temperature -1", 2, "temperature takes a number from 0 to 100"),
    Case("sample --prompt a --no-prompt", 2, "Give one of --prompt, --prompt-file and --no-prompt."),
    Case("sample --length -1", 2, "-1"),
    Case("sample --count 0", 2, "0"),
    Case("sample --unk maybe", 2, "'skip'"),
    Case("eval", 2, "There are no runs yet"),
    Case("ask walk", 2, "There are no runs yet"),
    Case("ask a b c", 2, "ask takes a run and a question"),
    Case("train hello --task text --model cnn", 2, "The task text takes a cell, not a model: cnn."),
    Case("train digits --task recognise --hidden 8", 2, "--hidden is for texts."),
    Case("train digts --task digits", 2, "Did you mean 'digits'?"),
    Case("train hello --task digits", 2, "'hello' is a text, and the task digits learns from pictures"),
    Case("eval --window 0", 2, "0"),
    Case("show", 2, "There are no runs yet"),
    Case("show --height 1", 2, "1"),
    Case("show {folder}", 65, "is no run"),
    Case("watch", 2, "There are no runs yet"),
    Case("watch {folder}", 65, "is no run"),
    Case("completion", 2, "Name a shell: seqplay completion bash, zsh or fish."),
    Case("completion tcsh", 2, "'bash'"),
    Case("resume", 2, "There are no runs yet"),
    Case("pause", 2, "No run is training."),
    Case("stop", 2, "No run is training."),
    Case("stop nobody", 2, "No run named 'nobody'"),
    Case("rm", 2, "RUN"),
    Case("rm nobody", 2, "No run named 'nobody'"),
    Case("rm --yes {folder}", 65, "is no run"),
    Case("plugins new My-Cell", 2, "Perhaps: my_cell"),
    Case("plugins new class", 2, "The name class means something else in Python or in the file. Perhaps: class_cell"),
    Case("plugins new mine --folder {folder}/text.txt", 74, "Cannot write {folder}/text.txt/seqplay-mine: "),
    Case("plugins disable lstm", 2, "'lstm' comes with seqplay."),
    Case("plugins enable nobody", 69, "No plugin named 'nobody'."),
    Case("plugins check nobody", 69, "No cell or model named 'nobody'."),
    Case("doctor nobody", 2, "No run named 'nobody'"),
    Case("doctor {folder}", 65, "is no run"),
]
TRAINED = [
    Case("train hello --name harbour", 2, "There is a run named 'harbour' already"),
    Case("sample h", 2, "'h' could be harb"),
    Case("show nobody", 2, "No run named 'nobody'. Runs: harb, harbour"),
    Case("show harbou", 0, ""),
    Case("sample harbour --temperature -1", 2, "temperature takes a number from 0 to 100"),
    Case("sample harbour --temperature nan", 2, "temperature takes a number from 0 to 100"),
    Case("sample harbour --top-p 2", 2, "top_p takes a number from 0 to 1"),
    Case("sample harbour --unk error --prompt ☃한", 2, "'☃' '한'"),
    Case("eval harbour --on {folder}/missing.txt", 2, "No file, built-in text or corpus named"),
    Case("ask harbour wlak", 2, "Known: beside, continue"),
    Case("watch nobody", 2, "No run named 'nobody'. Runs: harb, harbour"),
    Case("watch harbour", 0, ""),
    Case("stop harbour", 2, "harbour is not training"),
    Case("pause harbour", 2, "harbour is not training"),
    Case("resume harbour", 0, "harbour is finished"),
    Case("rm harbour", 2, "There is no terminal to ask on."),
    Case("rm --yes harbour nobody", 2, "No run named 'nobody'"),
    Case("rm --yes h", 2, "'h' could be harb"),
    Case("doctor harb", 0, ""),
]
LEAVES_NOTHING = [
    Case("train hello --set hiddn=8", 2, "Did you mean 'hidden'?"),
    Case("train {folder}/short.txt --detach", 65, "short.txt has 1 character to learn from; it takes 2 or more"),
    Case("train {folder}/short.txt", 65, "short.txt has 1 character to learn from; it takes 2 or more"),
    Case("train {folder}/text.txt --hidden 65536 --layers 64", 2, "Lower --hidden"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that can and that cannot be learned."""
    import socket

    folder = tmp_path_factory.mktemp("texts")
    (folder / "text.txt").write_text("one two three\n" * 20)
    (folder / "empty.txt").write_bytes(b"")
    (folder / "short.txt").write_bytes(b"a")
    (folder / "no-texts").mkdir()
    (folder / "nul").write_bytes(b"\x7fELF\0\0\0")
    (folder / "latin-1.txt").write_bytes("café".encode("latin-1"))
    (folder / "newer.json").write_text('{"format": 999}')
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    return folder


def run_case(case: Case, home: Path, folder: Path) -> Result:
    return seqplay(home, *(word.format(folder=folder, home=home) for word in case.argv.split()))


def run_cases(cases: list[Case], home: Path, folder: Path) -> dict[Case, Result]:
    """Two at a time: what a command costs is mostly the start of Python."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(cases, pool.map(lambda case: run_case(case, home, folder), cases), strict=True))


@pytest.fixture(scope="module")
def in_an_empty_home(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> tuple[Path, dict[Case, Result]]:
    home = tmp_path_factory.mktemp("empty") / "home"
    return home, run_cases(USAGE, home, folder)


@pytest.mark.parametrize("case", USAGE, ids=str)
def test_wrong_usage_is_one_line_and_an_exit_code(
    case: Case, in_an_empty_home: tuple[Path, dict[Case, Result]], folder: Path
) -> None:
    home, results = in_an_empty_home
    assert (results[case].code, complaint(results[case])[:9]) == (case.code, "seqplay: ")
    assert case.words.format(folder=folder) in complaint(results[case])
    assert not list(home.glob("runs/*"))


@pytest.fixture(scope="module")
def with_two_runs(trained: Trained, tmp_path_factory: pytest.TempPathFactory, folder: Path) -> dict[Case, Result]:
    """In a home with two runs whose names begin alike."""
    home = tmp_path_factory.mktemp("shelf") / "home"
    shutil.copytree(trained.home, home)
    shutil.copytree(trained.run.path, home / "runs" / "harb")
    return run_cases(TRAINED, home, folder)


@pytest.mark.parametrize("case", TRAINED, ids=str)
def test_of_a_trained_run_too(case: Case, with_two_runs: dict[Case, Result]) -> None:
    result = with_two_runs[case]
    assert result.code == case.code
    if case.words:
        assert case.words in complaint(result)


@pytest.mark.parametrize("case", LEAVES_NOTHING, ids=str)
def test_a_text_that_cannot_be_learned_leaves_no_run(case: Case, home: Path, folder: Path) -> None:
    result = run_case(case, home, folder)
    assert result.code == case.code
    assert case.words in complaint(result)
    assert not list(home.glob("runs/*"))


def test_every_command_is_in_the_table() -> None:
    assert {case.argv.split()[0] for case in USAGE} >= set(COMMANDS)


# -- a run that was damaged, or written by a newer seqplay


def truncate_the_plan(run: RunFiles) -> None:
    run.plan.write_bytes(run.plan.read_bytes()[:100])


def forget_a_key_of_the_plan(run: RunFiles) -> None:
    run.plan.write_bytes(run.plan.read_bytes().replace(b'"hidden"', b'"hiddne"'))


def empty_the_tokenizer(run: RunFiles) -> None:
    run.tokenizer.write_bytes(b"{}")


def flip_a_byte_of_the_model(run: RunFiles) -> None:
    model = run.checkpoints / "8" / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-5] ^= 1
    model.write_bytes(data)


def cut_the_model(run: RunFiles) -> None:
    model = run.checkpoints / "8" / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1])


def remove_every_manifest(run: RunFiles) -> None:
    for manifest in run.checkpoints.glob("*/manifest.json"):
        manifest.unlink()


def make_the_plan_newer(run: RunFiles) -> None:
    run.plan.write_bytes(run.plan.read_bytes().replace(b'"format": 1', b'"format": 999'))


def unfinish(run: RunFiles) -> None:
    """Without its last row a run is not finished, and `resume` has to look at its files."""
    run.log.write_bytes(b"".join(line for line in run.log.read_bytes().splitlines(True) if b'"done"' not in line[:20]))


DAMAGES: list[tuple[Callable[[RunFiles], None], str, tuple[str, ...]]] = [
    (truncate_the_plan, "plan.json: it is not JSON", ("show", "sample", "watch", "resume")),
    (forget_a_key_of_the_plan, "plan.json", ("show", "sample")),
    (empty_the_tokenizer, "tokenizer.json is damaged", ("sample", "eval")),
    (flip_a_byte_of_the_model, "its SHA-256 is not the one", ("sample", "eval")),
    (cut_the_model, "bytes instead of", ("sample",)),
    (remove_every_manifest, "has no checkpoint yet", ("sample", "eval")),
    (make_the_plan_newer, "pip install -U seqplay", ("show", "sample", "eval", "watch", "resume")),
]


@pytest.mark.parametrize(("damage", "words", "commands"), DAMAGES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_damaged_run_is_65_and_one_line(
    damage: Callable[[RunFiles], None], words: str, commands: tuple[str, ...], copied: Trained
) -> None:
    unfinish(copied.run)
    damage(copied.run)
    for command in commands:
        result = seqplay(copied.home, command, "harbour")
        assert result.code == 65, command
        assert words in complaint(result), command


@pytest.mark.parametrize("command", ["sample", "eval"])
def test_a_run_without_checkpoints_is_told_what_is_true_of_it(command: str, copied: Trained) -> None:
    shutil.rmtree(copied.run.checkpoints)
    finished = complaint(seqplay(copied.home, command))
    assert "is finished, and its checkpoints are gone: nothing can be written or scored with it." in finished
    unfinish(copied.run)
    assert complaint(seqplay(copied.home, command)).endswith("no checkpoint yet. Go on with: seqplay resume harbour")
    with WriterLock(copied.run):
        assert complaint(seqplay(copied.home, command)).endswith("no checkpoint yet. Give it a few seconds.")


def test_a_damaged_run_does_not_hide_the_others(copied: Trained) -> None:
    shutil.copytree(copied.run.path, copied.home / "runs" / "other")
    truncate_the_plan(copied.run)
    result = seqplay(copied.home, "runs")
    assert result.code == 0
    assert "✗ broken" in result.out.decode()
    assert "✓ finished" in result.out.decode()
    assert "plan.json" in result.lines[0]


# -- what cannot be written, and who is writing already


@pytest.mark.parametrize("place", ["/dev/null/x", "/proc/x"])
@pytest.mark.parametrize("argv", ["train hello --steps 1", "train hello --detach"])
def test_a_home_that_cannot_be_written_is_74(place: str, argv: str) -> None:
    result = seqplay(Path(place), *argv.split())
    assert result.code == 74
    assert "Set SEQPLAY_HOME to a directory that can be written." in complaint(result)


def test_a_file_in_the_place_of_home_is_74(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    result = seqplay(tmp_path / "home", "train", "hello")
    assert result.code == 74
    assert "Set SEQPLAY_HOME" in complaint(result)


def test_a_home_that_cannot_be_read_has_no_runs() -> None:
    result = seqplay(Path("/dev/null/x"), "runs")
    assert (result.code, complaint(result)[:9]) == (0, "There are")


def test_resuming_a_run_that_another_process_writes_is_75(copied: Trained) -> None:
    unfinish(copied.run)
    with WriterLock(copied.run):
        result = seqplay(copied.home, "resume", "harbour")
    assert result.code == 75
    assert "harbour is training already, in process" in complaint(result)


def test_a_second_trainer_of_a_run_is_75(copied: Trained) -> None:
    unfinish(copied.run)
    command = [*COMMAND[:-1], "seqplay.engine.train", str(copied.run.path)]
    with WriterLock(copied.run):
        second = subprocess.run(command, capture_output=True, env=environment(copied.home), timeout=GUARD)
    assert second.returncode == 75
    assert b"is being written by process" in second.stderr


# -- who reads, and who does not


@pytest.mark.parametrize("argv", ["sample --length 3000", "show", "runs", "sample --count 50 --length 9 --json"])
def test_a_reader_that_has_enough_ends_a_command_quietly(argv: str, trained: Trained) -> None:
    writer = subprocess.Popen(
        [*COMMAND, *argv.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(trained.home)
    )
    assert writer.stdout is not None
    writer.stdout.close()
    _, err = writer.communicate(timeout=GUARD)
    assert (writer.returncode, err) == (0, b"")


def test_a_closed_stderr_does_not_change_an_exit_code(home: Path) -> None:
    command = subprocess.Popen(
        [*COMMAND, "show", "nobody"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(home)
    )
    assert command.stderr is not None
    command.stderr.close()
    assert command.wait(timeout=GUARD) == 2


def test_head_gets_the_first_row_and_training_is_not_harmed(home: Path) -> None:
    command = f"{' '.join(COMMAND)} train hello --steps 3 --hidden 8 --json | head -1"
    piped = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, env=environment(home), timeout=GUARD
    )
    assert piped.returncode == 0
    assert b"Traceback" not in piped.stderr
    assert strict(piped.stdout)["kind"] == "start"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_mistake(closed: str, trained: Trained) -> None:
    command = f"{' '.join(COMMAND)} sample --seed 1 --length 5 --prompt a☃ {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=environment(trained.home), timeout=GUARD)
    assert done.returncode == 0
    assert (len(done.stdout) == 6) is (">&-" not in closed.replace("2>&-", ""))
    assert (b"Left out" in done.stderr) is ("2>&-" not in closed)


def test_closed_standard_input_is_an_empty_text(home: Path) -> None:
    command = f"{' '.join(COMMAND)} train - <&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=environment(home), timeout=GUARD)
    assert done.returncode == 65
    assert b"standard-input is empty" in done.stderr


WRITE = [
    *("--help", "--version", "show --help", "completion bash"),
    *("show", "runs", "runs --json", "watch --json", "sample --length 9", "sample --length 20000"),
    "train hello --steps 1000 --hidden 8 --json",
]
CANNOT_WRITE = "seqplay: Cannot write the output: No space left on device. Make room on the disk, then try again."


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("argv", WRITE)
def test_a_full_disk_under_the_output_is_74_and_one_line(argv: str, copied: Trained) -> None:
    with open("/dev/full", "wb") as full:
        done = FORKS.run(argv.split(), environment(copied.home), timeout=GUARD, stdout=full.fileno())
    *goes_on, line = done.stderr.decode().splitlines()
    assert (done.returncode, line) == (74, CANNOT_WRITE)
    assert goes_on == (["hello-lstm goes on. End it: seqplay stop hello-lstm"] if "train" in argv else [])


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["runs"]])
def test_a_reader_that_has_enough_ends_a_command_with_0(words: list[str], home: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = FORKS.run(words, environment(home), timeout=GUARD, stdout=write)
    os.close(write)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
