"""The models to beat give odds that sum to 1, and the score that their textbook definitions give."""

import gzip
import hashlib
import math
import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from seqplay import paths
from seqplay.data import baselines
from seqplay.data.baselines import NGram, split
from seqplay.data.built_in import built_in_text
from seqplay.data.passages import cached_text
from seqplay.data.symbols import code_points
from seqplay.data.tokens.characters import Characters

UNKNOWN_BITS = math.log2(1_114_112)
random.seed(0)
WORDS = " ".join(random.choice(["a", "ab", "ba", "aab", "c"]) for _ in range(700))
TEXTS = {
    "english": built_in_text("verse").decode(),
    "korean": built_in_text("korean").decode()[:6000],
    "few symbols": WORDS,
    "one symbol": "a" * 1200,
    "held out unlike": WORDS[:1000] + "x가y" * 50,
    "all unknown": "a" * 1000 + "b" * 112,
}


def parts_of(text: str) -> baselines.Parts:
    return split(code_points(text))


def slow_five_gram(text: str) -> float:
    """Witten and Bell's model as its definition reads, with dictionaries."""
    kept = int(len(text) * 0.9 + 1e-9)
    train, held_out = text[:kept], text[kept:]
    followers: dict[str, Counter[str]] = defaultdict(Counter)
    for length in range(5):
        for i in range(length, kept):
            followers[train[i - length : i]][train[i]] += 1

    def odds(symbol: str, context: str) -> float:
        lower = odds(symbol, context[1:]) if context else 1 / (len(set(train)) + 1)
        seen = followers.get(context)
        return (seen[symbol] + len(seen) * lower) / (seen.total() + len(seen)) if seen else lower

    bits = 0.0
    for i in range(1, len(held_out)):
        bits -= math.log2(odds(held_out[i], held_out[max(0, i - 4) : i]))
        bits += UNKNOWN_BITS if held_out[i] not in followers[""] else 0.0
    return bits / (len(held_out) - 1)


@pytest.mark.parametrize("name", TEXTS)
def test_the_5_gram_scores_what_its_definition_gives(name: str) -> None:
    assert baselines.five_gram(parts_of(TEXTS[name])) == pytest.approx(slow_five_gram(TEXTS[name]), rel=1e-12)


@pytest.mark.parametrize("name", ["english", "korean", "one symbol"])
def test_the_odds_of_all_symbols_sum_to_1_after_any_context(name: str) -> None:
    parts = parts_of(TEXTS[name])
    model = NGram(parts.train, parts.symbols)
    rows = np.random.default_rng(0).integers(0, parts.symbols + 1, (40, 4)).tolist()
    rows += [parts.train[i : i + 4].tolist() for i in range(0, len(parts.train) - 4, 101)]
    rows += [parts.train[-4:].tolist(), [model.edge] * 4, [model.edge, model.edge, 1, 1]]
    for context in rows:
        head = sum(digit * model.base ** (4 - i) for i, digit in enumerate(context))
        odds = model.odds(np.array([head + symbol for symbol in range(parts.symbols)], model.keys.dtype))
        assert odds.sum() == pytest.approx(1, abs=1e-12)
        assert (odds > 0).all()


@pytest.mark.parametrize("most", [2, 5, 40])
def test_beyond_so_many_symbols_the_others_are_one_class(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXTS["english"] + "β"
    monkeypatch.setattr(baselines, "MOST_SYMBOLS", most)
    parts = parts_of(text)
    kept = int(len(text) * 0.9 + 1e-9)
    known = [None, *(symbol for symbol, _ in Counter(sorted(text[:kept])).most_common())]
    others = {symbol: text[:kept].count(symbol) for symbol in known[most - 1 :] if symbol}
    classed = "".join("\1" if symbol in others else symbol for symbol in text)
    within = [math.log2(sum(others.values()) / others[symbol]) for symbol in text[kept + 1 :] if symbol in others]
    # As many symbols as there are classes, the unknown one among them: as the slow model counts them.
    expected = slow_five_gram(classed) + sum(within) / (len(text) - kept - 1)
    assert baselines.five_gram(parts) == pytest.approx(expected, rel=1e-9)


def test_a_unigram_counts_each_symbol_once_more_than_it_occurs() -> None:
    text = "a" * 600 + "b" * 300 + "a" * 30 + "b" * 60 + "c" * 10
    # 900 to learn from, 100 held out, the first of which is not scored; with the unknown one three symbols.
    bits = 29 * math.log2(903 / 601) + 60 * math.log2(903 / 301) + 10 * (math.log2(903 / 1) + UNKNOWN_BITS)
    assert baselines.unigram(parts_of(text)) == pytest.approx(bits / 99, rel=1e-12)
    assert baselines.uniform(parts_of(text)) == pytest.approx(math.log2(3) + 10 / 99 * UNKNOWN_BITS, rel=1e-12)


def test_gzip_packs_as_gzip_does_at_its_best() -> None:
    content = TEXTS["korean"].encode()
    blocks = [content[:1000], content[1000:]]
    assert baselines.gzip(blocks, 6000) == 8 * len(gzip.compress(content, 9)) / 6000


@pytest.mark.parametrize("text", ["", "a", "hello", "ab" * 499])
def test_a_text_too_short_to_hold_anything_out_has_no_scores_but_that_of_chance(text: str) -> None:
    parts = parts_of(text)
    assert baselines.uniform(parts) == math.log2(len(set(text)) + 1)
    assert (baselines.unigram(parts), baselines.five_gram(parts)) == (None, None)
    assert baselines.gzip([text.encode()], len(text)) is None


@pytest.mark.parametrize("text", ["ab" * 499 + "c", "ab" * 500, "가 b😀\n" * 201, TEXTS["held out unlike"]])
def test_the_parts_and_their_ids_are_those_of_a_run(text: str) -> None:
    path = paths.make_private(paths.texts_dir()) / hashlib.sha256(text.encode()).hexdigest()
    path.write_bytes(text.encode())
    train, held_out = cached_text(path.name, "novel.txt").split(0.1)
    codec = Characters.learn(train)
    parts = parts_of(text)
    assert parts.train.tolist() == codec.encode(train.text()).tolist()
    assert parts.held_out.tolist() == codec.encode(held_out.text()).tolist()
    assert parts.symbols == len(codec)
    assert parts.text(parts.train) == train.text()
    assert dict(parts.ranked()) == Counter(train.text())


def test_a_5_gram_of_english_beats_gzip_which_beats_single_symbols() -> None:
    text = built_in_text("english")
    parts = parts_of(text.decode())
    scores = [
        baselines.five_gram(parts) or 0.0,
        baselines.gzip([text], len(text.decode())) or 0.0,
        baselines.unigram(parts) or 0.0,
        baselines.uniform(parts),
    ]
    assert scores == sorted(scores)
    assert 1.5 < scores[0] < 2.5
