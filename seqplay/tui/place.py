"""What every place has: the header, the footer, its keys, its help, and the subject that it shows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen

from seqplay.draw.lines import Line, Span, line_width
from seqplay.draw.text import wrap
from seqplay.errors import SeqplayError
from seqplay.tui.over import is_stale
from seqplay.tui.subject import Subject
from seqplay.tui.widgets.drawn import Drawn
from seqplay.tui.widgets.footer import Footer, Hint
from seqplay.tui.widgets.header import Header

if TYPE_CHECKING:
    from seqplay.tui.app import Playground

PLACES = ("train", "sample", "digits", "runs", "plugins")
WIDE, TALL = (100, 160), (30, 48)  # columns and rows from which there is more room: -wide, -huge, -tall, -towering
LEAST = (30, 8)  # with fewer columns or rows nothing can be read: -tiny
CRAMPED = (60, 16)  # with fewer there is room for one box: -slim, -flat


class TooSmall(Drawn):
    """What stands in place of everything on a screen that is too small for it."""

    def draw(self, width: int, height: int) -> Sequence[Line]:
        lines = wrap([Span("seqplay needs a little more room")], width)[:height]
        above: list[Line] = [()] * ((height - len(lines)) // 2)
        return [*above, *((Span(" " * ((width - line_width(line)) // 2)), *line) for line in lines)]


class Place(Screen[None]):
    """A screen between the header and the footer. A subclass composes its `body`, says in `hints` which of its actions
    are worth a key in the footer now, and draws its subject in `show`.
    """

    DEFAULT_CSS = """
    Place { layers: default note; overflow: hidden; }
    Place > TooSmall { layer: note; width: 100%; height: 100%; background: $background; display: none; }
    Place.-tiny > TooSmall { display: block; }
    """
    AUTO_FOCUS = ""  # a place says itself where the keys go: never into an editor that nobody has asked for
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE[0], "-wide"), (WIDE[1], "-huge")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (TALL[0], "-tall"), (TALL[1], "-towering")]
    name_: ClassVar[str]
    about: ClassVar[str]
    """What this place is for, in a few sentences, for its help."""

    def __init__(self) -> None:
        super().__init__()
        self.header, self.footer = Header(PLACES, self.name_), Footer()

    def compose(self) -> ComposeResult:
        yield self.header
        yield from self.body()
        yield self.footer
        yield TooSmall()

    def body(self) -> ComposeResult:
        raise NotImplementedError

    def hints(self) -> list[str | Hint]:
        """What the footer shows, the most useful first: an action of this place, "action|in other words", or a key
        and what it does.
        """
        return []

    def let_go(self) -> None:
        """Esc: take the keys out of whatever is typed into."""
        self.set_focus(None)

    def show(self) -> None:
        """Draw what is known now; called when the subject has news, and when this place comes into sight."""

    @property
    def playground(self) -> Playground:
        return cast("Playground", self.app)

    @property
    def subject(self) -> Subject | None:
        return self.playground.subject

    def refresh_frame(self) -> None:
        """Draw header and footer anew."""
        self.header.redraw()
        self.footer.hints.redraw()

    def shown_hints(self) -> Iterator[Hint]:
        """How the footer writes the keys of `hints`."""
        bindings = {binding.action: binding for binding in self.bindings()}
        for hint in self.hints():
            if isinstance(hint, tuple):
                yield hint
                continue
            action, _, words = hint.partition("|")
            binding = bindings[action]
            yield binding.key_display or binding.key, words or binding.description

    def bindings(self) -> list[Binding]:
        """The keys of this place, each action once."""
        found: dict[str, Binding] = {}
        for kind in type(self).__mro__:
            for binding in kind.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding) and issubclass(kind, Place):
                    found.setdefault(binding.action, binding)
        return list(found.values())

    def run_quietly(self, work: Callable[[], Coroutine[Any, Any, None]], group: str = "") -> None:
        """Run something that may fail in an expected way: the error becomes a notice. In a `group` it takes the place
        of what runs there.
        """

        async def guarded() -> None:
            try:
                await work()
            except SeqplayError as problem:
                self.complain(str(problem))

        self.run_worker(cast(Any, guarded), group=group or "default", exclusive=bool(group))

    def complain(self, message: str) -> None:
        """A notice of something that went wrong."""
        self.playground.tell(message, severity="error")

    def on_key(self, event: events.Key) -> None:
        if self.footer.take_key(event.key):
            event.stop()
            event.prevent_default()

    def on_screen_resume(self) -> None:
        self.refresh_frame()
        self.show()

    def on_resize(self, event: events.Resize) -> None:
        if is_stale(event, self.app.size):
            return
        width, height = event.size
        self.set_class(width < LEAST[0] or height < LEAST[1], "-tiny")
        self.set_class(width < CRAMPED[0], "-slim")
        self.set_class(height < CRAMPED[1], "-flat")
        for drawn in self.query(Drawn):
            drawn.redraw()
        self.show()
