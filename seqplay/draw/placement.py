"""Where labels go that want the same rows: each as near to its own as the others allow, in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class _Block(NamedTuple):
    """Neighbours that move as one. `pull` sums the rows at which each wants the block to begin, times its weight."""

    size: int
    weight: float
    pull: float

    @property
    def first(self) -> int:
        return round(self.pull / self.weight)


def place(wanted: Sequence[int], weights: Sequence[float], rows: int) -> list[int]:
    """Distinct ascending rows in range(rows) for the `wanted` ones in their order; there may be at most `rows`.

    A label of great weight moves less than its neighbour.
    """
    assert len(wanted) <= rows, "more labels than rows"
    blocks: list[_Block] = []
    for row, weight in zip(wanted, weights, strict=True):
        block = _Block(1, weight, row * weight)
        while blocks and blocks[-1].first + blocks[-1].size > block.first:
            before = blocks.pop()
            pull = before.pull + block.pull - before.size * block.weight
            block = _Block(before.size + block.size, before.weight + block.weight, pull)
        blocks.append(block)
    placed = [block.first + offset for block in blocks for offset in range(block.size)]
    # The page's edges: room for those before, then room for those after.
    placed = [max(row, index) for index, row in enumerate(placed)]
    for index in range(1, len(placed)):
        placed[index] = max(placed[index], placed[index - 1] + 1)
    limit = rows
    for index in reversed(range(len(placed))):
        limit = placed[index] = min(placed[index], limit - 1)
    return placed
