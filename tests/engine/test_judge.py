"""The judge: trained once on the real pictures, the same for the same pictures, and without a trace in the run."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqplay import paths
from seqplay.data.pictures import Pictures
from seqplay.engine import judge as module
from seqplay.engine.judge import Judge
from seqplay.engine.pictures import to_tensor

STEPS = 20
DATA = "d" * 64


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "BATCH", 32)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def bars(each: int = 40, height: int = 8, width: int = 8, channels: int = 1) -> Pictures:
    """A bar at the left, in the middle or at the right, under noise."""
    random = np.random.default_rng(0)
    labels = np.arange(3 * each) % 3
    pixels = random.integers(0, 80, (3 * each, height, width, channels), dtype=np.uint8)
    for at, label in enumerate(labels):
        pixels[at, :, label * (width - 2) // 2 : label * (width - 2) // 2 + 2] += 170
    return Pictures(pixels, labels.astype(np.int64), ("left", "middle", "right"), True)


def judged(pictures: Pictures, said: list[str] | None = None, steps: int = STEPS) -> Judge:
    found = module.judge(pictures, DATA, "bars", [].append if said is None else said.append, steps)
    assert found is not None
    return found


def assert_same(one: Judge, other: Judge) -> None:
    mine, its = one.network.state_dict(), other.network.state_dict()
    assert [name for name in mine if not torch.equal(mine[name], its[name])] == []
    assert one.yardsticks == other.yardsticks
    assert torch.equal(one.real.mean, other.real.mean)
    assert torch.equal(one.real.covariance, other.real.covariance)


def kept() -> list[Path]:
    folder = paths.cache_dir() / "judges"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_it_reads_pictures_that_it_never_saw() -> None:
    made = judged(bars(), steps=60)
    unseen = bars(each=100).take(np.arange(120, 300))
    with torch.no_grad():
        read = made.network(to_tensor(unseen)).argmax(1)
    assert made.yardsticks.accuracy == 1.0
    assert float((read.numpy() == unseen.labels).mean()) >= 0.95


def test_the_same_pictures_make_the_same_judge_with_any_number_of_threads() -> None:
    torch.set_num_threads(1)
    first = judged(bars())
    kept()[0].unlink()
    torch.set_num_threads(2)
    torch.manual_seed(5)
    assert_same(judged(bars()), first)


def test_it_is_trained_once_and_then_read_from_the_cache() -> None:
    said: list[str] = []
    first = judged(bars(), said)
    assert len(said) == STEPS + 1
    assert said[0] == "training a judge of bars, once: after 0 s"
    assert said[-2].startswith(f"training a judge of bars, once: {100 * first.yardsticks.accuracy:.1f} % after ")
    said.clear()
    assert_same(judged(bars(), said), first)
    assert said == []
    (path,) = kept()
    assert path.name.startswith(f"{DATA}.")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cached", [False, True])
def test_a_run_around_it_draws_the_same_random_numbers_on_as_many_threads(cached: bool) -> None:
    if cached:
        judged(bars())
    torch.set_num_threads(2)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    judged(bars())
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2


def test_it_learns_also_where_gradients_are_switched_off() -> None:
    with torch.no_grad():
        first = judged(bars())
        assert not torch.is_grad_enabled()
    kept()[0].unlink()
    assert_same(judged(bars()), first)


@pytest.mark.parametrize("at", [0, 5, STEPS])
def test_whoever_waits_can_end_it_and_then_nothing_is_kept(at: int) -> None:
    torch.set_num_threads(2)
    state, said = torch.get_rng_state(), []

    def say(message: str) -> None:
        said.append(message)
        if len(said) > at:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        module.judge(bars(), DATA, "bars", say, STEPS)
    assert kept() == []
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)


def flipped(content: bytes) -> bytes:
    return content[:-300] + bytes([content[-300] ^ 1]) + content[-299:]


DAMAGE: dict[str, Any] = {
    "torn": lambda content: content[: len(content) // 2],
    "flipped": flipped,
    "empty": lambda content: b"",
    "longer": lambda content: content + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_judge_is_trained_anew_with_a_note(damage: str) -> None:
    first, said = judged(bars()), list[str]()
    (path,) = kept()
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert_same(judged(bars(), said), first)
    assert said[0] == f"the judge of bars is trained anew: {path} is damaged."
    said.clear()
    judged(bars(), said)
    assert said == []


def test_a_judge_of_other_pictures_under_this_name_is_none() -> None:
    judged(bars())
    (first,) = kept()
    judged(bars(each=41))
    other = next(path for path in kept() if path != first)
    os.replace(other, first)
    said: list[str] = []
    judged(bars(), said)
    assert said[0] == f"the judge of bars is trained anew: {first} is damaged."


def test_other_training_pictures_of_the_same_data_have_a_judge_of_their_own() -> None:
    pictures = bars()
    judged(pictures)
    pictures.pixels[7, 1, 1, 0] ^= 1
    judged(pictures)
    assert len(kept()) == 2
    pictures.labels[7] ^= 1
    judged(pictures)
    assert len(kept()) == 3


def test_a_judge_that_cannot_be_kept_judges_all_the_same(home: Path) -> None:
    paths.make_private(paths.cache_dir())
    (paths.cache_dir() / "judges").write_bytes(b"in the way")
    said: list[str] = []
    judged(bars(), said)
    assert said[-1].startswith(f"the judge of bars is not kept: Cannot make the directory {paths.cache_dir()}/judges")


def test_there_is_none_of_one_label_or_of_hardly_a_picture() -> None:
    one = bars()
    same = Pictures(one.pixels, np.zeros_like(one.labels), one.names, one.ink)
    assert module.judge(same, DATA, "bars") is None
    assert module.judge(one.take(np.arange(module.LEAST - 1)), DATA, "bars") is None
    assert kept() == []


def test_pictures_in_colour_with_odd_sides_have_one_too() -> None:
    assert judged(bars(height=9, width=7, channels=3), steps=40).yardsticks.accuracy == 1.0


def test_real_pictures_are_measured_against_each_other() -> None:
    real = judged(bars()).yardsticks
    assert 0.5 < real.nearest_low < real.nearest_median  # noise; a picture's distance to itself would be 0
    assert real.frechet_floor > 0
    assert real.variance == pytest.approx((bars().pixels / 255).var(axis=0).mean(), rel=0.1)
