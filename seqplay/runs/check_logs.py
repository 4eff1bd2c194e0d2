"""Whether the lines of a run's logs are what seqplay writes. A torn last line is what a kill leaves, and no damage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seqplay import figures, files
from seqplay.errors import RunError, counted
from seqplay.recipe import OF_A_STACK, Plan, to_json
from seqplay.runs import rows
from seqplay.runs.control import is_request
from seqplay.runs.findings import Finding
from seqplay.runs.layout import RunFiles
from seqplay.runs.reader import LINE_LIMIT_BYTES
from seqplay.runs.rows import Row

FIXED = ("task", "cell", "tokens", "hidden", "layers", "parameters", "vocabulary", "train_tokens", "held_out_tokens")
"""What a log's first row repeats of the plan, and what no checkpoint fits without."""


@dataclass
class Lines:
    """What the lines of a log turned out to be."""

    rows: int = 0
    damaged: int = 0
    is_torn: bool = False
    problem: str = ""


def about_log(run: RunFiles, plan: Plan | None, newest: int, is_busy: bool) -> Iterator[Finding]:
    """`newest` is the newest whole checkpoint, which was read before the log: a log is never behind it."""
    name = run.log.name
    if not os.path.lexists(run.log):
        if newest:
            yield Finding("warn", name, "is missing: the training goes on, and the chart begins there")
        return
    lines, start, last, repeated, missing, odd = Lines(), Row(), 0, 0, 0, 0
    for row in _rows_of(run.log, lambda _: True, lines):
        kind, step = row.get("kind"), row.get("step")
        if kind == "start":
            start = row
        elif kind == "change":
            odd += not rows.is_change(row)
        elif kind == "step" and step is not None:
            repeated += step <= last
            missing += max(0, step - last - 1)
            last = max(step, last)
    if lines.problem:
        yield Finding("bad", name, f"{lines.problem} Without its log a run cannot go on.")
        return
    yield from _about_lines(run.log, lines, is_busy, f"{lines.rows:,} rows, to step {last:,}")
    if odd:
        yield Finding("bad", name, f"holds {counted(odd, 'change')} that seqplay never writes: `resume` refuses it")
    if repeated:
        yield Finding("warn", name, f"{repeated:,} of its steps come again, and seqplay writes each step once")
    if missing:
        yield Finding("warn", name, f"{counted(missing, 'step')} without a row: the chart lacks them")
    if last < newest:
        yield Finding("warn", name, f"ends at step {last:,}, before checkpoint {newest:,}: the chart lacks the rest")
    planned = to_json(plan) if plan else {}
    for key in FIXED:
        does_not_apply = plan is not None and bool(plan.model) and key in OF_A_STACK  # the plan says 0, the log null
        if key in planned and key in start and start[key] != planned[key] and not does_not_apply:
            says = f"says {key} {planned[key]}, and the first row of {name} says {str(start[key])[:40]}"
            yield Finding("bad", run.plan.name, f"{says}: one of them is damaged")


def about_figures(run: RunFiles, is_busy: bool) -> Iterator[Finding]:
    return _about(run.figures, _is_figure, "figure", is_busy)


def about_requests(run: RunFiles, is_busy: bool) -> Iterator[Finding]:
    return _about(run.control, is_request, "request", is_busy)


def _about(path: Path, is_row: Callable[[Row], bool], what: str, is_busy: bool) -> Iterator[Finding]:
    if not os.path.lexists(path):
        return
    lines = Lines()
    for _ in _rows_of(path, is_row, lines):
        pass
    if lines.problem:
        yield Finding("bad", path.name, lines.problem)
    else:
        yield from _about_lines(path, lines, is_busy, f"{lines.rows:,} {what}{'' if lines.rows == 1 else 's'}")


def _rows_of(path: Path, is_row: Callable[[Row], bool], lines: Lines) -> Iterator[Row]:
    """The rows of a log, one after the other, so that its size does not matter; `lines` is told what the rest is."""
    try:
        with files.open_ordinary(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > rows.LOG_LIMIT_BYTES:
                raise RunError(f"Cannot read {path}: it has {size:,} bytes and the limit is {rows.LOG_LIMIT_BYTES:,}.")
            while line := file.readline(LINE_LIMIT_BYTES):
                lines.damaged += lines.is_torn  # what had no newline was not the end: it is longer than any row
                lines.is_torn = not line.endswith(b"\n")
                row = None if lines.is_torn else rows.from_line(line)
                if row is not None and is_row(row):
                    lines.rows += 1
                    yield row
                elif not lines.is_torn and line != b"\n":
                    lines.damaged += 1
    except OSError as problem:
        lines.problem = f"{path} cannot be read: {problem.strerror}."
    except RunError as problem:
        lines.problem = str(problem)


def _about_lines(path: Path, lines: Lines, is_busy: bool, good: str) -> Iterator[Finding]:
    yield Finding("ok", path.name, good)
    if lines.damaged:
        number = "1 line is" if lines.damaged == 1 else f"{lines.damaged:,} lines are"
        yield Finding("warn", path.name, f"{number} damaged, and what they said is lost; readers pass over them")
    if lines.is_torn and not is_busy:
        yield Finding("warn", path.name, "its last line is torn, as a kill leaves it; `resume` cuts it")


def _is_figure(row: Row) -> bool:
    try:
        figures.from_json(row)
    except ValueError:
        return False
    return True
