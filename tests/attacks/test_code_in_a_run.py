"""Opening a run never runs code from it (promise X1)."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import seqplay
from seqplay import plugins, wire
from seqplay.engine import catalog, tasks, worker
from seqplay.errors import MissingError, RunError
from seqplay.recipe import Recipe, plan_from_json
from seqplay.runs import commit, layout
from seqplay.runs.layout import RunFiles
from seqplay.steps import cells

from .conftest import FILES, NEWEST, SMALL, change, every_file, plant, plant_tokenizer

PACKAGE = Path(seqplay.__file__).parent
ROOT = PACKAGE.parent
OPENING = Path(__file__).with_name("opening.py")
EVIL_MODULES = "torch numpy json click rich rich_click safetensors tokenizers filelock platformdirs".split()


class Evil:
    """What a pickle of this runs when it is read."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.canary}'",)


def payloads(canary: Path, folder: Path) -> dict[str, bytes]:
    """Bytes that run code when a pickle, or a checkpoint of torch's, is read from them."""
    torch.save({"model": Evil(canary)}, folder / "evil.pt")
    return {"pickle": f"cos\nsystem\n(S'touch {canary}'\ntR.".encode(), "torch": (folder / "evil.pt").read_bytes()}


@pytest.fixture(scope="module")
def work(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a sound run, unfinished so that it can be resumed, and one for every attack on it."""
    work = tmp_path_factory.mktemp("attacks")
    shutil.copytree(trained_home, work, dirs_exist_ok=True)
    sound = RunFiles(shutil.move(work / "runs" / "novel", work / "sound"))
    kept = [line for line in sound.log.read_bytes().splitlines(True) if json.loads(line)["kind"] != "done"]
    sound.log.write_bytes(b"".join(kept))
    sound.process.unlink()
    attacks = payloads(work / "canary", work)
    in_checkpoint = {path.name for path in (sound.checkpoints / str(NEWEST)).iterdir()}
    for kind, payload in attacks.items():
        for name in sorted(FILES):
            (copy_of(sound, f"{kind} as {name}").path / name).write_bytes(payload)
        for name in sorted(in_checkpoint):
            (copy_of(sound, f"{kind} as unlisted {name}").checkpoints / str(NEWEST) / name).write_bytes(payload)
        for name in sorted(in_checkpoint - {commit.MANIFEST}):
            plant(copy_of(sound, f"{kind} as {name}"), name, payload)
        plant_tokenizer(copy_of(sound, f"{kind} as planned tokenizer.json"), payload)
    for path in (path for path in work.rglob("*") if path.is_file()):
        os.utime(path, (0, 0))  # of a new run without a log `watch` would wait for its trainer
    return work


def copy_of(run: RunFiles, name: str) -> RunFiles:
    return RunFiles(Path(shutil.copytree(run.path, run.path.parent / "attacked" / name)))


def opened(work: Path, *more: str) -> dict[str, Any]:
    program = [sys.executable, "-P", str(OPENING), str(work), *more]
    environment = {**os.environ, "SEQPLAY_HOME": str(work), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_a_trained_run_has_every_file_that_seqplay_knows(trained_home: Path) -> None:
    names = set(every_file(RunFiles(trained_home / "runs" / "novel")))
    assert {name for name in names if os.sep not in name} == FILES


def test_no_command_that_opens_a_run_runs_code_from_any_file_of_it(work: Path) -> None:
    report = opened(work)
    assert len(report["ended"]) > 2 * len(FILES)
    assert {"sample", "show", "eval", "resume"} <= report["ended"]["sound"].keys()
    assert [report["ended"]["sound"][name] for name in ("sample", "show", "eval", "resume", "runs")] == ["0"] * 5
    assert report["noted"] == []
    assert report["strangers"] == []
    assert not (work / "canary").exists()
    for attack, commands in report["ended"].items():
        for command, ended in commands.items():
            assert re.match(r"(0|1|65)$|(2|65|69|74) ", ended), (attack, command, ended)


def test_the_attacks_and_the_hook_bite_a_loader_that_unpickles(work: Path, tmp_path: Path) -> None:
    shutil.copytree(work / "sound", tmp_path / "sound")
    name = "pickle as model.safetensors"
    shutil.copytree(work / "attacked" / name, tmp_path / "attacked" / name)
    payload = (tmp_path / "attacked" / name / "checkpoints" / str(NEWEST) / "model.safetensors").read_bytes()
    report = opened(tmp_path, "naive")
    assert any(f"{name}, eval: pickle.find_class" in note for note in report["noted"])
    assert any(f"{name}, eval: os.system" in note for note in report["noted"])
    assert str(work / "canary").encode() in payload
    assert (work / "canary").exists()
    (work / "canary").unlink()


# -- a path is never a cell

PATHS = (
    "/tmp/evil.py",
    "evil.py",
    "evil",
    "evil:Thing",
    "../evil",
    "os.path",
    "seqplay.engine.cells.lstm:lstm",
    "lstm:x",
)


@pytest.fixture
def evil_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current directory, on Python's path too, whose evil.py must not be imported."""
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    assert "evil" not in sys.modules


@pytest.mark.parametrize("name", PATHS)
def test_a_path_in_a_recipe_or_plan_is_never_imported(name: str, run: RunFiles, evil_here: Path) -> None:
    with pytest.raises(MissingError, match=r"No cell named|a file is used only where you name it"):
        plugins.find(name)
    asked = layout.read_recipe(run.recipe)
    with pytest.raises(MissingError, match=r"No cell named|a file is used only where you name it"):
        tasks.find("text").begin(Recipe(cell=name, data=asked.data, source=asked.source)).draft(
            Recipe(cell=name, **SMALL), 1.0
        )
    change(run.plan, cell=name)
    plan = layout.read_plan(run)
    assert cells.find(plan.cell) is None
    with pytest.raises(MissingError, match="and this seqplay has none"):
        catalog.load_planned(plan)
    with pytest.raises(MissingError, match="and this seqplay has none"):
        list(worker.answer(wire.Ask(str(run.path), "continue", {"length": 1})))


def test_a_task_is_one_of_those_that_are_there(run: RunFiles, evil_here: Path) -> None:
    for name in ("evil", "evil:Thing", "/tmp/evil.py"):
        change(run.plan, task=name)
        with pytest.raises(RunError, match=r"plan\.json: No task named"):
            tasks.reopen(run)


@pytest.mark.parametrize(
    "name", ["x; rm -rf ~", "--index-url=http://evil", "x y", "$(x)", "../x", "git+https://evil", ""]
)
def test_what_is_no_package_is_not_recommended_for_installing(name: str, run: RunFiles) -> None:
    row = json.loads(run.plan.read_bytes())
    with pytest.raises(MissingError) as raised:
        catalog.load_planned(plan_from_json({**row, "distribution": name}, "plan.json"))
    assert "pip install" not in str(raised.value)
    with pytest.raises(MissingError, match=r"If you trust who made it, .*pip install seqplay-other"):
        catalog.load_planned(plan_from_json({**row, "distribution": "seqplay-other"}, "plan.json"))


# -- a folder full of modules


@pytest.fixture
def evil_folder(run: RunFiles) -> Path:
    """The unfinished run's directory with modules in it that seqplay imports by these names from elsewhere."""
    for name in [*EVIL_MODULES, "sitecustomize"]:
        (run.path / f"{name}.py").write_text(f"open({str(run.path / 'canary')!r}, 'w').write({name!r})\n")
    return run.path


def test_modules_in_the_current_directory_are_not_imported(evil_folder: Path) -> None:
    """Also by the worker and the trainer, which these commands start."""
    (evil_folder / "seqplay.py").write_text((evil_folder / "torch.py").read_text())
    script = Path(sys.executable).with_name("seqplay")
    started = [[sys.executable, "-P", "-m", "seqplay"]] + ([[str(script)]] if script.exists() else [])
    for command in started:
        run_in(evil_folder, *command, "runs")
    run_in(evil_folder, *started[0], "eval", ".", "--window", "8")
    log = evil_folder / "log.jsonl"
    log.write_bytes(b"".join(line for line in log.read_bytes().splitlines(True) if b'"done"' not in line[:20]))
    run_in(evil_folder, *started[0], "resume", ".")
    assert b'"done"' in log.read_bytes().splitlines()[-1]


def test_python_with_m_imports_no_module_of_the_current_directory_but_seqplay_itself(evil_folder: Path) -> None:
    run_in(evil_folder, sys.executable, "-m", "seqplay", "runs")
    run_in(evil_folder, sys.executable, "-m", "seqplay", "sample", ".", "--length", "3")


def test_such_a_module_bites_a_program_that_looks_in_the_current_directory(evil_folder: Path) -> None:
    subprocess.run([sys.executable, "-c", "import filelock"], cwd=evil_folder, capture_output=True, check=False)
    assert (evil_folder / "canary").read_text() == "filelock"


def run_in(folder: Path, *command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert not (folder / "canary").exists(), (command, (folder / "canary").read_text())
    assert done.returncode == 0, done.stderr


# -- the source


def test_the_package_has_no_way_to_run_what_it_reads() -> None:
    forbidden = re.compile(
        r"(?<!safetensors\.)\b(?:torch|np|numpy)\.(?:load|fromfile|memmap)\b|pickle|marshal|shelve|joblib|\bdill\b"
        r"|(?<![.\w])(?:eval|exec|compile|__import__)\(|weights_only|shell=True|os\.system|os\.popen|yaml"
    )
    lines = [
        f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert lines == []


IMPORTING = ("import_module", "find_spec", "load_module", "exec_module")


def test_a_module_is_imported_by_a_name_that_seqplay_or_an_installed_package_gives() -> None:
    """Whoever adds an import by name says here where the name comes from."""
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) in IMPORTING
    }
    assert found == {
        "__init__.py",  # a value of HOMES
        "cli/__init__.py",  # a key of COMMANDS
        "description_cache.py",  # an installed plugin's entry point; its folder is found, and nothing is run
        "engine/contract/importing.py",  # the module of an Architecture that is loaded already
        "engine/sampling.py",  # what an installed Architecture says
        "engine/single_file.py",  # a file that a command or SEQPLAY_PLUGINS names
        "steps/cells/__init__.py",  # an identifier, inside that very package
    }


def test_ruff_forbids_it_too_and_nothing_is_excepted() -> None:
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("no checkout is here")
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    rules = {"S102", "S301", "S302", "S307", "S506", "S602", "S604", "S605"}
    excepted = {*lint["ignore"], *(rule for rules in lint["per-file-ignores"].values() for rule in rules)}
    assert rules <= {*lint["select"]}
    assert not any(rule.startswith("S") and rule[1:].isdigit() for rule in excepted)
    assert not any(re.search(r"noqa.*\bS\d", path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py"))
