"""`seqplay doctor` tells what is not well and what to do, imports neither torch nor a plugin, and changes nothing."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from seqplay.cli import installation
from seqplay.runs.check import check
from seqplay.runs.layout import RunFiles
from seqplay.runs.lock import WriterLock
from seqplay.runs.reader import last_row
from seqplay.runs.sizes import as_bytes, size_on_disk

from .conftest import SMALL, Trained, as_if_killed, begun, on_pty, rows_in, seqplay, until
from .test_start_up import loaded
from .test_terminal_safety import COLOUR


def files_in(home: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in home.rglob("*") if path.is_file()}


# -- of a run


def test_a_trained_run_is_all_good_and_is_not_touched(trained: Trained) -> None:
    before = files_in(trained.home)
    result = seqplay(trained.home, "doctor", "harbour")
    assert (result.code, result.err) == (0, b"")
    *findings, empty, verdict = result.out.decode().splitlines()
    assert {line.split()[0] for line in findings} == {"ok"}
    assert (empty, verdict) == ("", "All good: harbour is finished. Write with it: seqplay sample harbour")
    assert files_in(trained.home) == before


def test_a_killed_run_goes_on_from_where_it_says(copied: Trained) -> None:
    as_if_killed(copied.run)
    with copied.run.log.open("ab") as log:
        log.write(b'{"kind":"step","st')
    result = seqplay(copied.home, "doctor", "harbour", "--json")
    assert result.code == 0
    *findings, verdict = result.rows
    assert {row["kind"] for row in findings} == {"finding"}
    assert all(row.keys() == {"kind", "run", "level", "subject", "message"} for row in findings)
    assert [row["subject"] for row in findings if row["level"] != "ok"] == ["log.jsonl"]
    assert verdict == {
        "kind": "verdict",
        "run": str(copied.run.path),
        "good": True,
        "step": 0,
        "message": "`seqplay resume harbour` goes on from step 0.",
    }
    assert seqplay(copied.home, "resume", "harbour").code == 0
    assert f"goes on from step {verdict['step']}" in {
        row["message"] for row in rows_in(copied.run.log) if row["kind"] == "note"
    }
    assert seqplay(copied.home, "doctor", "harbour").out.decode().splitlines()[-1].startswith("All good: ")


def test_a_damaged_run_is_65_with_every_finding(copied: Trained) -> None:
    as_if_killed(copied.run)
    copied.run.tokenizer.write_bytes(b"{}")
    shutil.rmtree(copied.home / "cache")
    result = seqplay(copied.home, "doctor", "harbour")
    assert (result.code, result.err) == (65, b"")
    shown = result.out.decode()
    assert "bad   tokenizer.json    tokenizer.json is damaged: it is not the file that the run was planned" in shown
    assert "bad   text harbour.txt  is not in the cache, and the run cannot go on" in shown
    assert shown.splitlines()[-1] == "harbour cannot go on, for tokenizer.json, text harbour.txt."


def test_a_missing_plugin_alone_is_69(copied: Trained) -> None:
    plan = json.loads(copied.run.plan.read_bytes()) | {"cell": "loud", "distribution": "loud", "version": "1.0"}
    copied.run.plan.write_text(json.dumps(plan))
    start, *rest = copied.run.log.read_text().splitlines(True)
    copied.run.log.write_text(start.replace('"lstm"', '"loud"') + "".join(rest))
    result = seqplay(copied.home, "doctor", "harbour")
    assert "bad   cell loud" in result.out.decode()
    assert result.out.decode().endswith("\nharbour is finished, and cannot be used without cell loud.\n")
    assert result.code == 69
    copied.run.tokenizer.write_bytes(b"{}")
    assert seqplay(copied.home, "doctor", "harbour").code == 65


def test_the_text_comes_back_as_the_message_says(copied: Trained, text: Path) -> None:
    as_if_killed(copied.run)
    shutil.rmtree(copied.home / "cache")
    assert "seqplay resume harbour --text FILE" in seqplay(copied.home, "doctor", "harbour").out.decode()
    assert seqplay(copied.home, "eval", "harbour", "--on", text).code == 0
    assert seqplay(copied.home, "doctor", "harbour").code == 0


def test_a_run_in_training_raises_no_alarm(home: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It commits after every step here, so that checkpoints come and go while they are read."""
    monkeypatch.setenv("SEQPLAY_HOME", str(home))
    run = RunFiles(home / "runs" / "long")
    often = ("--set", "evaluate_every=1", "--steps", "1000000", "--name", "long")
    trainer = begun(home, "train", text, *SMALL, *often)
    until(lambda: last_row(run.log, ("step",)), "the first step")
    stepped, looks = 0, 0
    while looks < 20 or stepped < 5:
        before = last_row(run.log, ("step",))
        checked = check(run)
        assert [finding for finding in checked.findings if finding.level != "ok"] == []
        assert checked.verdict.startswith("All good: long is training now, in process ")
        stepped, looks = stepped + (last_row(run.log, ("step",)) != before), looks + 1
    assert seqplay(home, "doctor", "long").code == 0
    assert seqplay(home, "stop", "long").code == 0
    trainer.ended()
    assert seqplay(home, "doctor", "long").out.decode().splitlines()[-1].startswith("All good: `seqplay resume long`")


def test_long_messages_go_on_below_themselves_on_a_narrow_terminal(copied: Trained) -> None:
    copied.run.tokenizer.write_bytes(b"{}")
    code, raw = on_pty(copied.home, "doctor", "harbour", env={"COLUMNS": "50", "NO_COLOR": "1"})
    assert code == 65
    lines = raw.decode().splitlines()
    (first,) = (number for number, line in enumerate(lines) if line.startswith("bad   tokenizer.json"))
    assert lines[first + 1].startswith(" " * 22)
    assert all(len(line) <= 50 for line in lines[:-1])


# -- of the installation


def test_the_installation_is_well(trained: Trained) -> None:
    result = seqplay(trained.home, "doctor")
    assert (result.code, result.err) == (0, b"")
    shown = result.out.decode()
    subjects = {line[6:].split()[0] for line in shown.splitlines()[:-2]}
    assert subjects >= {
        "python",
        "torch",
        "numpy",
        "cores",
        "memory",
        "home",
        "cache",
        "trash",
        "disk",
        "runs",
        "cells",
    }
    assert "1 in " in shown
    assert shown.splitlines()[-1] == "seqplay can work here."


def test_a_home_that_is_not_there_is_not_made(home: Path) -> None:
    result = seqplay(home, "doctor")
    assert result.code == 0
    assert f"{home} can be written, and will be made" in result.out.decode()
    assert not home.exists()
    assert list(home.parent.glob(".*")) == []


@pytest.mark.parametrize("place", ["/dev/null/x", "/proc/x"])
def test_a_home_that_cannot_be_written_is_74(place: str) -> None:
    result = seqplay(Path(place), "doctor", "--json")
    assert result.code == 74
    (home,) = [row for row in result.rows if row.get("subject") == "home"]
    assert home["level"] == "bad"
    assert result.rows[-1]["good"] is False


def test_a_home_that_others_can_look_into_is_a_warning(home: Path) -> None:
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    result = seqplay(home, "doctor")
    assert result.code == 0
    assert f"others can look into it (mode 0755): chmod 700 {home}" in result.out.decode()


def test_broken_runs_are_bad_and_named(copied: Trained) -> None:
    copied.run.recipe.write_bytes(b"")
    result = seqplay(copied.home, "doctor")
    assert result.code == 65
    assert "run harbour" in result.out.decode()
    assert "See what is left of it: seqplay doctor harbour" in result.out.decode()


def test_live_runs_are_counted(copied: Trained) -> None:
    copied.run.log.write_bytes(b"".join(copied.run.log.read_bytes().splitlines(True)[:-1]))
    with WriterLock(copied.run):
        assert "1 in " + str(copied.home / "runs") + ", 1 training" in seqplay(copied.home, "doctor").out.decode()


def test_neither_torch_nor_numpy_nor_a_plugin_is_imported(
    copied: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P8. The run was trained with the plugin's cell, whose module would end whoever imports it."""
    site = tmp_path / "site"
    for name, cell in (("loud", "loud"), ("other", "lstm")):
        folder = site / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[seqplay.cells]\n{cell} = loud_module:cell\n")
    (site / "loud_module.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    plan = json.loads(copied.run.plan.read_bytes()) | {"cell": "loud", "distribution": "loud", "version": "1.0"}
    copied.run.plan.write_text(json.dumps(plan))
    start, *rest = copied.run.log.read_text().splitlines(True)
    copied.run.log.write_text(start.replace('"lstm"', '"loud"') + "".join(rest))
    for argv in (["doctor"], ["doctor", "harbour"]):
        packages, shown = loaded(copied.home, *argv)
        assert not {"torch", "numpy", "tokenizers", "safetensors", "loud_module"} & packages
        assert "from loud 1.0" in shown
    _, shown = loaded(copied.home, "doctor")
    assert "another one is called lstm too, so its name is other:lstm" in shown


def test_the_terminal_is_described(home: Path) -> None:
    code, raw = on_pty(home, "doctor", env={"TMUX": "/tmp/tmux-0/default,1,0", "PYTHONIOENCODING": "latin-1"})
    shown = " ".join(re.sub(COLOUR, "", raw.decode("latin-1")).split())
    assert code == 0
    assert "warn terminal 100 x 30, 256 colours, TERM xterm-256color, inside tmux" in shown
    assert "so charts are drawn in ASCII: export LC_ALL=C.UTF-8" in shown
    assert "no colour" in on_pty(home, "doctor", env={"NO_COLOR": "1"})[1].decode()


@pytest.mark.parametrize(
    ("wanted", "version", "level"),
    [
        (">=2.10,<2.14", "2.13.0+cpu", "ok"),
        ("<2.14,>=2.10", "2.9.1", "bad"),
        (">=2.10,<2.14", "2.14", "warn"),
        (">=2.10,<2.14", "2.14.0rc1", "warn"),
        (">=2.10,<2.14", "2.10", "ok"),
        (">=4", "4.0.0", "ok"),
        (">=3.20.3", "3.20.2", "bad"),
        ("", "1", "ok"),
        (">=1", "?", "bad"),
    ],
)
def test_versions_are_held_against_what_seqplay_asks_for(wanted: str, version: str, level: str) -> None:
    assert installation._about("torch", wanted, version, "pip install it").level == level


MOUNTS = b"""\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:40 / /net rw shared:1 - nfs4 server:/export rw
24 22 0:41 / /net/my\\040disk rw - fuse.sshfs me@server: rw
25 22 0:42 / /over rw - tmpfs tmpfs rw
26 22 0:43 / /over rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/work", "ext4"),
        ("/net", "nfs4"),
        ("/net/runs", "nfs4"),
        ("/network", "ext4"),
        ("/net/my disk/runs", "fuse.sshfs"),
        ("/over/x", "cifs"),
    ],
)
def test_the_file_system_of_a_path_is_that_of_its_nearest_mount(path: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_bytes(MOUNTS)
    assert installation.file_system(Path(path), tmp_path / "mountinfo") == kind
    assert (kind in installation.NETWORKS) is (kind != "ext4")


@pytest.mark.parametrize("content", [None, b"", b"\xff\n", b"22 1 8:1 / /\n"])
def test_where_nobody_tells_the_file_system_it_is_unknown(content: bytes | None, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_bytes(content) if content is not None else None
    assert installation.file_system(tmp_path, mounts) == "unknown"


def test_a_network_is_a_warning(home_of_its_own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "file_system", lambda _: "nfs4")
    (finding, _) = installation._disk(home_of_its_own / "runs")
    assert finding.level == "warn"
    assert "nfs4 is a network" in finding.message


def test_sizes_are_told_as_people_read_them(tmp_path: Path) -> None:
    sizes = (0, 999, 1000, 9_940, 14_600_000, 3_200_000_000, 5 * 10**15)
    assert [as_bytes(size) for size in sizes] == [
        *("0 bytes", "999 bytes", "1.0 kB", "9.9 kB", "15 MB", "3.2 GB", "5,000 TB")
    ]
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(os.urandom(100_000))
    (tmp_path / "elsewhere").write_bytes(os.urandom(900_000))
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    assert 100_000 <= size_on_disk(tmp_path / "folder") < 150_000
    assert size_on_disk(tmp_path / "missing") == 0
