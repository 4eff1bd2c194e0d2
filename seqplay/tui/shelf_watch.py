"""What is on the shelf, known better and better: names at once, then one summary after the other, then what changes.

`look` and `summarise` touch the disk, and are made to run in a thread; `take_in` and `learn` do not, and change what
is shown. A run is summarised again when one of its files has changed, and while its trainer may live.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from seqplay import paths
from seqplay.runs import shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.summary import Summary

FILES = ("recipe.json", "plan.json", "log.jsonl", "process.json")
UNSURE = ("running", "waiting", "paused")
"""States that may end without a word in any file: the trainer was killed."""

Stamp = tuple[tuple[int, int], ...]
"""Time and size of each of FILES; (0, 0) for one that is not there."""


@dataclass
class Kept:
    """A run on the shelf. Without a summary only its name and its age are known yet."""

    run: RunFiles
    created: float
    stamp: Stamp
    summary: Summary | None = None
    read: Stamp = ()
    """The stamp with which it was summarised."""

    @property
    def name(self) -> str:
        return self.run.name

    @property
    def state(self) -> str:
        return self.summary.state if self.summary else ""


@dataclass(frozen=True)
class Seen:
    """What a look at the shelf found: the stamp of every run, and when those were made that nobody knew."""

    stamps: Mapping[str, Stamp]
    created: Mapping[str, float]
    generation: int = 0
    """That of the watch when the look began."""


def look(known: Collection[str], generation: int = 0) -> Seen:
    """Look at the shelf. For a run that is `known` this costs some 10 microseconds."""
    directory = paths.runs_dir()
    stamps: dict[str, Stamp] = {}
    created: dict[str, float] = {}
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        names = []
    for name in names:
        stamp = _stamp(f"{directory}{os.sep}{name}")
        run = RunFiles(directory / name)
        if name not in known or not any(map(any, stamp[:3])):
            if not shelf.is_run(run):
                continue
            created[name] = shelf.created(run)
        stamps[name] = stamp
    return Seen(stamps, created, generation)


def _stamp(directory: str) -> Stamp:
    return tuple(_changed(f"{directory}{os.sep}{name}") for name in FILES)


def _changed(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return 0, 0
    return status.st_mtime_ns, status.st_size


def summarise(kept: Sequence[Kept]) -> list[tuple[Kept, Stamp, Summary]]:
    """The summaries of some runs."""
    return [(one, one.stamp, shelf.summarise(one.run)) for one in kept]


class ShelfWatch:
    """The runs on the shelf as far as they are known, by name."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.has_looked = False
        self.generation = 0
        """Grows with what is done to the shelf from here: a look that began before that is out of date."""
        self._changing = 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While a run is renamed or removed, and its new name taken over here: no look in the meantime counts."""
        self._changing += 1
        try:
            yield
        finally:
            self._changing -= 1
            self.generation += 1

    def take_in(self, seen: Seen) -> bool:
        """What a look found, unless it is out of date; whether runs came or went."""
        if self._changing or seen.generation != self.generation:
            return False
        before = set(self.kept) if self.has_looked else None
        self.has_looked = True
        directory = paths.runs_dir()
        for name in set(self.kept) - set(seen.stamps):
            del self.kept[name]
        for name, stamp in seen.stamps.items():
            if name in self.kept:
                self.kept[name].stamp = stamp
            else:
                self.kept[name] = Kept(RunFiles(directory / name), seen.created.get(name, 0.0), stamp)
        return before != set(self.kept)

    def stale(self, first: Iterable[Kept] = (), *, again: bool = False) -> list[Kept]:
        """Those whose summary is old or missing, `first` before the others; `again`: also all that may live."""
        wanted = {one.name: one for one in (*first, *self.kept.values()) if self.kept.get(one.name) is one}
        return [one for one in wanted.values() if one.stamp != one.read or (again and one.state in UNSURE)]

    def learn(self, summaries: Iterable[tuple[Kept, Stamp, Summary]]) -> bool:
        """Take in summaries; whether any says something new."""
        news = False
        for kept, stamp, summary in summaries:
            news |= kept.summary != summary
            kept.summary, kept.read = summary, stamp
        return news

    def counts(self) -> dict[str, int]:
        """How many runs there are in each state, as far as it is known."""
        found: dict[str, int] = {}
        for kept in self.kept.values():
            if kept.state:
                found[kept.state] = found.get(kept.state, 0) + 1
        return found
