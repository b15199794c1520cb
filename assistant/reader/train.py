"""Train the reader from a pack (`prepare.py`), on a GPU where torch sees one.

    .venv/bin/python -m assistant.reader.train --pack training/pack.npz --out training

First the teachers, if any, which see question and passage together from the first layer on; then the reader itself,
which learns from the labels and from what the teachers say. Goes on where it stopped when it is started again. `--help`
tells the rest; the model card (`model/CARD.md`) has the runs that made the shipped model and its figures.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from assistant.reader.batches import Batch, Examples
from assistant.reader.figures import Target, figures_of
from assistant.reader.losses import chances, loss_of
from assistant.reader.network import SPLIT, Network, Scores
from assistant.reader.pack import KNOWN, NONE, UNKNOWN, Array, Pack, read_pack

RATE = 2e-4
HEADS = 5  # times the rate, for what starts from nothing
WARM_UP = 0.06  # share of the steps
DECAY = 0.01
MEASURED_AT_ONCE = 256
SAVE_SECONDS, REPORT_STEPS, MEASURE_STEPS = 300, 100, 1000


@dataclass(frozen=True)
class Plan:
    """How a network is trained. `name`: of the files it is kept in."""

    name: str
    steps: int
    size: int
    seed: int
    split: int = SPLIT
    rate: float = RATE


class Trainer:
    """The network, its optimiser, and how far they are."""

    def __init__(self, examples: Examples, plan: Plan, out: Path) -> None:
        torch.manual_seed(plan.seed)
        self.examples, self.plan, self.out, self.device = examples, plan, out, examples.device
        self.network = Network(examples.pack.tensors, plan.split).to(self.device)
        train = examples.pack.numbers("train")
        self.network.centre(examples.batch(np.random.default_rng(0).choice(train, min(200, len(train)))).passage)
        self._optimiser = torch.optim.AdamW(self._groups(), weight_decay=DECAY, fused=self.device.type == "cuda")
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)
        self.step = 0

    def _groups(self) -> list[dict[str, Any]]:
        layers: list[Tensor] = []
        heads: list[Tensor] = []
        for name, values in self.network.upper.named_parameters():
            (layers if name.startswith("layers.") else heads).append(values)
        return [{"params": layers, "lr": self.plan.rate}, {"params": heads, "lr": self.plan.rate * HEADS}]

    def _rate(self, step: int) -> float:
        warm = WARM_UP * self.plan.steps
        return min((step + 1) / warm, max(0.0, (self.plan.steps - step) / (self.plan.steps - warm)))

    def scores(self, batch: Batch) -> Scores:
        """What the network says of a batch."""
        with torch.autocast(self.device.type, torch.bfloat16):
            found: Scores = self.network(batch.question, batch.passage, batch.places)
            return found

    def learn(self, batch: Batch, taught: Tensor | None = None) -> Tensor:
        """One step; its loss."""
        self.network.train()
        loss = loss_of(self.scores(batch), batch, taught)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.upper.parameters(), 1.0)
        self._optimiser.step()
        self._schedule.step()
        self.step += 1
        return loss.detach()

    def run(self, taught: Tensor | None = None) -> None:
        """Learn until all steps are done; report, measure and save on the way. `taught` [examples, 1 + sentences]."""
        self.resume()
        train = self.examples.pack.numbers("train")
        if taught is None:
            train = train[self.examples.pack.rows["state"][train] != UNKNOWN]
        saved = began = time.monotonic()
        first, losses, epoch, done = self.step, [], 0, 0
        while self.step < self.plan.steps:
            for numbers in self.examples.epoch(train, self.plan.size, self.plan.seed + epoch):
                done += 1
                if done <= self.step:  # learnt before an interruption
                    continue
                batch = self.examples.batch(numbers)
                theirs = None if taught is None else taught[torch.from_numpy(numbers).to(self.device)]
                losses.append(self.learn(batch, None if theirs is None else theirs[:, : 1 + batch.places.shape[1]]))
                if self.step % REPORT_STEPS == 0:
                    mean = torch.stack(losses[-REPORT_STEPS:]).mean()
                    pace = (time.monotonic() - began) / (self.step - first)
                    at = f"{self.plan.name}: step {self.step} of {self.plan.steps}"
                    _say(f"{at}, loss {mean:.3f}, {pace:.3f} s a step")
                if self.step % MEASURE_STEPS == 0:
                    _say(json.dumps({"step": self.step, **self.measure("dev")}))
                if time.monotonic() - saved > SAVE_SECONDS:
                    self.save()
                    saved = time.monotonic()
                if self.step == self.plan.steps:
                    break
            epoch += 1
        self.save()

    def logits(self, numbers: Array) -> tuple[Array, Array]:
        """(logits [n, sentences], log probabilities [n, 1 + sentences]); -inf where there is no sentence."""
        self.network.eval()
        order = numbers[np.argsort(self.examples.lengths[numbers], kind="stable")]
        width = int(self.examples.sentences.max())
        found = {
            name: np.full((len(self.examples.pack.rows["state"]), size), -np.inf, np.float16)
            for name, size in (("logits", width), ("chances", width + 1))
        }
        with torch.no_grad():
            for at in range(0, len(order), MEASURED_AT_ONCE):
                part = order[at : at + MEASURED_AT_ONCE]
                batch = self.examples.batch(part)
                logits = self.scores(batch).sentences
                size = logits.shape[1]
                found["logits"][part, :size] = logits.masked_fill(~batch.places.any(-1), -torch.inf).cpu().numpy()
                found["chances"][part, : size + 1] = chances(logits, batch.places).cpu().numpy()
        return found["logits"][numbers], found["chances"][numbers]

    def measure(self, part: str) -> dict[str, dict[str, float]]:
        """Figures of a part by kind and language of the questions, see `figures_of`."""
        pack = self.examples.pack
        numbers = pack.numbers(part)
        said = [_sentences(logits) for logits in self.logits(numbers)[0]]
        groups: dict[str, list[int]] = {}
        for row, number in enumerate(numbers):
            kind, language = (pack.names[name][pack.rows[name][number]] for name in ("kind", "language"))
            groups.setdefault(f"{'posed' if kind != 'claim' else kind} {language}", []).append(row)
        return {
            name: {
                figure: round(value, 3)
                for figure, value in figures_of(
                    [_target(pack, numbers[row], said[row]) for row in rows], [said[row] for row in rows]
                ).items()
            }
            for name, rows in sorted(groups.items())
        }

    def save(self) -> None:
        """Keep everything that is needed to go on, whole or not at all."""
        state = {
            "upper": self.network.upper.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "step": self.step,
        }
        part = self.out / f"{self.plan.name}.part"
        torch.save(state, part)
        part.replace(self.out / f"{self.plan.name}.pt")

    def start(self, file: Path) -> None:
        """Begin with what another training ended with."""
        self.network.upper.load_state_dict(torch.load(file, map_location=self.device, weights_only=True)["upper"])

    def resume(self) -> None:
        """Go on from what was saved, if anything was."""
        if (file := self.out / f"{self.plan.name}.pt").exists():
            state = torch.load(file, map_location=self.device, weights_only=True)
            self.network.upper.load_state_dict(state["upper"])
            self._optimiser.load_state_dict(state["optimiser"])
            self._schedule.load_state_dict(state["schedule"])
            self.step = state["step"]


def _target(pack: Pack, number: int, said: Array) -> Target:
    state, plausible = pack.rows["state"][number], int(pack.rows["plausible"][number])
    answers = tuple(np.flatnonzero(pack.rows["answers"][number]).tolist())
    known = answers if state == KNOWN else () if state == NONE else None
    return Target(known, plausible if 0 <= plausible < len(said) else None)


def _sentences(logits: Array) -> Array:
    found: Array = np.where(np.isinf(logits), -1e4, logits)[: int(np.isfinite(logits).nonzero()[0].max(initial=0)) + 1]
    return found


def teach(trainers: list[Trainer]) -> Tensor:
    """What the teachers say of all examples of "train", log probabilities [examples, 1 + sentences]."""
    examples = trainers[0].examples
    numbers = examples.pack.numbers("train")
    said = [np.exp(trainer.logits(numbers)[1].astype(np.float32)) for trainer in trainers]
    mean = np.clip(np.mean(said, axis=0), 1e-6, 1)
    kept = np.full((len(examples.pack.rows["state"]), mean.shape[1]), -np.inf, np.float32)
    kept[numbers] = np.log(mean)
    return torch.from_numpy(kept).to(examples.device)


def _say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, default=Path("training/pack.npz"), help="what prepare.py made")
    parser.add_argument("--out", type=Path, default=Path("training"), help="where the state is kept")
    parser.add_argument("--teachers", type=int, default=0, help="how many; they take as long as the reader")
    parser.add_argument("--teacher-steps", type=int, default=6000)
    parser.add_argument("--steps", type=int, default=9000, help="of the reader itself")
    parser.add_argument("--size", type=int, default=64, help="examples a step")
    parser.add_argument("--rate", type=float, default=RATE, help="of learning, of the reader itself")
    parser.add_argument("--start", type=Path, help="begin with what this file keeps of another training")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    examples = Examples(read_pack(options.pack), device)
    plans = [
        Plan(f"teacher-{seed}", options.teacher_steps, options.size, options.seed + seed, split=0)
        for seed in range(1, options.teachers + 1)
    ]
    teachers = [Trainer(examples, plan, options.out) for plan in plans]
    for teacher in teachers:
        teacher.run()
        _say(json.dumps({part: teacher.measure(part) for part in ("dev", "test", "aside")}))
    plan = Plan("reader", options.steps, options.size, options.seed, rate=options.rate)
    reader = Trainer(examples, plan, options.out)
    if options.start:
        reader.start(options.start)
    reader.run(teach(teachers) if teachers else None)
    result = {part: reader.measure(part) for part in ("dev", "test", "aside")}
    (options.out / "figures.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    _say(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
