"""Whatever is in data, names or arguments, a terminal gets nothing that it would obey (promises T1, T3, T4, T7)."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from hostile import ALL, COLOUR, HOSTILE, MARKUP, OBEYED, names

from seqplay.cli import COMMANDS
from seqplay.runs.layout import RunFiles

from .conftest import SMALL, Trained, as_if_killed, on_pty, seqplay

ALLOWED = re.compile(rf"{COLOUR}|\x1b\[\?25[lh]|\r?\x1b\[2K|\x1b\[1A|\r+\n|\r(?=\Z)")


def obeyed(raw: bytes) -> list[str]:
    """What a terminal would obey, beyond the colours and cursor movements of rich's own."""
    return OBEYED.findall(ALLOWED.sub("", raw.decode()))


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if text.isascii() is False or not text.isprintable()], ids=ascii
)
def test_the_check_sees_each_hostile_string(text: str) -> None:
    assert obeyed(f"before{text}after\r\n".encode())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, bytes]:
    """A run that learned the hostile text, from a file with a hostile name, on a terminal; and what it got."""
    folder = tmp_path_factory.mktemp("hostile")
    source = folder / next(names())
    source.write_text((ALL + "\n") * 40, newline="")
    home = folder / "home"
    code, raw = on_pty(home, "train", source, "--steps", "30", *SMALL)
    assert code == 0, raw
    (path,) = (home / "runs").iterdir()
    return Trained(home, RunFiles(path), seqplay(home, "runs")), raw


def test_training_on_a_terminal(hostile: tuple[Trained, bytes]) -> None:
    assert obeyed(hostile[1]) == []
    assert b"nats a character" in hostile[1]


SAMPLE = ("sample", "--temperature", "2", "--length", "1500", "--seed", "1")


def test_a_sample_of_every_control_character_is_made_visible_on_a_terminal(hostile: tuple[Trained, bytes]) -> None:
    _, raw = on_pty(hostile[0].home, *SAMPLE, "--prompt", ALL)
    assert obeyed(raw) == []
    assert "␛]52;c;cHduZWQ=␇" in raw.decode()


def test_a_sample_in_a_pipe_is_byte_exact(hostile: tuple[Trained, bytes]) -> None:
    home = hostile[0].home
    (row,) = seqplay(home, *SAMPLE, "--prompt", ALL, "--json").rows
    piped = seqplay(home, *SAMPLE, "--prompt", ALL)
    assert row["prompt"] == ALL
    assert piped.out.decode() == row["prompt"] + row["text"]
    assert obeyed(piped.out)
    assert seqplay(home, *SAMPLE, "--prompt", ALL, env={"LC_ALL": "C"}).out == piped.out


def test_raw_writes_the_models_own_bytes_on_a_terminal(hostile: tuple[Trained, bytes]) -> None:
    home = hostile[0].home
    (row,) = seqplay(home, *SAMPLE, "--json").rows
    _, raw = on_pty(home, *SAMPLE, "--raw")
    assert raw.decode().replace("\r\n", "\n") == (row["text"] + "\n").replace("\r\n", "\n")


@pytest.fixture(scope="module")
def shelf(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs whose directories, plans, recipes, logs and figures are hostile wherever a text can stand; one is broken."""
    home = tmp_path_factory.mktemp("shelf") / "home"
    shutil.copytree(trained.home, home)
    for number, name in enumerate(names()):
        run = RunFiles(home / "runs" / f"{number}{name}")
        shutil.copytree(trained.run.path, run.path)
        for path in (run.plan, run.recipe):
            written = json.loads(path.read_text())
            more = {"cell": ALL, "distribution": ALL} if number == 1 else {}
            path.write_text(json.dumps({**written, "source": ALL, "why": ALL, "version": ALL, "torch": ALL, **more}))
        notes = ({"kind": "note", "note": kind, "message": ALL, "step": 8} for kind in ("notice", "stopped"))
        as_if_killed(run)
        with run.log.open("a") as log:
            log.writelines(json.dumps(note) + "\n" for note in notes)
        figure = {
            "kind": "figure",
            "figure": "text",
            "step": 8,
            "text": ALL,
            "caption": ALL,
            "title": ALL,
            "prompt": ALL,
        }
        run.figures.write_text(json.dumps(figure) + "\n")
    (home / "runs" / f"broken{ALL[:60]}" / "checkpoints").mkdir(parents=True)
    (home / "runs" / f"broken{ALL[:60]}" / "recipe.json").write_text(json.dumps({"format": ALL}))
    return home


def hostile_file(home: Path) -> Path:
    """A text with a name of controls, C1, bidi overrides and DEL."""
    path = home / "\x1b[2J\x9b2J\x7f\u202etxt.exe\u2066"
    path.write_text("one two three\n" * 20)
    return path


def doomed(home: Path, like: str) -> str:
    """The name of a run that may be removed, with a user's file of a hostile name in it."""
    name = f"doomed{like}"
    shutil.copytree(home / "runs" / like, home / "runs" / name, dirs_exist_ok=True)
    (home / "runs" / name / hostile_file(home).name).write_text("mine")
    return name


def surfaces(home: Path) -> dict[str, list[list[str]]]:
    """For each command, ways to make it print what is hostile, on stdout and on stderr."""
    runs = sorted(os.listdir(home / "runs"))
    named = [run for run in runs if run[0].isdigit()]
    broken = next(run for run in runs if run.startswith("broken"))
    bad = [["nobody" + ALL], ["--" + ALL], [broken]]
    return {
        "train": [
            [ALL],
            ["--cell", ALL, "hello"],
            ["--cell", f"{ALL}.py:Own", "hello"],
            ["--cell", f"own.py:{ALL.replace('/', '')}", "hello"],
            ["--set", ALL, "hello"],
            ["--name", ALL, "hello"],
            ["--recipe", ALL, "hello"],
            [str(hostile_file(home)), "--steps", "1", *SMALL, "--name", "told", "--json"],
        ],
        "sample": [[run, "--length", "5"] for run in named]
        + [*bad, ["harbour", "--prompt", ALL, "--length", "3"], ["harbour", "--unk", "error", "--prompt", ALL]]
        + [["harbour", "--prompt-file", ALL], [named[0], "--length", "5", "--json"]],
        "eval": [
            *([named[0]], [named[1]], *bad, ["harbour", "--on", ALL]),
            [named[2], "--on", str(hostile_file(home)), "--json"],
        ],
        "ask": [*bad, ["harbour", ALL], ["harbour", "next", f"text={ALL}"], [ALL + "=1"]],
        "runs": [[], ["--" + ALL], [ALL], ["--json"]],
        "show": [[run] for run in named] + [*bad, ["harbour", "--x", ALL], [named[0], "--json"]],
        "watch": [[run] for run in named] + [*bad, [named[0], "--json"]],
        "resume": [[named[0]], [named[1]], *bad, [named[2], "--json"]],
        "completion": [["bash"], ["zsh"], ["fish"], [ALL]],
        "pause": [[named[0]], *bad],
        "stop": [[named[0]], *bad],
        "rm": [*bad[:2], [doomed(home, named[0]), "--yes"], [doomed(home, named[2]), "--yes", "--now"]],
        "doctor": [[], ["--json"], *([run] for run in named), *bad, [named[0], "--json"], [doomed(home, named[0])]],
        "plugins": [
            *(
                [],
                ["--json"],
                ["--" + ALL],
                [ALL],
                ["new", ALL],
                ["new", "mine", "--folder", str(home / next(names()))],
                ["check", ALL],
            ),
            *(["disable", ALL], ["enable", ALL], ["check", f"{ALL}.py:Own"], ["check", f"own.py:{ALL}"]),
        ],
        "data": [[ALL], ["get", ALL], ["get", "gutenberg", ALL], ["list", "--" + ALL], ["--json"]],
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_lets_a_terminal_obey_data(command: str, shelf: Path) -> None:
    for argv in surfaces(shelf)[command]:
        _, raw = on_pty(shelf, command, *argv)
        assert obeyed(raw) == [], (argv, raw)
        assert b"Traceback" not in raw
        assert b"mistake in seqplay" not in raw, raw.decode()


def test_an_unknown_command_is_named_without_being_obeyed(home: Path) -> None:
    _, raw = on_pty(home, ALL)
    assert obeyed(raw) == []


def test_markup_in_data_is_text(shelf: Path) -> None:
    named = next(name for name in os.listdir(shelf / "runs") if "[bold" in name)
    _, raw = on_pty(shelf, "show", named, env={"COLUMNS": "900"})
    shown = re.sub(COLOUR, "", raw.decode())
    for markup in MARKUP:
        assert markup in shown
    _, raw = on_pty(shelf, "stop", "[bold][@click=app.quit]x[red]")
    assert "No run named '[bold][@click=app.quit]x[red]'" in raw.decode()


# -- terminals that can do little, and none


PICTURES = re.compile("[\u2500-\u259f\u2800-\u28ff]")  # lines, blocks and Braille


def test_show_draws_with_ascii_where_a_terminal_can_do_no_more(trained: Trained) -> None:
    assert PICTURES.search(on_pty(trained.home, "show")[1].decode())
    code, raw = on_pty(trained.home, "show", env={"TERM": "dumb"})
    assert (code, PICTURES.findall(raw.decode())) == (0, [])
    shown = seqplay(trained.home, "show", env={"PYTHONIOENCODING": "latin-1"})
    assert (shown.code, shown.err, PICTURES.findall(shown.out.decode("latin-1"))) == (0, b"", [])
    assert b"nats per character" in shown.out


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
@pytest.mark.parametrize(
    "argv", [["sample", "--prompt", "The ", "--length", "9"], ["show"], ["runs"], ["--help"]], ids=str
)
def test_without_colour_no_colour_is_sent(env: dict[str, str], argv: list[str], trained: Trained) -> None:
    code, raw = on_pty(trained.home, *argv, env=env)
    assert code == 0
    assert not re.search(rb"\x1b\[[0-9;]*[34]8;|\x1b\[(3|9)[0-7]m", raw)
    if "TERM" in env:
        assert b"\x1b" not in raw


@pytest.fixture(scope="module")
def korean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A Korean text, learned on a dumb terminal in the C locale; and what that terminal got."""
    folder = tmp_path_factory.mktemp("korean")
    (folder / "한글.txt").write_text("나는 오늘 기분이 좋아.\n" * 30)
    env = {"TERM": "dumb", "LC_ALL": "C"}
    code, raw = on_pty(folder / "home", "train", folder / "한글.txt", "--steps", "3", *SMALL, env=env)
    assert code == 0, raw
    return folder / "home", raw


def test_training_on_a_dumb_terminal_prints_plain_lines(korean: tuple[Path, bytes]) -> None:
    assert b"\x1b" not in korean[1]
    assert b"step 3 of 3 (100%)" in korean[1]


def test_korean_is_utf_8_whatever_the_locale_says(korean: tuple[Path, bytes]) -> None:
    home, raw = korean
    assert "한글-lstm: train loss" in raw.decode()
    sampled = seqplay(
        home, "sample", "--prompt", "나는 오늘".encode(), "--length", "20", "--seed", "1", env={"LC_ALL": "C"}
    )
    assert sampled.out.decode().startswith("나는 오늘")
    assert len(sampled.out.decode()) == 25
    assert (sampled.code, sampled.err) == (0, b"")
    code, raw = on_pty(home, "show", env={"LC_ALL": "C"})
    assert code == 0
    assert "한글.txt" in raw.decode()
