"""What a judge says of drawn pictures, in numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from seqplay.data.pictures import Pictures
from seqplay.engine import frechet
from seqplay.engine.judge import Judge, variance
from seqplay.engine.nearest import nearest as nearest

CONFIDENT = 0.9  # odds from which the judge is sure
PRESENT = 0.02  # share of the drawn pictures from which a class counts as drawn
JUDGED_AT_A_TIME = 500


@dataclass(frozen=True)
class Scores:
    """Of drawn pictures. Distances are Euclidean, of pixels from 0 to 1."""

    confident_share: float
    """Share of the pictures that the judge reads with odds of 0.9 or more."""
    classes_present: int
    """How many classes are 2 % of the pictures or more."""
    class_shares: tuple[float, ...]
    """As what the judge reads them, in the order of the labels."""
    frechet: float
    """Distance between the judge's features of drawn and of real pictures."""
    frechet_floor: float
    """What real pictures have from each other."""
    nearest_distance: float
    """Median of the distances to the most similar training picture."""
    nearest_floor: float
    """What real pictures have from each other."""
    copied_share: float
    """Share of the pictures that are nearer to a training picture than 99 % of the real ones to another."""
    variety: float
    """Variance over the drawn pictures, as a share of that over the real ones."""
    judge_accuracy: float

    def to_row(self) -> dict[str, Any]:
        """The numbers by their names in a log."""
        return {**asdict(self), "class_shares": list(self.class_shares)}


@torch.no_grad()
def score(judge: Judge, drawn: Tensor, real: Pictures) -> Scores:
    """Of drawn pictures (N, channels, height, width), two or more, from -1 to 1, against the training pictures. What is
    not finite counts as 0.

    The Fréchet distance compares with its floor where N is the judge's SAMPLES.
    """
    drawn = drawn.detach().float().cpu().nan_to_num(0.0, 0.0, 0.0)
    parts = (drawn[at : at + JUDGED_AT_A_TIME] for at in range(0, len(drawn), JUDGED_AT_A_TIME))
    features = torch.cat([judge.network.features(part) for part in parts])
    odds, classes = judge.network.head(features).softmax(1).max(1)
    shares = [count / len(drawn) for count in torch.bincount(classes, minlength=len(real.names)).tolist()]
    _, distances = nearest(drawn, real)
    yardsticks = judge.yardsticks
    return Scores(
        confident_share=int((odds >= CONFIDENT).sum()) / len(drawn),
        classes_present=sum(share >= PRESENT for share in shares),
        class_shares=tuple(shares),
        frechet=frechet.distance(frechet.fit(features), judge.real),
        frechet_floor=yardsticks.frechet_floor,
        nearest_distance=float(distances.median()),
        nearest_floor=yardsticks.nearest_median,
        copied_share=int((distances < yardsticks.nearest_low).sum()) / len(drawn),
        variety=variance(drawn) / max(yardsticks.variance, 1e-12),
        judge_accuracy=yardsticks.accuracy,
    )
