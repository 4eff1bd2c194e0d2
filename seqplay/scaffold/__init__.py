"""The beginning of a plugin: two complete small distributions, of which `make` writes a copy under another name.

They are named mycell and mymodel: every occurrence of these words is replaced.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
from keyword import iskeyword
from pathlib import Path

from seqplay.errors import UsageError, WriteError
from seqplay.plugins import GROUPS

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
WORDS = {"cell": "mycell", "model": "mymodel"}
CLASSES = {"cell": "MyCell", "model": "MyModel"}


def make(name: str, kind: str, inside: Path) -> Path:
    """Write a distribution of a cell or model of this name into a new folder inside of `inside`; the folder is told.

    Raises UsageError for what can be no name of a Python module, or is another's in the file, and WriteError where the
    folder is there already or cannot be written.
    """
    assert kind in GROUPS
    if not NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:40]
        hint = f" Perhaps: {near}" if NAME.fullmatch(near) else ""
        raise UsageError(f"A name has small letters, digits and _, and begins with a letter, unlike {name!r}.{hint}")
    folder = inside / f"seqplay-{name.replace('_', '-')}"
    own = {WORDS[kind]: name, CLASSES[kind]: name.title().replace("_", ""), f"seqplay-{WORDS[kind]}": folder.name}
    template = _template(kind)
    if iskeyword(name) or _names(dict(template)[f"seqplay_{WORDS[kind]}.py"]) & {name, own[CLASSES[kind]]}:
        raise UsageError(f"The name {name} means something else in Python or in the file. Perhaps: {name}_{kind}")
    word = re.compile("|".join(sorted(own, key=len, reverse=True)))

    def renamed(text: str) -> str:
        return word.sub(lambda found: own[found[0]], text)

    try:
        folder.mkdir(parents=True)
        for path, content in template:
            place = folder / renamed(path)
            place.parent.mkdir(exist_ok=True)
            place.write_text(renamed(content), encoding="utf-8")
    except FileExistsError:
        raise WriteError(f"{folder} is there already. Choose another name, or remove it.") from None
    except OSError as problem:
        elsewhere = "Choose another place: --folder FOLDER"
        raise WriteError(f"Cannot write {folder}: {problem.strerror}. {elsewhere}") from problem
    return folder


def _names(module: str) -> set[str]:
    """What a module's names mean already: Python's own, and those that it imports or defines."""
    body = ast.parse(module).body
    imported = [alias.name for found in body if isinstance(found, ast.Import | ast.ImportFrom) for alias in found.names]
    defined = {found.name for found in body if isinstance(found, ast.ClassDef)} - set(CLASSES.values())
    return {*dir(builtins), *imported, *defined}


def _template(kind: str) -> list[tuple[str, str]]:
    """Path within the distribution and content of each file."""
    top = Path(__file__).with_name(kind)
    kept = (path for path in sorted(top.rglob("*")) if path.is_file() and path.suffix in (".py", ".toml", ".md"))
    return [(os.path.relpath(path, top), path.read_text(encoding="utf-8")) for path in kept]
