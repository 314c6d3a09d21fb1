"""The one training loop."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gopro.checkpoint import Progress, load_checkpoint, save_checkpoint
from gopro.data.pixels import to_unit
from gopro.errors import GoproError
from gopro.files import atomic_write
from gopro.methods.base import Batch, Method, Recipe
from gopro.progress import bar
from gopro.schedule import learning_rate
from gopro.views import ViewSettings, make_views

if TYPE_CHECKING:
    from lightning_fabric import Fabric

CHECKPOINT = "checkpoint.safetensors"
METRICS = "metrics.jsonl"


class Interrupted(Exception):
    """Training was stopped by Ctrl-C; everything is saved."""


@dataclass(frozen=True)
class TrainingSet:
    """The few-shot training images, decoded.

    Attributes:
        pixels: uint8 [N, 3, S, S].
        labels: [N].
    """

    pixels: Tensor
    labels: Tensor


def train(
    method: Method,
    data: TrainingSet,
    recipe: Recipe,
    *,
    fabric: Fabric,
    folder: Path,
    seed: int,
    views: ViewSettings,
    precision: str = "fp32",
    validate: Callable[[Method], float] | None = None,
    select_best: bool = False,
    checkpoint_every: int = 1,
    resume: bool = False,
) -> Progress:
    """Train a method in place and keep ``metrics.jsonl`` and a checkpoint in the run folder.

    The order of the images and every view depend on seed, epoch and image alone, so a training
    that is stopped anywhere and resumed ends with the same weights.

    Args:
        method: What to train.
        data: Its images.
        recipe: Epochs, batch, learning rate and so on.
        fabric: Device and processes.
        folder: The run folder.
        seed: Of order and views.
        views: How views are made.
        precision: "fp16" turns loss scaling on.
        validate: Gives the accuracy in percent on validation images, after each epoch.
        select_best: End with the weights of the best validation accuracy, not the last ones.
        checkpoint_every: Epochs between checkpoints.
        resume: Continue from the folder's checkpoint, if there is one.

    Raises:
        GoproError: When the loss is not finite, or the folder can't be written.
        Interrupted: After Ctrl-C, once all is saved.
    """
    parameters = [p for p in method.parameters() if p.requires_grad]
    optimizer: Any = torch.optim.SGD(
        parameters, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    wrapped, optimizer = fabric.setup(method, optimizer)
    scaler = torch.amp.GradScaler(fabric.device.type, enabled=precision == "fp16")
    progress, best = Progress(), None
    checkpoint = folder / CHECKPOINT
    if resume and checkpoint.exists():
        progress, best = load_checkpoint(checkpoint, method, optimizer)
    size = min(recipe.batch, len(data.labels))
    steps = len(data.labels) // size  # an incomplete last batch is left out, as in CoOp
    started = time.monotonic() - progress.seconds

    def save() -> None:
        progress.seconds = time.monotonic() - started
        save_checkpoint(checkpoint, method, optimizer, progress, best)

    with bar("training", recipe.epochs * steps, progress.epoch * steps + progress.step) as advance:
        with _interrupt_flag() as interrupted:
            while progress.epoch < recipe.epochs:
                rate = learning_rate(recipe, progress.epoch)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                order = _order(len(data.labels), seed, progress.epoch)
                method.train()
                while progress.step < steps:
                    chosen = order[progress.step * size : (progress.step + 1) * size]
                    batch = _batch(method, data, chosen, seed, progress.epoch, views, fabric.device)
                    terms = wrapped(batch)
                    loss = total(method, terms)
                    values = {"loss": loss.item(), **{k: v.item() for k, v in terms.items()}}
                    _check_finite(values, progress, chosen)
                    optimizer.zero_grad()
                    fabric.backward(scaler.scale(loss))
                    scaler.step(optimizer)
                    scaler.update()
                    for name, value in values.items():
                        progress.sums[name] = progress.sums.get(name, 0.0) + value
                    progress.step += 1
                    advance(f"epoch {progress.epoch + 1}/{recipe.epochs}  {_words(values)}")
                    if interrupted():
                        save()
                        raise Interrupted(str(folder))
                accuracy = None
                if validate is not None:
                    accuracy = _evaluate(method, validate)
                    if select_best and (progress.best is None or accuracy > progress.best):
                        progress.best = accuracy
                        best = {k: v.detach().clone() for k, v in method.state_dict().items()}
                means = {name: value / steps for name, value in progress.sums.items()}
                row = {"epoch": progress.epoch + 1, "lr": rate, **means}
                if accuracy is not None:
                    row["val_accuracy"] = accuracy
                progress.rows.append(row)
                progress.epoch, progress.step, progress.sums = progress.epoch + 1, 0, {}
                if progress.epoch % checkpoint_every == 0 or progress.epoch == recipe.epochs:
                    save()
                    write_metrics(folder, progress.rows)
                if interrupted():
                    save()
                    raise Interrupted(str(folder))
    if best is not None:
        method.load_state_dict(best)
    method.eval()
    return progress


def total(method: Method, terms: dict[str, Tensor]) -> Tensor:
    """The weighted sum of the loss terms."""
    weights = method.loss_weights
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def write_metrics(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write ``metrics.jsonl`` anew: one line an epoch, none double, none missing."""
    with atomic_write(folder / METRICS) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _batch(
    method: Method,
    data: TrainingSet,
    chosen: Tensor,
    seed: int,
    epoch: int,
    views: ViewSettings,
    device: torch.device,
) -> Batch:
    images = to_unit(data.pixels[chosen], device)
    # the same image gets another draw in every epoch, and in every seed
    draw = seed * 1_000_003 + epoch
    made = make_views(images, method.views, draw, views, chosen.tolist())
    return Batch(labels=data.labels[chosen].to(device), images=made)


def _order(count: int, seed: int, epoch: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=generator)


def _evaluate(method: Method, validate: Callable[[Method], float]) -> float:
    method.eval()
    with torch.no_grad():
        accuracy = validate(method)
    return accuracy


def _check_finite(values: dict[str, float], progress: Progress, chosen: Tensor) -> None:
    broken = [name for name, value in values.items() if not math.isfinite(value)]
    if broken:
        raise GoproError(
            f"the loss term {broken[-1]} is {values[broken[-1]]} in epoch {progress.epoch + 1}, "
            f"step {progress.step + 1} (training images {chosen.tolist()}); the last checkpoint is "
            "kept: lower --lr, or use --precision fp32"
        )


def _words(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in values.items())


@contextlib.contextmanager
def _interrupt_flag() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a flag, so that no step is cut in two; the second one acts."""
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        previous = signal.signal(signal.SIGINT, note)
    except ValueError:  # not the main thread: leave signals alone
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, previous)
