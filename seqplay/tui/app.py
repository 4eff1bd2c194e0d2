"""The playground: owns the subject, the worker processes and what is remembered, and almost nothing else."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from io import TextIOWrapper
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal

from rich.console import RenderableType
from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.drivers import linux_driver
from textual.filter import LineFilter, Monochrome
from textual.reactive import var
from textual.screen import Screen

from seqplay import paths
from seqplay.draw.numbers import percent
from seqplay.known_plugins import Known
from seqplay.options import Option
from seqplay.processes import describing
from seqplay.processes.worker import Worker
from seqplay.runs import shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.summary import is_busy
from seqplay.safe_text import safe_line
from seqplay.tui import settings, theme
from seqplay.tui.border import Border
from seqplay.tui.keys import bind
from seqplay.tui.place import Place
from seqplay.tui.places.train import Train
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.drawn import Drawn
from seqplay.tui.widgets.footer import Hint
from seqplay.tui.widgets.header import Header
from seqplay.tui.yardsticks import Yardsticks

if TYPE_CHECKING:
    from seqplay.data.xray import Xray

POLL_SECONDS = 0.1
LATE_SECONDS = 0.5
LOADING_SECONDS = 0.01  # between two looks into a log that is read for the first time
DRAW_SECONDS = 0.2  # at most five pictures a second of what changes
LEAVING = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def _sample() -> Screen[None]:
    from seqplay.tui.places.sample import Sample

    return Sample()


def _digits() -> Screen[None]:
    from seqplay.tui.places.digits import Digits

    return Digits()


def _runs() -> Screen[None]:
    from seqplay.tui.places.runs import Runs

    return Runs()


def _plugins() -> Screen[None]:
    from seqplay.tui.places.plugins import Plugins

    return Plugins()


class Playground(App[None]):
    """Hosts the places. Whatever it shows of a run it has read from the run's files."""

    TITLE = "seqplay"
    CSS_PATH = ["app.tcss"]
    MODES = {"train": Train, "sample": _sample, "digits": _digits, "runs": _runs, "plugins": _plugins}
    DEFAULT_MODE = "train"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [
        bind("T shift+t f2", "go('train')", "Train", "T"),
        bind("S shift+s f3", "go('sample')", "Sample", "S"),
        bind("D shift+d f4", "go('digits')", "Digits", "D"),
        bind("R shift+r f5", "go('runs')", "Runs", "R"),
        bind("P shift+p f8", "go('plugins')", "Plugins", "P"),
        bind("question_mark f1", "help", "help", "?"),
        bind("q", "leave", "leave"),
        Binding("ctrl+q", "leave", "leave", show=False, priority=True),
        bind("escape", "let_go", "let go"),
    ]

    subject: var[Subject | None] = var(None)

    def __init__(self) -> None:
        super().__init__()
        self.remembered = settings.load()
        self.trainers: list[subprocess.Popen[bytes]] = []
        self.last_words: list[str] = []
        self.exit_code = 0
        self.texts, self.models, self.copies = Worker(), Worker(), Worker()
        """Who answers about texts, about a run's model, and about what it copied: none ends another's answer."""
        self.yardsticks = Yardsticks(partial(self.run_worker, group="yardsticks", exclusive=True), self._mark)
        self.plugins_known: dict[tuple[str, str], Known] = {}
        """What is known of each plugin, by kind and name, so far."""
        self._plugins_asked: set[str] = set()
        self._drawn = 0.0
        self._undrawn = False
        self._border = Border(lambda: theme.palette_of(self.current_theme)) if self.no_color else Border()
        for one in theme.themes():
            self.register_theme(one)
        known = self.remembered.theme in self.available_themes
        self.theme = self.remembered.theme if known else theme.DEFAULT

    # -- the run that every place speaks about

    def open(self, run: RunFiles, trainer: subprocess.Popen[bytes] | None = None) -> None:
        """Make a run the subject of every place; `trainer` is the process that was just started to train it."""
        if self.subject is not None:
            self.subject.close()
        self.subject = Subject(run)
        self.subject.trainer = trainer
        if run.name == self.remembered.run and self.remembered.step:
            self.subject.left = self.remembered.step, self.remembered.loss
        self._load_on()
        self._show()

    def close_subject(self) -> None:
        """Speak about no run."""
        if self.subject is not None:
            self.subject.close()
        self.subject = None
        self._show()

    async def _choose_subject(self) -> None:
        """The run that was shown last, at once; and the one that trains now, which may be another."""
        last = RunFiles(paths.runs_dir() / self.remembered.run)
        if self.remembered.run and last.recipe.exists():
            self.open(last)
        chosen = self.subject
        live = await asyncio.to_thread(lambda: next(filter(is_busy, shelf.all_runs()), None))
        if live is not None and self.subject is chosen and (chosen is None or not chosen.is_live):
            self.open(live)

    def _poll(self) -> None:
        if self.trainers:
            self.trainers = [trainer for trainer in self.trainers if trainer.poll() is None]
        if self.subject is not None:
            self._undrawn |= self.subject.poll() or bool(self.subject.quiet_seconds)
        now = asyncio.get_running_loop().time()
        if self._undrawn and now - self._drawn >= DRAW_SECONDS:
            self._drawn, self._undrawn = now, False
            self._show()

    def _load_on(self) -> None:
        """Read on in a long log; keys are answered in between."""
        if self.subject is not None and self.subject.is_loading:
            self._undrawn |= self.subject.poll()
            self.set_timer(LOADING_SECONDS, self._load_on)

    def _mark(self) -> None:
        """Draw at the next chance."""
        self._undrawn = True

    def _show(self) -> None:
        place = self.screen if self.screen_stack else None  # a timer may still fire while the app closes its screens
        if isinstance(place, Place) and place.is_mounted:
            place.refresh_frame()
            place.show()

    # -- what is known of texts

    async def look_at(self, source: str) -> AsyncIterator[Xray]:
        """The X-ray of a text that is chosen, better and better. Raises SeqplayError."""
        from seqplay.data.xray import from_row

        async for row in self.texts.ask("xray", sources=[source]):
            if row.pop("kind") == "xray":
                yield from_row(row)

    def options_of(self, network: str, kind: str = "cell") -> Sequence[Option]:
        """The settings of a cell or model as far as they are known now; of one that was never loaded they are asked for
        the next time.
        """
        known = self.plugins_known.get((kind, network))
        if known is not None and known.state == "reading" and network not in self._plugins_asked:
            self._plugins_asked.add(network)
            self.run_worker(self._ask_plugin(known), group="plugins")
        return known.description.options if known and known.description else ()

    async def _list_plugins(self) -> None:
        for known in await asyncio.to_thread(describing.at_once):
            self.plugins_known.setdefault((known.plugin.kind, known.name), known)

    async def _ask_plugin(self, known: Known) -> None:
        self.learn(await describing.ask(known))

    def learn(self, known: Known) -> None:
        """Keep what is known of a plugin now."""
        self.plugins_known[known.plugin.kind, known.name] = known

    def while_away(self, subject: Subject) -> str:
        """What happened to a run since it was left, for a while after it is seen again."""
        if subject.left is None or subject.away("steps") is None:
            return ""
        step, loss = subject.left
        best = subject.best_loss
        losses = f", {loss:.3f} → {best:.3f}" if loss is not None and best is not None else ""
        return f"while you were away: {step:,} → {subject.progress.step['step']:,}{losses}"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes on its way to the terminal; without colours means without greys, too."""
        return [*(one for one in super().get_line_filters() if not isinstance(one, Monochrome)), self._border]

    async def look_at_pictures(self, source: str) -> AsyncIterator[dict[str, Any]]:
        """What there is to know of pictures that are chosen, row by row. Raises SeqplayError."""
        async for row in self.texts.ask("pictures", sources=[source]):
            yield row

    # -- beginning and ending

    def on_load(self) -> None:  # before the terminal is touched
        loop = asyncio.get_running_loop()
        for number in LEAVING:
            loop.add_signal_handler(number, self._end, LEAVING[number])

    def on_mount(self) -> None:
        self.run_worker(self._choose_subject())
        self.run_worker(self._list_plugins(), group="plugins")
        self.set_interval(POLL_SECONDS, self._poll)
        self.set_interval(LATE_SECONDS, self._finish_resizing)

    def _finish_resizing(self) -> None:
        """Draw a size that still waits.

        Textual draws one 8 ms after it came, by a timer that leaves out a tick where it is late; and while that one
        waits, none that comes later is drawn.
        """
        if self._resize_event is not None:
            self._check_resize()

    async def on_unmount(self) -> None:
        """Let no process that answers outlive the app."""
        for asked in (self.texts, self.models, self.copies, self.yardsticks):
            await asked.close()

    def _end(self, code: int) -> None:
        """Somebody ends the app from outside."""
        self._remember()
        self.exit_code = code
        self.exit(return_code=code)

    def _remember(self) -> None:
        """Keep for the next time what was shown last, and how."""
        subject = self.subject
        if subject is not None:
            self.remembered.run, self.remembered.step = subject.name, subject.progress.step.get("step", 0)
            self.remembered.loss = subject.best_loss
        self.remembered.theme = self.theme
        settings.save(self.remembered)

    def action_leave(self) -> None:
        """End the app; training goes on."""
        subject = self.subject
        if subject is not None and subject.is_live:
            share, stop = percent(subject.share), f"seqplay stop {quote(subject.name)}"
            does = "stays paused" if subject.state == "paused" else "goes on"
            self.last_words.append(f"{subject.name} {does} ({share}). seqplay shows it; {stop} ends it.")
        self._remember()
        self.exit()

    def _fatal_error(self) -> None:
        """A mistake of ours: one line on the shell, and the traceback only for who asks for it."""
        if os.environ.get("SEQPLAY_DEBUG"):
            super()._fatal_error()
            return
        error = self._exception
        self._give_up(f"{type(error).__name__}: {error}")

    def panic(self, *renderables: RenderableType) -> None:
        """What Textual calls when its own threads fail."""
        if os.environ.get("SEQPLAY_DEBUG"):
            super().panic(*renderables)
            return
        from rich.traceback import Traceback

        traces = [one.trace.stacks[0] for one in renderables if isinstance(one, Traceback) and one.trace.stacks]
        self._give_up(f"{traces[0].exc_type}: {traces[0].exc_value}" if traces else "; ".join(map(str, renderables)))

    def _give_up(self, what: str) -> None:
        self.exit_code = 1
        self.last_words = [
            f"seqplay: This is a mistake in seqplay, not yours: {what} (SEQPLAY_DEBUG=1 tells more)",
            "Nothing is lost: whatever was training goes on.",
        ]
        self._close_messages_no_wait()

    # -- what every place can do

    def pop_screen(self) -> AwaitComplete:
        """Close what lies over a place. The key for that, hit twice at once, leaves the place open."""
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete()

    def action_go(self, place: str) -> None:
        if self.current_mode != place:
            self.switch_mode(place)

    def action_help(self) -> None:
        from seqplay.tui.help import Help

        if isinstance(self.screen, Place):
            self.push_screen(Help(self.screen))

    def action_let_go(self) -> None:
        if isinstance(self.screen, Place) and not self.screen.footer.give_up():
            self.screen.let_go()

    def on_header_clicked(self, event: Header.Clicked) -> None:
        self.action_go(event.place or "runs")

    def hints(self) -> list[Hint]:
        """What the footer says."""
        return list(self.screen.shown_hints()) if isinstance(self.screen, Place) else []

    def click_hint(self, key: str) -> None:
        """A key of the footer was clicked."""
        if not isinstance(self.screen, Place):
            return
        everywhere = {one.key_display: one.action for one in self.BINDINGS if isinstance(one, Binding)}
        everywhere["^p"] = "command_palette"
        here = {binding.key_display: binding.action for binding in self.screen.bindings()}
        action = here.get(key) or everywhere.get(key)
        if action:
            self.run_worker((self.screen if key in here else self).run_action(action))

    def tell(self, message: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """A notice, whatever it says."""
        self.notify(safe_line(message), severity=severity, markup=False, timeout=6 if severity == "error" else 3)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key of this place under the same words, and the themes."""
        here = screen.bindings() if isinstance(screen, Place) else []
        for binding in here:
            yield SystemCommand(binding.description, f"key {binding.key_display}", self._runner(screen, binding.action))
        for everywhere in self.BINDINGS:
            if isinstance(everywhere, Binding) and everywhere.key != "ctrl+q":
                key, action = everywhere.key_display, everywhere.action
                yield SystemCommand(everywhere.description, f"key {key}", partial(self.run_action, action))
        for name, palette in theme.PALETTES.items():
            what = "a dark background" if palette.is_dark else "a light background"
            yield SystemCommand(
                f"colours: {name.removeprefix('seqplay-')}", what, partial(setattr, self, "theme", name)
            )
        yield SystemCommand("colours: all themes", "choose among all of them", self.action_change_theme)

    def _runner(self, screen: Screen[Any], action: str) -> Callable[[], Any]:
        return lambda: self.call_next(partial(screen.run_action, action))

    def watch_theme(self) -> None:
        if self.is_running:
            self._show()
            self.call_after_refresh(self._draw_anew)

    def _draw_anew(self) -> None:
        """Draw everything once more: the colours behind widgets change after the theme did."""
        for drawn in self.screen.query(Drawn) if self.screen_stack else ():
            drawn.redraw()


def _lenient(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """A decoder for what comes from the keyboard: a byte that is none of UTF-8 ends a strict one, and the app."""
    return partial(codecs.getincrementaldecoder(encoding), "replace")


def run() -> tuple[int, list[str]]:
    """Run the playground until it is left: its exit code, and what has to be said on the shell afterwards."""
    app = Playground()
    if isinstance(sys.__stderr__, TextIOWrapper):  # what Textual draws on; what cannot be encoded ends its writing
        sys.__stderr__.reconfigure(encoding="utf-8", errors="replace")
    linux_driver.getincrementaldecoder = _lenient  # type: ignore[attr-defined, assignment]
    app.run()
    return app.exit_code or app.return_code or 0, app.last_words
