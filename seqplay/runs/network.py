"""The cell or model that a run was planned with: whether it is here, and what gets it back. By metadata alone."""

from __future__ import annotations

from shlex import quote

from seqplay import plugins
from seqplay.known_plugins import PACKAGE
from seqplay.plugin_choice import normal
from seqplay.plugins import OF_A_FILE, Plugin
from seqplay.recipe import Plan


def planned(plan: Plan) -> tuple[str, Plugin] | None:
    """The plugin of a plan and the name that reaches it now: whether its distribution stands before it depends on what
    else is installed. None where it is not here.
    """
    bare = plan.network.removeprefix(f"{plan.distribution}:")
    for name, plugin in plugins.found(plan.kind).items():
        if (plugin.name, normal(plugin.distribution)) == (bare, normal(plan.distribution)):
            return name, plugin
    return None


def lacking(plan: Plan) -> str:
    """Why a run's network cannot be loaded and what to do about it, in one line; "" where it is here.

    What a plan names is never loaded because it names it: a single file has to be named again, unchanged.
    """
    found = planned(plan)
    plugin = found[1] if found else None
    whose = f"This run's {plan.kind} '{plan.network}'"
    if plan.distribution.startswith(OF_A_FILE):
        if plugin is None:
            again = f"Name it again to sample or resume: --{plan.kind} {quote(f'FOLDER/{plan.network}')}"
            return f"{whose} is in a file (SHA-256 {plan.version[:12]}). {again}"
        if plugin.version != plan.version:
            return (
                f"{whose} is in a file that has changed since: its SHA-256 was {plan.version[:12]} and is "
                f"{plugin.version[:12]}. Give back the old one, or train anew."
            )
        return ""
    origin = plugins.origin(plan.distribution, plan.version)
    if plugin is None and plan.distribution == "seqplay":
        return f"{whose} came with {origin}, and this seqplay has none. Get it with: pip install --upgrade seqplay"
    if plugin is None:
        if not PACKAGE.fullmatch(plan.distribution):  # it may come from a stranger
            return f"{whose} came from {origin}, which is not installed here. No package can have that name."
        trust = f"If you trust who made it, get it back with: pip install {plan.distribution}"
        return f"{whose} came from {origin}, which is not installed here. {trust}"
    return f"{whose} of {plugin.origin} is {plugin.off}" if plugin.off else ""
