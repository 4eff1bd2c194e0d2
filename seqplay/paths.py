"""Where runs, the cache and settings live.

SEQPLAY_HOME, when it is set, moves all of it: nothing is then written anywhere else.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from seqplay.errors import WriteError


def home() -> Path:
    """The directory that holds everything the user would want to keep."""
    named = os.environ.get("SEQPLAY_HOME")
    if named:
        return Path(os.path.abspath(os.path.expanduser(named)))
    import platformdirs

    return Path(platformdirs.user_data_dir("seqplay", appauthor=False))


def runs_dir() -> Path:
    """One directory for each run."""
    return home() / "runs"


def cache_dir() -> Path:
    """What can be made again: texts as numbers, descriptions of plugins."""
    if os.environ.get("SEQPLAY_HOME"):
        return home() / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("seqplay", appauthor=False))


def texts_dir() -> Path:
    """One file for each text, under its SHA-256."""
    return cache_dir() / "texts"


def ids_dir() -> Path:
    """Texts as ids; the name of each file begins with its text's SHA-256 and a dot."""
    return cache_dir() / "ids"


def pictures_dir() -> Path:
    """One file for each data set of pictures, under its SHA-256, and one that names the hash of the built-in digits."""
    return cache_dir() / "pictures"


def judges_dir() -> Path:
    """What reads drawn pictures; the name of each file begins with the SHA-256 of the real ones and a dot."""
    return cache_dir() / "judges"


def make_private(path: Path) -> Path:
    """Make a directory and its missing parents, each with mode 0700; what is there already stays as it is."""
    try:
        missing = [path, *path.parents]
        while missing and missing[-1].exists():
            missing.pop()
        for directory in reversed(missing):
            with suppress(FileExistsError):
                os.mkdir(directory, 0o700)
        if not path.is_dir():
            raise NotADirectoryError(0, "a file is in the way")
    except OSError as error:
        advice = "Set SEQPLAY_HOME to a directory that can be written."
        raise WriteError(f"Cannot make the directory {path}: {error.strerror}. {advice}") from error
    return path
