"""Whatever a plugin does while it is loaded is told as what is known of it, and disturbs neither the others nor the
terminal.
"""

import asyncio
import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_plugins import GOOD, install, on_the_path

from seqplay import plugin_choice
from seqplay.known_plugins import Known, details
from seqplay.processes import describing

MADE = "\nfrom seqplay import Architecture\ncell = Architecture('x', 'cell', lambda *_: None, 'A cell.')\n"
MEND = "pip install --upgrade {0}, or take it out: pip uninstall {0}"
ENDED = "ended its process with exit code {} while it was loaded"
FLOOD = "import os\nfor _ in range(64): os.write(2, b'x' * 16384)\n"
PRINTS = r"import os; print('\x1b]52;c;aGk=\x07said', flush=True); os.write(1, b'\x1b[2Jwritten\xff\n'); print('late')"
UNTORCHED = "import sys\nsys.modules['torch'] = sys.modules['numpy'] = None  # from now on, importing one raises\n"

BROKEN = {  # name: (module, why, what to do)
    "raises": (
        "def fail():\n    raise RuntimeError('a\\nb')\nfail()",
        "raises RuntimeError: a b (raises.py, line 2)",
        MEND,
    ),
    "leaves": ("raise SystemExit(7)", "raises SystemExit: 7 (leaves.py, line 1)", MEND),
    "interrupts": ("raise KeyboardInterrupt", "raises KeyboardInterrupt (interrupts.py, line 1)", MEND),
    "baseless": (
        "class Odd(BaseException):\n    def __str__(self): raise self\nraise Odd",
        "raises Odd (baseless.py, line 3)",
        MEND,
    ),
    "needs": (
        "import nowhere_at_all.deeper",
        "needs nowhere_at_all, which is not installed here",
        "pip install nowhere_at_all",
    ),
    "requires": ("import cv22", "needs cv22, which is not installed here", "pip install open-cv22"),
    "own": ("import own.part", "lacks its own module own.part", "pip install --force-reinstall own"),
    "empty": ("", "raises AttributeError: module 'empty' has no attribute 'cell'", MEND),
    "number": ("cell = 3", "is no seqplay.Architecture but a int", MEND),
    "newer": (
        MADE.replace("'A cell.'", "'A cell.', contract=2"),
        "is written for contract 2; this seqplay has contract 1",
        "pip install --upgrade seqplay {0}",
    ),
    "undeclared": (
        MADE.replace("'A cell.'", "'A cell.', 3"),
        "declares what cannot be shown: TypeError: 3 is not a module, class, method, or function",
        MEND,
    ),
    "crashes": ("import ctypes\nctypes.string_at(0)", "ended by signal SIGSEGV while it was loaded", MEND),
    "aborts": ("import os\nos.abort()", "ended by signal SIGABRT while it was loaded", MEND),
    "exits": ("import os\nos._exit(3)", ENDED.format(3), MEND),
    "silent": ("import os\nos._exit(0)", ENDED.format(0), MEND),
}
WORKING = {
    "good": UNTORCHED + GOOD,
    "prints": PRINTS + MADE,
    "floods": FLOOD + MADE,
    "starts": "import os, subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open(os.path.join(os.environ['SEQPLAY_HOME'], 'started'), 'w').write(str(child.pid))" + MADE,
    "waits": "import atexit, threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
    "atexit.register(time.sleep, 600)" + MADE,
}
HANGS = """
import os, time
place = os.path.join(os.environ["SEQPLAY_HOME"], "hangs")
with open(place + ".new", "w") as out:
    out.write(str(os.getpid()))
os.replace(place + ".new", place)
time.sleep(600)
"""
GUARD = 60.0  # seconds: only for when something hangs that should not


@dataclass(frozen=True)
class Told:
    """What was told, first and last, of each plugin; what came to the terminal; and the home that it was told in."""

    first: dict[str, Known]
    last: dict[str, Known]
    terminal: bytes
    home: Path
    site: Path
    hanging: int


@contextmanager
def terminal_kept(path: Path) -> Iterator[None]:
    """Both of this process's outputs go to a file."""
    kept = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for descriptor, _ in kept:
            os.dup2(file, descriptor)
        yield
    finally:
        os.close(file)
        for descriptor, saved in kept:
            os.dup2(saved, descriptor)
            os.close(saved)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All of them at once, beside one that hangs until everything else is told and the viewer leaves."""
    folder = tmp_path_factory.mktemp("describing")
    site, home = folder / "site", folder / "home"
    home.mkdir()
    for name, (module, _, _) in BROKEN.items():
        install(
            site, name, module, requires=("open-cv22>=4", "pytest", "x; extra == 'y'") if name == "requires" else ()
        )
    for name, module in WORKING.items():
        install(site, name, module)
    install(site, "a-hanging-one", HANGS)
    install(site, "clash", MADE, entry="lstm = clash:cell")
    first: dict[str, Known] = {}
    last: dict[str, Known] = {}

    async def look() -> int:
        changed = asyncio.Event()

        def tell(known: Known) -> None:
            first.setdefault(known.name, known)
            last[known.name] = known
            changed.set()

        viewer = asyncio.create_task(describing.tell_all(tell, GUARD))
        while not last or [name for name, known in last.items() if known.state == "reading"] != ["a-hanging-one"]:
            changed.clear()
            await asyncio.wait_for(changed.wait(), GUARD)
        while not (home / "hangs").exists():
            await asyncio.sleep(0.01)
        viewer.cancel()
        await asyncio.gather(viewer, return_exceptions=True)
        return int((home / "hangs").read_text())

    with on_the_path(site, home), terminal_kept(folder / "terminal"):
        hanging = asyncio.run(look())
    return Told(first, last, (folder / "terminal").read_bytes(), home, site, hanging)


def is_gone(pid: int) -> bool:
    """Whether there is no such process, or only what its parent has not looked at yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_says_why_and_what_to_do(name: str, told: Told) -> None:
    _, why, advice = BROKEN[name]
    known = told.last[name]
    assert known.state == "broken"
    assert known.reason == why
    assert known.advice == advice.format(name)
    assert known.description is None


@pytest.mark.parametrize("name", [*WORKING, "clash:lstm"])
def test_every_other_plugin_works(name: str, told: Told) -> None:
    known = told.last[name]
    assert (known.state, known.reason) == ("works", "")
    assert known.description is not None
    assert (known.description.name, known.description.version) == (name, "1.0")


def test_torch_and_numpy_are_not_loaded_for_a_plugin_that_does_not_load_them(told: Told) -> None:
    """They cannot be, in the process that described it: `good` saw to that."""
    assert [setting.name for setting in details(told.last["good"], 0).settings] == ["heads", "keep", "norm", "window"]


def test_the_built_ins_are_told_at_once_and_the_others_as_being_read(told: Told) -> None:
    assert {name: known.state for name, known in told.first.items() if known.plugin.built_in} == dict.fromkeys(
        ("gru", "lstm", "rnn", "cnn", "dcgan", "wgan"), "works"
    )
    assert {known.state for known in told.first.values() if not known.plugin.built_in} == {"reading"}
    assert list(told.first)[:3] == ["gru", "lstm", "rnn"]


def test_a_clash_of_names_is_told_with_both(told: Told) -> None:
    assert told.last["clash:lstm"].plugin.name == "lstm"
    assert "lstm" in told.last
    assert details(told.last["clash:lstm"], 0).clash


def test_nothing_that_plugins_print_reaches_the_terminal(told: Told) -> None:
    assert told.terminal == b""


def test_what_a_plugin_prints_is_kept_and_never_more_than_64_kb(told: Told) -> None:
    assert told.last["prints"].output == "\x1b]52;c;aGk=\x07said\n\x1b[2Jwritten\ufffd\nlate\n"
    assert told.last["floods"].output == "x" * (1 << 16)
    assert told.last["good"].output == ""


def test_the_place_where_a_plugin_failed_is_kept_for_its_author(told: Told) -> None:
    assert re.search(r'raises\.py", line 2, in fail\n(.*\n)*RuntimeError: a\nb\n$', told.last["raises"].output)


def test_no_process_is_left_of_a_plugin_that_starts_one_or_hangs_when_the_viewer_leaves(told: Told) -> None:
    assert is_gone(int((told.home / "started").read_text()))
    assert is_gone(told.hanging)


def test_the_next_start_knows_at_once_what_works_and_asks_again_what_does_not(told: Told) -> None:
    with on_the_path(told.site, told.home):
        known = {known.name: known for known in describing.at_once() if not known.plugin.built_in}
    assert {name for name, of in known.items() if of.state == "works"} == {*WORKING, "clash:lstm"}
    assert {name: of.reason for name, of in known.items() if of.state == "broken"} == {
        name: told.last[name].reason for name in BROKEN
    }
    assert {name for name, of in known.items() if of.state == "reading"} == {"a-hanging-one"}
    assert known["good"].description == told.last["good"].description


def test_a_plugin_that_hangs_is_ended_and_told_as_timed_out(told: Told) -> None:
    with on_the_path(told.site, told.home):
        hanging = next(known for known in describing.at_once() if known.name == "a-hanging-one")
        known = asyncio.run(describing.ask(hanging, limit_seconds=0.2))
    assert (known.state, known.reason) == ("broken", "timed out: it was not loaded after 0.2 s")
    assert known.advice == "Try again, or " + MEND.format("a-hanging-one")


def test_what_is_switched_off_is_told_as_that_and_not_asked(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQPLAY_PLUGINS", "")
    seen: list[tuple[str, str]] = []

    async def never(known: Known, limit_seconds: float) -> Known:
        raise AssertionError(known.name)

    monkeypatch.setattr(describing, "ask", never)
    with on_the_path(told.site, told.home):
        asyncio.run(describing.tell_all(lambda known: seen.append((known.name, known.state))))
    assert {state for name, state in seen if name in BROKEN or name in WORKING} == {"off"}
    assert {name for name, state in seen if state == "off"} == {*BROKEN, *WORKING, "a-hanging-one", "clash:lstm"}
    assert len(seen) == len(told.first)


def test_a_machine_that_starts_no_process_is_no_fault_of_the_plugins_and_is_not_kept(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(asyncio, "create_subprocess_exec", full)
    with on_the_path(told.site, told.home):
        good = next(known for known in describing.at_once() if known.name == "good")
        known = asyncio.run(describing.ask(good))
        assert (known.state, known.advice) == ("broken", "Try again.")
        assert known.reason == "cannot be read: no process can be started: Resource temporarily unavailable"
        assert next(known for known in describing.at_once() if known.name == "good") == good


def test_a_single_file_is_described_by_a_process_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQPLAY_PLUGINS", "")
    (tmp_path / "own.py").write_text(GOOD)
    (tmp_path / "torn.py").write_text("cell = 1\nraise ValueError('torn')")
    for path in ("own.py", "torn.py"):
        plugin_choice.use_file(f"{tmp_path}/{path}:cell")
    told: dict[str, Known] = {}
    asyncio.run(describing.tell_all(lambda known: told.update({known.name: known})))
    assert (told["own.py:cell"].state, told["torn.py:cell"].state) == ("works", "broken")
    assert [setting.name for setting in details(told["own.py:cell"], 0).settings][:2] == ["heads", "keep"]
    assert told["torn.py:cell"].reason == "raises ValueError: torn (torn.py, line 2)"
    assert told["torn.py:cell"].advice == "Mend the file torn.py."


def test_without_a_file_of_descriptions_the_built_ins_are_asked_as_everybody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqplay.descriptions.BUILT_IN", tmp_path / "none.json")
    assert {known.name: known.state for known in describing.at_once() if known.plugin.built_in} == dict.fromkeys(
        ("gru", "lstm", "rnn", "cnn", "dcgan", "wgan"), "reading"
    )
