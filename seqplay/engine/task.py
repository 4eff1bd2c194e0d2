"""What a task is: how a dataset becomes batches, a loss, a score, a preview, and answers to questions.

The loop alone knows threads, precision, clipping, averaging and the guard against NaN; a task stays free of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from seqplay.data.ids import Say, silently
from seqplay.engine.tree import Tree
from seqplay.figures import Figure
from seqplay.recipe import Plan, Recipe

Batch = Mapping[str, Tensor]  # every tensor has rows first
Answer = Iterator[dict[str, Any]]  # rows of the wire, the last "end" excepted


class Task(ABC):
    """A task for one run. `unit` is what a step's `tokens` count."""

    name: ClassVar[str]
    unit: str

    @classmethod
    @abstractmethod
    def begin(cls, recipe: Recipe, say: Say = silently) -> Task:
        """The task of a new run: reads the data, and learns the codec from its training part alone."""

    @classmethod
    @abstractmethod
    def reopen(cls, plan: Plan, read: Callable[[str], str], say: Say = silently) -> Task:
        """The task of an existing run, from its plan and its codec's files, which `read` gives by name.

        Data is read when it is first needed, so that a run without its text can still answer.
        """

    @abstractmethod
    def codec_files(self) -> dict[str, bytes]:
        """What a run keeps of the codec, by file name."""

    @abstractmethod
    def draft(self, recipe: Recipe, seconds: float) -> Plan:
        """A plan with sizes resolved for a budget in seconds, before the number of steps is known."""

    @abstractmethod
    def settle(self, recipe: Recipe, plan: Plan) -> Plan:
        """The plan with what depends on its number of steps, such as dropout."""

    @abstractmethod
    def build(self, plan: Plan) -> nn.Module:
        """The network with its starting weights, which depend on the plan alone."""

    @abstractmethod
    def prepare(self, network: nn.Module) -> None:
        """Give a network that is about to be trained what its data tells about good starting weights."""

    @abstractmethod
    def layer_table(self, network: nn.Module, plan: Plan) -> list[list[Any]]:
        """Rows of (layer, output shape, parameters)."""

    @abstractmethod
    def batch(self, network: nn.Module, plan: Plan, step: int) -> tuple[Batch, bool]:
        """The batch of a step, a pure function of the plan and the step, and whether the memory starts afresh before
        it.
        """

    @abstractmethod
    def loss(self, network: nn.Module, rows: Batch, memory: Tree) -> tuple[Tensor, int, Tree]:
        """For some rows of a batch: summed loss in nats (a scalar), how many tokens it sums, and the memory that
        follows.
        """

    @abstractmethod
    def held_out(self) -> Iterator[Batch]:
        """Batches for a quick score of the held-out part, their memory carried from one to the next; none if nothing
        is held out.
        """

    @abstractmethod
    def evaluate(
        self, network: nn.Module, watch: Callable[[float], None] = lambda _: None, **options: Any
    ) -> dict[str, Any]:
        """The final numbers, by their names in the `done` row; a number that does not exist is None.

        `watch` is told now and then what share is done, and may raise to end a long evaluation.
        """

    @abstractmethod
    def scoring(self) -> str:
        """What the final evaluation is about to do, in a line."""

    @abstractmethod
    def preview(self, network: nn.Module, plan: Plan, step: int, temperature: float | None = None) -> list[Figure]:
        """What the model makes now, for people who watch; None is the task's own temperature."""

    @abstractmethod
    def questions(
        self, network: nn.Module, watch: Callable[[], None] = lambda: None
    ) -> Mapping[str, Callable[[Mapping[str, Any]], Answer]]:
        """What can be asked of a trained network, by name; each takes options. Keep them: they may remember what the
        network has read. `watch` is called now and then in a long answer, and may raise to end it.
        """
