"""A run from settings to results: what ``gopro train`` and ``gopro test`` do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from gopro import checkpoint, engine, results, runfolder
from gopro.backbones import Backbone, ImageFeatures, build
from gopro.config import TrainSettings
from gopro.data import Dataset, load
from gopro.data.pixels import batches
from gopro.errors import GoproError
from gopro.evaluate import accuracy, frozen_features, predict
from gopro.files import atomic_write, write_json
from gopro.fitting import choose_recipe, learn
from gopro.methods import find
from gopro.methods.base import Method, Recipe
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.tasks import Plan, find_targets, plan


@dataclass(frozen=True)
class Prepared:
    """All that a run works with.

    Attributes:
        settings: With every default filled in.
        options: The method's settings.
        recipe: The training part of the settings.
        folder: The run folder.
        plan: What to train and test on.
        backbone: The frozen CLIP.
        method: Freshly made, with the training classes' names.
    """

    settings: TrainSettings
    options: Any
    recipe: Recipe
    folder: Path
    plan: Plan
    backbone: Backbone
    method: Method

    @property
    def trains(self) -> bool:
        """Whether there is anything for the engine to do."""
        # not by their number, which may depend on a training set that wasn't seen yet
        learned = any(parameter.requires_grad for parameter in self.method.parameters())
        return self.recipe.epochs > 0 and learned


def train(
    settings: TrainSettings,
    options: Any = None,
    dataset: Dataset | None = None,
    announce: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train, test and write the results of one run.

    Args:
        settings: Of the run.
        options: The method's settings; its defaults when None.
        dataset: The data set; read by its name in the settings when None.
        announce: Gets a line about what is going to happen, before the work starts.

    Returns:
        The run folder.

    Raises:
        GoproError: For anything the user can mend.
        Interrupted: After Ctrl-C, once all is saved.
    """
    prepared = _prepare(settings, options, dataset)
    settings, folder, method = prepared.settings, prepared.folder, prepared.method
    runfolder.check(folder, settings, prepared.options)
    announce(_intention(prepared))
    # images are read before the folder is made: a damaged one leaves nothing behind
    seconds = _show_training_set(prepared) if method.learns_from_features else 0.0
    fit = _training(prepared) if prepared.trains else None
    runfolder.open_folder(folder, settings, prepared.options)
    runfolder.keep_sample(folder, prepared.plan.source, prepared.plan.sample)
    if fit is None:
        engine.write_metrics(folder, [])
    else:
        seconds += fit().seconds
    checkpoint.save_tensors(folder / runfolder.WEIGHTS, dict(method.state_dict()), _about(settings))
    _test_and_write(prepared, seconds)
    if prepared.trains:
        from gopro.report import picture

        picture.draw(folder, {name: test.dataset for name, test in prepared.plan.tests.items()})
    with atomic_write(folder / runfolder.DONE) as temporary:
        temporary.write_text("finished\n")
    return folder


def test(folder: Path, changes: dict[str, Any]) -> dict[str, Any]:
    """Measure a finished run's weights again.

    Args:
        folder: The run folder.
        changes: Settings that replace the run's, such as ``root`` or ``device``.

    Returns:
        What ``results.json`` would hold.

    Raises:
        GoproError: When the folder holds no finished run, or its data or backbone is missing.
    """
    recorded = results.read(folder)
    settings, options = runfolder.read_settings(folder)
    settings = replace(settings, out=folder, **changes)
    prepared = _prepare(settings, options)
    checkpoint.load_learned(folder / runfolder.WEIGHTS, prepared.method, _about(settings))
    measured, _ = _measure(prepared)
    return {**_describe(prepared, recorded["train_seconds"]), **measured}


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


def _prepare(settings: TrainSettings, options: Any, dataset: Dataset | None = None) -> Prepared:
    kind = find(settings.method)
    options = kind.Settings() if options is None else options
    recipe = choose_recipe(kind, settings)
    settings = replace(settings, **{f.name: getattr(recipe, f.name) for f in fields(recipe)})
    if settings.root is not None:
        settings = replace(settings, root=settings.root.expanduser().absolute())
    dataset = dataset or load(settings.dataset, settings.root, seed=settings.seed)
    targets = find_targets(
        dataset, settings.task, settings.target_names, settings.root, settings.seed
    )
    what = plan(
        dataset,
        settings.task,
        shots=settings.shots,
        seed=settings.seed,
        targets=list(targets.values()),
    )
    settings = replace(settings, task=what.task)
    if settings.select == "best" and not what.val:
        raise GoproError(
            f"{settings.dataset} has no training images left for validation; use --select last"
        )
    variant = getattr(options, "variant", None)
    folder = settings.out or runfolder.default_folder(settings, variant)
    settings = replace(settings, targets=",".join(targets) or None)
    backbone = build(
        settings.backbone,
        settings.pretrained,
        device=settings.device,
        precision=settings.precision,
        chunk_tokens=settings.chunk_tokens,
    )
    torch.manual_seed(settings.seed)
    method = kind(backbone, what.train_classes, options).to(backbone.device)
    for name, test in what.tests.items():  # a name that doesn't fit shall not end a long training
        try:
            ZeroShot(backbone, test.class_names, ZeroShotSettings())
            method.for_classes(test.class_names)
        except GoproError as error:
            raise GoproError(f"{test.dataset.name}, {name} classes: {error}") from error
    return Prepared(settings, options, recipe, folder, what, backbone, method)


def _show_training_set(prepared: Prepared) -> float:
    """Let the method see the training images' features; gives the seconds that took."""
    started = time.monotonic()
    labels = torch.tensor([item.label for item in prepared.plan.train])
    features = _features(prepared, prepared.plan.train)
    prepared.method.prepare(features, labels.to(prepared.backbone.device))
    return time.monotonic() - started


def _training(prepared: Prepared) -> Callable[[], checkpoint.Progress]:
    """Read the images that training needs; gives what trains on them."""
    settings, what = prepared.settings, prepared.plan
    size = prepared.backbone.image_size
    parts = list(batches(what.source, what.train, size, settings.eval_batch, settings.workers))
    labels = torch.tensor([item.label for item in what.train])
    validate = None
    if settings.validate and what.val:
        features = _features(prepared, what.val)
        truth = [item.label for item in what.val]

        def validate(method: Method) -> float:
            return accuracy(predict(method, features, settings.eval_batch), truth)

    data = engine.TrainingSet(torch.cat(parts), labels)

    def fit() -> checkpoint.Progress:
        return learn(prepared.method, data, prepared.recipe, settings, prepared.folder, validate)

    return fit


def _features(prepared: Prepared, items: Sequence[Any], source: Any = None) -> ImageFeatures:
    return frozen_features(
        prepared.backbone,
        source or prepared.plan.source,
        items,
        batch=prepared.settings.eval_batch,
        workers=prepared.settings.workers,
    )


def _measure(prepared: Prepared) -> tuple[dict[str, Any], dict[str, Any]]:
    """Results of the method and of zero-shot CLIP, and every single prediction."""
    measured: dict[str, dict[str, Any]] = {"method": {}, "zeroshot": {}}
    predictions: dict[str, Any] = {}
    for name, test in prepared.plan.tests.items():
        features = _features(prepared, test.items, test.dataset)
        labels = [item.label for item in test.items]
        answers = {
            "zeroshot": predict(
                ZeroShot(prepared.backbone, test.class_names, ZeroShotSettings()), features
            ),
            "method": predict(
                prepared.method.eval().for_classes(test.class_names),
                features,
                prepared.settings.eval_batch,
            ),
        }
        for who, predicted in answers.items():
            measured[who][name] = {
                "accuracy": accuracy(predicted, labels),
                "n": len(labels),
                "classes": len(test.class_names),
            }
        predictions[name] = {
            "class_names": list(test.class_names),
            "keys": [item.key for item in test.items],
            "labels": labels,
            "predicted": answers["method"].tolist(),
            "zeroshot": answers["zeroshot"].tolist(),
        }
    ours, zero = measured["method"], measured["zeroshot"]
    return (
        {
            "test": ours,
            **results.summary(ours),
            "zeroshot": {"test": zero, **results.summary(zero)},
        },
        predictions,
    )


def _describe(prepared: Prepared, seconds: float) -> dict[str, Any]:
    settings = prepared.settings
    return {
        "schema": results.SCHEMA,
        "dataset": prepared.plan.dataset,
        "task": prepared.plan.task,
        "method": settings.method,
        "variant": getattr(prepared.options, "variant", None),
        "backbone": settings.backbone,
        "shots": settings.shots,
        "seed": settings.seed,
        "train_seconds": round(seconds, 1),
        "trainable_parameters": prepared.method.trainable_parameters,
        "notes": _notes(prepared.plan),
    }


def _notes(what: Plan) -> list[str]:
    """What was decided while the data sets were read, such as that a split was generated."""
    sets = [what.source, *(test.dataset for test in what.tests.values())]
    return list(dict.fromkeys(f"{one.name}: {note}" for one in sets for note in one.notes))


def _test_and_write(prepared: Prepared, seconds: float) -> None:
    measured, predictions = _measure(prepared)
    write_json(prepared.folder / runfolder.PREDICTIONS, predictions)
    write_json(prepared.folder / runfolder.RESULTS, {**_describe(prepared, seconds), **measured})
