"""Every command answers before torch would have been imported, and its help tells all of its options."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from seqplay.cli import COMMANDS, MODULES
from seqplay.cli.train import DECLARED, FLAGS

from .conftest import GUARD, Trained, environment, seqplay

ENDS_WITH_MODULES = """
import sys
from seqplay.cli import main
try:
    main()
finally:
    sys.stdout.flush()
    print("modules:", *sorted(name for name in sys.modules if "." not in name), file=sys.stderr)
"""


def loaded(home: Path, *argv: str) -> tuple[set[str], str]:
    """The packages that a command has imported when it ends well, and what it printed."""
    command = [sys.executable, "-P", "-c", ENDS_WITH_MODULES, *argv]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(home, COLUMNS="100"), timeout=GUARD)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("modules: ")[2].split()), done.stdout


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["--version"]], ids=str)
def test_help_and_version_import_neither_torch_nor_numpy(argv: list[str], home: Path) -> None:
    packages, _ = loaded(home, *argv)
    assert "click" in packages
    assert not {"torch", "numpy", "tokenizers", "safetensors"} & packages


@pytest.mark.parametrize(
    "argv",
    [["runs"], ["show"], ["doctor"], ["doctor", "harbour"], ["sample", "--length", "20", "--prompt", "The "]],
    ids=str,
)
def test_viewing_and_sampling_do_not_import_torch(argv: list[str], trained: Trained) -> None:
    packages, shown = loaded(trained.home, *argv)
    assert shown
    assert "torch" not in packages


def command_of(name: str) -> click.Command:
    from importlib import import_module

    command: click.Command = import_module(f"seqplay.cli.{MODULES.get(name, name)}").command
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_every_option_and_does_not_import_torch(name: str, home: Path) -> None:
    packages, shown = loaded(home, name, "--help")
    assert "torch" not in packages
    for parameter in command_of(name).params:
        for flag in parameter.opts:
            assert flag.upper() in shown.upper()
        assert isinstance(parameter, click.Argument) or parameter.help


@pytest.mark.parametrize("name", FLAGS)
def test_a_training_flags_help_is_its_settings_declaration(name: str) -> None:
    (option,) = [parameter for parameter in command_of("train").params if parameter.name == name]
    assert isinstance(option, click.Option)
    assert option.opts == [f"--{name.replace('_', '-')}"]
    assert option.help is not None
    assert option.help.startswith(DECLARED[name].help)


def test_help_lists_every_command_with_its_sentence(home: Path) -> None:
    shown = seqplay(home, "--help", env={"COLUMNS": "100"}).out.decode()
    for name, sentence in COMMANDS.items():
        assert name in shown
        assert sentence in shown


def test_every_command_module_is_in_the_list() -> None:
    """A command that is not in COMMANDS cannot be reached."""
    import seqplay.cli

    files = {path.stem for path in Path(seqplay.cli.__file__).parent.glob("*.py")}
    commands = {stem for stem in files if not stem.startswith("_") and "\ndef command(" in source_of(stem)}
    assert commands == {MODULES.get(name, name) for name in COMMANDS}


def source_of(stem: str) -> str:
    import seqplay.cli

    return Path(seqplay.cli.__file__).with_name(f"{stem}.py").read_text()
