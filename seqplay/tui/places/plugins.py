"""Plugins: what is installed, what each of them is, and why one does not work.

Nothing is imported by looking: a plugin that is not known yet is loaded by a process of its own, and whatever it does
there is shown as what is known of it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from seqplay import known_plugins, plugins
from seqplay.draw.lines import Line, Span, cut, span
from seqplay.draw.text import wrap
from seqplay.known_plugins import GLYPHS, Details, Known, Row
from seqplay.plugin_choice import FileEntry
from seqplay.processes import describing
from seqplay.runs.uses import uses
from seqplay.safe_text import cell_width, pad, safe_line
from seqplay.tui.keys import bind
from seqplay.tui.place import Place
from seqplay.tui.widgets.box import Box, ListBox
from seqplay.tui.widgets.footer import Hint

ROLES = {"works": "success", "reading": "muted", "broken": "error", "off": "muted"}
OWN_CELL = "make your own: seqplay plugins new mycell"
HEADS = Row("", "name", "kind", "distribution", "version")
GAP = 2
LEAST_NAME, MOST_NAME, MOST_DISTRIBUTION = 10, 24, 28


class Plugins(Place):
    name_ = "plugins"
    CSS_PATH = ["plugins.tcss"]
    about = (
        "The cells and models that can be trained: those of seqplay, and those that other distributions bring. Each of "
        "the latter is loaded by a process of its own to be described here, so that one that is broken harms nothing: "
        "it is listed with its reason, and everything else works."
    )
    BINDINGS = [
        bind("enter", "open", "details"),
        bind("o", "output", "its output"),
        bind("u", "try_again", "try again"),
        bind("d", "switch", "disable or enable"),
        bind("slash", "find", "find"),
        bind("escape", "close", "back to the list", "esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.uses: Counter[str] = Counter()
        self.listed = PluginList()
        self.box = PluginBox(id="plugin", focusable=True)
        self.printed = PrintedBox("its output", id="printed", focusable=True)

    def body(self) -> ComposeResult:
        with Horizontal(id="around"):
            yield self.listed
            with Vertical(id="about"):
                yield self.box
                yield self.printed

    def on_mount(self) -> None:
        self.run_worker(describing.tell_all(self._tell), group="plugins")

    def on_screen_resume(self) -> None:
        self.run_worker(self._count_uses(), group="uses")

    async def _count_uses(self) -> None:
        self.uses = await asyncio.to_thread(uses)
        self.show()

    def _tell(self, known: Known) -> None:
        self.playground.learn(known)
        self.show()

    @property
    def chosen(self) -> Known | None:
        return self.listed.chosen

    def hints(self) -> list[str | Hint]:
        if self.has_class("-narrow", "-opened"):
            first: list[str | Hint] = ["close"]
        else:
            first = ["open"] if self.has_class("-narrow") and self.chosen else []
        known = self.chosen
        broken: list[str | Hint] = ["try_again"] if known and known.state == "broken" else []
        printed: list[str | Hint] = ["output"] if known and known.output else []
        switch: list[str | Hint] = ["switch"] if known and _can_be_switched(known) else []
        return [*first, *broken, *printed, *switch, "find"]

    def show(self) -> None:
        if not self.is_mounted:
            return
        listed, box, printed = self.listed, self.box, self.printed
        listed.put(self.playground.plugins_known.values())
        known = listed.chosen
        box.facts = known_plugins.details(known, self.uses[known.name]) if known else None
        box.known = known
        box.show(title=known.name if known else "", caption=_origin(known) if known else "")
        printed.text = known.output if known else ""
        printed.redraw()
        self.set_class(bool(printed.text), "-printed")
        if (self.focused is None or not self.focused.is_on_screen) and not self.footer.is_asking:
            (box if self.has_class("-narrow", "-opened") else listed).focus()
        self.refresh_frame()

    @on(ListBox.Moved, "#plugins")
    def _moved(self) -> None:
        self.box.top = 0
        self.show()

    @on(ListBox.Chosen, "#plugins")
    def action_open(self) -> None:
        if self.has_class("-opened"):
            self.action_close()
        elif self.chosen is not None:
            self.add_class("-opened")
            self.box.focus()
            self.refresh_frame()

    def action_close(self) -> None:
        if self.footer.give_up() or not self.has_class("-opened"):
            return
        self.remove_class("-opened")
        self.listed.focus()
        self.refresh_frame()

    def action_output(self) -> None:
        """What the plugin printed while it was loaded, and where it failed."""
        from seqplay.tui.reading import Reading

        known = self.chosen
        if known is not None and known.output:
            self.app.push_screen(Reading(f"output of {known.name}", known.output))

    def action_try_again(self) -> None:
        known = self.chosen
        if known is not None and known.state == "broken":
            self._tell(replace(known, state="reading", reason="", advice="", output=""))
            self.run_worker(self._ask(known), group="plugins")

    async def _ask(self, known: Known) -> None:
        self._tell(await describing.ask(known))

    def action_switch(self) -> None:
        """Disable the distribution that brings the plugin, or enable it again."""
        self.run_quietly(self._switch, group="switch")

    async def _switch(self) -> None:
        known = self.chosen
        if known is not None:
            await asyncio.to_thread(plugins.switch, known.plugin.distribution, known.state == "off")
            await describing.tell_all(self._tell)

    def action_find(self) -> None:
        self.run_quietly(self._find, group="find")

    async def _find(self) -> None:
        listed = self.listed

        def narrow(wanted: str) -> None:
            listed.filter = wanted
            self.show()

        self.remove_class("-opened")
        if await self.footer.ask("find:", listed.filter, live=narrow) is None:
            narrow("")
        listed.focus()


class PluginList(ListBox):
    """A row for each plugin; a muted one says how one's own gets here, as long as there is none."""

    def __init__(self) -> None:
        super().__init__("plugins", id="plugins")
        self.known: list[Known] = []
        self.rows: list[Row] = []
        self.filter = ""
        self.tells_how = False

    @property
    def chosen(self) -> Known | None:
        return self.known[self.cursor] if self.cursor < len(self.known) else None

    def put(self, known: Iterable[Known]) -> None:
        """List them, and leave the cursor on the plugin that it stands on."""
        before = self.chosen
        everything = known_plugins.order(known)
        wanted = self.filter.casefold()
        self.known = [k for k in everything if wanted in f"{k.name} {k.plugin.distribution}".casefold()]
        self.rows = known_plugins.rows(self.known)
        self.tells_how = bool(self.known) and all(k.plugin.built_in for k in everything)
        names = [(k.plugin.kind, k.name) for k in self.known]
        if before and (before.plugin.kind, before.name) in names:
            self.cursor = names.index((before.plugin.kind, before.name))
        self.cursor = max(0, min(self.cursor, len(names) - 1))
        self.show(caption=known_plugins.counts(everything) if everything else "")

    def count(self) -> int:
        return len(self.rows) + (2 if self.tells_how else 0)

    def is_choice(self, index: int) -> bool:
        return index < len(self.rows)

    def when_empty(self, width: int) -> Sequence[Line]:
        if self.filter:
            return [cut((span(f"no plugin has '{self.filter}' in its name: esc", "muted"),), width)]
        return [(Span("looking for what is installed …", "muted"),)]

    def head(self, width: int) -> Line | None:
        return cut((Span("    "), *self._cells(HEADS, ["muted"] * 4, width)), width)

    def row(self, index: int, width: int) -> Line:
        if index >= len(self.rows):
            return cut((Span(f"    {OWN_CELL}" if index > len(self.rows) else "", "muted"),), width)
        row, known = self.rows[index], self.known[index]
        on_it = index == self.cursor
        glyph = (Span("▌" if on_it else " ", "primary"), Span(f"{row.glyph}  ", ROLES[known.state]))
        return cut((*glyph, *self._cells(row, ["title" if on_it else "", "muted", "muted", "muted"], width)), width)

    def _cells(self, row: Row, roles: Sequence[str], width: int) -> list[Span]:
        """Name, kind, distribution and version, as many of them as there is room for."""
        name = max([LEAST_NAME, *(cell_width(safe_line(r.name)) for r in self.rows)])
        distribution = max([len(HEADS.distribution), *(cell_width(safe_line(r.distribution)) for r in self.rows)])
        widths = [min(name, MOST_NAME), len("model"), min(distribution, MOST_DISTRIBUTION), len("version") + 3]
        texts = [row.name, row.kind, row.distribution, row.version]
        cells: list[Span] = []
        room = width - 4
        for text, role, cells_wide in zip(texts, roles, widths, strict=True):
            if cells and cells_wide > room:
                break
            cells += [Span(pad(safe_line(text), min(cells_wide, max(1, room))), role), Span(" " * GAP)]
            room -= cells_wide + GAP
        return cells[:-1]


class PluginBox(Box):
    """The facts on one plugin."""

    facts: Details | None = None
    known: Known | None = None

    def content(self, width: int, height: int) -> Sequence[Line]:
        if self.facts is None or self.known is None:
            return []
        return about_plugin(self.known, self.facts, width)


class PrintedBox(Box):
    """What a plugin printed while it was loaded."""

    text = ""

    def content(self, width: int, height: int) -> Sequence[Line]:
        return wrap([Span(self.text)], width)


def about_plugin(known: Known, facts: Details, width: int) -> list[Line]:
    """Everything that is known of a plugin, in lines of at most `width` cells."""
    lines: list[Line] = []

    def say(text: str, role: str = "muted") -> None:
        lines.extend(wrap([Span(text, role)], width) if text else ())

    glyph = Span(f"{GLYPHS[known.state]} ", ROLES[known.state])
    if known.state == "broken":
        lines += [(glyph, Span("does not load", "error")), ()]
        say(f"It {facts.problem}.", "")
        say(facts.advice, "title")
        lines += [(Span("u", "key"), Span(" tries it again", "muted")), ()]
    elif known.state == "off":
        lines += [(glyph, Span("is not used", "muted")), ()]
        say(f"It is {facts.problem.partition('. ')[0]}.", "")
        if _can_be_switched(known):
            lines.append((Span("d", "key"), Span(" uses its distribution again", "muted")))
        lines.append(())
    elif known.state == "reading":
        lines += [(glyph, Span(facts.problem, "muted")), ()]
        say(f"A process of its own loads it, for at most {describing.LIMIT_SECONDS:g} seconds.")
        lines.append(())
    say(facts.summary, "")
    say(facts.source)
    if known.state == "works":
        lines += [(), *_settings(facts, width), ()]
    say(facts.clash, "warning")
    say(facts.uses)
    if facts.has_output:
        count = len(known.output.splitlines())
        text = f" shows the {count:,} lines that it printed" if count > 1 else " shows what it printed"
        lines += [(), (Span("o", "key"), Span(text, "muted"))]
    return [cut(line, width) for line in lines]


def _settings(facts: Details, width: int) -> list[Line]:
    """Each option with its default and range, and under it what it is."""
    if not facts.settings:
        return [(Span("no options of its own", "muted"),)]
    names = min(max(cell_width(safe_line(s.name)) for s in facts.settings), max(8, width // 3))
    values = min(max(len("default"), *(cell_width(safe_line(s.default)) for s in facts.settings)), max(8, width // 4))
    head = f"{pad('option', names)}  {pad('default', values)}  range"
    lines: list[Line] = [(Span(head, "muted"),)]
    for setting in facts.settings:
        name, default = pad(safe_line(setting.name), names), pad(safe_line(setting.default), values)
        lines.append((Span(f"{name}  {default}  "), span(setting.range, "muted")))
        lines += [(Span("  "), *line) for line in wrap([Span(setting.help, "muted")], max(1, width - 2))]
    return lines


def _can_be_switched(known: Known) -> bool:
    """Whether it is used or not for good: not what comes with seqplay, nor what this session's variable decides."""
    of_session = isinstance(known.plugin.entry, FileEntry) or known.plugin.off.startswith("left out")
    return not known.plugin.built_in and not of_session


def _origin(known: Known) -> str:
    return f"{known.plugin.kind} of {known.plugin.origin}"
