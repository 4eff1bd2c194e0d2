"""What commands print: data on stdout, words for people on stderr, and on a terminal nothing that could steer it.

A pipe or a file gets data exactly as it is. A terminal gets it through safe_text, or as JSON in ASCII.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

from seqplay.safe_text import safe_line, safe_text

if TYPE_CHECKING:
    from rich.console import Console

    from seqplay.draw.lines import Line


STREAM_SECONDS = 0.02


def complain(message: str) -> None:
    """One line on stderr about what went wrong; a closed stderr changes nothing, as the exit code tells it too."""
    with suppress(OSError):
        say(f"seqplay: {message}")


def say(message: str) -> None:
    """One line on stderr for a person."""
    _write(sys.stderr, safe_line(message) + "\n")


def write(text: str, raw: bool = False) -> None:
    """Data on stdout, at once: exact in a pipe, made safe on a terminal unless `raw`."""
    _write(sys.stdout, safe_text(text) if sys.stdout.isatty() and not raw else text)


def stream(pieces: Iterable[str], raw: bool = False) -> None:
    """Pieces of text as they come: the first at once, then what came in 20 ms, as a write takes as long as a token."""
    waiting, written = "", 0.0
    for piece in pieces:
        waiting += piece
        if time.monotonic() - written > STREAM_SECONDS:
            write(waiting, raw)
            waiting, written = "", time.monotonic()
    write(waiting, raw)


def write_prompt(text: str) -> None:
    """The user's own words before a sample: dimmed on a terminal, exact in a pipe."""
    if text and sys.stdout.isatty() and not console().no_color and not console().is_dumb_terminal:
        _write(sys.stdout, f"\x1b[2m{safe_text(text)}\x1b[0m")
    else:
        write(text)


def write_row(row: Mapping[str, Any]) -> None:
    """One JSON object, one line: exact in a pipe; on a terminal in ASCII, where escapes mean the same to a reader."""
    is_terminal = sys.stdout.isatty()
    line = json.dumps(row, ensure_ascii=is_terminal, allow_nan=False)
    # DEL is the one control character that JSON leaves as it is.
    _write(sys.stdout, (line.replace("\x7f", "\\u007f") if is_terminal else line) + "\n")


@cache
def console(stderr: bool = False) -> Console:
    """A console for drawn lines. It never reads markup, emoji codes or numbers out of what it prints."""
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the command with exit code 1

    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # rich writes in the locale's encoding, which need not have every name
    return Plain(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def has_shades(stderr: bool = False) -> bool:
    """Whether the terminal shows the shades of grey of a picture; a pipe gets none."""
    from seqplay.draw.rich_lines import has_shades

    return has_shades(console(stderr))


def is_ascii_only() -> bool:
    """Whether drawings on stdout have to do with ASCII: a terminal that can do little, or a locale without UTF-8."""
    return console().is_dumb_terminal or not console().encoding.startswith("utf")


def let_go_of_closed_streams() -> None:
    """What waits in a stream that nobody reads goes nowhere; else Python would complain when it flushes at the end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def draw(lines: Iterable[Line], stderr: bool = False) -> None:
    """Print drawn lines, in colour where the terminal has it."""
    from seqplay.draw.rich_lines import to_rich

    console(stderr).print(to_rich(lines))


def _write(stream: Any, text: str) -> None:
    """UTF-8 whatever the locale says; lone surrogates, which no encoding has, as U+FFFD."""
    stream.flush()
    stream.buffer.write(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode())
    stream.flush()
