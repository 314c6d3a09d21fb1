"""Any image file is decoded to upright 8-bit RGB, or is a one-line error."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from damage import a_result_or_one_line, damaged_bytes, share
from gopro.data.images import SUFFIXES, image_from_bytes, open_image, to_array
from gopro.data.pictures import open_picture


@lru_cache(maxsize=1)
def valid_files() -> list[bytes]:
    """A small image file in each format and mode that Pillow can write here."""
    rng = np.random.default_rng(0)
    colours = Image.fromarray(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    modes = [colours.convert(mode) for mode in ("RGB", "L", "P", "CMYK", "RGBA", "1", "I;16", "F")]
    exif = Image.Exif()
    exif[0x0112] = 6
    files = []
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF"):
        for image in modes:
            for options in ({}, {"exif": exif}, {"save_all": True, "append_images": [image] * 2}):
                file = io.BytesIO()
                try:
                    image.save(file, kind, **options)
                except (OSError, KeyError, ValueError):  # the format has no such mode
                    continue
                files.append(file.getvalue())
    return files


def check(folder: Path, content: bytes, suffix: str, size: int | None) -> None:
    path = folder / f"fuzzed{suffix}"
    path.write_bytes(content)
    with a_result_or_one_line(folder):
        image = open_image(path, size)
        assert image.mode == "RGB" and image.size > (0, 0)
        assert to_array(image, 8).shape == (8, 8, 3)
    with a_result_or_one_line(folder):
        image_from_bytes(content, "upload", most=10_000)
    path.unlink()


@share(0.7)
@pytest.mark.filterwarnings("ignore")
@given(
    content=st.deferred(lambda: st.sampled_from(valid_files()).flatmap(damaged_bytes)),
    suffix=st.sampled_from(sorted(SUFFIXES)),
    size=st.none() | st.integers(1, 64),
)
def test_damaged_pictures(tmp_path: Path, content: bytes, suffix: str, size: int | None) -> None:
    check(tmp_path, content, suffix, size)


STARTS = (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"RIFF", b"II*\0", b"P6 9 ")


@share(0.2)
@pytest.mark.filterwarnings("ignore")
@given(start=st.just(b"") | st.sampled_from(STARTS), rest=st.binary(max_size=80))
def test_any_bytes(tmp_path: Path, start: bytes, rest: bytes) -> None:
    check(tmp_path, start + rest, ".png", 8)


ARRAYS = st.builds(
    lambda shape, kind: np.zeros(shape, kind),
    st.lists(st.integers(0, 5), max_size=4),
    st.sampled_from(("u1", "i4", "f4", "?", "O", "U3", "M8[s]")),
)


NAMES = st.text(st.characters(exclude_characters="\n"), max_size=5)


@share(0.1)
@given(picture=ARRAYS | st.none() | st.integers() | NAMES | st.binary(max_size=5))
def test_any_object(tmp_path: Path, picture: Any) -> None:
    with a_result_or_one_line(tmp_path):
        assert open_picture((0, picture)).mode == "RGB"
