"""The language model: read a text, and at every token say which comes next.

Rows of a batch are neighbouring stretches of one long text, read from left to right: what a cell carries out of one
batch it carries into the next (truncated backpropagation through time). Where the stretches begin is drawn anew for
every epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqplay.data import ids, passages, tokens
from seqplay.data.ids import Say, TokenIds, silently
from seqplay.data.passages import Passage
from seqplay.data.suggestions import suggest_hidden as _suggest_hidden
from seqplay.data.tokens import Ids
from seqplay.engine import catalog, device
from seqplay.engine.sampling import step_of
from seqplay.engine.stack import Stack, StackShape
from seqplay.engine.task import Answer, Batch, Loss, Task
from seqplay.engine.tree import Tree
from seqplay.errors import DataError, RunError, counted
from seqplay.figures import Figure, Text
from seqplay.options import configure
from seqplay.recipe import Plan, Recipe
from seqplay.steps.questions import text_questions
from seqplay.steps.writing import Dials, write

LEAST = 2  # tokens: one to read and one to predict
ESTIMATE_LOGITS = 500_000_000  # numbers that a quick score may give: a large vocabulary is scored on fewer tokens
ESTIMATE_TOKENS, ESTIMATE_ROWS, ESTIMATE_CHUNK = 50_000, 16, 500
PREVIEW_TOKENS = 240
MOST_SCORED = 2_000_000  # held-out tokens
CHUNK = 2_000  # tokens scored at a time
MOST_LOGITS = 1 << 23  # numbers that they give
CODE_POINTS = 1_114_112  # an unknown character could be any of these: what its spelling costs
SCORES = (
    "held_out_loss bits_per_byte perplexity held_out_accuracy held_out_tokens scored_tokens unknown_characters"
).split()
AS_ASKED = ("cell tokens layers holdout seed warmup clip minutes patience settings task source data column").split()


class TextTask(Task):
    name = "text"

    def __init__(self, codec: tokens.Codec, parts: Callable[[], tuple[Passage, Passage]], say: Say = silently) -> None:
        self.codec, self.unit, self._parts, self._say = codec, codec.unit, parts, say

    @classmethod
    def begin(cls, recipe: Recipe, say: Say = silently) -> TextTask:
        say("reading the text")
        train, held_out = passages.cached_text(recipe.data, recipe.source).split(recipe.holdout)
        kind = tokens.find(recipe.tokens)
        say(f"learning the {kind.kind} vocabulary")
        enough = train if kind.learns_from is None else train.beginning(kind.learns_from)
        task = cls(kind.learn(enough, recipe.vocabulary), lambda: (train, held_out), say)
        if len(task.train_ids) < LEAST:
            raise DataError(
                f"{recipe.source} has {counted(len(task.train_ids), task.codec.unit, task.codec.units)} to learn from; "
                f"it takes {LEAST} or more."
            )
        return task

    @classmethod
    def reopen(cls, plan: Plan, read: Callable[[str], str], say: Say = silently) -> TextTask:
        codec = tokens.from_json(plan.tokens, read("tokenizer.json"))
        if len(codec) != plan.vocabulary:
            raise RunError(f"The run's codec has {len(codec)} symbols, its plan {plan.vocabulary}.")
        task = cls(codec, lambda: passages.cached_text(plan.data, plan.source).split(plan.holdout), say)
        if plan.batch * plan.sequence >= plan.train_tokens:
            raise RunError(f"The plan reads {plan.batch} x {plan.sequence} tokens at a time of {plan.train_tokens}.")
        return task

    def codec_files(self) -> dict[str, bytes]:
        return {"tokenizer.json": self.codec.tokenizer_json().encode()}

    @cached_property
    def parts(self) -> tuple[Passage, Passage]:
        """The training part and the held-out part."""
        return self._parts()

    @cached_property
    def train_ids(self) -> TokenIds:
        return ids.token_ids(self.codec, self.parts[0], self._say)

    @cached_property
    def held_out_ids(self) -> TokenIds:
        return ids.token_ids(self.codec, self.parts[1], self._say)

    # -- sizes

    def draft(self, recipe: Recipe, seconds: float) -> Plan:
        architecture, plugin = catalog.load(recipe.cell)
        configure(architecture.config, recipe.settings, f"the cell '{recipe.cell}'")
        count = len(self.train_ids)
        sequence = min(recipe.sequence or 64, count - 1)
        batch = min(recipe.batch or max(1, min(self.codec.rows, count // (sequence * 4))), (count - 1) // sequence)
        hidden, why = recipe.hidden, "as asked"
        if hidden is None:
            hidden, why = _suggest_hidden(count, recipe.size, seconds, self.codec.units)
        rate = recipe.learning_rate
        if rate is None:  # a wide layer bears less
            rate = architecture.learning_rate * (0.8 if hidden > 512 else 1.0)
        where = device.pick_device(recipe.device)
        threads = recipe.threads or device.cores()
        return Plan(
            **{name: getattr(recipe, name) for name in AS_ASKED},
            steps=recipe.steps or 0,
            hidden=hidden,
            embedding=recipe.embedding or min(hidden, self.codec.embedding),
            dropout=recipe.dropout or 0.0,
            embedding_dropout=recipe.embedding_dropout or 0.0,
            batch=batch,
            sequence=sequence,
            learning_rate=rate,
            beta1=architecture.betas[0],
            beta2=architecture.betas[1],
            weight_decay=architecture.weight_decay if recipe.weight_decay is None else recipe.weight_decay,
            average=architecture.average if recipe.average is None else recipe.average,
            device=where,
            threads=threads,
            slices=device.pick_slices(where, threads, batch, recipe.layers, hidden),
            precision=device.pick_precision(where, architecture.precision),
            evaluate_every=recipe.evaluate_every or 0,
            vocabulary=len(self.codec),
            train_tokens=count,
            held_out_tokens=len(self.held_out_ids),
            parameters=0,
            layer_table=[],
            why=why,
            unit=self.unit,
            notices=self._notices(recipe, batch, sequence),
            codec={},
            wrap=architecture.wrap,
            residual=architecture.residual,
            distribution=plugin.distribution,
            version=plugin.version,
            torch=torch.__version__,
        )

    def _notices(self, recipe: Recipe, batch: int, sequence: int) -> list[str]:
        notices = []
        if (recipe.batch or batch, recipe.sequence or sequence) != (batch, sequence):
            notices.append(
                f"the text is too short for the batch asked for: it reads {batch} x {sequence} tokens at a time"
            )
        if self.codec.left_out:
            notices.append(
                f"{self.codec.left_out:,} rare {self.codec.units} are left to the unknown symbol; "
                f"{len(self.codec) - 1:,} are learned"
            )
        if self.codec.learns_from is not None and len(self.parts[0]) > self.codec.learns_from:
            notices.append(f"the vocabulary comes from the first {self.codec.learns_from / 1e6:.0f} MB of the text")
        return notices

    def settle(self, recipe: Recipe, plan: Plan) -> Plan:
        epochs = plan.steps * plan.batch * plan.sequence / plan.train_tokens
        dropout = recipe.dropout
        if dropout is None:
            dropout = _suggest_dropout(plan.train_tokens, plan.parameters, epochs)
        before = recipe.embedding_dropout
        if before is None:
            before = _suggest_embedding_dropout(self.codec.spells, dropout, epochs)
        return replace(plan, dropout=dropout, embedding_dropout=before)

    # -- the network

    def build(self, plan: Plan) -> Stack:
        architecture = catalog.load_planned(plan)
        torch.manual_seed(plan.seed)
        shape = StackShape(
            plan.vocabulary, plan.embedding, plan.hidden, plan.layers, plan.dropout, plan.embedding_dropout
        )
        return Stack(architecture, configure(architecture.config, plan.settings, f"the cell '{plan.cell}'"), shape)

    def prepare(self, network: nn.Module) -> None:
        """Begin with how often each token occurs: the first steps need not learn that."""
        assert isinstance(network, Stack)
        counts = np.ones(len(self.codec))
        for block in self.train_ids.blocks():
            counts += np.bincount(block, minlength=len(self.codec))
        with torch.no_grad():
            network.head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))

    def layer_table(self, network: nn.Module, plan: Plan) -> list[list[Any]]:
        assert isinstance(network, Stack)
        shape = f"({plan.batch}, {plan.sequence}, "
        cells = [
            (f"{plan.cell} {i}" if plan.layers > 1 else plan.cell, plan.hidden, cell)
            for i, cell in enumerate(network.cells, 1)
        ]
        layers = [("embedding", plan.embedding, network.embedding), *cells, ("head", plan.vocabulary, network.head)]
        return [[name, f"{shape}{width})", sum(p.numel() for p in layer.parameters())] for name, width, layer in layers]

    # -- learning

    def batch(self, network: nn.Module, plan: Plan, step: int) -> tuple[Batch, bool]:
        assert isinstance(network, Stack)
        if len(self.train_ids) != plan.train_tokens:
            raise RunError(
                f"The text gives {len(self.train_ids):,} tokens, and the plan was made for {plan.train_tokens:,}."
            )
        B, T, seed = plan.batch, plan.sequence, plan.seed
        steps_per_epoch = max(1, (len(self.train_ids) - T) // (B * T))
        epoch, position = divmod(step, steps_per_epoch)
        slack = len(self.train_ids) - 1 - B * T * steps_per_epoch
        offset = int(np.random.default_rng([seed, epoch]).integers(0, slack, endpoint=True))
        starts = (offset + position * T + row * (steps_per_epoch * T) for row in range(B))
        read = _widened(self.train_ids.rows(starts, T + 1))
        masks = {f"mask {place}": mask for place, mask in network.draw_masks(B, T, seed, step).items()}
        return {"ids": read[:, :-1], "next": read[:, 1:], **masks}, position == 0

    def loss(self, network: nn.Module, rows: Batch, memory: Tree) -> Loss:
        masks = {int(name[5:]): tensor for name, tensor in rows.items() if name.startswith("mask ")}
        logits, memory = network(rows["ids"], memory, masks)
        loss = F.cross_entropy(logits.float().flatten(0, 1), rows["next"].flatten(), reduction="sum")
        return Loss(loss, rows["next"].numel(), memory)

    def held_out(self) -> Iterator[Batch]:
        count = min(len(self.held_out_ids), ESTIMATE_TOKENS, max(1_000, ESTIMATE_LOGITS // len(self.codec)))
        rows = max(1, min(ESTIMATE_ROWS, count // 64))
        length = (count - 1) // rows
        chunk = self._chunk(ESTIMATE_CHUNK * rows) // rows
        for start in range(0, length, chunk):
            stretch = min(chunk, length - start) + 1
            read = _widened(self.held_out_ids.rows((row * length + start for row in range(rows)), stretch))
            yield {"ids": read[:, :-1], "next": read[:, 1:]}

    # -- scoring

    def evaluate(
        self, network: nn.Module, watch: Callable[[float], None] = lambda _: None, **options: Any
    ) -> dict[str, Any]:
        """One stream: one row, from the first held-out token to the last, each but the first predicted once.

        `window` scores cold blocks of window + 1 tokens instead, each from state None; `data` (a SHA-256) another text.
        """
        passage = passages.cached_text(options["data"], "the text to score") if "data" in options else self.parts[1]
        found = ids.token_ids(self.codec, passage, self._say) if "data" in options else self.held_out_ids
        scored, window = found.read(0, MOST_SCORED), options.get("window")
        batches = (
            _windows(scored, int(window), self._chunk(8 * CHUNK)) if window else _stream(scored, self._chunk(CHUNK))
        )
        network.eval()
        where = next(network.parameters()).device
        nats, hits, count, state = 0.0, 0, 0, None
        for heard, said in batches:
            watch(count / len(scored))
            with torch.no_grad():
                logits, state = network(heard.to(where), None if window else state)
            logits, said = logits.float().flatten(0, 1).cpu(), said.flatten()
            nats += float(F.cross_entropy(logits, said, reduction="sum"))
            hits += int((logits.argmax(-1) == said).sum())
            count += len(said)
        if count == 0:
            return dict.fromkeys(SCORES)
        spelled_bytes, hidden = self._spelled(passage, count)
        spelled_bits = (nats + hidden * math.log(CODE_POINTS)) / math.log(2)
        return {
            "held_out_loss": nats / count,
            "bits_per_byte": spelled_bits / spelled_bytes if spelled_bytes else None,
            "perplexity": math.exp(min(nats / count, 700.0)),
            "held_out_accuracy": hits / count,
            "held_out_tokens": len(found),
            "scored_tokens": count,
            "unknown_characters": hidden,
        }

    def _spelled(self, passage: Passage, count: int) -> tuple[int, int]:
        """How many bytes the `count` tokens after a passage's first stand for, and how many characters they hide."""
        found, skipped = np.zeros(2, np.int64), 1
        for block in passage:
            each = np.array(self.codec.spelled(block))[:, skipped : skipped + count]
            found += each.sum(axis=1)
            count -= each.shape[1]
            skipped = 0
            if count == 0:
                break
        return int(found[0]), int(found[1])

    def scoring(self, step: int) -> str:  # noqa: ARG002
        most = len(self.held_out_ids)
        if not most:
            return ""
        if most > MOST_SCORED:
            return f"scoring the first {MOST_SCORED:,} of {most:,} held-out tokens"
        return f"scoring all {most:,} held-out tokens"

    def _chunk(self, tokens: int) -> int:
        """How many tokens to score at a time, at most `tokens`: each gives as many numbers as there are symbols."""
        return max(64, min(tokens, MOST_LOGITS // len(self.codec)))

    # -- showing

    def preview(self, network: nn.Module, plan: Plan, step: int, temperature: float | None = None) -> list[Figure]:
        assert isinstance(network, Stack)
        dials = Dials(seed=plan.seed + step)
        dials = dials if temperature is None else replace(dials, temperature=temperature)
        begin = self.train_ids.read(0, 1)
        length = min(PREVIEW_TOKENS, len(self.train_ids) - 1)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                written = self.codec.decode([*begin, *write(step_of(network), begin, length, dials)])
        except RunError:  # odds that are not finite: nothing to show, and the loop's matter
            return []
        caption = f"step {step:,} · temperature {dials.temperature:.2f}"
        prompt = self.codec.decode(begin)
        if not written.startswith(prompt):  # the first letter of a syllable that was joined
            prompt = ""
        return [Text(written.removeprefix(prompt), title="writes now", caption=caption, prompt=prompt)]

    def questions(
        self, network: nn.Module, watch: Callable[[], None] = lambda: None
    ) -> Mapping[str, Callable[[Mapping[str, Any]], Answer]]:
        assert isinstance(network, Stack)
        return {
            **text_questions(self.codec, step_of(network), watch),
            "score": lambda options: self._score(network, options, watch),
        }

    def _score(self, network: nn.Module, options: Mapping[str, Any], watch: Callable[[], None]) -> Answer:
        """The final numbers again, of the held-out part or of another text."""
        yield {"kind": "score", **self.evaluate(network, lambda _: watch(), **options)}


def _widened(ids: Ids) -> Tensor:
    """Ids as torch looks them up: on the disk and in the cache they take 1 to 4 bytes, here 8."""
    return torch.from_numpy(ids.astype(np.int64))


def _stream(ids: Ids, chunk: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Neighbouring pieces (1, chunk) of one stream, and the token that follows each of theirs."""
    for start in range(0, len(ids) - 1, chunk):
        piece = _widened(ids[None, start : start + chunk + 1])
        yield piece[:, :-1], piece[:, 1:]


def _windows(ids: Ids, window: int, chunk: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Blocks of window + 1 tokens, each `window` tokens after the last, about `chunk` tokens at a time."""
    if len(ids) <= window:
        return
    blocks, some = np.lib.stride_tricks.sliding_window_view(ids, window + 1)[::window], max(1, chunk // window)
    for start in range(0, len(blocks), some):
        piece = _widened(blocks[start : start + some])
        yield piece[:, :-1], piece[:, 1:]


def _suggest_dropout(tokens: int, parameters: int, epochs: float) -> float:
    """The more often a text is read, and the more weights there are for each of its tokens, the more dropout.

    A tiny text is there to be learned by heart. The constants come from tiny Shakespeare at 30 s to 5 minutes.
    """
    if tokens < 2000:
        return 0.0
    by_epochs = 0.2 * math.log2(max(epochs, 1e-9) / 4)
    by_weights = 0.1 * math.log2(parameters / tokens / 1.2)
    return round(min(0.6, max(0.0, 0.33 + by_epochs + by_weights)), 2)


def _suggest_embedding_dropout(spells: bool, dropout: float, epochs: float) -> float:
    """A character's vector is all that tells which it was: dropping from it pays when a text is read many times."""
    if not spells:
        return dropout / 2
    return round(min(dropout, max(0.0, 0.15 * math.log2(max(epochs, 1e-9) / 6))), 2)
