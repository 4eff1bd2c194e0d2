"""What a model answers about a text is exact, and reading on from a place that it has read costs a step."""

import math
from typing import Any

import numpy as np
import pytest

from seqplay.data import tokens
from seqplay.errors import RunError, UsageError
from seqplay.steps import questions, reading
from seqplay.steps.questions import text_questions
from seqplay.steps.reading import Reader
from seqplay.steps.writing import Dials, odds, surprise, write

LETTERS = tokens.learn("char", ["\nabcde"])
JAMO = tokens.learn("jamo", ["\n나는 오늘"])


class Model:
    """A step whose odds depend on everything that was read, and which notes every token that it reads."""

    def __init__(self, vocabulary: int = len(LETTERS), size: int = 1) -> None:
        self.vocabulary, self.size, self.read = vocabulary, size, list[int]()

    def __call__(self, token: int, state: Any) -> tuple[np.ndarray, Any]:
        self.read.append(token)
        seen = (*(state[0] if state else ()), token)
        logits = np.random.default_rng(seen).normal(0, 2, self.vocabulary).astype(np.float32)
        return logits, (seen, np.zeros(self.size))

    def logits(self, ids: list[int]) -> np.ndarray:
        return np.random.default_rng(tuple(ids)).normal(0, 2, self.vocabulary).astype(np.float32)


def asked(model: Any, question: str, codec: tokens.Codec = LETTERS, **options: Any) -> list[dict[str, Any]]:
    return list(text_questions(codec, model)[question](options))


def ids_of(text: str) -> list[int]:
    return LETTERS.encode(text).tolist()


# -- read


def test_the_surprise_of_a_token_is_minus_log2_of_its_odds_before_it_came() -> None:
    model = Model()
    (row,) = asked(model, "read", prompt="abca")
    ids = ids_of("abca")
    assert [(text, taken) for text, taken, _ in row["pieces"]] == [(c, [i]) for c, i in zip("abca", ids, strict=True)]
    first, *others = [bits for _, _, bits in row["pieces"]]
    assert first is None
    expected = [-math.log2(odds(model.logits(ids[:n]), Dials(1.0))[ids[n]]) for n in (1, 2, 3)]
    np.testing.assert_allclose(others, expected, atol=1e-5)


def test_the_surprise_of_a_syllable_is_that_of_its_jamo_together() -> None:
    (row,) = asked(Model(len(JAMO)), "read", JAMO, prompt="나는")
    ids = JAMO.encode("나는").tolist()
    each = [surprise(Model(len(JAMO)).logits(ids[:n]), ids[n]) for n in range(2, 5)]
    assert row["pieces"] == [["나", ids[:2], None], ["는", ids[2:], pytest.approx(sum(each))]]


def test_symbols_that_were_never_seen_are_named_and_left_out() -> None:
    (row,) = asked(Model(), "read", prompt="aXbXY")
    assert row["unknown"] == ["X", "Y"]
    assert [text for text, _, _ in row["pieces"]] == ["a", "b"]


def test_ids_that_are_no_tokens_are_left_out() -> None:
    (row,) = asked(Model(), "read", ids=[-1, 0, 2, 99, 3])
    assert [taken for _, taken, _ in row["pieces"]] == [[2], [3]]


def test_nothing_is_a_text() -> None:
    model = Model()
    assert asked(model, "read", prompt="") == [{"kind": "read", "pieces": [], "unknown": []}]
    assert model.read == LETTERS.start().tolist()


def test_a_long_text_is_told_in_rows_of_a_limited_length(monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = asked(Model(), "read", prompt="abXcab")
    monkeypatch.setattr(questions, "AT_ONCE", 2)
    rows = asked(Model(), "read", prompt="abXcab")
    assert [len(row["pieces"]) for row in rows] == [2, 2, 1]
    assert [piece for row in rows for piece in row["pieces"]] == whole["pieces"]
    assert [row["unknown"] for row in rows] == [["X"], [], []]


def test_with_a_start_before_it_the_first_token_is_predicted_too() -> None:
    (row,) = asked(Model(), "read", prompt="a", start=True)
    expected = surprise(Model().logits(LETTERS.start().tolist()), ids_of("a")[0])
    assert row["pieces"] == [["a", ids_of("a"), pytest.approx(expected)]]


# -- next


def test_the_odds_are_those_of_the_dials_and_of_temperature_1_side_by_side() -> None:
    ids, dials = ids_of("ab"), Dials(0.5, top_k=3)
    (row,) = asked(Model(), "next", ids=ids, temperature=0.5, top_k=3, most=4)
    logits = Model().logits(ids)
    p, p1, cut = odds(logits, Dials(0.5)), odds(logits, Dials(1.0)), odds(logits, dials)
    order = sorted(range(1, len(p)), key=lambda i: -p[i])
    assert [token["id"] for token in row["tokens"]] == order[:4]
    for token in row["tokens"]:
        i = token["id"]
        assert token == {
            "id": i, "text": LETTERS.symbols[i], "p": float(p[i]), "p1": float(p1[i]), "kept": bool(cut[i] > 0)
        }  # fmt: skip
    assert [token["kept"] for token in row["tokens"]] == [True, True, True, False]
    assert row["tail"] == pytest.approx(p[order[4:]].sum(), abs=1e-6)
    assert row["uncertainty_bits"] == pytest.approx(-sum(x * math.log2(x) for x in p if x), abs=1e-5)


def test_equal_odds_are_as_uncertain_as_so_many_choices() -> None:
    (row,) = asked(lambda token, state: (np.zeros(7, np.float32), None), "next", ids=[1], most=2)
    assert row["uncertainty_bits"] == pytest.approx(math.log2(6))
    assert (len(row["tokens"]), row["tail"]) == (2, pytest.approx(4 / 6))


def test_at_temperature_0_there_is_one_choice() -> None:
    (row,) = asked(Model(), "next", ids=[1], temperature=0)
    assert [token["p"] for token in row["tokens"]] == [1, 0, 0, 0, 0, 0]
    assert (row["uncertainty_bits"], row["tail"]) == (0, 0)


def test_odds_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(RunError, match="diverged"):
        asked(lambda token, state: (np.full(7, np.nan, np.float32), None), "next", ids=[1])


# -- continue


def test_what_is_written_is_what_the_dials_draw_with_the_surprise_of_each() -> None:
    rows = asked(Model(), "continue", prompt="ab", length=30, seed=5, temperature=1.5)
    *written, last = rows
    ids = list(write(Model(), ids_of("ab"), 30, Dials(1.5, seed=5)))
    assert [row["ids"] for row in written] == [[i] for i in ids]
    assert "".join(row["text"] for row in written) == LETTERS.decode(ids)
    (read,) = asked(Model(), "read", ids=ids_of("ab") + ids)
    assert [row["bits"] for row in written] == [bits for _, _, bits in read["pieces"][2:]]
    (following,) = asked(Model(), "next", ids=ids_of("ab") + ids, temperature=1.5)
    assert last == following


def test_odds_come_in_between_as_time_goes_by(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(questions, "BETWEEN_SECONDS", 4)
    monkeypatch.setattr(questions.time, "monotonic", lambda: next(clock))
    rows = asked(Model(), "continue", prompt="ab", length=12, seed=1)
    kinds = [row["kind"] for row in rows]
    assert kinds == [*["token"] * 5, "next", *["token"] * 5, "next", *["token"] * 2, "next"]
    ids = ids_of("ab") + [row["ids"][0] for row in rows[:5]]
    assert rows[5] == asked(Model(), "next", ids=ids)[0]


def test_a_syllable_is_written_as_one_piece_with_all_its_jamo() -> None:
    rows = asked(Model(len(JAMO)), "continue", JAMO, prompt="나", length=60, seed=3)
    written = [row for row in rows if row["kind"] == "token"]
    assert sum(len(row["ids"]) for row in written) == 60
    assert max(len(row["ids"]) for row in written) > 1
    (read,) = asked(Model(len(JAMO)), "read", JAMO, ids=[i for row in written for i in row["ids"]])
    assert [row["text"] for row in written] == [text for text, _, _ in read["pieces"]]


@pytest.mark.parametrize(
    ("question", "options", "words"),
    [
        ("continue", {"length": -1}, "^length takes"),
        ("continue", {"heat": 1}, "No setting of sampling named 'heat'"),
        ("continue", {"temperature": "hot"}, "^temperature takes"),
        ("next", {"most": 0}, "^most takes"),
        ("next", {"length": 3}, "No setting"),
        ("beside", {}, "^temperatures takes"),
        ("beside", {"temperatures": [0.5] * 9}, "^temperatures takes"),
        ("beside", {"temperatures": ["hot"]}, "^temperature takes"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(question: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        asked(Model(), question, prompt="a", **options)


# -- beside


def test_columns_are_what_each_temperature_writes_alone_in_turns() -> None:
    temperatures = [0.4, 0.8, 1.2]
    rows = asked(Model(), "beside", prompt="ab", length=9, seed=5, temperatures=temperatures)
    for column, temperature in enumerate(temperatures):
        alone = asked(Model(), "continue", prompt="ab", length=9, seed=5, temperature=temperature)
        assert [row for row in rows if row["column"] == column] == [{**row, "column": column} for row in alone]
    assert [row["column"] for row in rows if row["kind"] == "token"] == [0, 1, 2] * 9


# -- what is not read twice


def test_what_was_read_is_not_read_again() -> None:
    model = Model()
    ask = text_questions(LETTERS, model)
    written = [row["ids"][0] for row in ask["continue"]({"prompt": "abc", "length": 50}) if row["kind"] == "token"]
    ids = ids_of("abc") + written
    assert model.read == ids
    for options, steps in (
        ({"ids": ids}, 0),
        ({"ids": ids, "temperature": 2.0}, 0),
        ({"ids": ids[:20]}, 1),
        ({"ids": ids[:19]}, 1),
        ({"ids": [*ids, 2]}, 1),
        ({"ids": [*ids[:20], 7 - ids[20]]}, 2),
        ({"ids": ids}, 1),
    ):
        model.read.clear()
        (row,) = ask["next"](options)
        assert len(model.read) == steps, options
        assert row == asked(Model(), "next", **options)[0]
    model.read.clear()
    assert list(ask["read"]({"ids": ids})) == asked(Model(), "read", ids=ids)
    assert model.read == ids[-1:]


def test_states_too_large_to_keep_are_thinned_out_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 20 * 800)
    model = Model(size=100)
    reader, ids = Reader(model), np.random.default_rng(0).integers(1, len(LETTERS), 100).tolist()
    whole = reader.read(ids)
    assert len(whole.states) <= 20
    for count in (100, 99, 57, 1, 32, 33):
        model.read.clear()
        found = reader.read(ids[:count])
        assert found.logits.tolist() == Model().logits(ids[:count]).tolist()
        assert found.bits == whole.bits[:count]
        assert len(model.read) <= whole.stride


def test_a_long_text_that_was_stopped_goes_on_where_it_was() -> None:
    model, left = Model(), iter(range(30))

    def watch() -> None:
        if next(left, None) is None:
            raise InterruptedError

    ask, ids = text_questions(LETTERS, model, watch), [1, 2] * 25
    with pytest.raises(InterruptedError):
        list(ask["read"]({"ids": ids}))
    assert len(model.read) == 30
    left = iter(range(30))
    list(ask["read"]({"ids": ids}))
    assert model.read == ids


def test_only_the_last_few_texts_are_remembered() -> None:
    reader = Reader(Model())
    for first in range(1, 7):
        for second in range(1, 7):
            reader.read([first, second])
    assert [text.ids for text in reader.recent] == [[n // 6 + 1, n % 6 + 1] for n in range(28, 36)]
