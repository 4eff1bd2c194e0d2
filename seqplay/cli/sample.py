"""`seqplay sample`: write with a trained model, one token after the other, or draw with one of pictures.

Where the cell has a torch-free step the text begins to flow before torch would have been imported; else a worker
writes. What is no text, a worker makes, as figures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from seqplay import wire
from seqplay.cli import output
from seqplay.cli.answers import ART, show_figures
from seqplay.cli.flags import flags
from seqplay.cli.network_file import network_file
from seqplay.errors import DataError, MissingError, UsageError
from seqplay.options import configure
from seqplay.processes import worker
from seqplay.recipe import Plan
from seqplay.runs import layout, shelf
from seqplay.runs.layout import RunFiles
from seqplay.runs.network import lacking
from seqplay.safe_text import safe_line
from seqplay.steps.writing import Dials

if TYPE_CHECKING:
    from seqplay.data.tokens import Codec, Ids

LONGEST_PROMPT = 1 << 20  # characters
MOST_BYTES = 4 * LONGEST_PROMPT + 3  # a character has at most four, and a byte order mark three
NAMED = 12  # unknown symbols that are named


@click.command(cls=click.RichCommand)
@click.argument("run", required=False)
@click.option("--prompt", help="text to go on from")
@click.option("--prompt-file", type=click.Path(readable=False), help="a file with the text to go on from")
@click.option("--no-prompt", is_flag=True, help="begin from nothing (the default)")
@click.option(
    "--length", type=click.IntRange(min=0), metavar="N", default=400, show_default=True, help="how many tokens to write"
)
@flags(Dials, ("temperature", "top_k", "top_p", "seed"))
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    default=None,
    help="how many texts to write [1], or pictures to draw [16]",
)
@click.option(
    "--unk", type=click.Choice(["skip", "error"]), default="skip", show_default=True, help="symbols that it never saw"
)
@ART
@network_file
@click.option("--raw", is_flag=True, help="do not make control characters visible on a terminal")
@click.option("--json", "as_json", is_flag=True, help="one JSON object for each text")
def command(
    run: str | None, prompt: str | None, prompt_file: str | None, no_prompt: bool, length: int, count: int | None,
    unk: str, art: str, raw: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Write with RUN (the newest, without a name), or draw with one of pictures, from its best checkpoint."""
    from seqplay.data import tokens

    dials = configure(Dials, {name: value for name, value in given.items() if value is not None}, "sampling")
    text = _prompt(prompt, prompt_file, no_prompt)
    found = shelf.find(run)
    plan = layout.read_plan(found)
    if plan.distribution != "seqplay" and (told := lacking(plan)):
        raise MissingError(told)
    if plan.model:
        if text:
            raise UsageError(f"{found.name} draws pictures: there is no text for it to go on from.")
        options = {"count": count, "seed": dials.seed, "temperature": given["temperature"]}
        show_figures(worker.ask(wire.Ask(str(found.path), "sample", options)), as_json, art)
        return
    codec = tokens.from_json(plan.tokens, layout.read_codec(found, plan))
    _name_unknown(codec, text, unk)
    text = codec.decode(ids := codec.known(text))
    write = _writer(found, plan, codec)
    count = count or 1
    for number in range(count):
        seed = None if dials.seed is None else dials.seed + number
        pieces = write(ids, length, replace(dials, seed=seed))
        if as_json:
            written = "".join(pieces)
            output.write_row({"kind": "sample", "run": str(found.path), "prompt": text, "text": written, "seed": seed})
            continue
        if number:
            output.write("\n" if not sys.stdout.isatty() else "\n────────\n")
        output.write_prompt(text)
        output.stream(pieces, raw)
        if sys.stdout.isatty() or number + 1 < count:
            output.write("\n")


def _prompt(prompt: str | None, prompt_file: str | None, no_prompt: bool) -> str:
    if sum((prompt is not None, prompt_file is not None, no_prompt)) > 1:
        raise UsageError("Give one of --prompt, --prompt-file and --no-prompt.")
    if prompt_file is not None:
        try:
            with Path(prompt_file).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
            if len(content) > MOST_BYTES:  # it may have been cut inside a character
                raise UsageError(f"{prompt_file} has too many characters; at most {LONGEST_PROMPT:,} can be read.")
            prompt = content.decode("utf-8-sig")
        except OSError as problem:
            raise DataError(f"The prompt file {prompt_file} cannot be read: {problem.strerror}.") from None
        except UnicodeDecodeError as problem:
            raise DataError(f"The prompt file {prompt_file} is no UTF-8 text: byte {problem.start:,}.") from None
    prompt = prompt or ""
    if any("\ud800" <= symbol <= "\udfff" for symbol in prompt):
        raise UsageError("The prompt holds bytes that are no UTF-8 text.")
    if len(prompt) > LONGEST_PROMPT:
        raise UsageError(f"The prompt has {len(prompt):,} characters; at most {LONGEST_PROMPT:,} can be read.")
    return prompt


def _name_unknown(codec: Codec, prompt: str, unk: str) -> None:
    unknown = codec.unknown(prompt)
    if not unknown:
        return
    named = " ".join(f"'{safe_line(symbol)}'" for symbol in unknown[:NAMED])
    more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
    what = f"{named}{more}: the model never saw {'it' if len(unknown) == 1 else 'them'} in training"
    if unk == "error":
        raise UsageError(f"{what}. Without --unk error such symbols are left out.")
    output.say(f"Left out of the prompt: {what}.")


def _writer(run: RunFiles, plan: Plan, codec: Codec) -> Callable[[Ids, int, Dials], Iterator[str]]:
    """A function (ids of the prompt, length, dials) -> pieces of text."""
    from seqplay.steps.opened import open_step
    from seqplay.steps.writing import write

    stack = open_step(run, plan, codec)
    if stack is None:
        return lambda ids, length, dials: _ask_worker(run, ids, length, dials)

    def pieces(ids: Ids, length: int, dials: Dials) -> Iterator[str]:
        begin = ids if len(ids) else codec.start()
        return codec.pieces(write(stack, begin, length, dials))

    return pieces


def _ask_worker(run: RunFiles, ids: Ids, length: int, dials: Dials) -> Iterator[str]:
    options = {"ids": ids.tolist(), "length": length, **asdict(dials)}
    for row in worker.ask(wire.Ask(str(run.path), "continue", options)):
        if row["kind"] == "token":
            yield row["text"]
