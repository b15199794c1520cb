"""Train the reader.

    .venv/bin/python -m assistant.reader.train --squad squad.jsonl.gz --out training

Goes on where it stopped when it is started again. Works on a GPU where torch sees one. `--help` tells the rest; the
model card (`model/CARD.md`) has the run that made the shipped model and its figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assistant.e5.tokens import Tokenizer
from assistant.e5.weights import Weights, bundled_file
from assistant.reader.examples import (
    Embed,
    Example,
    corpus_examples,
    mined,
    read_passages,
    read_posed,
    read_squad,
    read_translated,
    read_written,
    times,
)
from assistant.reader.figures import figures_of
from assistant.reader.network import Lower, Scores, Side, Upper
from assistant.reader.pieces import Marks, PassagePieces, passage_pieces, question_pieces

DATA = Path(__file__).with_name("data")
BATCH = 32
BUCKET = 50  # batches that are sorted by length together
RATE, HEAD_RATE = 1e-4, 1e-3
WARM_UP = 0.06  # share of the steps
DECAY = 0.01
SPAN_SHARE, RELEVANCE_SHARE = 0.5, 0.3
SAVE_SECONDS = 300
REPORT_STEPS, MEASURE_STEPS = 25, 400


@dataclass(frozen=True, slots=True)
class Pair:
    """An example in pieces."""

    example: Example
    question: tuple[int, ...]
    passage: PassagePieces

    @property
    def whole(self) -> bool:
        """Whether no sentence that answers was cut off."""
        return all(len(range(*self.passage.sentences[number])) > 0 for number in self.example.answers or ())

    @property
    def size(self) -> int:
        """Pieces of both sides."""
        return len(self.question) + len(self.passage.pieces)


class Encoder:
    """Examples to pairs, pairs to the two sides of a batch; the frozen states of a text are computed once."""

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._tokens, self._marks = Tokenizer(weights), Marks(weights.begin, weights.end)
        self._lower = Lower(weights).to(device).eval()
        self._device = device
        self._states: dict[tuple[int, ...], Tensor] = {}

    def pair(self, example: Example) -> Pair:
        """The example in pieces."""
        return Pair(
            example,
            question_pieces(example.question, self._tokens, self._marks),
            passage_pieces(example.heading, example.sentences, self._tokens, self._marks),
        )

    def side(self, texts: Sequence[tuple[int, ...]]) -> Side:
        """One side of a batch."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._states]
        if missing:
            pieces, mask = _padded(missing, self._device)
            with torch.no_grad(), _half(self._device):
                _, states = self._lower(pieces, mask)
            for text, kept in zip(missing, states, strict=True):
                self._states[text] = kept[: len(text)].to(torch.bfloat16).cpu()
        pieces, mask = _padded(texts, self._device)
        states = torch.zeros(*pieces.shape, self._lower.words.embedding_dim, dtype=torch.bfloat16)
        for row, text in enumerate(texts):
            states[row, : len(text)] = self._states[text]
        return Side(pieces, mask, self._lower.words(pieces), states.to(self._device).float())

    def means(self, pairs: Sequence[Pair]) -> Tensor:
        """Mean word vector and mean state over the passages of some pairs, [2, hidden]."""
        side = self.side([pair.passage.pieces for pair in pairs])
        return torch.stack([side.words[side.mask].mean(0), side.states[side.mask].mean(0)])


def _half(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16)


def _padded(texts: Sequence[tuple[int, ...]], device: torch.device) -> tuple[Tensor, Tensor]:
    longest = max(map(len, texts))
    pieces = torch.tensor([[*text, *[1] * (longest - len(text))] for text in texts], device=device)
    lengths = torch.tensor([len(text) for text in texts], device=device)
    return pieces, torch.arange(longest, device=device) < lengths[:, None]


def places_of(pairs: Sequence[Pair], device: torch.device) -> Tensor:
    """Which pieces belong to which sentence, [batch, sentences, pieces]."""
    sentences = max(len(pair.passage.sentences) for pair in pairs)
    pieces = max(len(pair.passage.pieces) for pair in pairs)
    places = torch.zeros(len(pairs), sentences, pieces, dtype=torch.bool)
    for row, pair in enumerate(pairs):
        for number, (start, end) in enumerate(pair.passage.sentences):
            places[row, number, start:end] = True
    return places.to(device)


def loss_of(scores: Scores, pairs: Sequence[Pair], places: Tensor) -> Tensor:
    """Which sentence answers, or none; where the answer stands; whether the passage is about the subject."""
    device = places.device
    weights = torch.tensor([pair.example.weight for pair in pairs], device=device)
    total = (sentence_losses(scores.sentences, pairs, places) * weights).sum() / weights.sum()
    spans = [(row, *span) for row, pair in enumerate(pairs) if (span := _span(pair)) is not None]
    if spans:
        rows, start, end = torch.tensor(spans, device=device).T
        of_span = functional.cross_entropy(scores.start[rows], start) + functional.cross_entropy(scores.end[rows], end)
        total = total + SPAN_SHARE * of_span / 2
    known = [(row, float(p.example.relevant)) for row, p in enumerate(pairs) if p.example.relevant is not None]
    if known:
        kept = torch.tensor([row for row, _ in known], device=device)
        wanted = torch.tensor([value for _, value in known], device=device)
        total = total + RELEVANCE_SHARE * functional.binary_cross_entropy_with_logits(scores.relevance[kept], wanted)
    return total


def sentence_losses(logits: Tensor, pairs: Sequence[Pair], places: Tensor) -> Tensor:
    """Minus the log of the probability of what is known, [batch]: one softmax over "none", at 0, and the sentences."""
    logits = logits.masked_fill(~places.any(-1), -1e4)
    chances = functional.log_softmax(torch.cat([logits.new_zeros(len(pairs), 1), logits], 1), 1)
    wanted = torch.zeros_like(chances, dtype=torch.bool)
    for row, pair in enumerate(pairs):
        answers = pair.example.answers
        if answers is None:
            wanted[row, 1:] = True
        else:
            wanted[row, [1 + number for number in answers] or [0]] = True
    return -torch.logsumexp(chances.masked_fill(~wanted, -1e4), 1)


def _span(pair: Pair) -> tuple[int, int] | None:
    """First and last piece of the answer, counted from 1; (0, 0) when there is none; None when it is not known."""
    if pair.example.answers == ():
        return 0, 0
    if pair.example.span is None:
        return None
    number, start, end = pair.example.span
    inside = [n for n, (s, a, b) in enumerate(pair.passage.words, 1) if s == number and a < end and b > start]
    return (inside[0], inside[-1]) if inside else None


def batches(pairs: Sequence[Pair], chance: random.Random) -> Iterator[list[Pair]]:
    """The pairs of one epoch in an order by chance, each as often as its kind comes, those of like length together."""
    order = [pair for pair in pairs for _ in range(int(times(pair.example) + chance.random()))]
    chance.shuffle(order)
    for at in range(0, len(order), BATCH * BUCKET):
        part = sorted(order[at : at + BATCH * BUCKET], key=lambda pair: pair.size)
        groups = [part[n : n + BATCH] for n in range(0, len(part), BATCH)]
        chance.shuffle(groups)
        yield from groups


class Trainer:
    """The network, its optimiser, and how far they are."""

    def __init__(self, encoder: Encoder, upper: Upper, steps: int, out: Path, device: torch.device) -> None:
        self.encoder, self.upper, self.steps, self.out, self.device = encoder, upper.to(device), steps, out, device
        layers = [p for n, p in upper.named_parameters() if n.startswith("layers.")]
        heads = [p for n, p in upper.named_parameters() if not n.startswith("layers.")]
        self._optimiser = torch.optim.AdamW(
            [{"params": layers, "lr": RATE}, {"params": heads, "lr": HEAD_RATE}], weight_decay=DECAY
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)
        self.step = 0
        self.history: list[dict[str, Any]] = []

    def _rate(self, step: int) -> float:
        warm = WARM_UP * self.steps
        return min(step / warm, max(0.0, (self.steps - step) / (self.steps - warm)))

    def scores(self, pairs: Sequence[Pair]) -> tuple[Scores, Tensor]:
        """What the network says of the pairs, and the places of their sentences."""
        question = self.encoder.side([pair.question for pair in pairs])
        passage = self.encoder.side([pair.passage.pieces for pair in pairs])
        places = places_of(pairs, self.device)
        with _half(self.device):
            return self.upper(question, passage, places), places

    def learn(self, pairs: Sequence[Pair]) -> float:
        """One step."""
        self.upper.train()
        scores, places = self.scores(pairs)
        loss = loss_of(scores, pairs, places)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.upper.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        self.step += 1
        return float(loss.detach())

    def measure(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """The figures of `figures_of`."""
        self.upper.eval()
        logits: list[np.ndarray] = []
        ordered = sorted(range(len(pairs)), key=lambda n: pairs[n].size)
        found: dict[int, np.ndarray] = {}
        with torch.no_grad():
            for at in range(0, len(ordered), BATCH):
                part = ordered[at : at + BATCH]
                scores, _ = self.scores([pairs[n] for n in part])
                for row, number in enumerate(part):
                    kept = len(pairs[number].passage.sentences)
                    found[number] = scores.sentences[row, :kept].cpu().numpy()
        logits = [found[n] for n in range(len(pairs))]
        return figures_of([pair.example for pair in pairs], logits)

    def save(self) -> None:
        """Keep everything that is needed to go on, whole or not at all."""
        state = {
            "upper": self.upper.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "step": self.step,
            "history": self.history,
        }
        part = self.out / "state.part"
        torch.save(state, part)
        part.replace(self.out / "state.pt")

    def resume(self) -> None:
        """Go on from what was saved, if anything was."""
        if (file := self.out / "state.pt").exists():
            state = torch.load(file, map_location=self.device, weights_only=True)
            self.upper.load_state_dict(state["upper"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._schedule.load_state_dict(state["schedule"])
            self.step, self.history = state["step"], state["history"]


def by_language(pairs: Sequence[Pair], measure: Callable[[Sequence[Pair]], dict[str, float]]) -> dict[str, Any]:
    """Figures of each language of the questions."""
    languages = sorted({pair.example.language for pair in pairs})
    return {
        language: {
            name: round(value, 3)
            for name, value in measure([p for p in pairs if p.example.language == language]).items()
        }
        for language in languages
    }


def load_examples(squad: Path | None, embed: Embed) -> dict[str, list[Example]]:
    """All examples by part."""
    from assistant.language import detect_language

    parts: dict[str, list[Example]] = {"train": [], "dev": [], "test": []}
    if squad is not None:
        parts = {**parts, **read_squad(squad, read_translated(DATA / "translated.tsv"))}
        parts["train"] += mined(parts["train"], embed) + read_posed(DATA / "posed.jsonl", squad)
    passages = read_passages(DATA / "passages.jsonl.gz")
    parts["train"] += corpus_examples(passages, embed, detect_language)
    parts["train"] += read_written(sorted(DATA.glob("questions_*.jsonl")), passages)
    parts["aside"] = read_written([DATA / "aside.jsonl"], passages)
    return parts


def kept(embed: Embed, folder: Path) -> Embed:
    """The same, but vectors of texts that were embedded before are read from the folder."""

    def vectors(texts: Sequence[str]) -> np.ndarray:
        digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()
        file = folder / f"vectors-{digest}.npy"
        if not file.exists():
            np.save(file, embed(texts))
        return np.asarray(np.load(file))

    return vectors


def train(trainer: Trainer, pairs: dict[str, list[Pair]], seed: int) -> None:
    """Learn until all steps are done, reporting, measuring on "dev" and saving on the way."""
    saved, began, losses = time.monotonic(), time.monotonic(), []
    epoch, done = 0, 0
    while trainer.step < trainer.steps:
        for batch in batches(pairs["train"], random.Random(seed + epoch)):  # noqa: S311
            done += 1
            if done <= trainer.step:  # learnt before an interruption
                continue
            losses.append(trainer.learn(batch))
            if trainer.step % REPORT_STEPS == 0:
                _say(f"step {trainer.step} of {trainer.steps}, loss {np.mean(losses[-100:]):.3f}, "
                     f"{(time.monotonic() - began) / len(losses):.2f} s a step")  # fmt: skip
            if trainer.step % MEASURE_STEPS == 0:
                trainer.history.append({"step": trainer.step, **by_language(pairs["dev"], trainer.measure)})
                _say(json.dumps(trainer.history[-1]))
            if time.monotonic() - saved > SAVE_SECONDS or trainer.step == trainer.steps:
                trainer.save()
                saved = time.monotonic()
            if trainer.step == trainer.steps:
                break
        epoch += 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--squad", type=Path, help="question file like SQuAD's, see data/README.md")
    parser.add_argument("--out", type=Path, default=Path("training"), help="where the state is kept")
    parser.add_argument("--steps", type=int, default=3000, help=f"of {BATCH} pairs each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    weights = Weights(bundled_file())
    encoder = Encoder(weights, device)

    from assistant.e5.model import E5

    e5 = E5(options.out)
    parts = load_examples(options.squad, kept(e5.passages, options.out))
    made = {part: [encoder.pair(example) for example in examples] for part, examples in parts.items()}
    pairs = {part: [pair for pair in some if pair.whole] for part, some in made.items()}
    _say(json.dumps({part: len(made) for part, made in pairs.items()}))
    sample = random.Random(options.seed).sample(pairs["train"], 200)  # noqa: S311
    trainer = Trainer(encoder, Upper(weights, encoder.means(sample)), options.steps, options.out, device)
    trainer.resume()
    train(trainer, pairs, options.seed)
    result = {part: by_language(pairs[part], trainer.measure) for part in ("dev", "test", "aside")}
    (options.out / "figures.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    _say(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
