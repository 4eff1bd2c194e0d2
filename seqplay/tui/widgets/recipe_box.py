"""What to train, and for how long: four rows of choices that begin at what suits the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from textual import events
from textual.message import Message

from seqplay import plugins, tasks
from seqplay.draw.lines import Line, Span, cut, line_width, span
from seqplay.options import Option, options_of
from seqplay.recipe import OF_A_STACK, Recipe
from seqplay.safe_text import cell_width
from seqplay.tasks import TASKS, Data
from seqplay.tui.keys import bind
from seqplay.tui.widgets.box import Box

TIMES = {0.5: "½", 1.0: "1", 5.0: "5", 15.0: "15"}  # minutes
PICTURE_TIMES = {1.0: "1", 3.0: "3", 10.0: "10", 30.0: "30"}
SUITED = {"digits": 3.0, "recognise": 1.0}  # minutes
ROWS: dict[Data, tuple[str, ...]] = {
    "text": ("tokens", "cell", "size", "minutes"),
    "pictures": ("task", "model", "minutes"),
}
NAMES = {"minutes": "time"}
DOES = {"digits": "draw", "recognise": "recognise"}
DECLARED = {option.name: option for option in options_of(Recipe)}
OF_DATA: dict[Data, tuple[str, ...]] = {"text": (*OF_A_STACK, "size"), "pictures": ("task", "model")}
"""What only one kind of data has."""
LEFT = 9  # cells before the first choice


@dataclass
class Asked:
    """What somebody wants: only what they have set; the rest is what suits the text."""

    values: dict[str, Any] = field(default_factory=dict)
    own: dict[Data, dict[str, Any]] = field(default_factory=lambda: {"text": {}, "pictures": {}})
    """The settings of the cell, and of the model."""
    suggested: dict[str, Any] = field(default_factory=dict)
    data: Data = "text"
    """What kind of data is chosen now."""

    @property
    def settings(self) -> dict[str, Any]:
        """The network's own."""
        return self.own[self.data]

    @property
    def network(self) -> str:
        """The cell or model that is asked for."""
        return str(self.value("cell" if self.data == "text" else "model"))

    @property
    def declared(self) -> list[Option]:
        """What can be set for this kind of data, beside the network's own settings."""
        other: Data = "pictures" if self.data == "text" else "text"
        return [option for option in DECLARED.values() if option.name not in OF_DATA[other]]

    def suits(self, name: str) -> Any:
        """What a setting is where nobody says otherwise."""
        if self.data == "pictures":
            about = TASKS[self.value("task")] if name != "task" else tasks.default_for("pictures")
            known = {"task": about.name, "model": about.network, "minutes": SUITED.get(about.name)}
            if name in known:
                return known[name]
        return self.suggested.get(name, DECLARED[name].default)

    def value(self, name: str) -> Any:
        return self.values[name] if name in self.values else self.suits(name)

    def recipe(self) -> Recipe:
        """Raises UsageError where a value is none that a recipe can have."""
        known = {option.name for option in self.declared}
        wanted = {name: value for name, value in {**self.suggested, **self.values}.items() if name in known}
        if self.data == "pictures":
            wanted |= {name: self.value(name) for name in ("task", "model", "minutes")}
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
        self._installed = list(plugins.installed("cell"))

    @property
    def names(self) -> tuple[str, ...]:
        """The settings that have a row."""
        return ROWS[self.asked.data]

    def _cells(self) -> list[str]:
        """The cells that are not known to be broken or switched off."""
        known = self.playground.plugins_known
        usable = [name for (kind, name), one in known.items() if kind == "cell" and one.state in ("works", "reading")]
        return usable or self._installed

    def _models(self) -> list[str]:
        """The models of the task, as far as is known what each is for."""
        task, own = self.asked.value("task"), self.asked.value("model")
        known = self.playground.plugins_known
        found = [
            name
            for (kind, name), one in known.items()
            if kind == "model" and one.description is not None and one.description.task == task
        ]
        return sorted(found) if own in found else [own, *sorted(found)]

    def choices(self, name: str) -> list[tuple[Any, str]]:
        """The values of a row, and how each is written."""
        if name == "cell":
            return [(cell, cell) for cell in self._cells()]
        if name == "task":
            return [(about.name, DOES.get(about.name, about.name)) for about in TASKS.values() if about.data != "text"]
        if name == "model":
            return [(model, model) for model in self._models()]
        if name == "minutes":
            known = dict(TIMES if self.asked.data == "text" else PICTURE_TIMES)
            now = self.asked.value("minutes")
            if now is not None and now not in known:
                known[now] = f"{now:g}"
            return sorted(known.items())
        return [(choice, choice) for choice in DECLARED[name].choices]

    def content(self, width: int, height: int) -> Sequence[Line]:
        lines = [cut(self._row(number, name, width), width) for number, name in enumerate(self.names)]
        button = [Span(" "), Span(" ▸ Start ", "place"), Span(" enter", "key")]
        count = len(self.asked.declared) + len(self.asked.settings)
        more = [Span("    a", "key"), Span(f" all {count} settings", "muted")]
        shown = {*self.names, *(option.name for option in self.asked.declared)}
        changed = len(self.asked.values.keys() & shown) + len(self.asked.settings)
        if changed:
            more.append(Span(f", {changed} of your own", "primary"))
        blank: list[Line] = [()] if height > len(lines) + 2 else []
        why: list[Line] = [cut((span(f" {self.why}", "muted"),), width)] if self.why and height > len(lines) + 1 else []
        return [*lines, *why, *blank, cut((*button, *more), width)]

    def _shown(self, name: str, width: int) -> list[tuple[Any, str]]:
        """The choices of a row, without the first ones where the chosen one would not be seen."""
        choices, now = self.choices(name), self.asked.value(name)
        chosen = next((at for at, (value, _) in enumerate(choices) if value == now), 0)
        first = 0
        while first < chosen and LEFT + sum(cell_width(text) + 2 for _, text in choices[first : chosen + 1]) > width:
            first += 1
        return choices[first:]

    def _row(self, number: int, name: str, width: int) -> Line:
        in_hand = number == self.in_hand and self.has_focus
        label = NAMES.get(name, name)
        line: list[Span] = [
            Span("▌" if in_hand else " ", "primary"),
            Span(label.ljust(LEFT - 1), "" if in_hand else "muted"),
        ]
        now = self.asked.value(name)
        for value, text in self._shown(name, width):
            unit = " min" if name == "minutes" and value == now else ""
            line.append(span(f" {text}{unit} ", "chosen" if value == now else "muted"))
        if name == "minutes" and now is None:
            steps = self.asked.value("steps")
            line.append(span(f" {steps:,} steps " if steps else " as suits ", "chosen"))
        return tuple(line)

    def action_row(self, by: int) -> None:
        self.in_hand = max(0, min(self.in_hand + by, len(self.names) - 1))
        self.redraw()

    def action_turn(self, by: int) -> None:
        name = self.names[min(self.in_hand, len(self.names) - 1)]
        values = [value for value, _ in self.choices(name)]
        now = self.asked.value(name)
        at = values.index(now) if now in values else -1 if by > 0 else 0
        self._choose(name, values[(at + by) % len(values)])

    def _choose(self, name: str, value: Any) -> None:
        if name == "task":
            self.asked.values.pop("model", None)
        if value == self.asked.suits(name):
            self.asked.values.pop(name, None)  # what is suggested goes on to follow the text
        else:
            self.asked.values[name] = value
        if name == "minutes":
            self.asked.values.pop("steps", None)
        if name in ("cell", "model", "task"):
            self.asked.settings.clear()
        self.redraw()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        self.focus()
        row, x = self.row_at(event), int(event.x) - (0 if self.is_compact else 2)
        if row < len(self.names):
            self.in_hand = row
            at, name = LEFT, self.names[row]
            width, _ = self.inner(*self.size)
            for piece, (value, _) in zip(self._row(row, name, width)[2:], self._shown(name, width), strict=False):
                at += line_width([piece])
                if x < at:
                    self._choose(name, value)
                    return
        elif row == len(self.content(*self.inner(*self.size))) - 1 and x <= LEFT:
            self.post_message(self.Start())
