"""`seqplay rm`: take runs off the shelf, into the trash or for good."""

from __future__ import annotations

import shlex
import sys

import rich_click as click

from seqplay.cli import output
from seqplay.draw.numbers import clock
from seqplay.errors import UsageError
from seqplay.runs import shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.sizes import as_bytes, size_on_disk

YES = ("y", "yes", "ㅛ")  # ㅛ is on the key of y


@click.command(cls=click.RichCommand)
@click.argument("run", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, help="do not ask")
@click.option(
    "--now",
    is_flag=True,
    help="delete for good, and its text from the cache if no other run needs it; your own files stay",
)
def command(run: tuple[str, ...], yes: bool, now: bool) -> None:
    """Move every RUN to the trash, from where it can be moved back."""
    found = list({one.path: one for one in map(shelf.find, run)}.values())
    for one in found:
        shelf.check_removable(one, for_good=now)
    if not yes and not _is_agreed(found, now):
        output.say("Nothing was removed.")
        return
    for one in found:
        _delete(one) if now else _remove(one)


def _is_agreed(runs: list[RunFiles], now: bool) -> bool:
    """Ask on the terminal. Anything but a yes is a no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("There is no terminal to ask on. To remove without a question: seqplay rm --yes RUN")
    for run in runs:
        output.say(f"{run.name}: {_described(run)}")
    what = "it" if len(runs) == 1 else f"these {len(runs)} runs"
    sys.stderr.write(f"Delete {what} for good? [y/N] " if now else f"Move {what} to the trash? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.buffer.readline().decode("utf-8", "replace").strip().lower() in YES


def _described(run: RunFiles) -> str:
    """What somebody would lose: the network, how long it trained, and how much room it takes."""
    told = shelf.summarise(run)
    trained = "not trained yet" if told.seconds is None else f"trained for {clock(told.seconds)}"
    parts = [told.network or told.state, trained, as_bytes(size_on_disk(run.path))]
    return ", ".join(parts)


def _remove(run: RunFiles) -> None:
    removed = shelf.remove(run)
    back = f"mv {shlex.quote(str(removed))} {shlex.quote(str(run.path.parent))}/"
    output.say(f"{run.name} is in the trash: {removed}   Get it back with: {back}")


def _delete(run: RunFiles) -> None:
    left = shelf.delete(run)
    output.say(f"{run.name} is deleted.")
    if left:
        names = ", ".join(str(path) for path in left[:8]) + (f" and {len(left) - 8:,} more" if len(left) > 8 else "")
        output.say(f"What seqplay did not make is still there: {names}")
