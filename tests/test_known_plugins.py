"""What is known of the plugins, as the lines of a list and the facts of a box."""

from dataclasses import replace
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from seqplay import known_plugins
from seqplay.descriptions import Description
from seqplay.known_plugins import Known, Row, Setting
from seqplay.options import Option
from seqplay.plugins import Plugin


def plugin(name: str, distribution: str = "seqplay", version: str = "0.1.0", kind: str = "cell") -> Plugin:
    return Plugin(name, kind, distribution, version, EntryPoint(name, "module:cell", f"seqplay.{kind}s"))


OPTIONS = (
    Option("heads", int, 1024, "attention heads", 1, 65_536),
    Option("rate", float, 0.5, "speed", 1e-9, None),
    Option("cut", float, 1.5, "longest", None, 2.0),
    Option("causal", bool, True, "sees only the past"),
    Option("norm", str, "layer", "kind of norm", None, None, ("layer", "rms")),
    Option("window", int, None, "tokens that it sees"),
)
LSTM = Known(
    "lstm", plugin("lstm"), "works", Description("lstm", "cell", "Gates.", "H & S", OPTIONS, "seqplay", "0.1.0")
)
SSM = Known(
    "ssm", plugin("ssm", "seqplay-ssm", "1.4.0"), "broken", None, "needs einops", "pip install einops", "Tra\x1b"
)
READ = Known("mine", plugin("mine", "Mine", "2"), "reading")
CLASH = Known("aaa:lstm", plugin("lstm", "aaa", "1"), "works", LSTM.description)
OFF = Known("shut", plugin("shut", "b", "1"), "off")
OFF = replace(OFF, plugin=replace(OFF.plugin, off="disabled. Enable it: seqplay plugins enable b"))
GAN = Known("gan", plugin("gan", "aaa", "1", "model"), "reading")


def test_a_list_has_cells_before_models_and_seqplays_own_first() -> None:
    assert known_plugins.order([GAN, SSM, READ, CLASH, LSTM]) == [LSTM, CLASH, READ, SSM, GAN]


def test_each_line_says_its_state_its_names_and_where_it_comes_from() -> None:
    assert known_plugins.rows([LSTM, SSM, READ, CLASH]) == [
        Row("✓", "lstm", "cell", "seqplay", "0.1.0"),
        Row("✗", "ssm", "cell", "seqplay-ssm", "1.4.0"),
        Row("◌", "mine", "cell", "Mine", "2"),
        Row("✓", "aaa:lstm", "cell", "aaa", "1"),
    ]


def test_the_caption_counts_what_is_not_as_it_should_be() -> None:
    assert known_plugins.counts([LSTM, CLASH]) == "2 found"
    assert known_plugins.counts([LSTM, SSM, SSM, READ]) == "4 found · 1 being read… · 2 broken"
    assert known_plugins.counts([LSTM, OFF, SSM]) == "3 found · 1 broken · 1 off"


def test_the_facts_of_one_that_works() -> None:
    facts = known_plugins.details(LSTM, 3)
    assert (facts.title, facts.summary, facts.source, facts.origin) == ("lstm", "Gates.", "H & S", "seqplay 0.1.0")
    assert facts.uses == "3 runs use it."
    assert (facts.problem, facts.advice, facts.clash, facts.has_output) == ("", "", "", False)
    assert facts.settings == (
        Setting("heads", "attention heads", "1,024", "1 to 65,536"),
        Setting("rate", "speed", "0.5", "at least 1e-09"),
        Setting("cut", "longest", "1.5", "at most 2"),
        Setting("causal", "sees only the past", "true", "true, false"),
        Setting("norm", "kind of norm", "layer", "layer, rms"),
        Setting("window", "tokens that it sees", "automatic", ""),
    )


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        (0, "Everything else works."),
        (1, "Everything else works. 1 run uses it: it can be looked at, not sampled."),
        (2000, "Everything else works. 2,000 runs use it: they can be looked at, not sampled."),
    ],
)
def test_the_facts_of_a_broken_one_say_why_what_to_do_and_what_still_works(runs: int, said: str) -> None:
    facts = known_plugins.details(SSM, runs)
    assert (facts.problem, facts.advice, facts.uses) == ("needs einops", "pip install einops", said)
    assert (facts.summary, facts.settings, facts.has_output) == ("", (), True)


def test_one_that_is_off_says_why_and_that_its_runs_can_only_be_looked_at() -> None:
    assert known_plugins.rows([OFF]) == [Row("–", "shut", "cell", "b", "1")]
    facts = known_plugins.details(OFF, 2)
    assert facts.problem == "disabled. Enable it: seqplay plugins enable b"
    assert (facts.advice, facts.uses) == ("", "2 runs use it: they can be looked at, not sampled.")
    assert known_plugins.details(OFF, 0).uses == "No run uses it."


def test_a_single_file_is_named_with_the_beginning_of_its_hash_and_is_to_be_mended() -> None:
    own = plugin("own.py:Own", "the file own.py", "0123456789abcdef" * 4)
    assert known_plugins.details(Known("own.py:Own", own, "works"), 0).origin == "the file own.py 0123456789ab"
    assert known_plugins.mend(own) == "Mend the file own.py."


def test_one_that_is_being_read_says_so() -> None:
    facts = known_plugins.details(READ, 1)
    assert (facts.problem, facts.uses) == ("being read…", "1 run uses it.")
    assert known_plugins.details(READ, 0).uses == "No run uses it."


def test_a_clash_names_both_names() -> None:
    said = "Another cell is named lstm too, so that this one's name is aaa:lstm."
    assert known_plugins.details(CLASH, 0).clash == said
    assert known_plugins.details(replace(CLASH, state="broken"), 0).clash == said


@pytest.mark.parametrize("name", ["x; rm -rf ~", "--index-url=http://evil", "x y", "$(x)", "../x", "", "?", "a\nb"])
def test_what_is_no_package_is_never_part_of_a_command(name: str) -> None:
    assert known_plugins.mend(plugin("x", name)) == "Ask who made it."


def test_a_package_is_upgraded_or_removed_by_name() -> None:
    said = "pip install --upgrade seqplay-ssm, or take it out: pip uninstall seqplay-ssm"
    assert known_plugins.mend(plugin("ssm", "seqplay-ssm")) == said


def test_who_installed_a_plugin_to_change_it_is_told_where_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / "seqplay_mine-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: seqplay-mine\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[seqplay.cells]\nmine = mine:cell\n")
    (dist,) = metadata.distributions(path=[str(tmp_path)])
    (entry,) = dist.entry_points
    mine = Plugin("mine", "cell", "seqplay-mine", "1.0", entry)
    for told in ('{"url": "file:///made/by%20me", "dir_info": {"editable": true}}', "{", '{"url": "file:///x"}'):
        (folder / "direct_url.json").write_text(told)
        assert known_plugins.mend(mine) == (
            "Mend it in /made/by me, and after a change of its pyproject.toml: pip install -e '/made/by me'"
            if "editable" in told
            else "pip install --upgrade seqplay-mine, or take it out: pip uninstall seqplay-mine"
        )
