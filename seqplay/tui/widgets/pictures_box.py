"""Pictures in a box: a grid of them that changes calmly, one of which is chosen, and one point through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from textual import events
from textual.app import App
from textual.message import Message
from textual.timer import Timer

from seqplay.draw.box import boxed
from seqplay.draw.grid import Grid
from seqplay.draw.lines import Line, Span, line_width
from seqplay.draw.picture import draw_picture, fit_figure
from seqplay.draw.rich_lines import has_shades
from seqplay.figures import Picture
from seqplay.runs.progress import Shown
from seqplay.safe_text import fit, pad, safe_line
from seqplay.tui.keys import bind
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.running import log_spaced, wrap_lines

FRAME_SECONDS = 0.1
MISTAKE = "→"  # between what a picture is and what it was read as
CORNERS = ("┏┓", "┗┛")
SMALL = (14, 7)  # cells of a square picture in a row of many


def size_of(picture: Picture) -> int:
    """The bytes of one of the pictures."""
    return picture.height * picture.width * picture.channels


def small(picture: Picture) -> tuple[int, int]:
    """The cells (across, down) of a picture in a row of many."""
    longer = max(picture.height, picture.width)
    return max(2, round(SMALL[0] * picture.width / longer)), max(1, round(SMALL[1] * picture.height / longer))


def only(picture: Picture, index: int) -> Picture:
    """One of the pictures alone, without its label."""
    size = size_of(picture)
    pixels = picture.values()[index * size : (index + 1) * size]
    return Picture.of(pixels, picture.height, picture.width, picture.channels, ink=picture.ink)


def is_mono(app: App[None]) -> bool:
    """Whether the terminal shows no shades of grey."""
    return app.no_color or not has_shades(app.console)


def halfway(a: bytes, b: bytes) -> bytes:
    """The mean of two pictures, byte for byte, as arithmetic on two long numbers."""
    left, right = int.from_bytes(a, "little"), int.from_bytes(b, "little")
    without_last_bit = int.from_bytes(b"\xfe" * len(a), "little")
    return ((left & right) + (((left ^ right) & without_last_bit) >> 1)).to_bytes(len(a), "little")


def fading(a: Picture, b: Picture) -> list[Picture]:
    """The way from some pictures to as many others; `b` alone where they are of another size or number."""
    if (a.count, a.height, a.width, a.channels, a.ink) != (b.count, b.height, b.width, b.channels, b.ink):
        return [b]
    before, after = a.values(), b.values()
    middle = halfway(before, after)
    between = (halfway(before, middle), middle, halfway(middle, after))
    size = b.height, b.width, b.channels
    return [Picture.of(one, *size, ink=b.ink, labels=b.labels, columns=b.columns) for one in between] + [b]


class PicturesBox(Box):
    """A grid of pictures; the arrow keys choose one where the box can have the focus."""

    BINDINGS = [
        bind("left", "choose(-1, 0)", "picture before"),
        bind("right", "choose(1, 0)", "next picture"),
        bind("up", "choose(0, -1)", "picture above"),
        bind("down", "choose(0, 1)", "picture below"),
        bind("home", "choose(-1000000, 0)", "first picture"),
        bind("end", "choose(1000000, 0)", "last picture"),
    ]

    @dataclass
    class Chosen(Message):
        """Another picture is chosen; or, by a second click, the same once more."""

        box: PicturesBox
        index: int
        again: bool = False

        @property
        def control(self) -> PicturesBox:
            return self.box

    def __init__(self, title: str = "", *, id: str | None = None, focusable: bool = False) -> None:  # noqa: A002
        super().__init__(title, id=id, focusable=focusable)
        self.figure: Picture | None = None
        self.card: Sequence[Line] = ()
        """Said in place of pictures."""
        self.chosen: int | None = None
        self.marked: int | None = None
        """A picture from which somebody will go to another."""
        self.group = 1
        """So many pictures belong together and stand side by side."""
        self.is_small = False
        """Whether they are drawn as small as many are, however few there are."""
        self.first = 0
        """The first picture in sight."""
        self._seen: object = None
        self._frames: list[Picture] = []
        self._timer: Timer | None = None

    # -- what is shown

    def put(
        self,
        figure: Picture | None,
        *,
        title: str | Line = "",
        caption: str = "",
        card: Sequence[Line] = (),
        fade: bool = False,
    ) -> None:
        """Show these pictures; with `fade` those that are there turn into them."""
        aim = self._frames[-1] if self._frames else self.figure
        is_new = figure is not aim
        if is_new and figure is not None and self.figure is not None and fade:
            self._frames = fading(self.figure, figure)
            if self._timer is None:
                self._timer = self.set_interval(FRAME_SECONDS, self._fade)
            self._timer.resume()
        elif is_new or not fade:
            self.figure, self._frames = figure, []
        seen = self.chosen, self.marked, self.playground.remembered.art, title, caption, tuple(card)
        if is_new or seen != self._seen:
            self._seen, self.card = seen, card
            self.show(title=title, caption=caption)

    def _fade(self) -> None:
        if self._frames:
            self.figure = self._frames.pop(0)
            self.redraw()
        elif self._timer is not None:
            self._timer.pause()

    @property
    def count(self) -> int:
        return self.figure.count if self.figure else 0

    def grid(self, width: int, height: int) -> Grid | None:
        """Where they stand: as many as there is room for, in whole groups."""
        figure = self.figure
        if figure is None or not figure.count:
            return None
        kind = self.playground.remembered.art
        cells = small(figure) if self.is_small else None
        found = fit_figure(replace(figure, columns=0), width, height, kind=kind, cells=cells)
        if found and found.labelled and found.rows == 1 < figure.count and height >= 2 * (found.pitch - 1):
            down = height // 2 - 1  # a little smaller, two rows of them fit
            cells = round(found.across * down / found.down), down
            found = fit_figure(replace(figure, columns=0), width, height, kind=kind, cells=cells)
        if found is None or found.columns < self.group or not found.columns % self.group:
            return found
        columns = found.columns - found.columns % self.group
        return found._replace(columns=columns, rows=min(found.rows, -(-figure.count // columns)))

    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The frame is drawn empty, and the pictures are put into it: what a frame does to every line, whose width it
        does not know, takes longer than the pictures.
        """
        columns, rows = self.inner(width, height)
        if self.card or self.figure is None or (grid := self.grid(columns, rows)) is None:
            return super().draw(width, height)
        frame = boxed((), width, height, self.title, self.caption, compact=self.is_compact, focused=self.has_focus)
        if len(frame) != height or height < 2 or width < 5:
            return super().draw(width, height)
        filled = list(frame)
        left, lines = (columns - grid.width) // 2, self.content(columns, rows)[:rows]
        for at, line in enumerate(lines, 1):
            beside = min(grid.columns, self.count - self.first - (at - 1) // grid.pitch * grid.columns)
            drawn = beside * (grid.across + 1) - 1 if len(line) > 1 else 0
            right = Span(" " * (columns - left - drawn))
            begin, *_, end = frame[at] if not self.is_compact else (Span(""), Span(""))
            filled[at] = (begin, *line, right, end)
        return filled

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.card:
            return wrap_lines(self.card, width)
        figure, grid = self.figure, self.grid(width, height)
        if figure is None:
            return []
        if grid is None:
            return [(Span("no room for a picture", "muted"),)]
        self._keep_in_sight(grid)
        figure = self._in_sight(figure, grid)
        left = Span(" " * ((width - grid.width) // 2))
        chosen = None if self.chosen is None else self.chosen - self.first
        mono = is_mono(self.app)
        cells = grid.across, grid.down
        lines = draw_picture(figure, width, height, kind=grid.kind, mono=mono, chosen=chosen, cells=cells)
        if figure.labels:
            self._write_labels(lines, figure.labels, grid, chosen)
        if self.marked is not None and 0 <= self.marked - self.first < figure.count:
            lines = marked(lines, grid, self.marked - self.first)
        return [(left, *line) for line in lines]

    def _keep_in_sight(self, grid: Grid) -> None:
        room, at = grid.rows * grid.columns, self.chosen or 0
        self.first -= self.first % grid.columns
        if at < self.first:
            self.first = at - at % grid.columns
        elif at >= self.first + room:
            self.first = at - at % grid.columns - room + grid.columns
        self.first = max(0, min(self.first, self.count - 1))

    def _in_sight(self, figure: Picture, grid: Grid) -> Picture:
        """The pictures that the grid has a place for."""
        size, end = size_of(figure), self.first + grid.rows * grid.columns
        pixels = figure.values()[self.first * size : end * size]
        labels = figure.labels[self.first : end]
        shape = figure.height, figure.width, figure.channels
        return Picture.of(pixels, *shape, ink=figure.ink, labels=labels, columns=grid.columns)

    def _write_labels(self, lines: list[Line], labels: Sequence[str], grid: Grid, chosen: int | None) -> None:
        """Write the labels anew: one that tells of a mistake stands out."""
        for row in range(-(-len(labels) // grid.columns)):
            pieces: list[Span] = []
            for at, label in enumerate(labels[row * grid.columns : (row + 1) * grid.columns], row * grid.columns):
                text = pad(fit(safe_line(label), grid.across), grid.across, "center")
                role = "accent" if MISTAKE in label else "primary" if at == chosen else "muted"
                pieces += [Span(text, role), Span(" ")]
            if row * grid.pitch + grid.down < len(lines):
                lines[row * grid.pitch + grid.down] = tuple(pieces[:-1])

    @property
    def seen(self) -> int:
        """How many pictures there is room for now."""
        grid = self.grid(*self.inner(*self.size)) if self.size else None
        return min(self.count, grid.rows * grid.columns) if grid else 0

    # -- choosing

    def action_choose(self, right: int, down: int) -> None:
        grid = self.grid(*self.inner(*self.size))
        if grid is None or self.card:
            return
        at = self.chosen or 0
        there = at + right + down * grid.columns
        if down and not 0 <= there < self.count:
            return
        self.choose(max(0, min(there, self.count - 1)))

    def choose(self, index: int, *, again: bool = False) -> None:
        if index == self.chosen and not again:
            return
        self.chosen = index
        self.redraw()
        self.post_message(self.Chosen(self, index, again))

    def at(self, event: events.MouseEvent) -> int | None:
        """The picture under the mouse."""
        width, height = self.inner(*self.size)
        grid = self.grid(width, height)
        if grid is None:
            return None
        left = (width - grid.width) // 2 + (0 if self.is_compact else 2)
        found = grid.at(int(event.x) - left, int(event.y) - 1)
        return found + self.first if found is not None and found + self.first < self.count else None

    def on_click(self, event: events.Click) -> None:
        if not self.can_focus:
            return
        self.focus()
        index = self.at(event)
        if index is not None and not self.card:
            self.choose(index, again=index == self.chosen)

    def action_scroll_lines(self, lines: int) -> None:
        """The wheel moves by a row of pictures."""
        self.action_choose(0, 1 if lines > 0 else -1)


def marked(lines: Sequence[Line], grid: Grid, index: int) -> list[Line]:
    """The lines with heavy corners around one of the pictures."""
    row, column = divmod(index, grid.columns)
    top, left = row * grid.pitch, column * (grid.across + 1)
    changed = list(lines)
    for at, corners in ((top, CORNERS[0]), (top + grid.down - 1, CORNERS[1])):
        if 0 <= at < len(changed):
            line = _put(changed[at], left, corners[0])
            changed[at] = _put(line, left + grid.across - 1, corners[1])
    return changed


def _put(line: Line, at: int, glyph: str) -> Line:
    """The line with another character at a cell; every other is one cell wide."""
    kept: list[Span] = []
    for text, role in line:
        begin = line_width(kept)
        inside = at - begin
        if 0 <= inside < len(text):
            kept += [Span(text[:inside], role), Span(glyph, "accent"), Span(text[inside + 1 :], role)]
        else:
            kept.append(Span(text, role))
    return tuple(piece for piece in kept if piece.text)


class ThroughTime(PicturesBox):
    """One of the fixed points at steps that grow by about the same factor, the newest at the right."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("one point through time", id=id)
        self.is_small = True
        self._looked_at: object = None

    def look(self, pictures: Sequence[Shown], until: Shown | None, index: int) -> None:
        """Show a point as it was until these pictures."""
        known = len(pictures), until, index, self.size
        if known == self._looked_at:
            self.put(self.figure, title=self.title, caption=self.caption)
            return
        self._looked_at = known
        if until is None or index >= until.picture.count:
            self.put(None, title=self.title)
            return
        one = until.picture
        shape = one.height, one.width, one.channels
        alike = [
            shown
            for shown in pictures
            if (shown.picture.height, shown.picture.width, shown.picture.channels) == shape
            and shown.picture.count > index
        ]
        width, _ = self.inner(*self.size)
        picked = log_spaced(alike, until, max(2, (width + 1) // (small(one)[0] + 1)))
        size = size_of(one)
        pixels = b"".join(shown.picture.values()[index * size : (index + 1) * size] for shown in picked)
        labels = tuple(f"{shown.step:,}" for shown in picked)
        self.chosen = len(picked) - 1
        caption = "[ ] scrubs everything together" if len(alike) > 1 else ""
        self.put(Picture.of(pixels, *shape, ink=one.ink, labels=labels), title=self.title, caption=caption)
