"""Tests of a run's method and of zero-shot CLIP: the numbers in ``results.json``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gopro.backbones import ImageFeatures
from gopro.common.progress import bar
from gopro.data import Dataset, Item
from gopro.data.pixels import batches
from gopro.data.plan import Test
from gopro.data.templates import describe, own_template
from gopro.methods.base import Method
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.prediction.encode import encode, features_for
from gopro.prediction.predict import Scorer, accuracy, predict
from gopro.results import results_json
from gopro.runs.prepared import PreparedRun


def features_of(
    prepared: PreparedRun,
    method: Method,
    items: Sequence[Item],
    source: Dataset,
    batch: int | None = None,
) -> ImageFeatures:
    """Features of a data set's images without augmentation, by the method's image encoder.

    Args:
        prepared: The run.
        method: The method.
        items: The images.
        source: The data set that opens them.
        batch: Images per pass; by default the run's ``eval_batch``.

    Raises:
        GoproError: When an image is missing or can't be read.
    """
    settings = prepared.settings

    def read() -> ImageFeatures:
        return features_for(
            method,
            source,
            items,
            batch=batch or settings.eval_batch,
            workers=settings.workers,
            decode=settings.decode,
            verify=settings.verify_cache,
        )

    if method.modifies_image_encoder:
        return read()
    return prepared.workspace.keep("features", source, items, settings.decode, read)


def _test_features(
    prepared: PreparedRun, zero_shot: Method, method: Method, test: Test
) -> tuple[ImageFeatures, ImageFeatures]:
    """Features of a test's images for zero-shot CLIP and for the method; decoded once for both."""
    if not method.modifies_image_encoder:
        features = features_of(prepared, zero_shot, test.items, test.dataset)
        return features, features
    settings, how = prepared.settings, prepared.preprocessing
    adapted: list[ImageFeatures] = []

    def read() -> ImageFeatures:
        frozen = []
        pictures = batches(test.dataset, test.items, how, settings.eval_batch, settings.workers)
        with bar("encoding images", len(test.items)) as advance:
            for pixels in pictures:
                frozen.append(encode(zero_shot, pixels, settings.eval_batch))
                adapted.append(encode(method, pixels, settings.eval_batch))
                advance("", len(pixels))
        return ImageFeatures.cat(frozen)

    features = prepared.workspace.keep("features", test.dataset, test.items, settings.decode, read)
    if not adapted:  # an earlier run of this command has encoded the frozen ones
        return features, features_of(prepared, method, test.items, test.dataset)
    return features, ImageFeatures.cat(adapted)


def measure(
    prepared: PreparedRun, fast: Callable[[str, Method], Scorer] = lambda name, method: method
) -> tuple[results_json.Measured, dict[str, Any]]:
    """Run all tests of the plan.

    Args:
        prepared: The run, its method trained.
        fast: Gives what scores a test's images, from the test's name and the method with its
            class names.

    Returns:
        Accuracies of the method and of zero-shot CLIP, and the prediction for each image.

    Raises:
        GoproError: When an image is missing or can't be read.
    """
    measured: dict[str, dict[str, results_json.Score]] = {"method": {}, "zeroshot": {}}
    templates: dict[str, dict[str, str]] = {"method": {}, "zeroshot": {}}
    predictions: dict[str, Any] = {}
    for name, test in prepared.plan.tests.items():
        labels = [item.label for item in test.items]
        zero_shot = ZeroShot(
            prepared.backbone, test.class_names, ZeroShotSettings(own_template(test.dataset.name))
        )
        sentences = prepared.sentences(test.dataset)
        method = prepared.method.eval().for_classes(test.class_names, **sentences)
        frozen, adapted = _test_features(prepared, zero_shot, method, test)
        answers = {
            "zeroshot": predict(zero_shot, frozen),
            "method": predict(fast(name, method), adapted, prepared.settings.eval_batch),
        }
        for who, scorer in (("zeroshot", zero_shot), ("method", method)):
            used = scorer.settings
            if getattr(used, "texts", None) is not None:
                templates[who][name] = f"sentences of {Path(used.texts).name}"
            elif hasattr(used, "template"):
                templates[who][name] = describe(used.template, getattr(used, "ensemble", "none"))
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
    return results_json.measured(measured, templates), predictions
