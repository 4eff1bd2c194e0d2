"""Runs of pictures: they keep every promise that runs of texts keep, and their networks learn in turns."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from seqplay import wire
from seqplay.data.pictures import Pictures
from seqplay.engine import drive, loop, tasks, worker
from seqplay.engine.pictures import Dealer, Pixels, read_pixels, to_tensor
from seqplay.engine.tasks import digits
from seqplay.engine.tasks.digits import DigitsTask, between, directions
from seqplay.engine.tasks.pictures import PictureTask
from seqplay.engine.train import train
from seqplay.errors import DataError, RunError, UsageError
from seqplay.figures import Bars, Picture, Table, from_json
from seqplay.recipe import plan_from_json

MakeRun = Callable[..., Any]
SMALL = {"batch": 8, "threads": 1, "settings": {"width": 4, "latent": 6}}
NEVER = 10**9


@pytest.fixture
def make_gan(make_picture_run: MakeRun) -> MakeRun:
    def make(model: str = "dcgan", **asked: Any) -> Any:
        return make_picture_run("digits", model, **{**SMALL, "steps": 6, "evaluate_every": 3, **asked})

    return make


@pytest.fixture
def drawer(make_gan: MakeRun) -> Any:
    """The task of a run that draws, with a network that has learned nothing."""
    task, plan = tasks.reopen(make_gan().planned().files)
    task.network = task.build(plan)
    return task


@pytest.fixture
def make_reader(make_picture_run: MakeRun) -> MakeRun:
    def make(**asked: Any) -> Any:
        small = {"batch": 16, "threads": 1, "settings": {"width": 4}, "steps": 40, "evaluate_every": 20}
        return make_picture_run("recognise", "cnn", **{**small, **asked})

    return make


def ask(run: Any, question: str, **options: Any) -> list[Any]:
    rows = worker.answer(wire.Ask(str(run.files.path), question, options))
    return [from_json(row) if row["kind"] == "figure" else row for row in rows]


def go_on(run: Any) -> bool:
    """Train it as a new process does, for which nothing was asked yet."""
    return train(run.files, earlier_requests=run.files.control.stat().st_size)


def same(one: Any, other: Any) -> bool:
    """Whether two runs have the same losses and end in the same weights, moments and statistics, to the last bit."""
    mine, its = one.checkpoint(), other.checkpoint()
    tensors = [name for name in mine if "/" in name]
    return one.losses() == other.losses() and all(torch.equal(mine[name], its[name]) for name in tensors)


@pytest.mark.parametrize("model", ["dcgan", "wgan"])
def test_looking_at_a_generator_changes_no_loss_and_no_statistics(
    model: str, make_gan: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    seldom = make_gan(model, evaluate_every=NEVER)
    seldom.train()
    often = seldom.twin("often")
    often.change_plan(evaluate_every=1)
    for name in ("PREVIEW_SECONDS", "PREVIEW_SHARE"):
        monkeypatch.setattr(drive, name, 0.0)
    monkeypatch.setattr(drive, "PREVIEW_COST", 1e9)
    often.train()
    assert len(often.figures()) == 7
    assert len(often.figures(by_clock=True)) == 6
    assert same(often, seldom)
    assert any("running_mean" in name for name in seldom.checkpoint()) or model == "wgan"


@pytest.mark.parametrize("model", ["dcgan", "wgan"])
def test_a_generator_goes_on_exactly_where_it_was_stopped(
    model: str, make_gan: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make_gan(model)
    whole.train()
    parted, real = whole.twin("parted"), loop.update

    def stop_after_four(*arguments: Any) -> Any:
        made = real(*arguments)
        if arguments[0].step == 4:
            parted.ask("stop")
        return made

    with monkeypatch.context() as patched:
        patched.setattr(loop, "update", stop_after_four)
        assert not parted.train()
    assert parted.steps()[-1] == 4
    assert go_on(parted)
    assert same(parted, whole)
    assert parted.numbers() == whole.numbers()


def test_a_step_tells_the_losses_of_both_networks_and_what_the_critic_believes(make_gan: MakeRun) -> None:
    run = make_gan()
    run.train()
    steps = run.rows("step")
    assert len(steps) == 6
    for row in steps:
        assert row["train_loss"] == row["generator_loss"]
        assert 0 <= row["train_real"] <= 1
        assert 0 <= row["train_drawn"] <= 1
        assert row["critic_loss"] != row["generator_loss"]
    (start,) = run.rows("start")
    assert (start["model"], start["cell"], start["hidden"], start["unit"]) == ("dcgan", None, None, "picture")
    (done,) = run.rows("done")
    assert (done["held_out_loss"], done["confident_share"]) == (None, None)


def test_one_network_may_learn_alone_and_the_run_pauses_after_it(make_gan: MakeRun) -> None:
    run = make_gan().planned()
    task, plan = tasks.reopen(run.files)
    training, hands = loop.start(task, plan), loop.Hands(plan)
    before = {name: tensor.clone() for name, tensor in training.network.named_parameters()}
    loop.update(training, task, plan, hands, ["critic"])
    hands.close()
    changed = [name for name, p in training.network.named_parameters() if not torch.equal(p, before[name])]
    assert changed != []
    assert {name.partition(".")[0] for name in changed} == {"critic"}


def test_an_update_that_was_asked_for_alone_is_made_again_when_the_run_is_replayed(
    make_gan: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_gan(evaluate_every=NEVER).planned()
    asked, waits = [1, 2, 3], drive.Drive._wait

    def wait(self: Any) -> None:
        if asked:
            run.ask("step", asked.pop(0))
        else:
            run.ask("continue")
        waits(self)

    monkeypatch.setattr(drive.Drive, "_wait", wait)
    run.ask("pause")
    assert run.train()
    assert [(row["step"], row["name"], row["value"]) for row in run.rows("change")] == [
        (0, "phases", 1), (1, "phases", 2), (2, "phases", 3),
    ]  # fmt: skip
    assert [("critic_loss" in row, "generator_loss" in row) for row in run.rows("step")] == [
        (True, False), (False, True), *[(True, True)] * 4,
    ]  # fmt: skip
    replayed = run.copy("replayed")
    for step in replayed.steps()[1:]:
        for path in (replayed.files.checkpoints / str(step)).iterdir():
            path.unlink()
        (replayed.files.checkpoints / str(step)).rmdir()
    assert go_on(replayed)
    assert same(replayed, run)


def test_a_stop_while_the_judge_learns_loses_nothing_and_judges_again(
    make_gan: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "JUDGED_FROM", 1)
    scores = {"confident_share": 0.5, "frechet": 3.0}
    monkeypatch.setattr(DigitsTask, "_score", lambda self, network, stream, seed, watch: watch("learning") or scores)
    whole = make_gan()
    whole.train()
    assert [row.get("frechet") for row in whole.rows("evaluation")] == [None, 3.0, 3.0]
    assert whole.checkpoint()["best_step"] == 3  # a later one that is no better does not take its place
    parted, real = whole.twin("parted"), loop.update

    def stop_at_three(*arguments: Any) -> Any:
        made = real(*arguments)
        if arguments[0].step == 3:
            parted.ask("stop")
        return made

    with monkeypatch.context() as patched:
        patched.setattr(loop, "update", stop_at_three)
        assert not parted.train()
    assert [row["step"] for row in parted.rows("evaluation")] == [0]
    assert parted.steps()[-1] == 3
    assert go_on(parted)
    assert parted.numbers() == whole.numbers()
    assert same(parted, whole)


def test_a_generator_answers(make_gan: MakeRun) -> None:
    run = make_gan()
    run.train()
    (sample,) = ask(run, "sample", count=5, seed=3)
    assert (sample.count, sample.height, sample.width, sample.ink) == (5, 8, 8, True)
    assert ask(run, "sample", count=5, seed=3) == [sample]
    assert ask(run, "sample", count=5, seed=4) != [sample]
    (way,) = ask(run, "walk", first=0, last=1, steps=4)
    (begin,), (end,) = ask(run, "turn", point=0), ask(run, "turn", point=1)
    assert way.values()[:64] == begin.values()
    assert way.values()[-64:] == end.values()
    (turned,) = ask(run, "turn", point=0, sliders=[0, 0, 3.0])
    assert turned.values() != begin.values()
    (nearest,) = ask(run, "nearest", count=2)
    assert (nearest.count, nearest.columns) == (4, 2)
    assert ask(run, "sample", count=None, temperature=None, seed=0) == ask(run, "sample")
    (shown,) = (row for row in run.figures() if row["step"] == 6)
    assert way.values()[:64] == from_json(shown).values()[:64]  # the points are those that the run shows


@pytest.mark.parametrize(
    ("question", "options", "said"),
    [
        ("sample", {"count": "many"}, "count takes a whole number from 1 to 4096, not 'many'."),
        ("sample", {"count": 0}, "count takes a whole number from 1 "),
        ("sample", {"temperature": float("nan")}, "temperature takes a number from 0 to 100, not 'nan'."),
        ("sample", {"temperature": -1}, "temperature takes a number from 0 to 100, not '-1'."),
        ("sample", {"wrong": 1}, "No setting of the question 'sample' named 'wrong'. It has: count, seed, temperature"),
        ("walk", {"stpes": 1}, "Did you mean 'steps'?"),
        ("walk", {"steps": 0}, "steps takes a whole number from 1 to 1000, not '0'."),
        ("walk", {"first": 64}, "first takes a whole number from 0 to 63, not '64'."),
        ("turn", {"sliders": {"a": 1}}, "sliders takes text"),
        ("turn", {"sliders": [0, [1], "x"]}, "a slider takes a number from -100 to 100, not '[1]'."),
        ("turn", {"sliders": [float("inf")]}, "a slider takes a number from -100 to 100, not 'inf'."),
        ("nearest", {"count": 65}, "count takes a whole number from 1 to 64"),
        ("score", {"data": "0" * 64}, "No setting of the question 'score' named 'data'. It has: seed."),
        ("score", {"step": 5}, "No setting of the question 'score' named 'step'."),
    ],
)
def test_what_a_question_of_a_generator_has_not_is_refused(
    question: str, options: dict[str, Any], said: str, drawer: DigitsTask
) -> None:
    answer = drawer.questions(drawer.network)[question]  # type: ignore[attr-defined]
    with pytest.raises(UsageError) as refused:
        list(answer(options))
    assert said in str(refused.value)


def test_sliders_are_a_list_or_typed_and_those_without_a_direction_move_nothing(drawer: Any) -> None:
    turn = drawer.questions(drawer.network)["turn"]
    listed, typed, more = (list(turn({"sliders": given})) for given in ([0, 2.5, 0], "0,2.5,0", [0, 2.5, 0, *[9] * 9]))
    assert listed == typed
    assert list(turn({"sliders": [0, 2.5]})) == listed
    assert list(turn({"sliders": [0] * 6 + [9, 9]})) == list(turn({}))  # the latent has six values
    assert more != listed
    assert list(turn({})) != listed


def test_the_last_score_is_of_latents_that_chose_no_checkpoint_with_the_seed_of_the_plan(
    make_gan: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "JUDGED_FROM", 6)
    drawn: list[tuple[str, int]] = []
    monkeypatch.setattr(DigitsTask, "_score", lambda self, network, *stream: drawn.append(stream[:2]) or {})
    run = make_gan(seed=7)
    run.train()
    assert drawn == [("scored", 7), ("final", 7)]
    list(ask(run, "score")), list(ask(run, "score", seed=0))
    assert drawn[2:] == [("final", 7), ("final", 0)]


def test_a_judge_is_announced_only_where_it_judges(drawer: DigitsTask) -> None:
    assert drawer.scoring(99) == ""
    assert drawer.scoring(100) == "a judge looks at 1,000 drawn pictures"


def test_a_batch_is_dealt_from_bytes_as_from_all_pictures_at_once(make_gan: MakeRun, make_reader: MakeRun) -> None:
    twice = {"width": 4, "latent": 6, "critic_updates": 2}
    for run in (make_gan("wgan", settings=twice).planned(), make_reader().planned()):
        task, plan = tasks.reopen(run.files)
        assert isinstance(task, PictureTask)
        network: Any = task.build(plan)
        everything, each = to_tensor(task.data.train), getattr(network, "critic_updates", 1)
        for step in (0, 3, 9):
            rows, _ = task.batch(network, plan, step)
            made = rows.get("real", rows.get("pictures"))
            assert made is not None
            places = torch.from_numpy(Dealer(len(everything), plan.seed)(step, plan.batch * each))
            expected = everything[places]
            if "real" in rows:
                expected = expected.view(made.shape)
            assert torch.equal(made, expected)
            assert made.stride() == expected.stride()


def test_a_way_between_two_points_keeps_their_length_and_ends_in_them() -> None:
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    assert torch.allclose(between(a, b, 0.0), a)
    assert torch.allclose(between(a, b, 1.0), b, atol=1e-6)
    assert torch.allclose(between(a, b, 0.5), torch.tensor([3.0, 3.0]) / 2**0.5)
    assert torch.allclose(between(a, a, 0.5), a)


def test_the_first_direction_is_that_in_which_the_first_layer_changes_most(make_gan: MakeRun) -> None:
    run = make_gan().planned()
    task, plan = tasks.reopen(run.files)
    network: Any = task.build(plan)
    weight = next(p for p in network.generator.modules() if isinstance(p, torch.nn.Linear)).weight.detach()
    lengths = (weight @ directions(network, 3).T).norm(dim=0)
    assert torch.allclose(lengths, torch.linalg.svdvals(weight)[:3], rtol=1e-4)


def test_directions_are_those_of_latents_where_a_generator_has_layers_of_something_else_first() -> None:
    network = torch.nn.Module()
    network.latent = 3  # type: ignore[assignment]
    network.generator = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Linear(3, 4))
    assert directions(network, 2).shape == (2, 3)


def test_a_reader_learns_to_tell_strokes_and_says_how_sure_it_is(make_reader: MakeRun) -> None:
    run = make_reader()
    run.train()
    (done,) = run.rows("done")
    assert done["held_out_tokens"] == 9
    assert done["held_out_accuracy"] == 1.0
    assert done["macro_f1"] == 1.0
    evaluations = run.rows("evaluation")
    assert evaluations[-1]["held_out_accuracy"] == 1.0
    assert evaluations[0]["held_out_estimate"] > evaluations[-1]["held_out_estimate"]
    assert run.rows("step")[-1]["train_accuracy"] > 0.9
    (odds,) = ask(run, "classify", number=0)
    assert isinstance(odds, Bars)
    assert odds.labels == ("0", "1", "2")
    assert sum(odds.values) == pytest.approx(100, abs=0.1)
    (table,) = ask(run, "confusion")
    assert isinstance(table, Table)
    (misread,) = ask(run, "misread")
    assert misread.count == 0
    first, second = ask(run, "features", number=0)
    assert isinstance(first, Picture)
    assert (first.count, first.height, second.count, second.height) == (4, 8, 8, 4)
    assert ask(run, "score")[0]["held_out_accuracy"] == 1.0
    with pytest.raises(UsageError, match=r"8 x 8 x 1 bytes here, not 3"):
        ask(run, "classify", pixels="AAAA")
    for question, options, said in (
        ("confusion", {"wrong": 1}, "No setting of the question 'confusion' named 'wrong'."),
        ("sample", {"temperature": 1}, "named 'temperature'. It has: count, seed."),
        ("features", {"number": 9}, "number takes a whole number from 0 to 8, not 9."),
        ("classify", {"number": 40}, "number takes a whole number from 0 to 39"),
        ("classify", {"pixels": [1]}, "pixels takes text"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            ask(run, question, **options)


def test_what_is_drawn_by_hand_is_read(make_reader: MakeRun) -> None:
    run = make_reader()
    run.train()
    drawn = bytearray(64)
    drawn[3 * 8 : 4 * 8] = bytes([220] * 8)
    pixels = Picture.of(bytes(drawn), 8, 8).pixels
    (odds,) = ask(run, "classify", pixels=pixels)
    assert max(zip(odds.values, odds.labels, strict=True))[1] == "0"


def test_a_model_of_another_task_is_refused_with_its_task(make_picture_run: MakeRun) -> None:
    with pytest.raises(UsageError, match=r"The model 'cnn' is for the task recognise: --task recognise"):
        make_picture_run("digits", "cnn", steps=2).train()


def test_a_plan_has_a_cell_or_a_model(make_gan: MakeRun) -> None:
    run = make_gan().planned()
    row = {field: getattr(run.plan, field) for field in vars(run.plan)}
    for change, said in (({"model": ""}, "neither a cell nor a model"), ({"hidden": 8}, "a model and hidden")):
        with pytest.raises(RunError, match=said):
            plan_from_json({**row, **change}, "plan.json")
    assert replace(run.plan, model="", cell="gru").network == "gru"


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0}, {"height": 65}, {"height": 1024, "width": 1024}, {"channels": 2},
        {"names": []}, {"ink": 1}, {"names": "012"}, {"names": [1]},
        {"names": ["x" * 5000]}, {"names": ["0"] * 5000}, {"width": None},
    ],
)  # fmt: skip
def test_a_codec_that_no_pictures_have_is_refused_in_one_line(change: dict[str, Any]) -> None:
    good = Pixels(1, 8, 8, True, ("0", "1", "2"))
    assert read_pixels(good.to_json().decode()) == good
    with pytest.raises(RunError, match=r"^pixels.json is damaged: .*\.$"):
        read_pixels(json.dumps(json.loads(good.to_json()) | change))
    for content in ("", "[]", "[" * 10_000, "\0"):
        with pytest.raises(RunError):
            read_pixels(content)


def test_other_pictures_are_adopted_by_the_names_of_their_labels() -> None:
    mine = Pixels(1, 2, 2, True, ("0", "1", "2"))
    others = Pictures(np.zeros((3, 2, 2, 1), np.uint8), np.array([1, 0, 1]), ("0", "2"), ink=True)
    adopted = mine.adopt(others)
    assert (adopted.labels.tolist(), adopted.names) == ([2, 0, 2], ("0", "1", "2"))
    assert not mine.fits(others)
    assert mine.fits(adopted)
    assert not mine.fits(replace(adopted, ink=False))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"ink": False},
            "These pictures are brightness (0 is black); the model learned ink on paper (0 is the paper).",
        ),
        ({"names": ("0", "cat")}, "These pictures have labels that the model never learned: 'cat'."),
        ({"names": tuple("abcde")}, "that the model never learned: 'a', 'b', 'c' and 2 more."),
        (
            {"pixels": np.zeros((3, 4, 2, 1), np.uint8)},
            "These pictures have 4 x 2 x 1 bytes each; the model reads 2 x 2 x 1.",
        ),
    ],
)
def test_pictures_that_the_model_cannot_read_are_refused_by_what_differs(change: dict[str, Any], said: str) -> None:
    mine = Pixels(1, 2, 2, True, ("0", "1", "2"))
    others = Pictures(np.zeros((3, 2, 2, 1), np.uint8), np.array([1, 0, 1]), ("0", "2"), ink=True)
    with pytest.raises(DataError) as refused:
        mine.adopt(replace(others, **change))
    assert said in str(refused.value)
