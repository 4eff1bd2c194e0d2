"""Flags made from the options' own declarations, so that a setting's help and bounds are written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import rich_click as click

from seqplay.options import options_of


def flags(config: type[Any], names: Sequence[str]) -> Callable[[Any], Any]:
    """A decorator that gives a command a flag for each of these settings; None stands for one that was not given."""
    declared = {option.name: option for option in options_of(config)}

    def decorate(function: Any) -> Any:
        for name in reversed(names):
            option = declared[name]
            kind: Any = click.Choice(option.choices) if option.choices else option.type
            shown = "" if option.default is None else f" [default: {option.default}]"
            flag = f"--{name.replace('_', '-')}"
            number = {int: "N", float: "X"}.get(option.type)
            function = click.option(flag, name, type=kind, metavar=number, help=option.help + shown)(function)
        return function

    return decorate
