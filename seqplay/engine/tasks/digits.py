"""Drawing pictures like those given: a generator turns random numbers into pictures, and a critic learns to tell them
from real ones (Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661).

An update has phases: the critic's, as often as its model says, each with pictures and latents of its own, then the
generator's. How good the drawn pictures are, no loss tells: a judge that never saw one of them does (judge.py).

A model of this task is an `nn.Module`, built as `module(config, PictureShape)`. Pictures are floats from -1 to 1; a z
has normal numbers, and is drawn by the task. The model has:

latent: int                 how many numbers a z has
critic_updates: int         how often the critic learns before the generator does
generator: nn.Module        z (B, latent) -> pictures (B, channels, height, width); in evaluation always the same
critic: nn.Module           pictures -> (B,), the higher the more real
critic_loss(pictures, z)    -> (loss, numbers): what the critic alone learns from
generator_loss(z)           -> (loss, numbers): what the generator alone learns from

A loss is a scalar, a mean over the B rows; numbers is a dict of further means to be logged, such as real and drawn: how
real the critic finds each, from 0 to 1.

Each network holds all weights that learn from its loss. `seqplay show` lists the children of both (layer_table.py), and
`ask turn` moves along the directions that matter most to the generator's first nn.Linear of z, if it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from seqplay import figures
from seqplay.architecture import PictureShape
from seqplay.data.ids import Say, silently
from seqplay.engine import judge as judges
from seqplay.engine import judging, pictures, task
from seqplay.engine.judge import Judge
from seqplay.engine.pictures import PictureData, to_tensor
from seqplay.engine.task import Answer, Batch, Loss, Phase
from seqplay.engine.tasks.layer_table import Row, layer_rows, to_table
from seqplay.engine.tasks.pictures import LARGEST_SEED, PictureTask, asked
from seqplay.engine.tree import Tree
from seqplay.figures import Figure
from seqplay.options import Option, check, option
from seqplay.recipe import Plan

SHOWN = 64  # pictures of a preview, always of the same latents
JUDGED_FROM = 100  # steps: before, a generator draws noise, and nobody need wait for a judge
SAMPLES = 1_000  # drawn pictures that a score is made of
DRAWN_AT_A_TIME = 250
STREAMS = {"learned": 0, "shown": 1, "scored": 2, "sampled": 3, "final": 4}
"""Which latents are drawn: none of a stream stands in another."""
SLIDER = Option("a slider", float, 0.0, "how far a point is moved", -100, 100)
SCORES = "confident_share classes_present frechet frechet_floor copied_share".split()


@dataclass(frozen=True)
class Sample:
    count: int = option(16, help="pictures", low=1, high=figures.MOST_PICTURES)
    seed: int = option(0, help="which latents", low=0, high=LARGEST_SEED)
    temperature: float = option(1.0, help="what they are scaled by", low=0, high=100)


@dataclass(frozen=True)
class Walk:
    first: int = option(0, help="the shown point where it begins", low=0, high=SHOWN - 1)
    last: int = option(1, help="the shown point where it ends", low=0, high=SHOWN - 1)
    steps: int = option(10, help="pictures on the way", low=1, high=1_000)
    seed: int | None = option(None, help="which points; none: those of the run", low=0, high=LARGEST_SEED)


@dataclass(frozen=True)
class Turn:
    point: int = option(0, help="the shown point that is moved", low=0, high=SHOWN - 1)
    sliders: str = option("", help="how far in each direction, as 0,0,3")
    seed: int | None = option(None, help="which points; none: those of the run", low=0, high=LARGEST_SEED)


@dataclass(frozen=True)
class Nearest:
    count: int = option(8, help="pictures", low=1, high=64)
    seed: int = option(0, help="which latents", low=0, high=LARGEST_SEED)


@dataclass(frozen=True)
class Score:
    seed: int | None = option(None, help="which latents; none: those of the run", low=0, high=LARGEST_SEED)


@dataclass(frozen=True)
class Final(Score):
    step: int = option(JUDGED_FROM, help="how long the network has learned", low=0)


class DigitsTask(PictureTask):
    name = "digits"
    seconds = 180.0
    evaluations = 12  # a score takes the time of several updates

    def __init__(self, data: PictureData, seed: int) -> None:
        super().__init__(data, seed)
        self._judge: Judge | None = None

    def layer_table(self, network: nn.Module, plan: Plan) -> list[list[Any]]:
        return to_table(layers(network, self.data.pixels.shape), plan.batch)

    # -- learning

    def batch(self, network: Any, plan: Plan, step: int) -> tuple[Batch, bool]:
        """real (B, critic updates, channels, height, width), latents (B, critic updates + 1, latent)."""
        B, each = plan.batch, network.critic_updates
        real = to_tensor(self.dealt(step, B * each))
        return {
            "real": real.view(B, each, *real.shape[1:]),
            "latents": latents("learned", plan.seed, B * (each + 1), network, step).view(B, each + 1, -1),
        }, True

    def phases(self, network: Any) -> Sequence[Phase]:
        critic, generator = (list(part.parameters()) for part in (network.critic, network.generator))
        turns = [
            Phase(partial(self._criticise, network, turn), critic, "critic") for turn in range(network.critic_updates)
        ]
        return [*turns, Phase(partial(self.loss, network), generator, "generator")]

    def _criticise(self, network: Any, turn: int, rows: Batch, memory: Tree) -> Loss:  # noqa: ARG002
        real = rows["real"][:, turn].contiguous(memory_format=torch.channels_last)
        return _loss(len(real), *network.critic_loss(real, rows["latents"][:, turn]))

    def loss(self, network: Any, rows: Batch, memory: Tree) -> Loss:  # noqa: ARG002
        """The generator's: how far the critic is from taking what it draws for real."""
        return _loss(len(rows["latents"]), *network.generator_loss(rows["latents"][:, -1]))

    def held_out(self) -> Iterator[Batch]:
        """Nothing: a generator has no loss on pictures that it never saw."""
        return iter(())

    # -- scoring

    def judge(self, network: nn.Module, plan: Plan, step: int, watch: Say = silently) -> task.Score:
        """What the judge says of 1,000 pictures of fixed latents."""
        if step < JUDGED_FROM:
            return task.Score()
        scores = self._score(network, "scored", plan.seed, watch)
        return task.Score(scores.get("frechet"), scores)

    def evaluate(
        self, network: nn.Module, watch: Callable[[float], None] = lambda _: None, **options: Any
    ) -> dict[str, Any]:
        """What the judge says of 1,000 pictures of latents by which no checkpoint was chosen. Raises UsageError for an
        option that `Final` has not.
        """
        final, found = asked(Final, options), dict[str, Any]()
        if final.step >= JUDGED_FROM:
            found = self._score(network, "final", self._seed(final.seed), lambda _: watch(0.0))
        return {name: found.get(name) for name in (*SCORES, *found)}

    def _score(self, network: nn.Module, stream: str, seed: int, watch: Say) -> dict[str, Any]:
        if self._judge is None:
            self._judge = judges.judge(self.data.train, self.data.data, self.data.source, say=watch)
        if self._judge is None:
            return {}
        z = latents(stream, seed, SAMPLES, network)
        drawn = torch.cat([draw(network, z[at : at + DRAWN_AT_A_TIME]) for at in range(0, SAMPLES, DRAWN_AT_A_TIME)])
        scores = judging.score(self._judge, drawn, self.data.train)
        return scores.to_row() if scores else {}

    def scoring(self, step: int) -> str:
        return f"a judge looks at {SAMPLES:,} drawn pictures" if step >= JUDGED_FROM else ""

    def _seed(self, asked_for: int | None) -> int:
        return self.seed if asked_for is None else asked_for

    # -- showing

    def preview(self, network: nn.Module, plan: Plan, step: int, temperature: float | None = None) -> list[Figure]:
        """The same 64 latents each time; a `temperature` scales them: towards 0 all pictures are the usual one."""
        z = latents("shown", plan.seed, SHOWN, network) * (1.0 if temperature is None else temperature)
        caption = f"step {step:,} · {SHOWN} fixed points"
        return [self.data.pixels.figure(draw(network, z), title="draws now", caption=caption)]

    def questions(
        self, network: nn.Module, watch: Callable[[], None] = lambda: None
    ) -> Mapping[str, Callable[[Mapping[str, Any]], Answer]]:
        return {
            "sample": partial(self._sample, network),
            "walk": partial(self._walk, network),
            "turn": partial(self._turn, network),
            "nearest": partial(self._nearest, network, watch),
            "score": lambda options: self._answer_score(network, options, watch),
        }

    def _sample(self, network: nn.Module, options: Mapping[str, Any]) -> Answer:
        """Pictures of the latents that a seed gives."""
        question = asked(Sample, options)
        z = latents("sampled", question.seed, question.count, network) * question.temperature
        caption = f"seed {question.seed}"
        yield figures.to_json(self.data.pixels.figure(draw(network, z), title="draws", caption=caption))

    def _walk(self, network: nn.Module, options: Mapping[str, Any]) -> Answer:
        """Pictures on the way between two of the shown points, along the sphere on which latents lie
        (White 2016, https://arxiv.org/abs/1609.04468).
        """
        question = asked(Walk, options)
        first, last, steps = question.first, question.last, question.steps
        points = latents("shown", self._seed(question.seed), SHOWN, network)
        way = torch.stack([between(points[first], points[last], at / max(1, steps - 1)) for at in range(steps)])
        caption = f"from point {first} to point {last}"
        yield figures.to_json(self.data.pixels.figure(draw(network, way), title="walks", caption=caption))

    def _turn(self, network: nn.Module, options: Mapping[str, Any]) -> Answer:
        """The picture of one of the shown points after moving it along the directions in which the generator's first
        layer changes most. Sliders of which there is no direction move nothing.
        """
        question = asked(Turn, {**options, "sliders": _typed(options.get("sliders"))})
        point, sliders = question.point, _numbers(question.sliders)
        moved = latents("shown", self._seed(question.seed), SHOWN, network)[point : point + 1]
        if sliders:
            ways = directions(network, len(sliders))
            moved = moved + torch.tensor([sliders[: len(ways)]]) @ ways
        yield figures.to_json(self.data.pixels.figure(draw(network, moved), title="turned"))

    def _nearest(self, network: nn.Module, watch: Callable[[], None], options: Mapping[str, Any]) -> Answer:
        """Drawn pictures, each with the training picture that is most like it."""
        question = asked(Nearest, options)
        watch()
        drawn = draw(network, latents("sampled", question.seed, question.count, network))
        nearest, distances = judging.nearest(drawn, self.data.train)
        real = to_tensor(self.data.train.take(nearest.numpy()))
        both = torch.stack([drawn, real], dim=1).flatten(0, 1)
        labels = [text for at in distances.tolist() for text in ("drawn", f"real, {at:.1f} away")]
        yield figures.to_json(
            self.data.pixels.figure(both, title="nearest training pictures", labels=tuple(labels), columns=2)
        )

    def _answer_score(self, network: nn.Module, options: Mapping[str, Any], watch: Callable[[], None]) -> Answer:
        yield {"kind": "score", **self.evaluate(network, lambda _: watch(), seed=asked(Score, options).seed)}


def _typed(sliders: object) -> object:
    """A number, or a list of them, as somebody types it: "0,0,3"."""
    if isinstance(sliders, list):
        return ",".join(map(str, sliders))
    return str(sliders) if type(sliders) in (int, float) else sliders


def _numbers(typed: str) -> list[float]:
    """Raises UsageError."""
    return [cast(float, check(SLIDER, one)) for one in typed.split(",")] if typed else []


def layers(network: Any, shape: PictureShape) -> list[Row]:
    """The generator's layers and then the critic's, each with its output's shape and number of parameters."""
    picture = torch.zeros(1, shape.channels, shape.height, shape.width)
    return [
        ("generator latent", (network.latent,), 0),
        *layer_rows(network.generator, torch.zeros(1, network.latent), "generator"),
        *layer_rows(network.critic, picture, "critic"),
    ]


def latents(stream: str, seed: int, count: int, network: Any, step: int = 0) -> Tensor:
    """So many points (count, latent) of a stream; the same for the same seed and step."""
    return pictures.normal((seed, STREAMS[stream], step), count, network.latent)


@torch.no_grad()
def draw(network: Any, z: Tensor) -> Tensor:
    """What the generator makes of latents, without changing anything: (N, channels, height, width) from -1 to 1."""
    was_training = network.training
    network.eval()
    try:
        drawn: Tensor = network.generator(z.to(next(network.parameters()).device))
    finally:
        network.train(was_training)
    return drawn.float().cpu()


def between(a: Tensor, b: Tensor, share: float) -> Tensor:
    """The point at `share` of the way from a to b along an arc, its length between theirs."""
    cosine = torch.dot(a, b) / (a.norm() * b.norm()).clamp(min=1e-12)
    angle = torch.arccos(cosine.clamp(-1, 1))
    if float(angle) < 1e-4:
        return torch.lerp(a, b, share)
    moved: Tensor = (torch.sin((1 - share) * angle) * a + torch.sin(share * angle) * b) / torch.sin(angle)
    return moved


def directions(network: Any, count: int) -> Tensor:
    """The directions (count, latent) of length 1 in which the generator's first linear layer of a latent changes most,
    the most first: the right singular vectors of its weights (Shen & Zhou 2021, https://arxiv.org/abs/2007.06600).
    Where there are not so many, all.
    """
    linear = (part for part in network.generator.modules() if isinstance(part, nn.Linear))
    first = next((part for part in linear if part.in_features == network.latent), None)
    if first is None:
        return torch.eye(network.latent)[:count]
    rows: Tensor = torch.linalg.svd(first.weight.detach().float().cpu(), full_matrices=False)[2]
    return rows[:count]


def _loss(count: int, mean: Tensor, numbers: Mapping[str, Tensor]) -> Loss:
    return Loss(mean * count, count, numbers={name: value.detach() * count for name, value in numbers.items()})
