"""What a viewer and a worker say to each other: one JSON line each.

A viewer writes an `Ask`. The worker answers with rows that carry the ask's number, and then with one row of kind
"end". An "end" with a message is an error; its exit code is what the command should end with. An answer that a newer
question cut short ends as `stopped`: no question is answered after a newer one.

    token        text, ids, bits: one piece of text as it is written; with several temperatures, `column`
    next         tokens, uncertainty_bits, tail: what may come next at the place where the text is
    read         pieces, unknown: a text as the model reads it
    novelty      longest, new_8_grams, copies, read: what of a text is copied from the training part
    score        the final numbers again
    xray         what there is to know of a text before anything is trained on it
    kept         name, data: pictures that lie in the cache now
    pictures     name, count, height, width, channels, labels: what pictures are, before any is shown
    figure       a figure, as seqplay.figures writes it
    description  what a cell or a model is
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_BYTES = 1 << 24  # of one row


@dataclass(frozen=True)
class Ask:
    """A question about a run (its directory), or, with the run "", about what needs none; with what options (plain
    JSON values). The rows that answer it carry its number.
    """

    run: str
    question: str
    options: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


def to_line(message: Ask | Mapping[str, Any]) -> str:
    row = vars(message) if isinstance(message, Ask) else dict(message)
    return json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n"


def ask_from_line(line: str) -> Ask:
    """Raises ValueError when the line is no question."""
    try:
        row = json.loads(line)
    except RecursionError:
        raise ValueError("a question is not nested so deeply") from None
    if not isinstance(row, dict) or not isinstance(row.get("run"), str) or not isinstance(row.get("question"), str):
        raise ValueError("a question needs a run and a question")
    options, number = row.get("options") or {}, row.get("number", 0)
    if not isinstance(options, dict):
        raise ValueError("a question's options are an object")
    if type(number) is not int:
        raise ValueError("a question's number is a whole number")
    return Ask(row["run"], row["question"], options, number)


def row_from_line(line: bytes) -> dict[str, Any]:
    """A row of an answer. Raises ValueError when the line is none."""
    try:
        row = json.loads(line)
    except RecursionError:
        raise ValueError("a row is not nested so deeply") from None
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str):
        raise ValueError("a row has a kind")
    if row["kind"] == "end" and not (isinstance(row.get("message"), str) and type(row.get("exit_code")) is int):
        raise ValueError("an end has a message and an exit code")
    return row


def end(message: str = "", exit_code: int = 0, stopped: bool = False) -> dict[str, Any]:
    return {"kind": "end", "message": message, "exit_code": exit_code, "stopped": stopped}
