"""Pictures that a caller gives: paths, Pillow images and arrays."""

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
from gopro.data.images import convert_image, open_image

Picture: TypeAlias = "str | os.PathLike[str] | Image.Image | npt.NDArray[Any]"
"""A path, a Pillow image of any mode, or uint8 [H, W], [H, W, 3] or [H, W, 4]."""

# A Pillow image that isn't decoded yet may stand in a list twice, and decode in two threads at once
_DECODING = threading.Lock()


def list_pictures(pictures: Iterable[Picture]) -> list[Picture]:
    """The pictures as a list, whatever holds them.

    Args:
        pictures: A list or any iterable of pictures, a one-dimensional array of them, or uint8
            [N, H, W, 3].

    Raises:
        GoproError: When it is a single picture, empty, or no collection.
    """
    alone = isinstance(pictures, (str, os.PathLike, Image.Image, bytes))
    flat = isinstance(pictures, np.ndarray) and pictures.ndim not in (1, 4)
    if alone or flat:
        shape = f" of shape {pictures.shape}" if isinstance(pictures, np.ndarray) else ""
        raise GoproError(
            f"got one {type(pictures).__name__}{shape}; wanted a list of pictures: put a single "
            "one into [ ]"
        )
    try:
        found = list(pictures)
    except TypeError as error:
        raise GoproError(
            f"got {type(pictures).__name__}; wanted a list of paths, Pillow images or arrays"
        ) from error
    if not found:
        raise GoproError("got no pictures; give at least one")
    return found


def open_picture(numbered: tuple[int, Picture], size: int | None = None) -> Image.Image:
    """Give a picture as upright 8-bit RGB; see ``open_image`` for what that means.

    Args:
        numbered: The picture behind its place in the list, which messages name.
        size: See ``open_image``.

    Raises:
        GoproError: When it can't be read, or is of a kind that isn't one of ``Picture``.
    """
    picture, name = numbered[1], name_of(numbered)
    if isinstance(picture, Image.Image):
        with _DECODING:
            return convert_image(picture, name)
    if isinstance(picture, np.ndarray):
        return convert_image(Image.fromarray(_pixels(picture, name)), name)
    if isinstance(picture, (str, os.PathLike)):
        return open_image(Path(picture), size)
    raise GoproError(
        f"picture {name} is {type(picture).__name__}; wanted a path, a Pillow image or an array"
    )


def name_of(numbered: tuple[int, Picture]) -> str:
    """What messages call a picture: its path, or where there is none its place in the list."""
    number, picture = numbered
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    return f"number {number} (counted from 0)"


def _pixels(array: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    if array.dtype == object:  # what numpy makes of a list of equal arrays with dtype=object
        with contextlib.suppress(ValueError):  # rows of different lengths: refused below
            array = np.array(array.tolist())
    whole = array.dtype.kind in "iu" and array.size and array.min() >= 0 and array.max() <= 255
    if not whole or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)):
        raise GoproError(
            f"picture {name} is an array of {array.dtype} {list(array.shape)}; wanted uint8 "
            "[H, W, 3] with values from 0 to 255"
        )
    return np.ascontiguousarray(array, dtype=np.uint8)
