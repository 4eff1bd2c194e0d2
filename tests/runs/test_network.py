"""Whether a run's cell or model is here is told from metadata alone, with what gets it back."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest
from tiny_plugins import install

from seqplay import __version__, plugin_choice, plugins
from seqplay.errors import MissingError
from seqplay.recipe import Plan
from seqplay.runs.network import lacking, planned

PLAN = Plan(
    steps=1, cell="mine", tokens="char", hidden=8, layers=1, embedding=8, batch=2, sequence=4, learning_rate=0.01,
    holdout=0.1, seed=0, device="cpu", threads=1, slices=1, precision="float32", weight_decay=0.1, warmup=0.05, clip=1,
    average=0.998, evaluate_every=1, minutes=None, patience=None, settings={}, task="text", source="a.txt", data="",
    vocabulary=9, train_tokens=500, held_out_tokens=60, parameters=5, layer_table=[], why="", notices=[], codec={},
    distribution="seqplay-mine", version="1.0", torch="2.10",
)  # fmt: skip
MODEL = dataclasses.replace(
    PLAN, model="grower", cell="", tokens="", hidden=0, layers=0, embedding=0, sequence=0, distribution="seqplay-grower"
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Distributions seqplay-mine, with the cell mine, and seqplay-grower, with the model grower, which raise when they
    are imported.
    """
    site = tmp_path / "site"
    install(site, "seqplay-mine", "raise SystemExit('imported')", "mine = seqplay_mine:cell")
    install(site, "seqplay-grower", "raise SystemExit('imported')", "grower = seqplay_grower:cell", kind="model")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("SEQPLAY_PLUGINS", "*")
    return site


def planned_with(name: str, distribution: str, version: str = "1.0") -> Plan:
    return dataclasses.replace(PLAN, cell=name, distribution=distribution, version=version)


def reached(plan: Plan) -> str:
    """The name that reaches its network."""
    return planned(plan)[0]


def test_nothing_is_lacking_where_it_is_installed(site: Path) -> None:
    assert (lacking(PLAN), reached(PLAN)) == ("", "mine")
    assert (lacking(MODEL), reached(MODEL)) == ("", "grower")
    built_in = planned_with("lstm", "seqplay", __version__)
    assert (lacking(built_in), reached(built_in)) == ("", "lstm")


def test_another_version_is_the_same_plugin_and_so_is_its_name_in_another_spelling(site: Path) -> None:
    assert lacking(planned_with("mine", "seqplay-mine", "0.1")) == ""
    assert lacking(planned_with("mine", "Seqplay_Mine")) == ""


def test_what_is_not_installed_is_named_with_what_brings_it_back() -> None:
    assert lacking(PLAN) == (
        "This run's cell 'mine' came from seqplay-mine 1.0, which is not installed here. If you trust who made it, "
        "get it back with: pip install seqplay-mine"
    )
    assert lacking(MODEL).startswith("This run's model 'grower' came from seqplay-grower 1.0, which is not installed")
    with pytest.raises(MissingError, match="which is not installed here"):
        planned(PLAN)


def test_a_cell_of_the_same_name_from_somebody_else_is_another_one(site: Path) -> None:
    for name, distribution in [("mine", "acme"), ("lstm", "acme")]:
        told = lacking(planned_with(name, distribution))
        assert told.startswith(f"This run's cell '{name}' came from acme 1.0, which is not installed here.")
        assert told.endswith("pip install acme")


def test_a_cell_is_no_model(site: Path) -> None:
    told = lacking(dataclasses.replace(MODEL, model="mine", distribution="seqplay-mine"))
    assert told.startswith("This run's model 'mine' came from seqplay-mine 1.0, which is not installed here.")


@pytest.mark.parametrize("name", ["; rm -rf ~", "--index-url=http://evil", "x y", "$(x)", "../x", "", "a\nb", "git+x"])
def test_what_no_package_can_be_called_is_never_part_of_a_command(name: str) -> None:
    told = lacking(planned_with("mine", name))
    assert told.endswith("No package can have that name.")
    assert "pip" not in told


def test_a_cell_that_only_a_newer_seqplay_has_takes_a_newer_seqplay() -> None:
    assert lacking(planned_with("newest", "seqplay", "99.0")) == (
        "This run's cell 'newest' came with seqplay 99.0, and this seqplay has none. Get it with: "
        "pip install --upgrade seqplay"
    )


def test_what_is_switched_off_says_what_switches_it_on(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.switch("mine", on=False)
    disabled = "disabled. Enable it: seqplay plugins enable seqplay-mine"
    assert lacking(PLAN) == f"This run's cell 'mine' of seqplay-mine 1.0 is {disabled}"
    plugins.switch("mine", on=True)
    for chosen, why in [("", "SEQPLAY_PLUGINS does not name it"), ("other", "SEQPLAY_PLUGINS does not name it")]:
        monkeypatch.setenv("SEQPLAY_PLUGINS", chosen)
        assert lacking(PLAN) == f"This run's cell 'mine' of seqplay-mine 1.0 is left out: {why}"


def test_a_name_that_changed_because_another_has_it_too_is_followed_both_ways(site: Path) -> None:
    install(site, "acme", "", "mine = acme:cell")
    assert reached(PLAN) == "seqplay-mine:mine"
    assert lacking(PLAN) == ""
    assert reached(planned_with("mine", "acme")) == "acme:mine"
    (site / "acme-1.0.dist-info" / "entry_points.txt").unlink()
    assert reached(planned_with("seqplay-mine:mine", "seqplay-mine")) == "mine"
    assert lacking(planned_with("acme:mine", "acme")) != ""


# -- single files


def plan_of_file(path: Path) -> Plan:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return planned_with(f"{path.name}:Own", f"the file {path.name}", sha256)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that raises when it is imported, in the folder where the command is given."""
    monkeypatch.setenv("SEQPLAY_PLUGINS", "*")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("raise SystemExit('imported')\n")
    return tmp_path / "own.py"


def test_a_file_has_to_be_named_again_even_where_it_lies_here(own: Path) -> None:
    plan = plan_of_file(own)
    with pytest.raises(MissingError, match="Name it again"):
        planned(plan)
    assert lacking(plan) == (
        f"This run's cell 'own.py:Own' is in a file (SHA-256 {plan.version[:12]}). Name it again to sample or "
        "resume: --cell FOLDER/own.py:Own"
    )
    plugin_choice.use_file("own.py:Own", "model")
    assert "Name it again" in lacking(plan)
    plugin_choice.use_file("own.py:Other")
    assert "Name it again" in lacking(plan)
    plugin_choice.use_file("own.py:Own")
    assert lacking(plan) == ""


def test_a_file_that_has_changed_is_not_the_one(own: Path) -> None:
    plan = plan_of_file(own)
    own.write_text("raise SystemExit('again')\n")
    plugin_choice.use_file("own.py:Own")
    before, now = plan.version[:12], hashlib.sha256(own.read_bytes()).hexdigest()[:12]
    assert lacking(plan) == (
        f"This run's cell 'own.py:Own' is in a file that has changed since: its SHA-256 was {before} and is {now}. "
        "Give back the old one, or train anew."
    )


def test_an_installed_cell_is_not_taken_for_a_files(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(own.parent / "site", "acme", "raise SystemExit('imported')", "own.py:Own = acme:cell")
    monkeypatch.syspath_prepend(str(own.parent / "site"))
    assert "own.py:Own" in plugins.installed()
    assert "Name it again" in lacking(plan_of_file(own))


def test_a_strangers_name_of_a_file_is_quoted_for_the_shell(own: Path) -> None:
    plan = dataclasses.replace(plan_of_file(own), cell="x.py$(touch owned)")
    assert lacking(plan).endswith("--cell 'FOLDER/x.py$(touch owned)'")
