"""Checkpoints as directories of files: a checkpoint is there as a whole, verified by SHA-256, or it is not there.

A new one is written under a hidden name and renamed; so is one that goes, before its first file is deleted. The name
tells what a crash left undone: `.7.partial-x` was never committed, `.7.replaced-x` is step 7 while there is no other,
`.7.removed-x` no longer counts. Apart from a partial's, no file is deleted that a manifest does not list.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seqplay import files
from seqplay.errors import RunError
from seqplay.recipe import FORMAT
from seqplay.runs import layout, rows

MANIFEST = "manifest.json"
FILE_LIMIT_BYTES = 1 << 40
HIDDEN = re.compile(r"\.(0|[1-9][0-9]{0,17})\.(partial|replaced|removed)-[0-9a-f]{16}", re.ASCII)
COMMITTED = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True)
class Listed:
    """One file as a manifest lists it."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a committed checkpoint holds."""

    step: int
    files: dict[str, Listed]


def commit(checkpoints: Path, step: int, contents: Mapping[str, bytes | memoryview]) -> Path:
    """Write a checkpoint as a whole and return its directory; one of the same step is replaced.

    After a WriteError the earlier checkpoints are as they were.
    """
    assert step >= 0, "steps count from 0"
    assert all(_is_plain(name) for name in contents), "a checkpoint's files have plain names"
    try:
        _make_directory(checkpoints)
        _tidy(checkpoints)
        partial = _hidden(checkpoints, step, "partial")
        try:
            _write(partial, step, contents)
            committed = checkpoints / str(step)
            replaced = _move_aside(committed, "replaced")
            os.rename(partial, committed)
        except OSError:
            with suppress(OSError):
                _remove_flat(partial)
            raise
        files.sync_directory(checkpoints)
        if replaced:
            _remove_listed(replaced, step)
    except OSError as error:
        raise files.cannot_write(checkpoints / str(step), error) from error
    return committed


def steps(checkpoints: Path) -> list[int]:
    """The steps of the committed checkpoints, ascending; a symlink is none."""
    return sorted(_places(checkpoints))


def load_manifest(checkpoints: Path, step: int) -> Manifest:
    """What a committed checkpoint holds. Raises RunError, naming the path, if it is missing or damaged."""
    place = _place(checkpoints, step)
    return _read_manifest(place, step)


def read_file(checkpoints: Path, step: int, name: str, limit_bytes: int = FILE_LIMIT_BYTES) -> bytes:
    """A file of a checkpoint, after its size and SHA-256 were found right. Raises RunError, naming the path."""
    place = _place(checkpoints, step)
    listed = _read_manifest(place, step).files.get(name)
    if listed is None:
        raise RunError(f"Cannot read {place / name}: the checkpoint's manifest does not list it.")
    if listed.bytes > limit_bytes:
        raise RunError(f"Cannot read {place / name}: it has {listed.bytes:,} bytes and the limit is {limit_bytes:,}.")
    return _read_listed(place / name, listed)


def verify(checkpoints: Path, step: int) -> None:
    """Read every file of a checkpoint. Raises RunError, naming the path, for the first that is damaged."""
    place = _place(checkpoints, step)
    for name, listed in _read_manifest(place, step).files.items():
        _read_listed(place / name, listed)


def keep(checkpoints: Path, wanted: Collection[int]) -> list[int]:
    """Remove every committed checkpoint that is not wanted, and return the steps that stay.

    If none of the wanted ones is good, the newest good one stays too: the last good checkpoint is never removed. One
    with a damaged manifest stays, because nobody knows which files are its own; so does a file that a user put in one.
    """
    try:
        if files.is_directory(checkpoints):
            _tidy(checkpoints)
        present = steps(checkpoints)
        unwanted = [step for step in present if step not in wanted]
        if unwanted and not any(_is_good(checkpoints, step) for step in reversed(present) if step in wanted):
            last_good = next((step for step in reversed(unwanted) if _is_good(checkpoints, step)), None)
            unwanted = [step for step in unwanted if step != last_good]
        for step in unwanted:
            with suppress(RunError):
                load_manifest(checkpoints, step)
                removed = _move_aside(checkpoints / str(step), "removed")
                if removed:
                    _remove_listed(removed, step)
    except OSError as error:
        raise files.cannot_write(checkpoints, error) from error
    return steps(checkpoints)


def _write(partial: Path, step: int, contents: Mapping[str, bytes | memoryview]) -> None:
    os.mkdir(partial, 0o700)
    listed = {}
    for name, content in contents.items():
        files.write_new(partial / name, content)
        listed[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": memoryview(content).nbytes}
    manifest = {"format": FORMAT, "step": step, "files": listed}
    files.write_new(partial / MANIFEST, rows.to_json(manifest, indent=2) + b"\n")
    files.sync_directory(partial)


def _read_manifest(place: Path, step: int) -> Manifest:
    path = place / MANIFEST
    row = layout.read_json(path)
    layout.check_format(row, path)
    listed = row.get("files")
    if "format" not in row or row.get("step") != step or not isinstance(listed, dict):
        raise RunError(f"Cannot read {path}: it is not the manifest of step {step}.")
    return Manifest(step, {name: _listed(path, name, entry) for name, entry in listed.items()})


def _listed(path: Path, name: str, entry: object) -> Listed:
    if _is_plain(name) and isinstance(entry, dict):
        sha256, size = entry.get("sha256"), entry.get("bytes")
        if isinstance(sha256, str) and type(size) is int and 0 <= size <= FILE_LIMIT_BYTES:
            return Listed(sha256, size)
    raise RunError(f"Cannot read {path}: its entry {name[:80]!r} is damaged.")


def _read_listed(path: Path, listed: Listed) -> bytes:
    data = files.read_exactly(path, listed.bytes)
    if hashlib.sha256(data).hexdigest() != listed.sha256:
        raise RunError(f"{path} is damaged: its SHA-256 is not the one in {MANIFEST}.")
    return data


def _is_good(checkpoints: Path, step: int) -> bool:
    try:
        verify(checkpoints, step)
    except RunError:
        return False
    return True


def _is_plain(name: str) -> bool:
    return bool(name) and name not in (".", "..", MANIFEST) and not any(letter in "/\\\0" for letter in name)


def _make_directory(checkpoints: Path) -> None:
    try:
        os.mkdir(checkpoints, 0o700)
    except FileExistsError:
        _refuse_symlink(checkpoints)
        return
    files.sync_directory(checkpoints.parent)


def _refuse_symlink(directory: Path) -> None:
    if not files.is_directory(directory):
        code = errno.ELOOP if directory.is_symlink() else errno.ENOTDIR
        raise OSError(code, os.strerror(code))


def _hidden(checkpoints: Path, step: int, kind: str) -> Path:
    return checkpoints / f".{step}.{kind}-{secrets.token_hex(8)}"


def _move_aside(committed: Path, kind: str) -> Path | None:
    if not os.path.lexists(committed):
        return None
    _refuse_symlink(committed)
    aside = _hidden(committed.parent, int(committed.name), kind)
    os.rename(committed, aside)
    return aside


def _places(checkpoints: Path) -> dict[int, Path]:
    """Where each committed checkpoint is: under its step, or under a hidden name while it is being replaced."""
    if not files.is_directory(checkpoints):
        return {}
    places: dict[int, Path] = {}
    for name in sorted(os.listdir(checkpoints)):  # hidden names sort before digits, so that digits win
        hidden = HIDDEN.fullmatch(name)
        if hidden and hidden[2] == "replaced":
            step = int(hidden[1])
        elif COMMITTED.fullmatch(name):
            step = int(name)
        else:
            continue
        place = checkpoints / name
        if files.is_directory(place) and os.path.lexists(place / MANIFEST):
            places[step] = place
    return places


def _place(checkpoints: Path, step: int) -> Path:
    place = checkpoints / str(step)
    if files.is_directory(checkpoints) and files.is_directory(place) and os.path.lexists(place / MANIFEST):
        return place
    places = _places(checkpoints)
    if step not in places:
        committed = ", ".join(map(str, sorted(places)[-5:])) or "none"
        raise RunError(f"There is no checkpoint of step {step} in {checkpoints}; the newest are: {committed}.")
    return places[step]


def _tidy(checkpoints: Path) -> None:
    """Finish what a crash left undone."""
    for name in os.listdir(checkpoints):
        hidden = HIDDEN.fullmatch(name)
        path = checkpoints / name
        if not hidden or not files.is_directory(path):
            continue
        step, kind = int(hidden[1]), hidden[2]
        with suppress(OSError):  # what cannot be tidied is in nobody's way
            if kind == "partial":
                _remove_flat(path)
            elif kind == "replaced" and not os.path.lexists(checkpoints / str(step)):
                os.rename(path, checkpoints / str(step))
            else:
                _remove_listed(path, step)


def _remove_flat(directory: Path) -> None:
    """Remove a directory of files that this module alone has written."""
    for name in os.listdir(directory):
        os.unlink(directory / name)
    os.rmdir(directory)


def _remove_listed(aside: Path, step: int) -> None:
    """Remove what a moved checkpoint lists, then its directory; what is left is a user's and goes back to its place."""
    with suppress(RunError):
        for name in _read_manifest(aside, step).files:
            with suppress(FileNotFoundError):
                os.unlink(aside / name)
        os.unlink(aside / MANIFEST)
    committed = aside.parent / str(step)
    left = os.listdir(aside)
    if left and not os.path.lexists(committed):
        os.rename(aside, committed)
        return
    for name in left:
        if not os.path.lexists(committed / name):
            os.rename(aside / name, committed / name)
    with suppress(OSError):
        os.rmdir(aside)
