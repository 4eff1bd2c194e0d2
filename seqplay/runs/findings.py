"""What a check says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "bad"]


@dataclass(frozen=True)
class Finding:
    """How something is, and what to do where it is not well."""

    level: Level
    subject: str
    message: str
