"""Every command in the README runs, in its order, with steps in place of minutes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from forking import FORKS, environment

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
LINES = [line.partition("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
COMMANDS = [line for line in LINES if line.startswith("seqplay ")]


def shortened(command: str) -> list[str]:
    """The command, with a small network and a few steps; a detached run must last until it is stopped."""
    line = command.partition(" | ")[0].replace("tiny-shakespeare", "english")
    steps = "100000000" if "--detach" in line else "3"
    line = re.sub(r"--minutes \S+|--steps \S+", f"--steps {steps}", line)
    words = shlex.split(line)[1:]
    if words[0] == "train":
        words += ["--set", "width=4"] if "digits" in words else ["--hidden", "8"]
        words += [] if "--steps" in words else ["--steps", steps]
    return words


@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith("seqplay ")])
def test_other_commands_are_make_targets_or_installers(line: str) -> None:
    if line.startswith("make "):
        assert re.search(rf"^{line.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    else:
        assert line in ("pipx install .", "uv tool install .")


def test_every_seqplay_command_of_the_readme_works(home_of_its_own: Path, tmp_path: Path) -> None:
    assert len(COMMANDS) > 10
    checkout = tmp_path / "checkout"  # in which a command may write
    checkout.mkdir()
    for name in ("sample_texts", "LICENSE"):
        (checkout / name).symlink_to(ROOT / name)
    for command in COMMANDS:
        done = FORKS.run(shortened(command), environment(home_of_its_own), cwd=checkout)
        assert done.returncode == 0, f"{command}\n{done.stderr.decode()}"
        assert b"Traceback" not in done.stderr


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README
