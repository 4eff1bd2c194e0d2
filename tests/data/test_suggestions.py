"""What is suggested is what the trainer would choose, and needs neither numpy nor torch to say so."""

import subprocess
import sys

import pytest

from seqplay.data.suggestions import FEW, suggest, suggest_hidden


@pytest.mark.parametrize(
    ("count", "seconds", "size", "expected"),
    [
        (99, 120, "m", (32, "32 units suit 99 characters to learn from")),
        (100, 120, "m", (64, "64 units suit 100 characters to learn from")),
        (10**7, 60, "m", (512, "512 units suit 60 s of training")),
        (10**7, 60, "s", (256, "256 units suit 60 s of training at size s")),
        (10**7, 60, "l", (768, "768 units suit 60 s of training at size l")),
        (1, 120, "s", (16, "16 units suit 1 characters to learn from at size s")),
    ],
)
def test_both_the_text_and_the_time_must_allow_a_width(
    count: int, seconds: float, size: str, expected: tuple[int, str]
) -> None:
    assert suggest_hidden(count, size, seconds, "characters") == expected


def test_an_ordinary_text_gets_a_minute_and_the_width_that_it_allows() -> None:
    found = suggest(1_003_854, 0.0)
    assert (found.tokens, found.size, found.minutes, found.hidden) == ("char", "m", 1.0, 512)
    assert found.why == "512 units suit 60 s of training"


def test_a_text_of_a_few_lines_gets_no_time() -> None:
    assert suggest(FEW - 1, 0.0).minutes is None
    assert suggest(FEW, 0.0).minutes == 0.5
    assert suggest(5, 0.0).why == "32 units suit 5 characters to learn from"


def test_what_gets_no_time_is_what_the_trainer_gives_a_number_of_steps() -> None:
    from seqplay.engine import planning
    from seqplay.engine.tasks.text import TextTask

    assert planning.TINY_TOKENS == FEW
    assert suggest(5, 0.0).hidden == suggest_hidden(5, "m", TextTask.seconds, "characters")[0]


def test_the_larger_the_text_the_longer_the_time() -> None:
    found = [suggest(10**power, 0.0) for power in range(3, 10)]
    assert [one.minutes for one in found] == [0.5, 0.5, 1.0, 1.0, 15.0, 15.0, 15.0]
    assert [one.hidden for one in found] == sorted(one.hidden for one in found)
    assert suggest(5_000_000, 0.0).minutes == 5.0


def test_a_small_korean_text_is_spelled_with_jamo() -> None:
    found = suggest(29_603, 0.98, 58_488)
    assert (found.tokens, found.minutes, found.hidden) == ("jamo", 0.5, 256)
    assert found.why == "jamo suit a small Korean text; 256 units suit 58,488 jamo to learn from"
    assert "24,000 jamo" in suggest(10_000, 1.0).why


@pytest.mark.parametrize(("characters", "hangul_share"), [(29_603, 0.5), (29_603, 0.0), (100_000, 1.0)])
def test_other_texts_are_read_by_characters(characters: int, hangul_share: float) -> None:
    assert suggest(characters, hangul_share).tokens == "char"


def test_suggesting_loads_neither_numpy_nor_torch() -> None:
    code = "import sys; from seqplay.data import suggestions; sys.exit(bool({'numpy', 'torch'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
