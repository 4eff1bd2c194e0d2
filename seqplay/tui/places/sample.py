"""Sample: write with a model, together with it, and see what it would have written instead."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical

from seqplay import paths
from seqplay.draw.lines import Line, Span, span
from seqplay.draw.numbers import pace, plural
from seqplay.errors import UsageError
from seqplay.runs import shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.scores import DRAWS
from seqplay.safe_text import safe_line
from seqplay.tui import sampling
from seqplay.tui.keys import bind
from seqplay.tui.place import TALL, WIDE, Place
from seqplay.tui.sampling import NAMES
from seqplay.tui.subject import Subject
from seqplay.tui.widgets import prompt_box
from seqplay.tui.widgets.dials_box import DialsBox, dials
from seqplay.tui.widgets.footer import Hint
from seqplay.tui.widgets.novelty_box import NoveltyBox, SourcesBox, in_short
from seqplay.tui.widgets.odds_box import OddsBox
from seqplay.tui.widgets.prompt_box import PromptBox, PromptEditor
from seqplay.tui.widgets.writing_box import LEAST_DEEPEST, VIEWS, WritingBox
from seqplay.tui.writer import Writer
from seqplay.tui.writing import TAKEN, Writing

DRAW_SECONDS = 0.1  # two pictures of a text that grows
MAIN = "main"
BOXES = ("cooler", MAIN, "warmer")


class Sample(Place):
    name_ = "sample"
    CSS_PATH = ["sample.tcss"]
    about = (
        "The model goes on from the prompt, one token after the other. Each is shaded by how unexpected it was. The "
        "bars are the odds of what comes next: a digit takes that token, the temperature makes them sharper or more "
        "even, and ← → read at any earlier place. A text is also compared with what the model learned from: what is "
        "copied, and what is new."
    )
    BINDINGS = [
        bind("enter s", "write", "write"),
        bind("space", "pause", "pause"),
        bind("i", "edit", "edit the prompt"),
        bind("f", "file", "prompt from a file"),
        bind("n", "new", "new text, without a prompt"),
        *(Binding(str(n), f"take({n})", "take that token", key_display=f"1-{TAKEN}") for n in range(1, TAKEN + 1)),
        bind("w", "word", "a word"),
        bind("left", "read(-1)", "read back"),
        bind("right", "read(1)", "read on; at the end, write one token"),
        bind("up", "read_line(-1)", "a line up"),
        bind("down", "read_line(1)", "a line down"),
        bind("home", "read_first", "the beginning"),
        bind("end", "read_last", "the end"),
        bind("backspace", "take_back", "take the last token back"),
        bind("minus", "turn(-1)", "turn the dial down"),
        bind("plus equals_sign", "turn(1)", "turn the dial up"),
        *(bind(key, f"dial('{key}')", name) for key, name in NAMES.items()),
        bind("b", "beside", "three temperatures beside each other"),
        bind("v", "view", "surprise, copies, plain"),
        bind("o", "origin", "where the copy comes from"),
        bind("left_square_bracket shift+left", "earlier(-1)", "the text before", "["),
        bind("right_square_bracket shift+right", "earlier(1)", "the text after", "]"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.writer = Writer(self.playground, self, changed=self._draw, moved=self._show_reading)
        self.in_hand, self.view = "t", VIEWS[0]
        self.wants_beside: bool | None = None  # None: where there is room
        self.wants_sources: bool | None = None
        self.prompt, self.odds, self.dials = PromptBox(), OddsBox(), DialsBox("dials", id="dials")
        self.sources, self.novelty = SourcesBox(), NoveltyBox()
        self.boxes = {name: WritingBox(id=name, focusable=name == MAIN) for name in BOXES}
        self.main = self.boxes[MAIN]

    def body(self) -> ComposeResult:
        with Horizontal(id="sample"):
            with Vertical(id="left"):
                yield self.prompt
                with Horizontal(id="columns"):
                    yield from self.boxes.values()
                yield self.sources
                yield self.novelty
            with Vertical(id="answers"):
                yield self.odds
                yield self.dials

    def on_mount(self) -> None:
        self.set_interval(DRAW_SECONDS, self._draw_if_stale)
        self.main.focus()
        self.show()

    # -- what is seen

    @property
    def is_beside(self) -> bool:
        """Whether three temperatures are seen beside each other."""
        width, height = self.app.size
        roomy = width >= WIDE[1] and height >= TALL[0]
        return roomy if self.wants_beside is None else self.wants_beside

    def hints(self) -> list[str | Hint]:
        if self.prompt.is_edited:
            return [("enter", "write"), ("^j", "new line"), ("esc", "leave it")]
        if self.subject is not None and self.subject.has_pictures:
            return [("D", "see its pictures"), ("T", "train a text"), ("R", "runs")]
        if self.subject is None or not self.subject.has_model:
            return [("T", "train one"), ("R", "runs")] if self.subject is None else [("T", "watch it learn")]
        pause = "pause|pause" if self.writer.is_writing else "pause|go on"
        first: list[str | Hint] = [pause, "write"] if self.writer.is_writing else ["write", pause]
        more: list[str | Hint] = [("1-9", "take"), "word", ("← →", "read"), ("- +", "turn"), "beside|beside"]
        views: list[str | Hint] = ["view|view", "edit|prompt"]
        copies: list[str | Hint] = ["origin|origin"] if self.writer.writing.sources else []
        return [*first, *more, *views, *copies, *(["earlier(-1)|earlier"] if len(self.writer.earlier) > 1 else [])]

    def bindings(self) -> list[Binding]:
        """The nine digits as one, which asks for the digit: that is what the help, a click and the commands have."""
        found = super().bindings()
        first = next(at for at, binding in enumerate(found) if binding.action == "take(1)")
        return [*found[:first], replace(found[first], action="take_any"), *found[first + TAKEN :]]

    def show(self) -> None:
        """The subject has news: another run, its first checkpoint, its end."""
        if not self.is_mounted:
            return
        writer = self.writer
        writer.is_beside = self.is_beside
        run = self.subject.run if self.subject else None
        if run != writer.run:
            writer.open(run)
        if not (writer.is_writing or writer.problem or writer.writing.pieces):
            writer.write()
        self._draw()

    def _draw_if_stale(self) -> None:
        if self.writer.is_stale and self.is_current:
            self._draw_text()

    def _draw(self) -> None:
        self._draw_text()
        writer, prompt, sources = self.writer, self.prompt, self.sources
        if prompt.text != writer.prompt:
            prompt.put(writer.prompt)
            writer.prompt = prompt.text
        prompt.name_unknown(writer.unknown)
        self.dials.put(dials(writer.sampling), self.in_hand)
        roomy = self.has_class("-huge") and self.has_class("-towering")
        sources.display = roomy if self.wants_sources is None else self.wants_sources
        sources.put(writer.writing, writer.writing.source_at(writer.place))
        self.refresh_frame()

    def _draw_text(self) -> None:
        """What changes while it writes."""
        writer, odds, deepest = self.writer, self.odds, self._deepest()
        writer.is_stale, writer.room = False, odds.rows()
        three = len(writer.shown) == len(BOXES) and self.is_beside
        for number, box in enumerate(self.boxes.values()):
            box.display = three or box is self.main
            if not box.display:
                continue
            shown = writer.shown[number] if three else writer.writing
            box.view, box.deepest = self.view, deepest
            box.card = self._card() if box is self.main else ()
            box.heading = self._heading(shown, three, box.has_focus)
            box.caption = self._caption(shown) if box is self.main else self._aside(shown)
            box.put(shown)
        odds.deepest, odds.cut_by = deepest, writer.sampling.cut_by()
        odds.put(writer.next if self.subject else None, writer.writing, writer.reading, self._unit(1))
        self.novelty.put(writer.writing, self.view)

    def _show_reading(self) -> None:
        self.main.put(self.writer.writing)
        self.main.read_at(self.writer.reading)

    def _deepest(self) -> float:
        """The bits from which on a piece counts as most unexpected; the more tokens there are, the more."""
        plan = self.writer.plan
        return max(LEAST_DEEPEST, 0.9 * math.log2(max(2, plan.vocabulary))) if plan else LEAST_DEEPEST

    def _unit(self, count: int) -> str:
        unit = self.writer.plan.unit if self.writer.plan else "character"
        return unit if count == 1 else plural(unit)

    def _heading(self, writing: Writing, three: bool, focused: bool) -> Line:
        role = "title" if focused else ""
        if three:
            return (Span(f"temperature {writing.temperature:.2f}", role),)
        if not writing.pieces:
            return (Span("writes", role),)
        views = [Span(f" {view} ", "chosen" if view == self.view else "muted") for view in VIEWS]
        return (Span("writes", role), Span(" ── ", "hairline"), *views)

    def _caption(self, writing: Writing) -> str:
        """What happens to the text, and what is known of it."""
        writer = self.writer
        if not writing.pieces:
            return ""
        if writer.news or writer.problem:
            return safe_line(writer.news or writer.problem)
        is_done = not (writer.is_writing or writer.is_paused)
        if is_done and len(writer.shown) > 1 and self.is_beside:
            return self._aside(writing)
        if not is_done:
            said = [f"{writing.written:,} of {writing.wanted:,} {self._unit(writing.wanted)}"]
        else:
            novelty = "" if self.novelty.display else in_short(writing)
            said = [novelty or f"{writing.written:,} {self._unit(writing.written)}"]
        if writer.is_paused:
            said.append("paused")
        if writer.speed and writing.written:
            said.append(f"{pace(writer.speed)} a second")
        if writing.step is not None:
            said.append(f"step {writing.step:,}")
        if writer.shown in writer.earlier[:-1]:
            said.append(f"text {writer.earlier.index(writer.shown) + 1} of {len(writer.earlier)}")
        return " · ".join(said)

    def _aside(self, writing: Writing) -> str:
        if writing.missing > 0 and self.writer.is_writing:
            return f"{writing.written:,} of {writing.wanted:,}"
        return in_short(writing)

    def _card(self) -> Sequence[Line]:
        """What is said while there is no text."""
        subject, writer = self.subject, self.writer
        if subject is None:
            return _without_run()
        if subject.has_pictures:
            does = " draws: " if subject.task == DRAWS else " reads pictures: "
            return [(span(subject.name, "title"), Span(does), Span("D", "key"), Span(" shows it", "muted"))]
        if writer.problem:
            again = (Span("enter", "key"), Span(" tries again", "muted"))
            return [(Span("✗ ", "error"), span(writer.problem)), (), again]
        if writer.news:
            return [(Span("◌ ", "warning"), span(writer.news, "muted"))]
        if not subject.has_model:
            return _without_model(subject)
        if writer.is_writing:
            count = len(writer.prompt)
            what = f"reading a prompt of {count:,} characters …" if count else "asking the model …"
            return [(Span("◌ ", "muted"), Span(what, "muted"))]
        return [(Span("enter", "key"), Span(" writes", "muted"))]

    # -- writing

    def action_write(self) -> None:
        self.writer.write()

    def action_pause(self) -> None:
        self.writer.pause()

    def action_word(self) -> None:
        self.writer.write_word()

    def action_take(self, number: int) -> None:
        self.writer.take(number)

    def action_take_any(self) -> None:
        """Ask which token to take."""
        if self.writer.next is not None:
            self.run_quietly(self._take_any, group="take")

    async def _take_any(self) -> None:
        typed = await self.footer.ask(f"which token, 1 to {TAKEN}:")
        if typed is not None and typed.strip() in map(str, range(1, TAKEN + 1)):
            self.writer.take(int(typed))

    def action_take_back(self) -> None:
        self.writer.take_back()

    @on(OddsBox.Take)
    def _odds_clicked(self, event: OddsBox.Take) -> None:
        self.writer.take(event.number)

    def action_beside(self) -> None:
        """Three temperatures beside each other, or one."""
        self.wants_beside = not self.is_beside
        self.writer.put_beside(self.wants_beside)

    # -- reading

    def action_read(self, by: int) -> None:
        if by > 0 and self.writer.reading is None:
            self.writer.write_one()
        else:
            self.writer.look_at(self.writer.place + by)

    def action_read_line(self, by: int) -> None:
        if self.writer.writing.pieces and not (by > 0 and self.writer.reading is None):
            self.writer.look_at(self.main.a_line_on(by))

    def action_read_first(self) -> None:
        self.writer.look_at(0)

    def action_read_last(self) -> None:
        self.writer.look_at(None)

    def action_earlier(self, by: int) -> None:
        self.writer.show_earlier(by)

    @on(WritingBox.Read)
    def _clicked(self, event: WritingBox.Read) -> None:
        self.main.focus()
        if event.box is self.main:
            self.writer.look_at(event.piece)

    def action_view(self) -> None:
        self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
        self._draw()

    def action_origin(self) -> None:
        """Show the line that the copy at the cursor comes from; without one there, go to the next copy."""
        writer, is_open = self.writer, self.sources.display
        sources, at = writer.writing.sources, writer.writing.source_at(writer.place)
        if not sources or (at is not None and not is_open):
            self.wants_sources = not is_open
            self._draw()
            return
        after = [source for source in sources if source.begin > writer.place]
        if not after and (writer.reading is None or not is_open):
            after = sources
        self.wants_sources = bool(after) or None
        writer.look_at(after[0].begin if after else None)

    # -- dials

    def action_dial(self, key: str) -> None:
        """Take a dial in hand; once more, type its value."""
        if key != self.in_hand:
            self.in_hand = key
            self._draw()
        else:
            self.run_quietly(lambda: self._type(key), group="dial")

    async def _type(self, key: str) -> None:
        answer = await self.footer.ask(f"{NAMES[key]}:", sampling.value_of(self.writer.sampling, key))
        if answer is not None:
            self.writer.turn(sampling.typed(self.writer.sampling, key, answer))

    def action_turn(self, by: int) -> None:
        self.writer.turn(sampling.turned(self.writer.sampling, self.in_hand, by))

    @on(DialsBox.Taken)
    def _dial_clicked(self, event: DialsBox.Taken) -> None:
        self.action_dial(event.key)

    @on(DialsBox.Turned)
    def _dial_turned(self, event: DialsBox.Turned) -> None:
        self.action_turn(event.by)

    # -- the prompt

    def action_edit(self) -> None:
        if self.prompt.is_long:
            self.playground.tell("This prompt is too long to be edited here. n begins a new one, f opens a file.")
        else:
            self.prompt.editor.focus()
            self.refresh_frame()

    @on(PromptEditor.Submitted)
    def _submitted(self, event: PromptEditor.Submitted) -> None:
        self._begin_with(event.text)

    @on(PromptEditor.Left)
    def _left(self) -> None:
        if not self.prompt.is_long:
            self.prompt.text = self.writer.prompt = self.prompt.editor.text
        self.main.focus()

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self._draw)

    def _begin_with(self, prompt: str) -> None:
        """Write on from a text."""
        self.prompt.put(prompt)
        self.writer.prompt, self.writer.unknown = self.prompt.text, ()
        self.main.focus()
        self.writer.write()
        self._draw()

    def action_new(self) -> None:
        self._begin_with("")

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self.footer.is_asking or not event.text:
            return
        try:
            self._begin_with(prompt_box.check_length(event.text))
        except UsageError as problem:
            self.complain(str(problem))

    def action_file(self) -> None:
        from seqplay.tui.open_file import OpenFile

        self.app.push_screen(OpenFile(), self._opened)

    def _opened(self, path: str | None) -> None:
        if path:
            self.run_quietly(lambda: self._open(path), group="file")

    async def _open(self, path: str) -> None:
        self._begin_with(await asyncio.to_thread(prompt_box.prompt_from, path))


def _without_run() -> list[Line]:
    """How to get a model to write with."""
    train = Span("T", "key")
    if _has_runs():
        choose = (Span("No run is open. "), Span("R", "key"), Span(" chooses one, "))
        return [(*choose, train, Span(" trains one."))]
    return [(Span("No model to ask yet. "), train, Span(" trains one: about a minute."))]


def _has_runs() -> bool:
    """Whether any run is on the shelf; no file is read."""
    with suppress(OSError), os.scandir(paths.runs_dir()) as entries:
        return any(entry.is_dir(follow_symlinks=False) and shelf.is_run(RunFiles(Path(entry))) for entry in entries)
    return False


def _without_model(subject: Subject) -> list[Line]:
    """Why there is nothing to write with yet, and what to do."""
    train = (Span("T", "key"), Span(" shows what happened", "muted"))
    match subject.state:
        case "broken":
            return [(Span("✗ ", "error"), span(subject.problem)), (), train]
        case "crashed":
            return [
                (Span("✗ ", "error"), Span("It crashed before its first checkpoint: nothing to write with.")),
                (),
                train,
            ]
        case "stopped" | "paused" | "finished":
            return [(Span("It has no checkpoint to write with."),), (), (Span("T", "key"), Span(" goes on with it"))]
    return [
        (span(subject.name, "title"), Span(" has no checkpoint yet: the first comes with its first score.")),
        (),
        (Span("It begins to write here by itself.", "muted"),),
    ]
