"""What is seen beside the chart of several runs: their differences, and what each of them wrote at the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from seqplay.draw.curves import draw_curves
from seqplay.draw.lines import Line, Span, cut
from seqplay.draw.picture import draw_picture
from seqplay.draw.text import wrap
from seqplay.runs.progress import Sample, Shown
from seqplay.safe_text import cell_width, fit, pad, safe_line
from seqplay.tui import comparison
from seqplay.tui.comparison import Compared
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.chart import ChartBox
from seqplay.tui.widgets.pictures_box import is_mono, small
from seqplay.tui.widgets.running import WIDEST_TEXT, wrap_lines

MOST_NAME, MOST_VALUE, LEAST_VALUE, LEAST_MORE = 16, 16, 6, 3
GAP = 2
Settings = dict[str, Any]
Made = Sample | Shown | None
"""What a run wrote, or the pictures that it made."""


class CardChart(ChartBox):
    """A chart, or a few sentences where there is nothing to draw."""

    card: Sequence[Line] = ()

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.card:
            return wrap_lines(self.card, width)
        return draw_curves(self.figure, width, height) if self.figure else []


class Differs(Box):
    """The settings that differ, a column for each run; then, where there is room, those that all share."""

    def __init__(self) -> None:
        super().__init__("what differs", id="differs", focusable=True)
        self.compared: Sequence[Compared] = ()
        self.settings: Sequence[Settings] = ()

    def put(self, compared: Sequence[Compared]) -> None:
        settings = [comparison.settings_of(one.subject) for one in compared]
        if (compared, settings) == (self.compared, self.settings):
            return
        self.compared, self.settings = list(compared), settings
        if len(compared) > 1:
            self.show(title="what differs", caption=f"· is the same as {compared[0].name}")
        else:
            self.show(title="recipe", caption=compared[0].name if compared else "")

    def content(self, width: int, height: int) -> Sequence[Line]:
        if not self.compared:
            return [(Span("Mark runs with ", "muted"), Span("space", "key"), Span(" to compare them.", "muted"))]
        if not any(self.settings):
            return [(Span("Its recipe cannot be read.", "muted"),)]
        differ, same = comparison.differing(self.settings)
        if len(self.compared) < 2:
            return self._shared(same, width)
        rows = [[_value(one, name, self.settings[0] if at else None) for at, one in enumerate(self.settings)]
                for name in differ]  # fmt: skip
        names = [safe_line(comparison.named(name)) for name in differ]
        lines = self._table(names, rows, width) if differ else [(Span("nothing: one recipe, one seed", "muted"),)]
        if len(lines) + 3 <= height and same:
            lines += [(), (Span("all have", "muted"),), *self._shared(same, width)[: height - len(lines) - 2]]
        return lines

    def _table(self, names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[Line]:
        left = min(MOST_NAME, max(map(cell_width, names)))
        heads = [safe_line(one.name) for one in self.compared]
        widths = [
            min(MOST_VALUE, max(LEAST_VALUE, cell_width(head), *(cell_width(row[at]) for row in rows)))
            for at, head in enumerate(heads)
        ]
        count = len(widths)
        while left + sum(widths) + GAP * count > width and max(widths) > LEAST_VALUE:
            widths[widths.index(max(widths))] -= 1
        while count > 1 and left + sum(widths[:count]) + GAP * count + (count < len(widths)) * LEAST_MORE > width:
            count -= 1
        more = [Span(f" +{len(widths) - count}", "muted")] if count < len(widths) else []
        head: list[Span] = [Span(" " * left)]
        for one, text, cells in zip(self.compared, heads, widths[:count], strict=False):
            head += [Span(" " * GAP), Span(pad(comparison.tail(text, cells), cells), one.role)]
        lines: list[Line] = [cut((*head, *more), width)]
        for name, row in zip(names, rows, strict=True):
            line = [Span(pad(name, left), "muted")]
            for text, cells in zip(row, widths[:count], strict=False):
                line += [Span(" " * GAP), Span(pad(text, cells), "muted" if text == "·" else "")]
            lines.append(tuple(line))
        return lines

    def _shared(self, names: Sequence[str], width: int) -> list[Line]:
        """Two columns of names and values where there is room, else one."""
        facts = [(safe_line(comparison.named(name)), _value(self.settings[0], name)) for name in names]
        left = max((cell_width(name) for name, _ in facts), default=0)
        room = max((cell_width(value) for _, value in facts), default=0)
        room = min(room, 20)
        columns = 2 if width >= 2 * (left + room + 2 * GAP) else 1
        rows = -(-len(facts) // columns)
        lines: list[Line] = []
        for at in range(rows):
            line: list[Span] = []
            for name, value in facts[at::rows]:
                line += [Span(pad(name, left + GAP), "muted"), Span(pad(fit(value, room), room + GAP))]
            lines.append(cut(tuple(line), width))
        return lines


def _value(settings: Settings, name: str, first: Settings | None = None) -> str:
    if first is not None and settings.get(name) == first.get(name):
        return "·"
    return safe_line(comparison.written(settings.get(name)))


class WroteThen(Box):
    """What each run wrote at the cursor, or at last, after its name in its colour."""

    def __init__(self) -> None:
        super().__init__("wrote then", id="wrote", focusable=True)
        self.written: Sequence[tuple[Compared, Made]] = ()

    def put(self, written: Sequence[tuple[Compared, Made]], title: str, caption: str) -> None:
        self.written = written
        self.show(title=title, caption=caption)

    def content(self, width: int, height: int) -> Sequence[Line]:
        if not self.written:
            return [(Span("What the runs wrote stands here.", "muted"),)]
        if len(self.written) == 1:
            one, made = self.written[0]
            nothing = "It has shown no pictures yet." if one.subject.has_pictures else "It has written nothing yet."
            return self._lines(made, width, height) or [(Span(nothing, "muted"),)]
        left = min(MOST_NAME, max(cell_width(safe_line(one.name)) for one, _ in self.written)) + GAP
        room = max(8, min(width - left, WIDEST_TEXT))
        each = max(3, height // len(self.written))
        texts = [self._lines(made, room, each) or [(Span("nothing then", "muted"),)] for _, made in self.written]
        lines: list[Line] = []
        for (one, _), text, rows in zip(
            self.written, texts, shares([len(text) for text in texts], height), strict=True
        ):
            name = Span(pad(comparison.tail(safe_line(one.name), left - GAP), left), one.role)
            lines += [(name if at == 0 else Span(" " * left), *line) for at, line in enumerate(text[:rows])]
        return lines

    def _lines(self, made: Made, width: int, height: int) -> list[Line]:
        if not isinstance(made, Shown):
            return _text(made, min(width, WIDEST_TEXT))
        figure = replace(made.picture, labels=(), title="", caption="", columns=0)
        across, down = small(figure)
        scale = min(1.0, height / down)
        cells = max(2, round(across * scale)), max(1, round(down * scale))
        kind = self.playground.remembered.art
        return draw_picture(figure, width, height, kind=kind, mono=is_mono(self.app), cells=cells)


def shares(wanted: Sequence[int], rows: int) -> list[int]:
    """The rows that each text gets: as many as all others where there are too few, at least one."""
    given = [1] * len(wanted)
    left = rows - len(wanted)
    while left > 0 and (hungry := [at for at, want in enumerate(wanted) if given[at] < want]):
        least = min(hungry, key=lambda at: given[at])
        given[least] += 1
        left -= 1
    return given


def _text(sample: Sample | None, width: int) -> list[Line]:
    """The lines of a sample that say something."""
    if sample is None:
        return []
    lines = wrap([Span(sample.prompt, "muted"), Span(sample.text)], width)
    return [line for line in lines if line]
