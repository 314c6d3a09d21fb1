"""Images as uint8 tensors, decoded by several threads, in order."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gopro.common.errors import GoproError, UnreadableError
from gopro.common.preprocessing import Preprocessing
from gopro.data.dataset import Dataset, Item
from gopro.data.images import preprocess

T = TypeVar("T")


def batches(
    dataset: Dataset,
    items: Sequence[Item],
    how: Preprocessing,
    batch: int,
    workers: int | None = None,
) -> Iterator[Tensor]:
    """Decode items in batches, in order; threads decode ahead.

    Args:
        dataset: The data set of the items.
        items: The items to decode.
        how: The image encoder's preprocessing.
        batch: Images per tensor; the last batch may have fewer.
        workers: Number of threads; None for one per core. The result doesn't depend on it.

    Yields:
        uint8 [B, 3, size, size].

    Raises:
        GoproError: When an image is missing or can't be read.
    """
    for group in groups(dataset.open, items, how, batch, workers):
        yield stack(group)


def groups(
    opener: Callable[[T, int | None], Image.Image],
    items: Iterable[T],
    how: Preprocessing,
    batch: int,
    workers: int | None = None,
) -> Iterator[list[Tensor | GoproError]]:
    """The images of ``decoded`` in lists of ``batch``; the last list may be shorter."""
    with contextlib.closing(decoded(opener, items, how, batch, workers)) as pictures:
        while group := list(islice(pictures, batch)):
            yield group


def stack(group: Sequence[Tensor | GoproError]) -> Tensor:
    """Stack a group of images to one tensor [B, 3, size, size].

    Raises:
        UnreadableError: With the first error in the group, if any.
    """
    pixels = []
    for picture in group:
        if isinstance(picture, GoproError):
            raise UnreadableError([str(picture)], len(group)) from picture
        pixels.append(picture)
    return torch.stack(pixels)


def decoded(
    opener: Callable[[T, int | None], Image.Image],
    items: Iterable[T],
    how: Preprocessing,
    ahead: int,
    workers: int | None = None,
) -> Generator[Tensor | GoproError, None, None]:
    """Decode images one by one, in order; an unreadable image yields its error.

    Args:
        opener: Opens an item as upright RGB; takes the item and ``how.reduced_to``.
        items: The items to decode; consumed as needed.
        how: The image encoder's preprocessing.
        ahead: About the maximum number of images that are decoded ahead.
        workers: Number of threads; None for one per core. The result doesn't depend on it.

    Yields:
        Per item uint8 [3, size, size], or the error that it raised.
    """

    def decode(item: T) -> Tensor | GoproError:
        try:
            array = preprocess(opener(item, how.reduced_to), how)
        except GoproError as error:
            return error
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))

    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        remaining = iter(items)
        futures = deque(
            pool.submit(decode, item) for item in islice(remaining, ahead + 2 * workers)
        )
        try:
            while futures:
                picture = futures.popleft().result()
                futures.extend(pool.submit(decode, item) for item in islice(remaining, 1))
                yield picture
        finally:
            for future in futures:
                future.cancel()
