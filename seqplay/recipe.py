"""What was asked (Recipe, never rewritten) and what the trainer resolved it to before step 0 (Plan, never changed
after).

A run is a pure function of its plan and of the `change` rows in its log. Both are plain JSON objects whose keys are
the fields' names: the same words as the flags, the log and the screens. Fields that this version does not know are
kept in `extra`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from seqplay.errors import RunError, UsageError
from seqplay.options import Option, Value, check, option, options_of

FORMAT = 1
DEEPEST = 32
LONGEST_TEXT = 4096  # characters of a name or a sentence
Kept = TypeVar("Kept", bound="Recipe | Plan")


@dataclass(frozen=True)
class Recipe:
    """A request to train. None means that seqplay decides, from the text, the budget and the machine."""

    cell: str = option("lstm", help="the sequence layer: lstm, gru, rnn, a plugin's name, or FILE.py:NAME")
    model: str | None = option(
        None, help="a whole network in place of cells: dcgan, wgan, cnn, a plugin's name, or FILE.py:NAME"
    )
    tokens: str = option(
        "char", help="what the model reads and writes one of at a time", choices=("char", "word", "bpe", "byte", "jamo")
    )
    minutes: float | None = option(None, help="how long to train, in minutes of updates", low=0.001, high=1e6)
    steps: int | None = option(None, help="how many updates to make, instead of a time", low=1, high=10**9)
    size: str = option("m", help="one dial for the network's size", choices=("s", "m", "l"))
    hidden: int | None = option(None, help="units in each layer", low=1, high=65_536)
    layers: int = option(1, help="layers on top of each other", low=1, high=64)
    embedding: int | None = option(None, help="length of a token's vector", low=1, high=65_536)
    dropout: float | None = option(None, help="share of units dropped after each layer", low=0.0, high=0.95)
    embedding_dropout: float | None = option(None, help="share dropped before the first layer", low=0.0, high=0.95)
    batch: int | None = option(None, help="rows of text read at the same time", low=1, high=65_536)
    sequence: int | None = option(None, help="tokens read before each update", low=1, high=65_536)
    learning_rate: float | None = option(None, help="size of the largest update", low=1e-9, high=1e9)
    holdout: float = option(0.1, help="share of the text, at its end, kept aside to score on", low=0.0, high=0.9)
    patience: int | None = option(
        None, help="stop after this many evaluations without a better score", low=1, high=10**6
    )
    seed: int = option(0, help="where all randomness starts", low=0, high=2**32 - 1)
    device: str = option(
        "auto", help="where to compute: auto, cpu, cuda or mps", choices=("auto", "cpu", "cuda", "mps")
    )
    threads: int | None = option(None, help="processor cores to use", low=1, high=1024)
    weight_decay: float | None = option(None, help="pull of the weights towards zero", low=0.0, high=100.0)
    warmup: float = option(0.05, help="share of the budget in which the learning rate rises", low=0.0, high=1.0)
    clip: float = option(1.0, help="longest gradient allowed before it is scaled down", low=1e-9, high=1e9)
    average: float | None = option(
        None, help="how slowly the averaged weights follow (0: not at all behind)", low=0.0, high=0.999999
    )
    vocabulary: int | None = option(None, help="most words, or pieces of words, that are learned", low=2, high=1 << 20)
    evaluate_every: int | None = option(None, help="updates between two evaluations", low=1, high=10**9)

    settings: dict[str, Any] = field(default_factory=dict)
    """The cell's or the model's own settings, by name."""
    task: str = "text"
    source: str = ""
    """What the user calls the data: a file's name, never its folder."""
    data: str = ""
    """SHA-256 of the data, under which the cache holds it."""
    column: str | None = None
    """The column of a table that the text was read from."""
    created: float = 0.0
    """Seconds since 1970."""
    format: int = FORMAT
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a run's numbers depend on, resolved. Sizes are in tokens unless their name says otherwise.

    A plan has a cell and the sizes of its stack, or a model; the other's fields are "" and 0.
    """

    steps: int
    cell: str = ""
    tokens: str = ""
    hidden: int = 0
    layers: int = 0
    embedding: int = 0
    dropout: float = 0.0
    embedding_dropout: float = 0.0
    sequence: int = 0
    vocabulary: int = 0
    wrap: bool = False
    residual: bool = False
    """How the stack joins its cells, as their architecture says."""
    model: str = ""
    batch: int
    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.99
    """How slowly the optimiser's two moments follow."""
    holdout: float
    seed: int
    device: str
    threads: int
    slices: int
    """Rows of a batch are dealt to this many Python threads, whose gradients are added in order."""
    precision: str
    weight_decay: float
    warmup: float
    clip: float
    average: float
    evaluate_every: int
    minutes: float | None
    patience: int | None
    settings: dict[str, Any]
    task: str
    source: str
    data: str
    train_tokens: int
    held_out_tokens: int
    parameters: int
    layer_table: list[list[Any]]
    """Rows of (layer, output shape, parameters), for people to read without loading the network."""
    why: str
    """One line on why these sizes."""
    notices: list[str]
    """What people should know of the plan, a line each."""
    codec: dict[str, str]
    """SHA-256 of each of the codec's files, by name."""
    distribution: str
    version: str
    """The installed distribution that the cell or model came from, and its version."""
    torch: str
    unit: str = "token"
    """What one token is called."""
    column: str | None = None
    format: int = FORMAT
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def network(self) -> str:
        """The name of the cell or model."""
        return self.model or self.cell

    @property
    def kind(self) -> Literal["cell", "model"]:
        """Which of the two it is."""
        return "model" if self.model else "cell"


RESOLVED = (
    Option("steps", int, None, "updates", 1, 1 << 53),
    Option("evaluate_every", int, None, "updates between two evaluations", 1, 1 << 53),
    Option("slices", int, None, "rows are dealt to this many threads", 1, 1024),
    Option("device", str, None, "where it computes", choices=("cpu", "cuda", "mps")),
    Option("precision", str, None, "what it multiplies in", choices=("float32", "bfloat16")),
    Option("vocabulary", int, None, "symbols of the codec", 1, 1 << 20),
    Option("train_tokens", int, None, "tokens to learn from", 1, 1 << 53),
    Option("held_out_tokens", int, None, "tokens to score on", 0, 1 << 53),
    Option("parameters", int, None, "numbers that are learned", 0, 1 << 53),
    Option("beta1", float, None, "how slowly the mean of gradients follows", 0.0, 0.999999),
    Option("beta2", float, None, "how slowly the mean of their squares follows", 0.0, 0.999999),
)
"""What a plan may hold beyond what a recipe may ask for."""
OF_A_STACK = "cell tokens hidden layers embedding dropout embedding_dropout sequence vocabulary".split()
"""What only a network of cells has."""


def to_json(kept: Recipe | Plan) -> dict[str, Any]:
    row = dataclasses.asdict(kept)
    return {**row.pop("extra"), **row}


def recipe_from_json(row: Mapping[str, Any], path: object) -> Recipe:
    """Raises RunError naming `path`. Every setting is checked: a recipe may come from somebody else."""
    _check_depth(row, path)
    known = {o.name: o for o in options_of(Recipe)}
    checked = {
        k: v if v is None and known[k].default is None else _check(known[k], v, path)
        for k, v in row.items()
        if k in known
    }
    return _from_json(Recipe, {**row, **checked}, path)


def plan_from_json(row: Mapping[str, Any], path: object) -> Plan:
    """Raises RunError naming `path`, also for sizes that no recipe could ask for."""
    _check_depth(row, path)
    plan = _from_json(Plan, row, path, () if row.get("model") else (*OF_A_STACK, "wrap", "residual"))
    odd = [name for name in OF_A_STACK if plan.model and getattr(plan, name)]
    if odd or not (plan.model or plan.cell):
        raise RunError(f"{path} has {'a model and ' + odd[0] if odd else 'neither a cell nor a model'}.")
    bounds = {o.name: o for o in (*options_of(Recipe), *RESOLVED)}
    for name, bound in bounds.items():
        if (value := getattr(plan, name, None)) is not None and not (plan.model and name in OF_A_STACK):
            _check(bound, value, path)
    if any(type(layer) is not list or list(map(type, layer)) != [str, str, int] for layer in plan.layer_table):
        raise RunError(f"{path}: layer_table is no list of (layer, output shape, parameters).")
    return plan


def _check_depth(row: Mapping[str, Any], path: object) -> None:
    """Refuse objects and lists so deep in each other that Python reads them and then fails to show or write them."""
    inside: list[Any] = [dict(row)]
    for _ in range(DEEPEST):
        inside = [v for o in inside for v in (o.values() if isinstance(o, dict) else o) if isinstance(v, dict | list)]
    if inside:
        raise RunError(f"{path} is nested more than {DEEPEST} levels deep.")


def _check(option: Option, value: object, path: object) -> Value:
    try:
        return check(option, value)
    except UsageError as problem:
        raise RunError(f"{path}: {problem}") from None


def _from_json(kind: type[Kept], row: Mapping[str, Any], path: object, needed: Collection[str] = ()) -> Kept:
    """`needed` are fields that have a default and must be there all the same."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name != "extra"}
    for name, hint in hints.items():
        if name in row and not fits(row[name], hint):
            raise RunError(f"{path}: {name} cannot be {repr(row[name])[:60]}.")
    lacking = [f.name for f in dataclasses.fields(kind) if f.name not in row and (_required(f) or f.name in needed)]
    if lacking:
        raise RunError(f"{path} lacks {', '.join(lacking)}.")
    extra = {name: value for name, value in row.items() if name not in hints}
    return kind(**{name: value for name, value in row.items() if name in hints}, extra=extra)


def _required(declared: dataclasses.Field[Any]) -> bool:
    return declared.default is dataclasses.MISSING and declared.default_factory is dataclasses.MISSING


def fits(value: object, hint: Any) -> bool:
    """Whether a value from JSON is what a field's annotation says: a whole number is a number too, true is none."""
    kinds = [get_origin(h) or h for h in (get_args(hint) if get_origin(hint) is UnionType else (hint,))]
    if type(value) is int and float in kinds:
        return abs(value) < 1 << 1023
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return False
    return type(value) in kinds and not (isinstance(value, float) and not math.isfinite(value))
