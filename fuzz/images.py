"""Fuzzes the decoding of image files; see ``harness.py``."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import atheris
from harness import fuzz

with atheris.instrument_imports(include=["gopro", "PIL"]):
    from PIL import Image

    from gopro.data.images import open_image, to_array

KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000")


def read(path: Path) -> None:
    """Decode as data sets do."""
    image = open_image(path, 8)
    assert image.mode == "RGB"
    assert to_array(image, 8).shape == (8, 8, 3)


def small(kind: str) -> bytes:
    """A valid file of a few pixels."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((7, 5)).convert("RGB").save(file, kind)
    return file.getvalue()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    fuzz("images", read, map(small, KINDS))
