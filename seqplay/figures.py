"""A result as plain data: what a worker answers, a run's log keeps and `draw/` draws.

A figure knows nothing of terminals, and crosses processes as strict JSON: a number that does not exist is None here and
null there, never NaN. A new kind of figure is one frozen dataclass added to `Figure`; its JSON follows from its
annotations, which may use str, int, float, None, Literal, tuple and other frozen dataclasses.
"""

from __future__ import annotations

import base64
import dataclasses
import math
import types
from functools import cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

MOST_PICTURES, LARGEST_SIDE = 4096, 1024  # in one figure; of one picture, in pixels


@dataclasses.dataclass(frozen=True)
class Text:
    """A text, after the `prompt` that the user gave for it."""

    text: str
    title: str = ""
    caption: str = ""
    prompt: str = ""


@dataclasses.dataclass(frozen=True)
class Shaded:
    """A text whose tokens each carry a value, shaded from `low` to `high`. None leaves a token plain."""

    tokens: tuple[str, ...]
    values: tuple[float | None, ...]
    low: float
    high: float
    unit: str = ""
    title: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        _same_length(self, "tokens", "values")


@dataclasses.dataclass(frozen=True)
class Bars:
    """One measured line for each label. None is a measurement that does not exist."""

    labels: tuple[str, ...]
    values: tuple[float | None, ...]
    unit: str = ""
    title: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        _same_length(self, "labels", "values")


@dataclasses.dataclass(frozen=True)
class Curve:
    """Points joined by a line; None in `y` is a gap. `role` names a colour: "primary", "muted", "run-1" ... "run-6".

    `counts` says of how many measured points each is the mean, where a long series was thinned; without it each is one.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    role: str = "primary"
    dashed: bool = False
    counts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _same_length(self, "x", "y")
        if self.counts:
            _same_length(self, "x", "counts")


@dataclasses.dataclass(frozen=True)
class Floor:
    """A yardstick for curves, as a horizontal line: what gzip or a 5-gram reaches."""

    name: str
    y: float


@dataclasses.dataclass(frozen=True)
class Mark:
    """Where on the x axis something was changed, and what, in a few words."""

    x: float
    name: str


@dataclasses.dataclass(frozen=True)
class Point:
    """A place on a chart that stands out: the best held-out loss."""

    x: float
    y: float
    role: str = "success"


@dataclasses.dataclass(frozen=True)
class Curves:
    """Curves over one x axis, the most important one first.

    `x_end` is the whole budget, so that the axis spans it from the start; with `x_start` the two are the stretch that
    is seen, and what lies outside of it is not drawn. Where `x_label` is "time", x is in seconds and read 1:30.
    `whole_y` shows a loss' first plunge too. `cursor` is the x that a viewer points at. `away` is the stretch of the x
    axis that nobody watched.
    """

    curves: tuple[Curve, ...]
    x_label: str = ""
    y_label: str = ""
    title: str = ""
    caption: str = ""
    log_y: bool = False
    floors: tuple[Floor, ...] = ()
    x_end: float | None = None
    x_start: float | None = None
    marks: tuple[Mark, ...] = ()
    points: tuple[Point, ...] = ()
    cursor: float | None = None
    away: tuple[float, float] | None = None
    whole_y: bool = False


@dataclasses.dataclass(frozen=True)
class Column:
    """A table's column. One that holds a number is aligned on the decimal point, whatever `align` says."""

    name: str
    align: Literal["left", "right"] = "left"


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of texts and numbers, the most important column first: a narrow terminal drops columns from the right."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    title: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(f"Table.rows[{number}] has {len(row)} cells for {len(self.columns)} columns")


@dataclasses.dataclass(frozen=True)
class Picture:
    """Pictures of one size: the base64 of `count` x `height` x `width` x `channels` bytes, picture after picture, each
    row by row.

    With one channel and `ink` a value is how much ink lies there, 0 being the paper of whoever looks; without `ink` it
    is brightness, 0 being black. Three channels are red, green and blue. `columns` is how many stand side by side;
    0: as many as there is room for. `labels`, where there are any, name each.
    """

    pixels: str
    count: int
    height: int
    width: int
    channels: int = 1
    ink: bool = True
    labels: tuple[str, ...] = ()
    columns: int = 0
    title: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        sizes = (("count", 0, MOST_PICTURES), ("height", 1, LARGEST_SIDE), ("width", 1, LARGEST_SIDE))
        for name, low, high in (*sizes, ("columns", 0, MOST_PICTURES)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"Picture.{name} is from {low} to {high:,}, not {getattr(self, name)}")
        if self.channels not in (1, 3):
            raise ValueError(f"Picture.channels is 1 or 3, not {self.channels}")
        if self.labels and len(self.labels) != self.count:
            raise ValueError(f"Picture has {len(self.labels)} labels but {self.count} pictures")
        size = self.count * self.height * self.width * self.channels
        if len(self.pixels) != 4 * -(-size // 3):
            raise ValueError(f"Picture.pixels is the base64 of {size:,} bytes: it has {len(self.pixels):,} characters")
        try:
            found = len(self.values())
        except ValueError:
            found = -1
        if found != size:
            raise ValueError(f"Picture.pixels is not the base64 of {size:,} bytes")

    def values(self) -> bytes:
        """The bytes of all pictures."""
        return base64.b64decode(self.pixels, validate=True)

    @classmethod
    def of(cls, values: bytes, height: int, width: int, channels: int = 1, **more: Any) -> Picture:
        """The pictures that these bytes are; `more` are the other fields."""
        count = len(values) // (height * width * channels)
        return cls(base64.b64encode(values).decode(), count, height, width, channels, **more)


Figure = Text | Shaded | Bars | Curves | Table | Picture

KINDS: dict[str, type[Figure]] = {kind.__name__.lower(): kind for kind in get_args(Figure)}


def to_json(figure: Figure) -> dict[str, Any]:
    """The figure as a JSON object: "kind" is "figure", "figure" its class in small letters. NaN becomes null."""
    return {"kind": "figure", "figure": type(figure).__name__.lower(), **_plain(figure)}


def from_json(row: object) -> Figure:
    """The figure that `to_json` wrote; keys it does not know are passed over.

    Raises ValueError with one line that names the place.
    """
    if not isinstance(row, dict):
        raise ValueError(f"a figure is an object, not {_kind(row)}")
    if row.get("kind") != "figure":
        raise ValueError('this row is no figure: its "kind" is not "figure"')
    name = row.get("figure")
    if not isinstance(name, str) or name not in KINDS:
        raise ValueError(f"no figure is named {ascii(name)[:40]}; known: {', '.join(sorted(KINDS))}")
    return cast(Figure, _read(row, KINDS[name], name))


def _same_length(figure: object, first: str, second: str) -> None:
    lengths = len(getattr(figure, first)), len(getattr(figure, second))
    if lengths[0] != lengths[1]:
        raise ValueError(f"{type(figure).__name__} has {lengths[0]} {first} but {lengths[1]} {second}")


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value


_KINDS_OF_JSON: dict[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS_OF_JSON.get(type(value), type(value).__name__)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(value: Any, wanted: Any, where: str) -> Any:
    """`value` from JSON as the annotation `wanted`; `where` is its path for the error."""
    origin, inside = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType) and isinstance(value, list):
        wanted = next((choice for choice in inside if get_origin(choice) is tuple), wanted)
        origin, inside = get_origin(wanted), get_args(wanted)
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _read_object(value, wanted, where)
    if origin is tuple and isinstance(value, list):
        if inside[-1] is not Ellipsis and len(value) != len(inside):
            raise ValueError(f"{where} should be a list of {len(inside)}, not of {len(value)}")
        return tuple([_read(item, inside[0], f"{where}[{index}]") for index, item in enumerate(value)])
    if origin is Literal and type(value) is str and value in inside:
        return value
    choices = inside if origin in (Union, types.UnionType) else (wanted,)
    if type(value) in choices and not (type(value) is float and not math.isfinite(value)):
        return value
    if type(value) is int and float in choices and abs(value) < 1 << 1023:
        return float(value)
    if origin is Literal:
        raise ValueError(f"{where} should be {' or '.join(inside)}")
    names = dict.fromkeys(_KINDS_OF_JSON[list if get_origin(choice) is tuple else choice] for choice in choices)
    raise ValueError(f"{where} should be {' or '.join(names)}, not {_kind(value)}")


def _read_object(value: Any, wanted: type, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} should be an object, not {_kind(value)}")
    hints, found = _hints(wanted), {}
    for field in dataclasses.fields(wanted):
        if field.name in value:
            found[field.name] = _read(value[field.name], hints[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING:
            raise ValueError(f"{where}.{field.name} is missing")
    return wanted(**found)
