"""What seqplay finds where it is installed: packages, machine, folders, plugins, runs and the terminal, one finding
each. Everything is read from metadata and the system: no package and no plugin is imported to look at it.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from seqplay import __version__, files, paths, plugin_choice, plugins
from seqplay.cli import output
from seqplay.errors import RunError
from seqplay.runs import shelf
from seqplay.runs.findings import Finding, Level
from seqplay.runs.sizes import as_bytes, size_on_disk

LITTLE_BYTES = 10**9  # of memory or disk; less than this is soon used up
MOST_NAMED = 8
NETWORKS = set(
    "9p afs ceph cifs davfs fuse.ceph fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs glusterfs gpfs lustre nfs nfs4 "
    "smb2 smb3 smbfs".split()
)
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*([^;]*)(;.*)?")
MULTIPLEXERS = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij"}


def findings() -> Iterator[Finding]:
    """All of them, in an order to read them in."""
    yield from _packages()
    yield from _machine()
    yield from _folders()
    yield from _plugins()
    yield from _runs()
    yield from _terminal()


def can_write_home() -> bool:
    return not _problem_of_writing(paths.home())


def _packages() -> Iterator[Finding]:
    yield Finding("ok", "seqplay", f"{__version__}, in {Path(__file__).parents[1]}")
    try:
        needed = metadata.requires("seqplay") or []
        python = metadata.metadata("seqplay")["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        how = "Install it: pip install -e ."
        yield Finding("bad", "seqplay", f"is not installed here, so that no cell of it can be found. {how}")
        return
    yield _about("python", python, platform.python_version(), "Install seqplay with a newer Python")
    for requirement in sorted(needed):
        parsed = REQUIREMENT.fullmatch(requirement)
        if parsed is None or parsed[3]:  # one with a marker is for an extra, or for another system
            continue
        name, wanted = parsed[1], parsed[2].strip()
        how = f"pip install {shlex.quote(name + wanted)}"
        try:
            yield _about(name, wanted, metadata.version(name), how)
        except metadata.PackageNotFoundError:
            yield Finding("bad", name, f"is not installed: {how}")


def _about(name: str, wanted: str, version: str, how: str) -> Finding:
    """One package beside the versions that seqplay asks for: too old is bad, too new is only untried."""
    clauses = [re.match(r"\s*(>=|<)\s*([0-9.]+)", clause) for clause in wanted.split(",")]
    bounds = {clause[1]: _numbers(clause[2]) for clause in clauses if clause}
    if bounds.get(">=", []) > _numbers(version):
        return Finding("bad", name, f"{version} is too old, {wanted} is needed: {how}")
    if "<" in bounds and _numbers(version) >= bounds["<"]:
        return Finding("warn", name, f"{version} is newer than seqplay was tried with ({wanted}): {how}")
    return Finding("ok", name, version)


def _numbers(version: str) -> list[int]:
    """2.13.0+cpu as [2, 13]: a release's numbers, without the zeros at its end."""
    release = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(number) for number in release[0].split(".")] if release else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    system = f"{platform.system()} {platform.machine()}"
    yield Finding("ok", "cores", f"{cores} can be used, {system}")
    total, free = _memory()
    if total is None:
        yield Finding("ok", "memory", "unknown")
    elif free is None:
        yield Finding("ok", "memory", as_bytes(total))
    else:
        told = f"{as_bytes(total)}, {as_bytes(free)} free"
        advice = "; leave small what you train: --size s" if free < LITTLE_BYTES else ""
        yield Finding("warn" if advice else "ok", "memory", told + advice)


def _memory() -> tuple[int | None, int | None]:
    """Bytes there are, and bytes that are free; None where nobody tells."""
    try:
        with open("/proc/meminfo") as lines:
            found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return found.get("MemTotal"), found.get("MemAvailable")
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    except (OSError, ValueError):
        return None, None


def _folders() -> Iterator[Finding]:
    home = paths.home()
    problem = _problem_of_writing(home)
    if problem:
        yield Finding("bad", "home", problem)
    else:
        yield Finding("ok", "home", f"{home} can be written" + ("" if home.exists() else ", and will be made"))
    folders = {"home": home, "runs": paths.runs_dir(), "cache": paths.cache_dir(), "trash": shelf.trash_dir()}
    if paths.home() not in paths.cache_dir().parents and (problem := _problem_of_writing(paths.cache_dir())):
        yield Finding("bad", "cache", problem)
    for name in ("cache", "trash"):
        size = size_on_disk(folders[name])
        advice, folder = "Empty it if you want nothing back", folders[name]
        if name == "cache":  # its texts may be nowhere else
            advice, folder = "Tokens can be made again", paths.ids_dir()
        more = f". {advice}: rm -r {shlex.quote(str(folder))}" if size > LITTLE_BYTES else ""
        yield Finding("ok", name, f"{folders[name]}, {as_bytes(size)}{more}")
    for name, folder in folders.items():
        if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
            mode = f"{stat.S_IMODE(folder.stat().st_mode):04o}"
            yield Finding("warn", name, f"others can look into it (mode {mode}): chmod 700 {shlex.quote(str(folder))}")
    yield from _disk(folders["runs"])


def _problem_of_writing(directory: Path) -> str:
    """Why nothing can be written there, "" if it can: a file is made and removed, in the directory or where it would
    be made.
    """
    trial = files.temporary(_nearest(directory) / "doctor")
    try:
        files.write_new(trial, b"seqplay")
    except OSError as error:
        return str(files.cannot_write(directory, error))
    finally:
        files.remove_quietly(trial)
    return ""


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    return next(place for place in (path, *path.parents) if os.path.lexists(place))


def _disk(directory: Path) -> Iterator[Finding]:
    nearest = _nearest(directory)
    try:
        free = shutil.disk_usage(nearest).free
    except OSError as error:
        yield Finding("warn", "disk", f"its free space cannot be told: {error.strerror}")
        return
    kind = file_system(nearest)
    if kind in NETWORKS:
        move = "set SEQPLAY_HOME to a folder on a disk of this machine"
        yield Finding("warn", "disk", f"{kind} is a network: two trainers may write one run at the same time; {move}")
    full = free < LITTLE_BYTES
    what = f"{as_bytes(free)} free, file system {kind}" + ("; make room before you train" if full else "")
    yield Finding("warn" if full else "ok", "disk", what)


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that a path is on, as the kernel calls it; "unknown" where it does not tell."""
    real = Path(os.path.realpath(path))
    found, longest = "unknown", -1
    try:
        for line in mounts.read_bytes().splitlines():
            before, _, after = line.partition(b" - ")
            place = Path(
                os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), before.split()[4]))
            )
            if (place == real or place in real.parents) and len(place.parts) >= longest:  # a later mount covers
                found, longest = after.split()[0].decode("ascii", "replace"), len(place.parts)
    except (OSError, IndexError, ValueError):
        return "unknown"
    return found


def _plugins() -> Iterator[Finding]:
    try:
        plugin_choice.disabled()
    except RunError as problem:
        yield Finding("bad", "plugins", f"none is used, as {problem}")
    for told in plugins.unmatched():
        yield Finding("warn", "plugins", f"{plugin_choice.VARIABLE} names {told}")
    for kind in plugins.GROUPS:
        found = plugins.installed(kind)
        own = [name for name, plugin in found.items() if plugin.built_in]
        if own:
            yield Finding("ok", f"{kind}s", f"{', '.join(own)}, built in")
        elif kind == "cell":
            yield Finding("bad", f"{kind}s", "no built-in one is found. Install seqplay again: pip install -e .")
        for name, plugin in found.items():
            if plugin.built_in:
                continue
            whose = f"from {plugin.origin}"
            clash = f"; another one is called {plugin.name} too, so its name is {name}" if name != plugin.name else ""
            yield Finding("warn" if clash else "ok", f"{kind} {name}", whose + clash)


def _runs() -> Iterator[Finding]:
    told = [shelf.summarise(run) for run in shelf.all_runs()]
    live = [summary for summary in told if summary.state in ("running", "waiting")]
    broken = [summary for summary in told if summary.state == "broken"]
    yield Finding("ok", "runs", f"{len(told):,} in {paths.runs_dir()}, {len(live):,} training")
    for summary in broken[:MOST_NAMED]:
        name = shlex.quote(summary.name)
        yield Finding("bad", f"run {summary.name}", f"is broken. See what is left of it: seqplay doctor {name}")
    if len(broken) > MOST_NAMED:
        yield Finding("bad", "runs", f"{len(broken) - MOST_NAMED:,} more are broken. See them: seqplay runs")


def _terminal() -> Iterator[Finding]:
    if not sys.stdout.isatty():
        yield Finding("ok", "terminal", "none: this goes to a pipe or a file")
        return
    console = output.console()
    colours = {"truecolor": "16 million colours", "256": "256 colours", "standard": "16 colours"}
    system = None if console.no_color else console.color_system
    parts = [f"{console.width} x {console.height}", colours.get(str(system), "no colour")]
    parts.append(f"TERM {os.environ.get('TERM') or 'is not set'}")
    parts += [f"inside {name}" for variable, name in MULTIPLEXERS.items() if os.environ.get(variable)]
    level: Level = "ok"
    if not console.encoding.startswith("utf"):
        level = "warn"
        parts.append(f"its encoding is {console.encoding}, so charts are drawn in ASCII: export LC_ALL=C.UTF-8")
    elif console.is_dumb_terminal:
        level = "warn"
        parts.append("which can do little, so charts are drawn in ASCII and nothing moves")
    yield Finding(level, "terminal", ", ".join(parts))
