"""The command line: one file a command, loaded when it is named, so that `--help` stays instant.

A command is a module here with a click command called `command`, and a line in COMMANDS.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import rich_click
from click.shell_completion import CompletionItem

from seqplay import __version__, files
from seqplay.cli import output
from seqplay.data.built_in import BUILT_IN
from seqplay.errors import SeqplayError, no_such

COMMANDS = {
    "train": "Learn a text or pictures, with live progress.",
    "sample": "Write, or draw, with a trained model.",
    "eval": "Score a model on what it has never seen.",
    "ask": "Ask a model whatever its task can answer.",
    "runs": "List your runs, newest first.",
    "show": "Draw a run's loss and list its layers.",
    "watch": "See a run train, live, from any terminal.",
    "resume": "Go on with a stopped, paused or killed run.",
    "pause": "Let a training run wait; resume goes on.",
    "stop": "End a training run; nothing is lost.",
    "rm": "Move runs to the trash.",
    "plugins": "See, make and check cells and models of your own.",
    "doctor": "Check the installation, or every file of a run.",
    "data": "Fetch well-known corpora.",
    "completion": "Let the tab key complete commands and runs.",
}
COMPLETING = "_SEQPLAY_COMPLETE"  # set by a shell that wants completions
MODULES = {"eval": "evaluate"}  # where a command's name would hide Python's own


class Commands(rich_click.RichGroup):
    """The group of all commands: lists them from COMMANDS, and imports only the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS and ctx.resilient_parsing:
            return None
        if name not in COMMANDS:
            raise click.UsageError(no_such("command", name, COMMANDS, listed="Commands"))
        if not ctx.resilient_parsing and _only_listing(ctx):
            return rich_click.RichCommand(name=name, short_help=COMMANDS[name])
        command: click.Command = import_module(f"seqplay.cli.{MODULES.get(name, name)}").command
        if ctx.resilient_parsing:
            import_module("seqplay.cli.completion").teach(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names from COMMANDS: to complete one imports none."""
        named = [CompletionItem(name, help=what) for name, what in COMMANDS.items() if name.startswith(incomplete)]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """A reader of `--help` that has enough ends it with 0, as it ends every command."""
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; where whoever reads its output has enough, it ends quietly. Left to click it would end with
        exit code 1.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None


def _only_listing(ctx: click.Context) -> bool:
    """Whether the group's own help is being shown, which needs no command's code."""
    return not any(word in COMMANDS for word in sys.argv[1:]) and ctx.invoked_subcommand is None


ABOUT = f"""Try neural sequence models on your own text, in the terminal. Without a command the playground opens.

Begin with a text of yours, or with one that comes along ({", ".join(BUILT_IN)}):

\b
  seqplay train english --minutes 1
  seqplay sample --prompt "The harbour"
  seqplay show
"""


@click.group(
    cls=Commands, help=ABOUT, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, message="seqplay %(version)s")
@click.option("--no-plugins", is_flag=True, help="use only the cells and models that come with seqplay")
def seqplay(no_plugins: bool) -> None:
    if no_plugins:
        import_module("seqplay.plugin_choice").use_none()


def main() -> None:
    """Run a command; every error that is expected is one line on stderr and an exit code."""
    code = 0
    _open_what_is_closed()
    if COMPLETING in os.environ:
        import_module("seqplay.cli.completion").answer(seqplay)
        return
    try:
        seqplay(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as problem:
        output.complain(problem.format_message())
        code = 2
    except SeqplayError as problem:
        output.complain(str(problem))
        code = problem.exit_code
    except BrokenPipeError:  # of what was still in the buffer
        code = 0
    except KeyboardInterrupt:
        code = 130
    except Exception as problem:
        if isinstance(problem, OSError) and problem.filename is None and problem.errno in files.ADVICE:
            full = files.cannot_write(Path("the output"), problem)  # of a stream: errors of files name them
            output.complain(str(full))
            code = full.exit_code
        elif os.environ.get("SEQPLAY_DEBUG"):
            raise
        else:
            what = f"{type(problem).__name__}: {problem}"
            output.complain(f"This is a mistake in seqplay, not yours: {what} (SEQPLAY_DEBUG=1 tells more)")
            code = 1
    output.let_go_of_closed_streams()
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Whoever starts a command with `<&-` or `>&-` wants no input or no output, and no file of ours in its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
