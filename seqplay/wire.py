"""What a viewer and a worker say to each other: one JSON line each.

A viewer writes one `Ask`. The worker answers with rows of kind "token", "figure" or "score", then one of kind "end".
An "end" with a message is an error; its exit code is what the command should end with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Ask:
    """A question about a run: which run (its directory), which question, with what options (plain JSON values)."""

    run: str
    question: str
    options: Mapping[str, Any] = field(default_factory=dict)


def to_line(message: Ask | Mapping[str, Any]) -> str:
    row = asdict(message) if isinstance(message, Ask) else dict(message)
    return json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n"


def ask_from_line(line: str) -> Ask:
    """Raises ValueError when the line is no question."""
    try:
        row = json.loads(line)
    except RecursionError:
        raise ValueError("a question is not nested so deeply") from None
    if not isinstance(row, dict) or not isinstance(row.get("run"), str) or not isinstance(row.get("question"), str):
        raise ValueError("a question needs a run and a question")
    options = row.get("options") or {}
    if not isinstance(options, dict):
        raise ValueError("a question's options are an object")
    return Ask(row["run"], row["question"], options)


def end(message: str = "", exit_code: int = 0) -> dict[str, Any]:
    return {"kind": "end", "message": message, "exit_code": exit_code}
