"""The floors of a chart: of the text and the held-out share of its run, and asked for until they are known."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from seqplay.data.xray import Xray, examine_text, to_row
from seqplay.errors import DataError, UsageError
from seqplay.processes.worker import Worker
from seqplay.recipe import Plan
from seqplay.runs import layout
from seqplay.tui.yardsticks import Yardsticks, floors

from .conftest import recorded

TEXT = "The harbour was quiet that night. " * 40
Work = Callable[[], Awaitable[None]]


@pytest.fixture(scope="module")
def xray() -> Xray:
    *_, final = examine_text(TEXT, "harbour")
    return final


@pytest.fixture
def plan() -> Plan:
    return layout.read_plan(recorded())


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, xray: Xray) -> list[dict[str, Any]]:
    """What the worker is asked, who answers at once: not to its end where the text is called "cut"."""
    asked: list[dict[str, Any]] = []

    async def answer(self: Worker, question: str, run: str = "", **options: Any) -> AsyncIterator[dict[str, Any]]:
        asked.append(options)
        if options["name"] == "gone":
            raise DataError("The text is gone.")
        yield {**as_sent(dataclasses.replace(xray, is_final=options["name"] != "cut")), "kind": "xray"}

    monkeypatch.setattr(Worker, "ask", answer)
    return asked


def as_sent(xray: Xray) -> Any:
    return json.loads(json.dumps(to_row(xray)))


def run(work: Work) -> None:
    asyncio.run(work())  # type: ignore[arg-type]


def test_a_text_is_asked_about_once_for_each_share_that_is_held_out(plan: Plan, asked: list[dict[str, Any]]) -> None:
    told: list[str] = []
    yardsticks = Yardsticks(run, lambda: told.append("known"))
    for holdout in (0.1, 0.3, 0.1, 0.3):
        found = yardsticks.of(dataclasses.replace(plan, holdout=holdout))
        assert [floor.name for floor in found] == ["uniform", "unigram", "gzip", "5-gram"]
    assert [options["holdout"] for options in asked] == [0.1, 0.3]
    assert told == ["known"] * 2


def test_what_was_cancelled_before_it_began_is_asked_for_again(plan: Plan, asked: list[dict[str, Any]]) -> None:
    begun: list[Work] = []
    yardsticks = Yardsticks(begun.append, lambda: None)
    other = dataclasses.replace(plan, holdout=0.3)
    for one in (plan, plan, other, plan, plan):  # each takes the place of the one before, which never ran
        assert yardsticks.of(one) == []
    assert len(begun) == 3
    run(begun[0])  # the end of an old one does not let go of the newest
    run(begun[2])
    assert len(yardsticks.of(plan)) == 4
    assert len(begun) == 3


def test_what_ended_without_a_final_answer_is_asked_for_again(plan: Plan, asked: list[dict[str, Any]]) -> None:
    yardsticks = Yardsticks(run, lambda: None)
    cut = dataclasses.replace(plan, source="cut")
    assert len(yardsticks.of(cut)) == len(yardsticks.of(cut)) == 4  # what is known is shown meanwhile
    assert len(asked) == 2
    gone = dataclasses.replace(plan, source="gone", data="0" * 64)
    assert yardsticks.of(gone) == yardsticks.of(gone) == []
    assert len(asked) == 3


def test_a_worker_holds_out_what_it_is_asked_to(plan: Plan) -> None:
    from seqplay.engine.worker import WITHOUT_RUN

    text = "It was a quiet night. " * 100
    data = layout.read_plan(recorded("long", text=text)).data
    held_out = [[*WITHOUT_RUN["xray"]({"data": data, **more})][-1]["held_out"] for more in ({}, {"holdout": 0.3})]
    assert held_out == [220, 660]
    with pytest.raises(UsageError, match="not nan"):
        next(WITHOUT_RUN["xray"]({"data": data, "holdout": "0.3"}))


def test_after_its_end_nothing_is_asked(plan: Plan, asked: list[dict[str, Any]]) -> None:
    yardsticks = Yardsticks(run, lambda: None)
    asyncio.run(yardsticks.close())
    assert yardsticks.of(plan) == []
    assert asked == []


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_a_text_of_which_only_the_beginning_was_read_has_no_floors(tokens: str, plan: Plan, xray: Xray) -> None:
    plan = dataclasses.replace(plan, tokens=tokens)
    found = floors(xray, plan)
    per_token = 1.0 if tokens == "char" else xray.characters / 3300
    assert found[0].y == pytest.approx((xray.uniform or 0.0) * math.log(2) * per_token)
    assert floors(dataclasses.replace(xray, size=xray.bytes_read + 1), plan) == []
