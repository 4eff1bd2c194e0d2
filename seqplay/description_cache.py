"""What loading a plugin has told, kept from one start to the next so that its module is not loaded again to be offered:
its description, or why it is broken.

One file for each plugin. It holds for one version of the distribution and one state of the module's file: whatever
changes either makes it worth nothing, as does anything wrong with it.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from seqplay import __version__, descriptions, files, paths
from seqplay.architecture import CONTRACT
from seqplay.descriptions import LONGEST_TEXT, Description
from seqplay.errors import RunError, WriteError
from seqplay.plugin_choice import FileEntry
from seqplay.plugins import Plugin

LAYOUT = 1  # of these files; another one makes all of them worth nothing
LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where the description of a plugin lies, and of what it is one."""

    path: Path
    of: tuple[str | int, ...]


def place(name: str, plugin: Plugin) -> Place | None:
    """None where the module's file cannot be found without importing anything: nothing is kept then.

    Ask before the module is loaded: a file that changes meanwhile then makes what was read worth nothing.
    """
    module = module_file(plugin.entry)
    if module is None:
        return None
    try:
        status = module.stat()
    except (OSError, ValueError):
        return None
    whose = (plugin.kind, name, plugin.distribution)
    key = hashlib.sha256(json.dumps(whose).encode()).hexdigest()
    state = (plugin.version, plugin.entry.value, str(module), status.st_size, status.st_mtime_ns)
    folder = paths.cache_dir() / "descriptions"
    return Place(folder / f"{key[:32]}.json", (LAYOUT, __version__, CONTRACT, *whose, *state))


@dataclass(frozen=True)
class Broken:
    """Why a plugin did not work when it was last loaded, and what to do about it, a line each."""

    reason: str
    advice: str


def read(place: Place) -> Description | Broken | None:
    """What is kept there; None where nothing is, where it is of another state, damaged, or another user's."""
    try:
        with files.open_ordinary(place.path) as file:
            if os.fstat(file.fileno()).st_uid != os.geteuid():
                return None
            row = json.loads(file.read(LIMIT_BYTES))
        if not isinstance(row, dict) or row.get("of") != list(place.of):
            return None
        if "broken" in row:
            broken = row["broken"]
            return Broken(*(str(broken[name])[:LONGEST_TEXT] for name in ("reason", "advice")))
        return descriptions.from_json(row.get("description"))
    except (RunError, OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def write(place: Place, told: Description | Broken) -> None:
    """Keep it, if that can be done: a cache that cannot be written costs time, and nothing else."""
    row: dict[str, object] = {"of": place.of}
    row |= {"broken": asdict(told)} if isinstance(told, Broken) else {"description": descriptions.to_json(told)}
    with suppress(WriteError):
        paths.make_private(place.path.parent)
        files.write_atomically(place.path, json.dumps(row, allow_nan=False).encode() + b"\n")


def module_file(entry: EntryPoint | FileEntry) -> Path | None:
    """The file of an entry's module; no package on the way to it is imported, as importlib.util would do."""
    if isinstance(entry, FileEntry):
        return entry.path
    try:
        top, *inner = entry.module.split(".")
        spec: ModuleSpec | None = find_spec(top)
        name = top
        for part in inner:
            name = f"{name}.{part}"
            spec = PathFinder.find_spec(name, spec.submodule_search_locations) if spec else None
    except Exception:  # the finder of an editable installation may raise anything
        return None
    return Path(spec.origin) if spec is not None and spec.has_location and spec.origin else None
