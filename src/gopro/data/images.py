"""Image files to upright 8-bit RGB, and from there to the square that an image encoder takes."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from gopro.common.errors import GoproError
from gopro.common.preprocessing import Preprocessing
from gopro.data import heic

MAX_PIXELS = 178_956_970
"""Images with more pixels are rejected before they are decoded (Pillow's own upper limit)."""

_RUN_LENGTH_PIXELS = 4_000_000
"""The same for run-length BMP files: 100 bytes can declare any size, and Pillow decodes them
slowly, pixel by pixel."""

SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp", "tif", "tiff"),
        *("ppm", "pgm", "pbm", "pnm", "jp2", "avif"),
        *(heic.KINDS if heic.READABLE else ()),
    )
)
"""Suffixes of image files, in lower case; other files in a folder are ignored."""

# the only decoders that may run: others of Pillow start external programs (EPS)
_FORMATS = (
    *("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF", "HEIF"),
)

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

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}

# images with a larger aspect ratio are cropped while resizing
_ELONGATED = 16


def open_image(path: str | Path, reduced_to: int | None = None) -> Image.Image:
    """Read an image file as upright 8-bit RGB.

    Applies EXIF rotation; makes transparent pixels white; converts 16-bit, greyscale, palette and
    CMYK images; takes the first frame of an animation.

    Args:
        path: The file.
        reduced_to: See ``Preprocessing.reduced_to``; by default every pixel is decoded.

    Raises:
        GoproError: When the file is missing, empty, damaged, not an image, or too large.
    """
    path = Path(path)
    with one_line_errors(str(path)):
        if not path.is_file():
            problem = "is a folder" if path.is_dir() else "isn't there"
            raise GoproError(f"picture {path} {problem}; wanted a picture file")
        if path.stat().st_size == 0:
            raise GoproError(f"picture {path} is empty (0 bytes); replace or remove it")
        with path.open("rb") as file, Image.open(file, formats=_available_formats()) as image:
            return _decode(image, str(path), reduced_to)


def image_from_bytes(
    contents: bytes, name: str, most: int = MAX_PIXELS, reduced_to: int | None = None
) -> Image.Image:
    """Decode the contents of an image file as ``open_image`` does.

    Args:
        contents: The bytes of the file.
        name: Its name in messages.
        most: Images with more pixels are rejected before they are decoded.
        reduced_to: See ``open_image``.

    Raises:
        GoproError: As ``open_image``.
    """
    with one_line_errors(name):
        if not contents:
            raise GoproError(f"picture {name} is empty (0 bytes); replace or remove it")
        with Image.open(io.BytesIO(contents), formats=_available_formats()) as image:
            width, height = image.size
            if width * height > most:
                raise _too_large(name, f"{width} x {height} pixels", most)
            return _decode(image, name, reduced_to)


def convert_image(image: Image.Image, name: str) -> Image.Image:
    """Convert a Pillow image as ``open_image`` does, to a new upright 8-bit RGB image.

    Args:
        image: Of any mode, decoded or not.
        name: Its name in messages.

    Raises:
        GoproError: When it is damaged or too large.
    """
    with one_line_errors(name):
        return _decode(image, name)


def _decode(image: Image.Image, name: str, reduced_to: int | None = None) -> Image.Image:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")
    run_length = any(tile[0] == "bmp_rle" for tile in getattr(image, "tile", ()))
    if run_length and width * height > _RUN_LENGTH_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels, run-length coded", _RUN_LENGTH_PIXELS)
    if reduced_to is not None:
        image.draft(image.mode, (2 * reduced_to, 2 * reduced_to))
    image.load()
    return _upright(_to_rgb(image), image)


@contextlib.contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Turn any exception of a decoder into a one-line ``GoproError`` that names the file."""
    try:
        yield
    except GoproError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(name, "far too many pixels") from error
    except MemoryError as error:
        raise _too_large(name, "more pixels than the memory holds") from error
    # decoders raise almost anything on damaged files (struct.error, SyntaxError, KeyError, ...)
    except Exception as error:
        reason = str(error).split("\n", 1)[0].replace(name, "").strip()
        if isinstance(error, UnidentifiedImageError):
            reason = "not a picture, or of a kind that isn't supported"
            if name.lower().endswith(heic.KINDS) and not heic.READABLE:
                reason = heic.REMEDY
        raise GoproError(
            f"can't read picture {name} ({reason or type(error).__name__}); replace or remove it"
        ) from error


def to_array(image: Image.Image, size: int) -> npt.NDArray[np.uint8]:
    """The middle square of an image, as CLIP takes it: uint8 [size, size, 3]."""
    return preprocess(image, Preprocessing(size))


def preprocess(image: Image.Image, how: Preprocessing) -> npt.NDArray[np.uint8]:
    """Resize and crop an image as the makers of an image encoder do, without normalisation.

    The numbers are those of open_clip's ``preprocess_val``.

    Args:
        image: RGB.
        how: The encoder's preprocessing.

    Returns:
        uint8 array [size, size, 3].
    """
    size, method = how.size, _RESAMPLING[how.interpolation]
    if how.resize_mode == "squash":
        square = image.resize((size, size), method)
    elif how.resize_mode == "longest":
        square = _padded(image, size, method, how.fill)
    else:
        square = _middle(image, size, method)
    return np.asarray(square, dtype=np.uint8)


def _middle(image: Image.Image, size: int, method: Image.Resampling) -> Image.Image:
    """The shorter side resized to ``size``, then the middle square."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new_long = int(size * long / short)
    new_width, new_height = (size, new_long) if width <= height else (new_long, size)
    left, top = round((new_width - size) / 2), round((new_height - size) / 2)
    if new_long <= _ELONGATED * size:
        resized = image.resize((new_width, new_height), method)
        return resized.crop((left, top, left + size, top + size))
    # the same crop in one step; a resized 1 x 100000 strip would not fit into memory
    x, y = width / new_width, height / new_height
    return image.resize(
        (size, size), method, box=(left * x, top * y, (left + size) * x, (top + size) * y)
    )


def _padded(image: Image.Image, size: int, method: Image.Resampling, fill: int) -> Image.Image:
    """The longer side resized to ``size``, in the middle of a square of one grey value."""
    ratio = max(image.size) / size
    width, height = (max(1, round(side / ratio)) for side in image.size)
    square = Image.new("RGB", (size, size), (fill, fill, fill))
    place = ((size - width) // 2, (size - height) // 2)
    square.paste(image.resize((width, height), method), place)
    return square


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _eight_bits(grey: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """16-bit grey values [H, W] divided by 257; other ranges scaled from minimum to maximum."""
    values = np.nan_to_num(grey.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if grey.dtype.kind in "iu" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) * (255.0 / max(high - low, 1e-12))
    return np.asarray(np.rint(scaled), dtype=np.uint8)


def _upright(pixels: Image.Image, source: Image.Image) -> Image.Image:
    try:
        orientation = source.getexif().get(_ORIENTATION)
    # some cameras write broken EXIF blocks; the image is still usable
    except Exception:
        return pixels
    return pixels.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else pixels


def _available_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _too_large(name: str, size: str, most: int = MAX_PIXELS) -> GoproError:
    return GoproError(
        f"picture {name} is too large ({size}): at most {most} pixels are decoded; "
        "shrink it or remove it"
    )
