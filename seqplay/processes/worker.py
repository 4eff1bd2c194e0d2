"""Asking a worker process: one question for a command (`ask`), one after the other for the app (`Worker`).

The process reads its questions from a pipe and ends with it: whoever asks may be killed without leaving it behind.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from signal import SIGKILL, Signals
from typing import Any, BinaryIO

from seqplay import wire
from seqplay.errors import MissingError, SeqplayError

COMMAND = ("-P", "-m", "seqplay.engine.worker")
MOST_DEATHS = 3  # over one question
MOST_WAITING = 64  # rows that were answered and not yet taken; then the process waits
PATIENCE_SECONDS = 10.0  # for the end of an answer that nobody waits for any more: a cell that hangs never comes to it
TAIL_BYTES = 4096
LONGEST_LINE = 300  # characters of its last words

Row = dict[str, Any]


class SupersededError(SeqplayError):
    """A newer question came before a `Worker` had answered this one: what it said so far is not all."""


def ask(question: wire.Ask) -> Iterator[Row]:
    """The rows that answer, as they come. Raises the SeqplayError that the worker met, or MissingError when it died."""
    with tempfile.TemporaryFile() as output:
        worker = subprocess.Popen(
            [sys.executable, *COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            with suppress(BrokenPipeError):  # it has died already: how is told below
                worker.stdin.write(wire.to_line(question).encode())
                worker.stdin.flush()  # it stays open: its end would end the process
            while line := worker.stdout.readline(wire.LONGEST_BYTES + 1):
                row = _row(line)
                if row["kind"] == "end":
                    if row["message"]:
                        raise _error(row)
                    return
                row.pop("ask", None)
                yield row
            cause = _cause(worker.wait())
            raise MissingError(f"The model's process ended with {cause}. {_last_words(output)}".strip())
        finally:
            worker.kill()
            worker.wait()
            worker.stdout.close()
            with suppress(BrokenPipeError):
                worker.stdin.close()


@dataclass
class _Answer:
    """A question under way, and the rows that have come: None at its end, an error, or how the process ended."""

    question: wire.Ask
    rows: asyncio.Queue[Row | SeqplayError | int | None] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    is_superseded: bool = False

    def end(self) -> None:
        """Let whoever waits for rows go, and whoever brings them."""
        while not self.rows.empty():
            self.rows.get_nowait()
        self.rows.put_nowait(None)


class Worker:
    """A worker process for the app, started with the first question, and again whenever it has died.

    It answers one question at a time: a newer one ends the iteration of the older with a SupersededError, and the
    process, where it does not stop for it within PATIENCE_SECONDS.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._pump: asyncio.Task[None] | None = None
        self._output: BinaryIO | None = None
        self._answer: _Answer | None = None
        self._asked = 0
        self._unended: list[int] = []  # numbers of the questions that the process was given
        self._starting = asyncio.Lock()

    async def ask(
        self, question: str, run: str = "", *, within: float | None = None, **options: Any
    ) -> AsyncIterator[Row]:
        """The rows that answer a question, which is asked when the first of them is awaited.

        A row of kind "worker" says that the process died: it was started again, and the answer begins anew. Raises the
        SeqplayError that the worker met, SupersededError when a newer question came, and MissingError when it died over
        this question three times, or when no row came `within` so many seconds, after which it is killed. When the
        worker is closed the rows just end.
        """
        self._asked += 1
        answer = _Answer(wire.Ask(run, question, options, self._asked))
        older, self._answer = self._answer, answer
        if older:
            older.is_superseded = True
            older.end()
        deaths = 0
        try:
            await self._send(answer)
            while self._answer is answer:
                row = await self._next(answer, within)
                if row is None or isinstance(row, SeqplayError):
                    self._answer = None if self._answer is answer else self._answer
                    if row is None:
                        break
                    raise row
                if not isinstance(row, int):
                    yield row
                    continue
                deaths += 1
                if deaths == MOST_DEATHS:
                    raise MissingError(
                        f"The model's process ended {deaths} times over this ({_cause(row)}). {self._said()}".strip()
                    )
                yield {"kind": "worker", "message": f"the model's process ended ({_cause(row)}), starting it again …"}
                await self._send(answer)
            if answer.is_superseded:
                raise SupersededError("Something else was asked before this was answered.")
        finally:
            if self._answer is answer:  # nobody waits for the rest of it
                self._answer = None
                answer.end()
                self._asked += 1
                self._write(wire.Ask("", "stop", number=self._asked))

    async def close(self) -> None:
        """End the process, and the answer under way."""
        answer, self._answer = self._answer, None
        if answer:
            answer.end()
        async with self._starting:
            process, pump, output = self._process, self._pump, self._output
            self._process = self._pump = self._output = None
        if process:
            _kill(process)
        if pump:
            await pump
        if output:
            output.close()

    aclose = close  # as contextlib.aclosing calls it

    async def _next(self, answer: _Answer, within: float | None) -> Row | SeqplayError | int | None:
        try:
            return await asyncio.wait_for(answer.rows.get(), within)
        except TimeoutError:
            await self.close()
        raise MissingError(f"The model's process did not answer within {within:g} s. It was ended.")

    async def _send(self, answer: _Answer) -> None:
        """Ask, unless a newer question was asked while the process started."""
        async with self._starting:
            if self._answer is answer and self._process is None:
                await self._start()
        if self._answer is answer:
            self._write(answer.question)

    def _write(self, question: wire.Ask) -> None:
        if self._process and self._process.stdin:
            if self._unended:
                loop = asyncio.get_running_loop()
                loop.call_later(PATIENCE_SECONDS, self._lose_patience, self._process, question.number)
            self._unended.append(question.number)
            with suppress(OSError, RuntimeError):  # it has died: the end of its output tells
                self._process.stdin.write(wire.to_line(question).encode())

    def _lose_patience(self, process: Process, newer: int) -> None:
        """End a process that has not stopped for a newer question; that one is then asked of another."""
        if self._process is process and any(number < newer for number in self._unended):
            _kill(process)

    async def _start(self) -> None:
        if self._output:
            self._output.close()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the process
        self._unended = []
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=self._output,
                limit=wire.LONGEST_BYTES,
            )
        except OSError as problem:
            raise MissingError(f"The model's process cannot be started: {problem.strerror}.") from None
        self._pump = asyncio.create_task(self._bring(self._process))

    async def _bring(self, process: Process) -> None:
        """Give the rows of a process to the question that they answer, until it ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        found: SeqplayError | None = None
        try:
            while line := await process.stdout.readline():
                await self._give(_row(line))
        except ValueError:  # of readline
            found = _too_long()
        except SeqplayError as problem:
            found = problem
        _kill(process)
        process.stdin.close()
        code = await process.wait()
        if self._process is process:
            self._process = self._pump = None
            if self._answer:
                await self._answer.rows.put(found or code)

    async def _give(self, row: Row) -> None:
        answer, number = self._answer, row.pop("ask", None)
        if row["kind"] == "end" and number in self._unended:
            self._unended.remove(number)
        if answer is None or number != answer.question.number:
            return
        if row["kind"] != "end":
            await answer.rows.put(row)
        else:
            await answer.rows.put(_error(row) if row["message"] else None)

    def _said(self) -> str:
        return _last_words(self._output) if self._output else ""


def _kill(process: Process) -> None:
    """Not by its own method, which would take its exit status away from asyncio."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, SIGKILL)


def _row(line: bytes) -> Row:
    if len(line) > wire.LONGEST_BYTES:
        raise _too_long()
    try:
        return wire.row_from_line(line)
    except ValueError as problem:
        raise SeqplayError(f"The model's process wrote what is no answer: {problem}.") from None


def _too_long() -> SeqplayError:
    return SeqplayError(f"The model's process wrote a row of more than {wire.LONGEST_BYTES:,} bytes.")


def _error(row: Row) -> SeqplayError:
    """What the worker met. Only its exit code crosses, and two classes share one."""
    problem = SeqplayError(row["message"])
    problem.exit_code = row["exit_code"]
    return problem


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return Signals(-code).name
    return f"signal {-code}"


def _last_words(output: BinaryIO) -> str:
    """The last line that the process wrote to its standard error."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - TAIL_BYTES))
    last = output.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return last[-LONGEST_LINE:]
