"""Help of a place: what it is for, and all of its keys."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from seqplay.draw.lines import Line, Span
from seqplay.draw.text import wrap
from seqplay.safe_text import pad
from seqplay.tui.keys import bind
from seqplay.tui.over import Over
from seqplay.tui.place import Place
from seqplay.tui.widgets.box import Box

EVERYWHERE = (
    ("T S D R P", "the places: Train, Sample, Digits, Runs, Plugins (also F2 to F5, and F8)"),
    ("tab", "the next box; shift+tab the one before"),
    ("^p", "every command by its name"),
    ("esc", "let go of what is typed"),
    ("q", "leave; whatever trains goes on, and seqplay shows it again"),
)


class Help(Over[None]):
    DEFAULT_CSS = """
    Help { align: center middle; }
    Help HelpBox { width: 78; max-width: 100%; height: auto; max-height: 100%; background: $background; }
    """
    BINDINGS = [bind("escape q enter question_mark f1", "dismiss", "close")]

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def compose(self) -> ComposeResult:
        yield HelpBox(self.place)

    def on_click(self) -> None:
        self.dismiss()


class HelpBox(Box):
    def __init__(self, place: Place) -> None:
        super().__init__(place.name_.title(), focusable=True)
        self.caption = "esc closes"
        self.place = place

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return len(self.content(max(1, width - 4), 100)) + 2

    def content(self, width: int, height: int) -> Sequence[Line]:
        here = [(binding.key_display or binding.key, binding.description) for binding in self.place.bindings()]
        room = max(len(key) for key, _ in (*here, *EVERYWHERE)) + 2
        lines: list[Line] = [*wrap([Span(self.place.about)], width), ()]
        for keys in (here, EVERYWHERE):
            lines += [(Span(pad(key, room), "key"), Span(does, "muted")) for key, does in keys]
            lines.append(())
        return lines[:-1]
