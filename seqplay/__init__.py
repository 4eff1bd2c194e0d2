"""A terminal playground for neural sequence models.

What a plugin's author needs is imported from here, and only when it is asked for, so that `import seqplay` costs
nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Architecture", "PictureShape", "Trace", "__version__", "option"]

if TYPE_CHECKING:
    from seqplay.architecture import Architecture, PictureShape, Trace
    from seqplay.options import option

HOMES = {"Architecture": "architecture", "PictureShape": "architecture", "Trace": "architecture", "option": "options"}


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module 'seqplay' has no attribute '{name}'")
    return getattr(import_module(f"seqplay.{HOMES[name]}"), name)
