"""The tutorial for plugins, followed literally: every block runs in its order, with steps in place of minutes."""

from __future__ import annotations

import os
import re
import subprocess
import sysconfig
import venv
from pathlib import Path

TUTORIAL = (Path(__file__).resolve().parents[1] / "plugins" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", TUTORIAL, flags=re.MULTILINE | re.DOTALL)
LARGEST_CELL = 40  # lines
TOOLS = {"seqplay": "seqplay", "pip": "pip", "pytest": "pytest"}


def environment_of_its_own(folder: Path, home: Path) -> dict[str, str]:
    """A fresh environment that sees what is installed here, and installs into itself alone."""
    venv.create(folder, with_pip=False)
    inner = folder / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    outer = sysconfig.get_path("purelib")
    (site / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
    for command, module in TOOLS.items():
        script = folder / "bin" / command
        script.write_text(f'#!/bin/sh\nexec "{inner}" -m {module} "$@"\n')
        script.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "SEQPLAY_HOME": str(home),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def shortened(block: str) -> str:
    block = re.sub(r"^pip (install|wheel)", r"pip -q \1 --no-deps --no-build-isolation", block, flags=re.MULTILINE)
    block = re.sub(r"^(seqplay train digits .*)--minutes \S+", r"\1--steps 3", block, flags=re.MULTILINE)
    return re.sub(r"--minutes \S+", "--steps 3 --hidden 8", block)


APP = """
import asyncio
from seqplay.tui.app import Playground
from seqplay.tui.widgets.recipe_box import RecipeBox

async def look():
    app = Playground()
    async with app.run_test(size=(120, 36)) as pilot:
        async with asyncio.timeout(60):
            while not app.options_of("leaky"):  # it has changed since it was loaded, and is asked once more
                await pilot.pause(0.02)
        offered = [name for name, _ in app.screen.query_one(RecipeBox).choices("cell")]
        print("leaky" in offered, [option.name for option in app.options_of("leaky")])

asyncio.run(look())
"""


def in_the_app(environment: dict[str, str]) -> None:
    """The cell is offered by the Train place, with its setting."""
    done = subprocess.run(["python", "-P", "-c", APP], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "True ['memory']\n", done.stderr


def test_it_leads_from_an_empty_folder_to_a_wheel(tmp_path: Path, home_of_its_own: Path) -> None:
    environment = environment_of_its_own(tmp_path / "venv", home_of_its_own)
    work = tmp_path / "work"
    work.mkdir()
    script = "set -eu\n" + "".join(map(shortened, BLOCKS))
    done = subprocess.run(["sh", "-c", script], cwd=work, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.findall(r"^✗ .*", done.stdout, re.MULTILINE) == ["✗ chunks equal the whole"], said
    for name in ("leaky.py:Leaky", "strokes"):
        assert f"{name}: It keeps the contract." in done.stderr
    assert "forgetful.py:Leaky: 1 of its checks failed." in done.stderr
    assert re.search(r"^✓  leaky +cell +seqplay-leaky +0\.1\.0 +A leaky unit\.", done.stdout, re.MULTILINE)
    assert re.search(r"^\d+ passed in", done.stdout, re.MULTILINE)
    in_the_app(environment)
    runs = {run.name for run in (home_of_its_own / "runs").iterdir()}
    assert {"english-Leaky", "english-leaky", "english-lstm", "digits-strokes"} <= runs
    assert [wheel.name for wheel in (work / "cells" / "seqplay-leaky" / "dist").iterdir()] == [
        "seqplay_leaky-0.1.0-py3-none-any.whl"
    ]


def test_the_cells_own_file_is_small() -> None:
    (cell,) = re.findall(r"^cat > seqplay_leaky.py <<'END'\n(.*?)^END$", TUTORIAL, re.MULTILINE | re.DOTALL)
    assert len(cell.splitlines()) <= LARGEST_CELL
