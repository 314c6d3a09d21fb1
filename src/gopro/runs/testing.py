"""A run's method and zero-shot CLIP on the test images: what ``results.json`` says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gopro.results import schema
from gopro.backbones import ImageFeatures
from gopro.data import Dataset, Item
from gopro.data.templates import in_words, own_template
from gopro.prediction.predict import Scorer, accuracy, predict
from gopro.prediction.encode import features_for
from gopro.methods.base import Method
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.data.plan import Plan
from gopro.runs.setup import Prepared


def features_of(
    prepared: Prepared, method: Method, items: Sequence[Item], source: Dataset
) -> ImageFeatures:
    """Features of a data set's images as they are, by the method's image tower.

    Raises:
        GoproError: When an image is missing or can't be read.
    """
    settings = prepared.settings

    def encode() -> ImageFeatures:
        return features_for(
            method, source, items, batch=settings.eval_batch, workers=settings.workers
        )

    if method.modifies_image_encoder:
        return encode()
    return prepared.workspace.keep("features", source, items, encode)


def measure(
    prepared: Prepared, fast: Callable[[str, Method], Scorer] = lambda name, method: method
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Test on everything that the plan names.

    Args:
        prepared: The run, its method trained.
        fast: From a test's name and the method with its class names to what scores its images.

    Returns:
        Accuracies of the method and of zero-shot CLIP, and every single prediction.

    Raises:
        GoproError: When an image is missing or can't be read.
    """
    measured: dict[str, dict[str, Any]] = {"method": {}, "zeroshot": {}}
    templates: dict[str, dict[str, str]] = {"method": {}, "zeroshot": {}}
    predictions: dict[str, Any] = {}
    for name, test in prepared.plan.tests.items():
        labels = [item.label for item in test.items]
        usual = ZeroShotSettings(own_template(test.dataset.name))
        zero_shot = ZeroShot(prepared.backbone, test.class_names, usual)
        sentence = prepared.template(test.dataset)
        method = prepared.method.eval().for_classes(test.class_names, **sentence)
        frozen = own = features_of(prepared, zero_shot, test.items, test.dataset)
        if method.modifies_image_encoder:
            own = features_of(prepared, method, test.items, test.dataset)
        answers = {
            "zeroshot": predict(zero_shot, frozen),
            "method": predict(fast(name, method), own, prepared.settings.eval_batch),
        }
        for who, used in (("zeroshot", usual), ("method", method.settings)):
            if hasattr(used, "template"):
                templates[who][name] = in_words(used.template, getattr(used, "ensemble", "none"))
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
            **schema.summary(ours),
            **({"templates": templates["method"]} if templates["method"] else {}),
            "zeroshot": {
                "test": zero,
                **schema.summary(zero),
                "templates": templates["zeroshot"],
            },
        },
        predictions,
    )


def describe(prepared: Prepared, seconds: float) -> dict[str, Any]:
    """What a result says of its run, beside what was measured."""
    settings = prepared.settings
    return {
        "schema": schema.SCHEMA,
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
    return list(dict.fromkeys(f"{one.name}: {note}" for one in what.datasets for note in one.notes))
