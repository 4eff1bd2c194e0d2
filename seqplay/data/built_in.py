"""The texts that come with seqplay."""

from __future__ import annotations

from pathlib import Path

from seqplay.errors import MissingError

FEELINGS = "나는 오늘 기분이 좋아.\n나는 내일도 기분이 좋을거야.\n기분이 좋은 날엔 춤을 추고 싶어.\n"

BUILT_IN = {
    "hello": "five letters: the smallest text that needs a memory (after l comes l or o)",
    "feelings": "three Korean sentences, for learning word by word",
    "english": "stories of a harbour town",
    "korean": "stories of a hillside neighbourhood, in Korean",
    "dialogue": "scenes of a play: who speaks, and how",
    "verse": "poems: lines, stanzas and rhymes",
    "tunes": "folk tunes in ABC notation: music as letters",
}
FILES = {name: f"{name}.txt" for name in BUILT_IN} | {"tunes": "tunes.abc"}


def built_in_text(name: str) -> bytes:
    """The text of a built-in name, in UTF-8."""
    if name == "hello":
        return b"hello"
    if name == "feelings":
        return FEELINGS.encode()
    path = sample_texts() / FILES[name]
    try:
        return path.read_bytes()
    except OSError as problem:
        raise MissingError(
            f"The built-in text '{name}' is not at {path}: {problem.strerror}. Install seqplay again."
        ) from problem


def sample_texts() -> Path:
    """Beside the package in a checkout, inside it when installed from a wheel."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "sample_texts"
    return inside if inside.is_dir() else package.parent / "sample_texts"
