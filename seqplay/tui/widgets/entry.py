"""What is typed into: nothing that a terminal could obey gets in, whether it is typed, pasted or put there."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.widgets import Input, TextArea
from textual.widgets.text_area import EditResult

from seqplay.safe_text import safe_text


def clean(text: str) -> str:
    """The text without the characters that are never shown as they are."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if safe_text(text) == text else "".join(c for c in text if safe_text(c) == c)


class Entry(Input):
    """One line that is typed; a line break that is pasted becomes a blank."""

    def __init__(self, **more: Any) -> None:
        super().__init__(compact=True, select_on_focus=False, **more)

    def _on_paste(self, event: events.Paste) -> None:
        if event.text:
            self.insert_text_at_cursor(event.text)
        event.stop()
        event.prevent_default()

    def insert_text_at_cursor(self, text: str) -> None:
        super().insert_text_at_cursor(clean(text).replace("\n", " ").replace("\t", " "))


class Editor(TextArea):
    """Several lines that are typed."""

    def __init__(self, text: str = "", **more: Any) -> None:
        super().__init__(clean(text), compact=True, soft_wrap=True, tab_behavior="focus", **more)

    def load_text(self, text: str) -> None:
        super().load_text(clean(text))

    def _replace_via_keyboard(self, insert: str, start: tuple[int, int], end: tuple[int, int]) -> EditResult | None:
        return super()._replace_via_keyboard(clean(insert), start, end)
