"""Asking a run's model for figures; and asking anew whenever something changes, however fast it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from seqplay.errors import SeqplayError
from seqplay.figures import Figure, from_json
from seqplay.processes.worker import SupersededError, Worker
from seqplay.runs.layout import RunFiles

if TYPE_CHECKING:
    from textual.dom import DOMNode

Wanted = TypeVar("Wanted")


async def figures_of(worker: Worker, question: str, run: RunFiles | None = None, **options: Any) -> list[Figure]:
    """The figures that answer a question. Raises SeqplayError."""
    found: list[Figure] = []
    async for row in worker.ask(question, run=str(run.path) if run else "", **options):
        if row["kind"] == "worker":
            found = []
        elif row["kind"] == "figure":
            try:
                found.append(from_json(row))
            except ValueError as problem:
                raise SeqplayError(f"The model's process answered with what is no figure: {problem}.") from None
    return found


class Newest(Generic[Wanted]):
    """Does `work` for what was wanted last. What is under way is finished first, so that whoever holds a key down sees
    it answered again and again; what was wanted in between is left out.
    """

    def __init__(
        self, owner: DOMNode, group: str, work: Callable[[Wanted], Awaitable[None]], complain: Callable[[str], None]
    ) -> None:
        self._owner, self._group, self._work, self._complain = owner, group, work, complain
        self._wanted: list[Wanted] = []
        self._is_at_work = False

    def want(self, wanted: Wanted) -> None:
        self._wanted = [wanted]
        if not self._is_at_work:
            self._is_at_work = True
            self._owner.run_worker(self._go_on(), group=self._group)

    def forget(self) -> None:
        """Nothing is wanted any more."""
        self._wanted = []

    async def _go_on(self) -> None:
        try:
            while self._wanted:
                await self._one(self._wanted.pop())
        finally:
            self._is_at_work = False

    async def _one(self, wanted: Wanted) -> None:
        try:
            await self._work(wanted)
        except SupersededError:
            pass  # something else was asked of the same process
        except SeqplayError as problem:
            self._complain(str(problem))
