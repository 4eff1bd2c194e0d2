"""What a model writes while it learns, as people see it."""

from collections.abc import Callable
from typing import Any

TEXT = "날씨가 좋았다.\n나는 오늘 학교에 갔다.\n" * 40
PLAN = {"hidden": 8, "embedding": 8, "batch": 4, "sequence": 8, "steps": 1, "evaluate_every": 10**9}


def test_the_letter_that_a_jamo_model_begins_with_is_joined_to_its_syllable(make_run: Callable[..., Any]) -> None:
    run = make_run(TEXT, tokens="jamo", **PLAN)
    run.train()
    for row in run.figures():
        assert row["prompt"] + row["text"] != ""
        assert not row["prompt"] or not "ㄱ" <= row["prompt"][-1] <= "ㅎ"


def test_a_character_model_begins_with_the_first_character_of_its_text(make_run: Callable[..., Any]) -> None:
    run = make_run(TEXT, **PLAN)
    run.train()
    assert {row["prompt"] for row in run.figures()} == {"날"}
