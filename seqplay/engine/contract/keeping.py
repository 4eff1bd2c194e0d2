"""Whether a network can be made without memory, copied, written down and read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from seqplay.engine.contract.check import BrokenError
from seqplay.engine.without_memory import without_memory

Outputs = Callable[[nn.Module], Sequence[Tensor]]


def check_sizing(make: Callable[[], nn.Module]) -> None:
    """Raises BrokenError unless a network can be built without memory, with the same parameters."""
    wanted = {name: tuple(p.shape) for name, p in make().named_parameters()}
    try:
        with without_memory():
            found = {name: tuple(p.shape) for name, p in make().named_parameters()}
    except (RuntimeError, NotImplementedError, TypeError) as problem:
        line = " ".join(str(problem).split())[:160]
        raise BrokenError(
            f"It cannot be built without memory (torch's meta device): {type(problem).__name__}: {line} Build it "
            "without looking at a tensor's values: no .item(), .tolist(), .numpy(), and no `if` on a tensor."
        ) from problem
    if found != wanted:
        raise BrokenError("Built without memory (torch's meta device), it has other parameters.")


def check_keeping(make: Callable[[int], nn.Module], use: Callable[[nn.Module], object], outputs: Outputs) -> None:
    """Raises BrokenError unless a used network's copy, and another one with its saved weights, give its outputs.

    `make` builds by a seed, `use` is what changes a network as training does.
    """
    network = make(1)
    use(network)
    check_no_shared(network)
    copied = deepcopy(network)
    other = make(2)
    _restore(other, _saved(network))
    for words, one in (("A deep copy", copied), ("Another one that was given the saved weights", other)):
        for wanted, found in zip(outputs(network), outputs(one), strict=True):
            if not torch.equal(wanted, found):
                apart = float((wanted.double() - found.double()).abs().nan_to_num(torch.inf).max())
                raise BrokenError(
                    f"{words} gives outputs that differ by {apart:.2g}; a tensor that outputs depend on must be a "
                    "parameter or a buffer (register_buffer), and not persistent=False." + _suspects(network)
                )


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The names of the tensors that differ between two state dicts."""
    return [name for name, tensor in one.items() if isinstance(tensor, Tensor) and not torch.equal(tensor, other[name])]


def check_parameters(network: nn.Module) -> None:
    """Raises BrokenError unless all parameters are there, and are float32."""
    for name, tensor in chain(network.named_parameters(), network.named_buffers()):
        if is_lazy(tensor):
            raise BrokenError(
                f"'{name}' is only made at the first call; seqplay counts, draws and loads weights before: use "
                "nn.Linear(inputs, ...) in place of a lazy layer."
            )
    for name, parameter in network.named_parameters():
        if parameter.dtype != torch.float32:
            dtype = str(parameter.dtype).removeprefix("torch.")
            raise BrokenError(f"'{name}' is {dtype}; parameters must be float32; keep a complex number as two.")


def check_used(unused: Sequence[str]) -> None:
    """Raises BrokenError where there are parameters that no output uses."""
    if unused:
        told = ", ".join(f"'{name}'" for name in unused[:3]) + (
            f" and {len(unused) - 3} more" if len(unused) > 3 else ""
        )
        raise BrokenError(
            f"{told} gets no gradient from any output; use it in forward, take it out, or make it a buffer "
            "(register_buffer) where it is not to learn."
        )


def check_no_shared(network: nn.Module) -> None:
    """Raises BrokenError where one tensor has two names, which a safetensors file cannot hold."""
    names: dict[tuple[int, int], str] = {}
    for name, tensor in network.state_dict().items():
        if not isinstance(tensor, Tensor):
            raise BrokenError(f"state_dict has '{name}', a {type(tensor).__name__}; a checkpoint holds tensors only.")
        key = (tensor.untyped_storage().data_ptr(), tensor.untyped_storage().nbytes())
        if tensor.numel() and tensor.device.type != "meta" and names.setdefault(key, name) != name:
            raise BrokenError(
                f"'{names[key]}' and '{name}' share memory, which no checkpoint can hold; keep the tensor under one "
                "name and use it twice."
            )


def _saved(network: nn.Module) -> dict[str, Tensor]:
    """The weights as they come out of a checkpoint (engine/checkpoints.py)."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    read: dict[str, Tensor] = safetensors.torch.load(safetensors.torch.save(tensors))
    return read


@torch.no_grad()
def _restore(network: nn.Module, saved: dict[str, Tensor]) -> None:
    places: dict[str, Any] = network.state_dict()
    wanted = {name: (tuple(t.shape), t.dtype) for name, t in places.items()}
    found = {name: (tuple(t.shape), t.dtype) for name, t in saved.items()}
    if wanted != found:
        odd = next(name for name in sorted({*wanted, *found}) if wanted.get(name) != found.get(name))
        raise BrokenError(
            f"'{odd}' was saved as {found.get(odd, 'nothing')}, and a new instance has {wanted.get(odd, 'nothing')}; "
            "names, shapes and dtypes of weights and buffers must not change after the constructor."
        )
    for name, place in places.items():
        place.copy_(saved[name])


def _suspects(network: nn.Module) -> str:
    """The plain attributes that hold tensors, and the buffers that are not saved."""
    kept = set(network.state_dict())
    found = [name for name, _ in network.named_buffers() if name not in kept]
    for path, module in network.named_modules():
        found += [f"{path}.{name}".lstrip(".") for name, value in vars(module).items() if isinstance(value, Tensor)]
    return f" Not saved: {', '.join(map(repr, found[:3]))}." if found else ""
