"""What to train, and for how long: four rows of choices that begin at what suits the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from textual import events
from textual.message import Message

from seqplay import plugins
from seqplay.draw.lines import Line, Span, cut, line_width, span
from seqplay.options import options_of
from seqplay.recipe import Recipe
from seqplay.tui.keys import bind
from seqplay.tui.widgets.box import Box

TIMES = {0.5: "½", 1.0: "1", 5.0: "5", 15.0: "15"}  # minutes
ROWS = ("tokens", "cell", "size", "minutes")
NAMES = {"minutes": "time"}
DECLARED = {option.name: option for option in options_of(Recipe)}
LEFT = 9  # cells before the first choice


@dataclass
class Asked:
    """What somebody wants: only what they have set; the rest is what suits the text."""

    values: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    """The cell's own."""
    suggested: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        if name in self.values:
            return self.values[name]
        return self.suggested.get(name, DECLARED[name].default)

    def recipe(self) -> Recipe:
        """Raises UsageError where a value is none that a recipe can have."""
        wanted = {**{name: value for name, value in self.suggested.items() if name in DECLARED}, **self.values}
        if self.values.get("steps") is not None:
            wanted["minutes"] = None
        return Recipe(**wanted, settings=dict(self.settings))


class RecipeBox(Box):
    """Arrow keys move between rows and choices."""

    BINDINGS = [
        bind("up", "row(-1)", "row up"),
        bind("down", "row(1)", "row down"),
        bind("left", "turn(-1)", "choice before"),
        bind("right", "turn(1)", "next choice"),
    ]

    @dataclass
    class Changed(Message):
        """Another choice was made."""

    @dataclass
    class Start(Message):
        """The start button was clicked."""

    def __init__(self, asked: Asked) -> None:
        super().__init__("recipe", id="recipe", focusable=True)
        self.asked, self.in_hand, self.why = asked, 0, ""
        self._cells = list(plugins.installed("cell"))

    def choices(self, name: str) -> list[tuple[Any, str]]:
        """The values of a row, and how each is written."""
        if name == "cell":
            return [(cell, cell) for cell in self._cells]
        if name == "minutes":
            known = dict(TIMES)
            now = self.asked.value("minutes")
            if now is not None and now not in known:
                known[now] = f"{now:g}"
            return sorted(known.items())
        return [(choice, choice) for choice in DECLARED[name].choices]

    def content(self, width: int, height: int) -> Sequence[Line]:
        lines = [cut(self._row(number, name), width) for number, name in enumerate(ROWS)]
        button = [Span(" "), Span(" ▸ Start ", "place"), Span(" enter", "key")]
        count = len(DECLARED) + len(self.asked.settings)
        more = [Span("    a", "key"), Span(f" all {count} settings", "muted")]
        changed = len(self.asked.values) + len(self.asked.settings)
        if changed:
            more.append(Span(f", {changed} of your own", "primary"))
        blank: list[Line] = [()] if height > len(lines) + 2 else []
        why: list[Line] = [cut((span(f" {self.why}", "muted"),), width)] if self.why and height > len(lines) + 1 else []
        return [*lines, *why, *blank, cut((*button, *more), width)]

    def _row(self, number: int, name: str) -> Line:
        in_hand = number == self.in_hand and self.has_focus
        label = NAMES.get(name, name)
        line: list[Span] = [
            Span("▌" if in_hand else " ", "primary"),
            Span(label.ljust(LEFT - 1), "" if in_hand else "muted"),
        ]
        now = self.asked.value(name)
        for value, text in self.choices(name):
            unit = " min" if name == "minutes" and value == now else ""
            line.append(span(f" {text}{unit} ", "chosen" if value == now else "muted"))
        if name == "minutes" and now is None:
            steps = self.asked.value("steps")
            line.append(span(f" {steps:,} steps " if steps else " as suits ", "chosen"))
        return tuple(line)

    def action_row(self, by: int) -> None:
        self.in_hand = max(0, min(self.in_hand + by, len(ROWS) - 1))
        self.redraw()

    def action_turn(self, by: int) -> None:
        name = ROWS[self.in_hand]
        values = [value for value, _ in self.choices(name)]
        now = self.asked.value(name)
        at = values.index(now) if now in values else -1 if by > 0 else 0
        self._choose(name, values[(at + by) % len(values)])

    def _choose(self, name: str, value: Any) -> None:
        if value == self.asked.suggested.get(name, DECLARED[name].default):
            self.asked.values.pop(name, None)  # what is suggested goes on to follow the text
        else:
            self.asked.values[name] = value
        if name == "minutes":
            self.asked.values.pop("steps", None)
        if name == "cell":
            self.asked.settings.clear()
        self.redraw()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        self.focus()
        row, x = self.row_at(event), int(event.x) - (0 if self.is_compact else 2)
        if row < len(ROWS):
            self.in_hand = row
            at = LEFT
            for value, _ in self.choices(ROWS[row]):
                piece = next(
                    p
                    for p, (v, _) in zip(self._row(row, ROWS[row])[2:], self.choices(ROWS[row]), strict=False)
                    if v == value
                )
                at += line_width([piece])
                if x < at:
                    self._choose(ROWS[row], value)
                    return
        elif row == len(self.content(*self.inner(*self.size))) - 1 and x <= LEFT:
            self.post_message(self.Start())
