"""Digits: what a run draws, or reads, while it learns; its pictures through time, between two points, and by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from seqplay.draw.art import KINDS
from seqplay.draw.lines import Line, Span, span
from seqplay.draw.numbers import clock, reading
from seqplay.errors import SeqplayError
from seqplay.figures import Picture
from seqplay.processes import begin
from seqplay.recipe import Recipe
from seqplay.runs import charts, scores
from seqplay.runs.layout import RunFiles
from seqplay.safe_text import safe_line
from seqplay.tui import picture_cards, picture_facts
from seqplay.tui.keys import bind
from seqplay.tui.pixels import pixels_of
from seqplay.tui.places.by_hand import ByHand
from seqplay.tui.places.digits_asking import LIKE, NOW, SLIDERS_OFF, WRONG
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.chart import ChartBox
from seqplay.tui.widgets.footer import Hint
from seqplay.tui.widgets.judge_box import BalanceBox, FactsBox
from seqplay.tui.widgets.pictures_box import PicturesBox, ThroughTime
from seqplay.tui.widgets.running import crash_card
from seqplay.tui.widgets.sliders_box import KEYS

MINUTES = 3.0  # of a generator that is grown from here
ART = ("auto", *KINDS)


class Digits(ByHand):
    name_ = "digits"
    CSS_PATH = ["digits.tcss"]
    about = (
        "Two networks play against each other: a generator turns random points into pictures, and a critic learns to "
        "tell them from real ones. The grid shows the same points the whole time, so you see each turn from noise into "
        "a digit. The judge is a reader that was trained on real digits and never sees the game: it tells how much of "
        "what is drawn it can read, whether all classes are drawn, and how far drawings as a whole are from real ones. "
        "A run that learns to recognise shows what it reads, what it mistakes, and what its layers see."
    )
    BINDINGS = [
        bind("enter", "main", "hold the picture large"),
        bind("w", "walk", "walk between two"),
        bind("n", "points", "new points"),
        bind("v", "view", "next view"),
        bind("b", "by_hand", "draw by hand"),
        bind("a", "art", "art: blocks, braille, ASCII"),
        bind("u", "turn_unit", "chart: losses, or what is read"),
        bind("1", "step(1)", "step the critic"),
        bind("2", "step(2)", "step the generator"),
        bind("3", "step(3)", "step both"),
        bind("minus", "turn(-1)", "move the point back"),
        bind("plus equals_sign", "turn(1)", "move the point on"),
        *(bind(key, f"slider('{key}')", f"direction {number}") for number, key in enumerate(KEYS, start=1)),
        bind("backspace", "unturn", "the point as it was"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.time = ThroughTime(id="time")
        self.judge, self.balance = FactsBox("judge", id="judge"), BalanceBox("balance", id="balance")
        self.losses = ChartBox("losses", id="losses", focusable=True)
        self.is_turned = False
        """Whether the chart shows the other curves."""
        self._named: tuple[RunFiles, bool] | None = None

    def body(self) -> ComposeResult:
        with Horizontal(id="digits"):
            with Vertical(id="left"):
                yield from (self.grid, self.sheet, self.table, self.time, self.features)
            with Vertical(id="right"):
                yield from (self.judge, self.held, self.sliders, self.odds, self.losses, self.balance)

    def on_mount(self) -> None:
        super().on_mount()
        self.grid.focus()
        self.show()

    def hints(self) -> list[str | Hint]:
        subject = self.drawn_by
        if subject is None:
            return [("enter", "grow digits, 3 minutes"), ("T", "train"), ("R", "runs")]
        if self.is_by_hand:
            pen: list[str | Hint] = [("mouse", "draws"), ("↑↓←→", "pen"), ("space", "down, up"), ("backspace", "rub")]
            return [*pen, ("c", "clear"), "by_hand|done"]
        state = subject.state
        go = {"running": "pause", "paused": "pause|continue", "stopped": "pause|continue", "crashed": "pause|continue"}
        first: list[str | Hint] = [go[state]] if state in go else []
        if self.is_walking:
            first = ["pause|walk on" if self._walk_waits else "pause|pause the walk"]
        stop: list[str | Hint] = ["stop"] if state in ("running", "waiting", "paused") and subject.is_live else []
        crashed: list[str | Hint] = ["output"] if state in ("crashed", "broken") else []
        if not subject.progress.pictures:
            return [*first, *stop, *crashed, ("T", "train")]
        hold = "main|let go" if self.is_holding else "main|hold large"
        scrub: list[str | Hint] = [("[ ]", "scrub")]
        if self.is_reading:
            return [*first, *stop, *crashed, "view|mistakes", "by_hand|draw one", hold, *scrub, "art|art"]
        walk = "walk|walk to this one" if self.grid.marked is not None else "walk|walk"
        turn: list[str | Hint] = [("- +", "move it")] if self.is_holding else []
        step: list[str | Hint] = [("1 2 3", "step")] if subject.is_live else []
        more: list[str | Hint] = [walk, "points", *step, "by_hand|draw one", "view|view", "art|art"]
        return [*first, *stop, *crashed, *scrub, hold, *turn, *more]

    def let_go(self) -> None:
        if self.is_by_hand:
            self.action_by_hand()
        elif self.grid.marked is not None:
            self.grid.marked = None
        elif self.is_holding:
            self._hold(False)
        elif self.view != NOW:
            self._turn_to(NOW)
        self.grid.focus()
        self.show()

    # -- what is seen

    def show(self) -> None:
        if not self.is_mounted:
            return
        subject = self.drawn_by
        if (subject.run if subject else None) != self._shown_run:
            self._forget()
            self._shown_run = subject.run if subject else None
        self.set_class(subject is None, "-alone")
        self.set_class(self.is_reading, "-reading")
        self.set_class(self.is_holding, "-holding")
        self.set_class(self.is_by_hand, "-by-hand")
        self.set_class(self.view == WRONG, "-mistakes")
        if self.focused is None and not self.footer.is_asking:
            (self.sheet if self.is_by_hand else self.grid).focus()
        self._show_pictures(subject)
        if subject is not None:
            self._show_numbers(subject)
            self._show_held()
            self._look_at_chosen()

    def _show_pictures(self, subject: Subject | None) -> None:
        grid, card = self.grid, self._card(subject)
        if subject is None:
            grid.put(None, title="digits", card=card)
            return
        progress = subject.progress
        shown = scores.shown_at(progress, self.axes.x, self.cursor)
        figure = self.pictures()
        if card or figure is None:
            grid.put(None, title=subject.state if card else self._heading(subject), card=card or self._asking_card())
        else:
            grid.group = 2 if self.view == LIKE else 1
            grid.chosen = min(self.point if self.view == NOW else grid.chosen or 0, figure.count - 1)
            is_live = self.view == NOW and self.cursor is None and subject.state == "running"
            title, caption = self._heading(subject), self._caption(subject, figure, shown.step if shown else 0)
            grid.put(figure, title=title, caption=caption, fade=is_live)
        if self.is_reading:
            if self.view == WRONG:
                self._show_mistakes(self._heading(subject))
            self._show_features()
        elif self.time.display:
            self.time.look(progress.pictures, shown, self.point)

    def _heading(self, subject: Subject) -> Line:
        """The title of the main box: what is drawn, and the other views."""
        does = "reads" if self.is_reading else "draws"
        if self.cursor is not None:
            at = scores.step_at(subject.progress, self.axes.x, self.cursor) or 0
            now = f"{'read' if self.is_reading else 'drew'} at step {at:,}"
        else:
            now = f"{does} now" if subject.state == "running" else f"{does}"
        role = "title" if self.grid.has_focus or self.table.has_focus else ""
        views = self.views()
        if len(views) < 2 or self.grid.is_compact:
            return (Span(now if self.view == NOW else self.view, role),)
        names = [Span(f" {view} ", "chosen" if view == self.view else "muted") for view in views]
        return (Span(now if self.view == NOW else does, role), Span(" ── ", "hairline"), *names)

    def _caption(self, subject: Subject, figure: Picture, step: int) -> str:
        """What the pictures are, or what happens to the run."""
        if self.news:
            return safe_line(self.news)
        if self.grid.marked is not None:
            return f"from point {self.grid.marked + 1}: choose another, then w walks there"
        if self.view != NOW:
            what = safe_line(self.own_caption.get(self.view, figure.caption))
            return " · ".join(said for said in (self.drawn_with(self.own_step.get(self.view)), what) if said)
        at, progress = subject.progress.step.get("step", 0), subject.progress
        if self.cursor is None:
            if subject.state == "paused":
                return f"paused at step {at:,}; space goes on"
            if subject.state == "stopped":
                return f"stopped at step {at:,}, nothing is lost; space goes on"
            if subject.state == "finished" and (said := scores.verdict(progress, subject.task, subject.state)):
                return said
            if away := self.playground.while_away(subject):
                return away
        seen = self.grid.seen or figure.count
        of = f"{seen} of {figure.count}" if seen < figure.count else f"{figure.count}"
        what = "held-out pictures, true → read as" if self.is_reading else "fixed points"
        return f"step {step:,} · {of} {what}"

    def _card(self, subject: Subject | None) -> Sequence[Line]:
        """What is said while there are no pictures, or in their place."""
        if subject is None:
            return picture_cards.card_without_run(self.subject, MINUTES)
        if subject.state == "broken":
            return [(Span("✗ ", "error"), span(subject.problem))]
        if subject.state == "crashed" and self.cursor is None and self.view == NOW:
            return crash_card(subject)
        if subject.progress.pictures or self.view != NOW:
            return ()
        return picture_cards.card_without_pictures(subject)

    # -- numbers

    def _show_numbers(self, subject: Subject) -> None:
        progress, axes = subject.progress, self.axes
        value = partial(scores.value, progress, axis=axes.x, cursor=self.cursor)
        judge = self.judge
        judge.warning, judge.shares = "", ()
        judge.facts = picture_facts.facts(progress, subject.task, axes.x, self.cursor)
        if self.is_reading:
            judge.empty = "How many it reads right stands here from the first score on."
            judge.show(title="reads right", caption="on pictures it never learned")
            self._show_chart(subject, self._at_cursor(subject))
            return
        judge.shares = scores.class_shares(progress, axes.x, self.cursor)
        self._name_classes(subject)
        warning = judge.warning = scores.warning(progress, axes.x, self.cursor)
        note = progress.note if progress.note.get("note") == "preparing" else {}
        usual = "A reader that was trained on real digits looks at what is drawn, from the first score on."
        judge.empty = safe_line(str(note.get("message") or usual))
        if warning and not judge.facts:
            judge.facts = [("read with confidence", "—", "muted")]
        judge.show(title="judge", caption="" if judge.is_compact else "a reader trained on real digits")
        said = "" if warning else "no sign of collapse" if judge.shares else ""
        self._show_chart(subject, self._at_cursor(subject) or said)
        balance = self.balance
        balance.real, balance.drawn = value("train_real"), value("train_drawn")
        balance.empty = "What its critic takes for real stands here from the first steps on."
        balance.show(caption="0.50 and 0.50 is a draw" if balance.real is not None else "")

    def _name_classes(self, subject: Subject) -> None:
        """Find out what the classes are called, once for each run that has a plan."""
        wanted = subject.run, subject.plan is not None
        if wanted != self._named:
            self._named, self.judge.names = wanted, ()
            self.run_quietly(partial(self._find_names, subject.run), group="names")

    async def _find_names(self, run: RunFiles) -> None:
        found = await asyncio.to_thread(pixels_of, run)
        if found is not None and run == self._shown_run:
            self.judge.names = found.names
            self.judge.redraw()

    def _show_chart(self, subject: Subject, caption: str) -> None:
        """Accuracy and the losses of both networks; or, when the chart is turned, loss and what is read."""
        progress, axes = subject.progress, self.axes
        if self.is_reading and self.is_turned:
            figure = charts.loss_chart(progress, axes, cursor=self.cursor)
            self.losses.put(figure, title=f"loss, {axes.y_label(progress.unit)}", caption=caption)
            return
        series, title = (scores.READ, "read with confidence") if self.is_turned else (scores.LOSSES, "losses")
        series, title = (scores.ACCURACIES, "accuracy") if self.is_reading else (series, title)
        self.losses.put(scores.chart(progress, axes, series, self.cursor), title=title, caption=caption)

    def action_turn_unit(self) -> None:
        self.is_turned = not self.is_turned
        self.show()

    def _at_cursor(self, subject: Subject) -> str:
        if self.cursor is None:
            return ""
        where = clock(self.cursor) if self.axes.x == "seconds" else f"{self.cursor:,.0f}"
        facts = [f"at {where}"]
        for name, label, _ in scores.ACCURACIES if self.is_reading else scores.LOSSES:
            known = scores.value(subject.progress, name, self.axes.x, self.cursor)
            if known is not None:
                said = scores.percent(known, 1) if self.is_reading else reading(known)
                facts.append(f"{label} {said}")
        return "  ".join(facts)

    # -- time

    def reach(self) -> tuple[float, float] | None:
        subject = self.drawn_by
        if subject is None or not subject.progress.step:
            return None
        train = subject.progress.train
        return 0.0, train.place(train.steps[-1], self.axes.x) or 0.0

    def _move(self, by: int) -> None:
        """The cursor goes from pictures to pictures: no moment between two of them has any."""
        subject = self.drawn_by
        places = self._places(subject) if subject else []
        if len(places) < 2:
            super()._move(by)
            return
        if self.view != NOW:
            self._turn_to(NOW)
        at = len(places) - 1 if self.cursor is None else sum(place <= self.cursor for place in places) - 1
        there = max(0, at + by)
        self.cursor = None if there >= len(places) - 1 else places[there]
        self.show()
        self.refresh_frame()

    def _places(self, subject: Subject) -> list[float]:
        train, axis = subject.progress.train, self.axes.x
        return [train.place(shown.step, axis) or 0.0 for shown in subject.progress.pictures]

    # -- one picture

    @on(PicturesBox.Chosen, "#grid")
    def _chosen(self, event: PicturesBox.Chosen) -> None:
        if event.again:
            self.action_main()
            return
        if self.view == NOW:
            self.point = event.index
        self.moved = None
        self.sliders.move(SLIDERS_OFF, self.sliders.in_hand)
        self.show()

    def action_main(self) -> None:
        """Enter: hold the picture large, or let it go; without a run of pictures, grow one."""
        if self.drawn_by is None:
            self.run_quietly(self._grow, group="begin")
        elif self.is_by_hand:
            self.action_by_hand()
        elif self.pictures() is not None and not self.grid.card:
            self._hold(not self.is_holding)

    async def _grow(self) -> None:
        self.grid.put(
            None, title="digits", card=[(Span("◌ ", "muted"), Span("drawing digits to learn from …", "muted"))]
        )
        asked = Recipe(task=scores.DRAWS, minutes=MINUTES)
        try:
            run, trainer = await asyncio.to_thread(begin.begin, ["digits"], asked)
        except SeqplayError:
            self.show()
            raise
        self._follow(run, trainer)

    # -- what else can be done

    def action_art(self) -> None:
        """Draw pictures with other characters; the choice is remembered."""
        kept = self.playground.remembered
        kept.art = ART[(ART.index(kept.art) + 1) % len(ART)] if kept.art in ART else "auto"
        self.playground.tell(f"art: {kept.art}")
        for box in (self.grid, self.time, self.held, self.features, self.sheet):
            box.redraw()
        self.show()

    def action_step(self, phases: int) -> None:
        """Make one update of the critic, of the generator, or of both, and pause."""
        if self.is_reading or self.is_by_hand:
            return
        if not self.ask_trainer("step", phases):
            self.playground.tell("Only a run that trains or is paused makes a single step: space goes on with it.")
