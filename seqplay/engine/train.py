"""The training process: `python -m seqplay.engine.train RUN`.

It never knows who watches. It ends with the exit code that the command which started it passes on, and says why in
the run's log.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from seqplay import files, paths
from seqplay.errors import SeqplayError, said
from seqplay.recipe import to_json
from seqplay.runs import layout, rows
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.writable import check_writable
from seqplay.runs.writer import LogWriter

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TELL_SECONDS = 3.0
received: list[int] = []  # signals


def main() -> None:
    began = time.perf_counter()
    for number in STOPPING:  # before there is something to commit they end the process, also inside a long library call
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)  # whoever started this may have kept them back until now
    run = RunFiles(Path(sys.argv[1]))
    _share_the_processor(run)
    try:
        check_writable(run)
        earlier = run.control.stat().st_size if run.control.exists() else 0  # requests after these are for this process
        with WriterLock(run):
            code = _guarded(run, began, earlier)
    except SeqplayError as problem:  # without the lock the log is somebody else's
        _say(str(problem))
        code = problem.exit_code
    sys.exit(code)


def train(
    run: RunFiles,
    began: float | None = None,
    earlier_requests: int = 0,
    before_stepping: Callable[[], None] = lambda: None,
) -> bool:
    """Plan a new run, or take up an existing one where its newest checkpoint left it. True when its plan is done.

    What was asked in the first `earlier_requests` bytes of control.jsonl was for a process that has ended.
    """
    from seqplay.engine import catalog, planning, tasks
    from seqplay.engine.drive import Drive

    say = Teller(run)
    try:
        if run.plan.exists():
            task, plan = tasks.reopen(run, say)
            planning.check_memory(task, plan, copies=5)
            notices = planning.check_machine(plan)
        else:
            recipe = layout.read_recipe(run.recipe)
            task = tasks.find(recipe.task).begin(recipe, say)
            say(f"loading {recipe.model or recipe.cell}")
            catalog.load(recipe.model or recipe.cell, "model" if recipe.model else "cell")
            say("choosing sizes and trying a few updates")
            plan = planning.make_plan(recipe, task)
            for name, content in task.codec_files().items():
                files.write_atomically(run.path / name, content)
            files.write_atomically(run.plan, rows.to_json(to_json(plan), indent=2))
            notices = plan.notices
        drive = Drive(run, task, plan, lambda: bool(received), began or time.perf_counter(), earlier_requests)
    finally:
        say.close()
    before_stepping()
    return drive.go(notices)


def _share_the_processor(run: RunFiles) -> None:
    """Let torch's threads sleep while they wait for each other, where a batch is not dealt to threads of our own. By
    default they spin, and beside one other busy program a model then trains 30 times slower; sleeping costs 4 %.

    It is read when torch is loaded.
    """
    with suppress(SeqplayError):  # a recipe that cannot be read is told of soon
        if layout.read_recipe(run.recipe).model:
            os.environ.setdefault("OMP_WAIT_POLICY", "passive")


class Teller:
    """Tells the log how far a long preparation is: a thread of its own writes the newest message now and then, so that
    a step of it that takes long is told too.
    """

    def __init__(self, run: RunFiles) -> None:
        self._log, self._newest, self._told = run.log, "", ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._thread.start()

    def __call__(self, message: str) -> None:
        self._newest = message

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _tell(self) -> None:
        while not self._over.wait(TELL_SECONDS):
            if self._newest != self._told:
                self._told = self._newest
                with suppress(SeqplayError), LogWriter(self._log) as log:  # the training will meet a full disk itself
                    log.append({"kind": "note", "note": "preparing", "message": self._told})


def _guarded(run: RunFiles, began: float, earlier_requests: int) -> int:
    try:
        if train(run, began, earlier_requests, _take_signals) or not received:
            return 0
        return 128 + received[0]
    except SeqplayError as problem:
        message, code = _without_home(str(problem), run), problem.exit_code
    except BaseException as problem:  # a plugin may raise anything; a signal is no exception here
        _say(_without_home(traceback.format_exc().rstrip(), run))
        message, code = _memory_advice(problem) or _without_home(said(problem), run), 1
    _say(message)
    with suppress(SeqplayError), LogWriter(run.log) as log:  # a full disk cannot take the note either
        log.append({"kind": "note", "note": "crashed", "message": message, "exit_code": code})
    return code


def _without_home(message: str, run: RunFiles) -> str:
    """The message with its paths cut short: it stays in the run, which may be given away."""
    for place, short in ((run.path.parent, ""), (paths.home(), ""), (os.path.expanduser("~"), f"~{os.sep}")):
        message = message.replace(f"{place}{os.sep}", short)
    return message


def _say(message: str) -> None:
    """Print for people; standard error may be a file on the very disk that is full."""
    with suppress(OSError):
        print(message, file=sys.stderr, flush=True)


def _memory_advice(problem: BaseException) -> str:
    """What to lower, when the memory ran out."""
    text = said(problem).lower()
    if isinstance(problem, MemoryError) or "out of memory" in text or "can't allocate memory" in text:
        return "Out of memory. The run is kept. Start another with a smaller --hidden, --batch or --sequence."
    return ""


def _take_signals() -> None:
    for number in STOPPING:
        signal.signal(number, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """The first signal ends the run after this step and a commit; the second ends the process now, which is always
    safe.
    """
    if received:
        os._exit(128 + number)
    received.append(number)


if __name__ == "__main__":
    main()
