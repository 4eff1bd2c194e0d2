"""Plans that nobody has to think about learn what they are for."""

from collections.abc import Callable
from typing import Any

import pytest

from seqplay import wire
from seqplay.data.built_in import FEELINGS
from seqplay.data.tokens import CODECS
from seqplay.engine import worker
from seqplay.errors import DataError

MakeRun = Callable[..., Any]
CELLS = ["lstm", "gru", "rnn"]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_hello_is_learned_letter_by_letter(cell: str, seed: int, make_run: MakeRun) -> None:
    run = make_run("hello", cell=cell, seed=seed, threads=1)
    assert run.train()
    assert run.write("h", 4, temperature=0) == "ello"
    for known in range(1, 5):
        assert run.write("hello"[:known], 1, temperature=0) == "hello"[known]
    assert run.rows("done")[0]["train_loss"] < 0.1
    assert run.rows("done")[0]["held_out_loss"] is None


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("cell", CELLS)
def test_feelings_go_on_with_words_of_the_sentences(cell: str, seed: int, make_run: MakeRun) -> None:
    run = make_run(FEELINGS, tokens="word", cell=cell, seed=seed, threads=1)
    assert run.train()
    options = {"prompt": "나는 오늘", "length": 5, "temperature": 0}
    rows = worker.answer(wire.Ask(str(run.files.path), "continue", options))
    words = [row["text"] for row in rows if row["kind"] == "token"]
    assert words == [" 기분이", " 좋아", ".", "\n", "나는"]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("text", ["ab", "aaaa", "\n\n\n", "가나", "a b"])
def test_the_smallest_texts_can_be_learned(text: str, cell: str, make_run: MakeRun) -> None:
    run = make_run(text, cell=cell, steps=60, hidden=8, threads=1, evaluate_every=60)
    assert run.train()
    assert run.rows("done")[0]["steps"] == 60
    assert run.write(text[0], len(text) - 1, temperature=0) == text[1:]


@pytest.mark.parametrize("kind", CODECS)
def test_each_kind_of_token_can_be_learned(kind: str, make_run: MakeRun) -> None:
    run = make_run("가나 각!\n" * 4, tokens=kind, steps=300, hidden=32, threads=1, evaluate_every=300)
    assert run.train()
    assert run.write("가나", 20, temperature=0).startswith(" 각!\n")


@pytest.mark.parametrize(
    ("text", "kind"), [("a", "char"), ("가", "char"), ("hello", "word"), ("hello", "bpe"), ("a", "byte"), ("a", "jamo")]
)
def test_a_text_with_nothing_to_predict_is_refused_with_its_least_length(
    text: str, kind: str, make_run: MakeRun
) -> None:
    run = make_run(text, tokens=kind)
    with pytest.raises(DataError, match=r"novel\.txt has 1 [a-z]+ to learn from; it takes 2 or") as refused:
        run.train()
    assert "\n" not in str(refused.value)
    assert not run.files.plan.exists()


def test_a_text_without_a_line_break_can_be_written_without_a_prompt(make_run: MakeRun) -> None:
    run = make_run("hello", steps=20, hidden=8)
    run.train()
    assert set(run.write("", 10)) <= set("hello")
