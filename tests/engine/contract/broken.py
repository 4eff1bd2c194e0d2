"""One good cell, and variations of it as a stranger might write them: each breaks the contract in one way.

h ← a ⊙ h + (1 - a) ⊙ v, where the gate a = σ(W x + b) and the value v = tanh(V x + c) see the input alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqplay import Architecture, Trace, option
from seqplay.architecture import NoOptions


class Good(nn.Module):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.gate = nn.Linear(inputs, width)
        self.value = nn.Linear(inputs, width)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a = torch.sigmoid(self.gate(x))
        return a, (1 - a) * torch.tanh(self.value(x))

    def start(self, x: Tensor) -> Tensor:
        return x.new_zeros(len(x), self.width)

    def walk(self, a: Tensor, v: Tensor, h: Tensor) -> Tensor:
        steps = []
        for gate, value in zip(a.unbind(1), v.unbind(1), strict=True):
            h = gate * h + value
            steps.append(h)
        return torch.stack(steps, 1)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        y = self.walk(*self.parts(x), self.start(x) if state is None else state)
        return y, y[:, -1]


class Whole(Good):
    """The good one with everything that is optional."""

    def trace(self, x: Tensor, state: Any = None) -> Any:
        y, after = self.forward(x, state)
        return y, after, {"kept": Trace(self.parts(x)[0]), "held": Trace(y, -1.0, 1.0)}


# -- one fault each


class DoublesOutput(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        y, after = super().forward(x, state)
        return y.double(), after


class BuildsFromValues(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.least = torch.linspace(0, 0.5, width).tolist()

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, v = super().parts(x)
        return a.clamp(min=0.01 * self.least[0]), v


class MakesWeightsOnTheWay(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.gate = nn.LazyLinear(width)


class HasAComplexParameter(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.turn = nn.Parameter(torch.ones(width, dtype=torch.complex64))

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, v = super().parts(x)
        return a, v * self.turn.real + v * self.turn.imag


class MakesItsStartAnywhere(Good):
    def start(self, x: Tensor) -> Tensor:
        return torch.zeros(len(x), self.width)


class GrowsItsState(Good):
    """Attends to everything that it ever saw."""

    def forward(self, x: Tensor, state: Any = None) -> Any:
        keys = self.value(x) if state is None else torch.cat([state, self.value(x)], 1)
        seen = torch.ones(x.shape[1], keys.shape[1], device=x.device).tril(keys.shape[1] - x.shape[1])
        scores = (self.gate(x) @ keys.transpose(1, 2)).masked_fill(seen == 0, -torch.inf)
        return scores.softmax(-1) @ keys, keys


class CountsInItsState(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        h, count = (None, 0) if state is None else state
        y, after = super().forward(x, h)
        return y, (after, count + x.shape[1])


class PutsLayersFirst(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        y, after = super().forward(x, None if state is None else state[0])
        return y, after.unsqueeze(0)


class ChangesTheGivenState(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        y, after = super().forward(x, None if state is None else state.clone())
        if state is not None:
            state.copy_(after)
        return y, after


class DrawsNoise(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        return super().forward(x + 0.01 * torch.randn_like(x), state)


class DropsOut(Good):
    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, v = super().parts(x)
        return a, nn.functional.dropout(v, 0.1, self.training)


class DrawsFromPython(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        if self.training and random.random() < 0:
            state = None
        return super().forward(x, state)


class StartsFromNumpy(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.gate.bias.data.copy_(torch.from_numpy(np.random.rand(width)))


class LearnsAMean(Good):
    """Subtracts what it has seen in training."""

    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.register_buffer("mean", torch.zeros(inputs))

    def forward(self, x: Tensor, state: Any = None) -> Any:
        mean = self.get_buffer("mean")
        if self.training:
            mean.lerp_(x.detach().mean((0, 1)), 0.001)
            return super().forward(x, state)
        return super().forward(x - mean, state)


class RemembersInTheModule(Good):
    last: Tensor | None = None

    def forward(self, x: Tensor, state: Any = None) -> Any:
        y, after = super().forward(x, state)
        if self.last is not None and len(self.last) == len(x):
            y = y + self.last.unsqueeze(1)
        self.last = after.detach()
        return y, after


class Peeks(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        return super().forward(torch.cat([x[:, 1:], torch.zeros_like(x[:, :1])], 1), state)


class MixesRows(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        y, after = super().forward(x, state)
        return y - y.mean(0), after


class NormalisesTheBatch(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.norm = nn.BatchNorm1d(inputs)

    def forward(self, x: Tensor, state: Any = None) -> Any:
        steps = [self.norm(part) if len(x) > 1 else part for part in x.unbind(1)]
        return super().forward(torch.stack(steps, 1), state)


class NormalisesTheBatchToLearn(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        if self.training and len(x) > 1:
            x = x - x.mean(0)
        return super().forward(x, state)


class Overflows(Good):
    """The closed form of the recurrence: y = A ⊙ cumsum(v / A), A = cumprod(a)."""

    def walk(self, a: Tensor, v: Tensor, h: Tensor) -> Tensor:
        A = a.cumprod(1)
        return A * (h.unsqueeze(1) + (v / A).cumsum(1))


class CountsItsPlaces(Good):
    """A learned vector for each of the first 4,096 tokens."""

    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.places = nn.Parameter(torch.randn(1, inputs).expand(4096, inputs).clone())

    def forward(self, x: Tensor, state: Any = None) -> Any:
        h, count = (None, x.new_zeros(len(x), dtype=torch.int64)) if state is None else state
        at = count[:, None] + torch.arange(x.shape[1], device=x.device)
        y, after = super().forward(x + self.places[at], h)
        return y, (after, count + x.shape[1])


class CarriesAGrowingNumber(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        h, number = (None, x.new_ones(len(x), 1, 1)) if state is None else state
        y, after = super().forward(x, h)
        return y + 0 * number, (after, number * 1.03 ** x.shape[1])


class SeesMoreOfItsOwnCall(Good):
    """Attends to all of a call, and to the last 512 tokens before it."""

    def forward(self, x: Tensor, state: Any = None) -> Any:
        B, T, _ = x.shape
        kept, real = (x.new_zeros(B, 512, self.width), x.new_zeros(B, 512)) if state is None else state
        keys, real = torch.cat([kept, self.value(x)], 1), torch.cat([real, x.new_ones(B, T)], 1)
        hidden = torch.ones(T, 512 + T, dtype=torch.bool, device=x.device).triu(513) | (real == 0)[:, None]
        scores = (self.gate(x) @ keys.mT).masked_fill(hidden, -torch.inf)
        return scores.softmax(-1) @ keys, (keys[:, -512:], real[:, -512:])


class Forgets(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        return super().forward(x, None)


class HasADeadParameter(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.mix = nn.Linear(width, width)


class HasAFrozenParameter(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.scale = nn.Parameter(torch.ones(width), requires_grad=False)

    def start(self, x: Tensor) -> Tensor:
        return super().start(x) * self.scale


class CutsTheGradient(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        return super().forward(x.detach(), state)


class KeepsAPlainTensor(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.signs = torch.randn(width).sign()

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, v = super().parts(x)
        return a, v * self.signs


class KeepsABufferUnsaved(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.register_buffer("signs", torch.randn(width).sign(), persistent=False)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, v = super().parts(x)
        return a, v * self.get_buffer("signs")


class SharesAParameter(Good):
    def __init__(self, config: Any, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.value.weight = self.gate.weight


class MixesDtypes(Good):
    """torch.lerp takes tensors of one dtype, and in autocast a layer's output is of another than the state."""

    def forward(self, x: Tensor, state: Any = None) -> Any:
        h, steps = self.start(x) if state is None else state, []
        a, v = torch.sigmoid(self.gate(x)), torch.tanh(self.value(x))
        for t in range(x.shape[1]):
            h = torch.lerp(h, v[:, t], a[:, t])
            steps.append(h)
        return torch.stack(steps, 1), h


class HasNoMemory(Good):
    def forward(self, x: Tensor, state: Any = None) -> Any:
        return self.parts(x)[1], self.start(x)


class TracesAnother(Whole):
    def trace(self, x: Tensor, state: Any = None) -> Any:
        y, after, told = super().trace(x, None)
        return y, after, told


class TracesAnotherPhase(Whole):
    """Its state is a complex number, of which it traces another one of the same real part."""

    def forward(self, x: Tensor, state: Any = None) -> Any:
        y, after = super().forward(x, None if state is None else state.real)
        return y, torch.complex(after, after)

    def trace(self, x: Tensor, state: Any = None) -> Any:
        y, after, told = super().trace(x, state)
        return y, torch.complex(after.real, -after.imag), told


class TracesOutOfRange(Whole):
    def trace(self, x: Tensor, state: Any = None) -> Any:
        y, after = self.forward(x, state)
        return y, after, {"gate": Trace(self.gate(x))}


class TracesTheFuture(Whole):
    def trace(self, x: Tensor, state: Any = None) -> Any:
        y, after = self.forward(x, state)
        return y, after, {"share": Trace(y.abs() / y.abs().sum(1, keepdim=True))}


@dataclass(frozen=True)
class Choices:
    kind: str = option("plain", help="which of the two", choices=("plain", "other"))


class BrokenByAChoice(Good):
    def __init__(self, config: Choices, inputs: int, width: int) -> None:
        super().__init__(config, inputs, width)
        self.kind = config.kind

    def forward(self, x: Tensor, state: Any = None) -> Any:
        return super().forward(x, None if self.kind == "other" else state)


def cell(module: Callable[..., Any], **more: Any) -> Architecture:
    return Architecture(module.__name__, "cell", module, "a test", **{"config": NoOptions, **more})
