"""Decoding ahead, in order, whatever the threads do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from PIL import Image
from torch import Tensor

from gopro.data import Dataset, Item
from gopro.data.pixels import batches, decoded, to_unit
from gopro.errors import GoproError


def grey(key: str) -> Image.Image:
    if key == "broken":
        raise GoproError("broken")
    return Image.new("RGB", (9, 7), (int(key),) * 3)


def items(*keys: object) -> tuple[Item, ...]:
    return tuple(Item(str(key), 0) for key in keys)


SET = Dataset("drawn", None, ("a", "b"), (), (), (), draw=grey)


def first(pixels: Tensor) -> list[int]:
    return [int(value) for value in pixels[:, 0, 0, 0]]


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_keep_the_order(workers: int) -> None:
    parts = list(batches(SET, items(*range(11)), 4, 4, workers))
    assert [part.shape for part in parts] == [(4, 3, 4, 4), (4, 3, 4, 4), (3, 3, 4, 4)]
    assert first(torch.cat(parts)) == list(range(11))


def test_an_unreadable_picture_ends_the_batches() -> None:
    with pytest.raises(GoproError, match="broken"):
        list(batches(SET, items(1, "broken", 3), 4, 2, 1))


def test_an_unreadable_picture_is_one_answer_among_others() -> None:
    found = list(decoded(lambda key, size: grey(key), ["1", "broken", "3"], 4, 2, 2))
    assert [isinstance(one, GoproError) for one in found] == [False, True, False]
    assert str(found[1]) == "broken"


def test_items_are_taken_as_needed() -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "1"

    stream = decoded(lambda key, size: grey(key), endless(), 4, 2, 1)
    for _ in range(3):
        next(stream)
    stream.close()
    assert taken < 10


def test_to_unit() -> None:
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert to_unit(pixels, torch.device("cpu")).tolist() == pytest.approx([0.0, 0.2, 1.0])
