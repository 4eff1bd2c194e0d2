"""Which plugins are used: what is disabled for good, and what the variable SEQPLAY_PLUGINS says of this process and of
those that it starts.

The variable holds, parted by commas, names of distributions, single files as PATH/FILE.py:OBJECT, and * for all that
is installed; without it, that is all. A file is used because it was named there or in a command, never because a run
or a recipe names it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from errno import ENOENT
from pathlib import Path
from shlex import quote

from seqplay import files, paths
from seqplay.errors import MissingError, RunError, UsageError

VARIABLE = "SEQPLAY_PLUGINS"
ALL = "*"
FILE = re.compile(r"(?:(?P<kind>cell|model)=)?(?P<path>.*\.py)(?::(?P<object>[^:/]*))?")
LARGEST_FILE = 1 << 20  # bytes of a single file, and of the list of what is disabled


@dataclass(frozen=True)
class FileEntry:
    """An object of a single Python file, in the place of an entry point."""

    path: Path
    object: str
    kind: str = "cell"
    dist: None = None

    @property
    def value(self) -> str:
        return f"{self.path.name}:{self.object}"

    @property
    def sha256(self) -> str:
        """Of the file as it is now, "?" where it cannot be read."""
        try:
            return hashlib.sha256(self.read()).hexdigest()
        except OSError:
            return "?"

    def read(self) -> bytes:
        """All of it, or one byte more than it may have. Raises OSError, also for what is no file and may never end."""
        if not self.path.is_file():
            raise FileNotFoundError(ENOENT, "There is no such file")
        with self.path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)


def use_file(typed: str, kind: str = "cell") -> str:
    """Use an object of a single file, PATH/FILE.py:OBJECT, here and in every process that is started from now on; the
    name that reaches it is told. Raises UsageError for what cannot be one, and MissingError where there is no such
    file.
    """
    parsed = FILE.fullmatch(typed)
    entry = _file(typed if parsed and parsed["kind"] else f"{kind}={typed}")
    if entry is None or not entry.object.isidentifier():
        path = typed.partition(".py")[0] + ".py"
        raise UsageError(f"Say which object of {path} is the {kind}: {path}:NAME")
    if not entry.path.is_file():
        raise MissingError(f"There is no file {entry.path}.")
    if entry.path.stat().st_size > LARGEST_FILE:
        raise MissingError(f"{entry.path} has more than 1 MB, too much for one cell or model.")
    if "," in str(entry.path) or not str(entry.path).isprintable():
        raise UsageError(f"Rename {entry.path}: a path with a comma or a control character cannot be used as a {kind}.")
    also, chosen = f"{entry.kind}={entry.path}:{entry.object}", os.environ.get(VARIABLE, ALL)
    others = [one for one in chosen.split(",") if one and one != also]
    os.environ[VARIABLE] = ",".join([*others, also])  # of two files of one name the last is used
    return entry.value


def use_none() -> None:
    """Use only what comes with seqplay, here and in every process that is started from now on."""
    os.environ[VARIABLE] = ""


def typed(name: str) -> str:
    """The name of a cell or model as a command takes it: of a single file that is used, with its folder."""
    for entry in chosen_files():
        if entry.value == name:
            near = os.path.relpath(entry.path)
            return f"{entry.path if near.startswith(os.pardir) else near}:{entry.object}"
    return name


def flag_of(name: str) -> str:
    """What a command needs that loads the network of this name: " --cell FILE.py:NAME", "" where it is no file."""
    kind = next((entry.kind for entry in chosen_files() if entry.value == name), "")
    return f" --{kind} {quote(typed(name))}" if kind else ""


def chosen_files() -> list[FileEntry]:
    return [entry for entry in map(_file, _chosen()) if entry is not None and entry.object]


def chosen_distributions() -> list[str] | None:
    """Their names as they were typed; None: all."""
    chosen = _chosen()
    return None if ALL in chosen else [one for one in chosen if (file := _file(one)) is None or not file.object]


def disabled() -> set[str]:
    """Names of the distributions that are disabled. Raises RunError where the list cannot be read."""
    if not os.path.lexists(_list()):
        return set()
    content = files.read_bytes(_list(), LARGEST_FILE)
    try:
        names = json.loads(content)["disabled"]
        if isinstance(names, list):
            return {normal(name) for name in names}
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise RunError(f"{_list()} is damaged: remove it, and disable again what it disabled.")


def disable(distributions: Collection[str]) -> None:
    """Disable these distributions, and no others. Raises WriteError."""
    names = sorted(map(normal, distributions))
    paths.make_private(paths.home())
    files.write_atomically(_list(), json.dumps({"disabled": names}, indent=2).encode() + b"\n")


def normal(distribution: str) -> str:
    """A distribution's name in the one spelling in which names are compared."""
    return re.sub(r"[-_.]+", "-", distribution).casefold()


def _list() -> Path:
    return paths.home() / "plugins.json"


def _chosen() -> list[str]:
    return [one.strip() for one in os.environ.get(VARIABLE, ALL).split(",") if one.strip()]


def _file(chosen: str) -> FileEntry | None:
    """What a part of the variable means, None where it is no file."""
    parsed = FILE.fullmatch(chosen)
    if parsed is None:
        return None
    path = Path(os.path.abspath(os.path.expanduser(parsed["path"])))
    return FileEntry(path, parsed["object"] or "", parsed["kind"] or "cell")
