"""A run's stack opened without torch."""

from __future__ import annotations

import safetensors
import safetensors.numpy

from seqplay.data.tokens import Codec
from seqplay.errors import RunError
from seqplay.recipe import Plan
from seqplay.runs.best import MODEL, read_best
from seqplay.runs.layout import RunFiles
from seqplay.runs.tensors import check_tensors
from seqplay.steps import cells
from seqplay.steps.stack import StackStep


def open_step(run: RunFiles, plan: Plan, codec: Codec) -> StackStep | None:
    """The best checkpoint of a run, one token at a time; None where its cell has no torch-free step.

    Raises RunError for a run without a checkpoint, and for weights that are damaged or do not fit the plan.
    """
    cell = cells.find(plan.cell) if plan.distribution == "seqplay" else None
    if cell is None:
        return None
    step, content = read_best(run.checkpoints, MODEL)
    try:
        check_tensors(content, run.checkpoints / str(step) / MODEL)
        stack = StackStep(safetensors.numpy.load(content), plan.layers, cell, plan.wrap, plan.residual)
        logits, _ = stack(0)
        if not len(codec) == len(logits) == len(stack.embedding):
            raise ValueError(f"{len(codec)} tokens, {len(stack.embedding)} vectors, {len(logits)} odds")
    except (safetensors.SafetensorError, KeyError, ValueError, IndexError, TypeError) as problem:
        raise RunError(f"{run.checkpoints / str(step) / MODEL} does not fit the plan: {problem}.") from None
    return stack
