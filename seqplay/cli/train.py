"""`seqplay train`: from a text to a run, with live progress."""

from __future__ import annotations

import dataclasses
import difflib
import time
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Any

import rich_click as click

from seqplay import plugins, tasks
from seqplay.cli import output
from seqplay.cli.flags import flags
from seqplay.cli.follow import Ended, follow, say_how_it_ended
from seqplay.data.built_in import BUILT_IN
from seqplay.descriptions import built_in
from seqplay.errors import UsageError
from seqplay.options import check, options_of
from seqplay.plugin_choice import FILE, use_file
from seqplay.processes import begin, training
from seqplay.recipe import Recipe
from seqplay.runs import layout

FLAGS = (
    "cell model tokens minutes steps size hidden layers embedding dropout batch learning_rate holdout patience seed "
    "device"
).split()
DECLARED = {option.name: option for option in options_of(Recipe)}
OTHERS = ", ".join(name for name in DECLARED if name not in FLAGS)


ABOUT = f"""Learn SOURCE: text files, folders of .txt files, - for standard input, a corpus that was fetched (seqplay
data), or a text that comes along: {", ".join(BUILT_IN)}. Or pictures: digits, which seqplay draws itself, a folder of
MNIST's idx files, or one with a folder of pictures for each label.

Without --minutes or --steps it trains a text for two minutes, or 400 steps on one of a few lines, and pictures for
one (recognise) or three (digits). Sizes are chosen for the text, the time and this machine.
"""


@click.command(cls=click.RichCommand, help=ABOUT)
@click.argument("source", nargs=-1, required=True)
@click.option(
    "--task", type=click.Choice(list(tasks.TASKS)), help="what to learn of it [default: text; of pictures: digits]"
)
@flags(Recipe, FLAGS)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help=f"any other setting ({OTHERS}), or the cell's own"
)
@click.option("--column", metavar="NAME", help="learn this column of a table (.tsv, .csv), a line for each row")
@click.option(
    "--recipe", "recipe_file", type=click.Path(readable=False), help="start from a recipe.json; flags go before it"
)
@click.option("--name", help="the run's name [default: from the text and the cell]")
@click.option("--detach", is_flag=True, help="start it and return; `seqplay runs` shows it")
@click.option("--json", "as_json", is_flag=True, help="print every row of the log as JSON, one a line")
def command(
    source: tuple[str, ...],
    settings: tuple[str, ...],
    column: str | None,
    recipe_file: str | None,
    name: str | None,
    detach: bool,
    as_json: bool,
    task: str | None,
    **given: Any,
) -> None:
    asked = _recipe(given, settings, recipe_file)
    asked = dataclasses.replace(asked, task=task or _task_of(asked))
    column = column or asked.column
    run = begin.make_run(source, asked, column, name, guess=task is None)
    of_text = layout.read_recipe(run.recipe).task == "text"
    if column is None and any(Path(name).suffix in (".tsv", ".csv") for name in source):
        output.say("The table is learned as it is, header and all. To learn one column of it: --column NAME")
    if of_text and (len(source) > 1 or Path(source[0]).is_dir()):
        output.say("The files are learned one after the other; what is held out is the end of the last.")
    if detach:
        trainer = training.start(run)
        while trainer.poll() is None and not run.plan.exists():
            time.sleep(0.02)
        if trainer.poll() is None:
            name = quote(run.name)
            output.say(f"{run.name} is training. See it: seqplay watch {name}   End it: seqplay stop {name}")
            output.write_row({"kind": "start", "run": str(run.path)}) if as_json else output.write(run.name + "\n")
            return
        ended = follow(run, lambda _: trainer, as_json, is_new=True)
    else:
        ended = follow(run, training.start, as_json, is_new=True)
    say_how_it_ended(ended, _meant(asked.settings, ended))
    if ended.never_began and not begin.discard(run):
        output.say(f"What is left of {run.name} is in {run.path}")
    raise SystemExit(ended.code)


def _task_of(asked: Recipe) -> str:
    """The recipe's task; a model that is named tells its own, where it comes with seqplay."""
    known = built_in().get(("model", asked.model or ""))
    return known.task if known and asked.task == "text" else asked.task


def _recipe(given: dict[str, Any], settings: tuple[str, ...], recipe_file: str | None) -> Recipe:
    """The recipe file, then the flags, then --set. Raises UsageError for an unknown key or a value out of bounds."""
    asked = Recipe()
    if recipe_file is not None:
        asked = layout.read_recipe(Path(recipe_file))
    values: dict[str, Any] = {key: check(DECLARED[key], value) for key, value in given.items() if value is not None}
    own = dict(asked.settings)
    for pair in settings:
        key, equals, value = pair.partition("=")
        key = key.strip().replace("-", "_")
        if not equals:
            raise UsageError(f"--set takes KEY=VALUE, not {pair!r}. Keys: {', '.join(DECLARED)}, and the cell's own.")
        if key in DECLARED:
            values[key] = check(DECLARED[key], value)
        else:
            own[key] = value
    for kind in plugins.GROUPS:
        if FILE.fullmatch(values.get(kind, "")):
            values[kind] = use_file(values[kind], kind)
    if {"minutes", "steps"} <= values.keys():
        raise UsageError("Give --minutes or --steps, not both.")
    if {"minutes", "steps"} & values.keys():
        values = {"minutes": None, "steps": None, **values}  # they also replace the recipe's other way to say it
    return dataclasses.replace(asked, **values, settings=own)


def _meant(settings: Iterable[str], ended: Ended) -> str:
    """Which of the recipe's own names somebody may have meant who gave the cell a setting that it refused."""
    refused = [name for name in settings if ended.never_began and f"'{name}'" in ended.progress.problem["message"]]
    near = [meant for name in refused for meant in difflib.get_close_matches(name, DECLARED, n=1, cutoff=0.7)]
    return f" Did you mean '{near[0]}'?" if near else ""
