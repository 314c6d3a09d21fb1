"""A run from settings to results: what ``gopro train`` and ``gopro test`` do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gopro.common import tensors
from gopro.training import checkpoint, trainer
from gopro.results import schema, runfolder
from gopro.training.config import TrainSettings
from gopro.data import Dataset, Item
from gopro.data.pixels import batches
from gopro.runs.estimate import estimate
from gopro.prediction.predict import validator
from gopro.runs.fast_tests import FastTests
from gopro.common.files import atomic_write, write_json
from gopro.training.fit import learn
from gopro.runs.testing import describe, features_of, measure
from gopro.runs.setup import Prepared, complete, equip
from gopro.runs.provenance import provenance
from gopro.results.pages import runs as pages
from gopro.results.recorded import predictions as read_predictions
from gopro.runs.workspace import Workspace


def silent(line: str) -> None:
    """Announce nothing."""


def train(
    settings: TrainSettings,
    options: Any = None,
    dataset: Dataset | None = None,
    announce: Callable[[str], None] = silent,
    workspace: Workspace | None = None,
) -> Path:
    """Train, test and write the results of one run.

    Args:
        settings: Of the run.
        options: The method's settings; its defaults when None.
        dataset: The data set; read by its name in the settings when None.
        announce: Gets lines about what is going to happen and what it will cost, before the work
            starts.
        workspace: What other runs have made and can be used again.

    Returns:
        The run folder.

    Raises:
        GoproError: For anything the user can mend.
        Interrupted: After Ctrl-C, once all is saved.
    """
    job = complete(settings, options, dataset, workspace)
    runfolder.check(job.folder, job.settings, job.options)
    prepared = equip(job, workspace)
    settings, folder, method = prepared.settings, prepared.folder, prepared.method
    announce(_intention(prepared))
    if announce is not silent:  # trying a few steps out takes some seconds
        announce(f"expected: {estimate(prepared)}")
    # images are read before the folder is made: a damaged one leaves nothing behind
    seconds = _show_training_set(prepared) if method.learns_from_features else 0.0
    fit = _training(prepared) if prepared.trains else None
    runfolder.open_folder(folder, settings, prepared.options)
    runfolder.keep_sample(folder, prepared.plan.source, prepared.plan.sample)
    if fit is None:
        trainer.write_metrics(folder, [])
    else:
        seconds += fit().seconds
    tensors.save_tensors(folder / runfolder.WEIGHTS, dict(method.state_dict()), _about(settings))
    measured, predictions = measure(prepared)
    write_json(folder / runfolder.PREDICTIONS, predictions)
    about = {**describe(prepared, seconds), **measured, **provenance(prepared)}
    write_json(folder / runfolder.RESULTS, about)
    datasets = {name: test.dataset for name, test in prepared.plan.tests.items()}
    if prepared.trains:
        from gopro.results.pages import picture

        picture.draw(folder, datasets)
    pages.write(folder, datasets, method)
    with atomic_write(folder / runfolder.DONE) as temporary:
        temporary.write_text("finished\n")
    return folder


def expect(settings: TrainSettings, options: Any = None) -> str:
    """What ``train`` would do and cost, in two lines; nothing is written.

    Raises:
        GoproError: For settings that don't fit each other or the data.
    """
    prepared = equip(complete(settings, options))
    return f"{_intention(prepared)}\nexpected: {estimate(prepared)}"


def test(
    folder: Path,
    changes: dict[str, Any],
    fast: bool = False,
    announce: Callable[[str], None] = silent,
) -> dict[str, Any]:
    """Measure a finished run's weights again.

    Args:
        folder: The run folder.
        changes: Settings that replace the run's, such as ``root`` or ``device``.
        fast: Predict without a text pass for each image.
        announce: Gets a line about each fast prediction.

    Returns:
        What ``results.json`` would hold.

    Raises:
        GoproError: When the folder holds no finished run, or its data or backbone is missing, or
            there is no fast prediction for its method.
    """
    recorded = schema.read(folder)
    settings, options = runfolder.read_settings(folder)
    prepared = equip(complete(replace(settings, out=folder, **changes), options))
    settings = prepared.settings
    tensors.load_learned(folder / runfolder.WEIGHTS, prepared.method, _about(settings))
    if fast:
        train, method = prepared.plan.train, prepared.method
        tests = FastTests(
            folder, method, lambda: features_of(prepared, method, train, prepared.plan.source)
        )
        measured, predictions = measure(prepared, tests)
        exact = read_predictions(folder)
        for line in tests.lines(_answers(exact), _answers(predictions)):
            announce(line)
    else:
        measured, _ = measure(prepared)
    return {**recorded, **describe(prepared, recorded["train_seconds"]), **measured}


def _answers(predictions: Mapping[str, Any]) -> dict[str, list[int]]:
    """Test -> the method's answers."""
    return {name: part["predicted"] for name, part in predictions.items()}


def _about(settings: TrainSettings) -> dict[str, str]:
    """What learned weights say about themselves."""
    return {"method": settings.method, "backbone": settings.backbone}


def _intention(prepared: Prepared) -> str:
    """What a run is going to do, in a line."""
    settings, recipe, what = prepared.settings, prepared.recipe, prepared.plan
    tests = ", ".join(f"{name} ({len(test.items)} images)" for name, test in what.tests.items())
    place = f"{settings.backbone} on {prepared.backbone.device}, {settings.precision}"
    if not prepared.trains:
        return f"{settings.method}, {place}; nothing to train; tests: {tests}"
    return (
        f"{settings.method}, {place}: {recipe.epochs} epochs of {len(what.train)} images of "
        f"{len(what.train_classes)} classes, then tests: {tests}"
    )


def _show_training_set(prepared: Prepared) -> float:
    """Let the method see the training images' features; gives the seconds that took."""
    started = time.monotonic()
    what = prepared.plan
    labels = torch.tensor([item.label for item in what.train])
    features = features_of(prepared, prepared.method, what.train, what.source)
    prepared.method.prepare(features, labels.to(prepared.backbone.device))
    return time.monotonic() - started


def _training(prepared: Prepared) -> Callable[[], checkpoint.Progress]:
    """Read the images that training needs; gives what trains on them."""
    settings, what = prepared.settings, prepared.plan
    pixels = _pixels(prepared, what.train)
    labels = torch.tensor([item.label for item in what.train])
    validate = None
    if settings.validate and what.val:
        truth = [item.label for item in what.val]
        pictures = _pixels(prepared, what.val)
        validate = validator(prepared.method, pictures, truth, settings.eval_batch)
    data = trainer.TrainingSet(pixels, labels, tuple(item.key for item in what.train))

    def fit() -> checkpoint.Progress:
        return learn(prepared.method, data, prepared.recipe, settings, prepared.folder, validate)

    return fit


def _pixels(prepared: Prepared, items: Sequence[Item]) -> Tensor:
    """Images of the training set, decoded: uint8 [N, 3, S, S]."""
    settings, size = prepared.settings, prepared.backbone.image_size
    source = prepared.plan.source

    def decode() -> Tensor:
        return torch.cat(list(batches(source, items, size, settings.eval_batch, settings.workers)))

    return prepared.workspace.keep("pixels", source, items, decode)
