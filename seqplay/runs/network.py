"""The cell or model that a run was planned with: whether it is here, and what gets it back. By metadata alone."""

from __future__ import annotations

from shlex import quote

from seqplay import plugins
from seqplay.errors import MissingError
from seqplay.known_plugins import PACKAGE
from seqplay.plugin_choice import normal
from seqplay.plugins import OF_A_FILE, Plugin
from seqplay.recipe import Plan


def planned(plan: Plan) -> tuple[str, Plugin]:
    """The plugin of a plan and the name that reaches it now: whether its distribution stands before it depends on what
    else is installed.

    What a plan names is never loaded because it names it: a single file has to be named again, unchanged. Raises
    MissingError that says, in one line, why the network cannot be loaded and what to do about it.
    """
    bare = plan.network.removeprefix(f"{plan.distribution}:")
    for name, plugin in plugins.found(plan.kind).items():
        if (plugin.name, normal(plugin.distribution)) == (bare, normal(plan.distribution)):
            problem = _unusable(plan, plugin)
            if problem:
                raise MissingError(f"This run's {plan.kind} '{plan.network}' {problem}")
            return name, plugin
    raise MissingError(f"This run's {plan.kind} '{plan.network}' {_absent(plan)}")


def lacking(plan: Plan) -> str:
    """What `planned` raises, "" where a run's network can be loaded."""
    try:
        planned(plan)
    except MissingError as problem:
        return str(problem)
    return ""


def _unusable(plan: Plan, plugin: Plugin) -> str:
    """Why a plugin that is here is not used for a plan, "" where it is."""
    if plugin.off:
        return f"of {plugin.origin} is {plugin.off}"
    if plan.distribution.startswith(OF_A_FILE) and plugin.version != plan.version:
        return (
            f"is in a file that has changed since: its SHA-256 was {plan.version[:12]} and is {plugin.version[:12]}. "
            "Give back the old one, or train anew."
        )
    return ""


def _absent(plan: Plan) -> str:
    """What gets back a plugin that is not here; a plan may come from a stranger."""
    if plan.distribution.startswith(OF_A_FILE):
        again = f"Name it again to sample or resume: --{plan.kind} {quote(f'FOLDER/{plan.network}')}"
        return f"is in a file (SHA-256 {plan.version[:12]}). {again}"
    origin = plugins.origin(plan.distribution, plan.version)
    if plan.distribution == "seqplay":
        return f"came with {origin}, and this seqplay has none. Get it with: pip install --upgrade seqplay"
    how = "No package can have that name."
    if PACKAGE.fullmatch(plan.distribution):
        how = f"If you trust who made it, get it back with: pip install {plan.distribution}"
    return f"came from {origin}, which is not installed here. {how}"
