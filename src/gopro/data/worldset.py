"""``world``, the built-in data set: each image is drawn from its key."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item

SIZE = 96
"""Side of the images in pixels."""

_TRAIN, _VAL, _TEST = (1, range(10)), (1, range(10, 14)), (2, range(10))
"""Seed and indices of the images of each class and style, per split."""

_KEY = re.compile(r"seed(\d{1,9})/([a-z]+)/(\d{1,6})/(\d{1,9})", re.ASCII)


def read_world() -> Dataset:
    """The data set: per class and style 10 training, 4 validation and 10 test images.

    Items are sorted by class in each split; their domain is the style.
    """
    # imported late, so that --help, which lists the data sets, stays fast
    from gopro.data.world import CLASS_NAMES, STYLES

    def items(seed: int, indices: range) -> tuple[Item, ...]:
        return tuple(
            Item(f"seed{seed}/{style}/{label:03d}/{index:04d}", label, style)
            for label in range(len(CLASS_NAMES))
            for style in STYLES
            for index in indices
        )

    return Dataset(
        name="world",
        root=None,
        class_names=tuple(CLASS_NAMES),
        train=items(*_TRAIN),
        val=items(*_VAL),
        test=items(*_TEST),
        draw=draw_key,
        drawn_by=_drawn_by(),
    )


@cache
def _drawn_by() -> str:
    """SHA-256 (hex) of the code that draws, and of the versions of what it draws with."""
    digest = hashlib.sha256(f"{SIZE} {PIL.__version__} {np.__version__}".encode())
    for path in sorted((Path(__file__).parent / "world").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def draw_key(key: str) -> Image.Image:
    """Draw the image of a key such as ``seed1/photo/012/0003``: RGB, 96 x 96.

    Raises:
        GoproError: When the key is malformed.
    """
    from gopro.data.world import CLASS_NAMES, STYLES, draw, scene

    match = _KEY.fullmatch(key)
    if match is None or match[2] not in STYLES or int(match[3]) >= len(CLASS_NAMES):
        raise GoproError(f"{key!r} is no picture of world; wanted 'seed1/STYLE/CLASS/INDEX'")
    described = scene(int(match[3]), match[2], seed=int(match[1]), index=int(match[4]))
    return draw(described, SIZE)
