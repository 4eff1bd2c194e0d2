"""The pictures of a run while it trains: a few lines, or a page with the chart of its loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from seqplay.cli import output
from seqplay.cli.runs import GLYPHS
from seqplay.draw.bars import measure
from seqplay.draw.curves import draw_curves
from seqplay.draw.lines import Line, Span, cut, line_width, span
from seqplay.draw.numbers import clock, pace, percent, plural, short
from seqplay.draw.picture import draw_picture
from seqplay.draw.text import wrap
from seqplay.figures import Curves
from seqplay.runs import scores
from seqplay.runs.charts import PARTS, Axes, loss_chart
from seqplay.runs.progress import AVERAGED, Progress, Row
from seqplay.runs.rows import number

WIDEST = 100  # cells of the few lines
LEAST_PAGE = (60, 20)  # columns and rows in which a chart still says something
WIDEST_SAMPLE = 100  # cells: longer lines are hard to read
MOST_SAMPLE = 7  # rows
MOST_PICTURES = 17  # rows: two of pictures
ROLES = {"finished": "success", "paused": "warning", "crashed": "error", "running": "primary"}
GAP = "   "


def title(progress: Progress) -> str:
    """What is trained on what, and why at this size."""
    start = progress.start
    network = start.get("model") or f"{start['cell']} {start['layers']}×{start['hidden']}"
    sizes = f"{network}, {start['parameters']:,} parameters"
    return f"{sizes}, {start['train_tokens']:,} {plural(progress.unit)} ({start['why']})"


def picture(progress: Progress, width: int, height: int = 24) -> list[Line]:
    """The live picture in a few lines: the heading and the facts take as many as they need and `height` leaves."""
    width = max(1, min(width, WIDEST))
    if not progress.start:
        return [cut(_waiting(progress), width)][:height]
    name = span(progress.run, "title")
    facts = [_bar(progress, width), *_facts(progress, width)]
    newest = _pictures(progress, width, height - len(facts) - 3) if progress.pictures else [_newest_line(progress)]
    rest = [*facts, *newest, *_note(progress, width)]
    heading = wrap([name, span(f"  {title(progress)}", "muted")], width)
    if len(heading) + len(rest) > height:
        heading = [cut((name, span(f"  {title(progress)}", "muted")), width)]
    return [cut(line, width) for line in (*heading, *rest)][:height]


def page(progress: Progress, width: int, height: int, hint: str = "") -> list[Line]:
    """The live picture on the whole terminal: the loss as a chart, the facts, the newest sample, and a `hint` at its
    foot.
    """
    is_small = width < LEAST_PAGE[0] or height < LEAST_PAGE[1]
    lines = (picture if is_small or not progress.start else _page)(progress, width, height - 1)
    blank: list[Line] = [()] * (height - 1 - len(lines))
    return [*lines, *blank, cut((Span(hint, "muted"),), width)]


def _page(progress: Progress, width: int, height: int) -> list[Line]:
    name = [Span(f"{GLYPHS[progress.state]} ", ROLES.get(progress.state, "muted")), span(progress.run, "title")]
    heading = wrap([*name, span(f"  {title(progress)}", "muted")], width)[:2]
    if progress.start.get("model"):
        sample = _pictures(progress, width, height // 3)
    else:
        sample = _sample(progress, width, min(MOST_SAMPLE, height // 6))
    foot = [(), *_facts(progress, width), (), *sample, *(_note(progress, width) or [()])]
    rows = height - len(heading) - 2 - len(foot)
    chart = draw_curves(live_chart(progress), width, rows)
    return [*heading, _bar(progress, width), (), *chart, *[()] * (rows - len(chart)), *foot]


def live_chart(progress: Progress) -> Curves:
    """Both losses over the whole budget."""
    return loss_chart(progress, Axes(x="seconds" if progress.budget else "steps"), title="loss")


def _waiting(progress: Progress) -> Line:
    waiting = progress.note.get("message", "reading the text, starting torch …")
    return Span("◌ ", "muted"), span(progress.run, "title"), span(f"  {waiting}", "muted")


def _bar(progress: Progress, width: int) -> Line:
    """The share of the budget, and what is left of it."""
    left = progress.seconds_left
    match progress.state:
        case "finished":
            state = " done"
        case "running" if left is not None:
            state = f"{progress.share:5.0%} {clock(left):>6} left"
        case state:
            state = f"{progress.share:5.0%}  {state}"
    return *measure(progress.share, max(8, width - len(state))), Span(state, "title")


def _facts(progress: Progress, width: int) -> list[Line]:
    """The facts on as few lines as they fit on; none is broken."""
    lines: list[list[Span]] = [[]]
    for name, value in facts(progress):
        fact = [Span(f"{name} ", "muted")] if name else []
        fact.append(span(value, "primary" if name == "held out" else ""))
        if lines[-1] and line_width(lines[-1]) + len(GAP) + line_width(fact) > width:
            lines.append([])
        lines[-1] += [Span(GAP), *fact] if lines[-1] else fact
    return [tuple(line) for line in lines]


def _newest_line(progress: Progress) -> Line:
    whole_lines = [line for line in progress.written.splitlines()[:-1] if line.strip()] or [progress.written]
    return Span("writes ", "muted"), span(whole_lines[-1])


def _sample(progress: Progress, width: int, rows: int) -> list[Line]:
    """The newest sample under its heading: always as many lines, so that nothing above it moves."""
    at = "" if progress.written_at is None else f", step {progress.written_at:,}"
    written = wrap([Span(progress.written)], min(width, WIDEST_SAMPLE))
    body: Sequence[Line] = [line for line in written if line][:rows]
    return [(Span("writes", "title"), Span(at, "muted")), *body, *[()] * (rows - len(body))]


def _pictures(progress: Progress, width: int, rows: int) -> list[Line]:
    """The newest pictures, as many as there is room for."""
    if not progress.pictures or rows < 2:
        return []
    newest = replace(progress.pictures[-1].picture, title="")
    try:
        return draw_picture(newest, width, min(rows, MOST_PICTURES), mono=not output.has_shades(stderr=True))
    except ValueError:  # pixels that somebody damaged: they are none
        return []


def _note(progress: Progress, width: int) -> list[Line]:
    """What the trainer says, in at most two lines that break at spaces; how it ended is told elsewhere."""
    if warning := scores.warning(progress):
        return wrap([span(warning, "accent")], width)[:2]
    if not progress.note or progress.state in ("stopped", "crashed", "finished"):
        return []
    return wrap([span(progress.note["message"], "warning" if progress.state == "paused" else "muted")], width)[:2]


def facts(progress: Progress) -> list[tuple[str, str]]:
    """What is measured, as (name, value): the same words on every view. ~ marks an estimate, until the last
    score.
    """
    if progress.start.get("model"):
        return _facts_of_pictures(progress)
    loss = progress.done.get("train_loss", progress.smoothed)
    found = [("train loss", "–" if loss is None else f"{loss:.3f} (~{AVERAGED} steps)")]
    held_out, about = progress.done.get("held_out_loss"), ""
    if held_out is None:
        held_out, about = progress.evaluation.get("held_out_estimate"), "~"
    if held_out is not None:
        found.append(("held out", f"{about}{held_out:.3f}"))
        found.append(("", f"{about}{held_out / math.log(2):.2f} bits/{short(progress.unit)}"))
    if progress.speed:
        found.append(("", f"{pace(progress.speed)} {short(progress.unit)}/s"))
    return found


def _facts_of_pictures(progress: Progress) -> list[tuple[str, str]]:
    losses = [(name.removesuffix("_loss"), name) for name in PARTS if name in progress.numbers]
    found = [(name, f"{progress.numbers[series].y[-1]:.3f}") for name, series in losses]
    if not losses and progress.smoothed is not None:
        found.append(("train loss", f"{progress.smoothed:.3f} (~{AVERAGED} steps)"))
    found += scores_in_short(progress.done or progress.evaluation)
    if progress.speed:
        found.append(("", f"{pace(progress.speed)} {short(progress.unit)}/s"))
    return found


def scores_in_short(row: Row) -> list[tuple[str, str]]:
    """What a `done` or `evaluation` row says of pictures that were read or drawn, as (name, value)."""
    found = []
    loss, accuracy = (number(row.get(name)) for name in ("held_out_loss", "held_out_accuracy"))
    loss = number(row.get("held_out_estimate")) if loss is None else loss
    if loss is not None:
        found.append(("held out", f"{loss:.3f}"))
    if accuracy is not None:
        found.append(("", f"{accuracy:.2%} read rightly"))
    share, present = number(row.get("confident_share")), number(row.get("classes_present"))
    if share is not None and present is not None:
        found.append(("", f"{percent(share)} read with confidence"))
        found.append(("classes", f"{present:.0f}"))
    distance, floor = number(row.get("frechet")), number(row.get("frechet_floor"))
    if distance is not None:
        found.append(("distance", f"{distance:.2f}" + (f" (real {floor:.2f})" if floor is not None else "")))
    return found
