"""The training pictures that random crops are cut from."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from gopro.common.preprocessing import Preprocessing

T = TypeVar("T")
Pixels = npt.NDArray[np.uint8]

KEPT = 2**30
"""Bytes of pictures that are kept in memory; those that don't fit are opened again each time."""


class Originals(Generic[T]):
    """Pictures as uint8 arrays [H, W, 3]; the shorter side is at most twice the input's.

    Args:
        opener: Opens an item as upright RGB; takes the item and ``how.reduced_to``.
        items: The pictures.
        how: The image encoder's preprocessing.
        limit: Bytes to keep.

    Attributes:
        nbytes: Bytes that are kept.
    """

    def __init__(
        self,
        opener: Callable[[T, int | None], Image.Image],
        items: Sequence[T],
        how: Preprocessing,
        limit: int = KEPT,
    ) -> None:
        self._opener, self._items, self._how, self._limit = opener, items, how, limit
        self._kept: dict[int, Pixels] = {}
        self._lock = threading.Lock()
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Pixels:
        """A picture; called by several threads.

        Raises:
            GoproError: When it has to be opened again and can't be read.
        """
        kept = self._kept.get(index)
        if kept is not None:
            return kept
        return self._bounded(self._opener(self._items[index], self._how.reduced_to))

    def open(self, index: int, reduced_to: int | None) -> Image.Image:
        """Open a picture for ``pixels.groups``, and keep it on the way.

        Raises:
            GoproError: When it can't be read.
        """
        image = self._opener(self._items[index], reduced_to)
        array = self._bounded(image)
        with self._lock:
            if index not in self._kept and self.nbytes + array.nbytes <= self._limit:
                self._kept[index] = array
                self.nbytes += array.nbytes
        return image

    def digest(self) -> str:
        """SHA-256 (hex) of all pictures."""
        digest = hashlib.sha256()
        for index in range(len(self)):
            array = self[index]
            digest.update(str(array.shape).encode())
            digest.update(array.data)
        return digest.hexdigest()

    def _bounded(self, image: Image.Image) -> Pixels:
        most, short = 2 * self._how.size, min(image.size)
        if short > most:
            width, height = (max(most, round(side * most / short)) for side in image.size)
            image = image.resize((width, height), Image.Resampling.BICUBIC)
        return np.array(image, dtype=np.uint8)
