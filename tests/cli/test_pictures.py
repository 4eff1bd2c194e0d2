"""Commands on runs of pictures, of which nothing is a text."""

import gzip
import json
import shutil
import struct
from pathlib import Path

import pytest

from .conftest import Result, Trained, run_in, seqplay

SIDE, COUNT = 8, 60
QUICK = ("--set", "threads=1", "--set", "width=4", "--batch", "8", "--set", "evaluate_every=1000")


def bars(number: int) -> bytes:
    """A bar across, down, or both, at a place that varies."""
    picture = [[0] * SIDE for _ in range(SIDE)]
    at = 1 + number // 3 % 6
    for along in range(SIDE):
        if number % 3 != 1:
            picture[at][along] = 180 + number
        if number % 3 != 0:
            picture[along][at] = 180 + number
    return bytes(value for row in picture for value in row)


def write_pictures(folder: Path, count: int = COUNT) -> Path:
    """A folder of MNIST's files, one of them compressed."""
    folder.mkdir(exist_ok=True)
    images = struct.pack(">IIII", 0x803, count, SIDE, SIDE) + b"".join(map(bars, range(count)))
    labels = struct.pack(">II", 0x801, count) + bytes(number % 3 for number in range(count))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
    return folder


@pytest.fixture(scope="module")
def bars_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures") / "bars")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests here: none of them changes a run."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def reader(home: Path, bars_folder: Path) -> Trained:
    made = seqplay(home, "train", bars_folder, "--task", "recognise", "--steps", "30", "--name", "harbour", *QUICK)
    assert made.code == 0, made.lines
    return Trained(home, run_in(home), made)


@pytest.fixture(scope="module")
def drawer(home: Path, bars_folder: Path) -> Result:
    made = seqplay(home, "train", bars_folder, "--model", "dcgan", "--steps", "3", "--name", "drawer", "--json", *QUICK)
    assert made.code == 0, made.lines
    return made


def test_a_reader_is_trained_scored_and_shown(reader: Trained) -> None:
    assert any("read rightly" in line for line in reader.result.lines)
    assert "Read with it:" in reader.result.err.decode()
    (scored,) = seqplay(reader.home, "eval", "harbour", "--json").rows
    assert scored["held_out_tokens"] == 6
    assert 0 <= scored["held_out_accuracy"] <= 1
    table = seqplay(reader.home, "eval", "harbour").out.decode()
    assert f"{100 * scored['held_out_accuracy']:.2f} %" in table
    shown = seqplay(reader.home, "show", "harbour").out.decode()
    assert "output (batch, height, width, channels)" in shown
    assert "(8, 8, 8, 4)" in shown
    assert "54 pictures to learn from, 6 held out" in shown


def test_other_pictures_are_scored_only_where_they_are_of_the_same_kind(reader: Trained, tmp_path: Path) -> None:
    others = write_pictures(tmp_path / "others", 30)
    (scored,) = seqplay(reader.home, "eval", "harbour", "--on", others, "--json").rows
    assert scored["held_out_tokens"] == 30
    refused = seqplay(reader.home, "eval", "harbour", "--on", "digits")
    assert refused.code == 65
    assert refused.lines[-1].endswith("These pictures have 28 x 28 x 1 bytes each; the model reads 8 x 8 x 1.")
    assert seqplay(reader.home, "eval", "harbour", "--window", "5").code == 2


def test_a_run_that_draws_tells_every_step_and_lists_its_layers(drawer: Result, home: Path) -> None:
    steps = [row for row in drawer.rows if row["kind"] == "step"]
    assert [row["step"] for row in steps] == [1, 2, 3]
    assert {"critic_loss", "generator_loss", "train_real", "train_drawn"} <= steps[0].keys()
    assert drawer.rows[-1]["kind"] == "done"
    assert drawer.rows[-1]["confident_share"] is None  # three steps draw noise, and nobody judges it
    shown = seqplay(home, "show", "drawer").out.decode()
    assert "(8, 2, 2, 8)" in shown  # latent -> 2 x 2 x 2 width -> 4 x 4 x width -> 8 x 8 x 1
    assert "(8, 4, 4, 4)" in shown
    assert "(8, 8, 8, 1)" in shown


def test_it_draws_as_many_pictures_as_are_asked_for_and_the_same_for_a_seed(drawer: Result, home: Path) -> None:
    (row,) = seqplay(home, "sample", "drawer", "--count", "3", "--seed", "5", "--json").rows
    assert (row["kind"], row["figure"], row["count"], row["height"]) == ("figure", "picture", 3, SIDE)
    assert seqplay(home, "sample", "drawer", "--count", "3", "--seed", "5", "--json").rows == [row]
    assert seqplay(home, "sample", "drawer", "--count", "3", "--seed", "6", "--json").rows != [row]
    drawn = seqplay(home, "sample", "drawer", "--count", "3").out.decode()
    assert "draws" in drawn.splitlines()[0]
    refused = seqplay(home, "sample", "drawer", "--prompt", "a")
    assert (refused.code, "draws pictures" in refused.lines[-1]) == (2, True)


def test_any_question_can_be_asked(drawer: Result, reader: Trained) -> None:
    home = reader.home
    (way,) = seqplay(home, "ask", "drawer", "walk", "first=2", "last=5", "steps=4", "--json").rows
    assert (way["count"], way["caption"]) == (4, "from point 2 to point 5")
    assert "walks" in seqplay(home, "ask", "drawer", "walk").out.decode()
    odds = seqplay(home, "ask", "harbour", "classify", "number=1").out.decode()
    assert "read as" in odds
    assert "read right" in seqplay(home, "ask", "harbour", "confusion").out.decode()
    refused = seqplay(home, "ask", "drawer", "wlak")
    assert refused.code == 2
    assert "Did you mean 'walk'?" in refused.lines[-1]
    wrong = seqplay(home, "ask", "drawer", "walk", "wrong=1")
    assert (wrong.code, len(wrong.lines)) == (2, 1)
    assert "It has: first, last, seed, steps." in wrong.lines[-1]


@pytest.mark.parametrize(
    "typed", ["steps=NaN", "steps=-Infinity", "steps=1e400", "steps=[1,NaN]", f"steps={'[' * 50_000}"]
)
def test_what_no_question_can_be_asked_with_is_one_short_line(typed: str, drawer: Result, home: Path) -> None:
    refused = seqplay(home, "ask", "drawer", "walk", typed)
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert len(refused.lines[0]) < 120
    assert refused.lines[0].startswith("seqplay: steps ")


def test_a_huge_name_is_not_repeated(drawer: Result, home: Path) -> None:
    for words in (("walk", f"{'x' * 50_000}=1"), ("x" * 50_000,)):
        refused = seqplay(home, "ask", "drawer", *words)
        assert (refused.code, len(refused.lines)) == (2, 1)
        assert len(refused.lines[0]) < 120


def test_drawn_pictures_are_not_judged_against_others(drawer: Result, home: Path, bars_folder: Path) -> None:
    refused = seqplay(home, "eval", "drawer", "--on", bars_folder)
    assert (refused.code, len(refused.lines)) == (2, 1)
    assert "drawer draws pictures: they are judged against those that it learned" in refused.lines[0]


def test_what_somebody_wrote_into_a_log_is_no_mistake_of_seqplay(reader: Trained, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(reader.home, home)
    run = home / "runs" / "harbour"
    lines = (run / "log.jsonl").read_text().splitlines()
    done = {**json.loads(lines[-1]), "confident_share": "x", "frechet": [1], "macro_f1": {}, "classes_present": True}
    (run / "log.jsonl").write_text("\n".join([*lines[:-1], json.dumps(done)]) + "\n")
    with (run / "figures.jsonl").open("a") as figures:
        figures.write(json.dumps({"kind": "figure", "figure": ["picture"], "step": 30}) + "\n")
    shown = seqplay(home, "show", "harbour")
    assert (shown.code, shown.err) == (0, b"")
    assert "read rightly" in shown.out.decode()
    assert "confidence" not in shown.out.decode()


def test_the_shelf_tells_which_share_of_the_pictures_is_read(reader: Trained, drawer: Result) -> None:
    listed = {row["name"]: row for row in seqplay(reader.home, "runs", "--json").rows}
    done = json.loads(reader.run.log.read_bytes().splitlines()[-1])
    assert listed["harbour"]["read"] == done["held_out_accuracy"]
    assert (listed["harbour"]["network"], listed["harbour"]["tokens"]) == ("cnn", "pixels")
    assert listed["drawer"]["read"] is None
    table = seqplay(reader.home, "runs").out.decode()
    assert "dcgan" in table


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--hidden", "8"], "--hidden is for texts. Settings of dcgan are given with --set KEY=VALUE."),
        (["--cell", "gru"], "--cell is for texts"),
        (["--task", "recognise", "--model", "dcgan"], "The model 'dcgan' is for the task digits: --task digits"),
        (["--model", "dcgann"], "Did you mean 'dcgan'?"),
        (["--set", "latnt=3"], "Did you mean 'latent'?"),
        (["--set", "width=0"], "width takes a whole number"),
    ],
)
def test_what_does_not_fit_pictures_is_one_line(flags: list[str], said: str, home: Path, bars_folder: Path) -> None:
    refused = seqplay(home, "train", bars_folder, "--steps", "1", "--name", "refused", *flags)
    assert refused.code in (2, 69), refused.lines
    assert said in refused.lines[-1]
    assert not (home / "runs" / "refused").exists()


def test_pictures_are_no_text_and_a_text_is_no_picture(home: Path, bars_folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "novel.txt"
    text.write_text("one two three\n" * 20)
    refused = seqplay(home, "train", text, "--task", "digits", "--steps", "1")
    assert refused.code in (2, 65)
    assert "novel.txt" in refused.lines[-1]
    cut_short = write_pictures(tmp_path / "cut")
    (cut_short / "train-images-idx3-ubyte.gz").write_bytes(
        (cut_short / "train-images-idx3-ubyte.gz").read_bytes()[:-20]
    )
    refused = seqplay(home, "train", cut_short, "--steps", "1")
    assert (refused.code, len(refused.lines)) == (65, 1)
    assert "train-images-idx3-ubyte.gz" in refused.lines[0]


def test_a_damaged_codec_of_pictures_is_one_line(reader: Trained, tmp_path: Path) -> None:
    copied = tmp_path / "home"
    shutil.copytree(reader.home, copied)
    (copied / "runs" / "harbour" / "pixels.json").write_text("{}")
    for command in ("sample", "eval"):
        refused = seqplay(copied, command, "harbour")
        assert refused.code == 65
        assert "pixels.json is damaged" in refused.lines[-1]
    checked = seqplay(copied, "doctor", "harbour")
    assert checked.code == 65
