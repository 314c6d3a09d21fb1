"""Fast prediction in a classifier: the data it keeps of the training pictures, and its file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gopro.common.errors import GoproError
from gopro.methods.base import Method
from gopro.prediction.encode import encode
from gopro.prediction.fast import FastPrompts, Reference, fit, is_conditioned, load_fast
from gopro.prediction.fast.image_dependent import IMAGES


def reference(method: Method, pixels: Tensor) -> Reference | None:
    """The data of some training pictures; None for a method without fast prediction.

    Args:
        method: Trained.
        pixels: uint8 [N, 3, S, S].
    """
    # bool() keeps the type Method for the lines below
    if not bool(is_conditioned(method)):
        return None
    indices = torch.linspace(0, len(pixels) - 1, min(IMAGES, len(pixels))).round().long()
    return Reference.of(method, encode(method, pixels[indices]))


def fast_prompts(method: Method, reference: Reference | None) -> FastPrompts:
    """Fit fast prediction to a method's classes.

    Raises:
        GoproError: When the method has no fast prediction, or its file is missing.
    """
    if not is_conditioned(method):
        raise GoproError(
            f"there is no fast prediction for {type(method).__name__}: leave out fast=True"
        )
    if reference is None:
        raise GoproError(
            "this model was saved without the data for fast prediction: leave out fast=True, or "
            "fit again"
        )
    return FastPrompts(method, fit(method, reference))


def load(path: Path, method: Method) -> tuple[Reference | None, FastPrompts | None]:
    """Read what ``save_fast`` wrote; the second is None if it was fitted to other class names.

    Raises:
        GoproError: When the file is damaged or belongs to another model.
    """
    if not is_conditioned(method):
        return None, None
    reference, fitted = load_fast(path, method)
    return reference, FastPrompts(method, fitted) if fitted is not None else None
