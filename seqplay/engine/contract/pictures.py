"""What a model of pictures must do, each task's in its own words (engine/tasks/digits.py, recognise.py)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from seqplay.architecture import Architecture, PictureShape
from seqplay.data.pictures import Pictures
from seqplay.engine import loop
from seqplay.engine.checkpoints import Training
from seqplay.engine.contract.check import BrokenError
from seqplay.engine.contract.keeping import check_no_shared, check_parameters, differing
from seqplay.engine.contract.trial import plan_for, training_of
from seqplay.engine.contract.undisturbed import drawn_since, random_states
from seqplay.engine.loop import DivergedError
from seqplay.engine.pictures import PictureData, Pixels, pixels_of, to_tensor
from seqplay.engine.tasks.digits import DigitsTask
from seqplay.engine.tasks.pictures import PictureTask
from seqplay.engine.tasks.recognise import RecogniseTask
from seqplay.recipe import Plan

TASKS: dict[str, type[PictureTask]] = {"digits": DigitsTask, "recognise": RecogniseTask}
SMALL = PictureShape(1, 8, 8, 3)
SHAPES = (PictureShape(1, 28, 28, 10), PictureShape(3, 5, 7, 2))
COUNT = 32  # pictures, all of them read by every update
ROWS, UPDATES, LOWERING = 4, 3, 12
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Bars:
    """The data of a run: pictures of 8 x 8 with a bar across, a bar down, or a diagonal, each a little different."""

    @cached_property
    def train(self) -> Pictures:
        grey = np.random.default_rng(0).integers(0, 60, (COUNT, SMALL.height, SMALL.width, 1), dtype=np.uint8)
        for number, picture in enumerate(grey):
            at, kind = 2 + number // 3 % 4, number % 3
            if kind == 2:
                picture[np.arange(8), np.arange(8)] = 220
            else:
                (picture[at] if kind == 0 else picture[:, at])[:] = 220
        labels = np.arange(COUNT, dtype=np.int64) % 3
        return Pictures(grey, labels, ("across", "down", "diagonal"), ink=True)

    @property
    def held_out(self) -> Pictures:
        return self.train.take(np.arange(0))

    @property
    def pixels(self) -> Pixels:
        return pixels_of(self.train)


BARS = Bars()


def build(architecture: Architecture, shape: PictureShape, seed: int = 0, config: Any = None) -> nn.Module:
    """A new network, its weights laid out as its task lays them out. Raises BrokenError for a task that takes none."""
    if architecture.task not in TASKS:
        raise BrokenError(f"The task '{architecture.task}' takes no model; those that do are {', '.join(TASKS)}.")
    torch.manual_seed(seed)
    network = architecture.module(architecture.config() if config is None else config, shape)
    if not isinstance(network, nn.Module):
        raise BrokenError(f"module(config, shape) gives a {type(network).__name__}; derive it from nn.Module.")
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def task_of(architecture: Architecture) -> PictureTask:
    return TASKS[architecture.task](cast(PictureData, BARS), 0)


def plan_of(architecture: Architecture, steps: int) -> Plan:
    return plan_for(architecture, COUNT, steps, warmup=0.0)


def learn(architecture: Architecture, network: nn.Module, steps: int, only: Collection[str] = ()) -> Training:
    """Make so many updates by the task's phases, or those named in `only`. Raises BrokenError where a number is not
    finite.
    """
    plan, task = plan_of(architecture, steps + 1), task_of(architecture)
    training, hands = training_of(network, plan), loop.Hands(plan)
    try:
        for _ in range(steps):
            loop.update(training, task, plan, hands, only)
    except DivergedError:
        raise BrokenError(
            f"In update {training.step + 1} a loss, gradient or weight is not finite; look for a log of 0, a division "
            "by 0, or a learning_rate that is too large."
        ) from None
    finally:
        hands.close()
    return training


def seen(architecture: Architecture, network: Any, shape: PictureShape, rows: int = ROWS) -> Tensor:
    """What a network reads: latents for a generator, pictures otherwise."""
    generator = torch.Generator().manual_seed(1)
    if architecture.task == "digits":
        return torch.randn(rows, network.latent, generator=generator)
    return torch.rand(rows, shape.channels, shape.height, shape.width, generator=generator) * 2 - 1


def main_part(architecture: Architecture, network: Any) -> nn.Module:
    """What a person sees the work of: the generator, or the network itself."""
    return cast(nn.Module, network.generator if architecture.task == "digits" else network)


def outputs(architecture: Architecture, network: Any) -> list[Tensor]:
    """All that a network tells in evaluation mode."""
    network.eval()
    with torch.no_grad():
        first = main_part(architecture, network)(seen(architecture, network, SMALL))
        return [first, network.critic(first)] if architecture.task == "digits" else [first]


# -- the checks


def form(architecture: Architecture) -> None:
    for shape in SHAPES:
        check_form(architecture, build(architecture, shape), shape)
    _check_shown(architecture, build(architecture, SMALL))


def _check_shown(architecture: Architecture, network: Any) -> None:
    """Raises BrokenError unless what `seqplay show` and `ask features` look at is there."""
    task_of(architecture).layer_table(network, plan_of(architecture, 1))
    if architecture.task == "recognise":
        found = network.maps(seen(architecture, network, SMALL))
        if not isinstance(found, dict) or any(not isinstance(m, Tensor) or m.ndim != 4 for m in found.values()):
            raise BrokenError("maps must return a dict {name: (B, K, h, w)} of what its convolutions find.")


def check_form(architecture: Architecture, network: Any, shape: PictureShape) -> None:
    """Raises BrokenError unless a new network has what its task documents, and gives outputs of the right form."""
    words = f"for pictures of {shape.height} x {shape.width} x {shape.channels}"
    check_parameters(network)
    check_no_shared(network)
    network.eval()
    if architecture.task == "digits":
        for name in ("latent", "critic_updates"):
            number = getattr(network, name, None)
            if type(number) is not int or number < 1:
                raise BrokenError(f"The network's {name} is {number!r}; it must be a whole number above 0.")
        for name in ("generator", "critic"):
            if not isinstance(getattr(network, name, None), nn.Module):
                raise BrokenError(f"The network has no nn.Module named {name}.")
        for rows in (1, ROWS):
            z = seen(architecture, network, shape, rows)
            drawn = network.generator(z)
            _check_tensor(drawn, (rows, shape.channels, shape.height, shape.width), f"The generator's pictures {words}")
            low, high = float(drawn.min()), float(drawn.max())
            if low < -1.001 or high > 1.001:
                raise BrokenError(
                    f"The generator's pictures {words} have values from {low:.3g} to {high:.3g}; they must lie within "
                    "-1 and 1: end it with tanh."
                )
            _check_tensor(network.critic(drawn), (rows,), f"The critic's values {words}")
        network.train()
        real = torch.zeros_like(drawn)
        _check_loss(network.critic_loss(real, z), "critic_loss")
        _check_loss(network.generator_loss(z), "generator_loss")
    else:
        for rows in (1, ROWS):
            _check_tensor(
                network(seen(architecture, network, shape, rows)), (rows, shape.classes), f"The logits {words}"
            )


def _check_tensor(found: Any, wanted: tuple[int, ...], what: str) -> None:
    if not isinstance(found, Tensor):
        raise BrokenError(f"{what} are a {type(found).__name__}; they must be a tensor {wanted}.")
    if tuple(found.shape) != wanted:
        raise BrokenError(f"{what} have the shape {tuple(found.shape)}; it must be {wanted}.")
    if found.dtype != torch.float32:
        raise BrokenError(f"{what} are {str(found.dtype).removeprefix('torch.')}; return float32.")
    if not found.isfinite().all():
        raise BrokenError(f"{what} are not finite before any training.")


def _check_loss(given: Any, name: str) -> None:
    if not isinstance(given, tuple | list) or len(given) != 2 or not isinstance(given[1], dict):
        raise BrokenError(f"{name} must return two things: a scalar, and a dict of scalars to be logged, or {{}}.")
    for word, value in (("loss", given[0]), *given[1].items()):
        if not isinstance(value, Tensor) or value.numel() != 1 or not value.isfinite().all():
            raise BrokenError(f"'{word}' of {name} is no tensor with one finite number.")


def probe_model(architecture: Architecture, config: Any) -> None:
    """The form alone, for small pictures."""
    check_form(architecture, build(architecture, SMALL, config=config), SMALL)


def every_parameter_learns(architecture: Architecture) -> None:
    network: Any = build(architecture, SMALL)
    if architecture.task == "digits":
        phased = {id(p) for part in (network.generator, network.critic) for p in part.parameters()}
        if outside := [name for name, p in network.named_parameters() if id(p) not in phased]:
            raise BrokenError(f"'{outside[0]}' is in neither the generator nor the critic, and so never learns.")
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    try:
        learn(architecture, network, UPDATES)
    except RuntimeError as problem:
        if "not have been used" not in str(problem):
            raise
        raise BrokenError(f"{_unused(architecture)} of its loss is used in no output; use it or take it out.") from None
    if still := [name for name, p in network.named_parameters() if torch.equal(p, before[name])]:
        raise BrokenError(f"'{still[0]}' is the same after {UPDATES} updates; use it, or make it a buffer.")


def _unused(architecture: Architecture) -> str:
    """The parameters without a gradient, by name, where they can be told."""
    network = build(architecture, SMALL)
    plan, task = plan_of(architecture, 2), task_of(architecture)
    names = {id(p): f"'{name}'" for name, p in network.named_parameters()}
    batch, _ = task.batch(network, plan, 0)
    for phase in task.phases(network):
        total = phase.loss(batch, None).total
        found: Sequence[Tensor | None] = torch.autograd.grad(total, list(phase.parameters), allow_unused=True)
        for parameter, gradient in zip(phase.parameters, found, strict=True):
            if gradient is None:
                return names[id(parameter)]
    return "A parameter"


def same_again(architecture: Architecture) -> None:
    weights, states = [], random_states()
    for _ in range(2):
        network = build(architecture, SMALL)
        learn(architecture, network, 2)
        weights.append(copy.deepcopy(network.state_dict()))
    if drawn := [whose for whose in drawn_since(states) if whose != "torch's"]:
        raise BrokenError(f"It draws from {drawn[0]} random state while it learns; draw from torch's global one.")
    if odd := differing(*weights):
        raise BrokenError(
            f"'{odd[0]}' differs after 2 updates from the same seed; draw from torch's global random state only, and "
            "keep nothing from one call to the next."
        )


def rows_apart(architecture: Architecture) -> None:
    _rows_apart_to_look(architecture)
    if not architecture.whole_batch:
        _rows_apart_to_learn(architecture)


def _rows_apart_to_look(architecture: Architecture) -> None:
    network, before = build(architecture, SMALL).eval(), torch.get_rng_state()
    found = _mixed(main_part(architecture, network), seen(architecture, network, SMALL))
    if found and torch.equal(before, torch.get_rng_state()):  # else another check tells
        raise BrokenError(f"In evaluation mode {found}; in evaluation a picture may not depend on its neighbours.")


def _rows_apart_to_learn(architecture: Architecture) -> None:
    network: Any = build(architecture, SMALL).train()
    x, before = seen(architecture, network, SMALL), copy.deepcopy(network.state_dict())
    parts = [("", main_part(architecture, network), x)]
    if architecture.task == "digits":
        parts.append(("the critic's ", network.critic, network.generator(x).detach()))
    for whose, part, read in parts:
        drawn = torch.get_rng_state()
        found = _mixed(part, read)
        if not torch.equal(drawn, torch.get_rng_state()):
            raise BrokenError("It draws random numbers while it trains; say whole_batch=True.")
        if found:
            raise BrokenError(
                f"In training mode {whose}{found}; say whole_batch=True where a norm over the batch is meant."
            )
    if odd := differing(before, network.state_dict()):
        raise BrokenError(
            f"In training mode a call changes '{odd[0]}', and each thread calls it with rows of its own; say "
            "whole_batch=True where a norm that learns from what it sees is meant."
        )


@torch.no_grad()
def _mixed(part: nn.Module, x: Tensor) -> str:
    """Which row gives another output alone than in a batch, and by how much; "" where none does."""
    y = part(x)
    for row in range(len(x)):
        far = float((part(x[row : row + 1]) - y[row : row + 1]).abs().nan_to_num(torch.inf).max())
        if far > TOLERANCE * max(1.0, float(y.abs().max())):
            return f"row {row} alone gives outputs that differ by {far:.2g} from a batch's"
    return ""


def looking(architecture: Architecture) -> None:
    network = build(architecture, SMALL)
    learn(architecture, network, 1)
    before, drawn = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    once = outputs(architecture, network)
    if not torch.equal(drawn, torch.get_rng_state()):
        raise BrokenError("In evaluation mode it draws random numbers; ask self.training before it does.")
    if odd := differing(before, network.state_dict()):
        raise BrokenError(f"In evaluation mode it changes '{odd[0]}'; ask self.training before it does.")
    if not all(torch.equal(one, other) for one, other in zip(once, outputs(architecture, network), strict=True)):
        raise BrokenError("In evaluation mode the same input twice gives two outputs.")


def learns_a_little(architecture: Architecture) -> None:
    for words, phase, loss in _aims(architecture):
        network = build(architecture, SMALL)
        before = _loss_of(network, loss)
        learn(architecture, network, LOWERING, (phase,) if phase else ())
        after = _loss_of(network, loss)
        if not after < before:
            raise BrokenError(
                f"{words} is {before:.4g} before and {after:.4g} after {LOWERING} updates on {COUNT} pictures; look at "
                "the sign of the loss, a detach, and learning_rate."
            )


def _aims(architecture: Architecture) -> Iterator[tuple[str, str, Callable[[Any], Tensor]]]:
    """Each loss that updates lower, the others resting: its words, its phase, how it is found."""
    real = to_tensor(BARS.train)
    if architecture.task == "digits":
        yield "The critic's loss", "critic", lambda network: network.critic_loss(real, _z(network))[0]
        yield "The generator's loss", "generator", lambda network: network.generator_loss(_z(network))[0]
    else:
        labels = torch.from_numpy(BARS.train.labels)
        yield "The loss", "", lambda network: nn.functional.cross_entropy(network(real), labels)


def _z(network: Any) -> Tensor:
    return torch.randn(COUNT, network.latent, generator=torch.Generator().manual_seed(2))


def _loss_of(network: nn.Module, loss: Callable[[Any], Tensor]) -> float:
    """In training mode, as it is learned, on a copy: a norm over the batch keeps what it has seen."""
    torch.manual_seed(3)
    return float(loss(copy.deepcopy(network).train()).detach())
