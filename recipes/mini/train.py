"""Train mini: ``python -m recipes.mini.train --out DIR [--data DATA] [--teacher NPZ] ...``.

Stops at ``--steps`` or after ``--minutes`` of work, whichever comes first; started again with the
same ``--out`` it goes on where it was. Leaves ``mini.safetensors`` (the average of the last
weights) in ``--out``, and does so at every checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recipes.mini import pictures, world
from recipes.mini.batches import Batch, Batches, Lexicon
from recipes.mini.captions import all_sentences
from recipes.mini.model import Learner
from recipes.mini.names import tidy
from recipes.mini.optimizers import optimizers
from recipes.mini.ship import average, write_weights
from recipes.mini.words import GUIDE_TEMPLATES
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from gopro.files import atomic_write, write_json

TERMS = {"caption": 1.0, "prompt": 2.0, "teacher": 4.0, "guide": 1.0}
LARGEST_SCALE = math.log(100)
_STOPPING = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Options:
    """What a training is given; see ``--help`` for each."""

    out: Path
    data: Path | None
    teacher: Path | None
    text_vocab: Path | None
    cache: Path
    steps: int
    minutes: float
    batch: int
    absent: int
    guide_names: int
    rate: float
    decay: float
    drop: float
    full_from: float
    save_every: float
    device: str
    threads: int
    seed: int
    world_pictures: int


class Guide:
    """Names with their real CLIP text embeddings, to show the text tower which names are near."""

    def __init__(self, file: Path) -> None:
        with np.load(file) as stored:
            self.names = [tidy(name.split("_(")[0]) for name in stored["names"].tolist()]
            vectors = torch.from_numpy(stored["text"].astype(np.float32))
        self.vectors = F.normalize(vectors, dim=-1)
        # all names share one large direction, which would drown what tells them apart
        self.vectors = F.normalize(self.vectors - self.vectors.mean(0), dim=-1)

    def draw(self, count: int, seed: int, lexicon: Lexicon) -> tuple[Tensor, Tensor]:
        """Some names in random short sentences: tokens [count, L], embeddings [count, 512]."""
        rng = np.random.default_rng(seed)
        index = rng.permutation(len(self.names))[:count]
        forms = rng.integers(len(GUIDE_TEMPLATES), size=count)
        texts = [
            GUIDE_TEMPLATES[form].format(self.names[i])
            for i, form in zip(index.tolist(), forms.tolist(), strict=True)
        ]
        return lexicon.tokens(texts), self.vectors[torch.from_numpy(index)]


class Training:
    """One run: model, optimiser, averaged weights, and how far it has come."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.device = torch.device(options.device)
        if options.data is not None:
            pictures.prepare_real(options.data, options.teacher, options.cache)
        world.prepare_world(options.cache, options.world_pictures)
        data = pictures.load(options.cache, real=options.data is not None)
        self.guide = None if options.text_vocab is None else Guide(options.text_vocab)
        names = [] if self.guide is None else self.guide.names
        self.lexicon = Lexicon(all_sentences([*data.vocabulary.words(), *names]))
        torch.manual_seed(options.seed)
        self.model = Learner(len(self.lexicon.ids), options.drop).to(self.device)
        side = self.model.clip.visual.image_size[0]
        self.batches = Batches(
            data, self.lexicon, options.batch, options.absent, side, options.seed
        )
        self.optimizers = optimizers(self.model, options.rate, options.decay)
        self.mean = {name: p.detach().clone() for name, p in self.model.clip.named_parameters()}
        self.step, self.seconds = 0, 0.0

    @property
    def progress(self) -> float:
        """Share of the run that is done, by steps or by time, whichever is further."""
        return max(self.step / self.options.steps, self.seconds / 60 / self.options.minutes)

    def advance(self) -> dict[str, float]:
        """Do one step and return its loss terms."""
        started = time.monotonic()
        done = self.progress
        warm = min(1.0, (self.step + 1) / 150)
        rate = (
            self.options.rate
            * warm
            * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
        )
        for group in (group for each in self.optimizers for group in each.param_groups):
            group["lr"] = rate
        drop = self.options.drop if done < self.options.full_from else 0.0
        self.model.clip.visual.patch_dropout.prob = drop
        batch = _moved(self.batches(self.step), self.device)
        names, vectors = None, None
        if self.guide is not None:
            names, vectors = self.guide.draw(self.options.guide_names, self.step, self.lexicon)
            names, vectors = names.to(self.device), vectors.to(self.device)
        # at this size the plain attention is faster than the fused one on a CPU in bfloat16
        with sdpa_kernel(SDPBackend.MATH), torch.autocast(self.device.type, torch.bfloat16):
            terms = self.model.losses(batch, names, vectors)
        loss = sum((TERMS[name] * value for name, value in terms.items()), torch.zeros(()))
        self.model.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for each in self.optimizers:
            each.step()
        self.step += 1
        with torch.no_grad():
            self.model.clip.logit_scale.clamp_(max=LARGEST_SCALE)
            average(self.mean, self.model.clip, self.step)
        self.seconds += time.monotonic() - started
        return {name: float(value.detach()) for name, value in terms.items()}

    def save(self) -> None:
        """Write the state to go on from, and the averaged weights as they would be shipped."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [each.state_dict() for each in self.optimizers],
            "mean": self.mean,
            "step": self.step,
            "seconds": self.seconds,
        }
        with atomic_write(self.options.out / "state.pt") as temporary:
            torch.save(state, temporary)
        write_weights(self.options.out / "mini.safetensors", self.mean, self.lexicon.ids)
        write_json(self.options.out / "training.json", self.facts())

    def facts(self) -> dict[str, object]:
        """What the model card says of the training."""
        clip, given = self.model.clip, self.options
        image = sum(p.numel() for p in clip.visual.parameters())
        tokens = clip.token_embedding.weight.numel()
        every = sum(p.numel() for p in clip.parameters())
        cores = f"{given.threads} CPU cores"
        where = torch.cuda.get_device_name() if self.device.type == "cuda" else cores
        return {
            "command": _command(given),
            "steps": self.step,
            "batch": given.batch,
            "pictures": self.step * given.batch,
            "minutes": round(self.seconds / 60, 1),
            "machine": f"{where} (torch {torch.__version__.split('+')[0]}, bfloat16)",
            "parameters": {
                "image": image,
                "text": every - image - tokens,
                "token_rows": len(self.lexicon.ids),
            },
        }

    def resume(self) -> None:
        """Go on from the last checkpoint, where there is one."""
        file = self.options.out / "state.pt"
        if not file.exists():
            return
        state = torch.load(file, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for each, stored in zip(self.optimizers, state["optimizers"], strict=True):
            each.load_state_dict(stored)
        self.mean, self.step, self.seconds = state["mean"], state["step"], state["seconds"]


def _moved(batch: Batch, device: torch.device) -> Batch:
    return Batch(**{name: value.to(device) for name, value in vars(batch).items()})


def _command(options: Options) -> str:
    """The command of a training, with stand-ins for the folders of this machine."""
    words = ["python -m recipes.mini.train --out OUT"]
    stand_ins = {
        "data": "--data DATA",
        "teacher": "--teacher teacher_mobilenetv2.npz",
        "text_vocab": "--text-vocab clip_vitb32_text_vocab.npz",
    }
    words += [text for name, text in stand_ins.items() if getattr(options, name) is not None]
    usual = vars(parse(["--out", "OUT"]))
    for name, value in vars(options).items():
        if name not in (*stand_ins, "out", "cache", "device", "threads") and value != usual[name]:
            words.append(f"--{name.replace('_', '-')} {value:g}")
    return " ".join(words)


def run(options: Options) -> Path:
    """Train to the end and return the weights file."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    training = Training(options)
    training.resume()
    saved, shown = time.monotonic(), time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    stop = threading.Event()
    # asked to stop, it finishes the step and leaves a checkpoint
    usual = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in _STOPPING}
    with (options.out / "metrics.jsonl").open("a", encoding="utf-8") as log:
        while training.progress < 1 and not stop.is_set():
            for name, value in training.advance().items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            if time.monotonic() - shown > 20 or training.progress >= 1:
                line = {
                    "step": training.step,
                    "minutes": round(training.seconds / 60, 2),
                    "pictures_per_second": round(
                        count * options.batch / (time.monotonic() - shown)
                    ),
                    "scale": round(float(training.model.clip.logit_scale.exp().detach()), 2),
                    **{name: round(value / count, 4) for name, value in sums.items()},
                }
                print(json.dumps(line), flush=True)
                log.write(json.dumps(line) + "\n")
                log.flush()
                shown, count, sums = time.monotonic(), 0, {}
            if time.monotonic() - saved > options.save_every * 60:
                training.save()
                saved = time.monotonic()
    training.save()
    for kind, handler in usual.items():
        signal.signal(kind, handler)
    return options.out / "mini.safetensors"


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    parser = argparse.ArgumentParser(prog="python -m recipes.mini.train", description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder of the run; an unfinished one goes on")
    add("--data", type=Path, help="unpacked real pictures; without it the built-in world alone")
    add("--teacher", type=Path, help="features of a trained image network (npz: path, feature)")
    add("--text-vocab", type=Path, help="real CLIP text embeddings of names (npz: names, text)")
    add("--cache", type=Path, help="where decoded pictures are kept (default: OUT/cache)")
    add("--steps", type=int, default=100_000, help="most steps")
    add("--minutes", type=float, default=86, help="most minutes of work; the rate follows it")
    add("--batch", type=int, default=256, help="pictures a step")
    add("--absent", type=int, default=48, help="plain prompts of classes not in the batch")
    add("--guide-names", type=int, default=32, help="names of --text-vocab a step")
    add("--rate", type=float, default=1.3e-3, help="highest learning rate")
    add("--decay", type=float, default=0.1, help="weight decay")
    add("--drop", type=float, default=0.5, help="share of patches left out until --full-from")
    add("--full-from", type=float, default=0.88, help="share of the run after which none is")
    add("--save-every", type=float, default=3.0, help="minutes between checkpoints")
    add("--device", default="auto", help="cpu, cuda or auto")
    add("--threads", type=int, default=2, help="CPU threads")
    add("--seed", type=int, default=0, help="start of all random choices")
    add("--world-pictures", type=int, default=30, help="built-in pictures per class and style")
    given = vars(parser.parse_args(arguments))
    given["cache"] = given["cache"] or given["out"] / "cache"
    given["device"] = auto if given["device"] == "auto" else given["device"]
    return Options(**given)


if __name__ == "__main__":
    print(run(parse()))
