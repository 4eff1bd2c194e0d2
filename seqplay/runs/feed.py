"""What is new in a run's logs, while its trainer writes them."""

from __future__ import annotations

from array import array
from pathlib import Path

from seqplay.runs.layout import RunFiles
from seqplay.runs.progress import Progress, Row
from seqplay.runs.reader import LogReader


class Feed:
    """The rows of a run's logs as they come, and what is known from them."""

    def __init__(self, run: RunFiles) -> None:
        self.progress = Progress(run.name)
        self._logs = News(run.log), News(run.figures)
        self._told: list[Row] = []

    def poll(self) -> list[Row]:
        """The rows that are new."""
        told, self._told = self._told, []
        return told + [row for log in self._logs for row in log.poll() if self.progress.add(row)]

    def take_in(self, step: int) -> None:
        """Take in what is there before a trainer goes on from the checkpoint of this step: none of it is new."""
        for log in self._logs:
            for row in log.earlier(step):
                self.progress.add(row)
        self.progress.begin_again()

    def catch_up(self) -> None:
        """Take in what is there already; new of it are what is trained, and how it stands."""
        self.poll()
        known = self.progress
        paused = known.note if known.state == "paused" else {}
        self._told = [row for row in (known.start, known.evaluation, paused) if row]


class News:
    """The rows of a log that were not taken in yet. A trainer that goes back to a checkpoint cuts its log, and what it
    leaves there is no news.
    """

    def __init__(self, path: Path) -> None:
        self._reader = LogReader(path)
        self._known = array("q")  # a set would take ten times as much, and a long log has millions of rows

    def earlier(self, step: int) -> list[Row]:
        """The rows that are there before a trainer goes on from the checkpoint of this step, and that it will leave."""
        rows = [row for row in self._read()[0] if row.get("step") is None or row["step"] <= step]
        self._known.extend(map(_mark, rows))
        return rows

    def poll(self) -> list[Row]:
        rows, cut = self._read()
        if cut:
            known = set(self._known)
            rows = [row for row in rows if _mark(row) not in known]
        self._known.extend(map(_mark, rows))
        return rows

    def _read(self) -> tuple[list[Row], bool]:
        rows: list[Row] = []
        cut, more = False, True
        while more:
            poll = self._reader.poll()
            rows, cut, more = (poll.rows if poll.restarted else rows + poll.rows), cut or poll.restarted, poll.more
        return rows, cut


def _mark(row: Row) -> int:
    return hash(str(row))
