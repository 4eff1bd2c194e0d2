"""The tab key: what shells are told, that it is harmless, and that a prompt never sees an error."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pexpect
import pytest

from seqplay import cli
from seqplay.cli import COMMANDS
from seqplay.cli.completion import OFFERS, SHELLS, STATES
from seqplay.data.built_in import BUILT_IN
from seqplay.plugins import installed
from seqplay.recipe import Recipe, options_of
from seqplay.runs.lock import WriterLock

from .conftest import COMMAND, GUARD, Result, Trained, environment, seqplay

HARMFUL = [  # to a shell that took them as they are
    "my run",
    "it's",
    '"quoted"',
    "$(touch canary)",
    "`touch canary`",
    "a;b",
    "*",
    "a:b",
    "a,b,",
    "~root",
    "한글",
]
HIDDEN = ["esc\x1b[2Jx", "new\nline", "back\\slash", "-rf", "bidi\u202etxt", os.fsdecode(b"\xff\xfe")]


@pytest.fixture(scope="module")
def shelf(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the trained run, and the same under names that a shell or a terminal could obey."""
    home = tmp_path_factory.mktemp("shelf") / "home"
    shutil.copytree(trained.home, home)
    recipe = json.loads(trained.run.recipe.read_text())
    for age, name in enumerate([*HARMFUL, *HIDDEN], start=1):
        run = home / "runs" / name
        run.mkdir()
        (run / "recipe.json").write_text(json.dumps({**recipe, "created": recipe["created"] - age}))
    return home


def told(shell: str, line: str) -> dict[str, str]:
    """What a shell tells of a line when the tab key is hit at its end."""
    words, begun = line.split(" "), line.rpartition(" ")[2]
    return {"COMP_WORDS": line, "COMP_CWORD": begun if shell == "fish" else str(len(words) - 1)}


def asked(home: Path, shell: str, line: str) -> Result:
    """What a shell is answered at the end of a line."""
    return seqplay(home, env={"_SEQPLAY_COMPLETE": f"{shell}_complete", **told(shell, line)})


def offered(home: Path, shell: str, line: str, **more: str) -> list[str]:
    """What is offered at the end of a line: "type,value", and the help, where the shell shows it, after a tab."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SEQPLAY_HOME": str(home), **told(shell, line), **more}.items():
            patch.setenv(name, value)
        answer = SHELLS[shell](cli.seqplay, {}, "seqplay", cli.COMPLETING).complete()
    lines = answer.split("\n")
    if shell != "zsh":
        return [line for line in lines if line]
    entries = zip(*[iter(lines)] * 3, strict=True) if any(lines) else ()
    return [f"{kind},{value}" + (f"\t{what}" if what != "_" else "") for kind, value, what in entries]


def values(items: Sequence[str]) -> list[str]:
    return [item.partition("\t")[0] for item in items]


each_shell = pytest.mark.parametrize("shell", SHELLS)


@each_shell
def test_commands_are_offered_with_their_sentences(shell: str, home: Path) -> None:
    found = offered(home, shell, "seqplay ")
    assert values(found) == [f"plain,{name}" for name in COMMANDS]
    if shell != "bash":
        assert found == [f"plain,{name}\t{sentence}" for name, sentence in COMMANDS.items()]
    assert values(offered(home, shell, "seqplay wat")) == ["plain,watch"]


@each_shell
def test_options_choices_cells_texts_and_files_are_offered(
    shell: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "korea.txt").write_text("")
    choices = {option.name: option.choices for option in options_of(Recipe)}
    assert values(offered(home, shell, "seqplay train --lay")) == ["plain,--layers"]
    assert values(offered(home, shell, "seqplay train --tokens ")) == [f"plain,{name}" for name in choices["tokens"]]
    assert values(offered(home, shell, "seqplay show --x se")) == ["plain,seconds"]
    assert values(offered(home, shell, "seqplay completion ")) == ["plain,bash", "plain,zsh", "plain,fish"]
    assert values(offered(home, shell, "seqplay train --cell ")) == [f"plain,{name}" for name in sorted(installed())]
    assert values(offered(home, shell, "seqplay train --model ")) == [
        f"plain,{name}" for name in sorted(installed("model"))
    ]
    assert values(offered(home, shell, "seqplay train --cell ./o")) == ["file,./o"]
    assert values(offered(home, shell, "seqplay train --model ~/o")) == ["file,~/o"]
    assert values(offered(home, shell, "seqplay sample --cell o")) == ["file,o"]  # which needs a file, and no name
    assert values(offered(home, shell, "seqplay plugins l")) == ["plain,list"]
    assert values(offered(home, shell, "seqplay plugins new mine --kind m")) == ["plain,model"]
    assert values(offered(home, shell, "seqplay train --recipe x")) == ["file,x"]
    assert values(offered(home, shell, "seqplay train ./x")) == ["file,./x"]
    texts = values(offered(home, shell, "seqplay train "))
    assert {f"plain,{name}" for name in BUILT_IN} <= set(texts)
    korean = values(offered(home, shell, "seqplay train kor"))
    assert korean == ["plain,korean", "path,korea.txt" if shell == "bash" else "file,kor"]


@each_shell
def test_a_value_after_an_equals_sign_is_completed_as_the_shell_takes_it(shell: str, home: Path) -> None:
    line = "seqplay train --cell=g"
    if shell == "bash":  # for which a word begins after =
        assert offered(home, shell, line, COMP_LINE=line) == ["plain,gru"]
    else:
        assert values(offered(home, shell, line)) == ["plain,--cell=gru"]


@each_shell
def test_runs_are_offered_newest_first_with_their_state_and_only_if_a_prompt_can_show_them(
    shell: str, shelf: Path
) -> None:
    found = offered(shelf, shell, "seqplay show ")
    names = ["harbour", *HARMFUL]
    if shell == "zsh":
        names = [name.replace(":", "\\:") for name in names]
    assert values(found) == [f"plain,{name}" for name in names]
    if shell != "bash":
        assert re.fullmatch(r"plain,harbour\tfinished, held out \d\.\d{3}", found[0])


@pytest.mark.parametrize("command", ["sample", "eval", "show", "watch", "resume", "pause", "stop"])
def test_every_command_that_takes_a_run_completes_its_name(command: str, shelf: Path) -> None:
    states = STATES.get(command, ("finished",))
    assert ("plain,harbour" in offered(shelf, "bash", f"seqplay {command} har")) is ("finished" in states)


def test_a_run_that_trains_can_be_stopped_and_a_run_that_was_killed_can_go_on(copied: Trained) -> None:
    log = copied.run.log.read_bytes().splitlines(keepends=True)
    copied.run.log.write_bytes(b"".join(log[:-1]))
    for command, when_live in [("stop", True), ("pause", True), ("resume", False)]:
        assert bool(offered(copied.home, "bash", f"seqplay {command} ")) is not when_live
        with WriterLock(copied.run):
            assert bool(offered(copied.home, "bash", f"seqplay {command} ")) is when_live


def test_a_path_in_the_place_of_a_run_is_completed_with_folders(home: Path) -> None:
    assert offered(home, "bash", "seqplay show ../x") == ["dir,../x"]


def test_corpora_are_offered_where_one_can_be_named(home: Path) -> None:
    assert offered(home, "bash", "seqplay data get ti") == ["plain,tiny-shakespeare"]
    assert "plain,tiny-shakespeare" in offered(home, "bash", "seqplay train ti")


def test_every_parameter_of_an_offer_is_there() -> None:
    """A name in OFFERS that no command has would offer nothing; --from comes with the command that takes it."""
    from .test_start_up import command_of

    outer = [command_of(name) for name in COMMANDS]
    inner = [command for group in outer for command in getattr(group, "commands", {}).values()]
    params = [param for command in (*outer, *inner) for param in command.params]
    names = {word for param in params for word in (param.name, *param.opts)}
    assert OFFERS.keys() - names <= {"runs", "--from"}


@each_shell
@pytest.mark.parametrize(
    "line",
    [
        "",
        "seqplay nobody x",
        "seqplay train --bogus x",
        "seqplay 'show",
        "seqplay show \\",
        "seqplay train --cell=",
        "x",
    ],
)
def test_a_prompt_never_sees_an_error(shell: str, line: str, home: Path) -> None:
    done = asked(home, shell, line)
    assert (done.code, done.err) == (0, b"")
    assert b"Traceback" not in done.out


@pytest.mark.parametrize(
    "env",
    [
        {"_SEQPLAY_COMPLETE": "tcsh_complete"},
        {"_SEQPLAY_COMPLETE": ""},
        {"_SEQPLAY_COMPLETE": "bash_complete", "COMP_WORDS": "seqplay", "COMP_CWORD": "x"},
        {"_SEQPLAY_COMPLETE": "fish_complete"},
    ],
    ids=str,
)
def test_what_no_shell_asks_is_answered_with_nothing(env: dict[str, str], home: Path) -> None:
    done = seqplay(home, env=env)
    assert (done.code, done.out, done.err) == (0, b"", b"")


def test_a_home_that_cannot_be_read_offers_no_runs() -> None:
    assert offered(Path("/dev/null/x"), "bash", "seqplay show ") == []


def test_only_the_named_commands_module_is_imported(home: Path) -> None:
    """Neither torch nor, for the names of commands, any command."""
    script = "import atexit, sys; atexit.register(lambda: print(*sys.modules)); from seqplay.cli import main; main()"

    def loaded(line: str) -> set[str]:
        env = environment(home, _SEQPLAY_COMPLETE="bash_complete", COMP_LINE=line)
        done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, env=env)
        return {name for name in done.stdout.split() if name == "torch" or name.startswith("seqplay.cli.")}

    parts = {"seqplay.cli.completion", "seqplay.cli.output"}
    assert loaded("seqplay ") == parts
    assert loaded("seqplay stop ") == {*parts, "seqplay.cli.stop", "seqplay.cli.live"}


# -- the shells themselves


@each_shell
def test_a_script_is_printed_as_it_is_and_the_help_says_where_it_goes(shell: str, home: Path) -> None:
    printed = seqplay(home, "completion", shell)
    assert (printed.code, printed.err) == (0, b"")
    script = printed.out.decode()
    assert f"_SEQPLAY_COMPLETE={shell}_complete" in script
    assert "2>/dev/null" in script
    assert script == SHELLS[shell].source_template.lstrip()
    assert seqplay(home, env={"_SEQPLAY_COMPLETE": f"{shell}_source"}).out.decode() == f"{script}\n"
    shown = " ".join(seqplay(home, "completion", "--help", env={"COLUMNS": "120"}).out.decode().split())
    for words in ['~/.bashrc eval "$(seqplay completion bash)"', "~/.zshrc", "~/.config/fish/completions/seqplay.fish"]:
        assert words in shown


@pytest.mark.parametrize("shell", [name for name in SHELLS if shutil.which(name)])
def test_a_shell_that_is_here_takes_its_script(shell: str) -> None:
    script = SHELLS[shell].source_template
    done = subprocess.run([shell, "-n"], input=script.encode(), capture_output=True, timeout=GUARD)
    assert (done.returncode, done.stderr) == (0, b"")


class Bash:
    """A real bash on a terminal, with a `seqplay` in its PATH."""

    def __init__(self, home: Path, folder: Path) -> None:
        place = folder / "bin"
        place.mkdir()
        (place / "seqplay").write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
        (place / "seqplay").chmod(0o700)
        env = environment(home, PATH=f"{place}:{os.environ['PATH']}", TERM="dumb", HISTFILE="/dev/null")
        argv = ["--norc", "--noprofile"]
        size = (50, 200)
        self.shell = pexpect.spawn("bash", argv, env=env, dimensions=size, encoding="utf-8", timeout=GUARD, cwd=folder)
        self.shell.sendline("PS1='rea''dy> '; bind 'set enable-bracketed-paste off'")
        self.shell.expect("ready> ")
        self.shell.sendline('eval "$(seqplay completion bash)"')
        self.shell.expect("ready> ")

    def completed(self, line: str) -> list[str]:
        """The words that a command would get after the tab key."""
        self.shell.send(f"{line}\t")
        self.shell.send("\x01printf '<%s>' begin \r")  # ^A: before the line
        self.shell.expect("<begin>(.*)ready> ")
        assert self.shell.match
        return re.findall("<([^>]*)>", self.shell.match[1])


@pytest.mark.parametrize("shell", ["bash"] if shutil.which("bash") else [])
def test_bash_completes_every_name_into_one_harmless_word(shell: str, shelf: Path, tmp_path: Path) -> None:
    bash = Bash(shelf, tmp_path)
    (tmp_path / "notes for all.txt").write_text("")
    for line, words in [
        ("sh", ["show"]),
        ("show harb", ["show", "harbour"]),
        ("train --cell=g", ["train", "--cell=gru"]),
        ("train not", ["train", "notes for all.txt"]),
        ("train --recipe not", ["train", "--recipe", "notes for all.txt"]),
        ("show m", ["show", "my run"]),
        ("show 'm", ["show", "my run"]),
        ('show "m', ["show", "my run"]),
        ("show i", ["show", "it's"]),
        ("show '$(", ["show", "$(touch canary)"]),
        ("show '`", ["show", "`touch canary`"]),
        ("show a\\;", ["show", "a;b"]),
        ("show a:", ["show", "a:b"]),
        ('show \\"', ["show", '"quoted"']),
        ("show 한", ["show", "한글"]),
        ("show nobody", ["show", "nobody"]),
        ("show esc", ["show", "esc"]),
    ]:
        assert bash.completed(f"seqplay {line}") == ["seqplay", *words], line
    assert not (tmp_path / "canary").exists()
    bash.shell.close(force=True)
