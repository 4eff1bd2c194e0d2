"""`seqplay completion`: the tab key in bash, zsh and fish.

A shell asks by running seqplay with _SEQPLAY_COMPLETE set. Whatever goes wrong then, nothing but completions is
printed, because it would be printed into the prompt. Names come from disk: a shell's own code quotes them, and one that
holds what a terminal could obey is not offered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count

import click
import rich_click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from seqplay.cli import COMPLETING, output
from seqplay.errors import UsageError
from seqplay.safe_text import safe_line

DESCRIBED = 50  # runs whose state is looked up: the newest
STATES = {
    "pause": ("running", "waiting"),
    "stop": ("running", "waiting", "paused"),
    "resume": ("paused", "stopped", "crashed"),
}
"""The commands that are only for runs in some states."""

# readline quotes the names of files, as they are typed: with backslashes, or inside of the quotes that were opened.
BASH = r"""
_seqplay_completion() {
    local line value quoted
    COMPREPLY=()
    while IFS= read -r line; do
        value=${line#*,}
        case ${line%%,*} in
            plain)
                COMPREPLY+=("$value")
                printf -v quoted %q "$value"
                [[ $quoted == "$value" ]] || compopt -o filenames 2>/dev/null ;;
            path)
                COMPREPLY+=("$value")
                compopt -o filenames 2>/dev/null ;;
            file) compopt -o default 2>/dev/null ;;
            dir) compopt -o dirnames 2>/dev/null ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" _SEQPLAY_COMPLETE=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F _seqplay_completion seqplay 2>/dev/null || complete -F _seqplay_completion seqplay
"""

ZSH = r"""#compdef seqplay
_seqplay_completion() {
    local -a plain described response
    local type key descr
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _SEQPLAY_COMPLETE=zsh_complete \
        $words[1] 2>/dev/null)}")
    for type key descr in ${response}; do
        case $type in
            plain) [[ $descr == _ ]] && plain+=("$key") || described+=("$key:$descr") ;;
            file) _path_files -f ;;
            dir) _path_files -/ ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _seqplay_completion "$@"
else
    compdef _seqplay_completion seqplay
fi
"""

FISH = r"""function _seqplay_completion
    set -l response (env _SEQPLAY_COMPLETE=fish_complete COMP_WORDS=(commandline -cp | string collect) \
        COMP_CWORD=(commandline -ct) seqplay 2>/dev/null)
    for line in $response
        set -l item (string split -m 1 , -- $line)
        switch $item[1]
            case plain
                printf '%s\n' $item[2]
            case file
                __fish_complete_path $item[2]
            case dir
                __fish_complete_directories $item[2]
        end
    end
end
complete --no-files --keep-order --command seqplay --arguments '(_seqplay_completion)'
"""


@click.command(cls=rich_click.RichCommand)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]), required=False)
def command(shell: str | None) -> None:
    """Print the script that lets SHELL (bash, zsh or fish) complete commands, options, runs, cells and texts with the
    tab key.

    \b
    bash: add to ~/.bashrc   eval "$(seqplay completion bash)"
    zsh:  add to ~/.zshrc    eval "$(seqplay completion zsh)"     (after compinit)
    fish: run once
      seqplay completion fish > ~/.config/fish/completions/seqplay.fish
    """
    if shell is None:
        raise UsageError("Name a shell: seqplay completion bash, zsh or fish. How to use it: seqplay completion --help")
    output.write(SHELLS[shell].source_template.lstrip())


def answer(seqplay: click.Command) -> None:
    """Print what a shell asked for, and nothing else."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with suppress(BaseException):
        shell, _, wanted = os.environ[COMPLETING].partition("_")
        asked = SHELLS[shell](seqplay, {}, "seqplay", COMPLETING)
        text = asked.complete() if wanted == "complete" else asked.source_template.lstrip()
        sys.stdout.buffer.write(text.encode() + b"\n")
        sys.stdout.flush()


class Bash(BashComplete):
    """Asks with the line up to the cursor: words that are split at : and = could not be put together again."""

    source_template = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE")
        if line is None:
            return super().get_completion_args()
        *words, last = click.shell_completion.split_arg_string(line + "x")  # the x tells a begun word from none
        return words[1:], last[:-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        items = super().get_completions(args, incomplete)
        named = [item for item in items if item.type == "plain"]
        if named and len(named) < len(items):  # bash lists files itself only where there is nothing else
            return named + [
                CompletionItem(name, type="path") for name in sorted(os.listdir()) if _fits(name, incomplete)
            ]
        before = incomplete.rpartition(":")[0]
        for item in named:
            item.value = item.value.removeprefix(f"{before}:")  # a word begins after : for bash
        return items


class _WithOption(ShellComplete):
    """Completes --option=value as the one word that it is."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        items = super().get_completions(args, incomplete)
        option, equals, _ = incomplete.partition("=")
        for item in items if equals and option.startswith("--") else ():
            item.value = f"{option}={item.value}"
        return items


class Zsh(_WithOption, ZshComplete):
    source_template = ZSH


class Fish(_WithOption, FishComplete):
    source_template = FISH


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


# -- what is offered: each imports what it reads, as a prompt waits meanwhile

Offer = Callable[[click.Context, str], Iterator[CompletionItem]]


class Offered(click.ParamType):  # type: ignore[type-arg]  # it has none in older clicks
    """A parameter's type while a shell asks what could stand there."""

    name = "offered"

    def __init__(self, offer: Offer) -> None:
        self.offer = offer

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        return list(self.offer(ctx, incomplete))


def runs(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """Runs that the command is for, newest first; folders for what looks like a path."""
    from seqplay.runs import shelf

    states, number = STATES.get(ctx.info_name or ""), count()
    for run in shelf.all_runs():
        if not _fits(run.name, incomplete):
            continue
        if next(number) < DESCRIBED or states:
            summary = shelf.summarise(run)
            score = "" if summary.held_out_loss is None else f", held out {summary.held_out_loss:.3f}"
            if not states or summary.state in states:
                yield CompletionItem(run.name, help=f"{summary.state}{score}")
        else:
            yield CompletionItem(run.name)
    if incomplete.startswith((".", "~")) or os.sep in incomplete:
        yield CompletionItem(incomplete, type="dir")


def networks(kind: str, ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    """Names to train with, and files; a command that loads a run's network takes files alone."""
    from seqplay import plugins

    for name, plugin in sorted(plugins.installed(kind).items()) if ctx.info_name == "train" else ():
        if _fits(name, incomplete):
            yield CompletionItem(name, help=safe_line(plugin.origin))
    if ctx.info_name != "train" or incomplete.startswith((".", "~")) or os.sep in incomplete:
        yield CompletionItem(incomplete, type="file")


def sources(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:
    from seqplay.data.built_in import BUILT_IN

    for name, what in BUILT_IN.items():
        if _fits(name, incomplete):
            yield CompletionItem(name, help=what)
    yield from corpora(ctx, incomplete)
    yield CompletionItem(incomplete, type="file")


def corpora(ctx: click.Context, incomplete: str) -> Iterator[CompletionItem]:  # noqa: ARG001
    from seqplay.data.corpora import TABLE

    for name, corpus in TABLE.items():
        if _fits(name, incomplete):
            yield CompletionItem(name, help=corpus.what)


OFFERS: dict[str, Offer] = {
    "run": runs,
    "runs": runs,
    "--from": runs,
    "--cell": partial(networks, "cell"),
    "--model": partial(networks, "model"),
    "source": sources,
    "--text": sources,
    "corpus": corpora,
}
"""By a parameter's name or flag, in every command."""


def teach(command: click.Command) -> None:
    """Let the parameters of a command, and of those in it, know what can be offered for them."""
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        teach(inner)
    for param in command.params:
        for word in (param.name or "", *param.opts):
            if word in OFFERS:
                param.type = Offered(OFFERS[word])


def _fits(name: str, incomplete: str) -> bool:
    """Whether a name goes on from what was typed, and can be shown in a prompt as it is."""
    is_other = name.startswith("-") or (name.startswith(".") and not incomplete)  # an option, a hidden file
    return name.startswith(incomplete) and not is_other and "\\" not in name and safe_line(name) == name
