"""`--cell FILE.py:NAME` and `--model FILE.py:NAME` of the commands that load a run's network.

A run that was made with a single file needs it again, unchanged, since what a run names is never imported.
"""

from __future__ import annotations

from typing import Any

import rich_click as click

from seqplay.plugin_choice import use_file


def _use(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        use_file(value, param.name or "")


def network_file(function: Any) -> Any:
    """A decorator that gives a command both."""
    for kind in ("model", "cell"):
        told = f"the file of a run's {kind}, where it was trained with one"
        option = click.option(f"--{kind}", metavar="FILE.py:NAME", expose_value=False, callback=_use, help=told)
        function = option(function)
    return function
