"""A program of its own: imports one module and prints, as one JSON line, what that changed in the process.

It must import nothing of seqplay before: a plugin's import is to be the first that needs it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import locale
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch


def main() -> None:
    asked = json.loads(sys.argv[1])
    sys.path[:] = asked["path"]
    out, err = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        before, problem = state(), ""
        try:
            load(asked["name"], asked["file"])
        except BaseException as raised:
            problem = f"raises {type(raised).__name__}: {raised}{where(raised, asked['file'])}"
        after = state()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        printed.seek(0)
        text = printed.read().decode("utf-8", "replace")
    os.dup2(out, 1)
    os.dup2(err, 2)
    faults = [problem] if problem else []
    if text:
        faults.append(f"prints {text[:80]!r}")
    faults += [change_in_words(name, before[name], after[name]) for name in before if before[name] != after[name]]
    os.write(1, json.dumps(faults).encode() + b"\n")


def load(name: str, file: str) -> ModuleType:
    """The module of this name if it is that file, else the file by itself."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        spec = None
    if spec is not None and spec.origin == file:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def state() -> dict[str, Any]:
    """What an import must leave as it is, by its name."""
    return {
        "torch's default dtype": str(torch.get_default_dtype()),
        "torch's default device": str(torch.get_default_device()),
        "whether torch computes gradients": torch.is_grad_enabled(),
        "torch's inference mode": torch.is_inference_mode_enabled(),
        "torch's autocast": torch.is_autocast_enabled("cpu"),
        "torch's deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch's deterministic cuDNN": torch.backends.cudnn.deterministic,
        "torch's cuDNN benchmark": torch.backends.cudnn.benchmark,
        "torch's float32 precision": torch.get_float32_matmul_precision(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's random state": Hidden(torch.get_rng_state().numpy().tobytes()),
        "numpy's random state": Hidden(repr([np.asarray(part).tolist() for part in np.random.get_state()])),
        "numpy's error settings": np.geterr(),
        "Python's random state": Hidden(repr(random.getstate())),
        "the filters of warnings": Hidden(repr(warnings.filters)),
        "signal handlers": Hidden(repr([signal.getsignal(number) for number in signal.valid_signals()])),
        "the working directory": os.getcwd(),
        "the environment": dict(os.environ),
        "sys.path": list(sys.path),
        "sys.excepthook": Hidden(repr(sys.excepthook)),
        "sys.stdout and sys.stderr": Hidden(repr((id(sys.stdout), id(sys.stderr)))),
        "the recursion limit": sys.getrecursionlimit(),
        "the locale": locale.setlocale(locale.LC_ALL),
        "the threads": sorted(thread.name for thread in threading.enumerate()),
        "the child processes": children(),
    }


class Hidden:
    """A value that is compared and not shown."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hidden) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


def children() -> list[str]:
    try:
        lists = Path("/proc/self/task").glob("*/children")
        return sorted(pid for path in lists for pid in path.read_text().split())
    except OSError:
        return sorted(str(child.pid) for child in multiprocessing.active_children())


def change_in_words(name: str, before: Any, after: Any) -> str:
    """The change of one thing, in words."""
    if isinstance(before, Hidden):
        return f"changes {name}"
    if isinstance(before, dict):
        keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
        return f"changes {name} ({', '.join(keys[:3])})"
    if isinstance(before, list):
        odd = [item for item in after if item not in before] or [item for item in before if item not in after]
        return f"changes {name}{f' ({odd[0]})' if odd else ''}"
    return f"changes {name} from {before} to {after}"


def where(problem: BaseException, file: str) -> str:
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if frame.filename == file]
    return f" ({Path(file).name}, line {frames[-1].lineno})" if frames else ""


if __name__ == "__main__":
    main()
