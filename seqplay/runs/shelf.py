"""The user's runs: create, find, list, rename and remove them.

A run is looked up among the names that are there, never by joining what was typed to a path.
"""

from __future__ import annotations

import difflib
import itertools
import os
import re
import shlex
import unicodedata
from contextlib import suppress
from errno import EEXIST, ENOTEMPTY, EXDEV
from pathlib import Path

from seqplay import files, paths
from seqplay.errors import BusyError, RunError, UsageError, no_such
from seqplay.runs import layout, process, summary
from seqplay.runs.contents import contents
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.names import check_name, name_from
from seqplay.runs.rows import moment
from seqplay.runs.summary import Summary, summarise

__all__ = [
    "Summary",
    "all_runs",
    "check_name",
    "check_removable",
    "create",
    "created",
    "delete",
    "find",
    "is_run",
    "name_from",
    "remove",
    "rename",
    "summarise",
    "trash_dir",
]

SHA256 = re.compile("[0-9a-f]{64}")
SHOWN = 8  # candidates in an error


def create(name: str | None, stem: str) -> RunFiles:
    """Claim the directory of a new run: `name`, or without one the stem's name, then -2, -3 ... until one is free."""
    shelf = paths.make_private(paths.runs_dir())
    if name is not None:
        run = RunFiles(shelf / check_name(name))
        if not _claim(run):
            again = f"go on with it: seqplay resume {run.name}"
            raise UsageError(f"There is a run named '{run.name}' already. Choose another --name, or {again}")
        return run
    base = name_from(stem)
    names = itertools.chain([base], (f"{base}-{count}" for count in itertools.count(2)))
    return next(run for run in (RunFiles(shelf / name) for name in names) if _claim(run))


def find(name: str | None) -> RunFiles:
    """The run with this name, or the only one whose name starts so, or the one at this path; None is the newest.

    Raises UsageError if there is no such run, or more than one, and RunError for a directory that is no run.
    """
    runs = all_runs()
    if name is None:
        if not runs:
            raise UsageError("There are no runs yet. Make one with: seqplay train FILE")
        return runs[0]
    typed = unicodedata.normalize("NFC", name)
    names = {unicodedata.normalize("NFC", run.name): run for run in runs}
    if typed in names:
        return names[typed]
    if _is_path(name):
        return _at(name)
    starting = [known for known in names if typed and known.startswith(typed)]
    if len(starting) == 1:
        return names[starting[0]]
    if starting:
        more = f" and {len(starting) - SHOWN} more" if len(starting) > SHOWN else ""
        raise UsageError(f"'{name}' could be {', '.join(starting[:SHOWN])}{more}. Type more of the name.")
    if name:
        with suppress(RunError):
            return _at(name)
    near = difflib.get_close_matches(typed, names, n=SHOWN, cutoff=0.5) or list(names)[:SHOWN]
    listed = "Runs" if len(near) == len(names) else "Some of the runs"
    raise UsageError(no_such("run", name, near, listed))


def all_runs() -> list[RunFiles]:
    """Every run in the runs directory, newest first; also a damaged one, but no symlink and no other directory."""
    return sorted(_runs_in(paths.runs_dir()), key=lambda run: (-created(run), run.name))


def _runs_in(directory: Path) -> list[RunFiles]:
    try:
        with os.scandir(directory) as entries:
            found = [RunFiles(Path(entry.path)) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return list(filter(is_run, found))


def rename(run: RunFiles, name: str) -> RunFiles:
    """Give a run another name on the shelf, and return it under that.

    Raises UsageError for a name that no run may have or that one has already, and for what does not lie on the shelf;
    BusyError while a process writes the run, WriteError where the disk refuses.
    """
    target = RunFiles(paths.runs_dir() / check_name(name))
    if target.name == run.name:
        return run
    if summary.is_busy(run):
        raise BusyError(f"Run '{run.name}' trains now: stop it first, then give it another name.")
    if run.path.is_symlink() or not _lies_in(run, paths.runs_dir()) or not is_run(run):
        raise UsageError(f"There is no run named '{run.name}' any more.")
    with WriterLock(run, note=False):
        # The name is claimed first: a rename would take the place of a directory that is still empty.
        if not _claim(target):
            raise UsageError(f"There is a run named '{target.name}' already. Choose another name.")
        try:
            os.rename(run.path, target.path)
            files.sync_directory(target.path.parent)
        except OSError as error:
            with suppress(OSError):
                os.rmdir(target.path)
            raise files.cannot_write(target.path, error) from error
    return target


def trash_dir() -> Path:
    """Where removed runs wait until somebody wants them back or deletes them."""
    return paths.home() / "trash"


def check_removable(run: RunFiles, for_good: bool = False) -> None:
    """Raises BusyError while a process writes the run, UsageError for what is no directory or in the trash already, and
    RunError for a directory that may not be a run at all.
    """
    if summary.is_busy(run):
        note = process.read_note(run)
        who = f"process {note.pid} on {note.host}" if note else "another process"
        raise BusyError(f"Run '{run.name}' is being written by {who}, stop it with: seqplay stop {run.name}")
    if run.path.is_symlink():
        raise UsageError(f"{run.path} is a symlink. Remove the link yourself, or name where it leads.")
    is_in_trash = _lies_in(run, trash_dir())
    if is_in_trash and not for_good:
        raise UsageError(f"{run.path} is in the trash already. Leave it there, or {_for_good(run)}")
    if not is_in_trash and not _lies_in(run, paths.runs_dir()) and "created" not in layout.read_json(run.recipe):
        raise RunError(f"{run.path} may be no run: its recipe.json does not say when it was made. Remove it yourself.")


def remove(run: RunFiles) -> Path:
    """Move a run to the trash, and return where it is now. Raises what `check_removable` does."""
    check_removable(run)
    with WriterLock(run, note=False):
        trash = paths.make_private(trash_dir())
        for count in itertools.count(1):
            target = trash / (run.name if count == 1 else f"{run.name}-{count}")
            try:
                if not os.path.lexists(target):
                    os.rename(run.path, target)
                    files.remove_quietly(RunFiles(target).process)
                    return target
            except OSError as error:
                if error.errno == EXDEV:
                    elsewhere = f"{run.path} is on another disk than the trash {trash}"
                    raise UsageError(f"{elsewhere}. Move it there yourself, or {_for_good(run)}") from None
                if error.errno not in (EEXIST, ENOTEMPTY):
                    raise files.cannot_write(target, error) from error
    raise AssertionError("count() does not end")


def delete(run: RunFiles) -> list[Path]:
    """Delete for good what seqplay made of a run, and its text in the cache where no other run needs it; what seqplay
    did not make stays where it is and is returned.

    The directory first gets a hidden name and loses its recipe: what a crash leaves is listed as broken under that
    name, and can be removed again. Raises what `check_removable` does.
    """
    check_removable(run, for_good=True)
    data = _text_of(run)
    with WriterLock(run, note=False):
        aside = RunFiles(files.temporary(run.path))
        try:
            os.rename(run.path, aside.path)
            for path in [*contents(aside).made, aside.path]:
                with suppress(FileNotFoundError):
                    _remove(path)
            left = contents(aside).foreign
            if left and not os.path.lexists(run.path):
                os.rename(aside.path, run.path)
                left = contents(run).foreign
        except OSError as error:
            raise files.cannot_write(run.path, error) from error
    if data and data not in map(_text_of, [*all_runs(), *_runs_in(trash_dir())]):
        _forget(data)
    return left


def _text_of(run: RunFiles) -> str | None:
    """The SHA-256 of the text, or the pictures, that a run learns."""
    with suppress(RunError):
        data = layout.read_json(run.recipe).get("data")
        return data if isinstance(data, str) and SHA256.fullmatch(data) else None
    return None


def _forget(data: str) -> None:
    """Take a text or pictures out of the cache, and what was made of them."""
    files.remove_quietly(paths.texts_dir() / data)
    files.remove_quietly(paths.pictures_dir() / data)
    for made in (paths.ids_dir(), paths.judges_dir()):
        with suppress(OSError):
            for path in made.glob(f"{data}.*"):
                files.remove_quietly(path)


def _for_good(run: RunFiles) -> str:
    return f"delete it for good: seqplay rm --now {shlex.quote(str(run.path))}"


def _lies_in(run: RunFiles, directory: Path) -> bool:
    return os.path.realpath(run.path.parent) == os.path.realpath(directory)


def _remove(path: Path) -> None:
    """Remove a file, or a directory that is empty."""
    if not files.is_directory(path):
        os.unlink(path)
        return
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno not in (EEXIST, ENOTEMPTY):
            raise


def _claim(run: RunFiles) -> bool:
    try:
        os.mkdir(run.path, 0o700)
        files.sync_directory(run.path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise files.cannot_write(run.path, error) from error
    return True


def _is_path(name: str) -> bool:
    return os.sep in name or name in (".", "..") or name.startswith("~")


def _at(name: str) -> RunFiles:
    run = RunFiles(Path(os.path.abspath(os.path.expanduser(name))))
    if not is_run(run):
        raise RunError(f"{run.path} is no run: it has no recipe.json.")
    return run


def is_run(run: RunFiles) -> bool:
    """Whether a directory holds any file that only a run has."""
    try:
        return any(os.path.lexists(path) for path in (run.recipe, run.plan, run.log, run.checkpoints))
    except ValueError:  # a NUL in the path
        return False


def created(run: RunFiles) -> float:
    """When the run was made: from its recipe, which moves with it, else from the file's time."""
    with suppress(RunError):
        told = moment(layout.read_json(run.recipe).get("created"))
        if told is not None:
            return told
    try:
        return os.stat(run.path).st_mtime
    except OSError:
        return 0.0
