"""What an architecture says of itself, as plain data: enough to offer it and to draw a form for its settings without
importing it.

A description is only for drawing. It may be older than what is installed, so whoever trains loads the architecture and
checks every setting again. Those of the built-in ones come with the package; `python -m seqplay.engine.descriptions`
writes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from seqplay import __version__
from seqplay.errors import MissingError, UsageError
from seqplay.options import Option, check
from seqplay.plugins import GROUPS

BUILT_IN = Path(__file__).with_name("built_in_architectures.json")
LONGEST_TEXT = 4096  # characters of a name, a sentence or a choice
MOST = 256  # settings of an architecture, choices of a setting
TYPES = {"bool": bool, "int": int, "float": float, "str": str}


@dataclass(frozen=True)
class Description:
    """An architecture under the name that reaches it; its texts are as its author wrote them."""

    name: str
    kind: str
    """"cell" or "model"."""
    summary: str
    source: str
    """The paper that it comes from, "" where none is named."""
    options: tuple[Option, ...]
    distribution: str
    version: str
    built_in: bool = False
    task: str = ""
    """Of a model: the task that it is for."""


def to_json(description: Description) -> dict[str, Any]:
    return {**asdict(description), "options": [_option_to_json(option) for option in description.options]}


def from_json(row: object) -> Description:
    """The description in a row, which a plugin or a stranger may have written. Raises ValueError with one line."""
    known = _object(row, {field.name for field in fields(Description)}, "a description")
    texts = {
        name: _text(known[name], name)
        for name in ("name", "kind", "task", "summary", "source", "distribution", "version")
    }
    if texts["kind"] not in GROUPS:
        raise ValueError(f"kind is one of {', '.join(GROUPS)}, not {_shown(known['kind'])}")
    if type(known["built_in"]) is not bool:
        raise ValueError(f"built_in is true or false, not {_shown(known['built_in'])}")
    options = tuple(_option_from_json(option) for option in _list(known["options"], "options"))
    if len({option.name for option in options}) < len(options):
        raise ValueError("two settings have the same name")
    return Description(**texts, options=options, built_in=known["built_in"])


def built_in() -> dict[tuple[str, str], Description]:
    """The architectures that come with seqplay, by kind and name. Raises MissingError where their file is damaged."""
    try:
        rows = _list(json.loads(BUILT_IN.read_bytes()), "the file")
        mine = {"distribution": "seqplay", "version": __version__, "built_in": True}
        found = [from_json({**row, **mine} if isinstance(row, dict) else row) for row in rows]
    except (OSError, ValueError, RecursionError) as problem:
        raise MissingError(f"Cannot read {BUILT_IN}: {problem}. Install seqplay again.") from problem
    return {(description.kind, description.name): description for description in found}


def _option_to_json(option: Option) -> dict[str, Any]:
    kind = next((name for name, kind in TYPES.items() if kind is option.type), str(option.type))
    return {**asdict(option), "type": kind, "choices": list(option.choices)}


def _option_from_json(row: object) -> Option:
    known = _object(row, {field.name for field in fields(Option)}, "a setting")
    name = _text(known["name"], "a setting's name")
    if not name.isidentifier():
        raise ValueError(f"{_shown(name)} is no name for a setting")
    if not isinstance(known["type"], str) or known["type"] not in TYPES:
        raise ValueError(f"{name} is one of {', '.join(TYPES)}, not {_shown(known['type'])}")
    low, high = (_bound(known[end], f"{name}: its bound") for end in ("low", "high"))
    if low is not None and high is not None and low > high:
        raise ValueError(f"{name}: its lowest value {low:g} is above its highest {high:g}")
    choices = tuple(_text(choice, f"{name}: a choice") for choice in _list(known["choices"], f"{name}: choices"))
    kind, help_, default = TYPES[known["type"]], _text(known["help"], f"{name}: help"), known["default"]
    option = Option(name, kind, None, help_, low, high, choices)
    if default is None:
        return option
    if type(default) not in ((float, int) if kind is float else (kind,)):
        raise ValueError(f"{name}: its default {_shown(default)} is no {known['type']}")
    try:
        return Option(name, kind, check(option, default), help_, low, high, choices)
    except UsageError as problem:
        raise ValueError(f"its default does not fit: {problem}") from None


def _object(row: object, names: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise ValueError(f"{what} is an object, not {_shown(row)}")
    if row.keys() != names:
        raise ValueError(f"{what} has {', '.join(sorted(names))} and nothing else")
    return row


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > MOST:
        raise ValueError(f"{what}: should be a list of at most {MOST}")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} is text, not {_shown(value)}")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"{what} is longer than {LONGEST_TEXT:,} characters")
    return value


def _bound(value: object, what: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1 << 1023:  # also refuses NaN
        raise ValueError(f"{what} is a number, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    """A value for a message, never long."""
    return ascii(value)[:60]
