"""Loads an object of a single Python file, which somebody has named in a command or in SEQPLAY_PLUGINS.

The bytes that run are those of which the hash is kept: the file is read once. Nothing is written beside it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from dataclasses import is_dataclass
from functools import cache
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from seqplay.architecture import Architecture, NoOptions
from seqplay.plugin_choice import LARGEST_FILE, FileEntry


class FileError(Exception):
    """Why a file gives no object, in words that follow its name."""


def load(entry: FileEntry, sha256: str) -> Any:
    """The object; a class is taken for a cell's module, its config being what its constructor's annotation says.

    Raises FileError where the file is not of this hash any more or has no such object, and whatever it raises.
    """
    module = _module(entry, sha256)
    found = getattr(module, entry.object, None)
    if found is None:
        names = [name for name, value in vars(module).items() if _is_meant(value, module)]
        raise FileError(f"is not in the file. It has: {', '.join(names) or 'nothing to use'}.")
    return _as_architecture(found, entry) if inspect.isclass(found) and entry.kind == "cell" else found


@cache
def _module(entry: FileEntry, sha256: str) -> ModuleType:
    """The module of the bytes that have this hash, under a name that hides no other. It is run once in a process."""
    try:
        content = entry.read()
    except OSError as problem:
        raise FileError(f"cannot be read: {problem.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != sha256 or len(content) > LARGEST_FILE:
        raise FileError("is in a file that has just changed, or is too large. Try again.")
    name = f"seqplay_file_{entry.path.stem}"
    spec = ModuleSpec(name, _Kept(content, str(entry.path)), origin=str(entry.path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their annotations up there
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


class _Kept(InspectLoader):
    """Runs source that is in memory; errors in it tell the file."""

    def __init__(self, content: bytes, path: str) -> None:
        self.content, self.path = content, path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        return importlib.util.decode_source(self.content)

    def get_code(self, fullname: str) -> Any:  # noqa: ARG002
        return self.source_to_code(self.content, self.path)

    def is_package(self, fullname: str) -> bool:  # noqa: ARG002
        return False


def _is_meant(value: object, module: ModuleType) -> bool:
    own = inspect.isclass(value) and value.__module__ == module.__name__
    return isinstance(value, Architecture) or own


def _as_architecture(module: type[Any], entry: FileEntry) -> Architecture:
    declared = inspect.signature(module.__init__).parameters.get("config")
    hint = declared.annotation if declared else None
    if isinstance(hint, str):  # as `from __future__ import annotations` leaves it
        hint = getattr(sys.modules[module.__module__], hint, None)
    config = hint if inspect.isclass(hint) and is_dataclass(hint) else NoOptions
    summary = inspect.cleandoc(module.__doc__ or "A cell of a single file.").splitlines()[0]
    return Architecture(name=entry.value, kind="cell", module=module, summary=summary, config=config)
