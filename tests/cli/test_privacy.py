"""A run can be given away: it tells neither its text nor where that lay, and others on the machine cannot read it
(promise X6).
"""

import stat
from pathlib import Path

import pytest

from .conftest import SMALL, TEXT, Trained, rows_in, seqplay

CANARY = "The lighthouse keeper's password is swordfish-2187."


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run on a text with a secret in it, in a folder with a name of its own."""
    from seqplay.runs.layout import RunFiles

    folder = tmp_path_factory.mktemp("secret-folder")
    (folder / "diary.txt").write_bytes(TEXT + f"\n{CANARY}\n".encode() + TEXT)
    home = folder / "home"
    result = seqplay(home, "train", folder / "diary.txt", "--steps", "1", *SMALL, "--name", "diary")
    assert result.code == 0
    return Trained(home, RunFiles(home / "runs" / "diary"), result)


def files_of(told: Trained) -> list[Path]:
    return [path for path in told.run.path.rglob("*") if path.is_file()]


def test_no_file_of_a_run_holds_a_sentence_of_its_text(told: Trained) -> None:
    assert len(files_of(told)) > 8
    for path in files_of(told):
        assert CANARY.encode() not in path.read_bytes(), path
        assert b"swordfish" not in path.read_bytes(), path


def test_no_file_of_a_run_tells_where_it_or_its_text_lay(told: Trained) -> None:
    for path in files_of(told):
        content = path.read_bytes()
        for place in (b"secret-folder", str(Path.home()).encode() + b"/", str(told.home).encode()):
            assert place not in content, (path, place)
    assert rows_in(told.run.log)[-1]["run"] == "diary"


def test_a_crash_tells_neither(told: Trained, tmp_path: Path) -> None:
    """What a trainer prints when its checkpoint is damaged goes to output.txt and the log."""
    import shutil

    shutil.copytree(told.home, tmp_path / "home")
    run = tmp_path / "home" / "runs" / "diary"
    log = run / "log.jsonl"
    log.write_bytes(b"".join(line for line in log.read_bytes().splitlines(True) if b'"done"' not in line[:20]))
    for weights in run.glob("checkpoints/*/training.safetensors"):
        weights.write_bytes(b"")
    assert seqplay(tmp_path / "home", "resume").code == 65
    for path in run.rglob("*"):
        if path.is_file():
            assert b"swordfish" not in path.read_bytes(), path


def test_others_cannot_read_a_run_or_its_cached_text(told: Trained) -> None:
    for path in [told.home, *told.home.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
