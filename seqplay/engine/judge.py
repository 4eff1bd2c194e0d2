"""The judge of a generator: a network that learned to read the real pictures, and yardsticks measured on them.

It never sees what a generator draws, nor what a run holds out, and the same pictures make the same judge: it is trained
once and kept in the cache. Training it in the middle of a run changes nothing of the run: it draws from generators of
its own, and puts torch's threads back.
"""

from __future__ import annotations

import copy
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim.adamw import adamw  # the function: see loop.py

from seqplay import files, paths
from seqplay.architecture import PictureShape
from seqplay.data.ids import Say, silently
from seqplay.data.pictures import Pictures
from seqplay.data.pictures.split import split
from seqplay.engine import augmentation, device, frechet
from seqplay.engine.frechet import Gaussian
from seqplay.engine.models.cnn import CNN, CNNConfig
from seqplay.engine.nearest import nearest
from seqplay.engine.pictures import Dealer, to_tensor
from seqplay.errors import RunError, WriteError
from seqplay.runs.tensors import check_tensors

VERSION = 1  # of the recipe and of the file: another one trains all judges anew
STEPS, BATCH, RATE, DECAY, WARMUP, AVERAGE = 1_200, 128, 0.004, 0.2, 0.05, 0.99
EPSILON = 1e-8
SEED = 0
HANDS = 2  # threads, on any machine, so that rounding is the same everywhere
LEAST = 20  # pictures that a judge can learn from
HELD_OUT = 0.1
SAMPLES = 1_000  # pictures compared with all others, as many as a generator draws to be judged
MOST_MEASURED = 60_000  # pictures whose features are taken
READ_AT_A_TIME = 500
LARGEST_FILE = 1 << 28  # bytes
DIGEST_BYTES = 32
DAY, UNUSED_DAYS = 86_400, 30  # seconds; days after which a judge is forgotten: it can be trained again


@dataclass(frozen=True)
class Yardsticks:
    """What the real pictures are like, for comparison with drawn ones."""

    accuracy: float
    """Share of the judge's held-out pictures that it reads as they are labelled."""
    frechet_floor: float
    """The Fréchet distance from some of the real pictures to all others: a perfect generator could not do better."""
    variance: float
    """Of a value from 0 to 1 over SAMPLES pictures, the mean over the places of a picture."""
    nearest_low: float
    """The first percentile of the distances from real pictures to the most similar other one."""
    nearest_median: float


@dataclass(frozen=True)
class Judge:
    """`real` are the features of the real pictures, whose shapes and labels `network` reads."""

    network: CNN
    real: Gaussian
    yardsticks: Yardsticks


def judge(pictures: Pictures, data: str, name: str, say: Say = silently, steps: int = STEPS) -> Judge | None:
    """The judge of a run's training pictures, from the cache or trained now; None where there is nothing to read: one
    label or none, or hardly a picture.

    `data` is the SHA-256 of all the run's data and `name` what it is called. `say` is told how far it is and may raise
    to end it; nothing is kept then.
    """
    if len(pictures) < LEAST or len(np.unique(pictures.labels)) < 2:
        return None
    path = _path(pictures, data, steps)
    try:
        return _kept(path, pictures)
    except FileNotFoundError:
        pass
    except RunError as problem:
        say(f"the judge of {name} is trained anew: {problem}")
    made = _made(pictures, name, say, steps)
    if made is not None:
        try:
            _keep(path, made)
        except (OSError, WriteError) as problem:  # it can judge all the same
            say(f"the judge of {name} is not kept: {problem}")
    return made


def _network(pictures: Pictures) -> CNN:
    """With starting weights that are always the same, and without touching the generator that a run draws from."""
    _, height, width, channels = pictures.pixels.shape
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        network = CNN(CNNConfig(), PictureShape(channels, height, width, len(pictures.names)))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


# -- learning


def _made(pictures: Pictures, name: str, say: Say, steps: int) -> Judge | None:
    train, held_out = split(pictures, HELD_OUT)
    if not len(train) or not len(held_out):
        return None
    with _hands() as hands:
        network, accuracy = _trained(train, held_out, hands, name, say, steps)
        say(f"the judge of {name} measures the real pictures")
        mixed = np.random.default_rng(SEED).permutation(len(pictures))
        some = pictures.take(mixed[:MOST_MEASURED])
        features = torch.cat(_in_parts(lambda part: network.features(to_tensor(part)), some, hands))
        return Judge(network, frechet.fit(features), _measured(pictures, mixed, features, accuracy))


@contextmanager
def _hands() -> Iterator[ThreadPoolExecutor]:
    """Threads that compute with one thread each; torch's number of threads is what it was afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(HANDS, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _trained(
    train: Pictures, held_out: Pictures, hands: ThreadPoolExecutor, name: str, say: Say, steps: int
) -> tuple[CNN, float]:
    """The averaged weights, and the share of the held-out pictures that they read right.

    AdamW on pictures moved a little, with a short warm-up to a rate that then falls to zero.
    """
    network = _network(train)
    averaged = copy.deepcopy(network).requires_grad_(False).eval()
    parameters: list[Tensor] = list(network.parameters())
    moments = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
    deal, begun, reads = Dealer(len(train), SEED), time.monotonic(), ""
    for step in range(steps):
        some, moves = train.take(deal(step, BATCH)), augmentation.draw_moves(BATCH, (SEED, step))
        gradients = _gradients(network, parameters, some, moves, hands)
        rate = RATE * min((step + 1) / (WARMUP * steps), (1 - step / steps) / (1 - WARMUP), 1.0)
        with torch.no_grad():
            _adamw(parameters, gradients, moments, rate, step)
            for kept, now in zip(averaged.parameters(), parameters, strict=True):
                kept.lerp_(now, 1 - min(AVERAGE, (1 + step) / (10 + step)))
        if (step + 1) % max(1, steps // 10) == 0:
            reads = f"{100 * _accuracy(averaged, held_out, hands):.1f} % "
        say(f"training a judge of {name}, once: {reads}after {time.monotonic() - begun:.0f} s")
    return averaged, _accuracy(averaged, held_out, hands)


def _gradients(
    network: CNN, parameters: list[Tensor], some: Pictures, moves: Tensor, hands: ThreadPoolExecutor
) -> list[Tensor]:
    """Of the mean loss in nats, no longer together than 1."""
    bfloat16 = device.pick_precision("cpu", "bfloat16") == "bfloat16"

    def work(rows: slice) -> tuple[Tensor, ...]:
        part = some.take(np.arange(len(some))[rows])
        # no cache of weights in bfloat16: threads would share it, and one would empty it while another computes
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16, cache_enabled=False):
            logits = network(augmentation.move(to_tensor(part), moves[rows]))
        loss = F.cross_entropy(logits.float(), torch.from_numpy(part.labels), reduction="sum")
        return torch.autograd.grad(loss, parameters)

    share = -(-len(some) // HANDS)
    parts = hands.map(work, [slice(at, at + share) for at in range(0, len(some), share)])
    summed = [sum(each[1:], start=each[0]) / len(some) for each in zip(*parts, strict=True)]
    scale = 1 / max(1.0, float(get_total_norm(summed)))
    # Laid out as the weights are, whose memory the fused optimiser reads as it lies.
    return [torch.empty_like(p).copy_(gradient * scale) for p, gradient in zip(parameters, summed, strict=True)]


def _adamw(
    parameters: list[Tensor],
    gradients: list[Tensor],
    moments: tuple[list[Tensor], list[Tensor]],
    rate: float,
    made: int,
) -> None:
    adamw(
        parameters,
        gradients,
        *moments,
        max_exp_avg_sqs=[],
        state_steps=[torch.tensor(float(made)) for _ in parameters],
        fused=True,
        amsgrad=False,
        beta1=0.9,
        beta2=0.99,
        lr=rate,
        weight_decay=DECAY,
        eps=EPSILON,
        maximize=False,
    )


def _accuracy(network: CNN, pictures: Pictures, hands: ThreadPoolExecutor) -> float:
    read = torch.cat(_in_parts(lambda part: network(to_tensor(part)).argmax(1), pictures, hands))
    return float((read.numpy() == pictures.labels).mean())


def _in_parts(work: Callable[[Pictures], Tensor], pictures: Pictures, hands: ThreadPoolExecutor) -> list[Tensor]:
    def quietly(start: int) -> Tensor:
        with torch.no_grad():
            return work(pictures.take(np.arange(start, min(start + READ_AT_A_TIME, len(pictures)))))

    return list(hands.map(quietly, range(0, len(pictures), READ_AT_A_TIME)))


# -- yardsticks


def _measured(pictures: Pictures, mixed: npt.NDArray[np.int64], features: Tensor, accuracy: float) -> Yardsticks:
    """`mixed` (N) are the pictures' places in a random order, `features` those of the first ones in it."""
    count = min(SAMPLES, len(pictures) // 2)
    some = to_tensor(pictures.take(mixed[:count]))
    _, distances = nearest(some, pictures, but=torch.from_numpy(mixed[:count]))
    low, median = torch.quantile(distances, torch.tensor([0.01, 0.5])).tolist()
    floor = frechet.distance(frechet.fit(features[:count]), frechet.fit(features[count:]))
    return Yardsticks(accuracy, floor, variance(some), low, median)


def variance(pictures: Tensor) -> float:
    """Of a value from 0 to 1 over pictures (N, channels, height, width) from -1 to 1, the mean over the places."""
    return float(((pictures + 1) / 2).var(0).mean())


# -- keeping


def _path(pictures: Pictures, data: str, steps: int) -> Path:
    digest = hashlib.sha256(repr((VERSION, steps, pictures.pixels.shape, pictures.ink, len(pictures.names))).encode())
    for values in (pictures.pixels, pictures.labels):
        digest.update(np.ascontiguousarray(values).data)
    return paths.judges_dir() / f"{data}.{digest.hexdigest()[:32]}"


def _keep(path: Path, made: Judge) -> None:
    """Tensors as safetensors, then a SHA-256 over the name and them. Raises OSError or WriteError."""
    tensors = {f"network/{name}": t.contiguous() for name, t in made.network.state_dict().items()}
    tensors |= {"real/mean": made.real.mean, "real/covariance": made.real.covariance}
    numbers = {
        f"yardsticks/{name}": torch.tensor(value, dtype=torch.float64)
        for name, value in asdict(made.yardsticks).items()
    }
    content = safetensors.torch.save(tensors | numbers)
    _forget(paths.make_private(path.parent))
    files.write_atomically(path, content + _digest(path, content))


def _kept(path: Path, pictures: Pictures) -> Judge:
    """Raises FileNotFoundError where there is no judge yet, RunError for a file that is not as it was written."""
    if not os.path.lexists(path):
        raise FileNotFoundError
    whole = files.read_bytes(path, LARGEST_FILE)
    content = whole[:-DIGEST_BYTES]
    if whole[-DIGEST_BYTES:] != _digest(path, content):
        raise RunError(f"{path} is damaged.")
    check_tensors(content, path)
    network = _network(pictures).requires_grad_(False).eval()
    try:
        tensors = safetensors.torch.load(content)
        network.load_state_dict({name: tensors[f"network/{name}"] for name in network.state_dict()})
        yardsticks = Yardsticks(**{f.name: float(tensors[f"yardsticks/{f.name}"]) for f in fields(Yardsticks)})
        real = Gaussian(tensors["real/mean"], tensors["real/covariance"])
    except (safetensors.SafetensorError, KeyError, ValueError, RuntimeError) as problem:
        raise RunError(f"{path} is no judge: {problem}.") from None
    with suppress(OSError):  # a cache that cannot be written is good enough to read
        os.utime(path)
    return Judge(network, real, yardsticks)


def _digest(path: Path, content: bytes) -> bytes:
    """Begun with the key: a judge of other pictures under this name is none."""
    return hashlib.sha256(path.name.encode() + content).digest()


def _forget(folder: Path) -> None:
    """Remove what killed processes left, and judges that nobody asked for a month."""
    files.sweep(folder, older_than=DAY)
    for entry in os.scandir(folder):
        with suppress(OSError):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > UNUSED_DAYS * DAY:
                os.unlink(entry)
