"""The numbers that a run of pictures has come to, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqplay.runs.rows import number

NAMES = {
    "held_out_loss": "loss, nats a picture",
    "held_out_accuracy": "read rightly",
    "macro_f1": "F1, mean of the labels",
    "held_out_tokens": "pictures held out",
    "confident_share": "drawn pictures read with confidence",
    "classes_present": "classes present",
    "frechet": "Frechet distance to the real ones",
    "frechet_floor": "that of real ones among themselves",
    "copied_share": "copied from the training pictures",
    "judge_accuracy": "real ones read rightly by the judge",
}
SHARES = ("_share", "_accuracy")


def scores_of_pictures(row: Mapping[str, Any]) -> list[tuple[str, str | float]]:
    """What of the numbers of a `done` or a `score` row exists, in words; shares in per cent."""
    known = [(name, label, number(row.get(name))) for name, label in NAMES.items()]
    return [
        (label, f"{100 * value:.2f} %" if name.endswith(SHARES) else row[name])
        for name, label, value in known
        if value is not None
    ]
