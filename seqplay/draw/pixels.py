"""A picture's pixels at another size: each pixel of the result is the mean of what it covers.

Made of look-ups and of arithmetic on whole pictures as one long integer, as 64 pictures have to be drawn ten times a
second without numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import itemgetter

Pick = Callable[[bytes], "tuple[int, ...] | bytes"]

_MOST_SAMPLES = 8  # along one side of a pixel of the result


def planes(pixels: bytes, size: tuple[int, int], cells: tuple[int, int], parts: tuple[int, int]) -> list[bytes]:
    """One channel of a picture, cut into cells that each have `parts` (rows, columns) pixels.

    `size` is that of the picture, (height, width), `cells` the (rows, columns) of the result. Plane number
    `row * columns + column` of the parts holds that part of every cell, cell after cell, row by row.
    """
    return [_mean([bytes(pick(pixels)) for pick in picks]) for picks in _picks(size, cells, parts)]


@lru_cache(maxsize=16)
def _picks(size: tuple[int, int], cells: tuple[int, int], parts: tuple[int, int]) -> list[list[Pick]]:
    """For each plane, what picks the pixels whose mean it is."""
    rows, columns = (list(_samples(size[side], cells[side] * parts[side])) for side in (0, 1))
    picks = []
    for down in range(parts[0]):
        for right in range(parts[1]):
            below = [[sample[at] for at in range(down, len(sample), parts[0])] for sample in rows]
            beside = [[sample[at] for at in range(right, len(sample), parts[1])] for sample in columns]
            picks.append([_pick([y * size[1] + x for y in ys for x in xs]) for ys in below for xs in beside])
    return picks


def _pick(indices: list[int]) -> Pick:
    return itemgetter(*indices) if len(indices) > 1 else itemgetter(slice(indices[0], indices[0] + 1))


def _samples(length: int, wanted: int) -> Iterator[list[int]]:
    """A power of two of samples for each of `wanted` pixels along a side: where in `length` pixels each of them is."""
    count = 1
    while wanted % length and count < _MOST_SAMPLES and (count == 1 or count * wanted < length):
        count *= 2
    for number in range(count):
        yield [(2 * (count * at + number) + 1) * length // (2 * count * wanted) for at in range(wanted)]


def _mean(samples: list[bytes]) -> bytes:
    """Their mean, byte for byte; their number is a power of two."""
    if len(samples) == 1:
        return samples[0]
    size = len(samples[0])
    without_last_bit = int.from_bytes(b"\xfe" * size, "little")
    numbers = [int.from_bytes(sample, "little") for sample in samples]
    is_rounded_up = False
    while len(numbers) > 1:
        # Halves are rounded down and up in turns, so that many means of means grow neither darker nor lighter.
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        if is_rounded_up:
            numbers = [(a | b) - (((a ^ b) & without_last_bit) >> 1) for a, b in pairs]
        else:
            numbers = [(a & b) + (((a ^ b) & without_last_bit) >> 1) for a, b in pairs]
        is_rounded_up = not is_rounded_up
    return numbers[0].to_bytes(size, "little")
