"""A text to read: what a process printed, a plugin's output."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from seqplay.draw.lines import Line, Span
from seqplay.draw.text import wrap
from seqplay.tui.keys import bind
from seqplay.tui.over import Over
from seqplay.tui.widgets.box import Box


class Reading(Over[None]):
    DEFAULT_CSS = """
    Reading { align: center middle; }
    Reading ReadingBox { width: 90%; height: 80%; background: $background; }
    """
    BINDINGS = [bind("escape q enter o", "dismiss", "close")]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.box = ReadingBox(title, text)

    def compose(self) -> ComposeResult:
        yield self.box

    def on_mount(self) -> None:
        self.box.focus()


class ReadingBox(Box):
    def __init__(self, title: str, text: str) -> None:
        super().__init__(title, focusable=True)
        self.caption, self.text = "↑ ↓ scroll · esc closes", text

    def content(self, width: int, height: int) -> Sequence[Line]:
        return wrap([Span(self.text)], width) or [(Span("It printed nothing.", "muted"),)]
