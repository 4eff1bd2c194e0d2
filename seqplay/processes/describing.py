"""Asking processes of their own what the installed plugins are, while the viewer goes on.

A plugin may do anything while it is loaded: raise, print, hang, crash. Whatever it does ends with its process, and is
told as what is known of it.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from seqplay import description_cache, descriptions, known_plugins, plugins
from seqplay.description_cache import Broken
from seqplay.descriptions import Description
from seqplay.errors import MissingError
from seqplay.known_plugins import Known

LIMIT_SECONDS = 10.0
AT_ONCE = 3  # most plugins load torch: a second or two of one core, and 220 MB
OUTPUT_BYTES = 1 << 16  # of what a plugin prints
ANSWER_BYTES = 1 << 20
DRAIN_SECONDS = 1.0  # a process that the plugin has started may hold the pipes open after its end

Tell = Callable[[Known], None]


def at_once() -> list[Known]:
    """Every plugin in the order of a list, as far as it is known without loading any: by what was told when it was last
    loaded, else being read.
    """
    own: dict[tuple[str, str], Description] = {}
    with suppress(MissingError):  # a damaged file: its architectures are asked as everybody else
        own = descriptions.built_in()
    found = []
    for kind in plugins.GROUPS:
        for name, plugin in plugins.found(kind).items():
            found.append(_kept(Known(name, plugin, "reading"), own))
    return known_plugins.order(found)


def _kept(known: Known, own: Mapping[tuple[str, str], Description]) -> Known:
    plugin = known.plugin
    if plugin.off:
        return replace(known, state="off")
    place = None if plugin.built_in else description_cache.place(known.name, plugin)
    kept = own.get((plugin.kind, known.name)) if plugin.built_in else description_cache.read(place) if place else None
    if isinstance(kept, Broken):
        return _broken(known, kept.reason, kept.advice)
    return replace(known, state="works", description=kept) if kept else known


async def tell_all(tell: Tell, limit_seconds: float = LIMIT_SECONDS) -> None:
    """Tell every installed plugin: at once what is known, and again each that had to be asked, as its answer comes.

    `tell` is called in this event loop. Cancelling ends the processes that are being asked.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask_in_turn(known: Known) -> None:
        async with turns:
            tell(await ask(known, limit_seconds))

    found = await asyncio.to_thread(at_once)
    for known in found:
        tell(known)
    async with asyncio.TaskGroup() as group:
        for known in found:
            if known.state in ("reading", "broken"):  # what was broken may have been mended by installing another
                group.create_task(ask_in_turn(known))


async def ask(known: Known, limit_seconds: float = LIMIT_SECONDS) -> Known:
    """What is known of a plugin after asking it, in a process of its own; it is kept for the next start."""
    place = (
        None if known.plugin.built_in else await asyncio.to_thread(description_cache.place, known.name, known.plugin)
    )
    try:
        told = await _ask(known, limit_seconds)
    except OSError as problem:  # which is no fault of the plugin's, to be kept
        return _broken(known, f"cannot be read: no process can be started: {problem.strerror}", "Try again.")
    if place:
        kept = told.description or Broken(told.reason, told.advice)
        await asyncio.to_thread(description_cache.write, place, kept)
    return told


async def _ask(known: Known, limit_seconds: float) -> Known:
    asked = json.dumps([known.plugin.kind, known.name])
    alarm = str(math.ceil(limit_seconds) + 5)
    command = [sys.executable, "-P", "-m", "seqplay.engine.describing", asked, alarm]
    async with _pipe(ANSWER_BYTES) as (answer, answer_end), _pipe(OUTPUT_BYTES) as (output, output_end):
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=answer_end, stderr=output_end, start_new_session=True
            )
        finally:
            os.close(answer_end)
            os.close(output_end)
        code = None
        try:
            with suppress(TimeoutError):
                code = await asyncio.wait_for(process.wait(), limit_seconds)
        finally:
            with suppress(OSError):  # the whole group: it may have started others
                os.killpg(process.pid, signal.SIGKILL)
            await _end_of(process)
        await asyncio.wait([answer.ended, output.ended], timeout=DRAIN_SECONDS)
    known = replace(known, output=output.kept.decode("utf-8", "replace"))
    mend = known_plugins.mend(known.plugin)
    if code is None:
        return _broken(known, f"timed out: it was not loaded after {limit_seconds:g} s", f"Try again, or {mend}")
    if code < 0:
        return _broken(known, f"ended by signal {_signal(-code)} while it was loaded", mend)
    told = _answer(known, bytes(answer.kept)) if code == 0 else None
    return told or _broken(known, f"ended its process with exit code {code} while it was loaded", mend)


async def _end_of(process: Process) -> None:
    """Wait for a killed process, also while whoever waits is cancelled again, as an app that ends does."""
    cancelled = None
    while process.returncode is None:  # no task of its own waits: a loop that ends would cancel that, too
        try:
            await process.wait()
        except asyncio.CancelledError as again:
            cancelled = again
    if cancelled:
        raise cancelled


def _answer(known: Known, line: bytes) -> Known | None:
    """None for what is no answer: the plugin may have written or ended where the process answers."""
    try:
        row = json.loads(line)
        if "description" not in row:
            return _broken(known, str(row["reason"]), str(row["advice"]))
        description = descriptions.from_json(row["description"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    plugin, told = known.plugin, description
    if (told.kind, told.name, told.distribution) != (plugin.kind, known.name, plugin.distribution):
        return None
    return replace(known, state="works", description=description, reason="", advice="")


def _broken(known: Known, reason: str, advice: str) -> Known:
    return replace(known, state="broken", description=None, reason=reason, advice=advice)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


class _Kept(asyncio.Protocol):
    """Reads a pipe to its end and keeps the first `limit` bytes, so that whoever writes never waits."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.kept = bytearray()
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.kept += data[: self.limit - len(self.kept)]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if not self.ended.done():
            self.ended.set_result(None)


@asynccontextmanager
async def _pipe(limit: int) -> AsyncIterator[tuple[_Kept, int]]:
    """What comes out of a new pipe, and the end to write to, which is the caller's to close.

    Not asyncio's own pipes: with them, waiting for a process also waits for whoever else holds their ends.
    """
    reading, writing = os.pipe()
    loop = asyncio.get_running_loop()
    transport, kept = await loop.connect_read_pipe(lambda: _Kept(limit), os.fdopen(reading, "rb", 0))
    try:
        yield kept, writing
    finally:
        transport.close()
