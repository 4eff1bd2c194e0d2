"""One row of a log is one JSON object on one line; a line that is anything else is no row.

What is written is always strict JSON in UTF-8, and what is read may have been damaged or made by a stranger.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
CHANGES = ("rollback", "learning_rate", "steps", "phases")
LOG_LIMIT_BYTES = 1 << 32  # the largest log that is read: some 20 million steps


def clean(value: Any) -> Any:
    """The same value with null for each number that JSON has no word for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value


def to_json(value: Mapping[str, Any], indent: int | None = None) -> bytes:
    """Strict JSON in UTF-8; a lone surrogate becomes U+FFFD."""
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(clean(value), allow_nan=False, ensure_ascii=False, indent=indent, separators=separators)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def from_json(data: bytes) -> Row:
    """The object that the bytes hold. Raises ValueError, with the reason, for what is not one strict JSON object."""
    try:
        value = json.loads(data.decode(), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON at line {error.lineno}: {error.msg}") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def to_line(row: Mapping[str, Any]) -> bytes:
    """The row with its newline."""
    return to_json(row) + b"\n"


def from_line(line: bytes) -> Row | None:
    """The row of one whole line, or None if it is garbage: no object, or a `kind` or `step` of the wrong type."""
    try:
        row = from_json(line)
    except ValueError:
        return None
    kind, step = row.get("kind"), row.get("step")
    if kind is not None and not isinstance(kind, str):
        return None
    if step is not None and not (type(step) is int and 0 <= step < 2**63):
        return None
    return row


def number(value: Any) -> float | None:
    """A finite number from a file as a float, and None for whatever else is in its place."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def is_change(row: Row) -> bool:
    """Whether a row is a change that a trainer writes, and takes from the log when it goes on."""
    value, step = number(row.get("value")), row.get("step")
    if row.get("name") not in CHANGES or type(step) is not int or value is None or value <= 0:
        return False
    return row["name"] not in ("steps", "phases") or type(row["value"]) is int


def moment(value: Any) -> float | None:
    """Epoch seconds from a file, and None for what no clock would say."""
    seconds = number(value)
    return seconds if seconds is not None and 0 <= seconds < 2**33 else None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:40]} is too large a number")
    return value
