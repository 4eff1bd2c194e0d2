"""What the places with a chart of losses share: its axes, and a cursor that moves through time."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TypeVar

from seqplay.runs.charts import AXES, UNITS, Axes
from seqplay.tui.keys import bind
from seqplay.tui.place import Place

Value = TypeVar("Value")
MOVES = 50  # of the cursor from one end of the axis to the other
SMOOTH = (1, 10, 100)


class Charting(Place):
    """A place with a chart. Its axes are remembered, and are the same in every such place."""

    BINDINGS = [
        bind("left_square_bracket shift+left", "back", "back in time", "["),
        bind("right_square_bracket shift+right", "on", "on in time", "]"),
        bind("left_curly_bracket", "first", "the beginning", "{"),
        bind("right_curly_bracket", "now", "now", "}"),
        bind("x", "turn_x", "x axis: steps, seconds, tokens"),
        bind("y", "turn_y", "y axis: linear, logarithmic"),
        bind("z", "turn_whole", "zoom: from the first step, or on what matters"),
        bind("u", "turn_unit", "unit: nats, bits, perplexity"),
        bind("m", "turn_smooth", "smooth the training loss"),
    ]
    axes = Axes()
    cursor: float | None = None

    @abstractmethod
    def reach(self) -> tuple[float, float] | None:
        """The first and the last place on the x axis that the cursor may stand on; None where nothing is drawn."""

    def on_mount(self) -> None:
        kept = self.playground.remembered
        axis, unit = kept.x_axis if kept.x_axis in AXES else "steps", kept.unit if kept.unit in UNITS else "nats"
        self.axes = Axes(x=axis, log_y=kept.log_y, unit=unit)

    def _look(self, axes: Axes) -> None:
        kept = self.playground.remembered
        if axes.x != self.axes.x:
            self.cursor = None
        self.axes = axes
        kept.x_axis, kept.log_y, kept.unit = axes.x, axes.log_y, axes.unit
        self.show()

    def action_turn_x(self) -> None:
        self._look(replace(self.axes, x=_next(AXES, self.axes.x)))

    def action_turn_y(self) -> None:
        self._look(replace(self.axes, log_y=not self.axes.log_y))

    def action_turn_whole(self) -> None:
        self._look(replace(self.axes, whole=not self.axes.whole))

    def action_turn_unit(self) -> None:
        self._look(replace(self.axes, unit=_next(tuple(UNITS), self.axes.unit)))

    def action_turn_smooth(self) -> None:
        self._look(replace(self.axes, smooth=_next(SMOOTH, self.axes.smooth)))

    def action_back(self) -> None:
        self._move(-1)

    def action_on(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        reach = self.reach()
        if reach is None:
            return
        low, high = reach
        at = (high if self.cursor is None else self.cursor) + by * (high - low) / MOVES
        self.cursor = None if at >= high else max(low, at)
        self.show()

    def action_first(self) -> None:
        reach = self.reach()
        self.cursor = reach[0] if reach else None
        self.show()

    def action_now(self) -> None:
        self.cursor = None
        self.show()


def _next(values: tuple[Value, ...], value: Value) -> Value:
    return values[(values.index(value) + 1) % len(values)]
