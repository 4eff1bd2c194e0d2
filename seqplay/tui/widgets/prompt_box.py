"""What the model goes on from: typed, pasted or read from a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.message import Message

from seqplay import files
from seqplay.draw.box import boxed
from seqplay.draw.lines import Line
from seqplay.errors import DataError, SeqplayError, UsageError
from seqplay.tui.keys import bind
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.entry import Editor, clean

MOST_BYTES = 1_000_000
MOST_EDITED = 10_000  # characters; a longer prompt is kept, and its beginning shown
MOST_NAMED = 12  # symbols
HOW = "i edits · paste works · f opens a file"


class PromptEditor(Editor):
    BINDINGS = [bind("enter", "submit", "write"), bind("ctrl+j", "line", "new line"), bind("escape", "leave", "leave")]

    @dataclass
    class Submitted(Message):
        """Enter: this is the prompt."""

        text: str

    class Left(Message):
        """Esc: the prompt stays as it was."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":  # it is left to its binding; every other key TextArea takes by itself
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        if len(self.text) + len(event.text) > MOST_EDITED:
            event.prevent_default()  # it is left to the place, which takes more
        else:
            event.stop()

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return key != "enter" and super().check_consume_key(key, character)

    def action_submit(self) -> None:
        self.post_message(self.Submitted(self.text))

    def action_line(self) -> None:
        self._replace_via_keyboard("\n", *self.selection)

    def action_leave(self) -> None:
        self.post_message(self.Left())


class PromptBox(Box):
    """A frame around the editor. `text` is the prompt as it was last given."""

    def __init__(self) -> None:
        super().__init__("prompt", id="prompt")
        self.text = ""
        self.unknown: Sequence[str] = ()
        self.editor = PromptEditor(placeholder="empty: it begins by itself", id="editor")

    def compose(self) -> ComposeResult:
        yield self.editor

    def put(self, text: str) -> None:
        """Make this the prompt."""
        self.text, self.unknown = clean(text), ()
        whole = len(self.text) <= MOST_EDITED
        shown = self.text if whole else self.text[:MOST_EDITED].rpartition("\n")[0] or self.text[:MOST_EDITED]
        if self.editor.text != shown:
            self.editor.load_text(shown)
            self.editor.move_cursor(self.editor.document.end if whole else (0, 0))
        self.redraw()

    def name_unknown(self, symbols: Sequence[str]) -> None:
        """Say which symbols of the prompt were left out, as the model never saw them."""
        self.unknown = symbols
        self.redraw()

    @property
    def is_edited(self) -> bool:
        return self.editor.has_focus

    @property
    def is_long(self) -> bool:
        """Whether there is more of it than can be edited here."""
        return len(self.text) > MOST_EDITED

    def said(self) -> str:
        """The words on the frame."""
        if self.unknown:
            more = f" and {len(self.unknown) - MOST_NAMED:,} more" if len(self.unknown) > MOST_NAMED else ""
            return f"left out, never seen in training: {' '.join(self.unknown[:MOST_NAMED])}{more}"
        if self.is_edited:
            return "enter writes · ^j new line · esc leaves it"
        return f"{len(self.text):,} characters · n begins a new one" if self.is_long else HOW

    def draw(self, width: int, height: int) -> Sequence[Line]:
        focused = self.is_edited
        return boxed((), width, height, self.title, self.said(), compact=self.is_compact, focused=focused)

    def on_descendant_focus(self) -> None:
        self.redraw()

    def on_descendant_blur(self) -> None:
        self.redraw()

    def on_click(self) -> None:
        self.editor.focus()


def prompt_from(path: str) -> str:
    """A file as a prompt. Raises DataError for what is no file, and UsageError for one that is too long."""
    name = os.path.basename(path)
    try:
        with files.open_ordinary(Path(os.path.realpath(path))) as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise DataError(f"{name} cannot be read: {problem.strerror}.") from None
    except SeqplayError as problem:
        raise DataError(str(problem)) from None
    if len(content) > MOST_BYTES:
        raise UsageError(f"{name} is too long for a prompt: at most {MOST_BYTES:,} bytes are read.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(f"{name} is no UTF-8 text: byte {problem.start:,} fits no character.") from None


def check_length(text: str) -> str:
    """A pasted text, as a prompt. Raises UsageError."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise UsageError(f"That is too long for a prompt: at most {MOST_BYTES:,} bytes are taken.")
    return text
