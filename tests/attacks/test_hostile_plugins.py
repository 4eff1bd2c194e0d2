"""More than thirty plugins that do what none should are installed at once, and everything works (promises P1-P9).

Whatever one of them does ends in the process that imports it: of a worker, a trainer, or who describes it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forking import Child, Forks, environment
from hostile import COLOUR, OBEYED
from tiny_plugins import on_the_path
from tui.conftest import in_a_loop, playground, press, text_of, until

from seqplay import plugins
from seqplay.cli import plugins as plugins_command
from seqplay.known_plugins import Known
from seqplay.processes import describing, training
from seqplay.processes import worker as worker_process
from seqplay.processes.worker import SupersededError, Worker
from seqplay.runs.layout import RunFiles
from seqplay.safe_text import safe_line

from .hostile_plugins import BROKEN, CLASHES, EVIL, LIARS, SAYS, WORKING, install_all

GUARD = 30.0  # seconds after which something hangs
SMALL = ("--hidden", "8", "--embedding", "8", "--steps", "4", "--set", "threads=1", "--set", "evaluate_every=2")
REACHED = [*WORKING, *LIARS, "clash:lstm", "one:mix", "two:mix"]


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.split("\n") if line]  # U+0085 in a text ends no line


class Commands:
    """Runs commands where all of them are installed, each forked from one Python that has the site on its path."""

    def __init__(self) -> None:
        self.forks = Forks()

    def __call__(self, home: Path, *argv: str) -> Ran:
        done = self.forks.run(argv, environment(home), timeout=GUARD, cwd=home.parent)
        return Ran(_as_shells_say(done.returncode), done.stdout.decode(), done.stderr.decode())

    def start(self, home: Path, *argv: str) -> Child:
        """Begin a command that reads and prints nothing."""
        with open(os.devnull, "r+b") as nothing:
            return self.forks.start(argv, environment(home), (nothing.fileno(),) * 3, home.parent)

    def on_terminal(self, home: Path, *argv: str) -> str:
        """Every character that a terminal gets, but for colours and the movements of the cursor in a picture."""
        ours, theirs = os.openpty()
        child = self.forks.start(argv, environment(home), (theirs, theirs, theirs), home.parent, terminal=True)
        os.close(theirs)
        raw = b""
        while select.select([ours], [], [], GUARD)[0]:
            try:
                raw += os.read(ours, 1 << 16)
            except OSError:  # no process has it open
                break
        os.close(ours)
        assert child.wait(GUARD) == 0, raw
        return raw.decode()


def _as_shells_say(code: int) -> int:
    return 128 - code if code < 0 else code


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All of them are installed, here and in every Python that is started."""
    folder = tmp_path_factory.mktemp("hostile")
    install_all(folder / "site")
    with on_the_path(folder / "site", folder / "home"):
        yield folder / "site"


@pytest.fixture(scope="module")
def seqplay(site: Path) -> Iterator[Commands]:
    commands = Commands()
    yield commands
    commands.forks.close()


@pytest.fixture
def home(home_of_its_own: Path) -> Path:
    home_of_its_own.mkdir()
    return home_of_its_own


def imported(home: Path) -> set[str]:
    """The modules of the site that a process with this home has imported."""
    note = home / "imported"
    return set(note.read_text().split()) if note.exists() else set()


def eventually(event: Callable[[], Any], what: str) -> Any:
    guard = time.monotonic() + GUARD
    while not (found := event()):
        assert time.monotonic() < guard, f"never came: {what}"
        time.sleep(0.005)
    return found


def steps_of(home: Path) -> list[tuple[int, float]]:
    """Step and loss of every update of the run `d`."""
    log = map(json.loads, (home / "runs" / "d" / "log.jsonl").read_text().splitlines())
    return [(row["step"], row["train_loss"]) for row in log if row["kind"] == "step"]


# -- looking imports nothing


@pytest.mark.parametrize(
    "argv",
    ["--help", "--version", "train --help", "plugins --help", "plugins list", "plugins list --json", "runs", "doctor"],
)
def test_a_command_that_only_looks_imports_neither_torch_nor_one_of_them(argv: str, home: Path, site: Path) -> None:
    command = [sys.executable, "-P", "-m", "seqplay", *argv.split()]
    ran = subprocess.run(command, env=environment(home), cwd=home, capture_output=True, timeout=GUARD)
    assert ran.returncode == 0, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert imported(home) == set()


def test_each_is_listed_before_any_was_loaded(home: Path, seqplay: Commands) -> None:
    listed = {row["name"]: row for row in seqplay(home, "plugins", "list", "--json").rows if not row["built_in"]}
    assert set(listed) == {*BROKEN, *REACHED, EVIL}
    assert {row["state"] for row in listed.values()} == {"unknown"}
    assert listed[EVIL]["distribution"].startswith("evil")


# -- once each was loaded


@pytest.fixture(scope="module")
def loaded(site: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Known], float]:
    """What `plugins list --load` has found, in which home, and the seconds that it took. The one that hangs is given
    less than its ten seconds.
    """
    home = tmp_path_factory.mktemp("loaded") / "home"
    home.mkdir()
    ask = describing.ask

    async def ask_shortly(known: Known, limit_seconds: float) -> Known:
        return await ask(known, 0.3 if known.name == "hangs" else GUARD + limit_seconds)

    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SEQPLAY_HOME", str(home))
        patched.setattr(describing, "ask", ask_shortly)
        known = {one.name: one for one in plugins_command._loaded()}
    return home, known, time.monotonic() - began


Loaded = tuple[Path, dict[str, Known], float]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_told_with_its_reason(name: str, loaded: Loaded) -> None:
    known = loaded[1][name]
    assert known.state == "broken"
    assert known.reason.startswith(BROKEN[name][1])


def test_all_others_work_beside_them(loaded: Loaded) -> None:
    working = {name for name, known in loaded[1].items() if known.state == "works"}
    assert working == {*REACHED, *(name for name, known in loaded[1].items() if known.plugin.built_in)}
    assert loaded[2] < GUARD


def test_a_later_list_tells_the_reasons_and_imports_none(loaded: Loaded, seqplay: Commands) -> None:
    home, before = loaded[0], (loaded[0] / "imported").read_text()
    listed = {row["name"]: row for row in seqplay(home, "plugins", "list", "--json").rows}
    assert {name for name, row in listed.items() if row["state"] == "broken"} == {*BROKEN, EVIL}
    assert {name: listed[name]["reason"] for name in BROKEN} == {name: loaded[1][name].reason for name in BROKEN}
    shown = seqplay.on_terminal(home, "plugins", "list")
    assert OBEYED.findall(_without_colours(shown)) == []
    told = " ".join(_without_colours(shown).split())
    for name in BROKEN:
        assert f"cell {name} {safe_line(loaded[1][name].reason)}." in told
    assert before == (home / "imported").read_text()


def _without_colours(shown: str) -> str:
    return re.sub(rf"{COLOUR}|\r+\n", "\n", shown)


def test_names_that_are_taken_are_reached_through_their_distributions(site: Path) -> None:
    found = plugins.installed("cell")
    assert found["lstm"].built_in
    assert {name for name, plugin in found.items() if plugin.distribution in CLASHES} == {
        "clash:lstm",
        "one:mix",
        "two:mix",
    }


# -- training


def test_a_built_in_trains_beside_them_and_imports_none(home: Path, seqplay: Commands) -> None:
    ran = seqplay(home, "train", "english", "--cell", "lstm", "--steps", "3", "--hidden", "8")
    assert ran.code == 0, ran.err
    assert imported(home) == set()


def test_a_plugin_trains_beside_them_and_is_the_only_one_that_is_imported(home: Path, seqplay: Commands) -> None:
    ran = seqplay(home, "train", "hello", "--cell", "good", *SMALL)
    assert ran.code == 0, ran.err
    assert imported(home) == {"good"}


def test_of_a_name_that_two_have_both_full_names_are_told(home: Path, seqplay: Commands) -> None:
    ran = seqplay(home, "train", "hello", "--cell", "mix", *SMALL)
    assert ran.code == 69
    assert "one:mix" in ran.err
    assert "two:mix" in ran.err


@pytest.mark.parametrize("name", LIARS)
def test_one_that_breaks_the_contract_is_refused_before_it_is_trained(name: str, home: Path, seqplay: Commands) -> None:
    ran = seqplay(home, "train", "hello", "--cell", name, *SMALL)
    assert ran.code == 69
    (line,) = ran.err.splitlines()
    assert line.startswith(f"seqplay: The cell '{name}' breaks the contract: ")
    assert LIARS[name][1] in line
    assert line.endswith(f"seqplay plugins check {name}")
    assert list((home / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        *(
            (name, 69, "does not load: ")
            for name in ("raises", "speaks", "unspeakable", "leaves", "interrupts", "needs")
        ),
        ("newer", 69, "is written for contract 99; this seqplay has contract 1."),
        ("number", 69, "is no seqplay.Architecture but a int."),
        ("exits", 1, "hello-exits's process ended with exit code 0. "),
        ("crashes", 139, "hello-crashes's process was ended by SIGSEGV before it trained. "),
    ],
)
def test_a_broken_one_is_not_trained_and_says_why(
    name: str, code: int, told: str, home: Path, seqplay: Commands
) -> None:
    ran = seqplay(home, "train", "hello", "--cell", name, *SMALL)
    assert ran.code == code
    (line,) = ran.err.splitlines()
    assert line.startswith("seqplay: ")
    assert told in line
    assert OBEYED.findall(line) == []


def test_one_that_hangs_while_a_trainer_loads_it_ends_with_ctrl_c(home: Path, seqplay: Commands) -> None:
    command = seqplay.start(home, "train", "hello", "--cell", "hangs", *SMALL)
    eventually((home / "hangs").exists, "its import")
    os.kill(command.pid, signal.SIGINT)
    assert _as_shells_say(command.wait(GUARD)) == 130


# -- what happens in the middle of a training


@pytest.fixture(scope="module")
def undisturbed(seqplay: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the run `d` of the cell `deadly`, which nobody told to do anything; never changed."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    home.mkdir()
    ran = seqplay(home, "train", "hello", "--cell", "deadly", "--name", "d", *SMALL)
    assert ran.code == 0, ran.err
    return home


DEEDS = {  # name: (what forward does after step 2, the exit code of the command, what is told)
    "sys.exit(0)": ("raise SystemExit(0)", 1, "SystemExit: 0"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", 1, "KeyboardInterrupt"),
    "an exception without words": (
        "class Odd(BaseException):\n    def __str__(self): raise self\nraise Odd",
        1,
        "Odd",
    ),
    "an exception": (f"raise ValueError({SAYS!r})", 1, f"ValueError: {safe_line(SAYS)}"),
    "os._exit(0)": ("import os; os._exit(0)", 1, "d's process ended with exit code 0 after step 2. Go on from its"),
    "os._exit(7)": ("import os; os._exit(7)", 7, "d's process ended with exit code 7 after step 2. Go on from its"),
    "a crash": ("import ctypes; ctypes.string_at(0)", 139, "d's process was ended by SIGSEGV after step 2. Go on from"),
    "abort": ("import os; os.abort()", 134, "d's process was ended by SIGABRT after step 2. Go on from its newest"),
    "no files": ("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))", 74, "Too many open files"),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_only_its_trainer_dies_of_a_plugin_and_the_run_goes_on(
    deed: str, home: Path, seqplay: Commands, undisturbed: Path
) -> None:
    code_of_deed, code, told = DEEDS[deed]
    (home / "deed.py").write_text(code_of_deed)
    ran = seqplay(home, "train", "hello", "--cell", "deadly", "--name", "d", *SMALL)
    assert ran.code == code
    assert told in ran.err.splitlines()[-1]
    (home / "deed.py").unlink()
    (row,) = seqplay(home, "runs", "--json").rows
    assert row["state"] == "crashed"
    assert seqplay(home, "resume", "d").code == 0
    assert steps_of(home) == steps_of(undisturbed)


def test_a_third_ctrl_c_ends_a_trainer_that_hears_none(home: Path, seqplay: Commands, undisturbed: Path) -> None:
    deaf = "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n"  # as native code may be
    (home / "deed.py").write_text(deaf + "open(home + '/deaf', 'w').close()\ntime.sleep(99)")
    command = seqplay.start(home, "train", "hello", "--cell", "deadly", "--name", "d", *SMALL)
    eventually((home / "deaf").exists, "the call that hears nothing")

    def ended() -> bool:
        os.kill(command.pid, signal.SIGINT)
        return bool(select.select([command.told], [], [], 0.05)[0])

    eventually(ended, "its end")
    assert _as_shells_say(command.wait(GUARD)) == 137
    (home / "deed.py").unlink()
    assert seqplay(home, "resume", "d").code == 0
    assert steps_of(home) == steps_of(undisturbed)


def test_what_a_plugin_prints_is_kept_in_the_run_and_out_of_json(home: Path, seqplay: Commands) -> None:
    ran = seqplay(home, "train", "hello", "--cell", "prints-each-time", "--name", "d", "--json", *SMALL)
    assert (ran.code, "descriptor" in ran.out, "Python" in ran.out + ran.err) == (0, False, False)
    assert [row["kind"] for row in ran.rows if row["kind"] == "step"] == ["step"] * 4
    assert ran.rows[-1]["kind"] == "done"
    printed = (home / "runs" / "d" / "output.txt").read_bytes()
    assert b"by Python \x1b]0;x\x07\n" in printed
    assert b'{"kind": "step", "by": "descriptor"} \x1b[2J\n' in printed


def test_what_a_plugin_prints_does_not_reach_the_terminal(home: Path, seqplay: Commands) -> None:
    shown = seqplay.on_terminal(home, "train", "hello", "--cell", "prints-each-time", "--name", "d", *SMALL)
    assert "descriptor" not in shown
    assert "by Python" not in shown
    assert "\x1b]" not in shown


# -- what happens to who asks


@pytest.fixture
def trained(undisturbed: Path, home: Path) -> Path:
    """A home with the run `d`, and a deed that is done in every call from now on."""
    shutil.copytree(undisturbed, home, dirs_exist_ok=True)
    return home


def test_ctrl_c_ends_a_sample_whose_worker_hangs_and_the_worker(trained: Path, seqplay: Commands) -> None:
    hangs = "import os, time\nwith open(home + '/new', 'w') as out: out.write(str(os.getpid()))\n"
    hangs += "os.replace(home + '/new', home + '/hanging')\ntime.sleep(99)"
    (trained / "deed.py").write_text(hangs)
    command = seqplay.start(trained, "sample", "d", "--length", "5")
    eventually((trained / "hanging").exists, "the worker that hangs")
    os.kill(command.pid, signal.SIGINT)
    assert _as_shells_say(command.wait(GUARD)) == 130
    assert _is_gone(int((trained / "hanging").read_text()))


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("deed", "code", "told"),
    [
        ("import os; os.abort()", 69, "The model's process ended with SIGABRT."),
        ("import os; os._exit(0)", 69, "The model's process ended with exit code 0."),
        (DEEDS["an exception without words"][0], 1, "Odd"),
        (f"raise SystemExit({SAYS!r})", 1, f"SystemExit: {safe_line(SAYS)}"),
    ],
    ids=["abort", "os._exit(0)", "an exception without words", "sys.exit"],
)
def test_a_sample_says_how_its_worker_ended(deed: str, code: int, told: str, trained: Path, seqplay: Commands) -> None:
    (trained / "deed.py").write_text(deed)
    ran = seqplay(trained, "sample", "d", "--length", "5")
    assert (ran.code, ran.out, ran.err) == (code, "", f"seqplay: {told}\n")


async def _all_of(asked: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row async for row in asked]


def test_a_newer_question_ends_a_worker_that_hangs(site: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "PATIENCE_SECONDS", 0.05)

    async def asks() -> None:
        worker = Worker()
        older = asyncio.create_task(_all_of(worker.ask("describe", name="hangs", kind="cell")))
        while not (home / "hangs").exists():
            await asyncio.sleep(0.005)
        restarted, answer = await _all_of(worker.ask("describe", name="good", kind="cell"))
        assert restarted["message"] == "the model's process ended (SIGKILL), starting it again …"
        assert (answer["kind"], answer["name"]) == ("description", "good")
        with pytest.raises(SupersededError):
            await older
        await worker.close()

    asyncio.run(asyncio.wait_for(asks(), GUARD))


ANSWERS = """
import json, sys
for line in sys.stdin:
    number = json.loads(line)["number"]
    for _ in range(1000):
        print(json.dumps({"kind": "token", "ask": number}))
    print(json.dumps({"kind": "end", "message": "", "exit_code": 0, "ask": number}), flush=True)
"""


def test_an_answer_that_is_left_with_many_rows_waiting_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "COMMAND", ("-c", ANSWERS))

    async def asks() -> None:
        worker = Worker()
        rows = worker.ask("next")
        await anext(rows)
        while worker._answer and not worker._answer.rows.full():
            await asyncio.sleep(0)
        await rows.aclose()  # type: ignore[attr-defined]
        assert len(await _all_of(worker.ask("next"))) == 1000
        await worker.close()

    asyncio.run(asyncio.wait_for(asks(), GUARD))


def test_a_loop_that_ends_waits_for_the_end_of_who_describes(
    site: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill, groups = os.killpg, []

    async def leave() -> None:
        killed = asyncio.Event()

        def kill_slowly(group: int, number: int) -> None:
            groups.append(group)
            asyncio.get_running_loop().call_later(0.05, kill, group, number)
            killed.set()

        monkeypatch.setattr(os, "killpg", kill_slowly)
        asked = asyncio.create_task(describing.ask(Known("hangs", plugins.find("hangs"), "reading")))
        while not (home / "hangs").exists():
            await asyncio.sleep(0.005)
        asked.cancel()
        await killed.wait()

    asyncio.run(leave())
    assert [_is_gone(group) for group in groups] == [True]


# -- without one of them


def test_the_run_of_a_plugin_that_was_removed_stays_and_says_what_gets_it_back(
    trained: Path, seqplay: Commands, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "deadly-1.0.dist-info").rename(site / "removed")
    try:
        (row,) = seqplay(trained, "runs", "--json").rows
        assert (Path(row["path"]).name, row["state"]) == ("d", "finished")
        assert seqplay(trained, "show", "d").code == 0
        back = "came from deadly 1.0, which is not installed here."
        for command in ("sample", "eval"):
            ran = seqplay(trained, command, "d")
            assert (ran.code, ran.out) == (69, "")
            assert back in ran.err
            assert ran.err.endswith("pip install deadly\n")
        assert imported(trained) == {"deadly"}  # by the training alone
    finally:
        (site / "removed").rename(site / "deadly-1.0.dist-info")


# -- the playground


class Forked:
    """A trainer that the forked `seqplay resume` follows, in the place of a process of its own."""

    def __init__(self, seqplay: Commands, home: Path, run: RunFiles) -> None:
        self.child = seqplay.start(home, "resume", run.name)
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None and select.select([self.child.told], [], [], 0)[0]:
            self.code = self.child.wait(GUARD)
        return self.code


def test_the_playground_lists_each_with_its_reason_and_trains(
    loaded: Loaded, seqplay: Commands, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(loaded[0] / "cache", home / "cache")
    monkeypatch.setattr(training, "start", lambda run: Forked(seqplay, home, run))

    async def body() -> None:
        async with playground((120, 60)) as pilot:
            await press(pilot, "slash", *"hello", "enter", "enter")
            await until(pilot, lambda: "✓ hello-lstm" in text_of(pilot), "a training, to its end")
            await press(pilot, "P")
            await until(pilot, lambda: f"{len(BROKEN) + 1} broken" in text_of(pilot), "the list")
            listed = [line.strip("│ ▌").split()[:2] for line in text_of(pilot).splitlines()]
            assert {name for name in BROKEN if ["✗", name] in listed} == set(BROKEN)
            assert {name for name in REACHED if ["✓", name] in listed} == set(REACHED)
            for name in ("raises", "speaks"):
                await press(pilot, "slash", *name)
                reason = "".join(safe_line(BROKEN[name][1]).split())
                await until(pilot, lambda reason=reason: reason in _run_together(text_of(pilot)), "its reason")
                await press(pilot, "escape")
            assert OBEYED.findall(text_of(pilot).replace("\n", "")) == []

    in_a_loop(body())
    assert capfd.readouterr() == ("", "")


def _run_together(text: str) -> str:
    """What stands in the right half of the screen, without spaces and frames."""
    return "".join("".join(line.partition("││")[2].strip("│").split()) for line in text.splitlines())
