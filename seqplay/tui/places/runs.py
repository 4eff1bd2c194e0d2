"""Runs: the shelf, what is on it and what trains now, and as many of its runs as you like side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from seqplay.draw.lines import Line, Span, span
from seqplay.errors import BusyError, UsageError, counted
from seqplay.figures import Floor
from seqplay.processes import training
from seqplay.runs import charts, control, scores, shelf, sizes
from seqplay.runs.charts import Axes
from seqplay.runs.layout import RunFiles
from seqplay.runs.summary import is_busy
from seqplay.safe_text import safe_line
from seqplay.tui import comparison, shelf_watch, verdict
from seqplay.tui.comparison import Compared, Measure
from seqplay.tui.drawn_runs import DrawnRuns
from seqplay.tui.keys import bind
from seqplay.tui.places.charting import Charting
from seqplay.tui.places.train import Train
from seqplay.tui.shelf_watch import Kept, ShelfWatch
from seqplay.tui.widgets.box import ListBox
from seqplay.tui.widgets.comparing import CardChart, Differs, WroteThen
from seqplay.tui.widgets.footer import Hint
from seqplay.tui.widgets.run_table import ORDERS, RunTable

LOOK_SECONDS = 1.0  # between two looks at the shelf
REST_SECONDS = 0.12  # the cursor rests on a run for so long before its curve is read
AT_ONCE = 24  # runs that are summarised between two looks at what is in sight: some 5 ms
POLL_SECONDS = 0.1
BREATH_SECONDS = 0.003  # between two slices of a long log, for keys
DRAW_SECONDS = 0.2
LEAST_ROWS = 4  # of the table


class Runs(Charting):
    name_ = "runs"
    CSS_PATH = ["runs.tcss"]
    about = (
        "Every run that you have made, the newest first. The chart shows the run under the cursor, or all runs that "
        "are marked: space marks one and gives it a colour, in the table, the chart, the table of what they differ in "
        "and the texts that they wrote. One cursor, moved by [ and ], shows all of them at one moment. What is drawn "
        "is the loss on held-out text. A run trains on wherever you go; here it is stopped, continued, renamed, or "
        "moved to the trash."
    )
    BINDINGS = [
        bind("space", "mark", "mark"),
        bind("enter", "open", "open"),
        bind("slash", "filter", "filter"),
        bind("o", "order", "order"),
        bind("c", "continue", "continue"),
        bind("full_stop", "stop", "stop"),
        bind("d", "differences", "differences"),
        bind("r", "rename", "rename"),
        bind("delete backspace", "remove", "delete", "del"),
        bind("escape", "back_out", "filter and marks off"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.table, self.curves = RunTable(), CardChart("loss", id="curves", focusable=True)
        self.differs, self.wrote = Differs(), WroteThen()
        self.known = ShelfWatch()
        self.drawn = DrawnRuns(self.playground, self.known)
        self._wake = asyncio.Event()
        self._seen_subject = ""

    def body(self) -> ComposeResult:
        yield self.table
        with Horizontal(id="beneath"):
            yield self.curves
            with Vertical(id="aside"):
                yield self.differs
                yield self.wrote

    def on_mount(self) -> None:
        super().on_mount()
        self.table.marks = self.drawn.marks
        self.table.focus()
        self.run_worker(self._follow_shelf(), group="shelf")
        self.run_worker(self._follow_logs(), group="logs")
        self.show()

    def on_screen_resume(self) -> None:
        self._wake.set()

    def on_unmount(self) -> None:
        self.drawn.close()

    # -- what is on the shelf

    async def _follow_shelf(self) -> None:
        """Look at the shelf now and then while this place is in sight; read what is new of it, in slices."""
        while True:
            seen = await asyncio.to_thread(shelf_watch.look, set(self.known.kept), self.known.generation)
            if self.known.take_in(seen):
                self._forget_gone()
                self._list()
                self.refresh_frame()
            again = True
            while stale := self.known.stale(self.table.in_sight(), again=again):
                # What may live is read once a look, what has changed until it is known.
                for begin in range(0, len(stale), AT_ONCE):
                    told = await asyncio.to_thread(shelf_watch.summarise, stale[begin : begin + AT_ONCE])
                    if self.known.learn(told):
                        self._list()
                    if not again:
                        break
                again = False
            self._caption()
            await self._pause(LOOK_SECONDS)

    async def _pause(self, seconds: float) -> None:
        """Wait; while another place is in sight, until this one is again."""
        self._wake.clear()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        while self.app.current_mode != self.name_:
            self._wake.clear()
            await self._wake.wait()

    def _list(self) -> None:
        """Put what is known of the shelf into the table."""
        table = self.table
        subject = self.subject.name if self.subject else ""
        choose = "" if subject == self._seen_subject or subject not in self.known.kept else subject
        if choose:
            self._seen_subject = subject
        table.put(list(self.known.kept.values()), choose)
        self._caption()
        self._look_at_chosen(at_once=not self.drawn.alone)

    def _forget_gone(self) -> None:
        """Runs that somebody removed or renamed lose their marks."""
        gone = self.drawn.forget_gone()
        if gone:
            self.playground.tell(f"{' and '.join(gone[:3])} {'is' if len(gone) == 1 else 'are'} not here any more.")
        if gone or not self.known.kept:
            self.show()

    def _caption(self) -> None:
        table, total = self.table, len(self.known.kept)
        runs = counted(total, "run")
        facts = [f"{len(table.rows):,} of {runs}" if table.filter else runs]
        counts = self.known.counts()
        told = {"running": "training", "paused": "paused", "crashed": "crashed", "broken": "broken"}
        if not table.filter:
            facts += [f"{counts[state]:,} {word}" for state, word in told.items() if counts.get(state)]
        known = sum(counts.values())
        if known < total:
            facts.append(f"reading {known:,}")
        table.empty = self._when_empty()
        table.styles.max_height = max(LEAST_ROWS, total) + (2 if table.is_compact else 3)
        title = f"runs with '{table.filter}'" if table.filter else "runs"
        caption = " · ".join(facts) if self.known.has_looked and total else ""
        if (title, caption) != (table.title, table.caption) or not table.rows:
            table.show(title=title, caption=caption)

    def _when_empty(self) -> Sequence[Line]:
        table = self.table
        if not self.known.has_looked:
            return [(Span("looking at the shelf …", "muted"),)]
        if table.filter and self.known.kept:
            what = "in its name, text, network, tokens or state"
            return [
                (
                    span(f"No run has '{table.filter}' {what}. ", "muted"),
                    Span("esc", "key"),
                    Span(" shows all.", "muted"),
                )
            ]
        return [
            (Span("No runs yet.", ""),),
            (
                Span("T", "key"),
                Span(" trains one on a text of yours, or on one that comes along: about a minute.", "muted"),
            ),
        ]

    # -- which runs are drawn

    async def _follow_logs(self) -> None:
        """Read the logs of what is drawn: a long one in slices, between which keys are answered."""
        loop = asyncio.get_running_loop()
        drawn, news = 0.0, False
        while True:
            new, loading = self.drawn.poll()
            news |= new
            if news and loop.time() - drawn >= DRAW_SECONDS:
                self.show()
                drawn, news = loop.time(), False
            await (asyncio.sleep(BREATH_SECONDS) if loading else self._pause(POLL_SECONDS))

    @on(ListBox.Moved, "#table")
    def _moved(self) -> None:
        self._look_at_chosen()

    def _look_at_chosen(self, *, at_once: bool = False) -> None:
        """Draw the run under the cursor, once the cursor has rested there."""
        chosen = self.table.chosen
        name = chosen.name if chosen else ""
        if name != self.drawn.alone:
            self.run_quietly(lambda: self._rest(name, 0.0 if at_once else REST_SECONDS), group="rest")

    async def _rest(self, name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.drawn.alone = name
        if not self.drawn.marks:
            self.cursor = None
        self.show()
        self.refresh_frame()

    # -- what is seen

    def hints(self) -> list[str | Hint]:
        table = self.table
        chosen = table.chosen
        if not self.known.kept:
            return [("T", "train one")]
        if chosen is None:
            return ["filter", "back_out|all runs"]
        first = {"paused": ["continue"], "stopped": ["continue"], "crashed": ["continue"], "running": ["stop"]}
        marked = "mark|unmark" if chosen.name in self.drawn.marks else "mark"
        narrow = ["differences|chart" if self.has_class("-differs") else "differences"] if self._is_narrow else []
        seen: list[str | Hint] = [*narrow, ("[ ]", "scrub"), ("x y z", "axes")]
        return [marked, "open", *first.get(chosen.state, []), "filter", "order", *seen, "remove", "rename"]

    @property
    def _is_narrow(self) -> bool:
        return self.app.size.width < 100

    def show(self) -> None:
        if not self.is_mounted:
            return
        if self.focused is None and not self.footer.is_asking:
            self.table.focus()
        self.table.subject_name = self.subject.name if self.subject else ""
        self.table.redraw()
        compared = self.drawn.compared()
        chart = self.curves
        measure = comparison.measure_of(compared, self.axes)
        chart.card = self._card(compared)
        self._show_chart(chart, compared, measure)
        self.differs.put(compared)
        self._show_written(compared)

    def _show_chart(self, chart: CardChart, compared: Sequence[Compared], measure: Measure) -> None:
        if not compared or chart.card:
            what = safe_line(self.drawn.names[0]) if self.drawn.names else "loss"
            chart.show(title=what, caption="")
            return
        if len(compared) == 1:
            self._show_alone(chart, compared[0])
            return
        floors = self._floors(compared) if not measure.warning else []
        figure = comparison.chart(compared, self.axes, measure, floors, cursor=self.cursor)
        caption = comparison.caption(compared, self.axes, measure, self.cursor)
        chart.put(figure, title=comparison.title_of(compared, measure.label), caption=caption)

    def _show_alone(self, chart: CardChart, one: Compared) -> None:
        subject, axes = one.subject, self.axes
        floors = self._floors([one])
        figure = charts.loss_chart(subject.progress, axes, floors, cursor=self.cursor)
        is_drawing = subject.task == scores.DRAWS
        if self.cursor is not None:
            caption = verdict.at(subject.progress, axes, self.cursor)
        elif subject.is_loading:
            caption = f"reading {one.name} …"
        elif subject.has_pictures:
            caption = scores.verdict(subject.progress, subject.task, subject.state)
        else:
            caption = verdict.verdict(subject.progress, floors, subject.state)
        label = "losses" if is_drawing else axes.y_label(subject.progress.unit)
        chart.put(figure, title=f"{one.name}, {label}", caption=caption)

    def _floors(self, compared: Sequence[Compared]) -> list[Floor]:
        is_shared = comparison.shared_text(compared) and not any(one.subject.is_loading for one in compared)
        return self.playground.yardsticks.of(compared[0].subject.plan) if is_shared else []

    def _card(self, compared: Sequence[Compared]) -> Sequence[Line]:
        """What is said in place of curves."""
        if not self.known.has_looked:
            return [(Span("looking at the shelf …", "muted"),)]
        if not self.known.kept:
            return [(Span("The curves of your runs are drawn here, as many as you mark, over each other.", "muted"),)]
        names = self.drawn.names
        if not names:
            return [(Span("No run is chosen.", "muted"),)]
        problem = next((self.drawn.unreadable[name] for name in names if name in self.drawn.unreadable), "")
        if not compared or (len(compared) == 1 and compared[0].subject.state == "broken"):
            problem = problem or (compared[0].subject.problem if compared else "It cannot be read.")
            return [(Span("✗ ", "error"), span(problem)), (), *_trash_line()]
        if any(one.progress.step for one in compared) or any(one.subject.is_loading for one in compared):
            return ()
        if len(compared) > 1:
            return [(Span("None of these runs has made a step yet.", "muted"),)]
        state = compared[0].subject.state
        if state == "waiting":
            return [(Span("◌ ", "muted"), Span("It has not made its first step yet.", "muted"))]
        went = [(Span("It ended before its first step.", "muted"),), ()]
        return [*went, (Span("c", "key"), Span(" tries again", "muted")), *_trash_line()]

    def _show_written(self, compared: Sequence[Compared]) -> None:
        written = [(one, comparison.made_at(one.subject, self.axes.x, self.cursor)) for one in compared]
        if self.cursor is not None:
            caption = f"at {comparison.place(self.axes, self.cursor)}"
        elif len(written) == 1 and written[0][1] is not None:
            caption = f"step {written[0][1].step:,}"
        else:
            caption = "the newest of each" if any(sample for _, sample in written) else ""
        self.wrote.put(written, "wrote then" if self.cursor is not None else "wrote last", caption)

    def reach(self) -> tuple[float, float] | None:
        return comparison.reach(self.drawn.compared(), self.axes)

    def _look(self, axes: Axes) -> None:
        super()._look(axes)
        if (span_ := self.reach()) and self.cursor is not None and self.cursor > span_[1]:
            self.action_now()

    # -- what can be done

    @property
    def _chosen(self) -> Kept:
        """The run under the cursor. Raises UsageError where there is none."""
        chosen = self.table.chosen
        if chosen is None:
            raise UsageError("There is no run under the cursor.")
        return chosen

    def action_mark(self) -> None:
        chosen = self.table.chosen
        if chosen is None:
            return
        self.drawn.mark(chosen.name)
        if (stretch := self.reach()) and self.cursor is not None and self.cursor > stretch[1]:
            self.cursor = None
        self._wake.set()
        self.show()
        self.refresh_frame()

    @on(RunTable.Marked)
    def _mark_clicked(self, event: RunTable.Marked) -> None:
        self.table.move_to(event.index)
        self.action_mark()

    @on(ListBox.Chosen, "#table")
    def _clicked(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        chosen = self.table.chosen
        if chosen is not None:
            self.run_quietly(lambda: self._open(chosen.run), group="open")
        elif not self.known.kept:
            self.action_train_one()

    async def _open(self, run: RunFiles) -> None:
        self.playground.open(run)
        self._seen_subject = run.name
        has_pictures = self.subject is not None and self.subject.has_pictures
        await self.app.switch_mode("digits" if has_pictures else "train")
        while len(self.app.screen_stack) > 1:  # a form that was left open there
            await self.app.pop_screen()
        train = self.app.screen
        if isinstance(train, Train):
            train.cursor = None
            train.action_go_back()

    def action_train_one(self) -> None:
        self.playground.action_go("train")

    def action_filter(self) -> None:
        self.run_quietly(self._filter, group="filter")

    async def _filter(self) -> None:
        table = self.table

        def narrow(wanted: str) -> None:
            table.filter = wanted.strip()
            self._list()

        if await self.footer.ask("filter:", table.filter, live=narrow) is None:
            narrow("")
        table.focus()
        self.refresh_frame()

    def action_order(self) -> None:
        table = self.table
        at = ORDERS.index(table.order) if table.order in ORDERS else -1
        table.sort_by(ORDERS[(at + 1) % len(ORDERS)])
        self._look_at_chosen()

    @on(RunTable.Ordered)
    def _heading_clicked(self, event: RunTable.Ordered) -> None:
        table = self.table
        table.sort_by(event.column, turned=event.column == table.order and not table.is_reversed)

    def action_back_out(self) -> None:
        """Esc: let go of what is asked, of the differences, of the filter, of the cursor in time, of the marks."""
        table = self.table
        if self.footer.give_up():
            return
        if self.has_class("-differs"):
            self.remove_class("-differs")
        elif table.filter:
            table.filter = ""
            self._list()
        elif self.cursor is not None:
            self.cursor = None
        else:
            self.drawn.marks.clear()
        table.focus()
        self.show()
        self.refresh_frame()

    def action_differences(self) -> None:
        """Where there is room for both, the table of differences takes the keys; else it takes the chart's place."""
        if self._is_narrow:
            self.toggle_class("-differs")
            (self.differs if self.has_class("-differs") else self.table).focus()
        else:
            there = self.differs
            (self.table if there.has_focus else there).focus()
        self.refresh_frame()

    def action_continue(self) -> None:
        self.run_quietly(self._continue)

    async def _continue(self) -> None:
        kept = self._chosen
        told = (await asyncio.to_thread(shelf_watch.summarise, [kept]))[0][2]
        name, is_live = kept.name, is_busy(kept.run)
        if told.state == "paused" and is_live:
            control.ask(kept.run, "continue")
        elif is_live or told.state == "running":
            raise BusyError(f"{name} is training already.")
        elif told.state == "finished":
            raise UsageError(f"{name} is finished. Open it, then S writes with it.")
        elif told.problem:
            raise UsageError(told.problem)
        else:
            trainer = training.start(kept.run)
            self.playground.trainers.append(trainer)
            if self.subject is not None and self.subject.run == kept.run:
                self.subject.trainer = trainer
        self.playground.tell(f"{name} goes on.")
        self._wake.set()

    def action_stop(self) -> None:
        self.run_quietly(self._stop)

    async def _stop(self) -> None:
        kept = self._chosen
        if not is_busy(kept.run):
            raise UsageError(f"{kept.name} does not train now.")
        control.ask(kept.run, "stop")
        self.playground.tell(f"{kept.name} stops at its next step. Nothing is lost: c continues it.")

    def action_rename(self) -> None:
        self.run_quietly(self._rename, group="rename")

    async def _rename(self) -> None:
        kept = self._chosen
        if is_busy(kept.run):
            raise BusyError(f"{kept.name} trains now: stop it with . first, then give it another name.")
        typed = await self.footer.ask("name:", kept.name)
        if typed is None or typed == kept.name:
            return
        with self.known.changing():
            renamed = await asyncio.to_thread(shelf.rename, kept.run, typed)
            self._take_over(kept.run, renamed)

    def _take_over(self, before: RunFiles, renamed: RunFiles) -> None:
        """A run is the same under its new name: marked, chosen, in the header, and with the texts that it wrote."""
        from seqplay.tui.places.sample import Sample

        kept = self.known.kept.pop(before.name, None)
        if kept is None:
            return
        self.known.kept[renamed.name] = Kept(renamed, kept.created, (), kept.summary)
        self.drawn.rename(before.name, renamed.name)
        if self.subject is not None and self.subject.run == before:
            self._seen_subject = renamed.name
            with suppress(KeyError):  # nobody was there yet
                for place in self.app.get_screen_stack("sample"):
                    if isinstance(place, Sample):
                        place.writer.rename(before, renamed)
            self.playground.open(renamed)
        self.table.put(list(self.known.kept.values()), renamed.name)
        self._wake.set()
        self.show()

    def action_remove(self) -> None:
        self.run_quietly(self._remove, group="remove")

    async def _remove(self) -> None:
        kept = self._chosen
        shelf.check_removable(kept.run)
        size = sizes.as_bytes(await asyncio.to_thread(sizes.size_on_disk, kept.run.path))
        if not await self.footer.confirm(f"move {safe_line(kept.name)}, {size}, to the trash?"):
            return
        with self.known.changing():
            await asyncio.to_thread(shelf.remove, kept.run)
            if self.subject is not None and self.subject.run == kept.run:
                self.playground.close_subject()
            self.known.kept.pop(kept.name, None)
        self.drawn.marks.pop(kept.name, None)
        self._forget_gone()
        self._list()
        self.show()
        self.playground.tell(f"{kept.name} is in the trash, {shelf.trash_dir()}.")


def _trash_line() -> list[Line]:
    return [(Span("delete", "key"), Span(" moves it to the trash", "muted"))]
