"""The training loop of all methods."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gopro.common import distributed
from gopro.common.errors import GoproError, NotFiniteError
from gopro.common.files import atomic_write
from gopro.common.progress import Advance, bar
from gopro.methods.base import Batch, Method, Recipe
from gopro.training.batches import CachedViews, LiveViews, draw_seed
from gopro.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from gopro.training.config import ViewSettings
from gopro.training.loggers import log_row
from gopro.training.non_finite import all_finite, broken_gradient, files
from gopro.training.optimizers import make_optimizer
from gopro.training.recipe import check_batch
from gopro.training.schedule import learning_rate
from gopro.training.trainingset import TrainingSet

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger  # slow to load

CHECKPOINT = "checkpoint.safetensors"
METRICS = "metrics.jsonl"

_SMALLEST_SCALE = 1.0
"""Smallest loss scale in half precision. It starts at 65,536; every overflow halves it."""


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """Ctrl-C stopped the training; everything is saved."""


class Trainer:
    """Trains a method in place; writes ``metrics.jsonl`` and a checkpoint into the run folder.

    The order of the images and all views depend only on seed, epoch and image, so a training that
    is stopped at any step and resumed ends with the same weights.

    Args:
        method: What to train, on its device.
        data: Its images.
        recipe: Epochs, batch, learning rate and so on.
        folder: The run folder.
        seed: Of order and views.
        views: How views are made.
        precision: "fp16" turns loss scaling on.
        validate: Gives the accuracy in percent on validation images, after each epoch.
        select_best: Use the weights of the best validation accuracy instead of the last ones.
        checkpoint_every: Epochs between checkpoints.
        loggers: Get each epoch's row of metrics.
        workers: Threads that cut crops; None for one per core.

    Raises:
        GoproError: When the copies of views can't be made or kept.
    """

    def __init__(
        self,
        method: Method,
        data: TrainingSet,
        recipe: Recipe,
        *,
        folder: Path,
        seed: int,
        views: ViewSettings,
        precision: str = "fp32",
        validate: Callable[[Method], float] | None = None,
        select_best: bool = False,
        checkpoint_every: int = 1,
        loggers: Sequence[Logger] = (),
        workers: int | None = None,
    ) -> None:
        self.method, self.data, self.recipe = method, data, recipe
        self.device = method.backbone.device
        self.folder, self.seed, self.loggers = folder, seed, loggers
        self.validate, self.select_best = validate, select_best
        self.checkpoint_every = checkpoint_every
        self.precision = precision
        self.batch = min(recipe.batch, len(data.labels))
        self.steps = recipe.steps(len(data.labels))
        images = (method, data, views, recipe.augment, seed, workers)
        copies = recipe.view_cache
        self.source = CachedViews(*images, copies=copies) if copies else LiveViews(*images)
        self.optimizer = make_optimizer(recipe, [p for p in method.parameters() if p.requires_grad])
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=precision == "fp16")
        self.progress = Progress()
        self.best: dict[str, Tensor] | None = None
        self.started = time.monotonic()

    def resume(self) -> None:
        """Continue from the folder's checkpoint, if there is one.

        Raises:
            UnusableFileError: When the checkpoint is damaged or another method's.
        """
        path = self.folder / CHECKPOINT
        if path.exists():
            self.progress, self.best = load_checkpoint(
                path, self.method, self.optimizer, self.method.extra_state
            )
            self.scaler.load_state_dict(self.progress.scaler)
            self.started = time.monotonic() - self.progress.seconds
            write_metrics(self.folder, self.progress.rows)

    def save(self) -> None:
        """Write the checkpoint and the metrics so far.

        Raises:
            GoproError: When the disk is full or the place can't be written.
        """
        self.progress.seconds = time.monotonic() - self.started
        self.progress.scaler = self.scaler.state_dict()
        path = self.folder / CHECKPOINT
        save_checkpoint(
            path, self.method, self.optimizer, self.progress, self.best, self.method.extra_state
        )
        write_metrics(self.folder, self.progress.rows)

    def run(self) -> Progress:
        """Train to the last epoch.

        Raises:
            NotFiniteError: When loss, gradient or weights are not finite.
            GoproError: When the folder can't be written.
            Interrupted: After Ctrl-C, once all is saved.
        """
        progress, epochs = self.progress, self.recipe.epochs
        done = progress.epoch * self.steps + progress.step
        with (
            distributed.synchronized(),
            bar("training", epochs * self.steps, done) as advance,
            interrupt_flag() as interrupted,
        ):
            check_batch(type(self.method), distributed.shard_size(self.batch))
            self._check_start(done)
            while progress.epoch < epochs:
                self._epoch(advance, interrupted)
                self._close_epoch()
                if progress.epoch % self.checkpoint_every == 0 or progress.epoch == epochs:
                    self.save()
            self._stop_if(interrupted)  # in the last validation, after all steps
        if self.best is not None:
            self.method.load_state_dict(self.best)
        self.method.eval()
        return progress

    def _check_start(self, done: int) -> None:
        """Refuse processes that continue from different steps; their gradients would not match."""
        mean = distributed.average({"step": done}, self.device)["step"]
        if distributed.any_process(mean != done, self.device):
            raise GoproError(
                f"the processes continue from different steps, this one from step {done}; put the "
                "run folder on a disk that all of them can read"
            )

    def _epoch(self, advance: Advance, interrupted: Callable[[], bool]) -> None:
        progress = self.progress
        stage = self.method.stage_of(progress.epoch, self.recipe.epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, progress.epoch, stage)
        generator = torch.Generator().manual_seed(draw_seed(self.seed, progress.epoch))
        order = torch.randperm(len(self.data.labels), generator=generator)
        self.method.train()
        left = range(progress.step, self.steps)
        steps = [order[step * self.batch :][: self.batch] for step in left]
        mine = map(distributed.shard, steps)
        batches = self.source.batches(mine, progress.epoch)
        for chosen, batch in zip(steps, batches, strict=True):
            values = self._step(chosen, batch)
            for name, value in values.items():
                progress.sums[name] = progress.sums.get(name, 0.0) + value
            progress.step += 1
            words = "  ".join(f"{name} {value:.3g}" for name, value in values.items())
            advance(f"epoch {progress.epoch + 1}/{self.recipe.epochs}  {words}")
            self._stop_if(interrupted)

    def _stop_if(self, interrupted: Callable[[], bool]) -> None:
        """Save and stop after Ctrl-C in any process."""
        if distributed.any_process(interrupted(), self.device):
            self.save()
            raise Interrupted(str(self.folder))

    def _step(self, chosen: Tensor, batch: Batch) -> dict[str, float]:
        """One step on the chosen images; returns the loss and its terms."""
        terms = self.method.loss(batch)
        loss = self.method.total_loss(terms)
        values = {"loss": loss.item(), **{name: term.item() for name, term in terms.items()}}
        values = distributed.average(values, self.device)
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if broken:
            raise self._stop(f"the loss term {broken[-1]} is {values[broken[-1]]}", chosen)
        self.optimizer.zero_grad()
        self.method.backward(terms, self._backward)
        distributed.average_gradients(self.method.parameters())
        scaled = self.scaler.is_enabled()  # then a step whose gradient overflows is skipped
        broke = not scaled and not all_finite(p.grad for p in self.method.parameters())
        if not broke:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        if broke or (scaled and self.scaler.get_scale() < _SMALLEST_SCALE):
            again = self.method.loss(batch)  # the first graph is used up
            raise self._stop(broken_gradient(again, self.method.loss_weights, self.method), chosen)
        if not all_finite(self.method.parameters()):  # else a checkpoint would keep them
            raise self._stop("a weight is not finite", chosen)
        return values

    def _stop(self, what: str, chosen: Tensor) -> NotFiniteError:
        """Save the weights from before this step; returns the error that says what broke."""
        if all_finite(self.method.state_dict().values()):
            self.save()
        kept = "the last good weights are kept in the checkpoint"
        if not (self.folder / CHECKPOINT).exists():
            kept = "there are no good weights yet"
        progress = self.progress
        return NotFiniteError(
            f"{what} in epoch {progress.epoch + 1}, step {progress.step + 1} of {self.steps}, "
            f"whose images are {files(self.data.names, chosen.tolist())}",
            f"use {'' if self.precision == 'fp32' else '--precision fp32 or '}a lower --lr",
            f", into another --out: {kept}",
        )

    def _backward(self, loss: Tensor, **options: Any) -> None:
        torch.autograd.backward(self.scaler.scale(loss), **options)

    def _close_epoch(self) -> None:
        """Validate, and make the epoch's row of metrics from its sums."""
        progress = self.progress
        self.method.end_epoch(progress.epoch, self.recipe.epochs)
        row = {"epoch": progress.epoch + 1, "lr": self.optimizer.param_groups[0]["lr"]}
        row |= {name: value / self.steps for name, value in progress.sums.items()}
        if self.validate is not None:
            self.method.eval()
            row["val_accuracy"] = accuracy = self.validate(self.method)
            if self.select_best and (progress.best is None or accuracy > progress.best):
                progress.best = accuracy
                state = self.method.state_dict()
                self.best = {name: value.detach().clone() for name, value in state.items()}
        progress.rows.append(row)
        log_row(self.loggers, row)
        progress.epoch, progress.step, progress.sums = progress.epoch + 1, 0, {}


def write_metrics(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write all of ``metrics.jsonl``: one line for each epoch."""
    with atomic_write(folder / METRICS) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@contextlib.contextmanager
def interrupt_flag() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C sets a flag, so that the step is completed; the second one stops at once."""
    interrupted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        previous = signal.signal(signal.SIGINT, note)
    except ValueError:  # signals belong to the main thread
        yield lambda: False
        return
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, previous)
