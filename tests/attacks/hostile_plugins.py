"""Distributions of one tiny module each that do what no plugin should, to be installed all at once.

None imports torch before a network is built: whoever only loads them need not wait for it.
"""

from __future__ import annotations

from pathlib import Path

from hostile import ALL
from tiny_plugins import install

SAYS = "\x1b]0;x\x07[bold]\u202e\x9b[/]"
MODULE = """
{before}
from dataclasses import dataclass
from seqplay import Architecture, option

{config}

def build({takes}):
    import torch
    from torch import nn

    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.keep = nn.Linear(inputs, width), nn.Linear(width, width)

        def forward(self, x, state=None):
            h = x.new_zeros(len(x), width) if state is None else {start}
            ys = []
            for read in self.read(x).unbind(1):
                h = torch.tanh(read + self.keep(h))
                ys.append(h)
            y = torch.stack(ys, 1)
{end}
            return y, h

    return Cell()

cell = Architecture("x", "cell", build, {about})
"""
ODD = """
class Odd(BaseException):
    def __str__(self):
        {}
raise Odd
"""
HANGS = """
import os, time
open(os.path.join(os.environ["SEQPLAY_HOME"], "hangs"), "w").close()
time.sleep(99)
"""
FLOODS = "import os\nfor _ in range(64): os.write(1, b'x' * 65536)\nraise MemoryError"
PRINTS = f"""
import os, sys
print({SAYS!r}, flush=True)
print({SAYS!r}, file=sys.stderr, flush=True)
for number in (1, 2):
    os.write(number, {SAYS.encode()!r} + bytes([10]))
"""
PRINTS_EACH_TIME = r"""
import os
print("by Python \x1b]0;x\x07", flush=True)
os.write(1, b'{"kind": "step", "by": "descriptor"} \x1b[2J\n')
"""
DEED = """
import glob, os
home = os.environ["SEQPLAY_HOME"]
if os.path.exists(home + "/deed.py") and glob.glob(home + "/runs/*/checkpoints/2"):
    with open(home + "/deed.py") as deed:
        exec(deed.read(), {"home": home})
"""
CONFIG = f"""
@dataclass(frozen=True)
class Config:
    heads: int = option(4, help={ALL!r}, low=1, high=64)
    norm: str = option("layer", help="kind of norm", choices=("layer", {ALL!r}))
"""


def module(
    *,
    before: str = "",
    config: str = "",
    takes: str = "config, inputs, width",
    start: str = "state",
    end: str = "",
    about: str = "'A cell.'",
) -> str:
    """The code of a plain recurrent cell; its forward goes on from `start`, and does `end` last."""
    lines = "".join(f"            {line}\n" for line in end.splitlines())
    return MODULE.format(before=before, config=config, takes=takes, start=start, end=lines, about=about)


BROKEN = {  # name: (module, how its reason begins)
    "raises": (f"raise RuntimeError({SAYS!r})", f"raises RuntimeError: {SAYS} (raises.py, line 1)"),
    "leaves": ("raise SystemExit(0)", "raises SystemExit: 0 (leaves.py, line 1)"),
    "interrupts": ("raise KeyboardInterrupt", "raises KeyboardInterrupt (interrupts.py, line 1)"),
    "speaks": (ODD.format(f"return {SAYS!r}"), f"raises Odd: {SAYS} (speaks.py, line 5)"),
    "unspeakable": (ODD.format("raise self"), "raises Odd (unspeakable.py, line "),
    "needs": ("import nowhere_at_all", "needs nowhere_at_all, which is not installed here"),
    "hangs": (HANGS, "timed out: it was not loaded after "),
    "floods": (FLOODS, "raises MemoryError (floods.py, line 3)"),
    "crashes": ("import ctypes\nctypes.string_at(0)", "ended by signal SIGSEGV while it was loaded"),
    "aborts": ("import os\nos.abort()", "ended by signal SIGABRT while it was loaded"),
    "exits": ("import os\nos._exit(0)", "ended its process with exit code 0 while it was loaded"),
    "newer": (module(about="'A cell.', contract=99"), "is written for contract 99; this seqplay has contract 1"),
    "empty": ("", "raises AttributeError: module 'empty' has no attribute 'cell'"),
    "number": ("cell = 3", "is no seqplay.Architecture but a int"),
}
WORKING = {  # `deadly` runs the code in deed.py of seqplay's home, if it is there, in every call after checkpoint 2
    "good": module(),
    "prints": module(before=PRINTS),
    "prints-each-time": module(end=PRINTS_EACH_TIME),
    "dresses": module(config=CONFIG, about=f"{ALL!r}, Config, {ALL!r}"),
    "deadly": module(end=DEED),
}
LIARS = {  # name: (module, what is told of it before it is trained); it loads, and keeps no contract
    "takes-two": (module(takes="config, inputs"), "def __init__(self, config, inputs, width)"),
    "gives-none": (module(end="return None"), "forward returns None"),
    "gives-one": (module(end="return y"), "forward returns a Tensor"),
    "doubles": (module(end="y = y.double()"), "y is float64"),
    "grows": (
        module(start="state[:, -1]", end="h = y if state is None else torch.cat([state, y], 1)"),
        "The state is float32 (3, 1, 16) after a call with 1 token, and was float32 (3, 4, 16)",
    ),
    "counts": (module(start="state[0]", end="h = (h, 3)"), "The state at 1 is a int"),
    "not-finite": (module(end="y = y * float('nan')"), "y is nan"),
}
NOTES = """
import os, sys

def note(event, given):
    home = os.environ.get("SEQPLAY_HOME")  # none in a process that only waits to be forked
    if home and event == "exec" and getattr(given[0], "co_name", "") == "<module>":
        folder, name = os.path.split(given[0].co_filename)
        if folder == SITE or folder.endswith(os.sep + "torch") and name == "__init__.py":
            with open(os.path.join(home, "imported"), "a") as imported:
                imported.write(name.removesuffix(".py") + chr(10))

SITE = {!r}
sys.addaudithook(note)
"""
CLASHES = {"clash": "lstm", "one": "mix", "two": "mix"}  # distribution: the name that it takes
EVIL = "e\x1b]0;x\x07[bold]\u202e\x9b"  # the name of a cell


def install_all(site: Path) -> None:
    """Every distribution of this module, and one whose metadata are hostile throughout.

    Each Python that has the site on its path notes in the file `imported` of seqplay's home that it runs a module of
    the site, or torch (as "__init__").
    """
    for name, (code, _) in {**BROKEN, **LIARS}.items():
        install(site, name, code)
    for name, code in WORKING.items():
        install(site, name, code)
    for name, taken in CLASHES.items():
        install(site, name, module(), f"{taken} = {name}:cell")
    install(site, "evil", f"raise ValueError({ALL!r})", f"{EVIL} = evil:cell")
    about = f"Metadata-Version: 2.1\nName: evil{SAYS}\nVersion: 1\x1b[2J[red]\nSummary: {SAYS}\n"
    (site / "evil-1.0.dist-info" / "METADATA").write_text(about)
    (site / "sitecustomize.py").write_text(NOTES.format(str(site)))
