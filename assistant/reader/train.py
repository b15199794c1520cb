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
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assistant.e5.weights import Weights, bundled_file
from assistant.reader.corpus import corpus_examples, read_passages, read_written
from assistant.reader.examples import Embed, Example, times
from assistant.reader.figures import figures_of
from assistant.reader.losses import loss_of
from assistant.reader.network import Scores, Upper
from assistant.reader.pairs import Encoder, Pair, half, places_of
from assistant.reader.squad import mined, read_posed, read_squad, read_translated

DATA = Path(__file__).with_name("data")
BATCH = 32
BUCKET = 50  # batches that are sorted by length together
RATE, HEAD_RATE = 1e-4, 1e-3
WARM_UP = 0.06  # share of the steps
DECAY = 0.01
SAVE_SECONDS = 300
REPORT_STEPS, MEASURE_STEPS = 25, 400


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
        with half(self.device):
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
        ordered = sorted(range(len(pairs)), key=lambda n: pairs[n].size)
        found: dict[int, np.ndarray] = {}
        with torch.no_grad():
            for at in range(0, len(ordered), BATCH):
                part = ordered[at : at + BATCH]
                scores, _ = self.scores([pairs[n] for n in part])
                for row, number in enumerate(part):
                    kept = len(pairs[number].passage.sentences)
                    found[number] = scores.sentences[row, :kept].cpu().numpy()
        return figures_of([pair.example for pair in pairs], [found[n] for n in range(len(pairs))])

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
        parts["train"] += mined(parts["train"], embed) + read_posed(sorted(DATA.glob("posed_*.jsonl")), squad)
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
