"""`seqplay plugins` lists what there is without importing any of it, and makes, disables and enables one's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tiny_plugins import GOOD, install

from seqplay import plugins

from .conftest import GUARD, Trained, environment, on_pty, seqplay

# Each command in a fork of one Python; what it imports, and what that Python has, is told.
COMMANDS = """
import json, os, sys, tempfile
import rich_click, rich.console, rich.table
import seqplay.__main__, seqplay.cli.plugins, seqplay.cli.doctor, seqplay.cli.installation, seqplay.cli.show

for argv in json.loads(sys.argv[1]):
    streams = [tempfile.TemporaryFile() for _ in range(3)]
    child = os.fork()
    if child == 0:
        os.dup2(streams[0].fileno(), 1)
        os.dup2(streams[1].fileno(), 2)
        seen = []
        sys.addaudithook(lambda event, args: seen.append(str(args[0])) if event == "import" else None)
        sys.argv = ["seqplay", *argv]
        code = 0
        try:
            from seqplay.__main__ import main
            main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            streams[2].write(json.dumps(sorted({*seen, *sys.modules})).encode())
            streams[2].flush()
            sys.stdout.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for stream in streams:
        stream.seek(0)
    out, err, imported = (stream.read().decode() for stream in streams)
    print(json.dumps([code, out, err, json.loads(imported)]), flush=True)
"""
WHY = "needs a package that is not installed here, " + "and says so at length, " * 9
BROKEN = f"raise ValueError({WHY!r})"
KEYS = "kind name architecture distribution version built_in state summary source reason advice runs".split()


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str
    imported: list[str]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Of a list as JSON, by name."""
        return {row["name"]: row for row in map(json.loads, self.out.splitlines())}


def commands(home: Path, site: Path, *argv: list[str], **env: str) -> list[Done]:
    """What each of several commands left behind, and what it imported, in an installation with what is in `site`."""
    given = environment(home, PYTHONPATH=str(site), **env)
    command = [sys.executable, "-P", "-c", COMMANDS, json.dumps(argv)]
    done = subprocess.run(command, capture_output=True, text=True, env=given, timeout=GUARD)
    assert done.returncode == 0, done.stderr
    return [Done(*json.loads(line)) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Distributions with cells good, broken, lstm (that of clash) and a model grower."""
    site = tmp_path_factory.mktemp("site")
    install(site, "good", GOOD)
    install(site, "broken", BROKEN)
    install(site, "clash", "raise SystemExit('imported')", "lstm = clash:cell")
    install(site, "Seqplay_Grower", "raise SystemExit('imported')", "grower = Seqplay_Grower:model", kind="model")
    return site


@pytest.fixture(scope="module")
def loaded(site: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which all were loaded once, with a run of the broken one's cell."""
    home = tmp_path_factory.mktemp("loaded") / "home"
    shutil.copytree(trained.home, home)
    for path in (home / "runs" / "harbour" / "recipe.json", home / "runs" / "harbour" / "plan.json"):
        more = {"distribution": "broken", "version": "1.0"} if path.name == "plan.json" else {}
        path.write_text(json.dumps({**json.loads(path.read_text()), "cell": "broken", **more}))
    log = home / "runs" / "harbour" / "log.jsonl"
    log.write_text(log.read_text().replace('"lstm"', '"broken"'))
    (done,) = commands(home, site, ["plugins", "list", "--load"])
    assert done.code == 0, done.err
    assert f"cell broken raises ValueError: {WHY}"[:150] in done.out
    return home


IMPORT_NOTHING = [
    *(["plugins"], ["plugins", "list"], ["plugins", "list", "--json"], ["plugins", "disable", "good"]),
    *(["plugins", "enable", "good"], ["--help"], ["plugins", "--help"], ["--version"], ["doctor"], ["runs"]),
    *(["show"], ["doctor", "harbour"], ["plugins", "check", "nobody"], ["--no-plugins", "plugins", "list"]),
]


@pytest.fixture(scope="module")
def looked(loaded: Path, site: Path) -> dict[str, Done]:
    """Commands that only look, by their words."""
    done = commands(loaded, site, *IMPORT_NOTHING)
    return {" ".join(argv): one for argv, one in zip(IMPORT_NOTHING, done, strict=True)}


@pytest.mark.parametrize("argv", [" ".join(argv) for argv in IMPORT_NOTHING])
def test_looking_imports_neither_a_plugin_nor_torch(argv: str, looked: dict[str, Done]) -> None:
    """Promise P8."""
    done = looked[argv]
    assert done.code == {"plugins check nobody": 69}.get(argv, 0), done.err
    tops = {name.partition(".")[0] for name in done.imported}
    assert {"seqplay", "click"} <= tops
    assert not {"torch", "numpy", "good", "broken", "clash", "Seqplay_Grower"} & tops


def test_all_are_listed_with_where_they_come_from(looked: dict[str, Done]) -> None:
    assert looked["plugins"].out == looked["plugins list"].out
    lines = looked["plugins list"].out.splitlines()
    assert [line.split()[:5] for line in lines[1:11]] == [
        ["✓", "gru", "cell", "seqplay", plugins.find("gru").version],
        *(["✓", name, "cell", "seqplay", plugins.find(name).version] for name in ("lstm", "rnn")),
        ["✗", "broken", "cell", "broken", "1.0"],
        ["✗", "clash:lstm", "cell", "clash", "1.0"],
        ["✓", "good", "cell", "good", "1.0"],
        *(["✓", name, "model", "seqplay", plugins.find("gru").version] for name in ("cnn", "dcgan", "wgan")),
        ["✗", "grower", "model", "Seqplay_Grower", "1.0"],
    ]
    assert "A good one." in lines[6]


def test_a_broken_one_has_the_reason_that_was_kept_uncut_in_a_pipe(looked: dict[str, Done]) -> None:
    lines = looked["plugins list"].out.splitlines()
    place = lines.index(f"cell broken raises ValueError: {WHY.strip()} (broken.py, line 1).")
    assert lines[place + 1] == "pip install --upgrade broken, or take it out: pip uninstall broken"
    assert "cell clash:lstm raises SystemExit: imported (clash.py, line 1)." in lines


def test_as_json_every_row_has_the_same_keys(looked: dict[str, Done]) -> None:
    rows = looked["plugins list --json"].rows
    assert len(rows) == 10
    assert all(list(row) == KEYS and row["kind"] == "plugin" for row in rows.values())
    states = {name: row["state"] for name, row in rows.items() if not row["built_in"]}
    assert states == {"good": "works", "broken": "broken", "clash:lstm": "broken", "grower": "broken"}
    assert rows["good"]["reason"] is rows["good"]["advice"] is rows["broken"]["summary"] is None
    assert rows["broken"]["reason"].startswith("raises ValueError: needs a package")
    assert (rows["broken"]["runs"], rows["good"]["runs"]) == (1, 0)


def test_without_plugins_only_what_comes_with_seqplay_is_used(looked: dict[str, Done]) -> None:
    lines = looked["--no-plugins plugins list"].out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("–")] == ["broken", "clash:lstm", "good", "grower"]
    assert all("left out" in line for line in lines if line.startswith("–"))
    assert not [line for line in lines if line.startswith("✗")]


def test_a_command_of_plugins_that_there_is_not_is_told_with_the_nearest(home: Path) -> None:
    result = seqplay(home, "plugins", "lsit")
    assert (result.code, result.out) == (2, b"")
    assert "No command of plugins named 'lsit'. Did you mean 'list'?" in result.lines[-1]


def test_what_was_never_loaded_says_how_it_is(home: Path, site: Path) -> None:
    as_text, as_json = commands(home, site, ["plugins", "list"], ["plugins", "list", "--json"], COLUMNS="200")
    assert as_text.out.count("not loaded yet") == 4
    assert as_json.rows["good"]["state"] == "unknown"
    assert list(as_json.rows["good"]) == KEYS


def test_disabling_holds_for_every_session_until_it_is_enabled(home: Path, site: Path, text: Path) -> None:
    train = ["train", str(text), "--steps", "1", "--cell"]
    off, no, listed, rows, again, on = commands(
        *(home, site, ["plugins", "disable", "grower"], [*train[:-1], "--task", "digits", "--model", "grower"]),
        *(["plugins", "list"], ["plugins", "list", "--json"], ["plugins", "disable", "good"]),
        *(["plugins", "enable", "seqplay.grower"],),
    )
    assert off.err == "Seqplay_Grower is disabled: model grower. Back: seqplay plugins enable Seqplay_Grower\n"
    assert no.code == 69
    assert "is disabled. Enable it: seqplay plugins enable Seqplay_Grower" in no.err
    (line,) = (line for line in listed.out.splitlines() if "grower" in line)
    assert line.split() == ["–", "grower", "model", "Seqplay_Grower", "1.0", "disabled"]
    assert "seqplay plugins enable NAME" in listed.err
    assert (rows.rows["grower"]["state"], rows.rows["grower"]["runs"]) == ("off", 0)
    assert rows.rows["grower"]["reason"] == "disabled. Enable it: seqplay plugins enable Seqplay_Grower"
    assert again.err.startswith("good is disabled: cell good.")
    assert on.err == "Seqplay_Grower is enabled: model grower. Back: seqplay plugins disable Seqplay_Grower\n"
    assert json.loads((home / "plugins.json").read_text()) == {"disabled": ["good"]}
    assert no.out == off.out == on.out == ""


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["disable", "lstm"], 2, "'lstm' comes with seqplay."),
        (["disable", "seqplay"], 2, "'seqplay' comes with seqplay."),
        (["enable", "nobody"], 69, "No plugin named 'nobody'."),
        (["check", "lstmm"], 69, "No cell or model named 'lstmm'. Did you mean 'lstm'?"),
        (["new"], 2, "NAME"),
        (["new", "Mine"], 2, "unlike 'Mine'. Perhaps: mine"),
        (["new", "mine", "--kind", "task"], 2, "'cell'"),
        (["new", "mine", "--folder", "/proc"], 74, "Cannot write /proc/seqplay-mine"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_done_is_one_line(argv: list[str], code: int, said: str, home: Path) -> None:
    result = seqplay(home, "plugins", *argv)
    assert (result.code, result.out) == (code, b"")
    assert said in result.lines[-1]
    assert not home.exists()


def test_where_it_is_not_known_what_is_disabled_no_plugin_is_used(home: Path, site: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "plugins.json").write_text('{"disabled": 3}')
    why = f"{home}/plugins.json is damaged: remove it, and disable again what it disabled."
    rows, off, doctor = commands(
        home, site, ["plugins", "list", "--json"], ["plugins", "disable", "good"], ["doctor", "--json"]
    )
    assert {row["reason"] for row in rows.rows.values() if not row["built_in"]} == {f"left out. {why}"}
    assert (off.code, off.err) == (65, f"seqplay: {why}\n")
    assert (home / "plugins.json").read_text() == '{"disabled": 3}'
    found = [row for row in map(json.loads, doctor.out.splitlines()) if row.get("subject") == "plugins"]
    assert doctor.code == 65
    assert [(row["level"], row["message"]) for row in found] == [("bad", f"none is used, as {why}")]


def test_a_word_of_the_variable_that_means_nothing_is_told(
    home: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQPLAY_PLUGINS", f"good,nosuch,grower,{tmp_path}/none.py:Own,half.py")
    (listed,) = commands(home, site, ["plugins", "list"])
    told = [line for line in listed.err.splitlines() if line.startswith("SEQPLAY_PLUGINS names")]
    assert told == [
        "SEQPLAY_PLUGINS names 'nosuch', which is not installed here.",
        "SEQPLAY_PLUGINS names 'grower', which is a model. Name its distribution: Seqplay_Grower.",
        "SEQPLAY_PLUGINS names 'half.py' without an object of it: half.py:NAME.",
        f"SEQPLAY_PLUGINS names '{tmp_path}/none.py', where no file is.",
    ]


# -- a plugin that is not there any more


def test_removing_a_plugin_leaves_its_runs_listed_and_viewable_with_what_gets_it_back(loaded: Path) -> None:
    """Promise P9."""
    back = "get it back with: pip install broken"
    assert b"harbour" in seqplay(loaded, "runs").out
    shown = seqplay(loaded, "show")
    assert (shown.code, len(shown.lines)) == (0, 1)
    assert b"nats per character" in shown.out
    as_json = seqplay(loaded, "show", "--json")
    assert (as_json.code, as_json.err, as_json.rows[0]["cell"]) == (0, b"", "broken")
    for argv in (["sample"], ["eval"], ["ask", "next"]):
        result = seqplay(loaded, *argv)
        assert (result.code, result.out) == (69, b"")
        assert result.lines == [f"seqplay: {shown.lines[0]}"]
    assert shown.lines[0].startswith("This run's cell 'broken' came from broken 1.0, which is not installed here.")
    assert shown.lines[0].endswith(back)
    assert back in seqplay(loaded, "doctor", "harbour").out.decode()


# -- a new one


@pytest.mark.parametrize(("kind", "data"), [("cell", "english"), ("model", "digits --task recognise")])
def test_new_prints_the_folder_and_says_what_comes_next(kind: str, data: str, home: Path, tmp_path: Path) -> None:
    (tmp_path / "my plugins").mkdir()
    result = seqplay(home, "plugins", "new", "mine", "--kind", kind, "--folder", "my plugins", cwd=tmp_path)
    assert (result.code, result.out) == (0, b"my plugins/seqplay-mine\n")
    assert (tmp_path / "my plugins" / "seqplay-mine" / "seqplay_mine.py").is_file()
    assert [line.split(":", 1)[1].strip() for line in result.lines] == [
        "my plugins/seqplay-mine/seqplay_mine.py",
        "pip install -e 'my plugins/seqplay-mine'",
        "seqplay plugins check mine",
        f"seqplay train {data} --{kind} mine --minutes 1",
    ]
    again = seqplay(home, "plugins", "new", "mine", "--folder", "my plugins", cwd=tmp_path)
    assert (again.code, again.out) == (74, b"")
    assert "seqplay-mine is there already." in again.lines[-1]


def test_new_of_a_taken_name_says_what_it_will_be_called(home: Path, tmp_path: Path) -> None:
    result = seqplay(home, "plugins", "new", "lstm", cwd=tmp_path)
    assert (result.code, result.out) == (0, b"seqplay-lstm\n")
    assert result.lines[0] == "Another cell is named lstm already: installed, yours will be seqplay-lstm:lstm"
    assert result.lines[3].endswith("seqplay plugins check seqplay-lstm:lstm")
    assert os.listdir(tmp_path) == ["seqplay-lstm"]


def test_on_a_terminal_a_reason_is_wrapped_and_nothing_is_obeyed(loaded: Path) -> None:
    from .test_terminal_safety import obeyed

    code, raw = on_pty(loaded, "plugins")
    assert code == 0
    assert obeyed(raw) == []
    assert b"All of these come with seqplay. Make your own: seqplay plugins new mycell" in raw
