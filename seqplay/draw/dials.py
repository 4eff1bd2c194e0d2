"""Dials: what can be turned, one line for each: its key, its name, where it stands and its value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seqplay.draw.lines import Line, Span, cut, line_width, merged
from seqplay.safe_text import cell_width, fit, pad, safe_line

_LEAST_LINE = 5
_GAP = "  "


@dataclass(frozen=True)
class Dial:
    """`share` is where it stands between its ends, 0 to 1; None is a dial without ends, such as a seed."""

    key: str
    name: str
    share: float | None
    value: str


def draw_dials(dials: Sequence[Dial], width: int, in_hand: str = "", *, ascii_only: bool = False) -> list[Line]:
    """A line for each dial, at most `width` cells; the one whose key is `in_hand` has the role "primary".

    Where there is no room the lines are left out, and then the names are shortened.
    """
    width = max(1, width)
    names = [safe_line(dial.name) for dial in dials]
    values = [safe_line(dial.value) for dial in dials]
    keys = max((cell_width(safe_line(dial.key)) for dial in dials), default=0)
    value_room = max(
        (cell_width(value) for value, dial in zip(values, dials, strict=True) if dial.share is not None), default=0
    )
    name_room = max(map(cell_width, names), default=0)
    room = width - keys - 1 - name_room - 2 * len(_GAP) - value_room
    if room < _LEAST_LINE:
        room = 0
        name_room = max(0, min(name_room, width - keys - 2 - value_room))
    lines: list[Line] = []
    for dial, name, value in zip(dials, names, values, strict=True):
        turned = dial.key == in_hand
        left = [
            Span(pad(safe_line(dial.key), keys), "primary" if turned else "title"),
            Span(" " + pad(name, name_room), "primary" if turned else "muted"),
        ]
        if dial.share is None:  # a long value may have what a short name leaves
            left[1] = Span(" " + fit(name, name_room), left[1].role)
        rest = width - line_width(left)
        if dial.share is not None and room:
            left += [Span(_GAP), *slider(dial.share, room, "primary" if turned else "muted", ascii_only=ascii_only)]
            rest = width - line_width(left)
        shown = pad(fit(value, max(0, rest - 1)), max(0, rest), "right")
        lines.append(cut(merged([*left, Span(shown, "primary" if turned else "")]), width))
    return lines


def slider(share: float, cells: int, role: str = "primary", *, ascii_only: bool = False) -> list[Span]:
    """A knob on a line of `cells` cells, heavy before it: ━━━●────. A muted one has a knob that is content."""
    heavy, knob, light = "=o-" if ascii_only else "━●─"
    share = max(0.0, min(share, 1.0)) if not math.isnan(share) else 0.0
    at = round(share * (cells - 1))
    pieces = (
        Span(heavy * at, role),
        Span(knob, "" if role == "muted" else role),
        Span(light * (cells - 1 - at), "hairline"),
    )
    return [piece for piece in pieces if piece.text] if cells > 0 else []
