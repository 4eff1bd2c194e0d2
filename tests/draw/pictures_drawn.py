"""Pictures for the tests of drawing: a 3, a ring and a gradient, made of nothing."""

from __future__ import annotations

SIDE = 28


def ring(side: int = SIDE) -> bytes:
    """An anti-aliased ring around the middle."""
    middle, radius = (side - 1) / 2, side * 0.3
    return bytes(
        int(255 * max(0.0, min(1.0, side * 0.08 - abs(((x - middle) ** 2 + (y - middle) ** 2) ** 0.5 - radius) + 0.5)))
        for y in range(side)
        for x in range(side)
    )


def gradient(height: int, width: int) -> bytes:
    """From 0 at the left to 255 at the right."""
    return bytes(255 * x // max(1, width - 1) for _ in range(height) for x in range(width))


def three() -> bytes:
    """A 3 of strokes two pixels wide, 8 x 8."""
    rows = (0b00111100, 0b01000010, 0b00000010, 0b00011100, 0b00000010, 0b00000010, 0b01000010, 0b00111100)
    return bytes(255 * (row >> 7 - x & 1) for row in rows for x in range(8))
