"""Save a classifier as a ``SavedModel``, and build a classifier from one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from gopro.backbones import Backbone
from gopro.backbones.names import HUB
from gopro.backbones.shared import Shared, backbone_key, shared_backbone
from gopro.classifier import fast_prediction, modelfolder
from gopro.classifier.modelfiles import TEXTS
from gopro.classifier.modelfolder import SETTINGS, SavedModel
from gopro.classifier.predictor import Predictor
from gopro.common.errors import GoproError
from gopro.common.files import last_part
from gopro.common.localdir import LOCAL, without_folders
from gopro.common.typed import as_python
from gopro.methods import find
from gopro.methods.base import Method
from gopro.training.fit import seeded
from gopro.training.recipe import method_settings

P = TypeVar("P", bound=Predictor)


def save(classifier: Predictor, folder: Path, *, published: bool = False) -> Path:
    """Write a fitted classifier; see ``PromptClassifier.save``.

    Args:
        classifier: The classifier.
        folder: Created if needed.
        published: Whether it names no folder of this machine.
    """
    reference = classifier.reference_
    fast = None if reference is None else (classifier.fast_prompts(), reference)
    others = _takes_other_names(classifier.method_)
    return modelfolder.write(_record(classifier, published), folder, fast, others)


def _takes_other_names(method: Method) -> bool:
    try:
        method.for_classes(["a name", "another name"])
    except GoproError:
        return False
    return True


def _record(classifier: Predictor, published: bool) -> SavedModel:
    params = {name: as_python(value) for name, value in classifier.get_params().items()}
    method, training = classifier.method_, classifier.training_
    options = dataclasses.asdict(method.settings)
    if classifier.texts_ is not None:
        options["texts"] = TEXTS
    backbone, pretrained = params["backbone"], params["pretrained"] and str(params["pretrained"])
    if backbone.startswith(LOCAL):
        backbone = method.backbone.name  # its whole path, for whoever loads it from another folder
    if published:
        backbone = without_folders(backbone)
        pretrained = pretrained and last_part(pretrained)  # a tag is one part
        options.pop("teacher", None)  # its folder; to predict, none is needed
    return SavedModel(
        method=classifier.method_name_,
        options={k: list(v) if isinstance(v, tuple) else v for k, v in options.items()},
        settings={name: params[name] for name in SETTINGS},
        labels=classifier.classes_.tolist(),
        class_names=list(classifier.class_names_),
        trained_names=list(classifier.trained_names_),
        backbone={
            "name": backbone,
            "pretrained": pretrained,
            "sha256": classifier.backbone_checksum_,
        },
        preprocessing=_preprocessing(method.backbone),
        learned_parameters=method.trainable_parameters,
        training=training | {"recipe": {k: as_python(v) for k, v in training["recipe"].items()}},
        history=classifier.history_,
        measured=classifier.measured_,
        weights=dict(method.state_dict()),
        examples=classifier.examples_,
        fitted=classifier.fitted_,
        calibration=classifier.calibration_,
        texts=classifier.texts_,
    )


def load(
    kind: Callable[..., P], folder: Path, device: str, precision: str | None, pretrained: str | None
) -> P:
    """Build a classifier of class ``kind`` from a folder; see ``PromptClassifier.load``."""
    saved, fast_file = modelfolder.read(folder)
    with modelfolder.one_line_errors(folder):
        if saved.options.get("texts") is not None:
            saved.options["texts"] = str(folder / TEXTS)
        classifier = kind(
            **saved.settings | ({"precision": precision} if precision else {}),
            method=saved.method,
            options=saved.options,
            backbone=saved.backbone["name"],
            pretrained=pretrained or saved.backbone["pretrained"],
            device=device,
        )
        shared = _backbone(classifier.get_params(), saved, folder)
        classifier.classes_ = np.asarray(saved.labels)
        classifier.class_names_ = names = tuple(saved.class_names)
        classifier.trained_names_ = trained_names = tuple(saved.trained_names)
        classifier.backbone_checksum_ = shared.checksum
        classifier.history_, classifier.training_ = saved.history, saved.training
        classifier.measured_, classifier.examples_ = saved.measured, saved.examples
        classifier.fitted_, classifier.calibration_ = saved.fitted, saved.calibration
        classifier.texts_ = saved.texts
        method_kind, target = find(saved.method), shared.backbone.device
        options = method_settings(method_kind, saved.options)
        with seeded(0, target):
            method = method_kind(shared.backbone, trained_names, options).to(target)
        method.load_state_dict(saved.weights)
        method.eval()
        classifier.method_ = method if names == trained_names else method.for_classes(names)
        classifier.reference_, classifier._fast_prompts = (
            fast_prediction.load(fast_file, classifier.method_) if fast_file else (None, None)
        )
    return classifier


def _preprocessing(backbone: Backbone) -> dict[str, Any]:
    """From a picture to the backbone's input, in words and numbers."""
    mean, std = backbone.normalisation
    return {
        **backbone.preprocessing.in_words(),
        "mean": [round(value, 6) for value in mean],
        "std": [round(value, 6) for value in std],
    }


def _backbone(params: dict[str, Any], saved: SavedModel, folder: Path) -> Shared:
    """The backbone that the model was fitted on.

    Raises:
        GoproError: When it can't be built, or has other weights or another preprocessing.
    """
    name, sha256 = saved.backbone["name"], saved.backbone["sha256"]
    try:
        key = backbone_key(name, params["pretrained"], params["device"], params["precision"])
        shared = shared_backbone(key)
    except GoproError as error:
        raise GoproError(f"model {folder} needs its backbone {name}: {error}") from error
    if shared.checksum != sha256:
        remedy = "give those with pretrained=... or --pretrained"
        if name.startswith((HUB, LOCAL)):  # they bring their own
            remedy = "put those back there"
        raise GoproError(
            f"model {folder} was fitted on other weights of {name} (checksum "
            f"{str(sha256)[:12]}, here {shared.checksum[:12]}); {remedy}, or fit again"
        )
    if _preprocessing(shared.backbone) != saved.preprocessing:
        raise GoproError(
            f"model {folder} was fitted with another preprocessing than this gopro's for "
            f"{shared.backbone.name}; fit again"
        )
    return shared
