"""Who writes in the Sample place: the texts that are there, and what a run's model is asked about them.

Nothing here is drawn. Whoever shows the texts is told when there is something else to see; while rows come, which may
be thousands a second, only `is_stale` is set.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from seqplay.draw.odds import Odds
from seqplay.errors import SeqplayError
from seqplay.processes.worker import SupersededError
from seqplay.recipe import Plan
from seqplay.runs.best import best_step
from seqplay.runs.layout import RunFiles
from seqplay.tui.sampling import Sampling
from seqplay.tui.writing import Next, Piece, Writing, surprise_of

if TYPE_CHECKING:
    from textual.dom import DOMNode

    from seqplay.tui.app import Playground

Row = dict[str, Any]
Work = Callable[[], Awaitable[None]]

LEAST_MEASURED = 0.02  # seconds, before a speed means anything
AT_A_TIME = 2000  # pieces of a prompt that are taken in before a key is looked at
MOST_REMEMBERED = 200_000  # pieces of earlier texts
MOST_OF_A_WORD = 60  # tokens
FEWEST_ODDS, MOST_ODDS = 12, 24  # asked for
ONE_BY_ONE = ("char", "word")  # kinds whose tokens are pieces each


class Writer:
    """Writes with the model of the playground's run, as the `sampling` says. Without a model its deeds do nothing.

    `changed` is called when there is something else to see, `moved` when the reading cursor was put somewhere. What is
    under way ends with its `owner`.
    """

    def __init__(
        self, playground: Playground, owner: DOMNode, changed: Callable[[], None], moved: Callable[[], None]
    ) -> None:
        self._playground, self._owner, self._changed, self._moved = playground, owner, changed, moved
        self.run: RunFiles | None = None
        self.sampling, self.is_beside = Sampling(), False
        self.room = FEWEST_ODDS
        """How many of the odds there is room for."""
        self.prompt = ""
        self.unknown: Sequence[str] = ()
        """Symbols of the prompt that were left out, as the model never saw them."""
        self.shown: list[Writing] = [Writing()]
        """The texts in sight: one, or three beside each other; the middle one is written together."""
        self.earlier: list[list[Writing]] = []
        self.reading: int | None = None
        """The piece that the reading cursor is on; None: it stands at the end."""
        self.next: Next | None = None
        self.is_writing = self.is_paused = self.is_stale = False
        self.news = self.problem = ""
        self.speed = 0.0
        """Tokens a second; 0: it is not known."""
        self._asked = 0  # what was begun; older work must not say that the newest has ended
        self._began, self._begun_tokens = 0.0, 0

    @property
    def writing(self) -> Writing:
        """The text that is read and written together."""
        return self.shown[len(self.shown) // 2]

    @property
    def place(self) -> int:
        """How many pieces stand before the reading cursor."""
        return len(self.writing) if self.reading is None else self.reading

    @property
    def plan(self) -> Plan | None:
        subject = self._playground.subject
        return subject.plan if subject else None

    @property
    def has_model(self) -> bool:
        subject = self._playground.subject
        return subject is not None and not subject.has_pictures and subject.has_model and subject.plan is not None

    def open(self, run: RunFiles | None) -> None:
        """Another run: what was written with the one before says nothing of it. Prompt and sampling stay."""
        self.run, self._asked = run, self._asked + 1
        for group in ("model", "novelty"):
            self._owner.workers.cancel_group(self._owner, group)
        self.shown, self.earlier, self.unknown = [Writing()], [], ()
        self.reading = self.next = None
        self.is_writing = self.is_paused = False
        self.news = self.problem = ""

    def rename(self, before: RunFiles, run: RunFiles) -> None:
        """The same run has another name: what was written with it stays."""
        self.run = run if self.run == before else self.run

    # -- writing

    def write(self) -> None:
        """Write from the prompt, once more."""
        if not self.has_model:
            return
        sampling = self.sampling
        temperatures = sampling.temperatures() if self.is_beside else [sampling.temperature]
        self._remember([Writing(temperature, sampling.length) for temperature in temperatures])
        self.unknown, self.next = (), None
        self._begin(partial(self._write_anew, self.shown, self.prompt), writes=True)

    def pause(self) -> None:
        """Stop writing; or go on where it stopped, and, where all is written that was wanted, with as much again."""
        if not self.has_model:
            return
        if self.is_writing:
            self._stop()
        elif not self.writing.pieces:
            self.write()
        else:
            self._read_at(None)
            texts = [writing for writing in self.shown if writing.missing > 0]
            if not texts:
                texts = self.shown if self.is_beside else [self.writing]
                for writing in texts:
                    writing.wanted = writing.written + self.sampling.length
            if texts == [self.writing]:
                self.writing.temperature = self.sampling.temperature
            self._begin(partial(self._write, texts), writes=True)

    def write_word(self) -> None:
        """Write up to the blank after the next word."""
        if self.has_model and self.writing.pieces:
            self._branch()
            self._begin(self._write_word, writes=True)

    def write_one(self) -> None:
        """Write one token."""
        if self.has_model and self.writing.pieces and not self.is_writing:
            self._branch()
            self.writing.wanted += 1
            self._begin(self._write_one, writes=True)

    def take(self, number: int) -> None:
        """Write the token that has this digit."""
        following, place = self.next, self.place
        if following is None or self.is_writing or following.at != (self.writing.revision, place):
            return
        if 0 < number <= len(following.kept):
            one = following.kept[number - 1]
            self._branch()
            self._begin(partial(self._add_token, following.ids[one], following.odds[one]))

    def take_back(self) -> None:
        """Drop the last token before the reading cursor, and what stands after it."""
        place = self.place
        if not self.has_model or not place:
            return
        piece = self.writing.pieces[place - 1]
        self._branch()
        if len(piece.ids) > 1:
            self._begin(self._take_back_one)
            return
        prompt = self.writing.prompt
        self.writing.cut(place - 1)
        if place <= prompt:
            self._shorten_prompt()
        self.writing.end()
        self._begin(self._look)

    def turn(self, sampling: Sampling) -> None:
        """Sample otherwise: odds take their new shape at once, and a text that is being written goes on with it."""
        before, self.sampling = self.sampling, sampling
        if self.is_writing:
            temperatures = sampling.temperatures() if len(self.shown) > 1 else [sampling.temperature]
            for writing, temperature in zip(self.shown, temperatures, strict=True):
                writing.temperature = temperature
                if sampling.length != before.length:
                    writing.wanted = max(sampling.length, writing.written)
            if self.writing.pieces:
                self._begin(partial(self._write, [one for one in self.shown if one.missing > 0]), writes=True)
            else:
                self.write()
        elif sampling.odds() != before.odds() and self.has_model and self.next is not None:
            self._begin(self._look)
        self._changed()

    def put_beside(self, wanted: bool) -> None:
        """Write with three temperatures beside each other, or with one."""
        self.is_beside = wanted
        if wanted and len(self.shown) == 1 and self.has_model and self.writing.pieces:
            cooler, middle, warmer = self.sampling.temperatures()
            main = self.writing
            main.temperature = middle if self.is_writing else main.temperature
            others = [main.until(main.prompt) for _ in range(2)]
            for writing, temperature in zip(others, (cooler, warmer), strict=True):
                writing.temperature = temperature
                writing.wanted = main.wanted or self.sampling.length
            shown = [others[0], main, others[1]]
            self.earlier = [shown if texts is self.shown else texts for texts in self.earlier]
            self.shown = shown
            self._begin(partial(self._write_beside, others), writes=True)
        self._changed()

    def _stop(self) -> None:
        self.is_paused = any(writing.missing > 0 for writing in self.shown)
        self._begin(self._look)

    def _branch(self) -> None:
        """Drop what stands after the reading cursor; the text as it was stays among the earlier ones."""
        writing, place = self.writing, self.place
        self.is_paused = False
        if place < len(writing):
            shown = list(self.shown)
            shown[len(shown) // 2] = writing.until(place)
            self._remember(shown)
            if place < writing.prompt:
                self._shorten_prompt()
        self.writing.end()

    def _shorten_prompt(self) -> None:
        self.prompt, self.unknown = self.writing.prompt_text(), ()

    # -- reading

    def look_at(self, place: int | None) -> None:
        """Put the reading cursor somewhere; a text that is being written waits meanwhile."""
        if not self.has_model or not self.writing.pieces:
            return
        self._read_at(place)
        if self.is_writing:
            self._stop()
        else:
            self._begin(self._look)

    def show_earlier(self, by: int) -> None:
        """Show the texts before, or after, those that are shown."""
        if self.shown not in self.earlier:
            return
        at = self.earlier.index(self.shown) + by
        if 0 <= at < len(self.earlier):
            self.is_paused = False
            self._show(self.earlier[at])
            self._begin(self._look)

    def _remember(self, shown: list[Writing]) -> None:
        """Show other texts; those before stay within reach."""
        self.earlier = [texts for texts in self.earlier if any(writing.pieces for writing in texts)]
        self.earlier.append(shown)
        while len(self.earlier) > 1 and sum(len(w) for texts in self.earlier for w in texts) > MOST_REMEMBERED:
            self.earlier.pop(0)
        self._show(shown)

    def _show(self, shown: list[Writing]) -> None:
        self.shown = shown
        self._read_at(None)

    def _read_at(self, place: int | None) -> None:
        self.reading = None if place is None or place >= len(self.writing) else max(0, place)
        self._moved()

    # -- asking the model

    def _begin(self, work: Work, *, writes: bool = False) -> None:
        """Ask the model for something, in place of what it was asked before."""
        self._asked += 1
        self.is_writing, self.is_paused = writes, self.is_paused and not writes
        self.news = self.problem = ""
        self._began, self.speed = 0.0, 0.0
        self._owner.run_worker(self._answered(work, self._asked), group="model", exclusive=True)
        self._changed()

    async def _answered(self, work: Work, number: int) -> None:
        problem = ""
        try:
            await work()
        except SeqplayError as error:
            problem = str(error)
        if number != self._asked:
            return
        self.is_writing, self.news, self.problem = False, "", problem
        if problem and self.writing.pieces:  # there its frame has little room for it
            self._playground.tell(problem, severity="error")
        if any(writing.compared != writing.revision for writing in self.shown if writing.written):
            self._owner.run_worker(self._compare(), group="novelty", exclusive=True)
        self._changed()

    async def _rows(self, question: str, **options: Any) -> AsyncIterator[Row]:
        """The rows of an answer. One of kind "worker" says that the process died, and that the answer begins anew."""
        assert self.run is not None
        was_dead = False
        async for row in self._playground.models.ask(question, run=str(self.run.path), **options):
            is_dead = row["kind"] == "worker"
            if is_dead or was_dead:
                self.news = str(row["message"]) if is_dead else "it is back"
            was_dead = is_dead
            yield row
            self.is_stale = True

    async def _stream(self, question: str, writings: Sequence[Writing], **options: Any) -> None:
        """Let texts grow by what is written; each row says of which `column` it is."""
        begins = [len(writing) for writing in writings]
        began_anew = False
        async for row in self._rows(question, **options):
            if row["kind"] == "worker":
                began_anew = True
                continue
            if began_anew:
                for writing, begin in zip(writings, begins, strict=True):
                    writing.cut(begin)
                began_anew = False
            writing = writings[row.get("column", 0)]
            if row["kind"] == "token":
                writing.add(row["text"], row["ids"], row["bits"])
                self._measure()
            elif row["kind"] == "next" and writing is self.writing:
                self.next = Next.of(row, writing, len(writing))
        for writing, begin in zip(writings, begins, strict=True):
            await self._mend(writing, begin)

    def _measure(self) -> None:
        now, tokens = time.monotonic(), sum(writing.tokens for writing in self.shown)
        if not self._began:
            self._began, self._begun_tokens = now, tokens
        elif now > self._began + LEAST_MEASURED:
            self.speed = (tokens - self._begun_tokens) / (now - self._began)

    def _options(self, writing: Writing, place: int | None = None) -> Row:
        """How a question names a place of a text, and what shapes the odds there."""
        return {**self.sampling.odds(), "ids": writing.ids(place), "start": writing.begin_of_text}

    def _seed(self, writing: Writing) -> int | None:
        """A text that goes on has drawn random numbers before: the same ones again would say the same."""
        seed = self.sampling.seed
        return None if seed is None else (seed + writing.written) % 2**64

    @property
    def _most(self) -> int:
        return max(FEWEST_ODDS, min(self.room, MOST_ODDS))

    async def _write_anew(self, writings: list[Writing], prompt: str) -> None:
        """Read the prompt, and write on from it."""
        first = writings[len(writings) // 2]
        step = await self._step_now()
        for writing in writings:
            writing.step = step
        if prompt:
            await self._read_prompt(first, prompt)
        for writing in writings:
            if prompt and writing is not first:
                writing.prompt_tokens = first.tokens
                writing.replace(first.pieces)
            writing.end_prompt()
        await self._write(writings)

    async def _read_prompt(self, writing: Writing, prompt: str) -> None:
        async for row in self._rows("read", prompt=prompt):
            if row["kind"] == "worker":
                writing.cut(0)
            if row["kind"] != "read":
                continue
            writing.unknown = list(dict.fromkeys([*writing.unknown, *row["unknown"]]))
            for number, (text, ids, bits) in enumerate(row["pieces"]):
                writing.add(text, ids, bits)
                if number % AT_A_TIME == AT_A_TIME - 1:
                    await asyncio.sleep(0)
        self.unknown = writing.unknown
        self._changed()

    async def _write(self, writings: Sequence[Writing]) -> None:
        """Write as much of texts as is wanted: side by side where they begin alike, else one after the other."""
        if len(writings) > 1 and len({tuple(writing.ids()) for writing in writings}) == 1:
            first, temperatures = writings[0], [writing.temperature for writing in writings]
            options = {**self._options(first), "temperature": None, "temperatures": temperatures}
            options |= {"length": first.missing, "seed": self._seed(first), "most": self._most}
            await self._stream("beside", writings, **options)
            return
        for writing in sorted(writings, key=lambda one: one is not self.writing):
            await self._go_on(writing, writing.missing)

    async def _write_beside(self, others: list[Writing]) -> None:
        await self._write(others)
        await self._go_on(self.writing, self.writing.missing)

    async def _go_on(self, writing: Writing, length: int) -> None:
        if length > 0:
            options = {**self._options(writing), "temperature": writing.temperature}
            options |= {"length": length, "seed": self._seed(writing), "most": self._most}
            await self._stream("continue", [writing], **options)

    async def _write_one(self) -> None:
        self.writing.temperature = self.sampling.temperature
        await self._go_on(self.writing, 1)
        self.writing.end()

    async def _write_word(self) -> None:
        writing, begun, begin = self.writing, False, len(self.writing)
        options = {**self._options(writing), "length": MOST_OF_A_WORD, "seed": self._seed(writing)}
        async for row in self._rows("continue", **options):
            if row["kind"] == "worker":
                writing.cut(begin)
                begun = False
            if row["kind"] != "token":
                continue
            text = row["text"]
            if begun and text[:1].isspace():
                break
            writing.add(text, row["ids"], row["bits"])
            begun |= bool(text.strip())
        await self._mend(writing, begin)
        writing.end()
        await self._look()

    async def _add_token(self, token: int, one: Odds) -> None:
        writing = self.writing
        if self.plan is not None and self.plan.tokens in ONE_BY_ONE:
            writing.add(one.text, [token], surprise_of(one.p1))
        else:
            await self._reread(writing, [*writing.ids(), token])
        writing.end()
        await self._look()

    async def _take_back_one(self) -> None:
        writing = self.writing
        prompt = writing.prompt_tokens
        await self._reread(writing, writing.ids()[:-1])
        if writing.prompt_tokens < prompt:
            self._shorten_prompt()
        writing.end()
        await self._look()

    async def _step_now(self) -> int | None:
        """While a run trains, its texts say which of its checkpoints wrote them."""
        subject = self._playground.subject
        if subject is not None and subject.is_live:
            with suppress(SeqplayError):
                return await asyncio.to_thread(best_step, subject.run.checkpoints)
        return None

    async def _mend(self, writing: Writing, joint: int) -> None:
        """Where a text went on inside of a character, or of a syllable, cut it into pieces anew."""
        plan = self.plan
        if plan is None or plan.tokens in ONE_BY_ONE or not 0 < joint < len(writing):
            return
        if plan.tokens == "jamo" or "\ufffd" in writing.pieces[joint - 1].text:
            await self._reread(writing, writing.ids())

    async def _reread(self, writing: Writing, ids: list[int]) -> None:
        pieces: list[Piece] = []
        async for row in self._rows("read", ids=ids, start=writing.begin_of_text):
            if row["kind"] == "worker":
                pieces = []
            if row["kind"] == "read":
                pieces += [Piece(text, tuple(taken), bits) for text, taken, bits in row["pieces"]]
        writing.replace(pieces)
        if self.next is not None and self.reading is None and writing is self.writing:
            self.next = replace(self.next, at=(writing.revision, len(writing)))

    async def _look(self) -> None:
        """The odds at the reading cursor."""
        writing, place = self.writing, self.place
        async for row in self._rows("next", **self._options(writing, place), most=self._most):
            if row["kind"] == "next" and writing is self.writing:
                self.next = Next.of(row, writing, place)

    async def _compare(self) -> None:
        """What of the texts is copied from the text that the model learned from."""
        for writing in [self.writing, *(one for one in self.shown if one is not self.writing)]:
            while self.run is not None and writing.compared != writing.revision:
                try:
                    await self._compare_one(writing, self.run)
                except SupersededError:
                    continue
                self._changed()
                break

    async def _compare_one(self, writing: Writing, run: RunFiles) -> None:
        revision = writing.revision
        try:
            async for row in self._playground.copies.ask("novelty", run=str(run.path), text=writing.text()):
                if row["kind"] == "novelty" and writing.revision == revision:
                    writing.compare(row, revision)
        except SupersededError:
            raise
        except SeqplayError as problem:
            writing.not_compared, writing.compared = str(problem), revision
