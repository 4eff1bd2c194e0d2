"""What is known of each installed architecture, and what of it a list and a box of details show.

Everything here is plain data: nothing is imported to look at it, and its texts are as a plugin wrote them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote
from typing import Literal
from urllib.parse import unquote, urlparse

from seqplay.descriptions import Description
from seqplay.options import Option
from seqplay.plugins import OF_A_FILE, Plugin

State = Literal["reading", "works", "broken", "off"]
GLYPHS: dict[State, str] = {"reading": "◌", "works": "✓", "broken": "✗", "off": "–"}
BEING_READ = "being read…"
PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class Known:
    """A plugin, and whether it can be used. `name` reaches it; `plugin.name` is what its author called it."""

    name: str
    plugin: Plugin
    state: State
    description: Description | None = None
    """None unless it works."""
    reason: str = ""
    """Why it does not work, one line that follows its name: "needs einops, which is not installed here"."""
    advice: str = ""
    """What to do about it: "pip install einops"."""
    output: str = ""
    """What it printed while it was loaded, and where it failed."""


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    glyph: str
    name: str
    kind: str
    distribution: str
    version: str


@dataclass(frozen=True)
class Setting:
    """One option in words."""

    name: str
    help: str
    default: str
    range: str


@dataclass(frozen=True)
class Details:
    """The facts on one plugin. Each text is one line, "" where there is nothing to say."""

    title: str
    summary: str
    source: str
    settings: tuple[Setting, ...]
    origin: str
    """The distribution and its version."""
    clash: str
    """Both of its names, where another architecture has its own."""
    problem: str
    """What it is waiting for, or why it does not work."""
    advice: str
    uses: str
    """How many runs use it, and what can be done with them."""
    has_output: bool


def order(known: Iterable[Known]) -> list[Known]:
    """Cells before models, those of seqplay first, then by distribution and name."""
    return sorted(
        known,
        key=lambda k: (k.plugin.kind, not k.plugin.built_in, k.plugin.distribution.casefold(), k.name),
    )


def rows(known: Iterable[Known]) -> list[Row]:
    """The lines of a list, in the order in which `known` comes."""
    return [Row(GLYPHS[k.state], k.name, k.plugin.kind, k.plugin.distribution, k.plugin.short_version) for k in known]


def counts(known: Iterable[Known]) -> str:
    """The caption of a list: "8 found · 1 being read… · 1 broken"."""
    states = [k.state for k in known]
    words: tuple[tuple[State, str], ...] = (("reading", BEING_READ), ("broken", "broken"), ("off", "off"))
    parts = [f"{states.count(state):,} {word}" for state, word in words if state in states]
    return " · ".join([f"{len(states):,} found", *parts])


def details(known: Known, uses: int) -> Details:
    """What a box shows of one plugin; `uses` is the number of runs that name it (seqplay.runs.uses)."""
    plugin, description = known.plugin, known.description
    clash = f"Another {plugin.kind} is named {plugin.name} too, so that this one's name is {known.name}."
    problem = {"works": "", "reading": BEING_READ, "broken": known.reason, "off": plugin.off}[known.state]
    return Details(
        title=known.name,
        summary=description.summary if description else "",
        source=description.source if description else "",
        settings=tuple(map(setting, description.options)) if description else (),
        origin=plugin.origin,
        clash=clash if plugin.name != known.name else "",
        problem=problem,
        advice=known.advice,
        uses=_uses(known.state, uses),
        has_output=bool(known.output),
    )


def setting(option: Option) -> Setting:
    """An option in words; a default of None is the architecture's own affair."""
    return Setting(
        option.name, option.help, "automatic" if option.default is None else _value(option.default), _range(option)
    )


def mend(plugin: Plugin) -> str:
    """Advice on a plugin that does not work: to its author where it is there to be changed, else to who uses it.

    A distribution's name, which may come from a stranger, is checked first.
    """
    if plugin.distribution.startswith(OF_A_FILE):
        return f"Mend {plugin.distribution}."
    if folder := source_folder(plugin):
        return f"Mend it in {folder}, and after a change of its pyproject.toml: pip install -e {quote(folder)}"
    if not PACKAGE.fullmatch(plugin.distribution):
        return "Ask who made it."
    return f"pip install --upgrade {plugin.distribution}, or take it out: pip uninstall {plugin.distribution}"


def source_folder(plugin: Plugin) -> str:
    """Where a distribution lies that was installed to be changed (pip install -e); "" for any other."""
    with suppress(Exception):  # metadata may be anything
        told = json.loads((plugin.entry.dist and plugin.entry.dist.read_text("direct_url.json")) or "{}")
        if told["dir_info"]["editable"]:
            return unquote(urlparse(told["url"]).path)
    return ""


def _uses(state: State, count: int) -> str:
    using = f"{count:,} run uses it" if count == 1 else f"{count:,} runs use it" if count else ""
    if state in ("works", "reading"):
        return f"{using}." if using else "No run uses it."
    left = {0: "No run uses it.", 1: f"{using}: it can be looked at, not sampled."}
    told = left.get(count, f"{using}: they can be looked at, not sampled.")
    return told if state == "off" else f"Everything else works.{f' {told}' if using else ''}"


def _range(option: Option) -> str:
    if option.choices:
        return ", ".join(option.choices)
    if option.type is bool:
        return "true, false"
    if option.low is not None and option.high is not None:
        return f"{_value(option.low)} to {_value(option.high)}"
    if option.low is not None:
        return f"at least {_value(option.low)}"
    return "" if option.high is None else f"at most {_value(option.high)}"


def _value(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
