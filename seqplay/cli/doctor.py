"""`seqplay doctor`: is everything well? Of the installation, or of one run; and where it is not, what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import rich_click as click

from seqplay import draw
from seqplay.cli import output
from seqplay.cli.network_file import network_file
from seqplay.draw.lines import Line, Span, span
from seqplay.errors import RunError, WriteError
from seqplay.runs import shelf
from seqplay.runs.findings import Finding
from seqplay.safe_text import cell_width, fit, safe_line

ROLES = {"ok": "success", "warn": "warning", "bad": "error"}
LEVEL_CELLS = 6
MOST_SUBJECT_CELLS = 24
LEAST_MESSAGE_CELLS = 20


@click.command(cls=click.RichCommand)
@click.argument("run", required=False)
@network_file
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each finding, and one for what follows")
def command(run: str | None, as_json: bool) -> None:
    """Check every file of RUN and tell what can be done with it; without a name, check the installation.

    Nothing is changed. The exit code is 0 unless something is bad.
    """
    if run is not None:
        _check_run(run, as_json)
    else:
        _check_installation(as_json)


def _check_run(name: str, as_json: bool) -> None:
    from seqplay.runs.check import check

    run = shelf.find(name)
    checked = check(run)
    _show(checked.findings, checked.verdict, checked.is_good, as_json, run.path, checked.step)
    raise SystemExit(checked.exit_code)


def _check_installation(as_json: bool) -> None:
    from seqplay.cli import installation

    findings = tuple(installation.findings())
    bad = sum(finding.level == "bad" for finding in findings)
    verdict = f"{bad} of these {'is' if bad == 1 else 'are'} bad." if bad else "seqplay can work here."
    _show(findings, verdict, not bad, as_json)
    code = RunError.exit_code if installation.can_write_home() else WriteError.exit_code
    raise SystemExit(code if bad else 0)


def _show(
    findings: Iterable[Finding],
    verdict: str,
    is_good: bool,
    as_json: bool,
    run: Path | None = None,
    step: int | None = None,
) -> None:
    whose = None if run is None else str(run)
    if as_json:
        for finding in findings:
            output.write_row({"kind": "finding", "run": whose, **vars(finding)})
        output.write_row({"kind": "verdict", "run": whose, "good": is_good, "step": step, "message": verdict})
        return
    output.draw(_drawn(tuple(findings)))
    output.write("\n")
    output.write(safe_line(verdict) + "\n")


def _drawn(findings: tuple[Finding, ...]) -> Iterator[Line]:
    """A line for each finding; on a terminal a long one goes on below itself."""
    subject_cells = min(MOST_SUBJECT_CELLS, max(cell_width(safe_line(finding.subject)) for finding in findings))
    before = LEVEL_CELLS + subject_cells + 2
    room = max(LEAST_MESSAGE_CELLS, output.console().width - before) if sys.stdout.isatty() else 1 << 20
    for finding in findings:
        subject = fit(safe_line(finding.subject), subject_cells)
        level = Span(finding.level.ljust(LEVEL_CELLS), ROLES[finding.level])
        head = (level, span(subject + " " * (before - LEVEL_CELLS - cell_width(subject))))
        message = draw.wrap([Span(safe_line(finding.message))], room)
        for number, line in enumerate(message):
            yield (*head, *line) if number == 0 else (Span(" " * before), *line)
