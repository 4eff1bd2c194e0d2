"""What is asked of the model of a run of pictures: other points, walks, neighbours, mistakes, and how it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from textual import on
from textual.timer import Timer

from seqplay.draw.lines import Line, Span, span
from seqplay.errors import SeqplayError
from seqplay.figures import Bars, Figure, Picture, Table
from seqplay.runs import scores
from seqplay.runs.best import best_step
from seqplay.runs.layout import RunFiles
from seqplay.safe_text import safe_line
from seqplay.tui.asking import Newest, figures_of
from seqplay.tui.pixels import pixels_of
from seqplay.tui.places.steering import Steering
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.judge_box import ClassesBox, MistakesBox
from seqplay.tui.widgets.pictures_box import PicturesBox, only
from seqplay.tui.widgets.sliders_box import KEYS, SlidersBox, turned

FRAME_SECONDS = 0.1  # between two pictures of a walk
WALK_STEPS = 24
POINTS = 64  # new ones at a time
NEAREST = 24  # drawn pictures, each beside the one that it is most like
MOST_CLASSES = 64  # in a table of what is read as what
NOW, NEW, WALK, LIKE, WRONG = "now", "new points", "walk", "most like it", "mistakes"
LAYER = "layer "
SLIDERS_OFF = (0.0,) * len(KEYS)


class DigitsAsking(Steering):
    """Its answers belong to the run that was asked, and are forgotten with it."""

    def __init__(self) -> None:
        super().__init__()
        self.grid, self.held = PicturesBox(id="grid", focusable=True), PicturesBox(id="held")
        self.grid.chosen = 0
        self.features = PicturesBox("what its layers see", id="features")
        self.table, self.odds = MistakesBox(id="mistakes", focusable=True), ClassesBox(id="classes")
        self.sliders = SlidersBox()
        self._mover = Newest[tuple[int, tuple[float, ...]]](self, "moved", self._ask_moved, self._fail)
        self._reads = Newest[str](self, "read", self._read, self._fail)
        self._turns = asyncio.Lock()
        """One question at a time: the process ends an older answer for a newer question."""
        self._walking: Timer | None = None
        self._forget()

    def _forget(self) -> None:
        """Another run: what was asked of the one before says nothing of it."""
        self._shown_run: RunFiles | None = self.subject.run if self.is_attached and self.subject else None
        self.view, self.news = NOW, ""
        self.is_holding = self.is_by_hand = False
        self.own: dict[str, Picture] = {}
        """What was asked for, by view."""
        self.own_caption: dict[str, str] = {}
        self.own_step: dict[str, int] = {}
        """The step of the checkpoint that answered, by view."""
        self.mistakes: Table | None = None
        self.without_mistakes = ""
        """Why there is no table of them."""
        self.moved: Picture | None = None
        """The held picture after its point was moved."""
        self.moved_step: int | None = None
        self.read: Bars | None = None
        """The odds of each class for the chosen picture, or for what is drawn by hand."""
        self._read_for: object = None
        self._seed, self._at, self._onward, self._walk_waits = 0, 0, 1, False
        self.maps: Sequence[Picture] = ()
        """What the layers see of the chosen picture."""
        self._first_map: Picture | None = None
        self.point, self.grid.marked = 0, None
        """The one of the run's own pictures that is chosen."""
        self.sliders.move(SLIDERS_OFF, KEYS[0])
        self._mover.forget()
        self._reads.forget()
        self._steer_walk()

    # -- what there is

    @property
    def steered(self) -> Subject | None:
        return self.drawn_by

    @property
    def drawn_by(self) -> Subject | None:
        """The run, where it is one of pictures."""
        return self.subject if self.subject is not None and self.subject.has_pictures else None

    @property
    def is_reading(self) -> bool:
        """Whether the run recognises pictures; else it draws them."""
        return self.drawn_by is not None and self.drawn_by.task != scores.DRAWS

    @property
    def is_walking(self) -> bool:
        return self.is_holding and WALK in self.own and self.view == WALK

    @property
    def reading_run(self) -> RunFiles | None:
        """The run that is asked how it reads a picture."""
        return self._shown_run

    def views(self) -> list[str]:
        if self.is_reading:
            return [NOW, WRONG, *map(layer, range(len(self.maps)))]
        return [NOW, *(view for view in (NEW, WALK) if view in self.own), LIKE]

    def pictures(self) -> Picture | None:
        """The pictures of the view."""
        subject = self.drawn_by
        if subject is None:
            return None
        if self.view.startswith(LAYER):
            return next((one for at, one in enumerate(self.maps) if layer(at) == self.view), None)
        if self.view != NOW:
            return self.own.get(self.view)
        shown = scores.shown_at(subject.progress, self.axes.x, self.cursor)
        return shown.picture if shown else None

    def drawn_with(self, step: int | None) -> str:
        """The checkpoint that an answer comes from, where it is another one than that of the run's own pictures."""
        subject = self.drawn_by
        shown = scores.shown_at(subject.progress, self.axes.x, self.cursor) if subject else None
        return "" if step is None or (shown and shown.step == step) else f"best checkpoint, step {step:,}"

    # -- asking

    def _may_ask(self) -> bool:
        """Whether there is a model to ask; if not, say so."""
        subject = self.drawn_by
        if subject is None:
            return False
        if not subject.has_model:
            self.playground.tell("It has no checkpoint yet: the first comes with its first score.")
        return subject.has_model

    def _seed_of_plan(self) -> int:
        plan = self.drawn_by.plan if self.drawn_by else None
        return plan.seed if plan else 0

    async def _ask(self, question: str, run: RunFiles, **options: object) -> list[Figure]:
        """The figures that answer, after those of the question before. Raises SeqplayError."""
        async with self._turns:
            return await figures_of(self.playground.models, question, run, **options)

    def _fail(self, problem: str) -> None:
        self.news = ""
        self.complain(problem)
        self.show()

    async def _ask_for(self, view: str, question: str, **options: object) -> None:
        """Ask for the pictures of a view."""
        run = self._shown_run
        assert run is not None
        self.news = "asking the model …"
        self.show()
        try:
            found = await self._ask(question, run, **options)
            step = await _best_step(run)
        finally:
            self.news = ""
            self.show()
            self.refresh_frame()
        picture = _first_picture(found)
        if run == self._shown_run and picture is not None:
            self.own[view] = picture
            if step is not None:
                self.own_step[view] = step
            self._turn_to(view)

    def _asking_card(self) -> Sequence[Line]:
        return [(Span("◌ ", "muted"), span(self.news or "asking the model …", "muted"))]

    # -- walking and new points

    def action_walk(self) -> None:
        """Mark the picture to walk from; once more, walk from there to the chosen one."""
        if self.is_reading or self.is_by_hand or not self._may_ask():
            return
        if self.view != NOW:
            self._turn_to(NOW)
        begin, self.grid.marked = self.grid.marked, None
        if begin is None or begin == self.point:
            self.grid.marked = self.point if begin is None else None
            self.show()
            self.refresh_frame()
        else:
            self.run_quietly(lambda: self._walk(begin, self.point), group="asked-view")

    async def _walk(self, first: int, last: int) -> None:
        options = {"first": first, "last": last, "steps": WALK_STEPS, "seed": self._seed_of_plan()}
        self.own_caption[WALK] = f"from point {first + 1} to point {last + 1}"
        self._at, self._onward = 0, 1
        await self._ask_for(WALK, "walk", **options)
        if self.view == WALK:
            self._hold(True)

    def _steer_walk(self) -> None:
        self._walk_waits = False
        if self._walking is None and self.is_walking:
            self._walking = self.set_interval(FRAME_SECONDS, self._walk_on)
        elif self._walking is not None and self.is_walking:
            self._walking.resume()
        elif self._walking is not None:
            self._walking.pause()

    def _walk_on(self) -> None:
        """The next picture of the walk, there and back again."""
        if self._walk_waits or not self.is_walking or not self.is_current:
            return
        count = self.own[WALK].count
        if not 0 <= self._at + self._onward < count:
            self._onward = -self._onward
        self._at = max(0, min(self._at + self._onward, count - 1))
        self._show_held()

    def action_pause(self) -> None:
        if self.is_walking:
            self._walk_waits = not self._walk_waits
            self.refresh_frame()
        else:
            super().action_pause()

    def action_points(self) -> None:
        """Other points than the fixed ones."""
        if not self.is_by_hand and self._may_ask():
            self._seed += 1
            self.own_caption[NEW] = f"seed {self._seed} · n shows others, v goes back"
            options = {"count": POINTS, "seed": self._seed}
            self.run_quietly(lambda: self._ask_for(NEW, "sample", **options), group="asked-view")

    def action_view(self) -> None:
        if self.drawn_by is None or self.is_by_hand:
            return
        views = self.views()
        view = views[(views.index(self.view) + 1) % len(views)] if self.view in views else NOW
        if view in (LIKE, WRONG) and not self._may_ask():
            view = NOW
        if view == LIKE:
            self.own.pop(LIKE, None)
            self.own_caption[LIKE] = "beside the most similar training picture"
            self.run_quietly(lambda: self._ask_for(LIKE, "nearest", count=NEAREST), group="asked-view")
        elif view == WRONG:
            self.mistakes, self.without_mistakes = None, ""
            self.run_quietly(self._ask_mistakes, group="asked-view")
        self._turn_to(view)

    async def _ask_mistakes(self) -> None:
        run = self._shown_run
        assert run is not None
        pixels = await asyncio.to_thread(pixels_of, run)
        is_too_large = pixels is not None and len(pixels.names) > MOST_CLASSES
        found = [] if is_too_large else await self._ask("confusion", run)
        if run == self._shown_run:
            self.mistakes = next((one for one in found if isinstance(one, Table)), None)
            if pixels is not None and is_too_large:
                self.without_mistakes = f"It knows {len(pixels.names):,} labels: too many for a table."
            self.show()

    def _show_mistakes(self, title: Line) -> None:
        said = [(Span(self.without_mistakes, "muted"),)] if self.without_mistakes else self._asking_card()
        self.table.put(self.mistakes, title=title, card=said)

    def _turn_to(self, view: str) -> None:
        self.view, self.moved = view, None
        self.sliders.move(SLIDERS_OFF, self.sliders.in_hand)
        if view == WRONG:
            self.call_after_refresh(self.table.focus)
        self._steer_walk()
        self.show()
        self.refresh_frame()

    # -- the picture that is held large, and moving its point

    def _hold(self, wanted: bool) -> None:
        self.is_holding = wanted
        self._steer_walk()
        self.show()
        self.refresh_frame()

    def _show_held(self) -> None:
        """The picture beside the grid: the chosen one, moved or on its way."""
        figure = self.pictures()
        if not self.is_holding or figure is None:
            return
        held, count = self.held, figure.count
        chosen = min(self.grid.chosen or 0, count - 1)
        label = figure.labels[chosen] if figure.labels else ""
        if self.view == WALK:
            at = min(self._at, count - 1)
            held.put(only(figure, at), title="walks", caption=f"{at + 1} of {count}")
        elif self.view == NOW and self.moved is not None:
            caption = self.drawn_with(self.moved_step) or "backspace: as it was"
            held.put(self.moved, title=f"point {chosen + 1}, moved", caption=caption)
        else:
            title = "picture" if self.is_reading or self.view == LIKE else "point"
            held.put(only(figure, chosen), title=f"{title} {chosen + 1}", caption=safe_line(label))

    def action_slider(self, key: str) -> None:
        self._take(key)
        if not self.is_holding and self.pictures() is not None and not self.is_reading:
            self._hold(True)

    def _take(self, key: str) -> None:
        self.sliders.move(self.sliders.sliders, key)

    def action_turn(self, by: int) -> None:
        if self.is_reading or self.is_by_hand or self.pictures() is None or not self._may_ask():
            return
        if self.view != NOW:
            self._turn_to(NOW)
        if not self.is_holding:
            self._hold(True)
        self._put_sliders(turned(self.sliders.sliders, self.sliders.in_hand, by))

    def action_unturn(self) -> None:
        if any(self.sliders.sliders):
            self._put_sliders(SLIDERS_OFF)

    def _put_sliders(self, sliders: tuple[float, ...]) -> None:
        self.sliders.move(sliders, self.sliders.in_hand)
        if any(sliders):
            self._mover.want((self.point, sliders))
        else:
            self.moved = None
            self.show()

    async def _ask_moved(self, wanted: tuple[int, tuple[float, ...]]) -> None:
        """The picture of a point that was moved."""
        run = self._shown_run
        if run is None:
            return
        point, sliders = wanted
        found = await self._ask("turn", run, point=point, sliders=list(sliders), seed=self._seed_of_plan())
        step = await _best_step(run)
        if run == self._shown_run and point == self.point and any(self.sliders.sliders):
            self.moved, self.moved_step = _first_picture(found), step
            self._show_held()

    @on(SlidersBox.Taken)
    def _slider_clicked(self, event: SlidersBox.Taken) -> None:
        self._take(event.key)

    @on(SlidersBox.Turned)
    def _slider_turned(self, event: SlidersBox.Turned) -> None:
        self.action_turn(event.by)

    # -- how a picture is read

    def _look_at_chosen(self) -> None:
        """Ask how the chosen picture is read, where the run reads and there is room to say so."""
        subject = self.drawn_by
        if not self.is_reading or subject is None:
            return
        shown, steps = scores.shown_at(subject.progress, self.axes.x, self.cursor), subject.checkpoint_steps
        if shown is not None and steps:
            wanted = (steps[-1], only(shown.picture, min(self.point, shown.picture.count - 1)).pixels)
            if wanted != self._read_for:
                self._read_for = wanted
                self._reads.want(wanted[1])
        waits = "How it reads a picture stands here from its first checkpoint on."
        self._show_read("…" if shown is not None and steps else waits, title=f"reads picture {self.point + 1} as")

    def _show_read(self, card: str, *, title: str, caption: str = "") -> None:
        said = card if self.read is None else ""
        self.odds.put(self.read, title=title, caption=caption, card=[(Span(said, "muted"),)] if said else ())

    async def _read(self, pixels: str) -> None:
        """The odds of each class for a picture, and what the layers see of it."""
        run = self.reading_run
        if run is None:
            return
        found = await self._ask("classify", run, pixels=pixels)
        if run != self.reading_run:
            return
        self.read = next((one for one in found if isinstance(one, Bars)), None)
        self.show()
        seen = await self._ask("features", run, pixels=pixels)
        if run == self.reading_run:
            self.maps = [one for one in seen if isinstance(one, Picture)]
            self.show()

    def _show_features(self) -> None:
        """Where there is room, the first layers' maps beneath the pictures."""
        box, first = self.features, self.maps[0] if self.maps else None
        box.is_small = True
        if first is None:
            said = Span("What the layers of the network see of the chosen picture stands here.", "muted")
            box.put(None, title="what its layers see", card=[(said,)])
        elif first is not self._first_map:
            title = f"what its layers see: {safe_line(first.title)}"
            self._first_map = first
            box.put(replace(first, labels=()), title=title, caption=safe_line(first.caption))


def layer(number: int) -> str:
    """The view of what a layer sees."""
    return f"{LAYER}{number + 1}"


def _first_picture(found: Sequence[Figure]) -> Picture | None:
    return next((one for one in found if isinstance(one, Picture)), None)


async def _best_step(run: RunFiles) -> int | None:
    """The step of the checkpoint that answers; None where it cannot be told."""
    with suppress(SeqplayError):
        return await asyncio.to_thread(best_step, run.checkpoints)
    return None
