"""Where a run computes: device, precision, and how many threads share the work.

On a CPU two Python threads with one OpenMP thread each beat OpenMP's own two threads for all but the largest cells,
and unlike them do not collapse when another program is busy: rows of a batch are dealt to `slices` such threads. A
cell that is larger is left to OpenMP, whose threads then divide the matrix products.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

import torch

from seqplay.errors import UsageError

LARGEST_SLICED = 2 * 640 * 640  # layers x units x units up to which dealing rows to Python threads is faster


def pick_device(asked: str) -> str:
    """The device of "auto", or the one asked for; raises UsageError when this machine does not have it."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return next(name for name, there in available.items() if there)
    if not available[asked]:
        raise UsageError(f"This machine has no {asked} device that torch can use. Try --device cpu.")
    return asked


def pick_precision(device: str, cell_precision: str) -> str:
    """bfloat16 where the hardware multiplies in it and the cell allows it, else float32."""
    if cell_precision == "float32" or device == "mps":
        return "float32"
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    abilities = torch.cpu.get_capabilities()
    return "bfloat16" if abilities.get("avx512_bf16") or abilities.get("amx_bf16") else "float32"


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pick_slices(device: str, threads: int, rows: int, layers: int, hidden: int) -> int:
    """How many Python threads the rows of a batch are dealt to; 1 leaves a batch whole."""
    if device != "cpu" or layers * hidden * hidden > LARGEST_SLICED:
        return 1
    return max(1, min(threads, rows))


def autocast(device: str, precision: str) -> AbstractContextManager[None]:
    """Inside it, matrix products run in `precision`. It holds for one thread; its cache is shared: see loop.Hands."""
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16")
