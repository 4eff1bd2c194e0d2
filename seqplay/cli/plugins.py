"""`seqplay plugins`: which cells and models there are, and to make, check, disable and enable one's own.

What is listed is read from metadata, and from what loading each has told before: to list imports no plugin.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from threading import Timer
from typing import Any

import rich_click as click

from seqplay import draw, known_plugins, plugins, scaffold, wire
from seqplay.cli import output
from seqplay.draw.lines import Line, Span
from seqplay.errors import MissingError, no_such
from seqplay.figures import Column, Table
from seqplay.known_plugins import GLYPHS, Known
from seqplay.plugin_choice import FILE, VARIABLE, normal, use_file
from seqplay.plugins import Plugin
from seqplay.processes import describing, worker
from seqplay.runs.uses import uses
from seqplay.safe_text import safe_line

COLUMNS = (Column(""), Column("name"), Column("kind"), Column("from"), Column("version"), Column("what it is"))
UNREAD = "not loaded yet"
SLOW_SECONDS = 10.0
ROLES = {"passed": "success", "failed": "error", "not run": "muted"}
MARKS = {"passed": "✓", "failed": "✗", "not run": "–"}


class Commands(click.RichGroup):
    """Says which command was meant, as the group of all commands does."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        found = super().get_command(ctx, name)
        if found is None and not ctx.resilient_parsing:
            raise click.UsageError(no_such("command of plugins", name, self.commands, listed="Commands"))
        return found


@click.group(cls=Commands, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """See the cells and models that there are, make your own, and check it. Without a command, list them."""
    if ctx.invoked_subcommand is None:
        _list(load=False, as_json=False)


@command.command("list", cls=click.RichCommand)
@click.option("--load", is_flag=True, help="load each that is not known to work, in a process of its own")
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each")
def listing(load: bool, as_json: bool) -> None:
    """List every cell and model, where it comes from, and why one does not work.

    No plugin is imported for it: what is told is what was seen when each was last loaded, in the playground or with
    --load.
    """
    _list(load, as_json)


@command.command("new", cls=click.RichCommand)
@click.argument("name")
@click.option("--kind", type=click.Choice(list(plugins.GROUPS)), default="cell", show_default=True, help="what it is")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), help="where to make it [default: here]")
def new(name: str, kind: str, folder: Path) -> None:
    """Begin a plugin: write a complete distribution with a cell (or a model) called NAME, tests and all.

    Prints its folder. What it brings works as it is: change it into yours.
    """
    made, reached = scaffold.make(name, kind, folder), name
    other = plugins.found(kind).get(name)
    if other and normal(other.distribution) == made.name:
        output.say(f"{made.name} is installed already: yours takes its place once it is installed.")
    elif other:
        reached = f"{made.name}:{name}"
        output.say(f"Another {kind} is named {name} already: installed, yours will be {reached}")
    output.write(f"{made}\n")
    module, where = made.name.replace("-", "_"), quote(str(made))
    data = "english" if kind == "cell" else "digits --task recognise"
    output.say(f"Yours to change: {made / module}.py")
    output.say(f"Install it:      pip install -e {where}")
    output.say(f"Check it:        seqplay plugins check {reached}")
    output.say(f"Train with it:   seqplay train {data} --{kind} {reached} --minutes 1")


@command.command("check", cls=click.RichCommand)
@click.argument("name")
@click.option("--kind", type=click.Choice(list(plugins.GROUPS)), help="what FILE.py:NAME is [default: cell]")
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each check, and one for its speed")
def check(name: str, kind: str | None, as_json: bool) -> None:
    """Check that NAME, a cell or a model or FILE.py:NAME, keeps the contract, and compare its speed with lstm's.

    The exit code is 0 where every check passed.
    """
    known = _found(use_file(name, kind or "cell") if FILE.fullmatch(name) else name, kind)
    known = asyncio.run(describing.ask(known))
    if known.state == "broken":
        raise MissingError(f"{known.plugin.kind} {known.name} {known.reason}. {known.advice}")
    failed, doing = 0, "loading it"
    left_out: list[str] = []
    try:
        with _told_if_slow() as now:
            for row in worker.ask(wire.Ask("", "check", {"name": known.name, "kind": known.plugin.kind})):
                failed += row.get("outcome") == "failed"
                if row["kind"] == "checking":
                    doing = row["check"]
                    now(doing)
                elif as_json:
                    output.write_row(row)
                elif row.get("outcome") == "not run" and row["reason"].startswith("needs "):
                    left_out.append(row["check"])
                else:
                    output.draw(_checked(row))
    except MissingError as problem:
        raise MissingError(f"{problem} That was in '{doing}'.") from None
    if left_out:
        output.say(f"Not run, as they need one that failed: {', '.join(left_out)}.")
    verdict = f"{failed} of its checks failed." if failed else "It keeps the contract."
    output.say(f"{known.name}: {verdict}")
    raise SystemExit(1 if failed else 0)


@command.command("disable", cls=click.RichCommand)
@click.argument("name")
def disable(name: str) -> None:
    """Leave NAME, and whatever else its distribution brings, alone from now on, in every session."""
    _tell_switched(plugins.switch(name, on=False), name, "disabled", "enable")


@command.command("enable", cls=click.RichCommand)
@click.argument("name")
def enable(name: str) -> None:
    """Use NAME, and whatever else its distribution brings, again."""
    _tell_switched(plugins.switch(name, on=True), name, "enabled", "disable")


@contextmanager
def _told_if_slow() -> Iterator[Callable[[str], None]]:
    """A function that is told which check runs now; of one that takes long, a person is told."""
    timer: list[Timer] = []

    def now(check: str) -> None:
        while timer:
            timer.pop().cancel()
        if check:
            words = f"Still in '{check}'. Ctrl-C ends it."
            timer.append(Timer(SLOW_SECONDS, output.say, [words]))
            timer[0].daemon = True
            timer[0].start()

    try:
        yield now
    finally:
        now("")


def _tell_switched(brought: list[Plugin], name: str, state: str, back: str) -> None:
    whose = brought[0].distribution if brought else name
    names = ", ".join(sorted(f"{plugin.kind} {plugin.name}" for plugin in brought))
    output.say(f"{whose} is {state}{f': {names}' if names else ''}. Back: seqplay plugins {back} {quote(whose)}")


def _list(load: bool, as_json: bool) -> None:
    known = _loaded() if load else describing.at_once()
    if as_json:
        counted = uses()
        for one in known:
            output.write_row(_row(one, counted[one.name]))
        return
    table = Table(COLUMNS, tuple(map(_line, known)))
    output.draw(draw.draw(table, output.console().width, len(known) + 2, ascii_only=output.is_ascii_only()))
    for one in known:
        if one.state == "broken":
            output.write("\n")
            output.draw(_wrapped(f"{one.plugin.kind} {one.name} {one.reason}."))
            output.draw(_wrapped(one.advice, "title"))
    for told in plugins.unmatched():
        output.say(f"{VARIABLE} names {told}.")
    if any(one.state == "reading" for one in known):
        output.say("Load what is not loaded yet, each in a process of its own: seqplay plugins list --load")
    if any(one.plugin.off.startswith("disabled") for one in known):
        output.say("Use again what is disabled: seqplay plugins enable NAME")
    if all(one.plugin.built_in for one in known):
        output.say("All of these come with seqplay. Make your own: seqplay plugins new mycell")


def _loaded() -> list[Known]:
    """What is known after asking each that is not known to work."""
    told: dict[tuple[str, str], Known] = {}

    def tell(known: Known) -> None:
        told[known.plugin.kind, known.name] = known

    asyncio.run(describing.tell_all(tell))
    return known_plugins.order(told.values())


def _line(known: Known) -> tuple[str, ...]:
    plugin = known.plugin
    what = {
        "works": known.description.summary if known.description else "",
        "reading": UNREAD,
        "broken": "broken, see below",
        "off": plugin.off.partition(". ")[0].partition(":")[0],
    }[known.state]
    return GLYPHS[known.state], known.name, plugin.kind, plugin.distribution, plugin.short_version, what


def _row(known: Known, runs: int) -> dict[str, object]:
    plugin, told = known.plugin, known.description
    return {
        "kind": "plugin",
        "name": known.name,
        "architecture": plugin.kind,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "built_in": plugin.built_in,
        "state": {"reading": "unknown"}.get(known.state, known.state),
        "summary": told.summary if told else None,
        "source": told.source if told else None,
        "reason": plugin.off or known.reason or None,
        "advice": known.advice or None,
        "runs": runs,
    }


def _found(name: str, wanted: str | None) -> Known:
    """The plugin of this name, of the kind that is `wanted` if any is. Raises MissingError."""
    for kind in [wanted] if wanted else plugins.GROUPS:
        if wanted or name in plugins.found(kind):
            return Known(name, plugins.find(name, kind), "reading")
    names = [one for kind in plugins.GROUPS for one in plugins.installed(kind)]
    raise MissingError(no_such("cell or model", name, names, listed="Installed"))


def _checked(row: dict[str, Any]) -> Iterator[Line]:
    """A check's outcome in a line, and of one that failed why it did and why that matters; or the speed."""
    if row["kind"] == "speed":
        yield ()
        yield from _wrapped(_speed(row))
        return
    outcome = str(row["outcome"])
    yield (Span(f"{MARKS[outcome]} ", ROLES[outcome]), Span(safe_line(str(row["check"]))))
    if outcome != "passed":
        yield from _wrapped(str(row["reason"]), "" if outcome == "failed" else "muted", "  ")
    if outcome == "failed":
        yield from _wrapped(str(row["why"]), "muted", "  ")


def _speed(row: dict[str, Any]) -> str:
    """How fast it learns beside an LSTM, in a sentence."""
    if row["reason"]:
        return f"Its speed cannot be measured. {row['reason']}"
    own, other = f"{row['tokens_per_second']:,.0f}", f"{row['lstm_tokens_per_second']:,.0f}"
    sizes = f"{row['parameters']:,} parameters a layer, in {row['precision']}"
    beside = f"lstm with {row['lstm_parameters']:,} learns {other}"
    return f"It learns {own} tokens a second with {sizes}; {beside}: {row['ratio']:.2f} times its speed."


def _wrapped(text: str, role: str = "", before: str = "") -> Iterable[Line]:
    room = output.console().width - len(before) if sys.stdout.isatty() else 1 << 20
    return [(Span(before), *line) for line in draw.wrap([Span(safe_line(text), role)], room)]
