"""What every screen that lies over a place has."""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.geometry import Size
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Over(ModalScreen[Result]):
    """A screen over a place; its result is what it is dismissed with."""

    def on_resize(self, event: events.Resize) -> None:
        is_stale(event, self.app.size)


def is_stale(event: events.Resize, size: Size) -> bool:
    """Whether the screen has another `size` by now; the event is let go of then: of two sizes that wait, Textual would
    bring each up again for ever.
    """
    if event.size == size:
        return False
    event.prevent_default()
    event.stop()
    return True
