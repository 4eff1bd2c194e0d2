"""Whether a run is whole, file by file, and what its damage means: what `seqplay doctor RUN` says.

Nothing is written, and nothing is loaded that a run names. A finding is bad where the run cannot do what its state
promises: go on, or write once it is finished. A run that is being written at this moment raises no alarm: what is true
for good is read first, and the checkpoints before the log, which is never behind them.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from seqplay import files, paths, plugins
from seqplay.errors import MissingError, RunError, SeqplayError
from seqplay.plugin_choice import flag_of
from seqplay.recipe import Plan, Recipe
from seqplay.runs import commit, layout, process, summary
from seqplay.runs.check_checkpoints import Checkpoints, about_checkpoints, read_checkpoints
from seqplay.runs.check_logs import about_figures, about_log, about_requests
from seqplay.runs.contents import KEPT_IN_STEP, contents, kept_files
from seqplay.runs.findings import Finding
from seqplay.runs.layout import RunFiles
from seqplay.runs.network import planned
from seqplay.runs.reader import last_row
from seqplay.runs.rows import Row
from seqplay.runs.writable import check_writable

SHA256 = re.compile("[0-9a-f]{64}")
NETWORKS = ("cell ", "model ")  # how the subject of a finding about a plugin begins


@dataclass(frozen=True)
class Checked:
    """All that was found of a run, and in one line what can be done with it. `step` is where `resume` would go on."""

    findings: tuple[Finding, ...]
    verdict: str
    step: int | None

    @property
    def is_good(self) -> bool:
        return all(finding.level != "bad" for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 of a good run, 69 where nothing is bad but that its plugin is not installed, else 65."""
        bad = [finding for finding in self.findings if finding.level == "bad"]
        if not bad:
            return 0
        return (MissingError if all(finding.subject.startswith(NETWORKS) for finding in bad) else RunError).exit_code


def check(run: RunFiles) -> Checked:
    """Look at every file of a run, at the text that it learns, and at what has to be installed for it."""
    is_busy = summary.is_busy(run)
    done, has_begun = last_row(run.log, ("done",)), last_row(run.log, ("step",)) is not None
    checkpoints = read_checkpoints(run.checkpoints)
    plan, of_plan = _plan(run, checkpoints)
    recipe, of_recipe = _recipe(run, plan is not None)
    known = plan or recipe
    of_network = [*_codec(run, plan), *_cell(known, done)]
    findings = [of_recipe, of_plan, *of_network, *_text(run, known, done)]
    findings += about_checkpoints(checkpoints, done, has_begun)
    findings += about_log(run, plan, checkpoints.newest, is_busy)
    findings += [*about_figures(run, is_busy), *about_requests(run, is_busy), *_process(run), *_others(run)]
    if not done and all(finding.level != "bad" for finding in findings):
        findings += _writable(run)
    findings = [replace(f, message=f.message.replace(f"{run.path}{os.sep}", "")) for f in findings]
    can_write = plan is not None and checkpoints.best is not None and all(f.level != "bad" for f in of_network)
    loaded = _called(run) + (flag_of(plan.network) if plan else "")
    return _concluded(run, loaded, findings, None if done else checkpoints.newest, can_write)


def _plan(run: RunFiles, checkpoints: Checkpoints) -> tuple[Plan | None, Finding]:
    name = run.plan.name
    if not os.path.lexists(run.plan):
        if checkpoints.whole or checkpoints.damaged:
            return None, Finding("bad", name, "is missing, and without it nothing can read the checkpoints")
        return None, Finding("ok", name, "is not there yet: the training begins with it")
    try:
        plan = layout.read_plan(run)
    except RunError as problem:
        return None, Finding("bad", name, str(problem))
    network = plan.model or f"{plan.cell} {plan.layers}x{plan.hidden}"
    size = f"{network}, {plan.parameters:,} parameters, {plan.steps:,} steps"
    return plan, Finding("ok", name, size)


def _recipe(run: RunFiles, has_plan: bool) -> tuple[Recipe | None, Finding]:
    name = run.recipe.name
    try:
        return layout.read_recipe(run.recipe), Finding("ok", name, "can be read")
    except RunError as problem:
        if not has_plan or run.recipe.is_symlink():
            return None, Finding("bad", name, str(problem))
        return None, Finding("warn", name, f"{problem} Nothing but the list of runs needs it now that there is a plan.")


def _codec(run: RunFiles, plan: Plan | None) -> Iterator[Finding]:
    """Whether the codec's files are those that the plan was made with."""
    if plan is None:
        return
    for name in plan.codec:
        try:
            if run.path / name not in kept_files(run):
                raise RunError("seqplay writes no file of this name: the plan was changed.")
            layout.read_codec(run, plan, name)
            yield Finding("ok", name, "is the file that the run was planned with")
        except RunError as problem:
            yield Finding("bad", name, str(problem))


def _cell(known: Plan | Recipe | None, done: Row | None) -> Iterator[Finding]:
    """Whether the cell or model is installed, by metadata alone."""
    if known is None:
        return
    kind, name = ("model", known.model) if known.model else ("cell", known.cell)
    subject = f"{kind} {name}"
    try:
        plugin = planned(known)[1] if isinstance(known, Plan) else plugins.find(name, kind)
    except MissingError as missing:
        yield Finding("bad", subject, str(missing))
        return
    yield Finding("ok", subject, f"is installed, from {plugin.origin}")
    if done or not isinstance(known, Plan):
        return
    for name, then, here in (
        (plugin.distribution, known.version, plugin.version),
        ("torch", known.torch, _version_of("torch")),
    ):
        if here and here != then:
            yield Finding("warn", name, f"planned with {then}, goes on with {here}: losses may differ slightly")


def _version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _text(run: RunFiles, known: Plan | Recipe | None, done: Row | None) -> Iterator[Finding]:
    """Whether the cache still holds the text, or the pictures, that the run learns."""
    if known is None:
        return
    what = "pictures" if known.model else "text"
    path = (paths.pictures_dir() if known.model else paths.texts_dir()) / known.data
    if SHA256.fullmatch(known.data) and _sha256(path) == known.data:
        yield Finding("ok", f"{what} {known.source}", "is in the cache, with its SHA-256")
        return
    lost = "the run cannot be scored on it again" if done else "the run cannot go on"
    back = f"give it back, unchanged: seqplay resume {_called(run)} --text {'SOURCE' if known.model else 'FILE'}"
    said = f"is not in the cache, and {lost}; {back}"
    yield Finding("warn" if done else "bad", f"{what} {known.source}", said)


def _sha256(path: Path) -> str | None:
    """Of a file that may be larger than the memory; None where it cannot be read."""
    try:
        with files.open_ordinary(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (RunError, OSError):
        return None


def _process(run: RunFiles) -> Iterator[Finding]:
    """Who writes the run, or did so when it was killed."""
    name = run.process.name
    if not files.is_ordinary(run.process):
        return
    note = process.read_note(run)
    if note is None:
        yield Finding("warn", name, "is damaged and names nobody; `resume` writes it anew")
        return
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(note.since))
    who, alive = f"process {note.pid} on {note.host}, since {since}", process.is_alive(note)
    if alive:
        yield Finding("ok", name, who)
    elif alive is None:
        yield Finding("warn", name, f"{who}: whether it lives cannot be known from here")
    else:
        yield Finding("warn", name, f"{who}, was killed: the steps after the newest checkpoint are made again")


def _others(run: RunFiles) -> Iterator[Finding]:
    """What seqplay did not make, and what stands in the place of a file that it would make."""
    read_elsewhere = {run.recipe, run.plan, run.tokenizer, run.pixels, run.log, run.figures, run.control}
    for path in contents(run).foreign:
        subject = str(path.relative_to(run.path))
        is_step = path.parent == run.checkpoints and commit.COMMITTED.fullmatch(path.name)
        if path in (run.checkpoints, *kept_files(run)) or is_step:
            odd = "is a symlink, which is never followed" if path.is_symlink() else "is of the wrong kind"
            if path not in read_elsewhere:
                yield Finding("bad", subject, f"{odd}: put the real one in its place")
        elif path.name not in KEPT_IN_STEP:
            yield Finding("ok", subject, "is not seqplay's, and is left alone")


def _writable(run: RunFiles) -> Iterator[Finding]:
    """Whether a trainer would go on with what is there."""
    try:
        check_writable(run)
    except SeqplayError as problem:
        yield Finding("bad", run.name, str(problem))


def _concluded(run: RunFiles, called: str, findings: list[Finding], step: int | None, can_write: bool) -> Checked:
    """`called` is what a command that loads the run takes, `step` is where one that is not finished would go on."""
    name = run.name
    bad = list(dict.fromkeys(finding.subject for finding in findings if finding.level == "bad"))
    note = process.read_note(run) if summary.is_busy(run) else None
    good = "" if any(finding.level == "warn" for finding in findings) else "All good: "
    if note and bad:
        verdict = f"{name} is being trained, and could not go on from here, for {', '.join(bad)}."
    elif note:
        does = "is paused" if summary.summarise(run).state == "paused" else "is training now"
        verdict = f"{good}{name} {does}, in process {note.pid} on {note.host}."
    elif bad:
        only_lacks = all(subject.startswith(NETWORKS) for subject in bad)
        of_finished = "cannot be used without" if only_lacks else "damaged:"
        does = f"is finished, and {of_finished}" if step is None else "cannot go on, for"
        verdict = f"{name} {does} {', '.join(bad)}." + (f" It writes: seqplay sample {called}" if can_write else "")
    elif step is None:
        verdict = f"{good}{name} is finished. Write with it: seqplay sample {called}"
    else:
        verdict = f"{good}`seqplay resume {called}` goes on from step {step:,}."
    return Checked(tuple(findings), verdict, None if bad or note else step)


def _called(run: RunFiles) -> str:
    """What reaches the run on a command line."""
    return shlex.quote(run.name if run.path.parent == paths.runs_dir() else str(run.path))
