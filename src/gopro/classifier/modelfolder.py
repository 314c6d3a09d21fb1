"""A fitted classifier as a folder: learned weights, a description, and a card for people."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from gopro.backbones.shared import Shared, backbone_key, shared_backbone
from gopro.classifier import fastway
from gopro.classifier.examples import Examples
from gopro.classifier.modelcard import card
from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, is_temporary, remove_temporary
from gopro.common.tensors import load_tensors, save_tensors
from gopro.common.typed import as_python, settings_from
from gopro.common.version import __version__
from gopro.data.labelled import checked_names
from gopro.methods import find
from gopro.training.config import TrainSettings
from gopro.training.fit import seeded
from gopro.training.recipe import method_settings

if TYPE_CHECKING:
    from gopro.classifier.classifier import PromptClassifier

    C = TypeVar("C", bound=PromptClassifier)

SCHEMA = 1
WEIGHTS = "model.safetensors"
ABOUT = "classifier.json"
CARD = "README.md"
EXAMPLES = "examples.safetensors"
FAST = "fast.safetensors"

_KEPT = (
    *("shots", "epochs", "batch", "lr", "select", "seed", "precision", "eval_batch"),
    *("examples", "fast"),
)


def write(classifier: PromptClassifier, folder: Path) -> Path:
    """Write a fitted classifier; see ``PromptClassifier.save``."""
    refuse_other_things(folder)
    remove_temporary(folder)
    examples = classifier.examples_
    # the files take their names one after the other once all of them are whole, the last one first
    with contextlib.ExitStack() as files:
        card_file = files.enter_context(atomic_write(folder / CARD))
        about_file = files.enter_context(atomic_write(folder / ABOUT))
        weights_file = files.enter_context(atomic_write(folder / WEIGHTS))
        note = {"method": classifier.method, "backbone": classifier.backbone}
        save_tensors(weights_file, dict(classifier.method_.state_dict()), note)
        about = _describe(classifier, _file_hash(weights_file))
        if examples is not None:
            examples_file = files.enter_context(atomic_write(folder / EXAMPLES))
            examples.save(examples_file)
            about["examples_sha256"] = _file_hash(examples_file)
        if classifier.reference_ is not None:
            fast_file = files.enter_context(atomic_write(folder / FAST))
            fastway.save(fast_file, classifier.quick(), classifier.reference_)
            about["fast_sha256"] = _file_hash(fast_file)
        about["sha256"] = _seal(about)
        text = json.dumps(about, indent=2, ensure_ascii=False, allow_nan=False)
        about_file.write_text(text + "\n", encoding="utf-8")
        card_file.write_text(card(about), encoding="utf-8")
    for name, there in ((EXAMPLES, examples), (FAST, classifier.reference_)):
        if there is None:
            (folder / name).unlink(missing_ok=True)
    return folder


def refuse_other_things(folder: Path) -> None:
    """Refuse a place where a model would stand among, or instead of, something else.

    Raises:
        GoproError: For a file, or a folder that holds other things than a model.
    """
    if folder.is_file():
        raise GoproError(f"{folder} is a file; choose another folder for the model")
    if not folder.is_dir() or (folder / ABOUT).is_file():
        return
    if not all(is_temporary(path) for path in folder.iterdir()):  # a killed saving leaves halves
        raise GoproError(f"{folder} holds other things than a model; choose another folder")


def read(
    kind: type[C], folder: Path, device: str, precision: str | None, pretrained: str | None
) -> C:
    """Read a classifier; see ``PromptClassifier.load``."""
    about = read_description(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise GoproError(f"model {folder} has no {WEIGHTS}; copy the whole folder again")
    if _file_hash(weights) != about["weights_sha256"]:
        raise GoproError(
            f"{weights} isn't the file that was saved (its checksum differs); copy the whole "
            "folder again, or fit again"
        )
    try:
        settings = _settings(about["settings"], kind().get_params())
        settings |= {"precision": precision} if precision else {}
        stored = about["backbone"]
        made = kind(
            **settings,
            method=about["method"],
            options=about["options"],
            backbone=stored["name"],
            pretrained=pretrained or stored["pretrained"],
            device=device,
        )
        made.class_names_ = checked_names(about["class_names"], f"model {folder}")
        made.classes_ = _labels(about["labels"], len(made.class_names_))
        made.trained_names_ = checked_names(about["trained_names"], f"model {folder}")
        made.history_, made.training_ = about["history"], about["training"]
        made.measured_ = about["measured"]
        shared = _backbone(made, stored, folder)
        made.backbone_checksum_ = shared.checksum
        path = _unchanged(folder / EXAMPLES, about.get("examples_sha256"), "explanations")
        made.examples_ = Examples.load(path) if path else None
        _same_preprocessing(shared, about["preprocessing"], folder)
        place = shared.backbone.device
        method_kind = find(made.method)
        options = method_settings(method_kind, made.options)
        with seeded(0, place):
            method = method_kind(shared.backbone, made.trained_names_, options).to(place)
        method.load_state_dict(load_tensors(weights)[0])
        method.eval()
        other = made.class_names_ != made.trained_names_
        made.method_ = method.for_classes(made.class_names_) if other else method
        path = _unchanged(folder / FAST, about.get("fast_sha256"), "fast prediction")
        made.reference_, made._quick = fastway.load(path, made.method_) if path else (None, None)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [""])[0][:120]
        raise GoproError(
            f"{folder / ABOUT} and {WEIGHTS} don't fit this version of gopro or each other "
            f"({type(error).__name__}: {reason}); fit again"
        ) from error
    return made


def read_description(folder: Path) -> dict[str, Any]:
    """The contents of a model's ``classifier.json``, whole and unchanged.

    Raises:
        GoproError: When it is missing, damaged, was changed, or has another schema.
    """
    path = folder / ABOUT
    try:
        about: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise GoproError(
            f"{folder} is no model ({ABOUT} isn't there); make one with `gopro fit`"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise GoproError(f"{path} is damaged; copy the whole folder again") from error
    if not isinstance(about, dict) or not isinstance(about.get("schema"), int):
        raise GoproError(f"{path} is no description of a model; copy the whole folder again")
    if about["schema"] != SCHEMA:
        raise GoproError(f"{path} has schema {about['schema']}; this gopro reads {SCHEMA}")
    if about.pop("sha256", None) != _seal(about) or "weights_sha256" not in about:
        raise GoproError(
            f"{path} was changed after it was saved; restore it (other class names are given at "
            "prediction: with_classes in Python, --classes on the command line)"
        )
    return about


def _describe(classifier: PromptClassifier, weights: str) -> dict[str, Any]:
    labels = classifier.classes_.tolist()
    if not all(isinstance(label, (str, int)) for label in labels):
        raise GoproError(f"the labels {labels[:5]} can't be saved; wanted text or whole numbers")
    method = classifier.method_
    options = dataclasses.asdict(method.settings)
    params = {name: as_python(value) for name, value in classifier.get_params().items()}
    recipe = {name: as_python(value) for name, value in classifier.training_["recipe"].items()}
    try:
        settings = _settings({name: params[name] for name in _KEPT}, params)
    except TypeError as error:
        raise GoproError(f"a setting is of the wrong kind ({error}); it can't be saved") from error
    return {
        "schema": SCHEMA,
        "gopro": __version__,
        "method": classifier.method,
        "options": {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()},
        "settings": settings,
        "labels": labels,
        "class_names": list(classifier.class_names_),
        "trained_names": list(classifier.trained_names_),
        "backbone": {
            "name": classifier.backbone,
            "pretrained": classifier.pretrained and str(classifier.pretrained),
            "sha256": classifier.backbone_checksum_,
        },
        "preprocessing": _preprocessing(method.backbone),
        "weights_sha256": weights,
        "learned_parameters": method.trainable_parameters,
        "training": {**classifier.training_, "recipe": recipe},
        "history": classifier.history_,
        "measured": classifier.measured_,
    }


def _settings(stored: Any, usual: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, each of its kind and within its bounds; where an older model has none, usual.

    Raises:
        TypeError: For one of another kind, or none of a classifier's.
        GoproError: For one out of its bounds.
    """
    found = {name: stored.get(name, usual[name]) for name in _KEPT}
    fit = type(found["examples"]) is int and found["examples"] >= 0
    if not set(stored) <= set(_KEPT) or not fit or type(found["fast"]) is not bool:
        raise TypeError(f"its settings are {stored!r:.200}")
    own = ("examples", "fast", *(("shots",) if found["shots"] is None else ()))
    run = {name: value for name, value in found.items() if name not in own}
    settings_from(TrainSettings, {"dataset": "pictures", **run})
    return found


def _labels(stored: Any, count: int) -> npt.NDArray[Any]:
    kinds = {type(label) for label in stored} if isinstance(stored, list) else set()
    if kinds not in ({str}, {int}, {bool}) or len(stored) != count:
        raise ValueError(f"its labels are {stored!r:.60}")
    return np.asarray(stored)


def _preprocessing(backbone: Any) -> dict[str, Any]:
    """What happens to a picture, in words and in numbers."""
    mean, std = backbone.normalisation
    return {
        "size": backbone.image_size,
        "resize": "shorter side to size, bicubic with antialiasing",
        "crop": "centre",
        "mean": [round(value, 6) for value in mean],
        "std": [round(value, 6) for value in std],
    }


def _backbone(made: PromptClassifier, stored: dict[str, Any], folder: Path) -> Shared:
    try:
        key = backbone_key(made.backbone, made.pretrained, made.device, made.precision)
        shared = shared_backbone(key)
    except GoproError as error:
        raise GoproError(f"model {folder} needs its backbone {made.backbone}: {error}") from error
    if shared.checksum != stored["sha256"]:
        raise GoproError(
            f"model {folder} was fitted on other weights of {made.backbone} (checksum "
            f"{str(stored['sha256'])[:12]}, here {shared.checksum[:12]}); give those with "
            "pretrained=... or --pretrained, or fit again"
        )
    return shared


def _same_preprocessing(shared: Shared, stored: Any, folder: Path) -> None:
    if _preprocessing(shared.backbone) != stored:
        raise GoproError(
            f"model {folder} was fitted with another preprocessing than this gopro's for "
            f"{shared.backbone.name}; fit again"
        )


def _unchanged(path: Path, stored: str | None, use: str) -> Path | None:
    """A file that a model can do without: it may be gone, but not changed."""
    if stored is None or not path.exists():
        return None
    if _file_hash(path) != stored:
        raise GoproError(
            f"{path} isn't the file that was saved (its checksum differs); remove it (it is "
            f"only for {use}), or copy the whole folder again"
        )
    return path


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _seal(about: dict[str, Any]) -> str:
    """SHA-256 (hex) of the description, however it is laid out in the file."""
    text = json.dumps(about, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
