"""Train lite: ``python -m recipes.lite.train --data DATA --out OUT``.

Stops at ``--steps`` or after ``--minutes`` of work, whichever comes first; started again with the
same ``--out`` it goes on where it was. Leaves ``lite.safetensors`` (the average of the last
weights) in ``--out``, and does so at every checkpoint.
"""

from __future__ import annotations

import json
import math
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from recipes.lite import pictures, teacher, watch
from recipes.lite.material import Material, gather
from recipes.lite.model import CONTEXT, Learner
from recipes.lite.optimizers import optimizers
from recipes.lite.options import Options, parse
from recipes.lite.ship import NORM_EPS, average, shipped, write_weights
from recipes.lite.tasks import CLASSES, Tasks
from recipes.lite.translator import Fitting, Told

from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, write_json
from gopro.common.progress import bar

LARGEST_SCALE = math.log(100)
WARM = 100
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Training:
    """One run: model, optimisers, averaged weights, and how far it has come."""

    def __init__(self, options: Options, material: Material) -> None:
        self.options, self.material = options, material
        torch.manual_seed(options.seed)
        plain = material.features[material.kind == 0]
        self.model = Learner(
            material.lexicon,
            plain.mean(0),
            plain.std(0) + 1e-3,
            material.classifier,
            width=options.width,
            heads=options.heads,
            layers=options.layers,
            embed_dim=options.embed_dim,
            dropout=options.dropout,
        )
        if options.word_start:
            begin_rows(self.model, options.cache_folder / "text")
        drawn = random.Random(1).sample(range(CLASSES), options.absent)
        self.absent = tuple(sorted(drawn))
        self.tasks = Tasks(self.model, material, self.absent, options.seed)
        if options.translator:
            self._listen()
        self.optimizers = optimizers(
            self.model, options.rate, options.decay, muon=options.optimizer == "muon"
        )
        self.mean = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        self.step, self.seconds = 0, 0.0

    def _listen(self) -> None:
        """Fit the translator, or read it from ``out``; its image projection is the model's."""
        file = self.options.out / "translator.safetensors"
        if not file.exists():
            told = Fitting(
                self.material,
                self.model.image_projection,
                self.model.mean,
                self.model.std,
                self.tasks.answered,
                self.absent,
                self.options.seed,
            ).fit(self.options.translator)
            self.options.out.mkdir(parents=True, exist_ok=True)
            told.save(file)
        self.tasks.told, self.tasks.weight = Told.load(file), self.options.told
        self.model.image_projection.load_state_dict(self.tasks.told.projection)
        self.model.image_projection.requires_grad_(False)
        with torch.no_grad():
            self.model.logit_scale.copy_(self.tasks.told.scale)

    @property
    def progress(self) -> float:
        """Share of the run that is done, by steps or by time, whichever is further."""
        return max(self.step / self.options.steps, self.seconds / 60 / self.options.minutes)

    def advance(self) -> tuple[str, float]:
        """Do one step and return its task and loss."""
        started = time.monotonic()
        # at most from 100 to 1 percent of the rate
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress)))
        rate = self.options.rate * min(1.0, (self.step + 1) / WARM) * (0.01 + 0.99 * cosine)
        for group in (group for each in self.optimizers for group in each.param_groups):
            group["lr"] = rate
        order = self.options.tasks
        name = order[self.step % len(order)]
        loss = getattr(self.tasks, name)()
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for each in self.optimizers:
            each.step()
        self.step += 1
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, LARGEST_SCALE)
            average(self.mean, self.model, self.step)
        self.seconds += time.monotonic() - started
        return name, float(loss.detach())

    def averaged(self) -> Learner:
        """The model with the averaged weights: a copy."""
        import copy

        model = copy.deepcopy(self.model)
        for name, parameter in model.named_parameters():
            parameter.data = self.mean[name].clone()
        return model

    def save(self) -> None:
        """Write the state to go on from, and the averaged weights as they would be shipped."""
        out, model = self.options.out, self.model
        state = {
            "model": model.state_dict(),
            "optimizers": [each.state_dict() for each in self.optimizers],
            "mean": self.mean,
            "bank": self.tasks.bank,
            "filled": self.tasks.filled,
            "step": self.step,
            "seconds": self.seconds,
        }
        with atomic_write(out / "state.pt") as temporary:
            torch.save(state, temporary)
        ids = self.material.lexicon.ids
        write_weights(out / "lite.safetensors", shipped(self.mean, model.mean, model.std, ids))
        write_json(out / "config.json", config(self.options))
        write_json(out / "training.json", self.facts())

    def facts(self) -> dict[str, Any]:
        """What the model card says of the training."""
        photographs = len(self.material.captions)
        return {
            "command": self.options.command(),
            "steps": self.step,
            "minutes": round(self.seconds / 60, 1),
            "photographs": photographs,
            "copies": len(self.material.features),
            "nouns": len(self.material.names),
            "token_rows": len(self.material.lexicon.ids),
            "text_weights": sum(p.numel() for p in self.model.text.transformer.parameters()),
            "torch": torch.__version__.split("+")[0],
        }

    def resume(self) -> None:
        """Go on from the last checkpoint, where there is one."""
        file = self.options.out / "state.pt"
        if not file.exists():
            return
        state = torch.load(file, weights_only=True)
        self.model.load_state_dict(state["model"])
        for each, stored in zip(self.optimizers, state["optimizers"], strict=True):
            each.load_state_dict(stored)
        self.mean, self.step, self.seconds = state["mean"], state["step"], state["seconds"]
        self.tasks.bank, self.tasks.filled = state["bank"], state["filled"]
        torch.manual_seed(self.options.seed + self.step)
        self.tasks.random.seed(self.options.seed + self.step)


def config(options: Options) -> dict[str, Any]:
    """The architecture, as open_clip writes it where it has a word for it."""
    return {
        "embed_dim": options.embed_dim,
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": 49408,
            "width": options.width,
            "heads": options.heads,
            "layers": options.layers,
            "norm_eps": NORM_EPS,
        },
        "preprocess_cfg": {
            "size": [pictures.SIZE, pictures.SIZE],
            "mode": "RGB",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "interpolation": "bicubic",
            "resize_mode": "shortest",
            "fill_color": 0,
        },
    }


def begin_rows(model: Learner, cache: Path) -> None:
    """Begin the rows of whole words with the principal components of MiniLM's embeddings."""
    coder = model.lexicon.tokenizer.decoder
    ids = model.lexicon.ids.tolist()
    whole = [row for row, number in enumerate(ids) if _word(coder.get(number, ""))]
    told = teacher.embedded(cache, "tokens", [coder[ids[row]][:-4] for row in whole])
    told = told - told.mean(0)
    weight = model.text.token_embedding.weight
    _, _, axes = torch.linalg.svd(told, full_matrices=False)
    found = F.normalize(told @ axes[: weight.shape[1]].T, dim=-1)
    with torch.no_grad():
        scale = weight.std() * weight.shape[1] ** 0.5
        weight[torch.tensor(whole)] = scale * found[:, : weight.shape[1]]


def _word(token: str) -> bool:
    return token.endswith("</w>") and token[:-4].isascii() and token[:-4].isalpha()


def run(options: Options) -> Path:
    """Train to the end and return the weights file."""
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    if options.prepare:
        pictures.prepare(options.data, options.cache_folder / "features", options.threads)
    training = Training(options, gather(options.data, options.cache_folder, options.vocabulary))
    training.resume()
    stop = threading.Event()
    # asked to stop, it finishes the step and leaves a checkpoint
    usual = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in _STOPPING}
    try:
        _train(training, stop)
    finally:
        for kind, handler in usual.items():
            signal.signal(kind, handler)
    return options.out / "lite.safetensors"


def _train(training: Training, stop: threading.Event) -> None:
    options = training.options
    saved = time.monotonic()
    losses: dict[str, list[float]] = {}
    # the bar counts thousandths of the run, for it may end by time
    with bar("lite", 1000, int(training.progress * 1000)) as advance:
        shown = int(training.progress * 1000)
        while training.progress < 1 and not stop.is_set():
            name, loss = training.advance()
            losses.setdefault(name, []).append(loss)
            come = min(1000, int(training.progress * 1000))
            advance(f"step {training.step}, {name} {loss:.2f}", come - shown)
            shown = come
            if time.monotonic() - saved > options.save_every * 60:
                _look(training, losses)
                saved, losses = time.monotonic(), {}
    _look(training, losses)


def _look(training: Training, losses: dict[str, list[float]]) -> None:
    """Save, and log losses and watched figures."""
    training.save()
    line: dict[str, Any] = {
        "step": training.step,
        "minutes": round(training.seconds / 60, 2),
        "scale": round(float(training.model.logit_scale.exp().detach()), 1),
        **{name: round(sum(values) / len(values), 3) for name, values in losses.items()},
        **watch.figures(training.averaged(), training.material, training.absent),
    }
    print(json.dumps(line), flush=True)
    with (training.options.out / "metrics.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    try:
        print(run(parse(arguments, __doc__)))
    except (GoproError, FileNotFoundError) as error:
        print(f"python -m recipes.lite.train: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main(sys.argv[1:])
