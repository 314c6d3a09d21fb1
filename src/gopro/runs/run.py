"""A run from settings to results: what ``gopro train`` and ``gopro test`` do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.common.errors import GoproError, UnreadableError
from gopro.common.files import atomic_write, write_json
from gopro.common.tensors import save_tensors
from gopro.common.timed import timed
from gopro.data import Dataset
from gopro.data.pixels import decoded
from gopro.methods.base import Method
from gopro.prediction.predict import validator
from gopro.results import results_json, runfolder
from gopro.results.run_record import PREDICTIONS, RunRecord
from gopro.results.run_record import predictions as read_predictions
from gopro.runs.fast_prediction import FastTests
from gopro.runs.pictures import check_tests, decoded_pixels, training_set
from gopro.runs.prepared import (
    PreparedRun,
    about,
    images_to_train_on,
    load_trained,
    prepare,
)
from gopro.runs.provenance import provenance
from gopro.runs.resolve import ResolvedRun, resolve
from gopro.runs.testing import features_of, measure
from gopro.runs.workspace import Workspace
from gopro.training.checkpoint import Progress
from gopro.training.config import TrainSettings
from gopro.training.fit import learn
from gopro.training.trainer import write_metrics


def silent(line: str) -> None:
    """Announce nothing."""


def train(
    settings: TrainSettings,
    options: Any = None,
    dataset: Dataset | None = None,
    announce: Callable[[str], None] = silent,
    workspace: Workspace | None = None,
) -> Path:
    """Resolve and execute one run; arguments as for ``resolve`` and ``execute``.

    Returns:
        The run folder.

    Raises:
        GoproError: For anything the user can mend.
        Interrupted: After Ctrl-C, once all is saved.
    """
    return execute(resolve(settings, options, dataset, workspace), announce, workspace).folder


def execute(
    run: ResolvedRun, announce: Callable[[str], None] = silent, workspace: Workspace | None = None
) -> RunRecord:
    """Train, test and write the results of a resolved run.

    Each image is opened, decoded and encoded once, or not at all if the feature cache has all that
    is needed of it; augmented views are encoded in each epoch, and so are validation images where
    the image encoder changes. Before a training, test images that aren't in the feature cache are
    decoded at a low resolution, to find damaged ones. The report opens its sample images again, in
    the size it shows.

    Args:
        run: The run.
        announce: Gets a line about what is going to happen before the work starts.
        workspace: What other runs have made and can be used again.

    Raises:
        GoproError: For anything the user can mend.
        Interrupted: After Ctrl-C, once all is saved.
    """
    runfolder.check(run.folder, run.settings, run.options)
    prepared = prepare(run, workspace)
    settings, folder, method = prepared.settings, prepared.folder, prepared.method
    announce(_intention(prepared))
    # images are read before the folder is made: a damaged one leaves nothing behind
    with _all_unreadable_named(prepared):
        if prepared.trains:
            check_tests(prepared)
        fit, seconds = _training(prepared)
    with runfolder.opened(folder, settings, prepared.options):
        runfolder.keep_sample(folder, prepared.plan.source, prepared.plan.sample)
        rows: list[dict[str, Any]] = []
        if fit is None:
            write_metrics(folder, rows)
        else:
            progress = fit()
            seconds, rows = seconds + progress.seconds, progress.rows
        save_tensors(folder / runfolder.WEIGHTS, dict(method.state_dict()), about(settings))
        return _tested(prepared, seconds, rows)


def _tested(prepared: PreparedRun, seconds: float, rows: list[dict[str, Any]]) -> RunRecord:
    """Test what is trained, and write the results and the run's page.

    Args:
        prepared: The run.
        seconds: Of the training, see ``Results``.
        rows: The losses of each epoch.
    """
    settings, folder, method = prepared.settings, prepared.folder, prepared.method
    with _all_unreadable_named(prepared, f"; the training is kept in {folder}, --resume tests it"):
        measured, predictions = measure(prepared)
    write_json(folder / PREDICTIONS, predictions)
    learned = method.trainable_parameters
    outcome = results_json.results(
        settings, prepared.options, prepared.plan, learned, seconds, measured
    )
    results: results_json.Results = {**outcome, **provenance(prepared)}
    results_json.write(folder, results)
    record = RunRecord(folder, results, predictions, rows)
    datasets = {name: test.dataset for name, test in prepared.plan.tests.items()}
    from gopro.results.pages import run_page  # loads jinja2

    run_page.write(record, datasets, method, settings, prepared.options)
    with atomic_write(folder / runfolder.DONE) as temporary:
        temporary.write_text("finished\n")
    return record


def expect(settings: TrainSettings, options: Any = None) -> str:
    """What ``train`` would do and cost, in two lines; nothing is written.

    Raises:
        GoproError: For settings that don't fit each other or the data.
    """
    from gopro.runs.estimate import estimate

    prepared = prepare(resolve(settings, options))
    return f"{_intention(prepared)}\nexpected: {estimate(prepared)}"


def test(
    folder: Path,
    changes: dict[str, Any],
    fast: bool = False,
    announce: Callable[[str], None] = silent,
) -> results_json.Results:
    """Measure a finished run's weights again.

    Args:
        folder: The run folder.
        changes: See ``moved``.
        fast: Predict without a text pass for each image.
        announce: Gets a line about each fast prediction.

    Returns:
        What ``results.json`` would hold.

    Raises:
        GoproError: When the folder holds no finished run, or its data or backbone is missing, or
            there is no fast prediction for its method.
    """
    recorded = results_json.read(folder)
    settings, options = runfolder.read_settings(folder)
    prepared = load_trained(folder, changes)
    method = prepared.method
    if fast:
        train, source = prepared.plan.train, prepared.plan.source
        tests = FastTests(folder, method, lambda: features_of(prepared, method, train, source))
        measured, predictions = measure(prepared, tests)
        for line in tests.lines(read_predictions(folder), predictions):
            announce(line)
    else:
        measured, _ = measure(prepared)
    learned, seconds = prepared.method.trainable_parameters, recorded["train_seconds"]
    results = results_json.results(settings, options, prepared.plan, learned, seconds, measured)
    return {**recorded, **results}


def _intention(prepared: PreparedRun) -> str:
    """What a run is going to do, in a line."""
    settings, recipe, plan = prepared.settings, prepared.recipe, prepared.plan
    tests = ", ".join(f"{name} ({len(test.items)} images)" for name, test in plan.tests.items())
    backbone = f"{settings.backbone} on {prepared.backbone.device}, {settings.precision}"
    if not prepared.trains:
        return f"{settings.method}, {backbone}; nothing to train; tests: {tests}"
    images = f"{len(plan.train)} images of {len(plan.train_classes)} classes"
    if prepared.method.learns_from_teacher:
        images = f"{len(images_to_train_on(prepared)[1])} images without labels"
    return f"{settings.method}, {backbone}: {recipe.epochs} epochs of {images}, then tests: {tests}"


@contextlib.contextmanager
def _all_unreadable_named(prepared: PreparedRun, remedy: str = "") -> Iterator[None]:
    """After an image that can't be read, look for all others of the run.

    Args:
        prepared: The run.
        remedy: What the message ends with.

    Raises:
        UnreadableError: It has all of them.
    """
    try:
        yield
    except UnreadableError as error:
        plan, settings, how = prepared.plan, prepared.settings, prepared.preprocessing
        parts = [images_to_train_on(prepared), (plan.source, plan.val)]
        parts += [(test.dataset, test.items) for test in plan.tests.values()]
        reasons = [
            str(image)
            for dataset, items in parts
            for image in decoded(dataset.open, items, how, settings.eval_batch, settings.workers)
            if isinstance(image, GoproError)
        ]
        # validation images can be among those without labels
        total = len({(dataset.name, item.key) for dataset, items in parts for item in items})
        # none is found when the file has been mended meanwhile
        raise UnreadableError(
            list(dict.fromkeys(reasons or error.reasons)), total, remedy
        ) from error


def _training(prepared: PreparedRun) -> tuple[Callable[[], Progress] | None, float]:
    """Read what training needs of its images, each opened once at most.

    A method that learns from features sees them here.

    Returns:
        What trains on the images, None where there are no steps to do; and the seconds that
        ``prepare`` took.
    """
    settings, plan, method = prepared.settings, prepared.plan, prepared.method
    if not (prepared.trains or method.learns_from_features):
        return None, 0.0
    source, items = images_to_train_on(prepared)
    if not prepared.trains:
        known = features_of(prepared, method, items, source)
        return None, _show(method, known, torch.tensor([item.label for item in items]))
    data = training_set(prepared, items, source)
    seconds = 0.0
    if method.learns_from_features and data.features is not None:
        seconds = _show(method, data.features, data.labels)
    validate = None
    if settings.validate and plan.val:
        val_labels = [item.label for item in plan.val]
        frozen = not method.modifies_image_encoder
        images = (
            features_of(prepared, method, plan.val, plan.source)
            if frozen
            else decoded_pixels(prepared, plan.val)
        )
        validate = validator(method, images, val_labels, settings.eval_batch)

    def fit() -> Progress:
        return learn(method, data, prepared.recipe, settings, prepared.folder, validate)

    return fit, seconds


def _show(method: Method, features: ImageFeatures, labels: Tensor) -> float:
    """Let the method see the features of all training images; gives the seconds it took."""
    device = method.backbone.device
    return timed(lambda: method.prepare(features, labels.to(device)), device)[1]
