"""What a task is: how a dataset becomes batches, a loss, a score, a preview, and answers to questions.

The loop alone knows threads, precision, clipping, averaging and the guard against NaN; a task stays free of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from seqplay.data.ids import Say, silently
from seqplay.engine.tree import Tree
from seqplay.figures import Figure
from seqplay.recipe import Plan, Recipe

Batch = Mapping[str, Tensor]  # every tensor has rows first
Answer = Iterator[dict[str, Any]]  # rows of the wire, the last "end" excepted


@dataclass(frozen=True)
class Loss:
    """What some rows of a batch cost: the `total` in nats over `count` tokens (a scalar), the memory that follows, and
    further numbers that are logged, each a total over the same tokens too.
    """

    total: Tensor
    count: int
    memory: Tree = None
    numbers: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Phase:
    """One part of an update: these parameters move, by this loss of rows and memory. Where a task has several, they
    have names, and the last one's loss is the step's.
    """

    loss: Callable[[Batch, Tree], Loss]
    parameters: Sequence[nn.Parameter]
    name: str = ""


@dataclass(frozen=True)
class Score:
    """How good a model is now: `merit` tells which checkpoint is the best, less being better; None: nobody can say."""

    merit: float | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)


class Task(ABC):
    """A task for one run. `unit` is what a step's `tokens` count, `seconds` its budget where nobody names one, and
    `evaluations` how often a run is scored at most.
    """

    name: ClassVar[str]
    unit: str
    seconds: ClassVar[float] = 120.0
    evaluations: ClassVar[int] = 25

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
    def loss(self, network: nn.Module, rows: Batch, memory: Tree) -> Loss:
        """Of some rows of a batch."""

    def phases(self, network: nn.Module) -> Sequence[Phase]:
        """What an update does, in order: one loss for all parameters, where it is not several networks that learn."""
        return [Phase(partial(self.loss, network), list(network.parameters()))]

    @abstractmethod
    def held_out(self) -> Iterator[Batch]:
        """Batches for a quick score of the held-out part, their memory carried from one to the next; none if nothing
        is held out.
        """

    def judge(self, network: nn.Module, plan: Plan, step: int, watch: Say = silently) -> Score:  # noqa: ARG002
        """A quick score of what no loss on held-out data tells, such as how good drawn pictures are.

        `watch` is told now and then what is done, and may raise to end it: resuming judges again.
        """
        return Score()

    @abstractmethod
    def evaluate(
        self, network: nn.Module, watch: Callable[[float], None] = lambda _: None, **options: Any
    ) -> dict[str, Any]:
        """The final numbers, by their names in the `done` row; a number that does not exist is None.

        `watch` is told now and then what share is done, and may raise to end a long evaluation. A trainer tells at
        which `step` it is.
        """

    @abstractmethod
    def scoring(self, step: int) -> str:
        """What the final evaluation after this step is about to do, in a line; "" where there is nothing to score."""

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
