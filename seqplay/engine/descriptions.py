"""Descriptions of the architectures that are installed, made by loading them.

`python -m seqplay.engine.descriptions` writes those of the built-in ones into the package.
"""

from __future__ import annotations

import json
from typing import Any

from seqplay import descriptions, files, plugins
from seqplay.descriptions import Description
from seqplay.engine import catalog
from seqplay.errors import MissingError
from seqplay.options import options_of

NOT_IN_FILE = ("distribution", "version", "built_in")  # the same for all, and a new version changes nothing else


def describe(name: str, kind: str = "cell") -> dict[str, Any]:
    """The description of an architecture as JSON. It loads the plugin's module, which may do anything.

    Raises MissingError when it is not installed, does not load, was written for another contract, or declares what no
    form can show.
    """
    architecture, plugin = catalog.load(name, kind)
    try:
        options = options_of(architecture.config)
        whose = (plugin.distribution, plugin.version, plugin.built_in)
        row = descriptions.to_json(
            Description(name, kind, architecture.summary, architecture.source, options, *whose, architecture.task)
        )
        descriptions.from_json(row)
        architecture.config()
    except Exception as problem:  # a declaration may be any object
        reason = str(problem) if isinstance(problem, ValueError) else f"{type(problem).__name__}: {problem}"
        whose_it_is = f"The {kind} '{name}' of {plugin.origin} ({plugin.entry.value})"
        raise MissingError(f"{whose_it_is} declares what cannot be shown: {reason.rstrip('.')}.") from None
    return row


def of_the_built_ins() -> bytes:
    """What the package's file should hold."""
    built_in = [(name, kind) for kind in plugins.GROUPS for name, p in plugins.installed(kind).items() if p.built_in]
    rows = [describe(name, kind) for name, kind in built_in]
    kept = [{key: value for key, value in row.items() if key not in NOT_IN_FILE} for row in rows]
    return json.dumps(kept, ensure_ascii=False, allow_nan=False, indent=2).encode() + b"\n"


def main() -> None:
    files.write_atomically(descriptions.BUILT_IN, of_the_built_ins(), mode=0o644)


if __name__ == "__main__":
    main()
