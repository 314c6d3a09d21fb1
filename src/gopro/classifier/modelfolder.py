"""``SavedModel``, a classifier as plain data, and the folder it is written to and read from.

The folder holds the learned weights, a description (``classifier.json``) with checksums, a model
card, and optionally training pictures for explanations, fingerprints of all training pictures, the
calibration, the sentences about each class and the fast prediction.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from torch import OutOfMemoryError, Tensor

from gopro.classifier.confidence.calibration import Calibration
from gopro.classifier.examples import Examples
from gopro.classifier.modelcard import card
from gopro.classifier.modelfiles import (
    ABOUT,
    CARD,
    FAST,
    FIT,
    UNFINISHED,
    WEIGHTS,
    locked,
    refuse_other_things,
)
from gopro.classifier.modelparts import PARTS, unchanged
from gopro.common.errors import GoproError
from gopro.common.files import atomic_write, file_sha256, remove_temporary
from gopro.common.tensors import load_tensors, save_tensors
from gopro.common.typed import settings_from
from gopro.common.version import __version__
from gopro.data.fingerprint import Fingerprints
from gopro.data.labelled import checked_names
from gopro.prediction.fast import FastPrompts, Reference, save_fast
from gopro.training.config import TrainSettings

SCHEMA = 1

SETTINGS = (
    *("shots", "epochs", "batch", "lr", "select", "seed", "precision", "eval_batch"),
    *("decode", "examples", "fast", "folds"),
)
"""The classifier's settings that are saved under ``settings``."""


@dataclass(frozen=True)
class SavedModel:
    """A classifier as plain data, without the backbone's weights.

    All but ``weights``, ``examples``, ``fitted``, ``calibration`` and ``texts`` is the JSON of
    ``classifier.json``, under the same names.

    Attributes:
        method: Name of the method.
        options: The method's own settings.
        settings: Those of ``SETTINGS``; older models may lack some.
        labels: C labels, all text or all whole numbers.
        class_names: C names, as used in the prompts.
        trained_names: The class names at training.
        backbone: Its ``name``, ``pretrained`` (tag or file) and ``sha256`` of its weights.
        preprocessing: From a picture to the backbone's input, in words and numbers.
        weights: The learned tensors by name.
        learned_parameters: How many numbers were trained.
        training: Training pictures per class, seconds, and the recipe.
        history: One row per epoch.
        measured: Accuracy on pictures that were not trained on, if known.
        examples: Training pictures for explanations, if any.
        fitted: Fingerprints of all training pictures; None in a published model.
        calibration: What calibrates the shares, if it was made.
        texts: The sentences about each class, if there are any; ``options`` name their file.
    """

    method: str
    options: dict[str, Any]
    settings: dict[str, Any]
    labels: list[Any]
    class_names: list[str]
    trained_names: list[str]
    backbone: dict[str, Any]
    preprocessing: dict[str, Any]
    weights: dict[str, Tensor]
    learned_parameters: int
    training: dict[str, Any]
    history: list[dict[str, Any]]
    measured: dict[str, Any] | None
    examples: Examples | None
    fitted: Fingerprints | None
    calibration: Calibration | None
    texts: Mapping[str, Sequence[str]] | None


_DESCRIBED = [field.name for field in fields(SavedModel) if field.name not in {"weights", *PARTS}]


def write(
    saved: SavedModel,
    folder: Path,
    fast: tuple[FastPrompts, Reference] | None,
    other_names: bool,
) -> Path:
    """Write a model to a folder.

    Args:
        saved: The model.
        folder: Created if needed.
        fast: Its fast prediction, if it has one.
        other_names: Whether it takes other class names; the model card then shows it.

    Raises:
        GoproError: For a value that can't be saved, or when the folder can't be written.
    """
    refuse_other_things(folder)
    with locked(folder):
        return _write(saved, folder, fast, other_names)


def _write(
    saved: SavedModel,
    folder: Path,
    fast: tuple[FastPrompts, Reference] | None,
    other_names: bool,
) -> Path:
    remove_temporary(folder)
    # files are renamed into place one by one after all are complete; the last opened comes first
    with contextlib.ExitStack() as files:
        card_file = files.enter_context(atomic_write(folder / CARD))
        about_file = files.enter_context(atomic_write(folder / ABOUT))
        weights_file = files.enter_context(atomic_write(folder / WEIGHTS))
        note = {"method": saved.method, "backbone": saved.backbone["name"]}
        save_tensors(weights_file, saved.weights, note)
        about = {**_describe(saved), "weights_sha256": file_sha256(weights_file)}
        for name, part in PARTS.items():
            if getattr(saved, name) is not None:
                file = files.enter_context(atomic_write(folder / part.file))
                part.save(getattr(saved, name), file)
                about[f"{name}_sha256"] = file_sha256(file)
        if fast is not None:
            fast_file = files.enter_context(atomic_write(folder / FAST))
            prompts, reference = fast
            save_fast(fast_file, prompts.method, reference, prompts.fitted)
            about["fast_sha256"] = file_sha256(fast_file)
        about["sha256"] = _seal(about)
        text = json.dumps(about, indent=2, ensure_ascii=False, allow_nan=False)
        about_file.write_text(text + "\n", encoding="utf-8")
        card_file.write_text(card(about, other_names), encoding="utf-8")
    optional = {part.file: getattr(saved, name) for name, part in PARTS.items()} | {FAST: fast}
    for file_name, value in optional.items():
        if value is None:
            (folder / file_name).unlink(missing_ok=True)
    return folder


def read(folder: Path) -> tuple[SavedModel, Path | None]:
    """Read a model, and find the file of its fast prediction if there is one.

    Raises:
        GoproError: When a file is missing, damaged or was changed.
    """
    about = read_description(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise GoproError(f"model {folder} has no {WEIGHTS}; copy the whole folder again")
    if file_sha256(weights) != about["weights_sha256"]:
        raise GoproError(
            f"{weights} isn't the file that was saved (its checksum differs); copy the whole "
            "folder again, or fit again"
        )
    with one_line_errors(folder):
        optional: dict[str, Any] = {}
        for name, part in PARTS.items():
            path = unchanged(folder / part.file, about.get(f"{name}_sha256"), part.use)
            optional[name] = part.load(path) if path else None
        values = {name: about[name] for name in _DESCRIBED}
        for name in ("class_names", "trained_names"):
            values[name] = list(checked_names(about[name], f"model {folder}"))
        _check_labels(about["labels"], len(values["class_names"]))
        _check_settings(about["settings"])
        saved = SavedModel(**values, **optional, weights=load_tensors(weights)[0])
    return saved, unchanged(folder / FAST, about.get("fast_sha256"), "fast prediction")


@contextlib.contextmanager
def one_line_errors(folder: Path) -> Iterator[None]:
    """Turn the errors that an unusable description leads to into a GoproError of one line."""
    try:
        yield
    except OutOfMemoryError:  # a RuntimeError; the description is sound
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = (str(error).strip().splitlines() or [""])[0][:120]
        raise GoproError(
            f"{folder / ABOUT} and {WEIGHTS} don't fit this version of gopro or each other "
            f"({type(error).__name__}: {reason}); fit again"
        ) from error


def read_description(folder: Path) -> dict[str, Any]:
    """Read ``classifier.json`` and check that it is complete and unchanged.

    Raises:
        GoproError: When it is missing, damaged, was changed, or has another schema.
    """
    path = folder / ABOUT
    try:
        about: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        what = f"is no model (it has no {ABOUT}); make one with `gopro fit`"
        if (folder / UNFINISHED / FIT).exists():
            what = (
                "has a fit that isn't finished, and no model yet; wait for it, or repeat its "
                "`gopro fit`"
            )
        raise GoproError(f"{folder} {what}") from error
    except OSError as error:
        raise GoproError(f"can't read {path} ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise GoproError(f"{path} is damaged; copy the whole folder again") from error
    if not isinstance(about, dict) or not isinstance(about.get("schema"), int):
        raise GoproError(f"{path} is no description of a model; copy the whole folder again")
    if about["schema"] != SCHEMA:
        raise GoproError(f"{path} has schema {about['schema']}; this gopro reads {SCHEMA}")
    if about.pop("sha256", None) != _seal(about) or "weights_sha256" not in about:
        raise GoproError(
            f"{path} was changed after it was saved; restore it (to use other class names, see "
            "with_classes in Python, --classes on the command line)"
        )
    return about


def _describe(saved: SavedModel) -> dict[str, Any]:
    """The contents of ``classifier.json``, without checksums.

    Raises:
        GoproError: For a label or a setting that can't be saved.
    """
    if not all(isinstance(label, (str, int)) for label in saved.labels):
        raise GoproError(
            f"the labels {saved.labels[:5]} can't be saved; wanted text or whole numbers"
        )
    try:
        _check_settings(saved.settings)
    except TypeError as error:
        raise GoproError(f"a setting is of the wrong kind ({error}); it can't be saved") from error
    values = {name: getattr(saved, name) for name in _DESCRIBED}
    return {"schema": SCHEMA, "gopro": __version__, **values}


def _check_settings(settings: dict[str, Any]) -> None:
    """Check the types and bounds of settings.

    Raises:
        TypeError: For a value of another type, or an unknown setting.
        GoproError: For a value out of bounds.
    """
    values = dict(settings.items())
    examples, fast = values.pop("examples", 0), values.pop("fast", False)
    folds = values.pop("folds", None)
    valid = type(examples) is int and examples >= 0 and type(fast) is bool
    valid = valid and (folds is None or (type(folds) is int and folds >= 0))
    if not set(settings) <= set(SETTINGS) or not valid:
        raise TypeError(f"its settings are {settings!r:.200}")
    if values.get("shots", 1) is None:
        del values["shots"]
    settings_from(TrainSettings, {"dataset": "pictures", **values})


def _check_labels(labels: Any, count: int) -> None:
    """Raise ValueError unless the labels are a list of ``count`` texts or whole numbers."""
    kinds = {type(label) for label in labels} if isinstance(labels, list) else set()
    if kinds not in ({str}, {int}, {bool}) or len(labels) != count:
        raise ValueError(f"its labels are {labels!r:.60}")


def _seal(about: dict[str, Any]) -> str:
    """SHA-256 (hex) of the description, independent of the layout of the JSON text."""
    text = json.dumps(about, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
