"""The tasks by name: what each learns from, and with which network where nobody names one.

Plain data, for viewers. What a task does stands in a file of engine/tasks with its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqplay.errors import UsageError, no_such

Data = Literal["text", "pictures"]


@dataclass(frozen=True)
class About:
    """One task. `network` is its default cell or model; `is_judged` where a score needs nothing held out."""

    name: str
    data: Data
    kind: Literal["cell", "model"]
    network: str
    what: str
    is_judged: bool = False


TASKS = {
    about.name: about
    for about in (
        About("text", "text", "cell", "lstm", "say which token comes next, and so write"),
        About("digits", "pictures", "model", "dcgan", "draw pictures like those given, against a critic", True),
        About("recognise", "pictures", "model", "cnn", "tell which label a picture has"),
    )
}


def find(name: str) -> About:
    """Raises UsageError with the nearest task's name."""
    if name not in TASKS:
        raise UsageError(no_such("task", name, TASKS))
    return TASKS[name]


def default_for(data: Data) -> About:
    """What is done with this kind of data where nobody names a task."""
    return next(about for about in TASKS.values() if about.data == data)
