"""What a user installs is what a checkout has."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from seqplay.data import built_in

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("seqplay-*.whl"))


def test_sample_texts_lie_beside_the_package_in_a_checkout() -> None:
    assert built_in.sample_texts() == ROOT / "sample_texts"
    assert built_in.built_in_text("english") == (ROOT / "sample_texts" / "english.txt").read_bytes()


def test_sample_texts_lie_inside_the_package_of_a_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        content.extractall(tmp_path)
    code = (
        "from seqplay.data.built_in import *; print(sample_texts()); built_in_text('korean'); built_in_text('english')"
    )
    # -S and the wheel alone on the path: the checkout, which is installed too, must not answer in its place.
    site = [p for p in sys.path if p.endswith("site-packages")]
    program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; sys.path += {site!r}; {code}"
    out = subprocess.run(
        [sys.executable, "-S", "-P", "-c", program], check=True, capture_output=True, text=True, cwd="/"
    )
    assert out.stdout.strip() == str(tmp_path / "seqplay" / "sample_texts")


def test_wheel_holds_every_file_and_both_entry_point_groups(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
        entry_points = next(n for n in names if n.endswith("entry_points.txt"))
        text = content.read(entry_points).decode()
    files = (path for path in (ROOT / "seqplay").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {str(path.relative_to(ROOT)) for path in files} <= names
    assert "[console_scripts]\nseqplay = seqplay.__main__:main" in text
    assert "lstm = seqplay.engine.cells.lstm:lstm" in text
