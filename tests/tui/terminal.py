"""The playground as a user starts it: a process of its own on a terminal that keeps every byte it is sent."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import pexpect
import pyte
from forking import environment
from hostile import COLOUR, OBEYED

GUARD = 30.0  # seconds after which something hangs
PLAYGROUND = ("-P", "-m", "seqplay")
ESCAPE = b"\x1b[27u"  # as the protocol that the playground asks for writes it: never taken for the start of another key

STYLE = COLOUR.replace("(?:0|", "(?:0|4|9|", 1)  # and underlined, and struck through
# What Textual itself sends: modes that are switched on and off, two questions, keys, the cursor's place, the shape of
# the mouse's pointer, colours.
OWN = re.compile(
    r"\x1b\[\?(?:25|7|1000|1003|1004|1006|1015|1049|2004|2026|2048)[hl]|\x1b\[\?(?:2026|2048)\$p"
    rf"|\x1b\[>\d+u|\x1b\[<u|\x1b\[\d+;\d+H|\x1b\]22;(?:default|text|pointer)\x07|{STYLE}|\r*\n"
)
ALTERNATE = b"\x1b[?1049h"


def obeyed(raw: bytes) -> list[str]:
    """What a terminal would obey, beyond what Textual sends of its own. The alternate screen may be entered once."""
    first, *again = raw.split(ALTERNATE)
    found = OBEYED.findall(OWN.sub("", (first + b"".join(again)).decode("utf-8", "surrogateescape")))
    return found + ["the alternate screen"] * (len(again) - 1)


def pasted(text: str) -> bytes:
    """A text as a terminal gives it when it is pasted: every terminal takes ESC out, which would end the pasting."""
    return b"\x1b[200~" + text.replace("\x1b", "").encode("utf-8", "surrogatepass") + b"\x1b[201~"


class Terminal:
    """A terminal with the playground on it; `command` are other arguments of Python."""

    def __init__(
        self,
        home: Path,
        *,
        command: Sequence[str] = PLAYGROUND,
        size: tuple[int, int] = (120, 36),
        cwd: Path | None = None,
        **env: str,
    ) -> None:
        columns, rows = size
        self._spawn = lambda: pexpect.spawn(
            sys.executable, list(command), env=environment(home, **env), dimensions=(rows, columns), cwd=cwd
        )
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._shown = 0  # bytes that the screen has seen
        self.raw = bytearray()

    def __enter__(self) -> Terminal:
        self.child = self._spawn()
        self.modes = termios.tcgetattr(self.child.child_fd)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self.child.wait()
        self.child.close()

    def read(self, seconds: float) -> bool:
        """Take what was sent, and wait for it at most so long; whether there was any."""
        if not select.select([self.child.child_fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.child.child_fd, 1 << 16)
        except OSError:  # no process has it open
            return False
        self.raw += data
        return bool(data)

    @property
    def lines(self) -> list[str]:
        """What is seen."""
        self._stream.feed(bytes(self.raw[self._shown :]))
        self._shown = len(self.raw)
        buffer, columns = self._screen.buffer, range(self._screen.columns)
        return ["".join(buffer[y][x].data for x in columns) for y in range(self._screen.lines)]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def until(self, event: Callable[[], object], what: str) -> None:
        """Wait until something has come."""
        guard = time.monotonic() + GUARD
        while not event():
            assert time.monotonic() < guard, f"never came: {what}\n{self.text}"
            if not self.read(0.1):
                assert self.child.isalive() or event(), f"it ended before: {what}\n{self.text}"

    def until_shown(self, text: str) -> None:
        self.until(lambda: text in self.text, text)

    def until_gone(self, text: str) -> None:
        self.until(lambda: text not in self.text, f"without {text}")

    def type(self, *keys: str | bytes) -> None:
        """Send keys, or bytes as they are."""
        for key in keys:
            os.write(self.child.child_fd, key if isinstance(key, bytes) else key.encode())

    def end(self) -> int:
        """Wait for the end: the exit code as a shell gives it."""
        guard = time.monotonic() + GUARD
        while self.read(0.2) or self.child.isalive():
            assert time.monotonic() < guard, f"it does not end\n{self.text}"
        while self.read(0):
            pass
        code, number = self.child.exitstatus, self.child.signalstatus
        return int(code) if number is None else 128 + int(number)

    @property
    def ended_with(self) -> str:
        """What was said on the shell after the playground."""
        after = bytes(self.raw).rpartition(b"\x1b[?1004l")[2]
        return OWN.sub(lambda match: "\n" if match[0].endswith("\n") else "", after.decode()).strip()
