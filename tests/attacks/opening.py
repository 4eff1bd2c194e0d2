"""Opens attacked runs with every command that opens one, and reports what each did; a program, run by a test.

An audit hook, armed once everything is imported, notes what no command may do with a stranger's files: find a class
for a pickle, start a process, import or execute a file that is not installed.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import torch

from seqplay import cli, wire
from seqplay.engine import checkpoints
from seqplay.engine.tasks import text as text_task
from seqplay.engine.train import train
from seqplay.engine.worker import answer
from seqplay.errors import SeqplayError
from seqplay.processes import training, worker
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.writable import check_writable

MORE = {"sample": ["--length", "3"], "rm": ["--yes"]}  # what else a command is told, if it takes it
NEVER = ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")
armed: list[str] = []  # the run that is being opened
noted: list[str] = []  # what the hook saw
INSTALLED = tuple(
    {str(Path(import_module("seqplay").__file__ or "").parents[1]), sysconfig.get_paths()["stdlib"]}
    | {*site.getsitepackages(), *(p for p in sys.path if p)}
)


def hook(event: str, given: tuple[Any, ...]) -> None:
    if not armed:
        return
    if event in NEVER:
        noted.append(f"{armed[0]}: {event} {given}")
    elif event == "subprocess.Popen":
        noted.append(f"{armed[0]}: {event} {given[1]}")
    elif event == "exec":
        file = getattr(given[0], "co_filename", "")
        if os.path.isabs(file) and not file.startswith(INSTALLED):
            noted.append(f"{armed[0]}: executes {file}")


def openers() -> Iterator[str]:
    """Every command that is given a run."""
    for name in cli.COMMANDS:
        command = import_module(f"seqplay.cli.{cli.MODULES.get(name, name)}").command
        if any(parameter.name in ("run", "runs") for parameter in command.params):
            yield name


def flags_of(name: str) -> list[str]:
    command = import_module(f"seqplay.cli.{cli.MODULES.get(name, name)}").command
    known = {flag for parameter in command.params for flag in parameter.opts}
    return MORE.get(name, []) if known.intersection(MORE.get(name, [])) else []


def do(argv: list[str]) -> str:
    """What a command ends with: "0", an exit code and its line, or the name of what it should never raise."""
    sys.argv = ["seqplay", *argv]
    try:
        cli.seqplay.main(args=argv, prog_name="seqplay", standalone_mode=False)
    except SeqplayError as problem:
        return f"{problem.exit_code} {problem}"
    except SystemExit as leave:
        return str(leave.code or 0)
    except Exception as problem:
        return f"{type(problem).__name__} {problem}"
    return "0"


class InThisProcess:
    """Training as a process of its own would do it, so that the hook sees it; has ended when it has begun."""

    pid, returncode = os.getpid(), 0

    def __init__(self, run: RunFiles) -> None:
        check_writable(run)
        with WriterLock(run):
            train(run, earlier_requests=run.control.stat().st_size)

    def poll(self) -> int:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        return self.returncode


def naive(content: bytes, path: Path) -> dict[str, Any]:
    """How many programs read weights."""
    loaded: dict[str, Any] = torch.load(BytesIO(content), weights_only=False)
    return loaded


def nowhere() -> TextIOWrapper:
    return TextIOWrapper(BytesIO(), encoding="utf-8")


def open_with(command: str) -> str:
    words = [] if command == "runs" else ["novel"]
    with redirect_stdout(nowhere()), redirect_stderr(nowhere()):
        return do([command, *flags_of(command), *words])


def main(work: Path, is_naive: bool) -> None:
    text_task.PREVIEW_TOKENS = 5
    torch.set_num_threads(1)
    worker.ask = lambda question: iter([*answer(wire.ask_from_line(wire.to_line(question)))])
    training.start = InThisProcess
    if is_naive:
        checkpoints._tensors = naive
    commands = sorted([*openers(), "runs"], key="rm".__eq__)
    opened = work / "runs" / "novel"
    ended: dict[str, dict[str, str]] = {}
    for run in [work / "sound", *sorted((work / "attacked").iterdir())]:
        shutil.copytree(run, opened, symlinks=True)
        ended[run.name] = {}
        for command in commands:
            if ended.keys() != {"sound"}:  # the first imports everything that is installed
                armed.append(f"{run.name}, {command}")
            ended[run.name][command] = open_with(command)
            armed.clear()
        shutil.rmtree(opened, ignore_errors=True)
    files = [str(getattr(module, "__file__", None)) for module in list(sys.modules.values())]
    strangers = [file for file in files if file.startswith(str(work))]
    print(json.dumps({"ended": ended, "noted": noted, "strangers": strangers}))


if __name__ == "__main__":
    sys.addaudithook(hook)
    main(Path(sys.argv[1]), "naive" in sys.argv[2:])
