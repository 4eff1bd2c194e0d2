"""Three views of a run that trains: a picture on a terminal, a line now and then elsewhere, or its rows as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from seqplay.cli import output
from seqplay.cli.progress import Progress, Row, picture, title
from seqplay.draw.lines import cut, span
from seqplay.runs.layout import RunFiles

if TYPE_CHECKING:
    from rich.live import Live


class View(Protocol):
    """Shows rows to somebody."""

    def show(self, rows: Iterable[Row], progress: Progress) -> None: ...
    def close(self) -> None: ...


class Rows:
    """`--json`: every row of the log, as it is; a run's name becomes its directory."""

    def __init__(self, run: RunFiles) -> None:
        self.run = run

    def show(self, rows: Iterable[Row], progress: Progress) -> None:  # noqa: ARG002
        for row in rows:
            if row["kind"] != "figure":
                output.write_row({**row, "run": str(self.run.path)} if "run" in row else row)

    def close(self) -> None:
        pass


class Lines:
    """Where there is no terminal: one line for each evaluation and each note."""

    def show(self, rows: Iterable[Row], progress: Progress) -> None:
        for row in rows:
            match row["kind"]:
                case "start":
                    output.say(f"{progress.run}: {title(progress)}")
                case "evaluation" if progress.step:
                    numbers = "   ".join(f"{name} {value}" for name, value in progress.numbers())
                    output.say(f"step {row['step']:,} of {progress.steps:,} ({progress.share:.0%})   {numbers}")
                case "note" if row["note"] not in ("crashed", "stopped"):
                    output.say(row["message"])

    def close(self) -> None:
        pass


class Screen:
    """On a terminal: a bar, the numbers, and the newest line that the model wrote, redrawn in place."""

    def __init__(self) -> None:
        from rich.live import Live

        self.console = output.console(stderr=True)
        self.live: Live = Live(console=self.console, auto_refresh=False, transient=False)
        self.live.start()

    def show(self, rows: Iterable[Row], progress: Progress) -> None:
        from seqplay.draw.rich_lines import to_rich

        for row in rows:
            if row["kind"] == "note" and row["note"] == "notice":
                self.console.print(to_rich([(span(row["message"], "muted"),)]))
        width = min(self.console.width, 100)
        self.live.update(to_rich(cut(line, width) for line in picture(progress, width)), refresh=True)

    def close(self) -> None:
        self.live.stop()


def choose_view(run: RunFiles, as_json: bool) -> View:
    if as_json:
        return Rows(run)
    return (
        Screen()
        if output.console(stderr=True).is_terminal and not output.console(stderr=True).is_dumb_terminal
        else Lines()
    )
