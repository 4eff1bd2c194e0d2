"""What the tasks of pictures do alike: read them, plan, build a network, and deal them to the steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self, TypeVar

import torch
from torch import nn

from seqplay import tasks
from seqplay.data.ids import Say, silently
from seqplay.data.pictures import Pictures
from seqplay.engine import catalog, device
from seqplay.engine.pictures import CODEC, Dealer, PictureData, read_pixels
from seqplay.engine.task import Task
from seqplay.errors import DataError
from seqplay.options import configure
from seqplay.recipe import Plan, Recipe

Question = TypeVar("Question")
LARGEST_SEED = 2**32 - 1
UNIT = "picture"


class PictureTask(Task):
    """A task for one run of pictures. `seed` is the plan's."""

    as_asked: ClassVar[Sequence[str]] = "holdout seed warmup clip minutes patience settings task source data".split()
    """What a plan takes from its recipe as it stands there."""

    def __init__(self, data: PictureData, seed: int) -> None:
        self.data, self.seed, self.unit = data, seed, UNIT

    @classmethod
    def begin(cls, recipe: Recipe, say: Say = silently) -> Self:
        """Raises DataError where there are too few pictures to learn from."""
        say("reading the pictures")
        data = PictureData(recipe.data, recipe.source, recipe.holdout)
        if len(data.train) < 2:
            raise DataError(f"{recipe.source} has {len(data.train)} pictures to learn from; it takes 2 or more.")
        return cls(data, recipe.seed)

    @classmethod
    def reopen(cls, plan: Plan, read: Callable[[str], str], say: Say = silently) -> Self:  # noqa: ARG003
        return cls(PictureData(plan.data, plan.source, plan.holdout, read_pixels(read(CODEC))), plan.seed)

    def codec_files(self) -> dict[str, bytes]:
        return {CODEC: self.data.pixels.to_json()}

    def draft(self, recipe: Recipe, seconds: float) -> Plan:  # noqa: ARG002
        """By the model's own recipe where nothing was asked for."""
        name = recipe.model or tasks.find(recipe.task).network
        architecture, plugin = catalog.load_model(name, recipe.task)
        configure(architecture.config, recipe.settings, f"the model '{name}'")
        where = device.pick_device(recipe.device)
        threads = recipe.threads or device.cores()
        batch = min(recipe.batch or architecture.batch, len(self.data.train))
        return Plan(
            **{field: getattr(recipe, field) for field in self.as_asked},
            model=name,
            steps=recipe.steps or 0,
            batch=batch,
            learning_rate=recipe.learning_rate or architecture.learning_rate,
            beta1=architecture.betas[0],
            beta2=architecture.betas[1],
            weight_decay=architecture.weight_decay if recipe.weight_decay is None else recipe.weight_decay,
            average=architecture.average if recipe.average is None else recipe.average,
            device=where,
            threads=threads,
            slices=1 if architecture.whole_batch or where != "cpu" else min(threads, batch),
            precision=device.pick_precision(where, architecture.precision),
            evaluate_every=recipe.evaluate_every or 0,
            train_tokens=len(self.data.train),
            held_out_tokens=len(self.data.held_out),
            parameters=0,
            layer_table=[],
            why=f"{batch} at a time",
            unit=UNIT,
            notices=[],
            codec={},
            distribution=plugin.distribution,
            version=plugin.version,
            torch=torch.__version__,
        )

    def settle(self, recipe: Recipe, plan: Plan) -> Plan:  # noqa: ARG002
        return plan

    def build(self, plan: Plan) -> nn.Module:
        architecture = catalog.load_planned(plan)
        torch.manual_seed(plan.seed)
        config = configure(architecture.config, plan.settings, f"the model '{plan.model}'")
        network: nn.Module = architecture.module(config, self.data.pixels.shape)
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def prepare(self, network: nn.Module) -> None:
        """Nothing: a network begins with random weights."""

    @cached_property
    def _dealer(self) -> Dealer:
        return Dealer(len(self.data.train), self.seed)

    def dealt(self, step: int, count: int) -> Pictures:
        """The training pictures of a step that takes `count` of them."""
        return self.data.train.take(self._dealer(step, count))


def asked(question: type[Question], options: Mapping[str, Any]) -> Question:
    """The options of a question, which has the name of its class; null is what nobody asked for. Raises UsageError."""
    given = {name: value for name, value in options.items() if value is not None}
    return configure(question, given, f"the question '{question.__name__.lower()}'")
