"""The real command line without its start-up: a process that has imported seqplay and torch forks a child for each
command, and such a child forks its trainer or worker.

What a child does from there on is what `python -P -m seqplay` does: its own arguments, environment, folder, streams and
signals, the module run as `__main__`, an exit code. What happens before that (interpreter, locale, imports) is not seen
here: `can_serve` tells, and the tests whose subject it is start processes. And a trainer tries its network out with 4
updates, not with 24.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

IMPORTED = (
    *("numpy.random", "torch", "tokenizers", "safetensors.numpy", "safetensors.torch", "filelock", "rich.live"),
    *("seqplay.cli", "seqplay.data.tokens", "seqplay.steps.cells", "seqplay.steps.writing", "seqplay.processes.worker"),
    *("seqplay.engine.drive", "seqplay.engine.planning", "seqplay.engine.tasks", "seqplay.engine.checkpoints"),
    *("seqplay.engine.tasks.text", "seqplay.draw.rich_lines", "seqplay.engine.cells.lstm", "seqplay.steps.cells.lstm"),
    *("seqplay.engine.tasks.digits", "seqplay.engine.models.dcgan", "torch.utils._device", "rich.progress"),
    *("seqplay.engine.tasks.recognise", "seqplay.engine.models.cnn"),
)
LEFT_OUT = (
    *("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES", "SEQPLAY_DEBUG"),
    *("LC_ALL", "LANG", "LC_CTYPE", "PYTHONUNBUFFERED"),
)
NUMBER = struct.Struct("i")  # a pid, and later an exit code, told on one pipe
READ_AT_START_UP = ("LANG", "LC_", "PYTHON", "PY_COLORS", "FORCE_COLOR", "OMP_", "MKL_", "TORCH", "LD_")
SET_BY_LIBRARIES = ("OMP_", "MKL_", "TORCH")  # as they are imported
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
"""Read as torch is loaded, here and in every process that tests start. Two threads of a network wait for each other
all the time, and by default they compute while they wait: on cores that others use as well, ten times what they do.
"""
AT_START = dict(os.environ)


# -- in the tests


def environment(home: str | os.PathLike[str], **more: str) -> dict[str, str]:
    """The environment of a command: that of the tests, without what a terminal or a person may have set."""
    kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    for name in [name for name in kept if name.startswith(SET_BY_LIBRARIES)]:
        if name in AT_START:
            kept[name] = AT_START[name]
        else:
            del kept[name]
    return {**kept, "SEQPLAY_HOME": os.fspath(home), "TERM": "xterm-256color", "LANG": "C.UTF-8", **more}


@dataclass(frozen=True)
class Child:
    """A command that was forked: its process, and where its exit code will be told."""

    pid: int
    told: int

    def wait(self, timeout: float) -> int:
        """Its exit code, negative for a signal, as subprocess has it. Raises TimeoutExpired, and has killed it."""
        if not select.select([self.told], [], [], timeout)[0]:
            os.kill(self.pid, signal.SIGKILL)
            select.select([self.told], [], [], timeout)
            os.close(self.told)
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        code = NUMBER.unpack(os.read(self.told, NUMBER.size))[0]
        os.close(self.told)
        return int(code)


class Forks:
    """The process that forks, started when the first command is asked of it."""

    def __init__(self) -> None:
        self._environment = environment("")
        self._server: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def can_serve(self, environment: Mapping[str, str]) -> bool:
        """Whether a command in this environment would start up as the process that forks has."""
        names = {name for name in {*environment, *self._environment} if name.startswith(READ_AT_START_UP)}
        return all(environment.get(name) == self._environment.get(name) for name in names)

    def start(
        self,
        argv: Sequence[str | bytes | os.PathLike[str]],
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
        cwd: str | os.PathLike[str] | None = None,
        terminal: bool = False,
        module: str = "seqplay",
    ) -> Child:
        """Begin `python -P -m MODULE ARGV` on three streams; with `terminal` they are the terminal that controls it."""
        assert self.can_serve(environment)
        asked = {
            "argv": [os.fsdecode(word) for word in argv],
            "environment": dict(environment),
            "cwd": os.fspath(cwd or os.getcwd()),
            "terminal": terminal,
            "module": module,
        }
        told, tell = os.pipe()
        with tempfile.TemporaryFile() as request, self._lock:
            request.write(json.dumps(asked).encode())
            request.seek(0)
            socket.send_fds(self._connection(), [b"."], [request.fileno(), *streams, tell])
            os.close(tell)
            (pid,) = NUMBER.unpack(os.read(told, NUMBER.size))
        return Child(pid, told)

    def run(
        self,
        argv: Sequence[str | bytes | os.PathLike[str]],
        environment: Mapping[str, str],
        stdin: bytes | int = b"",
        timeout: float = 60.0,
        cwd: str | os.PathLike[str] | None = None,
        stdout: int | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command whose standard streams, but for descriptors that are given, are pipes."""
        (given, give), (out, write_out), (err, write_err) = (os.pipe() for _ in range(3))
        streams = (given if isinstance(stdin, bytes) else stdin, write_out if stdout is None else stdout, write_err)
        child = self.start(argv, environment, streams, cwd)
        for end in (given, write_out, write_err):
            os.close(end)
        found: dict[int, bytes] = {}
        work: list[Callable[[], None]] = [
            lambda: _feed(give, stdin if isinstance(stdin, bytes) else b""),
            lambda: found.__setitem__(out, _drain(out)),
            lambda: found.__setitem__(err, _drain(err)),
        ]
        threads = [threading.Thread(target=one, daemon=True) for one in work]
        for thread in threads:
            thread.start()
        code = child.wait(timeout)
        for thread in threads:
            thread.join(timeout)
        return subprocess.CompletedProcess(list(argv), code, found[out], found[err])

    def close(self) -> None:
        """End the process that forks; commands that it forked go on."""
        if self._server is not None:
            self._socket.close()
            self._server.wait()
            self._server = None

    def _connection(self) -> socket.socket:
        if self._server is None:
            self._socket, theirs = socket.socketpair()
            with theirs:
                self._server = subprocess.Popen(
                    [sys.executable, "-P", __file__, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                )
        return self._socket


def _feed(descriptor: int, content: bytes) -> None:
    with suppress(BrokenPipeError), open(descriptor, "wb") as file:  # a command need not read what it is given
        file.write(content)


def _drain(descriptor: int) -> bytes:
    with open(descriptor, "rb") as file:
        return file.read()


FORKS = Forks()


# -- in the process that forks


def serve(connection: socket.socket) -> None:
    """Fork a child for each request until the tests have ended, and tell the exit code of each."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([connection, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _tell_who_ended(children)
        if connection not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(connection, 1, 5)
        if not message:
            return
        *given, tell = descriptors
        pid = os.fork()
        if pid == 0:
            _become_asked(given)
        os.write(tell, NUMBER.pack(pid))
        children[pid] = tell
        for descriptor in given:
            os.close(descriptor)


def _tell_who_ended(children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        tell = children.pop(pid)
        with suppress(BrokenPipeError):  # the test has ended
            os.write(tell, NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(tell)


def _become_asked(given: Sequence[int]) -> None:
    """In the child: take up what was asked, and never return."""
    with open(given[0], "rb") as file:
        asked: dict[str, Any] = json.load(file)
    for number, descriptor in enumerate(given[1:]):
        os.dup2(descriptor, number)
    if asked["terminal"]:
        import fcntl
        import termios

        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["cwd"])
    subprocess.Popen = Forking  # type: ignore[misc]
    _become(asked["module"], asked["argv"])


class Forking(subprocess.Popen):  # type: ignore[type-arg]
    """A Popen that forks instead of starting Python anew where the engine's processes are started."""

    def __init__(self, args: Any, **options: Any) -> None:
        if isinstance(args, list) and args[:3] == [sys.executable, "-P", "-m"] and args[3].startswith("seqplay.engine"):
            options["preexec_fn"] = lambda: _become(args[3], args[4:])  # called in the child, on its own streams
        super().__init__(args, **options)


def _become(module: str, argv: Sequence[str]) -> None:
    """What Python does with `-P -m MODULE ARGV` once it has started; never returns."""
    code: Any = 1
    try:
        os.closerange(3, 4096)
        signal.set_wakeup_fd(-1)
        _forget_signals()
        _open_streams()
        sys.argv = [module, *argv]
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
            code = 0
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else int(leave.code is not None)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            traceback.print_exc()
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            code = 120
    finally:
        os._exit(code & 0xFF)


def _forget_signals() -> None:
    """Handlers do not outlive an exec, and Python sets three signals when it starts."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _open_streams() -> None:
    """Standard input, output and error on descriptors 0 to 2, as Python opens them in this locale."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        like = getattr(sys, f"__{name}__")
        mode, encoding, errors = "r" if number == 0 else "w", like.encoding, like.errors
        stream = open(number, mode, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
        if number == 2:
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)


def main() -> None:
    from seqplay.cli import COMMANDS, MODULES

    for name in (*IMPORTED, *(f"seqplay.cli.{MODULES.get(name, name)}" for name in COMMANDS)):
        import_module(name)
    sys.modules["seqplay.engine.planning"].MEASURE_STEPS = 4  # type: ignore[attr-defined]
    atexit._clear()  # what torch has registered takes longer than most commands, and no command needs it
    gc.freeze()  # a collection in a child would copy every page that it looks at
    serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
