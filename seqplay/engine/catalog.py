"""Loads architectures: what a name or a plan means, as an object that can build a network."""

from __future__ import annotations

import re

from seqplay import plugins
from seqplay.architecture import CONTRACT, Architecture
from seqplay.errors import MissingError, RunError, UsageError
from seqplay.options import configure
from seqplay.recipe import Plan

DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def load(name: str, kind: str = "cell") -> tuple[Architecture, plugins.Plugin]:
    """The architecture of this name and what is known of its distribution.

    Raises MissingError when it is not installed, does not load, or was written for another contract.
    """
    plugin = plugins.find(name, kind)
    whose = f"The {kind} '{name}' of {plugin.distribution} {plugin.version} ({plugin.entry.value})"
    try:
        architecture = plugin.entry.load()
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:  # a plugin may raise anything while it is imported
        raise MissingError(f"{whose} does not load: {type(problem).__name__}: {problem}") from problem
    if not isinstance(architecture, Architecture):
        raise MissingError(f"{whose} is no seqplay.Architecture but a {type(architecture).__name__}.")
    if architecture.contract != CONTRACT:
        raise MissingError(
            f"{whose} is written for contract {architecture.contract}; this seqplay has contract {CONTRACT}."
        )
    return architecture, plugin


def load_model(name: str, task: str) -> tuple[Architecture, plugins.Plugin]:
    """The model of this name for a task. Raises what `load` does, and UsageError for one of another task."""
    architecture, plugin = load(name, "model")
    if architecture.task != task:
        raise UsageError(f"The model '{name}' is for the task {architecture.task}: --task {architecture.task}")
    return architecture, plugin


def load_planned(plan: Plan) -> Architecture:
    """The cell or model that a plan was made with.

    Raises MissingError that names the package which gets it back, and RunError where the settings are not its own.
    """
    plugin = plugins.installed(plan.kind).get(plan.network)
    if plugin is None or plugin.distribution != plan.distribution:
        raise MissingError(
            f"This run's {plan.kind} '{plan.network}' came from {plan.distribution} {plan.version}, which is not "
            "installed here. " + _how_to_get(plan.distribution)
        )
    architecture = load(plan.network, plan.kind)[0]
    if plan.model and architecture.task != plan.task:
        raise RunError(f"The plan does not fit its model: '{plan.model}' is for the task {architecture.task}.")
    try:
        configure(architecture.config, plan.settings, f"the {plan.kind} '{plan.network}'")
    except UsageError as problem:
        raise RunError(f"The plan does not fit its {plan.kind}: {problem}") from None
    return architecture


def _how_to_get(distribution: str) -> str:
    """What to type for a distribution; nothing for what is no distribution's name, as it may come from a stranger."""
    if not DISTRIBUTION.fullmatch(distribution):
        return "No package can have that name."
    return f"If you trust who made it, get it back with: pip install {distribution}"
