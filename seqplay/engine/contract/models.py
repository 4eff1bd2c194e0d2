"""The checks of a model, in the order in which an author should mend what fails."""

from __future__ import annotations

from seqplay.architecture import Architecture
from seqplay.engine.contract import pictures
from seqplay.engine.contract.check import Check
from seqplay.engine.contract.keeping import check_keeping, check_sizing
from seqplay.engine.contract.manners import manners_at_import, without_file


def sizing(architecture: Architecture) -> None:
    check_sizing(lambda: pictures.build(architecture, pictures.SMALL))


def save_and_load(architecture: Architecture) -> None:
    check_keeping(
        lambda seed: pictures.build(architecture, pictures.SMALL, seed=seed),
        lambda network: pictures.learn(architecture, network, 1),
        lambda network: pictures.outputs(architecture, network),
    )


FORM, UPDATE, SAME = "pictures of any size", "every parameter learns", "same seed, same weights"

CHECKS = (
    Check(
        FORM,
        "A data set has pictures of its own size: a model that fits one size only ends at the first other one.",
        pictures.form,
    ),
    Check(
        "sizes without memory",
        "seqplay counts parameters before it makes them, so that a network too large for the machine is refused and "
        "does not take it down.",
        sizing,
        (FORM,),
    ),
    Check(
        UPDATE,
        "What no update moves is dead weight; what becomes infinite ends the run.",
        pictures.every_parameter_learns,
        (FORM,),
    ),
    Check(
        SAME,
        "A run must give the same losses again, also after it was stopped and resumed: torch's global random state is "
        "set before every update, and nothing else is.",
        pictures.same_again,
        (FORM, UPDATE),
    ),
    Check(
        "rows are independent",
        "Rows of a batch are dealt to threads unless the model says whole_batch=True: mixed rows then learn something "
        "else on another machine.",
        pictures.rows_apart,
        (FORM, SAME),
    ),
    Check(
        "looking changes nothing",
        "Previews and scores come in the middle of training: they must show the same picture twice, and not change "
        "what is learned.",
        pictures.looking,
        (FORM, UPDATE),
    ),
    Check(
        "save and load",
        "What is not saved with the weights is another one when the run is resumed, asked or sent to a friend.",
        save_and_load,
        (FORM, UPDATE, SAME, "looking changes nothing"),
    ),
    Check(
        "learns a little",
        "A few updates on a few pictures must lower each loss that they are made for.",
        pictures.learns_a_little,
        (FORM, UPDATE),
    ),
    Check(
        "manners at import",
        "Whoever imports a plugin has other things in the same process: a run with another model must not change, nor "
        "what a command prints.",
        manners_at_import,
        (),
        without_file,
    ),
)
