"""From decoded images to learned weights, for a run and for a classifier."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gopro.common import distributed
from gopro.common.errors import GoproError, NotFiniteError, UnusableFileError
from gopro.methods.base import Method, Recipe, can_learn
from gopro.prediction.encode import encode
from gopro.training import loggers
from gopro.training.checkpoint import Progress
from gopro.training.config import TrainSettings
from gopro.training.trainer import Interrupted, Trainer
from gopro.training.trainingset import TrainingSet

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger  # slow to load


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch's generators inside the block; restore them after it."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def learn(
    method: Method,
    data: TrainingSet,
    recipe: Recipe,
    settings: TrainSettings,
    folder: Path,
    validate: Callable[[Method], float] | None = None,
) -> Progress:
    """Train a method in place, on the device its backbone is on.

    Args:
        method: What to train.
        data: Its images.
        recipe: How; see ``choose_recipe``.
        settings: Seed, views, precision, which epoch counts, and whether to resume.
        folder: Where checkpoint and metrics go.
        validate: Gives the accuracy in percent on validation images.

    Raises:
        GoproError: When the loss is not finite, or the folder can't be written.
        Interrupted: After Ctrl-C, once all is saved.
    """
    with opened_loggers(settings, folder, method.backbone.device) as opened:
        trainer = Trainer(
            method,
            data,
            recipe,
            folder=folder,
            seed=settings.seed,
            views=settings.views,
            precision=settings.precision,
            validate=validate,
            select_best=settings.select == "best",
            checkpoint_every=settings.checkpoint_every,
            loggers=opened,
            workers=settings.workers,
        )
        if settings.resume:
            trainer.resume()
        for row in trainer.progress.rows:
            loggers.log_row(opened, row)
        progress = trainer.run()
    distributed.exit_workers()
    return progress


@contextlib.contextmanager
def opened_loggers(
    settings: TrainSettings, folder: Path, device: torch.device
) -> Iterator[list[Logger]]:
    """The loggers of ``settings``; all processes end if those of one don't start.

    Args:
        settings: Their names, and what they show.
        folder: The run folder.
        device: Of the training.

    Raises:
        GoproError: When one doesn't start, here or in another process.
    """
    failure = None
    with contextlib.ExitStack() as stack:
        opened: list[Logger] = []
        try:
            names, config = settings.logger_names, asdict(settings)
            opened = stack.enter_context(loggers.opened(names, folder, config))
        except GoproError as error:
            failure = error
        with distributed.synchronized():
            if distributed.any_process(failure is not None, device):
                raise failure or GoproError("a logger of another process doesn't start")
        yield opened


def learn_classifier(
    method: Method,
    data: TrainingSet,
    recipe: Recipe,
    settings: TrainSettings,
    validate: Callable[[Method], float] | None = None,
    checkpoint: Path | None = None,
) -> Progress:
    """``learn`` for a caller that wants only the method.

    A method that learns from features gets them first; one that learns nothing stays as it is.

    Args:
        method: See ``learn``.
        data: See ``learn``.
        recipe: See ``learn``.
        settings: See ``learn``.
        validate: See ``learn``.
        checkpoint: A folder that a stopped training is saved in and continues from; None to
            keep no file.

    Raises:
        GoproError: As ``learn``.
        KeyboardInterrupt: After Ctrl-C.
    """
    if method.learns_from_features:
        features = data.features
        if features is None:
            features = encode(method, data.pixels, settings.eval_batch)
        method.prepare(features, data.labels.to(method.backbone.device))
        data = replace(data, features=features)
    if not can_learn(method, recipe):
        return Progress()
    with contextlib.ExitStack() as temporary:
        if checkpoint is None:
            folder = Path(temporary.enter_context(tempfile.TemporaryDirectory(prefix="gopro-")))
            settings = replace(settings, checkpoint_every=max(1, recipe.epochs))
        else:
            folder, settings = checkpoint, replace(settings, resume=True)
        try:
            return learn(method, data, recipe, settings, folder, validate)
        except UnusableFileError as error:  # a fit has no --resume to leave out
            raise UnusableFileError(error.what, f"remove {folder} to start again") from error
        except NotFiniteError as error:
            raise NotFiniteError(error.what, error.remedy, ": nothing was kept") from error
        except Interrupted as stop:
            saved = f"and saved in {folder}; the same fit continues it"
            raise KeyboardInterrupt(
                f"stopped, {saved if checkpoint else 'nothing was kept'}"
            ) from stop
