"""Whoever asks is answered about the newest question alone, and told when the process died; nothing is left behind."""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from seqplay import wire
from seqplay.data import tokens
from seqplay.engine import worker as engine_worker
from seqplay.errors import MissingError, SeqplayError
from seqplay.processes import worker
from seqplay.processes.worker import SupersededError, Worker
from seqplay.runs import layout
from seqplay.steps import opened
from seqplay.steps.questions import text_questions
from seqplay.steps.writing import Dials, write

from .conftest import TEXT, Made

GUARD = 60.0  # seconds after which something hangs
ENDLESS = 1 << 40  # tokens
Plugin = Callable[[str], None]


def run_with(test: Callable[[Worker], Awaitable[None]]) -> None:
    """Run a test with a worker of its own; when it is closed, no process is left."""

    async def guarded() -> None:
        asking = Worker()
        try:
            await asyncio.wait_for(test(asking), GUARD)
        finally:
            await asking.close()
        assert _children() == before

    before = _children()
    asyncio.run(guarded())


def _children() -> set[str]:
    """The processes that this one has started and not waited for."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (line.split() for line in listed.stdout.splitlines())
    return {pid for pid, parent in pairs if parent == str(os.getpid()) and _is_there(pid)}


def _is_there(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


def pid_of(asking: Worker) -> int:
    assert asking._process is not None
    return asking._process.pid


async def all_of(rows: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row async for row in rows]


# -- answers


def test_one_process_answers_one_question_after_the_other(made: Made) -> None:
    async def asks(asking: Worker) -> None:
        rows = await all_of(asking.ask("continue", made.path, prompt="the ", length=30, seed=7))
        codec = tokens.from_json("char", made.files.tokenizer.read_text())
        step = opened.open_step(made.files, layout.read_plan(made.files), codec)
        expected = codec.decode(write(step, codec.encode("the "), 30, Dials(seed=7)))
        assert "".join(row["text"] for row in rows if row["kind"] == "token") == expected
        first = pid_of(asking)
        (row,) = await all_of(asking.ask("novelty", made.path, text=TEXT[50:101]))
        assert (row["longest"], row["copies"][0][:3], row["read"]) == (51, [0, 51, 2], len(TEXT) * 9 // 10)
        with pytest.raises(SeqplayError, match="Did you mean 'xray'") as met:
            await all_of(asking.ask("xrya"))
        assert met.value.exit_code == 2
        assert pid_of(asking) == first
        if sys.platform == "linux":
            libraries = Path(f"/proc/{first}/maps").read_text()
            assert "numpy" in libraries
            assert "torch" not in libraries

    run_with(asks)


def test_a_newer_question_ends_the_older_ones_answer_which_then_is_not_taken_for_all_of_it(made: Made) -> None:
    async def asks(asking: Worker) -> None:
        begun = asyncio.Event()

        async def older() -> list[dict[str, Any]]:
            rows = []
            try:
                async for row in asking.ask("continue", made.path, length=ENDLESS, seed=1):
                    rows.append(row)
                    begun.set()
            except SupersededError:
                return rows
            raise AssertionError("it seems to be all")

        writing = asyncio.create_task(older())
        await begun.wait()
        newer = await all_of(asking.ask("next", made.path, prompt="the"))
        assert [row["kind"] for row in newer] == ["next"]
        assert {row["kind"] for row in await writing} <= {"token", "next"}
        unstarted = [asking.ask("next", made.path, prompt=letter) for letter in "the"]
        answers = await asyncio.gather(*map(all_of, unstarted), return_exceptions=True)
        assert [type(answer) for answer in answers] == [SupersededError, SupersededError, list]
        assert [row["kind"] for row in answers[2]] == ["next"]  # type: ignore[union-attr]

    run_with(asks)


def test_closing_ends_an_answer_quietly(made: Made) -> None:
    async def asks(asking: Worker) -> None:
        rows = asking.ask("continue", made.path, length=ENDLESS, seed=1)
        await anext(rows)
        await asking.close()
        assert await all_of(rows) == []

    run_with(asks)


def test_an_answer_that_nobody_waits_for_is_stopped(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    row_from_line = wire.row_from_line

    def noting(line: bytes) -> dict[str, Any]:
        row = row_from_line(line)
        if row["kind"] == "end":
            ended.append(row["stopped"])
        return row

    monkeypatch.setattr(wire, "row_from_line", noting)

    async def asks(asking: Worker) -> None:
        rows = asking.ask("continue", made.path, length=ENDLESS)
        await anext(rows)
        await rows.aclose()  # type: ignore[attr-defined]
        while len(ended) < 2:
            await asyncio.sleep(0)
        assert ended == [True, False]

    run_with(asks)


# -- deaths


def test_a_process_that_is_killed_in_the_middle_of_an_answer_is_started_again(made: Made) -> None:
    async def asks(asking: Worker) -> None:
        rows = asking.ask("continue", made.path, length=400, seed=3)
        await anext(rows)
        os.kill(pid_of(asking), signal.SIGKILL)
        others = await all_of(rows)
        (died,) = [n for n, row in enumerate(others) if row["kind"] == "worker"]
        assert others[died]["message"] == "the model's process ended (SIGKILL), starting it again …"
        assert sum(row["kind"] == "token" for row in others[died:]) == 400

    run_with(asks)


def test_after_three_deaths_over_one_question_it_says_so(made: Made, plugin: Plugin) -> None:
    plugin("import os\nprint('one')\nos.write(2, b'no \\x1b good')\nos._exit(7)")

    async def asks(asking: Worker) -> None:
        rows = asking.ask("describe", name="x", kind="cell")
        told = [await anext(rows), await anext(rows)]
        with pytest.raises(MissingError) as met:
            await anext(rows)
        message = "the model's process ended (exit code 7), starting it again …"
        assert told == [{"kind": "worker", "message": message}] * 2
        assert str(met.value) == "The model's process ended 3 times over this (exit code 7). no \x1b good"

    run_with(asks)


def test_a_process_that_does_not_answer_in_time_is_killed(made: Made, plugin: Plugin) -> None:
    plugin("import signal\nsignal.pause()")

    async def asks(asking: Worker) -> None:
        with pytest.raises(MissingError, match=r"did not answer within 0\.01 s"):
            await all_of(asking.ask("describe", name="x", kind="cell", within=0.01))
        assert asking._process is None
        assert await all_of(asking.ask("stop")) == []

    run_with(asks)


def test_a_killed_app_leaves_no_process_behind_even_one_that_is_computing(made: Made, plugin: Plugin) -> None:
    plugin("import os\nos.write(2, b'')\nyield_ = 0\nwhile True: yield_ += 1")
    program = f"""
import asyncio
from seqplay.processes.worker import Worker
async def main():
    asking = Worker()
    async for row in asking.ask("next", {made.path!r}, prompt="the"):
        print(asking._process.pid, flush=True)
    async for row in asking.ask("describe", name="x", kind="cell"): pass
asyncio.run(main())
"""
    app = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert app.stdout is not None
    with app.stdout:
        pid = int(app.stdout.readline())
        os.kill(pid, 0)
        app.kill()
        app.wait()
        await_end(pid)


def await_end(pid: int) -> None:
    """Until a process that is no child of this one has ended."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([watched], [], [], GUARD)[0], "it goes on"
    finally:
        os.close(watched)


# -- rows


def test_what_a_plugin_prints_does_not_stand_between_the_rows(made: Made, plugin: Plugin) -> None:
    plugin(
        "import os\nprint('{\"kind\": \"end\"}')\nos.write(1, b'x\\n')\ntry: input()\nexcept EOFError: return {'ok': 1}"
    )
    rows = list(worker.ask(wire.Ask("", "describe", {"name": "x", "kind": "cell"})))
    assert rows == [{"ok": 1, "kind": "description"}]


def test_whatever_a_plugin_raises_is_an_error(made: Made, plugin: Plugin) -> None:
    plugin("raise SystemExit(name) if kind == 'exit' else KeyboardInterrupt(name)")

    async def asks(asking: Worker) -> None:
        for kind, words in (("exit", "SystemExit: x"), ("other", "KeyboardInterrupt: x")):
            with pytest.raises(SeqplayError, match=words):
                await all_of(asking.ask("describe", name="x", kind=kind))

    run_with(asks)


def test_a_row_that_is_too_long_ends_with_a_message(made: Made, plugin: Plugin) -> None:
    plugin("return {'text': 'x' * (1 << 24)}")

    async def asks(asking: Worker) -> None:
        with pytest.raises(SeqplayError, match=r"a row of 16,777,\d\d\d bytes; 16,777,216 can be read"):
            await all_of(asking.ask("describe", name="x", kind="cell"))

    run_with(asks)


def test_a_process_that_writes_no_rows_is_ended(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "COMMAND", ("-c", "print('no row', flush=True); input(); input()"))

    async def asks(asking: Worker) -> None:
        with pytest.raises(SeqplayError, match="what is no answer"):
            await all_of(asking.ask("next"))
        monkeypatch.setattr(wire, "LONGEST_BYTES", 1 << 10)
        monkeypatch.setattr(worker, "COMMAND", ("-c", "print('[' * 5000, flush=True); input(); input()"))
        with pytest.raises(SeqplayError, match="a row of more than 1,024 bytes"):
            await all_of(asking.ask("next"))

    run_with(asks)
    with pytest.raises(SeqplayError, match="a row of more than 1,024 bytes"):
        list(worker.ask(wire.Ask("", "next")))


# -- what is kept


def test_a_run_is_opened_again_only_when_its_best_checkpoint_changes(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[int] = []
    open_step = opened.open_step
    monkeypatch.setattr(opened, "open_step", lambda *given: times.append(1) or open_step(*given))
    kept = engine_worker.Opened()
    ask = wire.Ask(made.path, "next", {"prompt": "the"})
    first = list(kept.answer(ask))
    assert list(kept.answer(ask)) == first
    assert len(times) == 1
    made.commit(2)
    second = list(kept.answer(ask))
    assert second != first
    assert second == list(engine_worker.answer(ask))
    made.change_plan(cell="gru")  # which the weights do not fit
    with pytest.raises(SeqplayError, match="does not fit the plan"):
        list(kept.answer(ask))
    made.change_plan(cell="lstm")
    assert list(kept.answer(ask)) == second


def test_a_text_is_indexed_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqplay.data import passages

    kept = engine_worker.Opened()
    ask = wire.Ask(made.path, "novelty", {"text": "by the lantern"})
    first = list(kept.answer(ask))
    monkeypatch.setattr(passages, "cached_text", None)
    assert list(kept.answer(ask)) == first


def test_a_line_that_is_no_question_is_answered_with_an_error_and_ctrl_c_with_nothing(made: Made) -> None:
    process = subprocess.Popen([sys.executable, *worker.COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process, process.stdin, process.stdout:
        process.stdin.write(b"[]\n\xff\n")
        process.stdin.flush()
        for _ in range(2):
            row = json.loads(process.stdout.readline())
            assert (row["kind"], row["exit_code"], row["ask"]) == ("end", 2, 0)
        process.send_signal(signal.SIGINT)
        process.stdin.write(wire.to_line(wire.Ask("", "stop", number=5)).encode())
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {**wire.end(), "ask": 5}


def test_the_end_of_the_questions_is_the_end_of_the_process(made: Made) -> None:
    began = time.monotonic()
    asked = wire.to_line(wire.Ask(made.path, "continue", {"length": ENDLESS})).encode()
    process = subprocess.Popen([sys.executable, *worker.COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        process.stdin.write(asked)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["kind"] == "token"
        process.stdin.close()
        assert process.wait(GUARD) == 0
    assert time.monotonic() - began < GUARD


def test_the_questions_that_need_no_torch_are_those_that_a_step_answers() -> None:
    codec = tokens.learn("char", ["\n"])
    assert set(text_questions(codec, lambda token, state: (None, None))) == set(engine_worker.ABOUT_A_TEXT)  # type: ignore[arg-type, return-value]
