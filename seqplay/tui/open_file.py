"""Opening a file: a path with completion, and a tree of folders that follows it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import Suggester
from textual.widgets import DirectoryTree
from textual.widgets.tree import TreeNode

from seqplay.safe_text import safe_line
from seqplay.tui.keys import bind
from seqplay.tui.over import Over
from seqplay.tui.widgets.entry import Entry

MOST_NAMES = 10_000  # of a folder, looked at for a completion


def here() -> Path:
    """The folder where the user is; home where that was taken away meanwhile."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


class PathSuggester(Suggester):
    """The first name in the folder that goes on with what is typed."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        return completed(value)


def completed(typed: str) -> str | None:
    """A path that begins with what is typed, a folder with its slash; None where there is none."""
    if not typed:
        return None
    folder, _, start = os.path.expanduser(typed).rpartition(os.sep)
    place = folder + os.sep if os.sep in os.path.expanduser(typed) else "."
    try:
        with os.scandir(place) as entries:
            names = sorted(
                (entry.name, entry.is_dir())
                for _, entry in zip(range(MOST_NAMES), entries, strict=False)
                if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            )
    except (OSError, ValueError):
        return None
    names = [(name, is_dir) for name, is_dir in names if safe_line(name) == name]
    if not names or (names[0][0] == start and not names[0][1]):
        return None
    name, is_dir = names[0]
    return typed + name[len(start) :] + (os.sep if is_dir else "")


class Files(DirectoryTree):
    """A tree without hidden files, whose names cannot steer the terminal."""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        return [path for path in paths if not path.name.startswith(".")]

    def render_label(self, node: TreeNode[Any], base_style: Style, style: Style) -> Text:
        label = super().render_label(node, base_style, style)
        return (
            label if safe_line(label.plain) == label.plain else Text(safe_line(label.plain), style=base_style + style)
        )


class OpenFile(Over[str | None]):
    """Dismissed with a path, or None."""

    DEFAULT_CSS = """
    OpenFile { align: center middle; }
    OpenFile > Vertical { width: 90%; max-width: 100; height: 80%; padding: 0 1; }
    OpenFile > Vertical { border: round $primary 75%; background: $background; }
    OpenFile Entry { height: 1; background: $surface; }
    OpenFile Files { height: 1fr; background: $background; }
    """
    BINDINGS = [bind("escape", "dismiss(None)", "close"), bind("tab", "complete", "complete")]

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            yield Entry(placeholder="a path; tab completes, enter opens, esc closes", suggester=PathSuggester())
            yield Files(here())
        frame.border_title = "a text of yours"

    def on_mount(self) -> None:
        self.query_one(Entry).focus()

    def action_complete(self) -> None:
        entry, tree = self.query_one(Entry), self.query_one(Files)
        if self.focused is not entry:
            entry.focus()
            return
        more = completed(entry.value)
        if more is None:
            tree.focus()
            return
        entry.value = more
        entry.cursor_position = len(more)

    @on(Entry.Changed)
    def _follow(self, event: Entry.Changed) -> None:
        folder = Path(os.path.expanduser(event.value)).parent if event.value else here()
        typed = Path(os.path.expanduser(event.value))
        place = typed if event.value.endswith(os.sep) else folder
        tree = self.query_one(Files)
        try:
            if place.is_dir() and place.absolute() != Path(tree.path).absolute():
                tree.path = place
        except (OSError, ValueError):
            return

    @on(Entry.Submitted)
    def _typed(self, event: Entry.Submitted) -> None:
        if event.value.strip():
            self.dismiss(str(here() / os.path.expanduser(event.value.strip())))

    @on(Files.FileSelected)
    def _picked(self, event: Files.FileSelected) -> None:
        self.dismiss(str(event.path.absolute()))
