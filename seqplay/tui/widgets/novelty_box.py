"""How much of a text is new: its longest copy, its new 8-grams, and the lines that its copied runs come from."""

from __future__ import annotations

from collections.abc import Sequence

from seqplay.draw.lines import Line, Span, cut, line_width, merged, span
from seqplay.draw.text import wrap
from seqplay.errors import counted
from seqplay.safe_text import cell_width
from seqplay.tui.widgets.box import Box
from seqplay.tui.writing import Source, Writing

GAP = "     "


def facts(writing: Writing) -> list[tuple[str, str, str]]:
    """(name, value, role), the most important first."""
    found: list[tuple[str, str, str]] = []
    if writing.longest is not None:
        found.append(("longest copy", f"{writing.longest:,}", "secondary"))
    if writing.new_share is not None:
        found.append(("new 8-grams", _percent(writing.new_share), "title"))
    if writing.bits_a_character is not None:
        found.append(("bits a character", f"{writing.bits_a_character:.2f}", "title"))
    return found


def in_short(writing: Writing) -> str:
    """The same for a caption."""
    said = [f"copy {writing.longest:,}"] if writing.longest is not None else []
    if writing.new_share is not None:
        said.append(f"new {_percent(writing.new_share)}")
    if writing.bits_a_character is not None:
        said.append(f"{writing.bits_a_character:.2f} bits")
    return " · ".join(said)


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


class NoveltyBox(Box):
    """The facts in one line, and in another what is seen in the text."""

    def __init__(self) -> None:
        super().__init__(id="novelty")
        self.writing = Writing()
        self.view = ""

    def put(self, writing: Writing, view: str) -> None:
        self.writing, self.view = writing, view
        self.redraw()

    def content(self, width: int, height: int) -> Sequence[Line]:
        if not self.writing.pieces:
            return wrap([Span("How much of a text is new, and what of it is copied, stands here.", "muted")], width)
        return [self._facts(width), self._legend(width)][:height]

    def _facts(self, width: int) -> Line:
        line: list[Span] = []
        for name, value, role in facts(self.writing):
            more = [*([Span(GAP)] if line else []), Span(f"{name} ", "muted"), Span(value, role)]
            if line_width(line) + line_width(more) > width:
                break
            line += more
        if self.writing.not_compared:
            said = [*([Span(GAP)] if line else []), span(self.writing.not_compared, "muted")]
            return cut((*line, *said), width)
        return tuple(line)

    def _legend(self, width: int) -> Line:
        if self.view == "surprise":
            swatches = [Span("   ", f"shade-{level}") for level in range(1, 5)]
            line = [Span("surprise  ", "muted"), *swatches, Span("  expected → unexpected", "muted")]
            more = (Span(f"{GAP}v", "key"), Span(" shows copies", "muted"))
        elif self.view == "copies":
            said = f" from the training text: {counted(len(self.writing.sources), 'run')}"
            line = [Span("copied", "copied"), Span(said, "muted")]
            more = (Span(f"{GAP}o", "key"), Span(" shows from where", "muted"))
        else:
            line = [Span("as plain text", "muted")]
            more = (Span(f"{GAP}v", "key"), Span(" shows surprise", "muted"))
        return (*line, *more) if line_width((*line, *more)) <= width else cut(tuple(line), width)


class SourcesBox(Box):
    """The lines of the training text that copied runs come from; that of the reading cursor is marked, and whole."""

    def __init__(self) -> None:
        super().__init__("copied from", id="sources", focusable=True)
        self.writing = Writing()
        self.chosen: Source | None = None

    def put(self, writing: Writing, chosen: Source | None) -> None:
        if (writing, chosen) != (self.writing, self.chosen):
            self.top = 0
        self.writing, self.chosen = writing, chosen
        self.redraw()

    def content(self, width: int, height: int) -> Sequence[Line]:
        sources = self.writing.sources
        if not sources:
            compared = self.writing.longest is not None
            said = "No run of this text is copied." if compared else "It is not known yet what is copied."
            return [(span(self.writing.not_compared or said, "muted"),)]
        first = sources.index(self.chosen) if self.chosen in sources else 0
        shown = [*sources[first:], *sources[:first]]
        room = max(len(f"{source.line_number:,}") for source in shown)
        lines: list[Line] = []
        for source in shown:
            number = Span(f"line {source.line_number:,}".rjust(room + 5) + "  ", "muted")
            mark = Span("▌ " if source is self.chosen else "  ", "primary")
            if source is self.chosen:
                left = 2 + cell_width(number.text)
                parts = wrap(quoted(source), max(1, width - left)) or [()]
                lines.append((mark, number, *parts[0]))
                lines += [(Span(" " * left), *part) for part in parts[1:]]
            else:
                lines.append(cut(merged([mark, number, *map(_on_a_line, quoted(source))]), width))
        return lines


def quoted(source: Source) -> list[Span]:
    """A source line as it came, and in it what was copied; its text is not yet made safe."""
    copied = source.text.split("\n")[0]
    while copied and copied not in source.line:  # the line is shown in part
        copied = copied[: len(copied) // 2]
    before, found, after = source.line.partition(copied) if copied else (source.line, "", "")
    return [Span(before, "muted"), Span(found, "copied"), Span(after, "muted")]


def _on_a_line(piece: Span) -> Span:
    return span(piece.text, piece.role)
