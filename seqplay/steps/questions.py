"""What can be asked of a language model: read a text, tell what may come next, write on, write on in several ways.

It takes a codec and a one-token step, whoever computes that. The row of each kind is described where it is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from seqplay.data.tokens import Codec
from seqplay.errors import UsageError
from seqplay.options import Option, check, configure
from seqplay.steps.cell import Array
from seqplay.steps.pieces import cut, shown
from seqplay.steps.reading import Reader, Reading
from seqplay.steps.writing import Dials, Step, odds

Options = Mapping[str, Any]
Answer = Iterator[dict[str, Any]]
Question = Callable[[Options], Answer]

LENGTH = Option("length", int, 240, "tokens to write", 0, 1 << 53)
MOST = Option("most", int, 12, "tokens of those that may come next", 1, 1000)
MOST_COLUMNS = 8
AT_ONCE = 20_000  # pieces of a text in a row; a row has a longest length
BETWEEN_SECONDS = 0.1  # two rows of odds while it writes


def text_questions(codec: Codec, step: Step, watch: Callable[[], None] = lambda: None) -> dict[str, Question]:
    """The questions by name; keep them, since they remember what the model has read.

    Every question takes the text as `ids` (those that are no tokens are left out) or `prompt`, which are read as they
    are; `start`: true puts before them what stands before a text that has no prompt, as is done when they are empty.
    `watch` is called before every token, and may raise to end a long answer.
    """

    def watched(token: int, state: Any) -> tuple[Array, Any]:
        watch()
        return step(token, state)

    reader = Reader(watched)
    return {
        "read": lambda options: _read(codec, reader, options),
        "next": lambda options: _next(codec, reader, options),
        "continue": lambda options: _continue(codec, reader, options),
        "beside": lambda options: _beside(codec, reader, options),
    }


def _read(codec: Codec, reader: Reader, options: Options) -> Answer:
    """Rows {"pieces": [[text, its ids, its surprise in bits]], "unknown": [symbols that were never seen in training]}

    One, or for a long text several, each with the next AT_ONCE pieces; the first names what is unknown.
    Nothing predicts the first token of a text: the bits of its piece are None.
    """
    begin, ids = _text(codec, options)
    bits = iter(reader.read([*begin, *ids]).bits[len(begin) :])
    pieces = []
    for text, taken in cut(codec, ids):
        each = [next(bits) for _ in taken]
        pieces.append([text, taken, _sum(each)])
    unknown = [] if "ids" in options else codec.unknown(str(options.get("prompt", "")))
    for at in range(0, max(1, len(pieces)), AT_ONCE):
        yield {"kind": "read", "pieces": pieces[at : at + AT_ONCE], "unknown": [] if at else unknown}


def _next(codec: Codec, reader: Reader, options: Options) -> Answer:
    begin, ids = _text(codec, options)
    yield _odds_row(codec, reader.read([*begin, *ids]).logits, _dials(options, "most"), _number(MOST, options))


def _odds_row(codec: Codec, logits: Array, dials: Dials, most: int) -> dict[str, Any]:
    """{"tokens": [{"id", "text", "p", "p1", "kept"}], "uncertainty_bits", "tail"}, the likeliest first.

    `p` is at the dials' temperature and `p1` at temperature 1, both of all tokens; `kept` is what top-k and top-p leave
    to be chosen from. `uncertainty_bits` is the entropy at the temperature, `tail` what the tokens not shown have.
    """
    at_one = odds(logits, Dials(1.0))
    p = odds(logits, Dials(dials.temperature)).astype(np.float64)
    kept = odds(logits, dials) > 0
    likeliest = np.argsort(-logits[1:], kind="stable")[:most] + 1
    positive = p[p > 0]
    return {
        "kind": "next",
        "tokens": [
            {"id": i, "text": shown(codec, i), "p": float(p[i]), "p1": float(at_one[i]), "kept": bool(kept[i])}
            for i in likeliest.tolist()
        ],
        "uncertainty_bits": max(0.0, -float((positive * np.log2(positive)).sum())),
        "tail": max(0.0, 1 - float(p[likeliest].sum())),
    }


def _continue(codec: Codec, reader: Reader, options: Options) -> Answer:
    """Rows {"kind": "token", "text", "ids", "bits"}, a piece each, and now and then, and at the end, a "next" row."""
    reading = _read_to_write(codec, reader, options)
    dials = _dials(options, "length", "most")
    return _write(codec, reader, reading, _number(LENGTH, options), dials, _number(MOST, options))


def _beside(codec: Codec, reader: Reader, options: Options) -> Answer:
    """As "continue", at several `temperatures` in turns; the rows of each say its `column`.

    Each column writes with the same seed: what differs comes of the temperature.
    """
    temperatures = options.get("temperatures")
    if not isinstance(temperatures, list) or not 1 <= len(temperatures) <= MOST_COLUMNS:
        raise UsageError(f"temperatures takes a list of 1 to {MOST_COLUMNS} numbers.")
    dials = _dials(options, "length", "most", "temperatures")
    if dials.seed is None:
        dials = replace(dials, seed=int(np.random.default_rng().integers(1 << 63)))
    each = [
        replace(dials, temperature=configure(Dials, {"temperature": t}, "sampling").temperature) for t in temperatures
    ]
    length, most = _number(LENGTH, options), _number(MOST, options)
    readings = [_read_to_write(codec, reader, options) for _ in each]
    writing = dict(enumerate(_write(codec, reader, r, length, d, most) for r, d in zip(readings, each, strict=True)))
    while writing:
        for column, rows in list(writing.items()):
            row = next(rows, None)
            while row and row["kind"] != "token":
                yield {**row, "column": column}
                row = next(rows, None)
            if row:
                yield {**row, "column": column}
            else:
                del writing[column]


def _write(codec: Codec, reader: Reader, reading: Reading, length: int, dials: Dials, most: int) -> Answer:
    told, place = time.monotonic(), len(reading.ids)
    for text, ids in cut(codec, reader.write(reading, length, dials)):
        bits = _sum(reading.bits[place : place + len(ids)])
        place += len(ids)
        yield {"kind": "token", "text": text, "ids": ids, "bits": bits}
        if time.monotonic() - told > BETWEEN_SECONDS:
            yield _odds_row(codec, reading.logits, dials, most)
            told = time.monotonic()
    yield _odds_row(codec, reading.logits, dials, most)


def _read_to_write(codec: Codec, reader: Reader, options: Options) -> Reading:
    begin, ids = _text(codec, options)
    return reader.read([*begin, *ids])


def _text(codec: Codec, options: Options) -> tuple[list[int], list[int]]:
    """What stands before the text, and the ids of the text; together at least one."""
    given = options["ids"] if "ids" in options else codec.known(str(options.get("prompt", ""))).tolist()
    ids = [int(i) for i in given if 0 < i < len(codec)]
    return (codec.start().tolist() if options.get("start") or not ids else []), ids


def _dials(options: Options, *others: str) -> Dials:
    """Raises UsageError for a dial out of bounds, and for what is none of the question's options."""
    names = {"ids", "prompt", "start", *others}
    asked = {name: value for name, value in options.items() if name not in names and value is not None}
    return configure(Dials, asked, "sampling")


def _number(option: Option, options: Options) -> int:
    value = check(option, options.get(option.name, option.default))
    assert isinstance(value, int)
    return value


def _sum(bits: list[float | None]) -> float | None:
    """The bits of a piece; None where nothing predicts one of its tokens."""
    known = [each for each in bits if each is not None]
    return sum(known) if len(known) == len(bits) else None
