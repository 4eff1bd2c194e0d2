"""Loads architectures: what a name or a plan means, as an object that can build a network."""

from __future__ import annotations

from seqplay import plugins
from seqplay.architecture import CONTRACT, Architecture
from seqplay.engine import single_file
from seqplay.errors import MissingError, RunError, UsageError, said
from seqplay.options import configure
from seqplay.plugin_choice import FileEntry
from seqplay.recipe import Plan
from seqplay.runs.network import planned


def load(name: str, kind: str = "cell") -> tuple[Architecture, plugins.Plugin]:
    """The architecture of this name and what is known of its distribution.

    Raises MissingError when it is not installed, does not load, or was written for another contract.
    """
    plugin = plugins.find(name, kind)
    whose = f"The {kind} '{name}' of {plugin.origin} ({plugin.entry.value})"
    try:
        entry = plugin.entry
        architecture = single_file.load(entry, plugin.version) if isinstance(entry, FileEntry) else entry.load()
    except single_file.FileError as problem:
        raise MissingError(f"{whose} {problem}") from None
    except BaseException as problem:  # a plugin may raise anything; ctrl-c is no exception here
        raise MissingError(f"{whose} does not load: {said(problem)}") from problem
    if not isinstance(architecture, Architecture):
        raise MissingError(f"{whose} is no seqplay.Architecture but a {type(architecture).__name__}.")
    if architecture.kind != kind:
        raise MissingError(f"{whose} is a {architecture.kind}, no {kind}. Use it as one: --{architecture.kind}")
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
    name, wanted = planned(plan)
    architecture, plugin = load(name, plan.kind)
    if plugin.version != wanted.version:
        raise MissingError(f"The {plan.kind} '{plan.network}' has changed in this moment. Try again.")
    if plan.model and architecture.task != plan.task:
        raise RunError(f"The plan does not fit its model: '{plan.model}' is for the task {architecture.task}.")
    try:
        configure(architecture.config, plan.settings, f"the {plan.kind} '{plan.network}'")
    except UsageError as problem:
        raise RunError(f"The plan does not fit its {plan.kind}: {problem}") from None
    return architecture
