"""Names, distributions and versions of what is installed, read from metadata: nothing is imported by looking."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import EntryPoint, distributions, entry_points

from seqplay.errors import MissingError, no_such

GROUPS = {"cell": "seqplay.cells", "model": "seqplay.models"}


@dataclass(frozen=True)
class Plugin:
    """One installed architecture: `name` is what the user types, `entry` is what loads it (in the engine only)."""

    name: str
    kind: str
    distribution: str
    version: str
    entry: EntryPoint

    @property
    def built_in(self) -> bool:
        return self.distribution == "seqplay"


def installed(kind: str = "cell") -> dict[str, Plugin]:
    """The installed architectures of a kind by the name that reaches them.

    A built-in always has its plain name. A third party whose name is taken answers to "distribution:name".
    """
    found = [Plugin(entry.name, kind, *_distribution_of(entry), entry) for entry in _entries(GROUPS[kind])]
    found.sort(key=lambda p: (not p.built_in, p.distribution, p.name))
    owners: dict[str, list[Plugin]] = {}
    for plugin in found:
        owners.setdefault(plugin.name, []).append(plugin)
    named: dict[str, Plugin] = {}
    for name, plugins in owners.items():
        plain = plugins[0] if plugins[0].built_in or len(plugins) == 1 else None
        for plugin in plugins:
            named[name if plugin is plain else f"{plugin.distribution}:{name}"] = plugin
    return named


def _entries(group: str) -> list[EntryPoint]:
    try:
        return list(entry_points(group=group))
    except Exception:  # one distribution whose metadata cannot be read, and nobody says which
        return _entries_one_by_one(group)


def _entries_one_by_one(group: str) -> list[EntryPoint]:
    """The entry points of every distribution that can be read; of two of one name the first on the path counts."""
    entries: dict[object, list[EntryPoint]] = {}
    for distribution in distributions():
        try:
            name = re.sub(r"[-_.]+", "-", distribution.name).casefold()
        except Exception:
            name = ""
        try:
            entries.setdefault(name or distribution, list(distribution.entry_points.select(group=group)))
        except Exception:
            entries.setdefault(name or distribution, [])
    return [entry for found in entries.values() for entry in found]


def _distribution_of(entry: EntryPoint) -> tuple[str, str]:
    """Name and version; "?" where damaged metadata do not tell: one bad installation must not hide the others."""
    try:
        return (entry.dist.name or "?", entry.dist.version or "?") if entry.dist else ("?", "?")
    except (KeyError, TypeError, OSError):  # which one differs between Pythons
        return "?", "?"


def find(name: str, kind: str = "cell") -> Plugin:
    """The plugin that `name` reaches; raises MissingError with the nearest installed name."""
    known = installed(kind)
    if name not in known:
        raise MissingError(no_such(kind, name, known, listed="Installed"))
    return known[name]
