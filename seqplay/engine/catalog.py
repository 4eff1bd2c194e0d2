"""Loads architectures: what a name or a plan means, as an object that can build a network."""

from __future__ import annotations

from seqplay import plugins
from seqplay.architecture import CONTRACT, Architecture
from seqplay.errors import MissingError
from seqplay.recipe import Plan


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


def load_planned(plan: Plan) -> Architecture:
    """The cell that a plan was made with; raises MissingError that names the package which gets it back."""
    plugin = plugins.installed().get(plan.cell)
    if plugin is None or plugin.distribution != plan.distribution:
        raise MissingError(
            f"This run's cell '{plan.cell}' came from {plan.distribution} {plan.version}, which is not installed here. "
            f"Get it back with: pip install {plan.distribution}"
        )
    return load(plan.cell)[0]
