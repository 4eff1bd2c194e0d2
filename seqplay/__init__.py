"""A terminal playground for neural sequence models.

What a plugin's author needs is imported from here, and only when it is asked for, so that `import seqplay` costs
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Architecture", "__version__", "option"]

if TYPE_CHECKING:
    from seqplay.architecture import Architecture
    from seqplay.options import option


def __getattr__(name: str) -> object:
    if name == "Architecture":
        from seqplay.architecture import Architecture

        return Architecture
    if name == "option":
        from seqplay.options import option

        return option
    raise AttributeError(f"module 'seqplay' has no attribute '{name}'")
