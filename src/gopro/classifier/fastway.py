"""Fast prediction in a classifier: what it keeps of its training pictures, and the file of it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gopro.common.errors import GoproError
from gopro.methods.base import Method
from gopro.prediction.encode import encode
from gopro.prediction.fast import FastPrompts, Reference, fit, is_conditioned, load_fast, save_fast
from gopro.prediction.fast.conditioned import IMAGES


def reference(method: Method, pixels: Tensor) -> Reference | None:
    """Some training pictures' shifts; None for a method without a fast way.

    Args:
        method: Trained.
        pixels: uint8 [N, 3, S, S].
    """
    has_fast_way = is_conditioned(method)
    if not has_fast_way:
        return None
    places = torch.linspace(0, len(pixels) - 1, min(IMAGES, len(pixels))).round().long()
    return Reference.of(method, encode(method, pixels[places]))


def quick(method: Method, kept: Reference | None) -> FastPrompts:
    """Fit fast prediction to a method's classes.

    Raises:
        GoproError: When there is no fast way for the method, or its file is missing.
    """
    if not is_conditioned(method):
        raise GoproError(
            f"there is no fast prediction for {type(method).__name__}: leave out fast=True"
        )
    if kept is None:
        raise GoproError(
            "this model was saved without what fast prediction needs: leave out fast=True, or "
            "fit again"
        )
    return FastPrompts(method, fit(method, kept))


def save(path: Path, made: FastPrompts, kept: Reference) -> None:
    """Write a classifier's fast prediction."""
    save_fast(path, made.method, kept, made.fitted)


def load(path: Path, method: Method) -> tuple[Reference | None, FastPrompts | None]:
    """Read what ``save`` wrote, as far as it fits the class names.

    Raises:
        GoproError: When the file is damaged or another model's.
    """
    if not is_conditioned(method):
        return None, None
    kept, fitted = load_fast(path, method)
    return kept, FastPrompts(method, fitted) if fitted is not None else None
