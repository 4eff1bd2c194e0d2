"""A text whose background says a value for each of its tokens: how surprising it was, how much it was attended to."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seqplay.draw.lines import Line, Span, framed, line_width, span
from seqplay.draw.numbers import grouped
from seqplay.draw.text import wrap
from seqplay.figures import Shaded

_LEVELS = 5


def draw_shaded(figure: Shaded, width: int) -> list[Line]:
    """The text in as many lines as it takes, and beneath it what the shades mean.

    A token's role is "shade-0" (at `low` or less) to "shade-4" (at `high` or more); one without a value has none.
    """
    body = wrap(_spans(figure), width)
    if figure.unit and math.isfinite(figure.low) and math.isfinite(figure.high):
        legend = _legend(figure)
        body += [(), legend] if line_width(legend) <= width else []
    return framed(body, figure.title, figure.caption, width)


def shade(value: float | None, low: float, high: float) -> str:
    """The role of a value between `low` and `high`."""
    if value is None or math.isnan(value) or not math.isfinite(low) or not math.isfinite(high):
        return ""
    if value <= low or high <= low:
        return "shade-0"
    if value >= high:
        return f"shade-{_LEVELS - 1}"
    part = value / 2 - low / 2, high / 2 - low / 2  # halves: the difference of two numbers may be too large for a float
    return f"shade-{min(_LEVELS - 1, int(part[0] / part[1] * _LEVELS))}"


def _spans(figure: Shaded) -> Iterator[Span]:
    for token, value in zip(figure.tokens, figure.values, strict=True):
        role = shade(value, figure.low, figure.high)
        before, *rest = token.split("\n")
        yield Span(before, role)
        for line in rest:
            yield Span(" ", role)  # the newline's own shade, seen as one cell at the end of its line
            yield Span("\n" + line, role)


def _legend(figure: Shaded) -> Line:
    decimals = 0 if figure.high - figure.low >= 5 else 2
    swatches = [Span("  ", f"shade-{level}") for level in range(1, _LEVELS)]
    return (
        span(f"{grouped(figure.low, decimals)} ", "muted"),
        *swatches,
        span(f" {grouped(figure.high, decimals)} {figure.unit}", "muted"),
    )
