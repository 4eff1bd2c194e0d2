"""Each check of a model is failed by a model that breaks what it is about, and by that model's other checks not."""

from typing import Any

import broken_models as broken
import pytest

from seqplay.architecture import Architecture
from seqplay.engine import catalog
from seqplay.engine.contract.models import CHECKS
from seqplay.engine.contract.running import run_checks

MANNERS = "manners at import"
CAUGHT = [
    (broken.FitsOneSize, "pictures of any size", r"RuntimeError.*\(broken_models.py, line \d+\)"),
    (broken.DrawsTooBright, "pictures of any size", "must lie within -1 and 1: end it with tanh"),
    (broken.HasADoubleParameter, "pictures of any size", "'scale' is float64; parameters must be float32"),
    (broken.BuildsFromValues, "sizes without memory", "meta"),
    (broken.HasADeadParameter, "every parameter learns", "'critic.1.scale' of its loss is used in no output"),
    (broken.LeavesAPartOut, "every parameter learns", "'mapping.weight' is in neither the generator nor the critic"),
    (broken.StartsFromNumpy, "same seed, same weights", "draws from numpy's random state"),
    (broken.DrawsFromNumpy, "same seed, same weights", "draws from numpy's random state"),
    (broken.NormalisesTheBatch, "rows are independent", "In training mode row 0 alone .* whole_batch=True"),
    (
        broken.MixesRowsInItsCritic,
        "rows are independent",
        "In training mode the critic's row 0 alone .* whole_batch=True",
    ),
    (broken.LimitsItsCritic, "rows are independent", r"changes 'critic.1.parametrizations.*_u'.* say whole_batch=True"),
    (broken.DropsOut, "rows are independent", "draws random numbers while it trains; say whole_batch=True"),
    (broken.DrawsNoiseToLook, "looking changes nothing", "it draws random numbers"),
    (broken.CountsLooks, "looking changes nothing", "changes 'looks'"),
    (broken.KeepsAPlainTensor, "save and load", "Not saved: 'signs'"),
    (broken.LearnsTheWrongWay, "learns a little", "The generator's loss is .* before and .* after 12 updates"),
]
WHOLE_BATCH = (broken.DrawsNoiseToLook, broken.CountsLooks)


def failed(architecture: Architecture) -> dict[str, str]:
    only = [check.name for check in CHECKS if check.name != MANNERS]
    return {r.check: r.reason for r in run_checks(architecture, only) if r.outcome == "failed"}


@pytest.mark.parametrize(("module", "check", "reason"), CAUGHT, ids=[module.__name__ for module, _, _ in CAUGHT])
def test_a_broken_model_is_caught_by_one_check_alone(module: Any, check: str, reason: str) -> None:
    found = failed(broken.model(module, whole_batch=module in WHOLE_BATCH))
    assert list(found) == [check]
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(found[check])


def test_every_check_has_a_model_that_it_catches() -> None:
    assert {check.name for check in CHECKS} == {check for _, check, _ in CAUGHT} | {MANNERS}


def test_rows_may_not_be_mixed_to_look_even_where_the_whole_batch_learns() -> None:
    found = failed(broken.model(broken.MixesRowsToLook, whole_batch=True))
    assert any("In evaluation mode" in reason or "channel" in reason for reason in found.values())


@pytest.mark.parametrize(
    "module", [broken.NormalisesTheBatch, broken.DropsOut, broken.MixesRowsInItsCritic, broken.LimitsItsCritic]
)
def test_a_model_that_says_so_may_mix_rows_and_draw_while_it_trains(module: Any) -> None:
    assert failed(broken.model(module, whole_batch=True)) == {}


@pytest.mark.parametrize("module", [broken.Reader, broken.Painter])
def test_a_good_model_passes_all_checks(module: Any) -> None:
    assert failed(broken.model(module)) == {}


@pytest.mark.parametrize("name", ["dcgan", "wgan", "cnn"])
def test_the_built_in_models_pass_all_checks(name: str) -> None:
    assert failed(catalog.load(name, "model")[0]) == {}


def test_a_model_without_a_known_task_is_told_which_there_are() -> None:
    found = failed(broken.model(broken.Reader, task="drawing"))
    assert found == {"pictures of any size": "The task 'drawing' takes no model; those that do are digits, recognise."}
