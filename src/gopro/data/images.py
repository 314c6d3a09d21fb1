"""Opening pictures of any kind as upright 8-bit RGB, and CLIP's resize and crop."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from gopro.common.errors import GoproError

MAX_PIXELS = 178_956_970
"""Pictures with more pixels are refused before they are decoded (Pillow's own upper limit)."""

_RUN_LENGTH_PIXELS = 4_000_000
"""The same for run-length BMP files: a hundred bytes may promise any size, and Pillow makes their
pixels one by one."""

SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp", "tif", "tiff"),
        *("ppm", "pgm", "pbm", "pnm", "jp2", "avif"),
    )
)
"""File names taken for pictures when a folder is read, in lower case."""

# Only these decoders may run: others of Pillow start outside programs (EPS) or read no pictures
_FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF")

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# A picture whose resized long side is beyond this many short sides is cropped while resizing
_ELONGATED = 16


def open_image(path: str | Path, size: int | None = None) -> Image.Image:
    """Read a picture file as upright 8-bit RGB.

    EXIF rotation is applied; transparent parts become white; 16-bit, greyscale, palette and
    CMYK pictures are converted; of an animation the first frame is taken.

    Args:
        path: The file.
        size: The shorter side it is going to be resized to. A JPEG at least four times as large
            is decoded at a reduced scale, never below twice this size.

    Raises:
        GoproError: When the file is missing, empty, damaged, no picture, or too large to decode.
    """
    path = Path(path)
    with _in_one_line(str(path)):
        if not path.is_file():
            problem = "is a folder" if path.is_dir() else "isn't there"
            raise GoproError(f"picture {path} {problem}; wanted a picture file")
        if path.stat().st_size == 0:
            raise GoproError(f"picture {path} is empty (0 bytes); replace or remove it")
        with path.open("rb") as file, Image.open(file, formats=_available_formats()) as image:
            return _decode(image, str(path), size)


def image_from_bytes(contents: bytes, name: str, most: int = MAX_PIXELS) -> Image.Image:
    """Give a picture file's contents as ``open_image`` does.

    Args:
        contents: The whole file.
        name: What messages call it.
        most: Pictures with more pixels are refused before they are decoded.

    Raises:
        GoproError: As ``open_image``.
    """
    with _in_one_line(name):
        if not contents:
            raise GoproError(f"picture {name} is empty (0 bytes); replace or remove it")
        with Image.open(io.BytesIO(contents), formats=_available_formats()) as image:
            width, height = image.size
            if width * height > most:
                raise _too_large(name, f"{width} x {height} pixels", most)
            return _decode(image, name)


def convert_image(image: Image.Image, name: str) -> Image.Image:
    """Give a Pillow image as ``open_image`` does: upright 8-bit RGB, a new image.

    Args:
        image: Of any mode, decoded or not.
        name: What messages call it.

    Raises:
        GoproError: When it is damaged or too large to decode.
    """
    with _in_one_line(name):
        return _decode(image, name)


def _decode(image: Image.Image, name: str, size: int | None = None) -> Image.Image:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")
    run_length = any(tile[0] == "bmp_rle" for tile in getattr(image, "tile", ()))
    if run_length and width * height > _RUN_LENGTH_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels, run-length coded", _RUN_LENGTH_PIXELS)
    if size is not None:
        image.draft(image.mode, (2 * size, 2 * size))
    image.load()
    return _upright(_to_rgb(image), image)


@contextlib.contextmanager
def _in_one_line(name: str) -> Iterator[None]:
    """Turn whatever a decoder meets in a file into a line that names the file."""
    try:
        yield
    except GoproError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name, "far too many pixels") from error
    except MemoryError as error:
        raise _too_large(name, "more pixels than the memory holds") from error
    # Decoders meet damaged files with almost any exception (struct.error, SyntaxError, KeyError,
    # ...), and a stranger's file must never end in a traceback
    except Exception as error:
        reason = str(error).split("\n", 1)[0].replace(name, "").strip()
        if isinstance(error, UnidentifiedImageError):
            reason = "not a picture, or of a kind that isn't supported"
        raise GoproError(
            f"can't read picture {name} ({reason or type(error).__name__}); replace or remove it"
        ) from error


def to_array(image: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """CLIP's preprocessing without its normalisation: resize, then crop the centre.

    Bicubic with antialiasing, the shorter side to ``size``, the middle square kept.

    Args:
        image: RGB.
        size: Side of the result in pixels.

    Returns:
        uint8 array [size, size, 3].
    """
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new_long = int(size * long / short)
    new_width, new_height = (size, new_long) if width <= height else (new_long, size)
    left, top = round((new_width - size) / 2), round((new_height - size) / 2)
    if new_long <= _ELONGATED * size:
        resized = image.resize((new_width, new_height), Image.Resampling.BICUBIC)
        square = resized.crop((left, top, left + size, top + size))
    else:
        # The same geometry in one step: resized whole, a 1 x 100000 strip would fill the memory
        x, y = width / new_width, height / new_height
        box = (left * x, top * y, (left + size) * x, (top + size) * y)
        square = image.resize((size, size), Image.Resampling.BICUBIC, box=box)
    return np.asarray(square, dtype=np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def _eight_bits(grey: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """16-bit brightness [H, W] divided by 257; anything wider between its own extremes."""
    values = np.nan_to_num(grey.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if grey.dtype.kind in "iu" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255.0 / max(high - low, 1e-12))
    return np.asarray(np.rint(scaled), dtype=np.uint8)


def _upright(pixels: Image.Image, source: Image.Image) -> Image.Image:
    try:
        turn = source.getexif().get(_ORIENTATION)
    # Cameras write broken EXIF blocks into sound pictures: the picture counts
    except Exception:
        return pixels
    return pixels.transpose(_UPRIGHT[turn]) if turn in _UPRIGHT else pixels


def _available_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _too_large(name: str, what: str, most: int = MAX_PIXELS) -> GoproError:
    return GoproError(
        f"picture {name} is too large ({what}): at most {most} pixels are decoded; "
        "shrink it or remove it"
    )
