"""Drawing by hand in the place of pictures: what is drawn is read as it is drawn."""

from __future__ import annotations

import asyncio
import base64

from textual import on

from seqplay.runs.layout import RunFiles
from seqplay.safe_text import safe_line
from seqplay.tui import readers
from seqplay.tui.places.digits_asking import NOW, DigitsAsking
from seqplay.tui.readers import Reader
from seqplay.tui.widgets.drawing_box import DrawingBox


class ByHand(DigitsAsking):
    """The sheet takes the place of the grid while somebody draws."""

    def __init__(self) -> None:
        self.sheet = DrawingBox(id="sheet")
        self.reader: Reader | None = None
        super().__init__()

    def _forget(self) -> None:
        super()._forget()
        self.reader = None

    @property
    def reading_run(self) -> RunFiles | None:
        if not self.is_by_hand:
            return super().reading_run
        return self.reader.run if self.reader else None

    def action_by_hand(self) -> None:
        """Draw a digit, and see it read; once more, go back to the pictures."""
        if self.drawn_by is None:
            return
        self.is_by_hand = not self.is_by_hand
        self.read, self._read_for = None, None
        if self.is_by_hand:
            self.view, self.is_holding, self.grid.marked = NOW, False, None
            self._steer_walk()
            self.run_quietly(self._find_reader, group="reader")
        self.show()
        self.call_after_refresh(self.sheet.focus if self.is_by_hand else self.grid.focus)
        self.refresh_frame()

    async def _find_reader(self) -> None:
        run = self._shown_run
        found = await asyncio.to_thread(readers.find, run if self.is_reading else None)
        if run != self._shown_run or not self.is_by_hand:
            return
        if isinstance(found, str):
            self.reader = None
            self.sheet.show(caption=safe_line(found))
        else:
            self.reader = found
            self.sheet.resize(found.pixels.height, found.pixels.width)
            by = "" if self.is_reading else f"read by {safe_line(found.run.name)}"
            self.sheet.show(caption=", ".join(said for said in (by, found.caption) if said))
            self._ask_sheet()
        self.show()

    @on(DrawingBox.Drew)
    def _drew(self) -> None:
        self._ask_sheet()

    def _ask_sheet(self) -> None:
        sheet = self.sheet.sheet
        if sheet.is_empty:
            self.read = None
            self.show()
        elif self.reader is not None:
            self._reads.want(base64.b64encode(self.reader.seen(bytes(sheet.ink))).decode())

    def _look_at_chosen(self) -> None:
        if not self.is_by_hand:
            super()._look_at_chosen()
            return
        is_by_another = not self.is_reading and self.read is not None and self.reader is not None
        caption = f"by {safe_line(self.reader.run.name)}" if is_by_another and self.reader else ""
        waits = "It is read as you draw." if self.reader else "Nothing reads it."
        self._show_read(waits, title="reads it as", caption=caption)
