"""Fits that learn from another classifier, on pictures without labels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from torch import Tensor

from gopro.classifier import storage
from gopro.classifier.choice import AUTO
from gopro.classifier.fitinputs import FitInputs
from gopro.classifier.predictor import Folder, Predictor
from gopro.common.errors import GoproError
from gopro.common.files import expanded
from gopro.data.pictures import Picture
from gopro.data.unlabelled import read_unlabelled
from gopro.methods import find
from gopro.methods.base import Method


def new_method(classifier: Predictor, inputs: FitInputs) -> Method:
    """The method to train, with its teacher if it learns from one.

    Raises:
        GoproError: When it needs a teacher and there is none, or one of other classes.
    """
    method = inputs.new_method()
    if method.learns_from_teacher:
        folder, name = method.settings.teacher, inputs.settings.method
        if folder is None:
            raise GoproError(
                f"{name} learns from another classifier and got none; give --{name}.teacher MODEL, "
                "a folder of `gopro fit`, such as one of a larger backbone"
            )
        device = inputs.settings.device
        path = expanded(folder)
        teacher = storage.load(type(classifier), path, device, None, None)
        method.set_teacher(teacher.method_, inputs.class_names)
    return method


def without_labels(
    method: str, unlabelled: Iterable[Picture] | Folder | None
) -> list[Picture] | None:
    """Pictures without labels; None if none are given.

    Raises:
        GoproError: For a method that needs labels, or fewer than two pictures.
    """
    if unlabelled is None:
        return None
    if method == AUTO or not find(method).learns_from_teacher:
        raise GoproError(
            f"got pictures without labels, and {method} learns from labelled ones only; choose "
            "--method promptkd with --promptkd.teacher MODEL, or leave out --unlabelled"
        )
    if isinstance(unlabelled, (str, os.PathLike)):
        folder = expanded(unlabelled)
        return [folder / item.key for item in read_unlabelled(folder).train]
    pictures = list(unlabelled)
    if len(pictures) < 2:
        raise GoproError(f"got {len(pictures)} pictures without labels; wanted at least 2")
    return pictures


def training_inputs(inputs: FitInputs, unlabelled: Iterable[Picture] | Folder | None) -> FitInputs:
    """The inputs with the pictures to train on: those without labels, if some are given.

    Raises:
        GoproError: As ``without_labels``.
    """
    more = without_labels(inputs.settings.method, unlabelled)
    return inputs if more is None else replace(inputs, pictures=more, truth=[0] * len(more))


def labelled_pixels(inputs: FitInputs, method: Method) -> Tensor:
    """The labelled pictures of a fit that trains on others: uint8 [N, 3, S, S].

    Raises:
        GoproError: When pictures can't be read.
    """
    return inputs.training_set(list(enumerate(inputs.pictures)), method, "none").pixels
