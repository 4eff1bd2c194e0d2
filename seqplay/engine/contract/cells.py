"""The checks of a cell, in the order in which an author should mend what fails."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seqplay.architecture import Architecture
from seqplay.engine.contract.check import Check
from seqplay.engine.contract.forward import causality, chunks, rows_apart, same_again, shapes, state_rules
from seqplay.engine.contract.keeping import check_keeping, check_sizing
from seqplay.engine.contract.learning import gradients, learns_hello
from seqplay.engine.contract.manners import manners_at_import, without_file
from seqplay.engine.contract.numbers import bfloat16, long_sequences
from seqplay.engine.contract.subject import SHAKE, build, call, random_input
from seqplay.engine.contract.telling import (
    step_equals_forward,
    trace_equals_forward,
    without_step,
    without_trace,
)


def sizing(architecture: Architecture) -> None:
    check_sizing(lambda: build(architecture))


def save_and_load(architecture: Architecture) -> None:
    def use(module: nn.Module) -> None:
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=SHAKE)
        call(module, random_input())

    def outputs(module: nn.Module) -> list[Tensor]:
        x = random_input()
        y, state = call(module, x)
        return [y, call(module, x, state)[0]]

    check_keeping(lambda seed: build(architecture, seed=seed), use, outputs)


def _in_float32(architecture: Architecture) -> str:
    return "it keeps out of bfloat16 (precision='float32')" if architecture.precision == "float32" else ""


SHAPES, STATE, SAME, CAUSAL = "shapes and dtypes", "state rules", "same input, same output", "no look ahead"
ROWS, LONG, CHUNKS = "rows are independent", "long sequences", "chunks equal the whole"
GRADIENTS = "every parameter learns"

CHECKS = (
    Check(
        SHAPES,
        "The stack puts layers on top of each other, and the head reads y: one odd shape or dtype ends training.",
        shapes,
    ),
    Check(
        "sizes without memory",
        "seqplay counts parameters before it makes them, so that a network too large for the machine is refused and "
        "does not take it down.",
        sizing,
        (SHAPES,),
    ),
    Check(
        STATE,
        "A state is sliced by rows for threads, detached between batches, and written to checkpoints: what is no "
        "tensor, or changes its form, ends training or makes a run that cannot be resumed.",
        state_rules,
        (SHAPES,),
    ),
    Check(
        SAME,
        "A run must give the same losses on one thread and two, and after it was stopped and resumed; the stack draws "
        "dropout so that it does.",
        same_again,
        (SHAPES,),
    ),
    Check(
        CAUSAL,
        "A cell that sees the next token has a wonderful loss and writes nonsense, as no next token is there when it "
        "samples.",
        causality,
        (SHAPES, SAME),
    ),
    Check(
        ROWS,
        "Rows of a batch are dealt to threads, and one row alone is sampled: mixed rows learn from each other and "
        "write otherwise than they learned.",
        rows_apart,
        (SHAPES, SAME),
    ),
    Check(
        LONG,
        "Scoring reads 2,000 tokens in one call, and a book is millions: one number that is not finite ends the run.",
        long_sequences,
        (SHAPES, STATE),
    ),
    Check(
        CHUNKS,
        "Training reads a text in pieces and sampling one token at a time: a cell that forgets between them never uses "
        "what it was given to remember.",
        chunks,
        (SHAPES, STATE, SAME, CAUSAL, LONG),
    ),
    Check(
        GRADIENTS,
        "The trainer asks for the gradient of every parameter: one that no output uses ends training with an error.",
        gradients,
        (SHAPES,),
    ),
    Check(
        "save and load",
        "What is not saved with the weights is another one when the run is resumed, sampled or sent to a friend.",
        save_and_load,
        (SHAPES, SAME),
    ),
    Check(
        "bfloat16",
        "Where the processor multiplies faster in bfloat16, seqplay trains in it without being asked.",
        bfloat16,
        (SHAPES, STATE, SAME),
        _in_float32,
    ),
    Check(
        "learns hello",
        "After 'hel' comes 'l', after 'hell' comes 'o': a layer that cannot learn five letters learns no text.",
        learns_hello,
        (SHAPES, SAME, ROWS, GRADIENTS),
    ),
    Check(
        "trace equals forward",
        "The gate views show what trace tells: if it computes something else, people learn something false.",
        trace_equals_forward,
        (SHAPES, STATE, SAME),
        without_trace,
    ),
    Check(
        "step equals forward",
        "Sampling takes the step without torch wherever there is one: if it differs, the model writes worse than it "
        "learned.",
        step_equals_forward,
        (SHAPES, SAME, CHUNKS),
        without_step,
    ),
    Check(
        "manners at import",
        "Whoever imports a plugin has other things in the same process: a run with another cell must not change, nor "
        "what a command prints.",
        manners_at_import,
        (),
        without_file,
    ),
)
