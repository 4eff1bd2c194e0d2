"""What the numbers of a run of pictures mean, and what goes wrong in it."""

from typing import Any

import pytest

from seqplay.runs import scores
from seqplay.runs.progress import Progress


def judged(steps: int = 60, real: float = 0.6, drawn: float = 0.4, **judgement: Any) -> Progress:
    """A run that is half-way through, and was judged there."""
    progress = Progress("drawn")
    for step in range(1, steps + 1):
        row = {"kind": "step", "step": step, "seconds": float(step), "tokens": 64 * step, "train_loss": 1.0}
        assert progress.add({**row, "train_real": real, "train_drawn": drawn})
    progress.steps = 2 * steps
    row = {"kind": "evaluation", "step": steps, "seconds": float(steps), "tokens": 64 * steps, "best": True}
    good = {"confident_share": 0.9, "classes_present": 10, "class_shares": [0.1] * 10, "variety": 0.95}
    assert progress.add({**row, "held_out_estimate": None, **good, **judgement})
    return progress


@pytest.mark.parametrize(
    ("judgement", "said"),
    [
        ({"class_shares": [0.19] * 5 + [0.01] * 5}, "mode collapse: it draws 5 of 10 classes"),
        ({"class_shares": [0.55, *[0.05] * 9]}, "mode collapse: 55 % of it is one class"),
        ({"variety": 0.12}, "mode collapse: it varies 12 % as much as the real ones"),
        ({"real": 0.99, "drawn": 0.01}, "the critic is never wrong, so the generator learns nothing"),
        ({"real": 0.99, "drawn": 0.01, "steps": 49}, ""),
        ({"real": 0.99, "drawn": 0.03}, ""),
        ({"class_shares": [0.18] * 5 + [0.02] * 5}, ""),
        ({"class_shares": [1 / 62] * 62, "classes_present": 0}, ""),
        ({"class_shares": [1 / 31] * 31 + [0.003] * 31, "classes_present": 31}, "mode collapse: it draws 31 of 62"),
        ({"class_shares": None, "classes_present": 1}, ""),
        ({"class_shares": [0.5, *[0.05] * 9]}, ""),
        ({}, ""),
    ],
)
def test_what_goes_wrong_is_said_with_what_to_try(judgement: dict[str, Any], said: str) -> None:
    warning = scores.warning(judged(**judgement))
    assert warning.startswith(said)
    assert bool(warning) == bool(said)
    assert ("try" in warning) == bool(said)


def test_a_generator_that_has_only_begun_is_not_complained_about() -> None:
    progress = judged(variety=0.1)
    assert scores.warning(progress)
    progress.steps = 1000
    assert scores.warning(progress) == ""


def test_what_a_wasserstein_critic_says_are_no_odds_and_no_other_network_is_advised() -> None:
    sure, collapsed = judged(real=0.99, drawn=0.01), judged(variety=0.1)
    assert "critic is never wrong" in scores.warning(sure)
    assert "try wgan, or a lower learning rate" in scores.warning(collapsed)
    sure.start = collapsed.start = {"model": "wgan"}
    assert scores.warning(sure) == ""
    assert scores.warning(collapsed).endswith("real ones; try a lower learning rate")


def test_the_classes_of_the_end_are_those_of_the_best_checkpoint() -> None:
    progress = judged()
    assert scores.classes(progress) == (10, 10)
    progress.done = {"class_shares": [0.25] * 4 + [0.0] * 6}
    assert scores.classes(progress) == (4, 10)
    assert scores.classes(progress, cursor=60.0) == (10, 10)
    progress.done = {"class_shares": [0.5, "half"]}
    assert scores.classes(progress) == (10, 10)
    assert scores.classes(judged(class_shares=None)) is None


def test_a_share_that_is_none_is_no_score() -> None:
    assert scores.value(judged(confident_share=7.0), "confident_share") is None
    assert scores.value(judged(), "confident_share") == 0.9
    assert scores.value(judged(), "copied_share") is None


def test_the_end_says_how_much_is_read_and_of_how_many_classes() -> None:
    progress = judged()
    assert scores.best_said(progress, "digits") == "90 % read"
    assert scores.verdict(progress, "digits", "finished") == "read with confidence 90 %, all ten classes"
    progress = judged(held_out_accuracy=0.991)
    assert scores.best_said(progress, "recognise") == "99.1 % right"
    assert "9 wrong in 1,000" in scores.verdict(progress, "recognise", "finished")
