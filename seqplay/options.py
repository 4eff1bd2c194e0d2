"""A setting is declared once, as a dataclass field; flags, forms, recipe keys, help and checks all come from that
declaration.

@dataclass(frozen=True)
class Config:
    heads: int = option(4, help="attention heads a layer", low=1, high=64)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args, get_type_hints

from seqplay.errors import UsageError, no_such

Value = bool | int | float | str
ConfigType = TypeVar("ConfigType")
LONGEST_SHOWN = 60  # characters of a refused value


@dataclasses.dataclass(frozen=True)
class Option:
    """One declared setting. `low` and `high` are inclusive bounds, None where there is none; a default of None:
    seqplay decides.
    """

    name: str
    type: type[bool] | type[int] | type[float] | type[str]
    default: Value | None
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


def option(
    default: Value | None,
    *,
    help: str,  # noqa: A002
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a setting of a config dataclass: its default, one line of help, and what values are allowed."""
    return dataclasses.field(
        default=default, metadata={"help": help, "low": low, "high": high, "choices": tuple(choices)}
    )


def options_of(config: type[Any]) -> tuple[Option, ...]:
    """The settings that a config dataclass declares, in their order."""
    hints = get_type_hints(config)
    return tuple(
        Option(
            f.name,
            _plain(hints[f.name]),
            cast(Value | None, f.default),
            *(f.metadata[k] for k in ("help", "low", "high", "choices")),
        )
        for f in dataclasses.fields(config)
        if "help" in f.metadata
    )


def _plain(hint: Any) -> Any:
    """`int` of `int | None`."""
    return next((a for a in get_args(hint) if a is not type(None)), hint)


def configure(config: type[ConfigType], values: Mapping[str, object], owner: str) -> ConfigType:
    """A config from `values` (text as typed, or values as read from JSON), each checked against its declaration.

    `owner` names whose settings these are, for the message. Raises UsageError for an unknown name or a value out of
    bounds.
    """
    declared = {o.name: o for o in options_of(config)}
    for name in values:
        if name not in declared and name in {field.name for field in dataclasses.fields(config)}:  # type: ignore[arg-type]
            raise UsageError(f"'{name}' of {owner} cannot be set: declare it with option(..., help=...), from seqplay.")
        if name not in declared:
            raise UsageError(no_such(f"setting of {owner}", name, declared, listed="It has"))
    return config(**{name: check(declared[name], value) for name, value in values.items()})


def check(option: Option, value: object) -> Value:
    """`value` as the option's type; raises UsageError that says what would be valid."""
    try:
        converted = _convert(option.type, value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{option.name} takes {_expected(option)}, not {_shown(value)}.") from None
    out_of_bounds = isinstance(converted, int | float) and (
        (option.low is not None and converted < option.low) or (option.high is not None and converted > option.high)
    )
    if out_of_bounds or (option.choices and converted not in option.choices):
        raise UsageError(f"{option.name} takes {_expected(option)}, not {_shown(value)}.")
    return converted


def _convert(kind: type, value: object) -> Value:
    if kind is bool:
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        if str(value).lower() not in words:
            raise ValueError
        return words[str(value).lower()]
    if isinstance(value, bool):
        raise ValueError
    if kind is int:
        number = float(str(value)) if isinstance(value, float) else int(str(value))
        if number != int(number):
            raise ValueError
        return int(number)
    if kind is float:
        number = float(str(value))
        if not math.isfinite(number):
            raise ValueError
        return number
    if not isinstance(value, str):
        raise TypeError
    return value


def _shown(value: object) -> str:
    """A value for a message: in quotes, and never long."""
    shown = repr(str(value))
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"


def _expected(option: Option) -> str:
    if option.choices:
        return "one of " + ", ".join(option.choices)
    if option.type is bool:
        return "true or false"
    words = {int: "a whole number", float: "a number", str: "text"}[option.type]
    if option.low is not None and option.high is not None:
        return f"{words} from {option.low:g} to {option.high:g}"
    if option.low is not None:
        return f"{words} of at least {option.low:g}"
    return f"{words} of at most {option.high:g}" if option.high is not None else words
