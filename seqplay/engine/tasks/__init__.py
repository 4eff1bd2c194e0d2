"""One file a task; the name that a recipe gives is the key here."""

from __future__ import annotations

from seqplay.data.ids import Say, silently
from seqplay.engine.task import Task
from seqplay.engine.tasks.digits import DigitsTask
from seqplay.engine.tasks.recognise import RecogniseTask
from seqplay.engine.tasks.text import TextTask
from seqplay.errors import RunError, UsageError, no_such
from seqplay.recipe import Plan
from seqplay.runs import layout
from seqplay.runs.layout import RunFiles

TASKS: dict[str, type[Task]] = {task.name: task for task in (TextTask, DigitsTask, RecogniseTask)}


def find(name: str) -> type[Task]:
    """Raises UsageError with the nearest task's name."""
    if name not in TASKS:
        raise UsageError(no_such("task", name, TASKS))
    return TASKS[name]


def reopen(run: RunFiles, say: Say = silently) -> tuple[Task, Plan]:
    """The task and the plan of an existing run. Raises RunError where they cannot be read."""
    plan = layout.read_plan(run)
    if plan.task not in TASKS:
        raise RunError(f"{run.plan}: {no_such('task', plan.task, TASKS)}")
    return find(plan.task).reopen(plan, lambda name: layout.read_codec(run, plan, name), say), plan
