"""All settings of a training as a form, made from their own declarations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult

from seqplay.draw.lines import Line, Span, cut, span
from seqplay.options import Option, check
from seqplay.safe_text import fit, pad, safe_line
from seqplay.tui.keys import bind
from seqplay.tui.place import Place
from seqplay.tui.widgets.box import ListBox
from seqplay.tui.widgets.footer import Hint
from seqplay.tui.widgets.recipe_box import DECLARED, Asked

SMALLEST, LARGEST = 1e-6, 1e6  # bounds beyond these are there to catch slips


class Form(Place):
    """Every setting of the recipe, then those of the cell."""

    name_ = "settings"
    about = (
        "Every setting of a training. What is not set here is chosen for the text, the time and this machine when the "
        "training begins; the plan of a run tells what was chosen."
    )
    BINDINGS = [
        bind("enter", "edit", "change"),
        bind("left", "turn(-1)", "choice before"),
        bind("right", "turn(1)", "next choice"),
        bind("backspace delete", "reset", "as suggested"),
        bind("slash", "find", "find"),
        bind("a escape", "close", "done"),
    ]

    def __init__(self, asked: Asked, own: Sequence[Option]) -> None:
        super().__init__()
        self.asked = asked
        self.box = FormBox(asked, own)

    def compose(self) -> ComposeResult:
        yield self.box
        yield self.footer

    def on_mount(self) -> None:
        self.box.focus()

    def hints(self) -> list[str | Hint]:
        return ["edit", "turn(1)", "reset", "find", "close"]

    def on_list_box_chosen(self) -> None:
        self.action_edit()

    def action_edit(self) -> None:
        option = self.box.option
        if option is None:
            return
        if option.choices or option.type is bool:
            self.action_turn(1)
        else:
            self.run_quietly(lambda: self._edit(option), group="edit")

    async def _edit(self, option: Option) -> None:
        now = self.box.value(option)
        typed = await self.footer.ask(f"{option.name}:", "" if now is None else f"{now}")
        if typed is None:
            return
        if not typed.strip():
            self.box.set(option, None)
            return
        self.box.set(option, check(option, typed.strip()))

    def action_turn(self, by: int) -> None:
        option = self.box.option
        if option is None:
            return
        choices: Sequence[Any] = (False, True) if option.type is bool else option.choices
        if choices:
            now = self.box.value(option)
            at = choices.index(now) if now in choices else -1
            self.box.set(option, choices[(at + by) % len(choices)])

    def action_reset(self) -> None:
        if self.box.option is not None:
            self.box.set(self.box.option, None)

    def action_find(self) -> None:
        self.run_quietly(self._find, group="edit")

    async def _find(self) -> None:
        before = self.box.filter
        typed = await self.footer.ask("find:", before, live=self.box.narrow)
        self.box.narrow(before if typed is None else typed)

    def action_close(self) -> None:
        """Esc first lets go of what is asked."""
        if not self.footer.give_up():
            self.dismiss()


class FormBox(ListBox):
    """A row for each setting: name, value, and what it is."""

    def __init__(self, asked: Asked, own: Sequence[Option]) -> None:
        super().__init__("all settings", id="form")
        self.asked, self.own = asked, {option.name: option for option in own}
        self.filter = ""
        self.narrow("")

    def narrow(self, wanted: str) -> None:
        """Show only what has this in its name or help."""
        everything = [*self.asked.declared, *self.own.values()]
        self.filter = wanted
        self.options = [o for o in everything if wanted.casefold() in f"{o.name} {o.help}".casefold()]
        self.cursor = 0
        if self.is_mounted:
            self.redraw()

    @property
    def option(self) -> Option | None:
        """The setting under the cursor; None where the filter finds none."""
        return self.options[self.cursor] if self.options else None

    def is_own(self, option: Option) -> bool:
        return option.name in self.own and option.name not in DECLARED

    def value(self, option: Option) -> Any:
        if self.is_own(option):
            return self.asked.settings.get(option.name, option.default)
        return self.asked.value(option.name)

    def set(self, option: Option, value: Any) -> None:
        """Set a value, or None to leave it to what suits. Raises UsageError for minutes beside steps."""
        into = self.asked.settings if self.is_own(option) else self.asked.values
        into.pop(option.name, None)
        if value is not None:
            into[option.name] = value
            if option.name in ("minutes", "steps"):
                self.asked.values.pop({"minutes": "steps", "steps": "minutes"}[option.name], None)
        self.redraw()

    def count(self) -> int:
        return len(self.options)

    def when_empty(self, width: int) -> Sequence[Line]:
        return [(span(f"no setting has '{self.filter}' in its name or help", "muted"),)]

    def row(self, index: int, width: int) -> Line:
        option = self.options[index]
        set_here = option.name in (self.asked.settings if self.is_own(option) else self.asked.values)
        value = self.value(option)
        shown = "as suits" if value is None else f"{value:g}" if isinstance(value, float) else safe_line(str(value))
        limits = allowed(option)
        line = (
            Span("▌ " if index == self.cursor else "  ", "primary"),
            Span(pad(option.name, 18)),
            Span(pad(shown, 12), "primary" if set_here else "" if value is not None else "muted"),
            Span(fit(safe_line(option.help), max(0, width - 32)), "muted"),
        )
        rest = width - sum(len(piece.text) for piece in line) - 2
        return cut((*line, Span(f"  {fit(limits, rest)}" if rest > 8 else "", "faint")), width)


def allowed(option: Option) -> str:
    """What values an option takes; a bound that nobody will meet is left out."""
    if option.choices:
        return ", ".join(option.choices)
    low = "" if option.low is None or 0 < option.low < SMALLEST else f"{option.low:g}"
    high = "" if option.high is None or option.high >= LARGEST else f"{option.high:,.6g}"
    if low and high:
        return f"{low} to {high}"
    return f"{low} or more" if low else f"up to {high}" if high else ""
