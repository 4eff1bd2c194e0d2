"""How much processor time a grid of pictures takes, from the figure to the drawn lines. Prints medians; it is no test.

python tests/benchmarks/pictures.py [--count 64]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from statistics import median

from seqplay.draw import art, draw_picture
from seqplay.draw.lines import Line
from seqplay.draw.rich_lines import to_rich
from seqplay.figures import Picture

WIDTH, SIDE = 200, 28


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=64)
    count = parser.parse_args().count
    noise = random.Random(0)
    rings = [[ring(noise, 1) for _ in range(count)] for _ in range(10)]
    noises = [[noise.randbytes(SIDE * SIDE) for _ in range(count)] for _ in range(10)]
    coloured = [[ring(noise, 3) for _ in range(count)] for _ in range(10)]
    print(
        f"{count} pictures of {SIDE}x{SIDE} in {WIDTH} columns, ms: never seen, the same again; spans; kB on a terminal"
    )
    for name, batches, channels in (("strokes", rings, 1), ("noise", noises, 1), ("colours", coloured, 3)):
        figures = [Picture.of(b"".join(batch), SIDE, SIDE, channels) for batch in batches]
        for kind in art.KINDS:
            for mono in (False, True):
                row(f"{name}, {kind}{', no colours' * mono}", figures, kind, mono)


def row(name: str, figures: list[Picture], kind: str, mono: bool) -> None:
    art.kept.cache_clear()
    fresh, lines = timed([lambda one=one: draw_picture(one, WIDTH, kind=kind, mono=mono) for one in figures])  # type: ignore[misc]
    again, _ = timed([lambda: draw_picture(figures[-1], WIDTH, kind=kind, mono=mono)] * 10)
    print(f"  {name:32}{fresh:8.1f}{again:8.1f}{sum(map(len, lines)):8,}{bytes_of(lines) / 1000:8.0f}")


def timed(works: list[Callable[[], list[Line]]]) -> tuple[float, list[Line]]:
    """The median in milliseconds, and the lines of the last."""
    taken, lines = [], []
    for work in works:
        began = time.process_time()
        lines = work()
        taken.append(1000 * (time.process_time() - began))
    return median(taken), lines


def bytes_of(lines: list[Line]) -> int:
    from rich.console import Console

    console = Console(force_terminal=True, color_system="truecolor", width=WIDTH, no_color=False)
    with console.capture() as captured:
        console.print(to_rich(lines))
    return len(captured.get().encode())


def ring(noise: random.Random, channels: int) -> bytes:
    """A stroke like that of a handwritten 0: anti-aliased, on much paper."""
    x, y, wide, high, thick = (noise.uniform(*ends) for ends in ((12, 16), (12, 16), (4, 8), (7, 11), (1, 2.2)))
    pixels = []
    for at in range(SIDE * SIDE):
        row, column = divmod(at, SIDE)
        away = abs((((column - x) / wide) ** 2 + ((row - y) / high) ** 2) ** 0.5 - 1) * wide
        value = max(0.0, min(1.0, thick - away + 0.5))
        pixels += [int(255 * value * (1 - 0.3 * channel)) for channel in range(channels)]
    return bytes(pixels)


if __name__ == "__main__":
    main()
