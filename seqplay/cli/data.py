"""`seqplay data`: fetch well-known corpora, and see which ones there are."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import rich_click as click

from seqplay import draw
from seqplay.cli import output
from seqplay.data import corpora, download
from seqplay.data.corpora import Corpus
from seqplay.draw.lines import Line, Span, cut, span
from seqplay.draw.numbers import clock
from seqplay.errors import UsageError, no_such
from seqplay.figures import Column, Table

COLUMNS = (
    Column("corpus"),
    Column("to fetch", "right"),
    Column("here"),
    Column("what it is"),
    Column("licence"),
)
REDRAW_SECONDS = 0.1
LINE_SECONDS = 5.0  # between two lines where there is no terminal, or
LINE_SHARE = 0.1  # sooner where this much more has come, but not
LEAST_SECONDS = 1.0  # sooner than this: a small file is no burst of lines


class Commands(click.RichGroup):
    """Says which command was meant, as the group of all commands does."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        found = super().get_command(ctx, name)
        if found is None and not ctx.resilient_parsing:
            if corpora.find(name):
                raise click.UsageError(f"'{name}' is a corpus. Fetch it: seqplay data get {name}")
            raise click.UsageError(no_such("command of data", name, self.commands, listed="Commands"))
        return found


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each corpus")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Fetch well-known corpora: `seqplay data get text8`. Without a command, list what can be fetched."""
    if ctx.invoked_subcommand is None:
        list_corpora(as_json)


@click.command("list", cls=click.RichCommand)
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each corpus")
@click.pass_context
def listing(ctx: click.Context, as_json: bool) -> None:
    """List what can be fetched: its size, what it is, its licence, and whether it is here."""
    list_corpora(as_json or _asked_before(ctx))


@click.command("get", cls=click.RichCommand)
@click.argument("corpus", metavar="NAME")
@click.argument("number", required=False)
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each file")
@click.pass_context
def get(ctx: click.Context, corpus: str, number: str | None, as_json: bool) -> None:
    """Fetch the corpus NAME, or a book of Project Gutenberg by its NUMBER: `get gutenberg-1342`.

    Prints where it lies. What was interrupted goes on where it ended; what is here already is only checked.
    """
    wanted = _named(corpus, number)
    as_json = as_json or _asked_before(ctx)
    watching = Watching()
    try:
        fetched = download.fetch(wanted, watching)
    except KeyboardInterrupt:
        kept = download.kept_bytes(wanted)
        watching.say(f"Interrupted. {kept:,} bytes are kept; go on with: seqplay data get {wanted.name}")
        raise
    finally:
        watching.close()
    is_new = any(file.url for file in fetched)
    watching.say(f"{wanted.name} is here{'' if is_new else ' already: nothing was fetched'}.")
    for remote, file in zip(wanted.remotes, fetched, strict=True):
        pinned = "as it should be" if remote.kept.sha256 else "as it came: there is nothing to compare it with"
        if as_json:
            row = {"corpus": wanted.name, "path": str(file.path), "bytes": file.size, "sha256": file.sha256}
            output.write_row({"kind": "file", **row, "pinned": remote.kept.sha256 is not None, "url": file.url})
        watching.say(f"SHA-256 {file.sha256} of {file.path.name}, {pinned}.")
    watching.say(f"Learn it: seqplay train {wanted.name}")
    if not as_json:
        output.write(f"{wanted.path}\n")


command.add_command(listing)
command.add_command(get)


def list_corpora(as_json: bool) -> None:
    """The table of what can be fetched, or its rows."""
    listed = corpora.listed()
    if as_json:
        for corpus in listed:
            here = corpus.is_here()
            row = {"name": corpus.name, "bytes": corpus.size, "what": corpus.what, "licence": corpus.licence}
            more = {"page": corpus.page, "pinned": corpus.is_pinned, "path": str(corpus.path) if here else None}
            output.write_row({"kind": "corpus", **row, **more, "here": here})
        return
    table = Table(COLUMNS, tuple(_row(corpus) for corpus in listed))
    output.draw(draw.draw(table, output.console().width, len(listed) + 2, ascii_only=output.is_ascii_only()))
    for corpus in listed:
        if corpus.is_here():
            output.say(f"{corpus.name} lies at {corpus.path}")
    output.say("Fetch one: seqplay data get NAME, or a book: seqplay data get gutenberg-1342")


def _row(corpus: Corpus) -> tuple[str | None, ...]:
    size = None if corpus.size is None else _megabytes(corpus.size)
    return corpus.name, size, "yes" if corpus.is_here() else "no", corpus.what, corpus.licence


def _asked_before(ctx: click.Context) -> bool:
    """`seqplay data --json list` means the same as `seqplay data list --json`."""
    return bool(ctx.parent and ctx.parent.params.get("as_json"))


def _named(name: str, number: str | None) -> Corpus:
    if number is not None and name != "gutenberg":
        raise UsageError(f"Fetch one corpus at a time: only gutenberg takes a number, and '{name}' takes none.")
    if name == "gutenberg" and number is None:
        raise UsageError("Which book? Give its number: seqplay data get gutenberg-1342")
    return corpora.named(name if number is None else f"{name}-{number}")


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


class Watching:
    """Tells on stderr how a fetch goes: a line redrawn in place on a terminal, a line now and then elsewhere.

    Nobody who has closed stderr can end a fetch by that.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.console = output.console(stderr=True)
        self.is_live = self.console.is_terminal and not self.console.is_dumb_terminal
        self._now = now
        self._file = ""
        self._seen: deque[tuple[float, int]] = deque(maxlen=100)
        self._last = (0.0, 0)
        self._drawn = False

    def say(self, message: str) -> None:
        """One line of its own."""
        self.close()
        with suppress(OSError):
            output.say(message)

    def show(self, file: str, received: int, total: int | None) -> None:
        """How many bytes of a file are here."""
        now = self._now()
        if file != self._file or received < self._seen[-1][1]:
            self._seen.clear()
            self._seen.append((now, received))
            self._file, self._last = file, (now, received)
            return
        if now - self._seen[-1][0] >= REDRAW_SECONDS:
            self._seen.append((now, received))
            if self.is_live:
                self._draw(received, total)
            elif self._is_time(now, received, total):
                self._last = (now, received)
                self.say("   ".join([file, *self._numbers(received, total)]))

    def close(self) -> None:
        """Take the line away that is redrawn."""
        if self._drawn:
            self._redraw(())
            self._drawn = False

    def _is_time(self, now: float, received: int, total: int | None) -> bool:
        seconds, more = now - self._last[0], received - self._last[1]
        return seconds >= LINE_SECONDS or bool(seconds >= LEAST_SECONDS and total and more >= LINE_SHARE * total)

    def _numbers(self, received: int, total: int | None) -> list[str]:
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        speed = (last - first) / (now - began) if now > began else 0.0
        shown = [f"{_megabytes(received)} of {_megabytes(total)}" if total else _megabytes(received)]
        shown.append(f"{_megabytes(speed)}/s")
        if total:
            shown.insert(0, f"{received / total:.0%}")
        if total and speed:
            shown.append(f"left {clock(max(0, total - received) / speed)}")
        return shown

    def _draw(self, received: int, total: int | None) -> None:
        width = min(self.console.width, 100) - 1
        bar = draw.measure(received / total, 20) if total else []
        numbers = "   ".join(self._numbers(received, total))
        self._redraw(cut((span(f"{self._file}  ", "title"), *bar, Span(f"  {numbers}", "muted")), width))
        self._drawn = True

    def _redraw(self, line: Line) -> None:
        from rich.control import Control
        from rich.segment import ControlType

        from seqplay.draw.rich_lines import to_rich

        with suppress(OSError), self.console:
            self.console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2)))
            self.console.print(to_rich([line]), end="")
