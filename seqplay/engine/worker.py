"""The answering process: `python -m seqplay.engine.worker`.

Reads one question a line from standard input and answers with rows on standard output (seqplay/wire.py). What a
plugin prints goes to standard error instead, so that it cannot stand between the rows. Only questions cross: a run's
files are read, never run.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from seqplay import wire
from seqplay.errors import SeqplayError, UsageError, no_such
from seqplay.runs.layout import RunFiles


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            for row in answer(wire.ask_from_line(line)):
                _send(answers, row)
            _send(answers, wire.end())
        except SeqplayError as problem:
            _send(answers, wire.end(str(problem), problem.exit_code))
        except BrokenPipeError:
            return
        except Exception as problem:
            traceback.print_exc()
            _send(answers, wire.end(f"{type(problem).__name__}: {problem}", 1))


def answer(ask: wire.Ask) -> Any:
    """The rows that answer a question about a run's best checkpoint. Raises SeqplayError."""
    import torch

    from seqplay.engine import checkpoints, planning, tasks

    run = RunFiles(Path(ask.run))
    task, plan = tasks.reopen(run)
    planning.check_memory(task, plan, copies=1)
    questions = task.questions()
    if ask.question not in questions:
        raise UsageError(no_such(f"question of the task {plan.task}", ask.question, questions))
    torch.set_num_threads(1 if plan.slices > 1 else plan.threads)  # as the trainer scored it
    network = task.build(plan).requires_grad_(False).eval()
    checkpoints.load_best(run.checkpoints, network)
    return questions[ask.question](network, ask.options)


def _send(answers: TextIO, row: Mapping[str, Any]) -> None:
    answers.write(wire.to_line(row))
    answers.flush()


if __name__ == "__main__":
    main()
