"""From what was asked to what will be done: a recipe becomes a plan before the first update, on the machine that
trains.

A time budget becomes a number of steps by making a few updates on a throw-away copy of the network.
"""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import median

import torch

from seqplay import tasks
from seqplay.engine import catalog, device, loop
from seqplay.engine.contract.probe import probe
from seqplay.engine.contract.subject import INPUTS, WIDTH
from seqplay.engine.loop import DivergedError
from seqplay.engine.task import Task
from seqplay.engine.without_memory import without_memory
from seqplay.errors import UsageError
from seqplay.options import configure
from seqplay.plugin_choice import typed
from seqplay.recipe import Plan, Recipe
from seqplay.runs.network import planned

TINY_STEPS = 400  # what a text of a few lines gets when nobody names a budget
TINY_TOKENS = 1000
MEASURE_SECONDS, MEASURE_STEPS = 1.5, 24
EVALUATION_SHARE = 0.05  # of the time, at most


def make_plan(recipe: Recipe, task: Task, memory_bytes: int | None = None) -> Plan:
    """Resolve every size, then the steps, then what depends on them.

    Raises UsageError for settings that cannot be met, such as a network larger than `memory_bytes` (None: this
    machine's).
    """
    seconds = task.seconds if recipe.minutes is None else recipe.minutes * 60
    plan = task.draft(recipe, seconds)
    if plan.distribution != "seqplay":  # what comes with seqplay has been checked
        _probe(plan)
    if recipe.patience is not None and plan.held_out_tokens == 0 and not tasks.find(plan.task).is_judged:
        why = "this text is too short for one" if plan.cell and plan.holdout else "there is none"
        raise UsageError(f"--patience needs a held-out part to score on, and {why}.")
    if recipe.steps is not None:
        plan = replace(plan, minutes=None)
    elif recipe.minutes is None:
        tiny = bool(plan.cell) and plan.train_tokens < TINY_TOKENS
        plan = replace(plan, steps=TINY_STEPS if tiny else 0, minutes=None if tiny else task.seconds / 60)
    plan = replace(plan, parameters=check_memory(task, plan, 5, memory_bytes))
    measured = measure(task, plan)
    if measured.draws and plan.slices > 1:
        why = f"the {plan.kind} '{plan.network}' draws random numbers while it trains, so it trains in one thread"
        plan = replace(plan, slices=1, threads=1, notices=[*plan.notices, why])
    if plan.steps == 0:
        plan = replace(plan, steps=max(1, int(seconds / measured.step_seconds)))
    if plan.evaluate_every == 0:
        rare = measured.evaluation_seconds / EVALUATION_SHARE / measured.step_seconds
        plan = replace(plan, evaluate_every=max(1, math.ceil(rare), math.ceil(plan.steps / task.evaluations)))
    plan = task.settle(recipe, plan)
    codec = {name: hashlib.sha256(content).hexdigest() for name, content in task.codec_files().items()}
    return replace(plan, layer_table=task.layer_table(task.build(plan), plan), codec=codec)


def _probe(plan: Plan) -> None:
    """Raises MissingError for a cell or model that breaks the form of its contract."""
    architecture = catalog.load_planned(plan)
    config = configure(architecture.config, plan.settings, f"the {plan.kind} '{plan.network}'")
    sizes = ((INPUTS, WIDTH), (plan.embedding, plan.hidden))
    probe(replace(architecture, name=typed(plan.network)), config, sizes)


@dataclass(frozen=True)
class Measured:
    """What a few updates of a throw-away copy told: how long an update (median) and an evaluation with its preview take
    here, and whether the network draws from torch's global generator.
    """

    step_seconds: float
    evaluation_seconds: float
    draws: bool


def measure(task: Task, plan: Plan) -> Measured:
    """Try a plan's network out. Dropout is not settled yet: half of the units dropped costs what any share costs."""
    dropout = plan.dropout or (0.5 if plan.train_tokens >= TINY_TOKENS else 0.0)
    # At rate 0 nothing diverges here.
    trial = replace(plan, steps=MEASURE_STEPS, dropout=dropout, learning_rate=0.0)
    training, hands = loop.start(task, trial), loop.Hands(trial)
    took: list[float] = []
    while len(took) < 4 or (len(took) < MEASURE_STEPS and sum(took[1:]) < MEASURE_SECONDS):
        began = time.perf_counter()
        with suppress(DivergedError):  # a network whose first loss is not finite: the run will tell
            loop.update(training, task, trial, hands)
        took.append(time.perf_counter() - began)
    left_by_update = torch.get_rng_state()
    loop.seed_generator(trial, training.step - 1)
    draws = not torch.equal(left_by_update, torch.get_rng_state())
    began = time.perf_counter()
    loop.estimate(training, task, trial, hands)
    task.preview(training.averaged, trial, 0)
    hands.close()
    return Measured(median(took[1:]), time.perf_counter() - began, draws)


def check_machine(plan: Plan) -> list[str]:
    """What differs here from where a run was planned, a line each: it then goes on, but not to the last bit.

    Raises UsageError where it cannot go on at all.
    """
    if plan.device != "cpu" and device.pick_device("auto") != plan.device:
        raise UsageError(
            f"This run trains on {plan.device}, which torch does not find here. Sampling works everywhere."
        )
    notices = []
    here = planned(plan)[1].version
    if here != plan.version and plan.distribution != "seqplay":  # its own changes keep what a plan means
        whose = f"{plan.distribution} {plan.version}"
        notices.append(f"planned with {whose}, goes on with {here}: losses may differ, if it can read the checkpoint")
    if plan.torch != torch.__version__:
        notices.append(f"planned with torch {plan.torch}, goes on with {torch.__version__}: losses may differ slightly")
    if plan.threads > device.cores():
        notices.append(
            f"planned for {plan.threads} processor cores, goes on with {device.cores()}: slower, not different"
        )
    return notices


def check_memory(task: Task, plan: Plan, copies: int, memory_bytes: int | None = None) -> int:
    """How many parameters a plan's network has; raises UsageError when `copies` of it do not fit, before it is made.

    Training takes five: weights, average, gradient and two moments, 4 bytes a number; and the odds of every symbol at
    every place of a batch. An answer takes one copy.
    """
    with without_memory():
        parameters = sum(p.numel() for p in task.build(plan).parameters())
    odds = 3 * plan.batch * plan.sequence * plan.vocabulary if copies > 1 else 0  # and their gradients
    there, needed = _machine_memory() if memory_bytes is None else memory_bytes, 4 * (copies * parameters + odds)
    if there is not None and needed > there:
        network = f"{plan.model} of {parameters:,} parameters"
        if plan.cell:
            network = f"network of {plan.layers} x {plan.hidden:,} units for {plan.vocabulary:,} symbols"
        raise UsageError(
            f"A {network} takes {needed / 2**30:,.0f} GiB; this machine has {there / 2**30:,.0f}. "
            f"Lower {'--hidden or --batch' if plan.cell else 'its width, with --set'}."
        )
    return parameters


def _machine_memory() -> int | None:
    try:
        with open("/proc/meminfo") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal"))
    except (OSError, StopIteration):
        return None
