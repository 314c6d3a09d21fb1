"""Images that a caller passes: paths, Pillow images and arrays."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from gopro.common.errors import GoproError
from gopro.common.text import listed
from gopro.data.images import convert_image, open_image

Picture: TypeAlias = "str | os.PathLike[str] | Image.Image | npt.NDArray[Any]"
"""A path, a Pillow image of any mode, or a uint8 array [H, W], [H, W, 3] or [H, W, 4]."""

# two threads must not decode the same Pillow image, which may be in a list twice
_DECODING = threading.Lock()


def list_pictures(pictures: Iterable[Picture]) -> list[Picture]:
    """The images as a list.

    Args:
        pictures: Any iterable of images, a one-dimensional array of them, a uint8 array
            [N, H, W, 3], or a table with a single column, such as pandas' ``df[["path"]]``.

    Raises:
        GoproError: When it is a single image, empty, or not iterable.
    """
    pictures = _column(pictures)
    is_single = isinstance(pictures, (str, os.PathLike, Image.Image, bytes))
    is_single |= isinstance(pictures, np.ndarray) and pictures.ndim not in (1, 4)
    if is_single:
        shape = f" of shape {pictures.shape}" if isinstance(pictures, np.ndarray) else ""
        raise GoproError(
            f"got one {type(pictures).__name__}{shape}; wanted a list of pictures: put a single "
            "one into [ ]"
        )
    try:
        as_list = list(pictures)
    except TypeError as error:
        raise GoproError(
            f"got {type(pictures).__name__}; wanted a list of paths, Pillow images or arrays"
        ) from error
    if not as_list:
        raise GoproError("got no pictures; give at least one")
    return as_list


def _column(pictures: Any) -> Any:
    """The only column of a table (of pandas, for example, or an array [N, 1]); others as they are.

    Raises:
        GoproError: For a table with several columns.
    """
    names = getattr(pictures, "columns", None)
    if names is not None and hasattr(pictures, "iloc"):
        if len(names) != 1:
            raise GoproError(
                f"got a table with {len(names)} columns ({listed(list(map(str, names)))}); wanted "
                "the one with the pictures, as in table['path']"
            )
        return pictures.iloc[:, 0]
    is_column = isinstance(pictures, np.ndarray) and pictures.dtype.kind in "OUT"
    return pictures[:, 0] if is_column and pictures.shape[1:] == (1,) else pictures


def open_picture(numbered: tuple[int, Picture], reduced_to: int | None = None) -> Image.Image:
    """Open or convert an image as ``open_image`` does.

    Args:
        numbered: Index in the list, for messages; and the image.
        reduced_to: See ``open_image``.

    Raises:
        GoproError: When the image can't be read, or isn't a ``Picture``.
    """
    picture, name = numbered[1], name_of(numbered)
    if isinstance(picture, Image.Image):
        with _DECODING:
            return convert_image(picture, name)
    if isinstance(picture, np.ndarray):
        return convert_image(Image.fromarray(_pixels(picture, name)), name)
    if isinstance(picture, (str, os.PathLike)):
        return open_image(Path(picture), reduced_to)
    raise GoproError(
        f"picture {name} is {type(picture).__name__}; wanted a path, a Pillow image or an array"
    )


def name_of(numbered: tuple[int, Picture]) -> str:
    """An image's name in messages: its path, or its index in the list when it has no path."""
    number, picture = numbered
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    return f"number {number} (counted from 0)"


def _pixels(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    if array.dtype == object:  # as numpy makes from a list of arrays of equal shape
        with contextlib.suppress(ValueError):  # different shapes: rejected below
            array = np.array(array.tolist())
    in_range = array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 255
    if not in_range or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)):
        raise GoproError(
            f"picture {name} is an array of {array.dtype} {list(array.shape)}; wanted uint8 "
            "[H, W, 3] with values from 0 to 255"
        )
    return np.ascontiguousarray(array, dtype=np.uint8)
