"""Recognising: tell which label a picture has.

A model of this task is an `nn.Module`, built as `module(config, PictureShape)`. Pictures are floats (B, channels,
height, width) from -1 to 1. The model has:

forward(pictures)      -> logits (B, classes), before any softmax
maps(pictures)         -> {name: (B, K, h, w)}: what its convolutions find, each of the K maps a picture of its own
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay import figures
from seqplay.data.ids import Say, silently
from seqplay.data.pictures import Pictures
from seqplay.data.pictures.cache import cached_pictures
from seqplay.engine import pictures
from seqplay.engine.augmentation import draw_moves, move
from seqplay.engine.pictures import to_tensor
from seqplay.engine.task import Answer, Batch, Loss
from seqplay.engine.tasks import recognise_figures as drawn
from seqplay.engine.tasks.layer_table import layer_rows, to_table
from seqplay.engine.tasks.pictures import LARGEST_SEED, PictureTask, asked
from seqplay.engine.tree import Tree
from seqplay.errors import DataError, UsageError
from seqplay.figures import Figure
from seqplay.options import option
from seqplay.recipe import Plan, Recipe

SHOWN = 40  # pictures of a preview
READ_AT_A_TIME = 500
SCORES = "held_out_loss held_out_accuracy macro_f1 held_out_tokens".split()


@dataclass(frozen=True)
class Sample:
    count: int = option(16, help="held-out pictures", low=1, high=figures.MOST_PICTURES)
    seed: int = option(0, help="which of them", low=0, high=LARGEST_SEED)


@dataclass(frozen=True)
class Classify:
    number: int = option(0, help="which of the shown pictures", low=0, high=SHOWN - 1)
    pixels: str | None = option(None, help="the base64 of another picture's bytes")


@dataclass(frozen=True)
class Features(Classify):
    pass


@dataclass(frozen=True)
class Confusion:
    pass


@dataclass(frozen=True)
class Misread:
    pass


@dataclass(frozen=True)
class Score:
    data: str | None = option(None, help="the SHA-256 of other pictures; none: those held out")


class RecogniseTask(PictureTask):
    name = "recognise"
    seconds = 60.0

    @classmethod
    def begin(cls, recipe: Recipe, say: Say = silently) -> Self:
        begun = super().begin(recipe, say)
        if len(begun.data.pixels.names) < 2:
            raise DataError(f"{recipe.source} has pictures of one label only: there is nothing to tell apart.")
        return begun

    def layer_table(self, network: nn.Module, plan: Plan) -> list[list[Any]]:
        shape = self.data.pixels.shape
        picture = torch.zeros(1, shape.channels, shape.height, shape.width)
        return to_table(layer_rows(network, picture), plan.batch)

    # -- learning

    def batch(self, network: nn.Module, plan: Plan, step: int) -> tuple[Batch, bool]:  # noqa: ARG002
        """pictures (B, channels, height, width), labels (B), moves (B, 2, 3): each picture is seen a little differently
        every time.
        """
        seen = self.dealt(step, plan.batch)
        moves = draw_moves(plan.batch, (plan.seed, step))
        return {"pictures": to_tensor(seen), "labels": torch.from_numpy(seen.labels), "moves": moves}, True

    def loss(self, network: nn.Module, rows: Batch, memory: Tree) -> Loss:  # noqa: ARG002
        seen, labels = rows["pictures"], rows["labels"]
        if "moves" in rows:  # held-out pictures are read as they are
            seen = move(seen, rows["moves"])
        odds = network(seen).float()
        hits = (odds.argmax(-1) == labels).sum()
        return Loss(F.cross_entropy(odds, labels, reduction="sum"), len(labels), numbers={"accuracy": hits})

    def held_out(self) -> Iterator[Batch]:
        for part in _parts(self.data.held_out):
            yield {"pictures": to_tensor(part), "labels": torch.from_numpy(part.labels)}

    # -- scoring

    def evaluate(
        self, network: nn.Module, watch: Callable[[float], None] = lambda _: None, **options: Any
    ) -> dict[str, Any]:
        """Loss, accuracy and macro F1 on the held-out part, or on other pictures of the same size, whose labels are
        among those learned (`data`, a SHA-256).
        """
        data, scored = options.get("data"), self.data.held_out
        if data is not None:
            scored = self.data.pixels.adopt(cached_pictures(str(data), "the pictures to score"))
        if len(scored) == 0:
            return dict.fromkeys(SCORES)
        odds, labels = self._odds(network, scored, watch), torch.from_numpy(scored.labels)
        read = odds.argmax(-1)
        return {
            "held_out_loss": float(F.cross_entropy(odds, labels)),
            "held_out_accuracy": float((read == labels).float().mean()),
            "macro_f1": drawn.macro_f1(drawn.confusion(labels, read, len(scored.names))),
            "held_out_tokens": len(scored),
        }

    @torch.no_grad()
    def _odds(self, network: nn.Module, seen: Pictures, watch: Callable[[float], None] = lambda _: None) -> Tensor:
        """Logits (N, labels) of pictures."""
        network.eval()
        where, found = next(network.parameters()).device, []
        for number, part in enumerate(_parts(seen)):
            watch(number * READ_AT_A_TIME / len(seen))
            found.append(network(to_tensor(part).to(where)).float().cpu())
        return torch.cat(found)

    def scoring(self, step: int) -> str:  # noqa: ARG002
        count = len(self.data.held_out)
        return f"reading all {count:,} held-out pictures" if count else ""

    # -- showing

    @property
    def _known(self) -> Pictures:
        """The pictures that it is asked about: those held out, if there are any."""
        return self.data.held_out if len(self.data.held_out) else self.data.train

    def _shown(self) -> Pictures:
        return self._known.take(np.arange(min(SHOWN, len(self._known))))

    def preview(self, network: nn.Module, plan: Plan, step: int, temperature: float | None = None) -> list[Figure]:  # noqa: ARG002
        """The same held-out pictures each time, with how they are read."""
        shown = self._shown()
        return [self._read_figure(network, shown, f"step {step:,} · held-out pictures, true label → read as")]

    def _read_figure(self, network: nn.Module, shown: Pictures, caption: str) -> figures.Picture:
        was_training = network.training
        read = self._odds(network, shown).argmax(-1).tolist()
        network.train(was_training)
        labels = drawn.read_labels(shown.labels.tolist(), read, shown.names)
        return self.data.pixels.figure(to_tensor(shown), labels=labels, title="reads", caption=caption)

    def questions(
        self, network: nn.Module, watch: Callable[[], None] = lambda: None
    ) -> Mapping[str, Callable[[Mapping[str, Any]], Answer]]:
        return {
            "sample": partial(self._sample, network),
            "classify": partial(self._classify, network),
            "features": partial(self._features, network),
            "confusion": partial(self._confusion, network, watch),
            "misread": partial(self._misread, network, watch),
            "score": lambda options: self._answer_score(network, options, watch),
        }

    def _sample(self, network: nn.Module, options: Mapping[str, Any]) -> Answer:
        """Held-out pictures that a seed picks, with how they are read."""
        question, known = asked(Sample, options), self._known
        places = pictures.order(len(known), question.seed)[: question.count]
        yield figures.to_json(self._read_figure(network, known.take(places), "true label → read as"))

    def _classify(self, network: nn.Module, options: Mapping[str, Any]) -> Answer:
        """The odds of every label for one picture."""
        with torch.no_grad():
            odds = network.eval()(self._one(asked(Classify, options))).float().softmax(-1)[0]
        yield figures.to_json(drawn.odds_bars(odds, self.data.pixels.names))

    def _features(self, network: Any, options: Mapping[str, Any]) -> Answer:
        """What the convolutions make of one picture."""
        for figure in drawn.feature_maps(network.eval(), self._one(asked(Features, options))):
            yield figures.to_json(figure)

    def _confusion(self, network: nn.Module, watch: Callable[[], None], options: Mapping[str, Any]) -> Answer:
        asked(Confusion, options)
        known = self._known
        read = self._odds(network, known, lambda _: watch()).argmax(-1)
        counts = drawn.confusion(torch.from_numpy(known.labels), read, len(known.names))
        yield figures.to_json(drawn.confusion_table(counts, known.names))

    def _misread(self, network: nn.Module, watch: Callable[[], None], options: Mapping[str, Any]) -> Answer:
        asked(Misread, options)
        known = self._known
        yield figures.to_json(drawn.misread(known, self._odds(network, known, lambda _: watch()).argmax(-1)))

    def _answer_score(self, network: nn.Module, options: Mapping[str, Any], watch: Callable[[], None]) -> Answer:
        yield {"kind": "score", **self.evaluate(network, lambda _: watch(), data=asked(Score, options).data)}

    def _one(self, question: Classify) -> Tensor:
        """The one picture (1, channels, height, width) that is asked about. Raises UsageError."""
        pixels = self.data.pixels
        if question.pixels is None:
            shown = self._shown()
            if question.number >= len(shown):
                raise UsageError(f"number takes a whole number from 0 to {len(shown) - 1}, not {question.number}.")
            return to_tensor(shown.take(np.array([question.number])))
        try:
            content = base64.b64decode(question.pixels, validate=True)
        except (binascii.Error, ValueError):
            raise UsageError("pixels takes the base64 of a picture's bytes.") from None
        if len(content) != pixels.height * pixels.width * pixels.channels:
            size = f"{pixels.height} x {pixels.width} x {pixels.channels}"
            raise UsageError(f"A picture has {size} bytes here, not {len(content):,}.")
        values = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        return values.view(1, pixels.height, pixels.width, pixels.channels).permute(0, 3, 1, 2).float() / 127.5 - 1


def _parts(seen: Pictures) -> Iterator[Pictures]:
    for at in range(0, len(seen), READ_AT_A_TIME):
        yield seen.take(np.arange(at, min(at + READ_AT_A_TIME, len(seen))))
