"""A terminal whose size changes again and again while a run trains: what is drawn again is not kept (promise T9)."""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path
from typing import Any

from seqplay import paths
from seqplay.runs import rows
from seqplay.runs.lock import WriterLock

from .conftest import recorded
from .terminal import Terminal

RESIZES = 60
MOST_MB = 3.0  # that the second half may add: freed pages are not all given back


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def is_drawn(terminal: Terminal, before: int, width: int, height: int) -> bool:
    """Whether the whole of a screen of this size was sent since: else the next size would take this one's place."""
    sent = bytes(terminal.raw[before:])
    return len(sent) > width * height and b"\x1b[%d;" % height in sent


def step(at: int) -> dict[str, Any]:
    row = {"kind": "step", "step": at, "train_loss": 1.4 + 2 / (1 + at / 50), "seconds": at * 0.01, "tokens": at * 2048}
    return row | {"learning_rate": 0.01, "gradient_norm": 0.5}


def test_resizes_take_no_memory_while_the_log_grows() -> None:
    sizes, run, at = random.Random(1), recorded(end="killed", of=10**6), 200
    with WriterLock(run), Terminal(paths.home()) as terminal, run.log.open("ab", buffering=0) as log:
        terminal.until_shown("gradient")
        held = []
        for _half in range(2):
            for number in range(RESIZES // 2):
                log.write(b"".join(rows.to_line(step(at + more)) for more in range(1, 21)))
                at += 20
                is_last = number == RESIZES // 2 - 1
                height, width = (36, 120) if is_last else (sizes.randint(8, 60), sizes.randint(30, 200))
                before = len(terminal.raw)
                terminal.child.setwinsize(height, width)  # TIOCSWINSZ, and so a real SIGWINCH
                terminal.until(partial(is_drawn, terminal, before, width, height), f"a picture of {width}x{height}")
            terminal.until_shown(f"{at:,} / 1,000,000")
            held.append(megabytes(terminal.child.pid))
        assert held[1] - held[0] < MOST_MB, held
        terminal.type("q")
        assert terminal.end() == 0
