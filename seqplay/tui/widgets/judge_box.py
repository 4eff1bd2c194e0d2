"""What is measured of pictures: how a judge reads them, what a critic takes for real, and the odds of each class."""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.bars import measure
from seqplay.draw.lines import Line, Span, cut, line_width, span
from seqplay.draw.numbers import reading
from seqplay.draw.text import wrap
from seqplay.figures import Bars, Table
from seqplay.safe_text import cell_width, fit, pad, safe_line
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.running import wrap_lines

GOOD = 0.8  # of what is drawn is read with confidence
BLOCKS = " ▁▂▃▄▅▆▇█"
WIDEST_BAR = 4  # cells of a class's bar with the gap beside it
LEAST_FOR_BARS = 3  # rows: a blank one, bars, names

Fact = tuple[str, str, str]
"""A name, a value, and the value's role."""


class FactsBox(Box):
    """Names at the left and their values at the right; in few rows as many as there is room for beside each other."""

    facts: Sequence[Fact] = ()
    shares: Sequence[float] = ()
    """The share of each class, drawn as a histogram beneath."""
    names: Sequence[str] = ()
    """What the classes are called."""
    warning = ""
    empty = ""
    """Said while nothing is known."""

    def content(self, width: int, height: int) -> Sequence[Line]:
        if not self.facts:
            return wrap([Span(self.empty, "muted")], width)
        warning = wrap([span(self.warning, "warning")], width) if self.warning else []
        if height < len(self.facts) + len(warning):
            bars = (
                [histogram_in_a_line(self.shares, width, self.names)]
                if self.shares and height > 1 + len(warning)
                else []
            )
            lines = beside(self.facts, width, max(1, height - len(bars) - len(warning)))
            return [*warning, *lines, *bars][:height]
        lines = [*warning, *(_fact(fact, width) for fact in self.facts)]
        room = height - len(lines)
        if self.shares and room >= LEAST_FOR_BARS:
            lines += [(), *histogram(self.shares, width, min(4, room - 2), self.names)]
        elif self.shares and room:
            lines.append(histogram_in_a_line(self.shares, width, self.names))
        return lines


def _fact(fact: Fact, width: int) -> Line:
    name, value, role = fact
    gap = " " * max(1, width - len(name) - len(value))
    return cut((span(name, "muted"), Span(gap), span(value, role or "title")), width)


def beside(facts: Sequence[Fact], width: int, rows: int) -> list[Line]:
    """Facts one after the other, in so many rows."""
    lines: list[list[Span]] = [[]]
    for name, value, role in facts:
        more = [span(name, "muted"), Span(" "), span(value, role or "title")]
        if lines[-1] and line_width(lines[-1]) + line_width(more) + 3 > width:
            lines.append([])
        lines[-1] += [*([Span("   ")] if lines[-1] else []), *more]
    return [cut(tuple(line), width) for line in lines[:rows]]


def marks(count: int, names: Sequence[str]) -> list[str]:
    """What stands at the bars of classes: their names where each is one cell wide, else their numbers."""
    said = [safe_line(name) for name in names]
    return said if len(said) == count and all(cell_width(name) == 1 for name in said) else [*map(str, range(count))]


def histogram(shares: Sequence[float], width: int, rows: int, names: Sequence[str] = ()) -> list[Line]:
    """A bar for each class, the highest of them `rows` high, and their names or numbers beneath."""
    cells = max(1, min(WIDEST_BAR, width // len(shares)))
    bar = max(1, cells - 1)
    most = max(*shares, 1e-9)
    eighths = [max(1, round(share / most * rows * 8)) if share else 0 for share in shares]
    lines: list[Line] = []
    for row in range(rows - 1, -1, -1):
        text = "".join(BLOCKS[max(0, min(8, high - 8 * row))] * bar + " " * (cells - bar) for high in eighths)
        lines.append(cut((Span(text, "primary"),), width))
    beneath = marks(len(shares), names)
    if all(len(mark) <= bar for mark in beneath):
        lines.append(cut((Span("".join(mark.ljust(cells) for mark in beneath), "muted"),), width))
    return lines


def histogram_in_a_line(shares: Sequence[float], width: int, names: Sequence[str] = ()) -> Line:
    """0▅1▇2▂: each class and its bar."""
    most = max(*shares, 1e-9)
    pieces: list[Span] = []
    for mark, share in zip(marks(len(shares), names), shares, strict=True):
        block = BLOCKS[max(1, round(share / most * 8))] if share else "·"
        pieces += [Span(mark, "muted"), Span(block, "primary"), Span(" " if 3 * len(shares) <= width else "")]
    return cut(tuple(pieces), width)


class BalanceBox(Box):
    """What the critic says of real pictures and of those that are drawn: 1 is real."""

    real: float | None = None
    drawn: float | None = None
    empty = ""

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.real is None or self.drawn is None:
            return wrap([Span(self.empty, "muted")], width)
        if height < 2:
            return beside([("real", reading(self.real), ""), ("drawn", reading(self.drawn), "")], width, 1)
        room = max(4, width - 14)
        lines: list[Line] = []
        for name, value, role in (("real", self.real, "muted"), ("drawn", self.drawn, "primary")):
            number = Span(f"{value:.2f}".rjust(6), "title")
            lines.append((Span(name.ljust(7), "muted"), *measure(value, room, role), number))
        return lines


class ClassesBox(Box):
    """The odds of each class for one picture, in per cent."""

    odds: Bars | None = None
    card: Sequence[Line] = ()

    def put(self, odds: Bars | None, *, title: str = "", caption: str = "", card: Sequence[Line] = ()) -> None:
        self.odds, self.card = odds, card
        self.show(title=title, caption=caption)

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.odds is None or self.card:
            return wrap_lines(self.card, width)
        known = [value or 0.0 for value in self.odds.values]
        best = max(range(len(known)), key=known.__getitem__, default=0)
        left = min(12, max((cell_width(safe_line(label)) for label in self.odds.labels), default=1))
        shown = sorted(range(len(known)), key=lambda at: (-known[at], at)) if len(known) > height else range(len(known))
        if len(known) > height and width >= 2 * (left + 14):
            return self._in_columns(known, left, width, height, best)
        return [self._line(known, at, left, width, best) for at in shown][:height]

    def _in_columns(self, known: Sequence[float], left: int, width: int, height: int, best: int) -> list[Line]:
        half = (width - 3) // 2
        lines: list[Line] = []
        for row in range(height):
            both = [at for at in (row, row + height) if at < len(known)]
            parts = [self._line(known, at, left, half, best) for at in both]
            gap = Span("   ")
            lines.append((*parts[0], gap, *parts[1]) if len(parts) > 1 else parts[0] if parts else ())
        return lines

    def _line(self, known: Sequence[float], at: int, left: int, width: int, best: int) -> Line:
        assert self.odds is not None
        role = "primary" if at == best else "muted"
        label = Span(pad(fit(safe_line(self.odds.labels[at]), left), left + 1), "title" if at == best else "muted")
        number = Span(f"{known[at]:.1f} %".rjust(8), "" if at == best else "muted")
        return (label, *measure(known[at] / 100, max(1, width - left - 9), role), number)


class MistakesBox(Box):
    """What is read as what."""

    mistakes: Table | None = None
    card: Sequence[Line] = ()

    def put(self, mistakes: Table | None, *, title: str | Line, card: Sequence[Line] = ()) -> None:
        self.mistakes, self.card = mistakes, card
        self.show(title=title, caption=safe_line(mistakes.caption) if mistakes else "")

    def content(self, width: int, height: int) -> Sequence[Line]:
        return confusion_lines(self.mistakes, width) if self.mistakes else wrap_lines(self.card, width)


def confusion_lines(table: Table, width: int) -> list[Line]:
    """What is read as what, each row what it is: what is read right is bright, a mistake in accent, none a dot."""
    classes = [column.name for column in table.columns[2:]]
    texts = [["·" if not count else f"{count:,}" for count in row[2:]] for row in table.rows]
    cells = max((cell_width(safe_line(text)) for row in [classes, *texts] for text in row), default=1)
    names = max((cell_width(safe_line(str(row[0]))) for row in table.rows), default=1)
    gap = " " if (names + 9) + len(classes) * (cells + 2) > width else "  "
    head = (
        Span(" " * (names + 9)),
        *(Span(gap + pad(fit(safe_line(name), cells), cells, "right"), "muted") for name in classes),
    )
    lines: list[Line] = [cut((*head, Span("  read as", "faint")), width)]
    for number, (row, counts) in enumerate(zip(table.rows, texts, strict=True)):
        right = "—" if row[1] is None else f"{row[1]:.1f} %"
        pieces = [span(pad(str(row[0]), names, "right"), "title"), Span(right.rjust(9), "muted")]
        for at, text in enumerate(counts):
            role = "" if at == number else "faint" if text == "·" else "accent"
            pieces.append(Span(gap + pad(text, cells, "right"), role))
        lines.append(cut(tuple(pieces), width))
    return lines
