"""Pictures as tensors of 8-bit pixels, decoded by several threads, in order."""

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

from gopro.common.errors import GoproError
from gopro.data.dataset import Dataset, Item
from gopro.data.images import to_array

T = TypeVar("T")


def batches(
    dataset: Dataset,
    items: Sequence[Item],
    size: int,
    batch: int,
    workers: int | None = None,
) -> Iterator[Tensor]:
    """Decode items in order, ahead of their use.

    Args:
        dataset: Opens the items.
        items: What to decode.
        size: Side in pixels, by CLIP's resize and centre crop.
        batch: Pictures per tensor; the last one may have fewer.
        workers: Threads; None for one per core. The result doesn't depend on it.

    Yields:
        uint8 [B, 3, size, size].

    Raises:
        GoproError: When a picture is missing or can't be read.
    """

    for group in groups(dataset.open, items, size, batch, workers):
        yield stack(group)


def groups(
    opener: Callable[[T, int], Image.Image],
    items: Iterable[T],
    size: int,
    batch: int,
    workers: int | None = None,
) -> Iterator[list[Tensor | GoproError]]:
    """``decoded``, ``batch`` pictures at a time; the last group may have fewer."""
    with contextlib.closing(decoded(opener, items, size, batch, workers)) as pictures:
        while group := list(islice(pictures, batch)):
            yield group


def stack(group: Sequence[Tensor | GoproError]) -> Tensor:
    """A group as one tensor [B, 3, size, size].

    Raises:
        GoproError: The first of the group, when a picture couldn't be read.
    """
    pixels = []
    for picture in group:
        if isinstance(picture, GoproError):
            raise picture
        pixels.append(picture)
    return torch.stack(pixels)


def decoded(
    opener: Callable[[T, int], Image.Image],
    items: Iterable[T],
    size: int,
    ahead: int,
    workers: int | None = None,
) -> Generator[Tensor | GoproError, None, None]:
    """Decode pictures one by one, in order, where an unreadable one doesn't end it.

    Args:
        opener: Gives an item's picture, RGB and upright, for the size it is going to have.
        items: What to decode; taken as needed.
        size: Side in pixels, by CLIP's resize and centre crop.
        ahead: At most about so many pictures are decoded before they are asked for.
        workers: Threads; None for one per core. The result doesn't depend on it.

    Yields:
        For each item uint8 [3, size, size], or why it can't be read.
    """

    def decode(item: T) -> Tensor | GoproError:
        try:
            array = to_array(opener(item, size), size)
        except GoproError as error:
            return error
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))

    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = iter(items)
        futures = deque(pool.submit(decode, item) for item in islice(waiting, ahead + 2 * workers))
        try:
            while futures:
                picture = futures.popleft().result()
                futures.extend(pool.submit(decode, item) for item in islice(waiting, 1))
                yield picture
        finally:
            for future in futures:
                future.cancel()
