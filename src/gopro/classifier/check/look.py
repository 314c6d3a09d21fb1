"""Open every picture of a folder once: whether it can be read, and what it looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from gopro.backbones import Backbone
from gopro.classifier.check.mislabelled import features_of
from gopro.common.errors import GoproError
from gopro.common.files import file_sha256
from gopro.common.preprocessing import Preprocessing
from gopro.common.progress import bar
from gopro.data.fingerprint import SIDE, Fingerprints
from gopro.data.images import open_image, to_array
from gopro.data.pixels import groups

_AT_ONCE = 64
"""Pictures in one step."""

_DECODED = 256
"""Shorter side in pixels that a picture is needed in; large JPEGs are decoded at a reduced one."""

_SHARP_SIDE = 128
"""Side in pixels that sharpness is measured at: the blocks of a JPEG, which have sharp edges, are
small there. Smaller pictures are not enlarged."""

_NOISE = 8.0
"""Gradient of noise and JPEG blocks, in grey values, which doesn't show that a picture is sharp."""

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


@dataclass(frozen=True)
class Quality:
    """What a picture looks like; values are from 0 to 255.

    Attributes:
        width: In pixels.
        height: In pixels.
        bright: The grey value that 5 % of the pixels exceed.
        contrast: Standard deviation of the colour channel that varies most.
        sharpness: In that channel, the 99.5th percentile of the absolute Laplacian over that of
            the gradient, |d/dx| + |d/dy|, plus a constant for noise. It hardly depends on the
            contrast: about 1.2 for sharp photographs.
        sha256: Of the file, hex.
    """

    width: int
    height: int
    bright: float
    contrast: float
    sharpness: float
    sha256: str


@dataclass(frozen=True)
class Looks:
    """The pictures of a folder.

    Attributes:
        keys: N paths relative to the folder.
        errors: Key -> why it can't be read.
        quality: Key -> what it looks like, for all others.
        fingerprints: Of the pictures in ``quality``, in that order.
        features: [M, F], of the same pictures, see ``features_of``; None if not computed.
    """

    keys: tuple[str, ...]
    errors: dict[str, str]
    quality: dict[str, Quality]
    fingerprints: Fingerprints
    features: Tensor | None = None


def look_at(
    root: Path, keys: Sequence[str], workers: int | None = None, backbone: Backbone | None = None
) -> Looks:
    """Open every picture, once.

    Args:
        root: The folder.
        keys: Paths relative to it.
        workers: Threads; None for one per core.
        backbone: Computes the features, if they are wanted.
    """
    how = Preprocessing(SIDE) if backbone is None else backbone.preprocessing
    quality: dict[str, Quality] = {}
    errors: dict[str, str] = {}
    prints: list[Fingerprints] = []
    features: list[Tensor] = []

    def opened(key: str, reduced_to: int | None) -> Image.Image:
        path = root / key
        image = open_image(path, max(how.size, _DECODED))
        quality[key] = _quality(image, path)
        return image

    start = 0
    with bar("looking at the pictures", len(keys)) as advance:
        for group in groups(opened, keys, how, _AT_ONCE, workers):
            pixels = []
            for key, picture in zip(keys[start:], group, strict=False):
                if isinstance(picture, GoproError):
                    errors[key] = str(picture)
                else:
                    pixels.append(picture)
            if pixels:
                stacked = torch.stack(pixels)
                prints.append(Fingerprints.of(stacked))
                if backbone is not None:
                    features.append(features_of(backbone, stacked))
            start += len(group)
            advance(f"{len(errors)} unreadable" if errors else "", len(group))
    ordered = {key: quality[key] for key in keys if key not in errors}
    empty = Fingerprints.of(torch.zeros(0, 3, SIDE, SIDE, dtype=torch.uint8))
    joined = Fingerprints.joined([empty, *prints])
    return Looks(tuple(keys), errors, ordered, joined, torch.cat(features) if features else None)


def _quality(image: Image.Image, path: Path) -> Quality:
    side = min(_SHARP_SIDE, *image.size)
    colours = to_array(image, side).astype(np.float32)
    contrasts = colours.std(axis=(0, 1))
    clearest = colours[..., contrasts.argmax()]
    with Image.open(path) as header:  # ``image`` may have been decoded at a reduced scale
        width, height = header.size
    return Quality(
        width=width,
        height=height,
        bright=float(np.percentile(colours @ _GREY, 95)),
        contrast=float(contrasts.max()),
        sharpness=_sharpness(clearest),
        sha256=file_sha256(path),
    )


def _sharpness(channel: npt.NDArray[np.float32]) -> float:
    """See ``Quality``; 0 for a picture of fewer than 3 pixels in a direction."""
    if min(channel.shape) < 3:
        return 0.0
    middle, right, below = channel[1:-1, 1:-1], channel[1:-1, 2:], channel[2:, 1:-1]
    laplacian = 4 * middle - channel[:-2, 1:-1] - below - channel[1:-1, :-2] - right
    gradient = np.abs(below - middle) + np.abs(right - middle)
    strongest = np.percentile(np.abs(laplacian), 99.5), np.percentile(gradient, 99.5)
    return float(strongest[0] / (strongest[1] + _NOISE))
