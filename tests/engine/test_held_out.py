"""The held-out part is never learned from, and its score is what a plain reading of it gives."""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from seqplay.data import passages
from seqplay.data.built_in import built_in_text
from seqplay.data.passages import Passage, cached_text
from seqplay.data.tokens import CODECS, learn
from seqplay.engine import checkpoints
from seqplay.engine import tasks as all_tasks
from seqplay.engine.tasks import text as text_task
from seqplay.engine.tasks.text import CODE_POINTS, SCORES, TextTask
from seqplay.errors import RunError
from seqplay.runs.best import best_step

MakeRun = Callable[..., Any]
SIZES = {"hidden": 8, "embedding": 8, "threads": 1}
EACH_ITS_OWN = "".join(chr(0x4E00 + place) for place in range(3000))  # an id tells its place
EPOCHS = 3
PLANTED = "§"
MARKS = {"char": PLANTED, "word": "unicorn", "bpe": "unicorn", "byte": PLANTED, "jamo": "각"}
KINDS = tuple(MARKS)


def opened(run: Any) -> tuple[TextTask, torch.nn.Module]:
    """The task of a run and its network, with the weights of its best checkpoint where it has one."""
    task, _ = all_tasks.reopen(run.files)
    assert isinstance(task, TextTask)
    network = task.build(run.plan).requires_grad_(False).eval()
    if run.steps():
        checkpoints.load_model(run.files.checkpoints, best_step(run.files.checkpoints), network)
    return task, network


def epochs(run: Any) -> list[list[dict[str, torch.Tensor]]]:
    """The batches of several epochs, as training sees them."""
    task, network = opened(run)
    found: list[list[dict[str, torch.Tensor]]] = []
    step = 0
    while len(found) <= EPOCHS:
        batch, afresh = task.batch(network, run.plan, step)
        found += [[]] if afresh else []
        found[-1].append(dict(batch))
        step += 1
    return found[:EPOCHS]


@pytest.mark.parametrize(("batch", "sequence"), [(8, 16), (32, 64), (1, 5), (7, 100)])
def test_each_epoch_reads_a_stretch_of_the_training_part_once_and_nothing_else(
    batch: int, sequence: int, make_run: MakeRun
) -> None:
    run = make_run(EACH_ITS_OWN, steps=1, batch=batch, sequence=sequence, **SIZES).planned()
    task, _ = opened(run)
    assert (len(task.train_ids), len(task.held_out_ids)) == (2700, 300)
    beginnings = set()
    for epoch in epochs(run):
        ids = torch.cat([b["ids"].flatten() for b in epoch]).sort().values
        following = torch.cat([b["next"].flatten() for b in epoch]).sort().values
        first = int(ids[0])
        assert ids.tolist() == list(range(first, first + len(ids)))
        assert following.tolist() == list(range(first + 1, first + len(ids) + 1))
        assert first >= 1  # id 0 is the unknown symbol
        assert int(following[-1]) <= 2700
        assert 2700 - len(ids) <= batch * sequence + sequence
        beginnings.add(first)
    assert len(beginnings) > 1


def test_rows_of_a_batch_go_on_where_they_ended_in_the_batch_before(make_run: MakeRun) -> None:
    run = make_run(EACH_ITS_OWN, steps=1, batch=8, sequence=16, **SIZES).planned()
    for epoch in epochs(run):
        assert len(epoch) == (2700 - 16) // (8 * 16)
        for before, after in pairwise(epoch):
            assert torch.equal(before["next"][:, -1], after["ids"][:, 0])
        for batch in epoch:
            assert torch.equal(batch["ids"][:, 1:], batch["next"][:, :-1])


def planted(kind: str) -> str:
    """2,000 characters whose held-out part alone holds a symbol, in the middle of plain text."""
    plain = "the cat sat on mats\n" * 100
    mark = MARKS[kind]
    return plain[:1900] + mark + plain[1900 + len(mark) : 2000]


def assert_unseen(run: Any, kind: str) -> None:
    """What is planted in the held-out part is in no vocabulary and in no batch."""
    task, _ = opened(run)
    train = planted(kind)[:1800]
    assert run.files.tokenizer.read_text() == learn(kind, [train]).tokenizer_json()
    known = set(task.codec.encode(train).tolist())
    assert not known.issuperset(task.codec.encode(MARKS[kind]).tolist())
    for epoch in epochs(run):
        for batch in epoch:
            assert known.issuperset(batch["ids"].flatten().tolist())
            assert known.issuperset(batch["next"].flatten().tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_a_symbol_of_the_held_out_part_alone_is_never_seen(kind: str, make_run: MakeRun) -> None:
    run = make_run(planted(kind), tokens=kind, steps=1, **SIZES).planned()
    assert_unseen(run, kind)
    task, _ = opened(run)
    train, held_out = (found.read(0, len(found)) for found in (task.train_ids, task.held_out_ids))
    assert task.codec.decode(train) == planted(kind)[:1800]
    assert int((held_out == 0).sum()) == {"char": 1, "word": 1, "jamo": 3, "bpe": 0, "byte": 0}[kind]
    if kind in ("bpe", "byte"):
        assert task.codec.decode(held_out) == planted(kind)[1800:]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "byte"])  # of bytes nothing is learned
def test_a_vocabulary_of_the_whole_text_is_noticed(
    kind: str, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = learn(kind, [planted(kind)])
    with monkeypatch.context() as patch:
        patch.setattr(CODECS[kind], "learn", lambda *_: whole)
        run = make_run(planted(kind), tokens=kind, steps=1, **SIZES).planned()
    with pytest.raises(AssertionError):
        assert_unseen(run, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_learning_from_the_whole_text_is_noticed(kind: str, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(planted(kind), tokens=kind, steps=1, **SIZES).planned()
    split = Passage.split
    monkeypatch.setattr(Passage, "split", lambda whole, holdout: (whole, split(whole, holdout)[1]))
    with pytest.raises((AssertionError, RunError)):
        assert_unseen(run, kind)


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_of_a_large_text_the_vocabulary_comes_from_its_beginning(
    kind: str, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "the cat sat on mats\n" * 50 + "a dog lay there\n" * 50
    run = make_run(text, tokens=kind, steps=1, **SIZES).planned()
    assert run.files.tokenizer.read_text() == learn(kind, [text[:1620]]).tokenizer_json()
    assert not [notice for notice in run.plan.notices if "vocabulary" in notice]
    monkeypatch.setattr(CODECS[kind], "learns_from", 1000)
    run = make_run(text, tokens=kind, steps=1, **SIZES).planned()
    assert run.files.tokenizer.read_text() == learn(kind, [text[:1000]]).tokenizer_json()
    assert [notice for notice in run.plan.notices if "vocabulary comes from the first" in notice]


# -- the score


@pytest.fixture(scope="module", params=["lstm", "gru", "rnn"])
def trained_once(
    request: pytest.FixtureRequest, make_run_in: MakeRun, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """A home, and a run in it whose held-out part holds an unknown character; no test changes it."""
    home = tmp_path_factory.mktemp("held-out")
    text = built_in_text("english").decode()[:4000]
    text = text[:3900] + PLANTED * 2 + text[3902:]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SEQPLAY_HOME", str(home))
        run = make_run_in(home, text, cell=request.param, steps=30, layers=2, evaluate_every=10, **SIZES)
        assert run.train()
    return home, run


@pytest.fixture
def trained(trained_once: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    home, run = trained_once
    monkeypatch.setenv("SEQPLAY_HOME", str(home))
    return run


def naive(network: torch.nn.Module, ids: list[int]) -> tuple[float, int]:
    """Summed loss and right guesses of one reading, a token at a time."""
    nats, hits, state = 0.0, 0, None
    for heard, said in pairwise(ids):
        logits, state = network(torch.tensor([[heard]]), state)
        odds = torch.softmax(logits[0, 0].double(), -1)
        nats -= math.log(odds[said])
        hits += int(odds.argmax()) == said
    return nats, hits


def test_the_score_is_that_of_one_reading_from_the_first_token_to_the_last(trained: Any) -> None:
    task, network = opened(trained)
    text = cached_text(trained.plan.data, "").text()[3600:]
    ids = task.codec.encode(text).tolist()
    nats, hits = naive(network, ids)
    done = trained.rows("done")[0]
    assert (done["held_out_tokens"], done["scored_tokens"]) == (len(text), len(text) - 1) == (400, 399)
    assert done["held_out_loss"] == pytest.approx(nats / 399, abs=1e-5)
    assert done["held_out_accuracy"] == pytest.approx(hits / 399, abs=1e-9)
    assert done["perplexity"] == pytest.approx(math.exp(nats / 399), rel=1e-5)
    spelled = nats + 2 * math.log(1_114_112)
    assert done["bits_per_byte"] == pytest.approx(spelled / math.log(2) / len(text[1:].encode()), abs=1e-5)
    assert task.evaluate(network) == {name: done[name] for name in SCORES}


def test_windows_start_cold_and_each_predicts_as_many_tokens_as_it_is_wide(trained: Any) -> None:
    task, network = opened(trained)
    ids = task.held_out_ids.read(0, 400).tolist()
    blocks = [ids[start : start + 9] for start in range(0, len(ids) - 8, 8)]
    scores = task.evaluate(network, window=8)
    assert scores["scored_tokens"] == 8 * len(blocks) == 8 * (399 // 8)
    summed = [naive(network, block) for block in blocks]
    assert scores["held_out_loss"] == pytest.approx(sum(nats for nats, _ in summed) / (8 * len(blocks)), abs=1e-5)
    assert scores["held_out_accuracy"] == pytest.approx(sum(hits for _, hits in summed) / (8 * len(blocks)))
    assert scores["held_out_loss"] != pytest.approx(task.evaluate(network)["held_out_loss"], abs=1e-4)


def test_a_window_wider_than_the_held_out_part_scores_nothing(trained: Any) -> None:
    task, network = opened(trained)
    assert task.evaluate(network, window=400) == dict.fromkeys(SCORES)


def test_the_estimate_is_the_loss_of_a_few_streams_of_the_held_out_part(trained: Any) -> None:
    task, _ = opened(trained)
    batches = list(task.held_out())
    rows = batches[0]["ids"].shape[0]
    assert rows == 400 // 64
    read = torch.cat([batch["ids"] for batch in batches], 1)
    assert read.flatten().tolist() == task.held_out_ids.read(0, rows * (399 // rows)).tolist()


@pytest.mark.parametrize(
    ("kind", "hidden"), [("char", 1), ("word", len("unicorn")), ("bpe", 0), ("byte", 0), ("jamo", 1)]
)
def test_an_unknown_symbol_costs_its_spelling_in_bits_a_byte(kind: str, hidden: int, make_run: MakeRun) -> None:
    run = make_run(planted(kind), tokens=kind, steps=3, **SIZES)
    run.train()
    done = run.rows("done")[0]
    nats = done["held_out_loss"] * done["scored_tokens"]
    first = {"word": "the", "bpe": "the"}.get(kind, "t")  # is read, and not predicted
    bits = done["bits_per_byte"] * math.log(2) * len(planted(kind)[1800 + len(first) :].encode())
    assert CODE_POINTS == 1_114_112
    assert (bits - nats) / math.log(1_114_112) == pytest.approx(hidden, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scored", [2, 50, 111, 10**6])
def test_a_score_of_the_first_tokens_divides_by_what_they_stand_for(
    scored: int, kind: str, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they are found block by block."""
    run = make_run(planted(kind), tokens=kind, steps=1, **SIZES).planned()
    task, network = opened(run)
    monkeypatch.setattr(text_task, "MOST_SCORED", scored)
    monkeypatch.setattr(passages, "BLOCK", 48)
    scores = task.evaluate(network)
    ids = task.codec.encode(planted(kind)[1800:])
    assert scores["held_out_tokens"] == len(ids)
    assert scores["scored_tokens"] == min(scored, len(ids)) - 1
    bytes_, hidden = (sum(column[1:scored]) for column in task.codec.spelled(planted(kind)[1800:]))
    nats = scores["held_out_loss"] * scores["scored_tokens"] + hidden * math.log(CODE_POINTS)
    assert scores["bits_per_byte"] == pytest.approx(nats / math.log(2) / bytes_)


@pytest.mark.parametrize(("length", "scored"), [(999, False), (1000, True)])
def test_under_1000_characters_nothing_is_held_out_and_its_numbers_are_null(
    length: int, scored: bool, make_run: MakeRun
) -> None:
    run = make_run(("abc de\n" * 200)[:length], steps=3, **SIZES)
    run.train()
    done = run.rows("done")[0]
    assert {done[name] is not None for name in SCORES} == {scored}
    assert (done["best_step"] is not None) is scored
    assert {row["held_out_estimate"] is not None for row in run.rows("evaluation")} == {scored}
    assert done["train_loss"] is not None


def test_what_is_scored_inside_one_syllable_alone_has_no_bits_a_byte(make_run: MakeRun) -> None:
    """Its bytes count at its first letter, and the first token of a stream is never predicted."""
    run = make_run("가나다라마" * 200, tokens="jamo", steps=1, holdout=0.001, **SIZES)
    run.train()
    done = run.rows("done")[0]
    assert done["scored_tokens"] == 1
    assert done["held_out_loss"] is not None
    assert done["bits_per_byte"] is None
