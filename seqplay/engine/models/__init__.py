"""The built-in models: one file each, exported through the same entry points as a plugin's.

A model of pictures is built as `module(config, shape)`. Pictures are float tensors (B, C, H, W) from -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureShape:
    """The size of a data set's pictures, and how many kinds of them it names (0: it names none)."""

    channels: int
    height: int
    width: int
    classes: int = 0
