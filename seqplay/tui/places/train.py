"""Train: choose a text and a recipe, then watch the model learn it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from seqplay import files, paths
from seqplay.data.pictures import is_pictures
from seqplay.draw.lines import Line, Span, span
from seqplay.errors import SeqplayError, UsageError
from seqplay.figures import Bars, Curves, Floor, Picture, from_json
from seqplay.processes import begin
from seqplay.runs import charts, layout, scores, shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.names import name_from
from seqplay.runs.progress import Sample
from seqplay.tasks import Data
from seqplay.tui import verdict
from seqplay.tui.comparison import sample_at
from seqplay.tui.keys import bind
from seqplay.tui.places.steering import Steering
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.box import ListBox
from seqplay.tui.widgets.chart import ChartBox
from seqplay.tui.widgets.footer import Hint
from seqplay.tui.widgets.recipe_box import Asked, RecipeBox
from seqplay.tui.widgets.running import Vitals, Writes, WroteBefore, crash_card, waiting_card
from seqplay.tui.widgets.text_list import FILE, PASTE, Known, TextList
from seqplay.tui.widgets.xray_box import XrayBox

if TYPE_CHECKING:
    from seqplay.data.xray import Xray

PATIENCE = 10  # times LOOK_SECONDS, for a suggestion
LOOK_SECONDS = 0.12  # the cursor rests on a text for so long before it is looked at
WRITE, PICTURES = ("S", "write with it"), ("D", "see its pictures")
LEAST_PASTED = 200  # characters; less, on one line, is a path or a slip
SMALL = (("gradient norm", "gradient"), ("learning rate", "rate"), ("speed", "pace"))


class Train(Steering):
    name_ = "train"
    CSS_PATH = ["train.tcss"]
    about = (
        "Pick a text and press enter: a model learns it while you watch. The chart shows its loss, how surprised it is "
        "by each next character: on the text that it learns from (train), and on the end of the text, which it never "
        "learns from (held out; an estimate until the last score; ◆ is the best). The training loss may stand above: "
        "units are dropped at random while it learns, and none when it is scored. The dashed lines are what simple "
        "counting and gzip reach. At the right is what it writes now. Training is a process of its own: leaving does "
        "not end it."
    )
    BINDINGS = [
        bind("enter", "main", "train on it"),
        bind("t", "temperature", "temperature"),
        bind("s", "sample_now", "sample now"),
        bind("n", "new", "new run"),
        bind("backspace", "go_back", "back to the run"),
        bind("f", "file", "file"),
        bind("a", "all_settings", "all settings"),
        bind("slash", "find", "find"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.asked = Asked()
        self.wants_new = False
        self._suggested_for, self._is_starting = "", False
        self.choosing, self.running = Horizontal(id="choosing"), Horizontal(id="running")
        self.charts = Horizontal(id="small")
        self.texts, self.xray, self.recipe = TextList(), XrayBox(), RecipeBox(self.asked)
        self.loss, self.vitals = ChartBox("loss", id="loss", focusable=True), Vitals("", id="vitals")
        self.small = {name: ChartBox(title, id=name) for title, name in SMALL}
        self.writes, self.before = (
            Writes("writes now", id="writes", focusable=True),
            WroteBefore("wrote before", id="before"),
        )

    def body(self) -> ComposeResult:
        with self.choosing:
            yield self.texts
            with Vertical(id="beside"):
                yield self.xray
                yield self.recipe
        with self.running:
            with Vertical(id="left"):
                yield self.loss
                with self.charts:
                    yield from self.small.values()
                yield self.vitals
            with Vertical(id="right"):
                yield self.writes
                yield self.before

    def on_mount(self) -> None:
        super().on_mount()
        self.texts.put(self.playground.remembered.texts)
        self.show()

    @property
    def is_choosing(self) -> bool:
        return self.subject is None or self.wants_new

    @property
    def steered(self) -> Subject | None:
        return None if self.is_choosing else self.subject

    # -- what is seen

    def hints(self) -> list[str | Hint]:
        if self.is_choosing:
            back: list[str | Hint] = ["go_back"] if self.subject else []
            recipe = ("↑↓←→", "choose") if self.recipe.has_focus else ("tab", "recipe")
            return ["main|train on it", recipe, "find", "file", "all_settings", *back]
        subject = self.subject
        assert subject is not None
        scrub: list[str | Hint] = ["back", "on|scrub", "turn_x|axes"]
        if subject.has_pictures:
            go: dict[str, list[str | Hint]] = {"running": ["pause", "stop", "learning_rate"], "waiting": ["stop"]}
            go |= {state: ["pause|continue"] for state in ("paused", "stopped", "crashed")}
            return [PICTURES, *go.get(subject.state, []), *scrub, "new", "output"]
        match subject.state:
            case "running":
                first: list[str | Hint] = [WRITE] if subject.progress.evaluation.get("step") else []
                more: list[str | Hint] = ["learning_rate", "temperature", "sample_now", *scrub, "new"]
                return [*first, "pause", "stop", *more]
            case "waiting":
                return ["stop", "new"]
            case "paused":
                return ["pause|continue", "stop", WRITE, "learning_rate", "temperature", *scrub, "new"]
            case "finished":
                return [WRITE, "new", *scrub]
            case "stopped" | "crashed":
                return ["pause|continue", WRITE, "new", "output", *scrub]
        return ["new", "output"]

    def on_descendant_focus(self) -> None:
        self.refresh_frame()

    def let_go(self) -> None:
        (self.texts if self.is_choosing else self.loss).focus()

    def show(self) -> None:
        if not self.is_mounted:
            return
        choosing = self.is_choosing
        self.choosing.display = choosing
        self.running.display = not choosing
        if choosing:
            if self.focused is None and not self.footer.is_asking:
                self.texts.focus()
            return
        if (self.focused is None or not self.focused.display) and not self.footer.is_asking:
            self.loss.focus()
        assert self.subject is not None
        self._show_run(self.subject)

    def _show_run(self, subject: Subject) -> None:
        progress = subject.progress
        floors = self.playground.yardsticks.of(subject.plan)
        figure = charts.loss_chart(progress, self.axes, floors, cursor=self.cursor, away=subject.away(self.axes.x))
        title = "losses" if subject.task == scores.DRAWS else f"loss, {self.axes.y_label(progress.unit)}"
        self.loss.put(figure, title=title, caption=self._caption(subject, floors))
        self.vitals.subject = subject
        self.vitals.redraw()
        sample = sample_at(progress, self.axes.x, self.cursor)
        writes, before = self.writes, self.before
        before.display = not subject.has_pictures
        writes.card = self._card(subject)
        writes.sample = sample
        writes.show(title=self._writes_title(subject, sample), caption=self._writes_caption(subject, sample))
        before.samples, before.chosen = progress.samples, sample
        before.show(caption="[ ] goes back in time" if len(progress.samples) > 1 else "")
        if self.charts.display:
            self._show_small(subject)

    def _show_small(self, subject: Subject) -> None:
        for title, name in SMALL:
            series = getattr(subject.progress, name)
            curve = series.curve("", "muted", axis=self.axes.x)
            end = charts.x_end(subject.progress, self.axes.x)
            figure = Curves((curve,), x_label=self.axes.x_label, x_end=end, cursor=self.cursor, whole_y=True)
            self.small[name].put(figure, title=title)

    def _card(self, subject: Subject) -> Sequence[Line]:
        match subject.state:
            case "waiting":
                return waiting_card(subject)
            case "crashed":
                return crash_card(subject)
            case "broken":
                return [(Span("✗ ", "error"), span(subject.problem))]
        if subject.has_pictures:
            does = " draws" if subject.task == scores.DRAWS else " reads pictures"
            return [(span(subject.name, "title"), Span(f"{does}: "), Span("D", "key"), Span(" shows it", "muted"))]
        return ()

    def _writes_title(self, subject: Subject, sample: Sample | None) -> str:
        if subject.has_pictures:
            return "pictures" if subject.state in ("running", "paused", "stopped", "finished") else subject.state
        if self._card(subject):
            return subject.state
        if self.cursor is not None and sample is not None:
            return f"wrote at step {sample.step:,}"
        return "writes now" if subject.state == "running" else "wrote last"

    def _writes_caption(self, subject: Subject, sample: Sample | None) -> str:
        if sample is None or self._card(subject):
            return ""
        return sample.caption

    def _caption(self, subject: Subject, floors: Sequence[Floor]) -> str:
        progress = subject.progress
        if self.cursor is not None:
            return verdict.at(progress, self.axes, self.cursor)
        if subject.state == "paused":
            return f"paused at step {progress.step.get('step', 0):,}; space goes on"
        if subject.state == "stopped":
            return f"stopped at step {progress.step.get('step', 0):,}, nothing is lost; space goes on"
        away = self.playground.while_away(subject)
        if subject.has_pictures:
            warning = scores.warning(progress) if subject.task == scores.DRAWS else ""
            return away or warning or scores.verdict(progress, subject.task, subject.state)
        return away or verdict.verdict(progress, floors, subject.state)

    def reach(self) -> tuple[float, float] | None:
        if self.is_choosing or self.subject is None or not self.subject.progress.step:
            return None
        train = self.subject.progress.train
        return 0.0, train.place(train.steps[-1], self.axes.x) or 0.0

    # -- choosing

    @on(ListBox.Moved, "#texts")
    def _moved(self) -> None:
        self.run_quietly(self._look_at, group="xray")

    def _offer(self, data: Data) -> None:
        """The recipe is one for this kind of data."""
        if self.asked.data != data:
            self.asked.data, self.recipe.in_hand = data, 0
            self.recipe.why = ""
            self.recipe.show(caption="")

    @on(ListBox.Chosen, "#texts")
    def _clicked(self) -> None:
        self.action_main()

    @on(RecipeBox.Changed)
    def _recipe_changed(self) -> None:
        self.xray.redraw()

    @on(RecipeBox.Start)
    def _start_clicked(self) -> None:
        self.action_main()

    async def _look_at(self) -> None:
        """The X-ray of the text under the cursor, and the recipe that suits it."""
        chosen = self.texts.chosen
        box = self.xray
        if chosen is None or chosen in (FILE, PASTE):
            box.say_what_to_do(chosen)
            return
        self.asked.suggested, self._suggested_for = {}, ""
        await asyncio.sleep(LOOK_SECONDS)
        self._offer(await asyncio.to_thread(data_of, chosen.source))
        box.begin(chosen.name)
        try:
            if self.asked.data == "pictures":
                await self._look_at_pictures(chosen)
                return
            async for xray in self.playground.look_at(chosen.source):
                box.put(xray)
                self._suggest(xray, chosen)
                if xray.is_final and xray.data:
                    box.best = await asyncio.to_thread(best_of, xray.data)
                    box.redraw()
        except SeqplayError as problem:
            box.refuse(str(problem))
            self.recipe.show(caption="")

    async def _look_at_pictures(self, chosen: Known) -> None:
        """Some of the pictures under the cursor, and how many there are."""
        self._suggested_for = chosen.source
        about: dict[str, Any] = {}
        some: Picture | None = None
        async for row in self.playground.look_at_pictures(chosen.source):
            if row["kind"] == "pictures":
                about, some = row, None
                self.xray.put_pictures(about, None, None)
            elif row["kind"] == "figure":
                with suppress(ValueError):
                    figure = from_json(row)
                    some = figure if isinstance(figure, Picture) else some
                    self.xray.put_pictures(about, some, figure if isinstance(figure, Bars) else None)

    def _suggest(self, xray: Xray, chosen: Known) -> None:
        box, suggestion = self.recipe, xray.suggestion
        found = {"tokens": suggestion.tokens, "size": suggestion.size, "minutes": suggestion.minutes}
        self.asked.suggested = {name: value for name, value in found.items() if value is not None}
        box.why, self._suggested_for = suggestion.why, chosen.source
        box.show(caption="suggested" if box.is_compact else "suggested for this text and this machine")

    def action_main(self) -> None:
        """Enter: train on the text under the cursor; of a run, what comes first in the footer."""
        if not self.is_choosing:
            if self.subject and self.subject.state in ("stopped", "paused", "crashed"):
                self.action_pause()
            elif self.subject and self.subject.has_pictures:
                self.playground.action_go("digits")
            elif self.subject and self.subject.has_model:
                self.action_write()
            return
        chosen = self.texts.chosen
        if chosen == FILE:
            self.action_file()
        elif chosen == PASTE:
            self.playground.tell("Paste with your terminal's own key, often ctrl+shift+v: a path, or a text to learn.")
        elif chosen is not None and not self._is_starting:
            self._is_starting = True
            self.run_quietly(lambda: self._start(chosen))

    async def _start(self, chosen: Known) -> None:
        """Read the text, make the run and start its trainer: in a thread that ends what it has begun."""
        self.texts.show(caption=f"reading {chosen.name} …")
        try:
            for _ in range(PATIENCE):  # enter was hit before there was a suggestion for this text
                if self._suggested_for == chosen.source:
                    break
                await asyncio.sleep(LOOK_SECONDS)
            self._offer(await asyncio.to_thread(data_of, chosen.source))
            run, trainer = await asyncio.to_thread(begin.begin, [chosen.source], self.asked.recipe())
        finally:
            self._is_starting = False
            self.texts.show(caption="")
        if os.sep in chosen.source:
            self.playground.remembered.remember_text(chosen.source)
        self._follow(run, trainer)

    def _follow(self, run: RunFiles, trainer: subprocess.Popen[bytes]) -> None:
        self.wants_new = False
        super()._follow(run, trainer)
        if self.subject is not None and self.subject.has_pictures:
            self.playground.action_go("digits")

    def action_new(self) -> None:
        if not self.is_choosing:
            self.wants_new = True
            self.texts.put(self.playground.remembered.texts)
            self.texts.focus()
            self.show()
            self.refresh_frame()

    def action_go_back(self) -> None:
        self.wants_new = False
        self.show()
        self.refresh_frame()

    def action_file(self) -> None:
        from seqplay.tui.open_file import OpenFile

        if self.is_choosing:
            self.app.push_screen(OpenFile(), self._opened)

    def _opened(self, path: str | None) -> None:
        if not path:
            return
        if not (os.path.isfile(path) or os.path.isdir(path)):
            self.complain(f"{path} is no file or folder that can be read.")
            return
        self.playground.remembered.remember_text(path)
        self._list(path)

    def _list(self, source: str) -> None:
        texts = self.texts
        texts.filter = ""
        texts.put(self.playground.remembered.texts, source)
        texts.focus()

    def on_paste(self, event: events.Paste) -> None:
        """A path is opened; prose becomes a text of its own."""
        event.stop()
        pasted = event.text.strip()
        if not pasted or not self.is_choosing:
            return
        path = os.path.expanduser(pasted.strip("'\"").replace("\\ ", " "))
        if "\n" not in pasted and len(pasted) < 4096 and os.path.exists(path):
            self._opened(os.path.abspath(path))
        elif len(pasted) >= LEAST_PASTED or "\n" in pasted:
            self.run_quietly(lambda: self._keep_pasted(event.text))
        else:
            self.complain(f"No file has that name, and {len(pasted):,} characters are too few to learn from.")

    async def _keep_pasted(self, text: str) -> None:
        self._opened(str(await asyncio.to_thread(keep_pasted, text)))

    def action_find(self) -> None:
        if self.is_choosing:
            self.run_quietly(self._find, group="find")

    async def _find(self) -> None:
        texts = self.texts

        def narrow(wanted: str) -> None:
            texts.filter = wanted
            texts.put(self.playground.remembered.texts)

        if await self.footer.ask("find:", texts.filter, live=narrow) is None:
            narrow("")
        texts.focus()

    def action_all_settings(self) -> None:
        from seqplay.tui.form import Form

        if self.is_choosing:
            kind = "cell" if self.asked.data == "text" else "model"
            own = self.playground.options_of(self.asked.network, kind)
            self.app.push_screen(Form(self.asked, own), lambda _: self.recipe.redraw())

    # -- while it runs

    def action_write(self) -> None:
        self.playground.action_go("sample")

    def action_sample_now(self) -> None:
        self.ask_trainer("sample")

    def action_temperature(self) -> None:
        self.run_quietly(lambda: self.turn("temperature", "temperature of what it writes:"), group="turn")


def data_of(source: str) -> Data:
    """What kind of data a source holds."""
    return "pictures" if is_pictures([source]) else "text"


def best_of(data: str) -> tuple[str, float] | None:
    """The run that has learned the text of this SHA-256 best, by characters, and its held-out loss in nats."""
    found = []
    for run in shelf.all_runs():
        with suppress(SeqplayError):
            asked = layout.read_json(run.recipe)
            if asked.get("data") == data and asked.get("tokens") == "char":
                loss = shelf.summarise(run).held_out_loss
                found += [(run.name, loss)] if loss is not None else []
    return min(found, key=lambda one: one[1], default=None)


def keep_pasted(text: str) -> str:
    """Keep a pasted text as a file of the user's, named by its first words; the file's path."""
    folder = paths.make_private(paths.home() / "pasted")
    words = " ".join(text.split()[:5])
    stem = name_from(words)[:40]
    for count in range(1, 10_000):
        path = folder / (f"{stem}.txt" if count == 1 else f"{stem}-{count}.txt")
        if not path.exists():
            files.write_atomically(path, text.encode("utf-8", "replace"))
            return str(path)
    raise UsageError(f"{folder} is full of texts that begin like this one.")
