"""A run whose text the cache has lost goes on when the same text is given back, and with no other."""

import shutil
from pathlib import Path

from .conftest import TEXT, Trained, as_if_killed, rows_in, seqplay


def killed_without_its_text(copied: Trained) -> None:
    as_if_killed(copied.run)
    shutil.rmtree(copied.home / "cache")


def test_a_run_without_its_text_says_how_to_give_it_back(copied: Trained) -> None:
    killed_without_its_text(copied)
    before = copied.run.plan.read_bytes()
    result = seqplay(copied.home, "resume", "harbour")
    assert result.code == 65
    assert "seqplay resume RUN --text FILE" in result.lines[-1]
    assert copied.run.plan.read_bytes() == before


def test_a_run_goes_on_with_its_own_text_given_back(copied: Trained, text: Path) -> None:
    losses = [row["train_loss"] for row in rows_in(copied.run.log) if row["kind"] == "step"]
    killed_without_its_text(copied)
    assert seqplay(copied.home, "resume", "harbour", "--text", text).code == 0
    again = rows_in(copied.run.log)
    assert [row["train_loss"] for row in again if row["kind"] == "step"] == losses
    assert again[-1]["kind"] == "done"


def test_a_text_that_changed_by_one_byte_is_refused_and_changes_nothing(copied: Trained, tmp_path: Path) -> None:
    killed_without_its_text(copied)
    changed = tmp_path / "changed.txt"
    changed.write_bytes(TEXT[:-1] + b"!")
    before = copied.run.log.read_bytes()
    result = seqplay(copied.home, "resume", "harbour", "--text", changed)
    assert result.code == 65
    assert len(result.lines) == 1
    assert "changed.txt has the SHA-256" in result.lines[0]
    assert list((copied.home / "cache" / "texts").iterdir()) == []
    assert copied.run.log.read_bytes() == before


def test_a_finished_run_gets_its_text_back_too(copied: Trained, text: Path) -> None:
    shutil.rmtree(copied.home / "cache")
    assert seqplay(copied.home, "eval", "harbour").code == 65
    assert seqplay(copied.home, "resume", "harbour", "--text", text).code == 0
    assert seqplay(copied.home, "eval", "harbour").code == 0
