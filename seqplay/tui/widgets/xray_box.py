"""What is known of a text before anything learns it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seqplay.draw.bars import measure
from seqplay.draw.lines import Line, Span, cut, line_width, span
from seqplay.draw.picture import draw_picture, fit_figure
from seqplay.draw.text import wrap
from seqplay.errors import counted
from seqplay.figures import Bars, Picture
from seqplay.runs.charts import UNITS
from seqplay.safe_text import cell_width, fit, pad, safe_line
from seqplay.tui.widgets.box import Box
from seqplay.tui.widgets.pictures_box import is_mono, small
from seqplay.tui.widgets.text_list import FILE, PASTE, Known

if TYPE_CHECKING:
    from seqplay.data.xray import Xray

LABEL = 11  # cells before a fact
WIDEST_LINE = 60  # cells of a measured line
LEAST_BEGINNING, MOST_BEGINNING = 2, 12  # lines
FEW = 5  # times; a symbol that is rarer is not learned
PICTURE_ROWS = 7  # the least that pictures take
LEAK = 50  # characters; a longer block that both parts share is worth a warning


class XrayBox(Box):
    """Counts, the beginning, what is odd about the text, and the losses to beat."""

    def __init__(self) -> None:
        super().__init__("X-ray", id="xray")
        self.xray: Xray | None = None
        self.best: tuple[str, float] | None = None
        """The user's own best run on this text, and its loss in nats a character."""
        self.said: Sequence[Line] = ()
        self.pictures: dict[str, Any] = {}
        """Of pictures: how many there are, and of what size."""
        self.some: Picture | None = None
        self.counts: Bars | None = None
        """How many pictures each label has."""

    def begin(self, name: str) -> None:
        """Another text is being read; what is shown of the last one stays until there is something to show."""
        self.best = None
        self.show(title=f"X-ray of {name}", caption="reading …")

    def put(self, xray: Xray) -> None:
        self.xray, self.said, self.pictures = xray, (), {}
        if not xray.is_final:
            caption = "reading …"
        elif xray.is_partial:
            caption = f"of its first {xray.bytes_read / 1e6:.0f} MB"
        else:
            caption = ""
        self.show(title=f"X-ray of {xray.name}", caption=caption)

    def refuse(self, problem: str) -> None:
        """Say why a text cannot be learned."""
        self.xray, self.said, self.pictures = None, [(Span("✗ ", "error"), span(problem))], {}
        self.show(caption="")

    def say_what_to_do(self, chosen: Known | None) -> None:
        """On a row that is no text."""
        self.xray, self.said, self.pictures = None, [], {}
        if chosen == FILE:
            self.said = [
                (Span("enter", "key"), Span(" asks for a file: type its path, or pick it from a tree", "muted"))
            ]
        elif chosen == PASTE:
            keys = "with your terminal's own key, often ctrl+shift+v"
            self.said = [(Span(f"Paste a path or a whole text {keys}.", "muted"),)]
        self.show(title="X-ray", caption="")

    def put_pictures(self, about: dict[str, Any], some: Picture | None, counts: Bars | None) -> None:
        """Show what pictures there are, as far as it is known."""
        self.xray, self.said = None, ()
        self.pictures, self.some, self.counts = about, some, counts
        self.show(title=f"X-ray of {about['name']}", caption="" if counts else "reading …")

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.pictures:
            kind, mono = self.playground.remembered.art, is_mono(self.app)
            return of_pictures(self.pictures, self.some, self.counts, width, height, kind, mono)
        if self.xray is None:
            return [part for line in self.said for part in wrap(line, width)]
        return [
            cut(line, width) for line in arranged(self.xray, self.best, self.playground.remembered.unit, width, height)
        ]


def of_pictures(
    about: Mapping[str, Any], some: Picture | None, counts: Bars | None, width: int, height: int, kind: str, mono: bool
) -> list[Line]:
    """How many pictures of what size there are, some of them, and how many each label has."""
    facts: list[tuple[str, str]] = [
        (f"{about['count']:,}", "pictures"),
        (f"{about['height']}×{about['width']}", "pixels"),
    ]
    facts += [("colour" if about["channels"] == 3 else "grey", ""), (f"{about['labels']:,}", "labels")]
    line: list[Span] = []
    for number, name in facts:
        more = [Span("    " if line else ""), span(number, "title"), Span(f" {name}" if name else "", "muted")]
        line += more if line_width([*line, *more]) <= width else []
    lines: list[Line] = [tuple(line)]
    room = height - 2
    bars = _label_counts(counts, width, max(1, min(len(counts.labels), room - 2 * PICTURE_ROWS))) if counts else []
    room -= len(bars) + bool(bars)
    shown = replace(some, labels=()) if some else None
    grid = fit_figure(shown, width, room, kind=kind, cells=small(shown)) if shown and room >= PICTURE_ROWS else None
    if shown and grid:
        cells = grid.across, grid.down
        lines += [(), *draw_picture(shown, width, room, kind=grid.kind, mono=mono, cells=cells)]
    return [*lines, *([()] if bars else []), *bars]


def _label_counts(counts: Bars, width: int, rows: int) -> list[Line]:
    """A measured line for each label; what does not fit is said in one."""
    known = [value or 0.0 for value in counts.values]
    most, left = max([1.0, *known]), min(LABEL, max(map(cell_width, map(safe_line, counts.labels)), default=1)) + 1
    room = max(4, min(WIDEST_LINE, width - left - 9))
    seen = rows if rows >= len(known) else rows - 1
    seen = seen if min(known, default=0.0) < max(known, default=0.0) else 0
    lines: list[Line] = []
    for label, count in list(zip(counts.labels, known, strict=True))[: max(0, seen)]:
        name = Span(pad(fit(safe_line(label), left), left), "muted")
        lines.append((name, *measure(count / most, room, "faint"), Span(f"{count:,.0f}".rjust(9))))
    if len(lines) < len(known):
        least, many = min(known), max(known)
        each = f"{many:,.0f}" if least == many else f"{least:,.0f} to {many:,.0f}"
        lines.append(
            (
                Span(
                    f"{counted(len(known) - len(lines), 'more label' if lines else 'label')}, {each} pictures each",
                    "muted",
                ),
            )
        )
    return lines


def arranged(xray: Xray, best: tuple[str, float] | None, unit: str, width: int, height: int) -> list[Line]:
    """As much as there is room for, the most telling first; the beginning of the text takes what is left."""
    facts, losses = _facts(xray, width), _losses(xray, best, unit, width)
    room = height - 1 - LEAST_BEGINNING
    if len(facts) + len(losses) > room:
        losses = losses[:1] + losses[max(1, len(losses) - max(2, room - len(facts) - 1)) :]
        facts = facts[: max(0, room - len(losses))]
    spare = height - 1 - LEAST_BEGINNING - len(facts) - len(losses)
    gap: list[Line] = [()] if spare >= 3 else []
    rows = min(MOST_BEGINNING, LEAST_BEGINNING + max(0, spare - 3 * len(gap)))
    begins = [(Span("│ ", "hairline"), *line) for line in wrap([Span(xray.beginning, "muted")], width - 2)[:rows]]
    lines = [_counts(xray, width), *gap, *begins, *gap, *facts, *gap, *losses]
    left = height - len(lines) - 2
    return [*lines, (), *_ranks(xray, width, left)] if left >= 3 else lines


def _counts(xray: Xray, width: int) -> Line:
    about = "≥ " if xray.is_partial else ""
    gap = "    " if width >= 70 else "  "
    line: list[Span] = []
    for count, name in (
        (xray.characters, "characters"), (xray.words, "words"), (xray.symbols, "symbols"), (xray.lines, "lines")
    ):  # fmt: skip
        word = name[:-1] if count == 1 else name
        more = [Span(gap if line else ""), Span(f"{about}{count:,}", "title"), Span(f" {word}", "muted")]
        if line_width([*line, *more]) > width:
            break
        line += more
    return tuple(line)


def _facts(xray: Xray, width: int) -> list[Line]:
    facts = [_fact("scripts", [p for name, share in xray.scripts if share >= 0.005 for p in _share(name, share)])]
    if xray.too_rare and xray.held_out != 0:
        line = [piece for symbol, count in xray.rare[:6] if count < FEW for piece in _counted(symbol, count)]
        more = f"{counted(xray.too_rare, 'symbol')} too rare to be learned"
        facts.append(_fact("rare", [*_fitting(line, 3, width - LABEL - len(more) - 2), Span(more, "muted")]))
    if xray.name.endswith((".tsv", ".csv")):
        facts.append(_fact("table", [Span("learned as it is; one column: seqplay train FILE --column NAME", "muted")]))
    if xray.most_repeated and xray.repeated_lines >= 0.001:
        text, count = xray.most_repeated
        line = [Span(f"{xray.repeated_lines:.0%}".replace("%", " %")), Span(" of lines, most of all ", "muted")]
        tail = f" {count:,} times"
        room = width - LABEL - line_width(line) - len(tail)
        facts.append(_fact("repeats", [*line, span(fit(safe_line(text), max(8, room))), Span(tail, "muted")]))
    if xray.held_out == 0:
        facts.append(_fact("held out", [Span("nothing: too short, all of it is learned", "muted")]))
    elif xray.held_out:
        facts.append(_fact("held out", _held_out(xray)))
    return facts


def _held_out(xray: Xray) -> list[Span]:
    line = [Span("the last 10 %")]
    length = xray.shared_length or 0
    if length >= LEAK:
        share = f" ({xray.shared_share:.0%} of it)".replace("%", " %") if (xray.shared_share or 0) >= 0.005 else ""
        return [
            *line,
            Span(", shares a block of ", "muted"),
            Span(f"{length:,}", "accent"),
            Span(f" characters with training{share}", "muted"),
        ]
    return [*line, Span(", which shares only short phrases with the rest", "muted")]


def _fact(name: str, line: Sequence[Span]) -> Line:
    return (Span(name.ljust(LABEL), "muted"), *line)


def _share(name: str, share: float) -> list[Span]:
    return [span(name), Span(f" {share:.0%}   ".replace("%", " %"), "muted")]


def _counted(symbol: str, count: int) -> list[Span]:
    return [span(shown(symbol)), Span(f" ×{count:,}", "muted"), Span("   ")]


def _fitting(pieces: Sequence[Span], group: int, width: int) -> list[Span]:
    """As many whole groups of pieces as fit."""
    line: list[Span] = []
    for start in range(0, len(pieces), group):
        if line_width([*line, *pieces[start : start + group]]) > width:
            break
        line += pieces[start : start + group]
    return line


def shown(symbol: str) -> str:
    """A symbol as it is named: a blank and a line break are seen."""
    return {" ": "␣", "\n": "⏎", "\t": "→"}.get(symbol, safe_line(symbol))


def _losses(xray: Xray, best: tuple[str, float] | None, unit: str, width: int) -> list[Line]:
    """The yardsticks, the easiest first, and the best of the user's own runs."""
    bits = {"uniform": xray.uniform, "unigram": xray.unigram, "gzip": xray.gzip, "5-gram": xray.five_gram}
    known = [(name, value * math.log(2), "faint") for name, value in bits.items() if value is not None]
    if not known:
        return []
    known.sort(key=lambda one: -one[1])
    if best is not None:
        known.append(("your best", best[1], "primary"))
    shift, of = UNITS[unit], "perplexity" if unit == "perplexity" else f"{unit} per character"
    most = max(nats for _, nats, _ in known)
    room = max(4, min(WIDEST_LINE, width - LABEL - 9))
    lines: list[Line] = [(Span(f"loss to beat, {of}", "muted"),)]
    for name, nats, role in known:
        is_own = role == "primary"
        heavy = measure(nats / most, room, role)[:1]
        run = f" {best[0]}" if is_own and best is not None else ""
        rest = fit(safe_line(run), room - line_width(heavy))
        blank = " " * (room - line_width(heavy) - cell_width(rest))
        value = Span(f"{shift(nats):9.2f}", "primary" if is_own else "")
        label = Span(pad(name, LABEL), "primary" if is_own else "muted")
        lines.append((label, *heavy, Span(rest, "muted"), Span(blank), value))
    return lines


def _ranks(xray: Xray, width: int, height: int) -> list[Line]:
    """The most frequent symbols, as far as there is room."""
    most = max((count for _, count in xray.frequent), default=0)
    if not most or not xray.characters:
        return []
    lines: list[Line] = [(Span("most frequent", "muted"),)]
    room = max(4, min(WIDEST_LINE, width - LABEL - 9))
    for symbol, count in xray.frequent[: height - 1]:
        name = shown(symbol)
        heavy = measure(count / most, room, "faint")[:1]
        blank = Span(" " * (room - line_width(heavy)))
        share = f"{100 * count / xray.characters:.1f} %"
        label = name + " " * max(0, LABEL - cell_width(name))
        lines.append((span(label), *heavy, blank, Span(share.rjust(9), "muted")))
    return lines
