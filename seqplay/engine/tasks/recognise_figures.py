"""What a network that reads pictures is shown by: what it mistakes for what, its odds, its maps, what it misread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqplay.data.pictures import Pictures
from seqplay.figures import MOST_PICTURES, Bars, Column, Picture, Table

MOST_MISREAD = 64


def confusion(labels: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """How often each class (N) was read as each (N): counts (classes, classes), rows what it is, columns as what it is
    read.
    """
    return torch.bincount(labels * classes + predicted, minlength=classes * classes).view(classes, classes)


def confusion_table(counts: Tensor, names: Sequence[str]) -> Table:
    """Counts of `confusion`, and of each class the share that is read right."""
    right, seen = counts.diagonal(), counts.sum(1)
    rows = tuple(
        (name, None if not n else round(100 * hits / n, 1), *(int(count) for count in row))
        for name, hits, n, row in zip(names, right.tolist(), seen.tolist(), counts, strict=True)
    )
    columns = (Column("is", "right"), Column("% right", "right"), *(Column(name, "right") for name in names))
    all_right, all_seen = int(right.sum()), int(seen.sum())
    caption = f"{all_right:,} of {all_seen:,} read right" if all_seen else "no pictures"
    return Table(columns, rows, title="what it is, and as what it is read", caption=caption)


def macro_f1(counts: Tensor) -> float | None:
    """The mean over the classes that occur of 2 right / (labelled + read) of `confusion`'s counts; None of none."""
    right, labelled, read = counts.diagonal(), counts.sum(1), counts.sum(0)
    occurs = labelled > 0
    if not bool(occurs.any()):
        return None
    return float((2 * right[occurs] / (labelled + read)[occurs]).double().mean())


def read_labels(labels: Sequence[int], predicted: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
    """What each picture is, and where it is read as something else, that too: "4", "4→9"."""
    pairs = zip(labels, predicted, strict=True)
    return tuple(names[label] if label == read else f"{names[label]}→{names[read]}" for label, read in pairs)


def odds_bars(odds: Tensor, names: Sequence[str]) -> Bars:
    """One picture's odds (classes) in per cent, in the order of the labels."""
    best = names[int(odds.argmax())]
    return Bars(
        tuple(names), tuple(round(100 * share, 2) for share in odds.tolist()), "%", "class odds", f"read as {best}"
    )


@torch.no_grad()
def feature_maps(network: Any, picture: Tensor) -> list[Picture]:
    """What each convolution finds in one picture (1, C, H, W): a figure for each, its maps numbered, each from black
    where it is lowest to white where it is highest; one that is the same everywhere is black.
    """
    figures = []
    for layer, values in network.maps(picture).items():
        shown = values[0, :MOST_PICTURES].float().cpu()
        count, height, width = shown.shape
        low, high = shown.flatten(1).aminmax(dim=1)
        scaled = (shown - low.view(-1, 1, 1)) / (high - low).clamp(min=1e-12).view(-1, 1, 1)
        content = (255 * scaled).round().to(torch.uint8).numpy().tobytes()
        labels = tuple(str(number) for number in range(1, count + 1))
        caption = f"{count} maps of {height}×{width}, each scaled to its own range"
        figures.append(Picture.of(content, height, width, ink=False, labels=labels, title=layer, caption=caption))
    return figures


def misread(pictures: Pictures, predicted: Tensor, most: int = MOST_MISREAD) -> Picture:
    """The first `most` pictures that are read wrong, as "4→9": a 4, read as 9. `predicted` (N) are their classes."""
    wrong = np.flatnonzero(predicted.numpy() != pictures.labels)
    some = pictures.take(wrong[:most])
    _, height, width, channels = pictures.pixels.shape
    labels = read_labels(some.labels.tolist(), predicted[wrong[:most]].tolist(), pictures.names)
    return Picture.of(
        some.pixels.tobytes(),
        height,
        width,
        channels,
        ink=pictures.ink,
        labels=labels,
        title="misread",
        caption=f"{len(wrong):,} of {len(pictures):,} pictures",
    )
