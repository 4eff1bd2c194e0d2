"""Names, distributions and versions of what can be used, read from metadata: nothing is imported by looking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, distributions, entry_points
from shlex import quote

from seqplay import plugin_choice
from seqplay.errors import MissingError, RunError, UsageError, no_such
from seqplay.plugin_choice import FILE, VARIABLE, FileEntry, normal

GROUPS = {"cell": "seqplay.cells", "model": "seqplay.models"}
OF_A_FILE = "the file "  # how the distribution of a single file begins: no other has a space in its name


@dataclass(frozen=True)
class Plugin:
    """One architecture: `name` is what the user types, `entry` is what loads it (in the engine only)."""

    name: str
    kind: str
    distribution: str
    version: str
    """The distribution's; of a single file the SHA-256 of its bytes."""
    entry: EntryPoint | FileEntry
    off: str = ""
    """Why it is not used, "" if it is."""

    @property
    def built_in(self) -> bool:
        return self.distribution == "seqplay"

    @property
    def short_version(self) -> str:
        """The version as people read it."""
        return short(self.distribution, self.version)

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return origin(self.distribution, self.version)


def short(distribution: str, version: str) -> str:
    """A version as people read it: of a hash, its beginning."""
    return version[:12] if distribution.startswith(OF_A_FILE) else version


def origin(distribution: str, version: str) -> str:
    """A distribution and its version in words, as a plugin or a plan holds them."""
    return f"{distribution} {short(distribution, version)}"


def installed(kind: str = "cell") -> dict[str, Plugin]:
    """The architectures of a kind that can be used, by the name that reaches them."""
    return {name: plugin for name, plugin in found(kind).items() if not plugin.off}


def found(kind: str = "cell") -> dict[str, Plugin]:
    """All architectures of a kind, also those that are switched off, by the name that reaches them.

    A built-in always has its plain name. A third party whose name is taken answers to "distribution:name", even where
    the other is switched off. A single file's is "FILE.py:OBJECT".
    """
    there = [Plugin(entry.name, kind, *_distribution_of(entry), entry) for entry in _entries(GROUPS[kind])]
    there.sort(key=lambda p: (not p.built_in, p.distribution, p.name))
    owners: dict[str, list[Plugin]] = {}
    for plugin in there:
        owners.setdefault(plugin.name, []).append(plugin)
    named: dict[str, Plugin] = {}
    typed = plugin_choice.chosen_distributions()
    chosen = None if typed is None else {normal(one) for one in typed}
    try:
        disabled, unreadable = plugin_choice.disabled(), ""
    except RunError as problem:  # what is disabled is not known, so nothing is used that may be
        disabled, unreadable = set(), str(problem)
    for name, plugins in owners.items():
        plain = plugins[0] if plugins[0].built_in or len(plugins) == 1 else None
        for plugin in plugins:
            reached = name if plugin is plain else f"{plugin.distribution}:{name}"
            off, distribution = "", normal(plugin.distribution)
            if unreadable:
                off = f"left out. {unreadable}"
            elif distribution in disabled:
                off = f"disabled. Enable it: seqplay plugins enable {quote(plugin.distribution)}"
            elif chosen is not None and distribution not in chosen:
                off = f"left out: {VARIABLE} does not name it"
            named[reached] = plugin if plugin.built_in else replace(plugin, off=off)
    for entry in plugin_choice.chosen_files():
        if entry.kind == kind:
            named[entry.value] = Plugin(entry.value, kind, f"{OF_A_FILE}{entry.path.name}", entry.sha256, entry)
    return named


def unmatched() -> list[str]:
    """What SEQPLAY_PLUGINS names and is neither installed nor an object of a file that is there, and why it is not."""
    everything = {name: plugin for kind in GROUPS for name, plugin in found(kind).items()}
    there = {normal(plugin.distribution) for plugin in everything.values()}
    told = []
    for one in plugin_choice.chosen_distributions() or ():
        if FILE.fullmatch(one):
            told.append(f"'{one}' without an object of it: {one}:NAME")
        elif normal(one) not in there:
            plugin = everything.get(one)
            what = f"which is a {plugin.kind}. Name its distribution: {plugin.distribution}" if plugin else ""
            told.append(f"'{one}', {what or 'which is not installed here'}")
    return told + [f"'{file.path}', where no file is" for file in plugin_choice.chosen_files() if file.sha256 == "?"]


def find(name: str, kind: str = "cell") -> Plugin:
    """The plugin that `name` reaches; raises MissingError with the nearest installed name."""
    known = found(kind)
    if name not in known and FILE.fullmatch(name):
        how = f"Name it with its folder: --{kind} {quote(f'FOLDER/{name}')}"
        raise MissingError(f"The {kind} '{name}' is in a file, and a file is used only where you name it. {how}")
    other = next((one for one in GROUPS if one != kind and name in found(one)), None)
    if name not in known and other:
        raise MissingError(f"'{name}' is a {other}, no {kind}: --{other} {quote(name)}")
    if name not in known:
        raise MissingError(no_such(kind, name, installed(kind), listed="Installed"))
    if known[name].off:
        raise MissingError(f"The {kind} '{name}' of {known[name].origin} is {known[name].off}")
    return known[name]


def switch(name: str, on: bool) -> list[Plugin]:
    """Enable or disable, for good, the distribution of this name, or else of the architecture of this name; all that
    it brings is told.

    Raises MissingError for an unknown name, UsageError for what cannot be disabled, and WriteError.
    """
    everything = [(reached, plugin) for kind in GROUPS for reached, plugin in found(kind).items()]
    disabled = plugin_choice.disabled()
    there = {normal(plugin.distribution) for _, plugin in everything}
    meant = {normal(name)} & (there | disabled if on else there)  # what is no longer installed can be enabled
    meant = meant or {normal(plugin.distribution) for reached, plugin in everything if reached == name}
    if len(meant) > 1:
        raise UsageError(f"'{name}' is a cell and a model. Name whose: {' or '.join(sorted(meant))}.")
    if not meant:
        others = [reached for reached, plugin in everything if not plugin.built_in]
        raise MissingError(no_such("plugin", name, others, listed="Installed"))
    brought = [plugin for _, plugin in everything if normal(plugin.distribution) in meant]
    if any(plugin.built_in for plugin in brought):
        raise UsageError(f"'{name}' comes with seqplay. Only what other distributions bring can be disabled.")
    if any(isinstance(plugin.entry, FileEntry) for plugin in brought):
        raise UsageError(f"'{name}' is a single file, used because {VARIABLE} or a command names it.")
    plugin_choice.disable(disabled - meant if on else disabled | meant)
    return brought


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
            name = normal(distribution.name)
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
