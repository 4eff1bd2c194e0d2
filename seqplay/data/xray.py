"""The X-ray of a text: what can be told of it before a model has learned anything, found while the user looks at it.

An `Xray` is plain data that crosses processes as one JSON object; this module loads numpy only where it examines. The
first X-ray of a text comes from its first block, whatever its size; each that follows knows more, the last is final.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from seqplay import paths
from seqplay.data import texts
from seqplay.data.suggestions import Suggestion, suggest
from seqplay.errors import DataError, RunError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from seqplay.data.baselines import Parts
    from seqplay.data.passages import Passage

MOST_BYTES = 20_000_000  # of a text; a larger one is known by its beginning
BEGINNING = 500  # characters
LINE = 200  # characters that are kept of a repeated line, or of a shared block
RANKS = 200  # frequent symbols that are named
RARE = 20  # rare symbols that are named
FEW = 5  # a symbol that occurs fewer times is too rare to be learned
LATER = "data held_out shared_length shared_block shared_share uniform unigram five_gram gzip".split()
# Of a row that another process sent:
LONGEST_TEXT, LONGEST_LIST, LARGEST = 4096, 256, 1 << 53
SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Xray:
    """What is known of a text so far. Of a text of more than MOST_BYTES only its beginning is read (`is_partial`), and
    all counts are of that. Texts in it are as they are in the data: a viewer makes them safe.
    """

    name: str
    data: str | None
    """The SHA-256 under which the cache would hold the text; None until, or unless, the whole of it was read."""
    size: int
    """Bytes of the files as they stand, `bytes_read` of which were read."""
    bytes_read: int
    is_final: bool
    characters: int
    words: int
    """Stretches without white space."""
    lines: int
    symbols: int
    """Different characters."""
    beginning: str
    frequent: tuple[tuple[str, int], ...]
    """The most frequent symbols and how often each occurs, in the order of their ranks."""
    rare: tuple[tuple[str, int], ...]
    """The least frequent symbols, the rarest first."""
    too_rare: int
    """Symbols that occur fewer than FEW times."""
    scripts: tuple[tuple[str, float], ...]
    """Shares of the characters: "Hangul", "Latin", "space" and so on, the largest first, none of them 0."""
    repeated_lines: float
    """Share of the lines that are not blank which stood there before. White space around a line does not count."""
    most_repeated: tuple[str, int] | None
    """The line that occurs most often, and how often; None where each occurs once."""
    held_out: int | None
    """Characters that a run would hold out, 0 for a short text; None until the text was read. So are those below."""
    shared_length: int | None
    """Characters of the longest block of the held-out part that the training part has too."""
    shared_block: str | None
    """Its beginning."""
    shared_share: float | None
    """Share of the held-out part that lies in shared blocks of 50 characters or more."""
    uniform: float | None
    """Bits a character of the held-out part, as `seqplay.data.baselines` describes them; so are the next two."""
    unigram: float | None
    five_gram: float | None
    gzip: float | None
    """Bits a character of the whole text."""
    suggestion: Suggestion

    @property
    def is_partial(self) -> bool:
        """Whether there is more of the text than was read."""
        return self.bytes_read < self.size


def to_row(xray: Xray) -> dict[str, Any]:
    return asdict(xray)


def from_row(row: object) -> Xray:
    """The X-ray in a row that another process sent. Raises ValueError with one line."""
    xray: Xray = _read(Xray, row, "an X-ray")
    if max(xray.repeated_lines, xray.shared_share or 0.0, *(share for _, share in xray.scripts), 0.0) > 1:
        raise ValueError("a share is at most 1")
    if xray.data is not None and not SHA256.fullmatch(xray.data):
        raise ValueError(f"data is no SHA-256: {_shown(xray.data)}")
    return xray


def examine(sources: Sequence[str], column: str | None = None) -> Iterator[Xray]:
    """X-rays of files, folders, fetched corpora and built-in names, one text after the other; of tables, of one column.
    Nothing is kept in the cache. Raises what `read_sources` does; a pipe is refused at once, and standard input too.
    """
    excerpt = texts.Excerpt(sources, column, MOST_BYTES)
    findings = _Findings(excerpt.name, excerpt.size)
    return _examined(findings, ((block, excerpt.bytes_read) for block in excerpt))


def examine_cached(data: str, name: str, holdout: float = 0.1) -> Iterator[Xray]:
    """X-rays of a text of the cache, by its SHA-256, with this share of it held out. Raises DataError when the cache no
    longer holds it, and UsageError for a share that no run can hold out.
    """
    if not 0 <= holdout <= 0.9:
        raise UsageError(f"A share to hold out is from 0 to 0.9, not {holdout:g}.")
    passage, size = _cached(data, name)
    return _examined(_Findings(name, size, holdout), _measured(passage, name))


def examine_text(text: str, name: str) -> Iterator[Xray]:
    """X-rays of a text that was pasted. Raises DataError for what is none."""
    if "\0" in text:
        raise DataError(f"{name} is no text: it holds NUL bytes, as programs and pictures do.")
    try:
        content = text.encode()
    except UnicodeEncodeError as problem:
        raise DataError(f"{name} is no text: character {problem.start:,} is half of one.") from None
    cut = content[:MOST_BYTES].decode(errors="ignore")
    blocks = (cut[start : start + texts.CHUNK] for start in range(0, len(cut), texts.CHUNK))
    return _examined(_Findings(name, len(content)), _measured(blocks, name))


def _cached(data: str, name: str) -> tuple[Passage, int]:
    """A text of the cache and its size in bytes; of a large one only the beginning, whose hash nobody can check."""
    from seqplay.data import passages
    from seqplay.data.open_file import OpenFile

    if passages.SHA256.fullmatch(data):
        with suppress(RunError):
            file = OpenFile(paths.texts_dir() / data)
            size = file.status().st_size
            if size > MOST_BYTES:
                return passages.Passage(file, data, 0, size, 0).beginning(MOST_BYTES), size
    passage = passages.cached_text(data, name)
    return passage, len(passage)


def _measured(text: Iterable[str], name: str) -> Iterator[tuple[bytes, int]]:
    """Blocks in UTF-8, each with the bytes of all up to it."""
    bytes_read = 0
    try:
        for block in text:
            content = block.encode()
            bytes_read += len(content)
            yield content, bytes_read
    except UnicodeDecodeError:
        raise DataError(f"The text '{name}' is damaged in the cache. Train on it again.") from None


def _examined(findings: _Findings, blocks: Iterable[tuple[bytes, int]]) -> Iterator[Xray]:
    """An X-ray whenever twice as much was read, and one after each longer look at the whole."""
    due = 0
    for block, bytes_read in blocks:
        findings.add(block, bytes_read)
        if bytes_read >= due:
            yield findings.xray()
            due = 2 * bytes_read
    if findings.characters == 0:
        raise texts.empty(findings.name)
    findings.end()
    for look in (findings.score_symbols, findings.score_contexts, findings.compare_parts):
        look()
        yield findings.xray()
    findings.pack()
    yield findings.xray(is_final=True)


class _Findings:
    """What was found in a text so far: `add` every block, `end`, then the longer looks in their order."""

    def __init__(self, name: str, size: int, holdout: float = 0.1) -> None:
        self.name, self.size, self.holdout = name, size, holdout
        self.bytes_read = self.characters = 0
        self._words = self._breaks = self._full_lines = 0
        self._beginning, self._last, self._rest = "", "\n", ""
        self._lines: Counter[str] = Counter()
        self._repeats: tuple[float, tuple[str, int] | None] | None = None
        self._blocks: list[bytes] = []
        self._digest = hashlib.sha256()
        self._counts: npt.NDArray[np.int64] | None = None
        self._parts: Parts | None = None
        self._known: dict[str, Any] = {}

    def add(self, block: bytes, bytes_read: int) -> None:
        from seqplay.data import symbols

        text = block.decode()
        self.bytes_read = bytes_read
        self.characters += len(text)
        self._words += len(text.split()) - (not self._last.isspace() and not text[0].isspace())
        *lines, self._rest = (self._rest + text).split("\n")
        self._breaks += len(lines)
        self._count(lines)
        self._beginning += text[: BEGINNING - len(self._beginning)]
        self._last = text[-1]
        self._counts = symbols.counted(symbols.code_points(text), self._counts)
        self._digest.update(block)
        self._blocks.append(block)

    def end(self) -> None:
        self._count([self._rest])
        self._repeats = self._repeated()
        self._lines.clear()  # as large as the text, or larger
        if self.bytes_read >= self.size:
            self._known["data"] = self._digest.hexdigest()

    def _count(self, lines: Iterable[str]) -> None:
        full = list(filter(None, map(str.strip, lines)))
        self._full_lines += len(full)
        self._lines.update(full)

    def _repeated(self) -> tuple[float, tuple[str, int] | None]:
        """The share of the full lines that stood there before, and the most repeated one."""
        line, times = next(iter(self._lines.most_common(1)), ("", 0))
        share = (self._full_lines - len(self._lines)) / max(1, self._full_lines)
        return share, (line[:LINE], times) if times > 1 else None

    def score_symbols(self) -> None:
        """Split the text, and score what needs to know no more than how often each symbol occurs."""
        from seqplay.data import baselines, symbols

        self._parts = parts = baselines.split(symbols.all_code_points(self._blocks, self.characters), self.holdout)
        scores = {"uniform": baselines.uniform(parts), "unigram": baselines.unigram(parts)}
        self._known |= {"held_out": len(parts.held_out), **scores}

    def score_contexts(self) -> None:
        from seqplay.data import baselines

        assert self._parts is not None
        self._known["five_gram"] = baselines.five_gram(self._parts)

    def compare_parts(self) -> None:
        from seqplay.data.overlap import overlap

        assert self._parts is not None
        found = overlap(self._parts.train, self._parts.held_out)
        block = self._parts.text(self._parts.held_out[found.begin : found.begin + min(found.length, LINE)])
        self._known |= {"shared_length": found.length, "shared_block": block, "shared_share": found.share}

    def pack(self) -> None:
        from seqplay.data import baselines

        self._known["gzip"] = baselines.gzip(self._blocks, self.characters)

    def xray(self, is_final: bool = False) -> Xray:
        from seqplay.data import symbols

        assert self._counts is not None
        ranked = symbols.by_rank(self._counts)
        of_script = symbols.scripts(ranked)
        repeated_lines, most_repeated = self._repeats or self._repeated()
        unknown = dict.fromkeys(LATER)
        return Xray(
            name=self.name,
            size=self.size,
            bytes_read=self.bytes_read,
            is_final=is_final,
            characters=self.characters,
            words=self._words,
            lines=self._breaks + (self._rest != ""),
            symbols=len(ranked),
            beginning=self._beginning,
            frequent=tuple(ranked[:RANKS]),
            rare=tuple(sorted(ranked, key=lambda one: one[1])[:RARE]),
            too_rare=sum(count < FEW for _, count in ranked),
            scripts=tuple(
                (script, count / self.characters)
                for script, count in sorted(of_script.items(), key=lambda item: -item[1])
                if count
            ),
            repeated_lines=repeated_lines,
            most_repeated=most_repeated,
            suggestion=self._suggestion(ranked, symbols.hangul_share(of_script)),
            **{**unknown, **self._known},
        )

    def _suggestion(self, ranked: list[tuple[str, int]], hangul_share: float) -> Suggestion:
        """Of the training part; of a text that was not read to its end, as if the rest were like the beginning."""
        from seqplay.data import baselines, symbols

        if self._parts is not None and self.bytes_read >= self.size:
            return suggest(len(self._parts.train), hangul_share, symbols.jamo(self._parts.ranked()))
        whole = max(1.0, self.size / self.bytes_read)
        train = baselines.kept(round(self.characters * whole), self.holdout)
        return suggest(train, hangul_share, round(symbols.jamo(ranked) * train / self.characters))


def _read(hint: Any, value: Any, place: str) -> Any:
    """A value from JSON as a field's annotation has it."""
    if get_origin(hint) is UnionType:
        return None if value is None else _read(get_args(hint)[0], value, place)
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        if not isinstance(value, list) or len(value) > LONGEST_LIST:
            raise ValueError(f"{place} is a list of at most {LONGEST_LIST}, not {_shown(value)}")
        kinds = kinds[:1] * len(value) if kinds[-1] is ... else kinds
        if len(kinds) != len(value):
            raise ValueError(f"{place} has {len(kinds)} values, not {len(value)}")
        return tuple(_read(kind, item, place) for kind, item in zip(kinds, value, strict=True))
    if hint in (Xray, Suggestion):
        hints = get_type_hints(hint)
        if not isinstance(value, dict) or value.keys() != hints.keys():
            raise ValueError(f"{place} is an object with {', '.join(hints)} and nothing else")
        return hint(**{name: _read(kind, value[name], name) for name, kind in hints.items()})
    kinds = (int, float) if hint is float else (hint,)
    if type(value) not in kinds:
        raise ValueError(f"{place} is no {hint.__name__}: {_shown(value)}")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ValueError(f"{place} is longer than {LONGEST_TEXT:,} characters")
    if isinstance(value, int | float) and not 0 <= value < LARGEST:  # also refuses NaN
        raise ValueError(f"{place} is a number from 0 to {LARGEST:,}, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return ascii(value)[:60]
