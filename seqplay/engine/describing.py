"""The describing process: `python -P -m seqplay.engine.describing '["cell", "ssm"]' SECONDS`.

One process for each plugin, because loading one may do anything to the process it is loaded in. One JSON line on
standard output answers: a description, or why there is none. What the plugin prints goes to standard error. Torch is
loaded only if the plugin loads it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import traceback
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from seqplay import plugins
from seqplay.engine import descriptions
from seqplay.errors import MissingError
from seqplay.known_plugins import PACKAGE, mend, source_folder
from seqplay.plugin_choice import FileEntry
from seqplay.plugins import Plugin

LONGEST_REASON = 300  # characters


def main() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)
    kind, name = json.loads(sys.argv[1])
    signal.alarm(int(sys.argv[2]))  # for when the viewer that waits has died: nobody else would end a plugin that hangs
    answer: dict[str, object]
    try:
        answer = {"description": descriptions.describe(name, kind)}
    except BaseException as problem:  # also the KeyboardInterrupt of a plugin: no other can come here
        reason, advice = why(problem, plugins.find(name, kind))
        answer = {"reason": reason, "advice": advice}
        with suppress(BaseException):
            traceback.print_exception(_cause(problem))
    for stream in (sys.stdout, sys.stderr):  # what the plugin may have put in their place, too
        with suppress(BaseException):
            stream.flush()
    with open(answers, "w", encoding="ascii") as out:
        out.write(json.dumps(answer) + "\n")
    os._exit(0)  # whatever the plugin has left to run at the end


def why(problem: BaseException, plugin: Plugin) -> tuple[str, str]:
    """One line on why a plugin does not work, to follow its name, and one on what to do."""
    cause = _cause(problem)
    if isinstance(cause, ModuleNotFoundError) and isinstance(cause.name, str):
        return _missing(cause.name, plugin)
    if isinstance(cause, MissingError):
        said = str(cause).partition(f"({plugin.entry.value}) ")[2] or str(cause)
        advice = mend(plugin)
        if said.startswith("is written for contract") and PACKAGE.fullmatch(plugin.distribution):
            advice = f"pip install --upgrade seqplay {plugin.distribution}"  # either may be the older one
        return _one_line(said.removesuffix(".")), advice
    text = ""
    with suppress(BaseException):  # the exception is of the plugin's making
        text = str(cause)
    what = f"{type(cause).__name__}: {text}" if text else type(cause).__name__
    return _one_line(f"raises {what}{_where(cause)}"), mend(plugin)


def _cause(problem: BaseException) -> BaseException:
    """What the plugin raised, of what the catalog made of it."""
    return (problem.__cause__ if isinstance(problem, MissingError) else None) or problem


def _missing(module: str, plugin: Plugin) -> tuple[str, str]:
    top = module.partition(".")[0]
    if top == plugin.entry.value.partition(":")[0].partition(".")[0]:
        again = f"pip install --force-reinstall {plugin.distribution}" if PACKAGE.fullmatch(plugin.distribution) else ""
        return _one_line(f"lacks its own module {module}"), mend(plugin) if source_folder(plugin) else again
    if isinstance(plugin.entry, FileEntry) and plugin.entry.path.with_name(f"{top}.py").exists():
        how = "Make a distribution of both: seqplay plugins new NAME"
        return _one_line(f"needs {top}.py beside it, and a single file is loaded alone"), how
    if top != module and top in sys.modules:
        how = f"Another version of {top} may have it, or of {plugin.distribution}."
        return _one_line(f"needs {module}, which the {top} that is installed here does not have"), _one_line(how)
    package = _package_of(module, plugin)
    install = f"pip install {package}" if PACKAGE.fullmatch(package) else ""
    return _one_line(f"needs {module}, which is not installed here"), install


def _package_of(module: str, plugin: Plugin) -> str:
    """The distribution that brings a module: what the plugin's own metadata require and is not here, else its name."""
    top = module.partition(".")[0]
    required: list[str] = []
    with suppress(Exception):  # damaged metadata
        required = (plugin.entry.dist.requires if plugin.entry.dist else None) or []
    names = [
        re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0] for requirement in required if ";" not in requirement
    ]
    absent = [name for name in names if not _is_installed(name)]
    same = [name for name in absent if re.sub(r"[-.]", "_", name).casefold() == top.casefold()]
    return (same or (absent if len(absent) == 1 else []) or [top])[0]


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return False
    return True


def _where(problem: BaseException) -> str:
    """The place where the plugin raised it, "" where it did not come so far."""
    ours = (str(Path(plugins.__file__).parent), "<frozen", str(Path(metadata.__file__).parents[1]))
    frames = [f for f in traceback.extract_tb(problem.__traceback__) if not f.filename.startswith(ours)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


def _one_line(text: str) -> str:
    line = " ".join(text[: 4 * LONGEST_REASON].split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"


if __name__ == "__main__":
    main()
