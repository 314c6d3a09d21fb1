"""Train mini: ``python -m recipes.mini.train --out DIR [--data DATA] [--teacher NPZ] ...``.

Stops after ``--steps`` or after ``--minutes`` of work, whichever comes first. Started again with
the same ``--out``, it continues. At every checkpoint it writes ``mini.safetensors`` (the average of
the last weights) to ``--out``.
"""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.multiprocessing as mp
from recipes.mini import pictures, world
from recipes.mini.batches import Batch, Batches, Lexicon
from recipes.mini.captions import all_sentences
from recipes.mini.guide import Guide
from recipes.mini.model import Learner
from recipes.mini.optimizers import optimizers
from recipes.mini.options import Options, parse
from recipes.mini.ship import average, read_weights, write_weights
from recipes.mini.team import Team
from torch.nn.attention import SDPBackend, sdpa_kernel

from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, write_json

TERMS = {"caption": 1.0, "prompt": 2.0, "teacher": 4.0, "guide": 1.0}
LARGEST_SCALE = math.log(100)
_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Training:
    """One run: model, optimiser, averaged weights, and progress."""

    def __init__(self, options: Options, team: Team | None = None) -> None:
        self.options = options
        self.team = team or Team()
        self.device = torch.device(options.device)
        prepare(options)
        data = pictures.load(options.cache, real=options.data is not None)
        self.guide = None if options.text_vocab is None else Guide(options.text_vocab)
        names = [] if self.guide is None else self.guide.names
        self.lexicon = Lexicon(all_sentences([*data.vocabulary.words(), *names]))
        torch.manual_seed(options.seed)
        self.model = Learner(len(self.lexicon.ids), options.drop)
        if options.start is not None:
            read_weights(options.start, self.model.clip, self.lexicon.ids)
        if options.frozen_image:
            self.model.clip.visual.requires_grad_(False)
            self.model.to_teacher.requires_grad_(False)
        self.model.to(self.device)
        side = self.model.clip.visual.image_size[0]
        part = options.batch // self.team.size
        self.seed = (options.seed, self.team.rank)
        self.batches = Batches(data, self.lexicon, part, options.absent, side, self.seed)
        self.optimizers = optimizers(self.model, options.rate, options.decay)
        self.mean = {name: p.detach().clone() for name, p in self.model.clip.named_parameters()}
        self.step, self.seconds = 0, 0.0

    @property
    def progress(self) -> float:
        """Fraction of the run that is done, by steps or by time, whichever is larger."""
        return max(self.step / self.options.steps, self.seconds / 60 / self.options.minutes)

    def advance(self) -> dict[str, float]:
        """Do one step and return the loss terms of this process."""
        started = time.monotonic()
        done = self.team.agreed(self.progress)
        warm = min(1.0, (self.step + 1) / 150)
        rate = (
            self.options.rate
            * warm
            * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
        )
        for group in (group for each in self.optimizers for group in each.param_groups):
            group["lr"] = rate
        # a frozen image encoder gets complete pictures, as in use
        dropping = done < self.options.full_from and not self.options.frozen_image
        drop = self.options.drop if dropping else 0.0
        self.model.clip.visual.patch_dropout.prob = drop
        batch = _moved(self.batches(self.step), self.device)
        names, vectors = None, None
        if self.guide is not None:
            names, vectors = self.guide.draw(
                self.options.guide_names // self.team.size, (*self.seed, self.step), self.lexicon
            )
            names, vectors = names.to(self.device), vectors.to(self.device)
        # at this size, plain attention is faster than fused attention on a CPU in bfloat16
        with sdpa_kernel(SDPBackend.MATH), torch.autocast(self.device.type, torch.bfloat16):
            terms = self.model.losses(batch, names, vectors)
        loss = sum((TERMS[name] * value for name, value in terms.items()), torch.zeros(()))
        self.model.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.team.average(self.model.parameters())
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
        """Write the checkpoint, and the averaged weights in the format of the package."""
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
        """The facts about the training in the model card."""
        clip, given = self.model.clip, self.options
        image = sum(p.numel() for p in clip.visual.parameters())
        tokens = clip.token_embedding.weight.numel()
        every = sum(p.numel() for p in clip.parameters())
        cores = f"{given.threads * given.processes} CPU cores"
        where = torch.cuda.get_device_name() if self.device.type == "cuda" else cores
        return {
            "command": given.command(),
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
        """Continue from the last checkpoint if there is one."""
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


def prepare(options: Options) -> None:
    """Decode and draw the pictures, unless this is done."""
    if options.data is not None:
        pictures.prepare_real(options.data, options.teacher, options.cache)
    world.prepare_world(options.cache, options.world_pictures)


def run(options: Options) -> Path:
    """Train to the end and return the path of the weights file."""
    options.out.mkdir(parents=True, exist_ok=True)
    meeting = options.out / "meeting"
    meeting.unlink(missing_ok=True)
    if options.processes == 1:
        _work(0, options, meeting)
    else:
        prepare(options)  # before the processes start, so that it is done once
        mp.start_processes(
            _work, (options, meeting), nprocs=options.processes, start_method="spawn"
        )
    meeting.unlink(missing_ok=True)
    return options.out / "mini.safetensors"


def _work(rank: int, options: Options, meeting: Path) -> None:
    """The work of one process."""
    torch.set_num_threads(options.threads)
    # otherwise plain attention would compute in float32
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    team = Team(rank, options.processes)
    team.join(meeting)
    stop = threading.Event()
    # on a signal it finishes the step and writes a checkpoint
    usual = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in _STOPPING}
    try:
        training = Training(options, team)
        training.resume()
        _train(training, stop)
        team.wait()
    finally:
        for kind, handler in usual.items():
            signal.signal(kind, handler)
        team.leave()


def _train(training: Training, stop: threading.Event) -> None:
    options, team = training.options, training.team
    saved = shown = time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    while not team.agreed(training.progress >= 1 or stop.is_set()):
        for name, value in training.advance().items():
            sums[name] = sums.get(name, 0.0) + value
        count += 1
        if not team.leads:
            continue
        if time.monotonic() - shown > 20 or training.progress >= 1:
            line = {
                "step": training.step,
                "minutes": round(training.seconds / 60, 2),
                "pictures_per_second": round(count * options.batch / (time.monotonic() - shown)),
                "scale": round(float(training.model.clip.logit_scale.exp().detach()), 2),
                **{name: round(value / count, 4) for name, value in sums.items()},
            }
            print(json.dumps(line), flush=True)
            with (options.out / "metrics.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
            shown, count, sums = time.monotonic(), 0, {}
        if time.monotonic() - saved > options.save_every * 60:
            training.save()
            saved = time.monotonic()
    if team.leads:
        training.save()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train with the options of the command line."""
    try:
        print(run(parse(arguments, __doc__)))
    except GoproError as error:
        print(f"python -m recipes.mini.train: error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main(sys.argv[1:])
