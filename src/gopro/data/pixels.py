"""Pictures as tensors of 8-bit pixels, decoded by several threads, in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from gopro.data.dataset import Dataset, Item
from gopro.data.images import to_array


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

    def decode(item: Item) -> Tensor:
        array = to_array(dataset.open(item, size), size)
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))

    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = iter(items)
        ahead = deque(pool.submit(decode, item) for item in islice(waiting, batch + 2 * workers))
        try:
            while ahead:
                ready: list[Tensor] = []
                while ahead and len(ready) < batch:
                    ready.append(ahead.popleft().result())
                    ahead.extend(pool.submit(decode, item) for item in islice(waiting, 1))
                yield torch.stack(ready)
        finally:
            for future in ahead:
                future.cancel()


def to_unit(pixels: Tensor, device: torch.device) -> Tensor:
    """uint8 pixels as float32 in [0, 1] on the device."""
    return pixels.to(device).float() / 255
