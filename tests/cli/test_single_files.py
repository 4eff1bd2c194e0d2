"""A cell in a single file is used where a command names it, and never because a run or a recipe does (promise X1)."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from tiny_plugins import FILE

from seqplay.errors import MissingError
from seqplay.processes import training
from seqplay.runs.layout import RunFiles

from .conftest import SMALL, Trained, rows_in, seqplay, strict

TELLS = "import os\nopen(os.path.join(os.environ['SEQPLAY_HOME'], 'imported'), 'a').close()\n"
ASKED = [["sample", "--length", "3"], ["eval"], ["ask", "next", "--json"], ["resume"]]


def code_of(file: str = FILE) -> str:
    """A file that leaves a trace in SEQPLAY_HOME when it is imported."""
    return file.replace("import torch\n", TELLS + "import torch\n", 1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where own.py lies and commands are given; nobody changes it."""
    folder = tmp_path_factory.mktemp("secret-folder")
    (folder / "own.py").write_text(code_of())
    (folder / "harbour.txt").write_text("one two three\n" * 100)
    return folder


@pytest.fixture(scope="module")
def with_file(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run of own.py's cell, never changed by a test."""
    home = tmp_path_factory.mktemp("with-a-file") / "home"
    argv = ("train", "harbour.txt", "--cell", "./own.py:Own", "--set", "keep=0.25", "--steps", "2", "--json", *SMALL)
    result = seqplay(home, *argv, cwd=folder)
    assert result.code == 0, result.err.decode()
    assert (home / "imported").exists()
    return Trained(home, RunFiles(home / "runs" / "harbour-Own"), result)


@pytest.fixture
def given(with_file: Trained, home: Path) -> Trained:
    """The same in a home of its own, where nothing was imported."""
    shutil.copytree(with_file.home, home)
    (home / "imported").unlink()
    return Trained(home, RunFiles(home / "runs" / "harbour-Own"), with_file.result)


def go_back(run: RunFiles) -> None:
    """As a kill just before the end leaves it: the run can be resumed."""
    shutil.rmtree(run.checkpoints / "2")
    kept = [line for line in run.log.read_bytes().splitlines(keepends=True) if strict(line)["kind"] != "done"]
    run.log.write_bytes(b"".join(kept))


def test_it_trains_with_its_own_settings_and_is_kept_by_name_and_hash(with_file: Trained, folder: Path) -> None:
    plan, recipe = (json.loads(path.read_text()) for path in (with_file.run.plan, with_file.run.recipe))
    assert (plan["cell"], plan["distribution"]) == ("own.py:Own", "the file own.py")
    assert plan["version"] == hashlib.sha256((folder / "own.py").read_bytes()).hexdigest()
    assert float(plan["settings"]["keep"]) == 0.25
    assert recipe["cell"] == "own.py:Own"
    assert with_file.result.rows[0]["cell"] == "own.py:Own"


def test_a_run_holds_neither_the_files_folder_nor_the_file(with_file: Trained) -> None:
    """Promise X6."""
    for path in with_file.run.path.rglob("*"):
        if path.is_file():
            assert b"secret-folder" not in path.read_bytes(), path
            assert b"Forgets slowly" not in path.read_bytes(), path


def test_nothing_is_written_beside_the_file(with_file: Trained, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == ["harbour.txt", "own.py"]


@pytest.mark.parametrize("argv", ASKED, ids=lambda argv: argv[0])
def test_without_the_file_a_command_says_what_it_takes_and_imports_nothing(
    argv: list[str], given: Trained, folder: Path
) -> None:
    if argv == ["resume"]:
        go_back(given.run)
    result = seqplay(given.home, *argv, cwd=folder)
    assert (result.code, result.out) == (69, b"")
    assert "Traceback" not in result.err.decode()
    assert "Name it again to sample or resume: --cell FOLDER/own.py:Own" in result.lines[-1]
    assert not (given.home / "imported").exists()


@pytest.mark.parametrize("argv", ASKED, ids=lambda argv: argv[0])
def test_with_the_file_it_works(argv: list[str], given: Trained, folder: Path) -> None:
    if argv == ["resume"]:
        go_back(given.run)
    result = seqplay(given.home, *argv, "--cell", "own.py:Own", cwd=folder)
    assert result.code == 0, result.err.decode()
    assert bool(result.out) is (argv != ["resume"])
    assert rows_in(given.run.log)[-1]["kind"] == "done"
    assert (given.home / "imported").exists()


@pytest.mark.parametrize("argv", [*ASKED[:1], *ASKED[3:]], ids=lambda argv: argv[0])
def test_with_a_file_that_has_changed_it_does_not(argv: list[str], given: Trained, tmp_path: Path) -> None:
    go_back(given.run)
    (tmp_path / "own.py").write_text(code_of() + "\n")
    result = seqplay(given.home, *argv, "--cell", tmp_path / "own.py:Own")
    assert (result.code, result.out) == (69, b"")
    assert "is in a file that has changed since: its SHA-256 was " in result.lines[-1]
    assert not (given.home / "imported").exists()


def test_looking_at_the_run_needs_no_file_and_says_what_more_needs(given: Trained, folder: Path) -> None:
    shown = seqplay(given.home, "show", cwd=folder)
    assert shown.code == 0
    assert "own.py:Own" in shown.out.decode()
    (line,) = shown.lines
    assert line.endswith("Name it again to sample or resume: --cell FOLDER/own.py:Own")
    doctor = seqplay(given.home, "doctor", "harbour-Own", cwd=folder)
    assert doctor.code == 69
    assert line in doctor.out.decode()
    doctor = seqplay(given.home, "doctor", "harbour-Own", "--cell", "own.py:Own", cwd=folder)
    assert (doctor.code, doctor.out.decode().splitlines()[-1][:8]) == (0, "All good")
    assert not (given.home / "imported").exists()


def test_without_plugins_a_file_of_the_variable_is_left_out_and_one_that_is_named_is_not(
    given: Trained, folder: Path
) -> None:
    env = {"SEQPLAY_PLUGINS": f"*,{folder}/own.py:Own"}
    assert seqplay(given.home, *ASKED[0], env=env).code == 0
    assert seqplay(given.home, "--no-plugins", *ASKED[0], env=env).code == 69
    assert seqplay(given.home, "--no-plugins", *ASKED[0], "--cell", f"{folder}/own.py:Own").code == 0


# -- what somebody else has written


def evil_recipe(recipe: Path, cell: str, **more: object) -> None:
    recipe.write_text(json.dumps({"cell": cell, "steps": 1, "source": "a.txt", **more}))


@pytest.mark.parametrize("cell", ["evil.py:Own", "./evil.py:Own", "cell=evil.py:Own", "evil", "evil:Own"])
@pytest.mark.parametrize("as_model", [False, True], ids=["cell", "model"])
def test_a_file_that_a_recipe_names_is_never_imported(cell: str, as_model: bool, home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (tmp_path / "evil.py").write_text(code_of())
    more = {"model": cell, "task": "digits"} if as_model else {}
    evil_recipe(tmp_path / "recipe.json", "lstm" if as_model else cell, **more)
    argv = ("train", "digits" if as_model else "hello", "--recipe", "recipe.json")
    result = seqplay(home, *argv, cwd=tmp_path)
    assert result.code == 69
    assert cell in result.lines[-1]
    assert not (home / "imported").exists()
    assert not list(home.glob("runs/*"))


def test_a_run_that_only_has_a_recipe_imports_no_file_either(given: Trained, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(code_of())
    run = given.home / "runs" / "theirs"
    run.mkdir()
    data = json.loads(given.run.recipe.read_text())["data"]
    evil_recipe(run / "recipe.json", "evil.py:Own", data=data, created=2e9)
    for argv in (["resume", "theirs"], ["doctor", "theirs"]):
        result = seqplay(given.home, *argv, cwd=tmp_path)
        assert result.code == 69, argv
        assert "Name it with its folder: --cell FOLDER/evil.py:Own" in (result.out + result.err).decode()
    assert not (given.home / "imported").exists()


@pytest.mark.parametrize("distribution", ["the file evil.py", "seqplay", "evil.py", "."])
def test_a_plan_that_names_a_file_beside_the_command_imports_none(
    distribution: str, given: Trained, tmp_path: Path
) -> None:
    (tmp_path / "evil.py").write_text(code_of())
    version = hashlib.sha256((tmp_path / "evil.py").read_bytes()).hexdigest()
    plan = json.loads(given.run.plan.read_text())
    plan |= {"cell": "evil.py:Own", "distribution": distribution, "version": version}
    given.run.plan.write_text(json.dumps(plan))
    result = seqplay(given.home, *ASKED[0], cwd=tmp_path)
    assert (result.code, result.out) == (69, b"")
    assert seqplay(given.home, "show", cwd=tmp_path).code == 0
    assert not (given.home / "imported").exists()


# -- what is wrong with a file


@pytest.mark.parametrize(
    ("file", "typed", "code", "said"),
    [
        ("class Own(:\n", "own.py:Own", 69, "SyntaxError: invalid syntax (own.py, line 1)"),
        (FILE, "own.py:Owm", 69, "is not in the file. It has: Config, Own."),
        (FILE, "own.py", 2, "Say which object of own.py is the cell: own.py:NAME"),
        (FILE, "other.py:Own", 69, "There is no file "),
        (FILE, "own.py:Own:Own", 69, "No cell named 'own.py:Own:Own'."),
    ],
    ids=["syntax", "object", "no object", "no file", "two"],
)
def test_what_is_wrong_is_one_line_and_no_run_is_left(
    file: str, typed: str, code: int, said: str, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(file)
    result = seqplay(home, "train", "hello", "--cell", typed, "--steps", "1", *SMALL, cwd=tmp_path)
    assert (result.code, result.out) == (code, b"")
    (line,) = result.lines
    assert said in line
    assert not list(home.glob("runs/*"))


@pytest.mark.parametrize("how", [("--cell", "{}"), ("--set", "cell={}")], ids=["flag", "set"])
def test_a_file_may_be_given_with_set_and_have_the_name_of_a_module(
    how: tuple[str, str], home: Path, tmp_path: Path
) -> None:
    (tmp_path / "torch.py").write_text(FILE)
    argv = (how[0], how[1].format("./torch.py:Own"))
    result = seqplay(home, "train", "hello", *argv, "--steps", "1", *SMALL, cwd=tmp_path)
    assert result.code == 0, result.err.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "torch.py"]


def test_what_a_run_lacks_is_told_before_a_word_of_a_prompt_is_written(given: Trained, folder: Path) -> None:
    told = seqplay(given.home, "sample", "--prompt", "The", cwd=folder)
    assert (told.code, told.out) == (69, b"")
    assert "Name it again" in told.lines[-1]


def test_a_run_whose_file_is_not_named_is_not_started_and_stays_as_it_was(given: Trained) -> None:
    go_back(given.run)
    before = {path: path.read_bytes() for path in given.run.path.rglob("*") if path.is_file()}
    with pytest.raises(MissingError, match="Name it again"):
        training.start(given.run)
    assert {path: path.read_bytes() for path in given.run.path.rglob("*") if path.is_file()} == before


def test_its_own_settings_are_shown(with_file: Trained, folder: Path) -> None:
    assert b"settings       keep " in seqplay(with_file.home, "show", cwd=folder).out
