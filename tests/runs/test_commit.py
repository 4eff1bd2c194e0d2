"""Checkpoints as files: the order that survives a power cut (D5), damage that is found (X3), retention (D19)."""

import hashlib
import json
import os
import random
import re
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqplay import files
from seqplay.errors import RunError, WriteError
from seqplay.runs import commit

FILES = {"weights.safetensors": bytes(range(256)) * 8, "state.json": b"{}", "empty": b""}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def is_damaged(checkpoints: Path, step: int) -> bool:
    try:
        commit.verify(checkpoints, step)
    except RunError as error:
        return str(checkpoints) in str(error)
    return False


def test_what_was_committed_is_read_back(checkpoints: Path) -> None:
    place = commit.commit(checkpoints, 7, {"a": memoryview(b"abcd").cast("H"), "b": b""})
    assert place == checkpoints / "7"
    assert commit.read_file(checkpoints, 7, "a") == b"abcd"
    assert commit.read_file(checkpoints, 7, "b") == b""
    assert commit.load_manifest(checkpoints, 7).files["a"] == commit.Listed(hashlib.sha256(b"abcd").hexdigest(), 4)
    assert json.loads((place / "manifest.json").read_bytes())["format"] == 1


def test_directories_are_0700_and_files_0600(checkpoints: Path) -> None:
    before = os.umask(0)
    try:
        commit.commit(checkpoints, 7, FILES)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (checkpoints, checkpoints / "7")} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (checkpoints / "7").iterdir()} == {0o600}


def test_steps_are_sorted_as_numbers_and_only_the_committed_count(checkpoints: Path) -> None:
    assert commit.steps(checkpoints) == []
    for step in (100, 9, 0):
        commit.commit(checkpoints, step, FILES)
    (checkpoints / "55").mkdir()
    (checkpoints / "latest").mkdir()
    shutil.copytree(checkpoints / "9", checkpoints / "007")
    shutil.copytree(checkpoints / "9", checkpoints / "٣")
    (checkpoints / "10").symlink_to(checkpoints / "9")
    shutil.copytree(checkpoints / "9", checkpoints / f".11.partial-{'a' * 16}")
    (checkpoints / "12").write_text("")
    assert commit.steps(checkpoints) == [0, 9, 100]


def test_files_are_on_the_disk_before_the_rename_and_the_name_after_it(
    checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit.commit(checkpoints, 1, FILES)
    order = recorded(monkeypatch, lambda: commit.commit(checkpoints, 2, FILES))
    assert_durable(order, checkpoints)


def test_the_order_check_bites_a_commit_without_fsync(checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit.commit(checkpoints, 1, FILES)
    for naive in (without_fsync_of_directories, without_fsync_of_files):
        with monkeypatch.context() as patched:
            naive(patched)
            order = recorded(monkeypatch, lambda: commit.commit(checkpoints, 2, FILES))
        with pytest.raises(AssertionError):
            assert_durable(order, checkpoints)
        shutil.rmtree(checkpoints / "2")


def without_fsync_of_directories(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(files, "sync_directory", lambda _: None)


def without_fsync_of_files(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(files, "write_new", lambda path, data: path.write_bytes(data))


def recorded(monkeypatch: pytest.MonkeyPatch, act: object) -> list[tuple[str, str]]:
    order: list[tuple[str, str]] = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor: int) -> None:
        order.append(("fsync", os.readlink(f"/proc/self/fd/{descriptor}")))
        real_fsync(descriptor)

    def rename(source: Path, target: Path) -> None:
        order.append(("rename", f"{source} {target}"))
        real_rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        patched.setattr(os, "rename", rename)
        act()  # type: ignore[operator]
    return order


def assert_durable(order: list[tuple[str, str]], checkpoints: Path) -> None:
    renames = [index for index, (call, _) in enumerate(order) if call == "rename"]
    assert len(renames) == 1
    partial, target = order[renames[0]][1].split(" ")
    assert target == str(checkpoints / "2")
    before = [path for _, path in order[: renames[0]]]
    assert before[-2:] == [f"{partial}/manifest.json", partial]
    assert set(before[:-2]) == {f"{partial}/{name}" for name in FILES}
    assert order[renames[0] + 1 :] == [("fsync", str(checkpoints))]


def test_strace_sees_the_same_order(checkpoints: Path, tmp_path: Path) -> None:
    if sys.platform != "linux" or not shutil.which("strace"):
        pytest.skip("strace is not here")
    commit.commit(checkpoints, 1, FILES)
    program = (
        "import sys; from pathlib import Path; from seqplay.runs import commit\n"
        f"commit.commit(Path(sys.argv[1]), 2, {FILES!r})"
    )
    calls = "trace=fsync,fdatasync,rename,renameat,renameat2"
    command = ["strace", "-f", "-y", "-s", "4096", "-e", calls, "-o", str(tmp_path / "trace")]
    traced = subprocess.run([*command, sys.executable, "-c", program, str(checkpoints)], capture_output=True, text=True)
    if "ptrace" in traced.stderr.lower():
        pytest.skip("strace may not trace here")
    assert traced.returncode == 0, traced.stderr
    order: list[tuple[str, str]] = []
    for line in (tmp_path / "trace").read_text().splitlines():
        if "fsync(" in line:
            order.append(("fsync", re.findall(r"<(/.*?)>", line)[0]))
        elif "rename" in line:
            order.append(("rename", " ".join(re.findall(r'"(.*?)"', line))))
    assert_durable(order, checkpoints)


def test_a_bit_flipped_anywhere_is_found(checkpoints: Path) -> None:
    commit.commit(checkpoints, 3, FILES)
    paths = [path for path in (checkpoints / "3").iterdir() if path.stat().st_size]
    sizes = [path.stat().st_size * 8 for path in paths]
    generator = random.Random(0)
    for _ in range(200):
        path = generator.choices(paths, sizes)[0]
        bit = generator.randrange(path.stat().st_size * 8)
        flip(path, bit)
        assert is_damaged(checkpoints, 3), f"seed 0, {path.name}, bit {bit}"
        flip(path, bit)
    assert not is_damaged(checkpoints, 3)


def test_every_byte_of_the_manifest_counts(checkpoints: Path) -> None:
    commit.commit(checkpoints, 3, {"weights": b"abc"})
    manifest = checkpoints / "3" / "manifest.json"
    for bit in range(0, manifest.stat().st_size * 8, 7):
        flip(manifest, bit)
        assert is_damaged(checkpoints, 3), f"bit {bit}"
        flip(manifest, bit)


def test_a_cut_or_longer_or_missing_file_is_found(checkpoints: Path) -> None:
    commit.commit(checkpoints, 3, FILES)
    path = checkpoints / "3" / "weights.safetensors"
    for data in (b"", FILES[path.name][:-1], FILES[path.name] + b"\0"):
        path.write_bytes(data)
        with pytest.raises(RunError, match=rf"{re.escape(str(path))} is damaged: it has"):
            commit.read_file(checkpoints, 3, path.name)
    path.unlink()
    with pytest.raises(RunError, match="No such file"):
        commit.read_file(checkpoints, 3, path.name)


@pytest.fixture
def little_memory() -> Iterator[None]:
    """64 GB of it, so that 900 GB cannot be had on any machine."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (64 << 30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.usefixtures("little_memory")
def test_of_a_file_that_has_grown_to_900_gb_nothing_is_read(checkpoints: Path) -> None:
    commit.commit(checkpoints, 3, FILES)
    os.truncate(checkpoints / "3" / "weights.safetensors", 900 << 30)
    with pytest.raises(RunError, match="is damaged: it has 966,367,641,600 bytes instead of 2,048"):
        commit.read_file(checkpoints, 3, "weights.safetensors")


@pytest.mark.usefixtures("little_memory")
def test_a_file_that_does_not_fit_in_the_memory_is_a_run_error(checkpoints: Path) -> None:
    commit.commit(checkpoints, 3, FILES)
    os.truncate(checkpoints / "3" / "weights.safetensors", 900 << 30)
    manifest = checkpoints / "3" / "manifest.json"
    row = json.loads(manifest.read_bytes())
    row["files"]["weights.safetensors"]["bytes"] = 900 << 30
    manifest.write_text(json.dumps(row))
    with pytest.raises(RunError, match=r"weights\.safetensors: it does not fit in the memory"):
        commit.verify(checkpoints, 3)


def test_a_symlink_in_place_of_a_file_is_not_read(checkpoints: Path, tmp_path: Path) -> None:
    commit.commit(checkpoints, 3, FILES)
    (checkpoints / "3" / "empty").unlink()
    (tmp_path / "elsewhere").write_bytes(b"")
    (checkpoints / "3" / "empty").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="symlink"):
        commit.read_file(checkpoints, 3, "empty")


def test_a_missing_step_or_name_is_an_error_that_says_what_is_there(checkpoints: Path) -> None:
    commit.commit(checkpoints, 3, FILES)
    with pytest.raises(RunError, match=r"no checkpoint of step 4 in .*; the newest are: 3"):
        commit.load_manifest(checkpoints, 4)
    with pytest.raises(RunError, match="does not list it"):
        commit.read_file(checkpoints, 3, "../../recipe.json")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", ".", "..", "a/b", "manifest.json", "a\\b"])
def test_a_manifest_that_lists_a_path_deletes_and_reads_nothing(name: str, checkpoints: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")
    commit.commit(checkpoints, 3, FILES)
    commit.commit(checkpoints, 4, FILES)
    path = checkpoints / "3" / "manifest.json"
    row = json.loads(path.read_bytes())
    row["files"][name] = {"sha256": hashlib.sha256(b"mine").hexdigest(), "bytes": 4}
    path.write_text(json.dumps(row))
    with pytest.raises(RunError, match="is damaged"):
        commit.read_file(checkpoints, 3, name)
    assert commit.keep(checkpoints, [4]) == [3, 4]
    assert (tmp_path / "x").read_text() == "mine"


def test_a_newer_format_names_both_versions(checkpoints: Path) -> None:
    commit.commit(checkpoints, 3, FILES)
    path = checkpoints / "3" / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 999'))
    with pytest.raises(RunError, match=r"format 999 .* up to 1\. .*pip install -U seqplay"):
        commit.load_manifest(checkpoints, 3)


def test_keep_removes_the_others(checkpoints: Path) -> None:
    for step in (1, 2, 3, 4):
        commit.commit(checkpoints, step, FILES)
    assert commit.keep(checkpoints, {2, 4, 99}) == [2, 4]
    assert sorted(os.listdir(checkpoints)) == ["2", "4"]


def test_keep_of_a_run_without_checkpoints_does_nothing(checkpoints: Path) -> None:
    assert commit.keep(checkpoints, [1]) == []
    assert not checkpoints.exists()


def test_the_last_good_checkpoint_is_never_removed(checkpoints: Path) -> None:
    for step in (1, 2, 3):
        commit.commit(checkpoints, step, FILES)
    flip(checkpoints / "3" / "weights.safetensors", 0)
    assert commit.keep(checkpoints, [3]) == [2, 3]
    assert commit.keep(checkpoints, []) == [2]
    assert commit.keep(checkpoints, []) == [2]
    commit.verify(checkpoints, 2)


def test_a_users_file_survives_retention_and_replacement_at_its_place(checkpoints: Path) -> None:
    commit.commit(checkpoints, 1, FILES)
    notes = checkpoints / "1" / "notes.txt"
    notes.write_text("mine")
    commit.commit(checkpoints, 1, FILES)
    assert notes.read_text() == "mine"
    commit.commit(checkpoints, 2, FILES)
    assert commit.keep(checkpoints, [2]) == [2]
    assert notes.read_text() == "mine"
    assert os.listdir(checkpoints / "1") == ["notes.txt"]
    commit.commit(checkpoints, 1, FILES)
    assert notes.read_text() == "mine"
    assert sorted(os.listdir(checkpoints)) == ["1", "2"]


def test_what_a_crash_left_is_gone_after_the_next_commit(checkpoints: Path) -> None:
    commit.commit(checkpoints, 1, FILES)
    partial = checkpoints / f".2.partial-{'0' * 16}"
    partial.mkdir()
    (partial / "weights.safetensors").write_bytes(b"half")
    commit.commit(checkpoints, 0, FILES)
    (checkpoints / "0").rename(checkpoints / f".0.removed-{'0' * 16}")
    (checkpoints / ".hidden").mkdir()
    commit.commit(checkpoints, 3, FILES)
    assert sorted(os.listdir(checkpoints)) == [".hidden", "1", "3"]


def test_a_symlinked_checkpoints_directory_is_not_written_through(checkpoints: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    checkpoints.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WriteError, match="never writes through one"):
        commit.commit(checkpoints, 1, FILES)
    commit.keep(checkpoints, [])
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_symlinked_step_is_not_written_through(checkpoints: Path, tmp_path: Path) -> None:
    commit.commit(tmp_path / "elsewhere", 1, FILES)
    commit.commit(checkpoints, 2, FILES)
    (checkpoints / "1").symlink_to(tmp_path / "elsewhere" / "1")
    with pytest.raises(WriteError, match="never writes through one"):
        commit.commit(checkpoints, 1, FILES)
    commit.keep(checkpoints, [2])
    commit.verify(tmp_path / "elsewhere", 1)
    assert sorted(os.listdir(checkpoints)) == ["1", "2"]
