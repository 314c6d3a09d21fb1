"""Images as tensors: the order doesn't depend on the threads."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gopro.backbones.image import to_unit
from gopro.common.errors import GoproError
from gopro.common.preprocessing import Preprocessing
from gopro.data import Dataset, Item
from gopro.data.images import to_array
from gopro.data.pixels import batches, decoded


def _dataset(count: int) -> Dataset:
    def draw(key: str) -> Image.Image:
        if key == "7":
            raise GoproError("picture 7 is empty; replace or remove it")
        return Image.new("RGB", (16, 12), (int(key), 2 * int(key), 255))

    items = tuple(Item(str(number), 0) for number in range(count))
    return Dataset("drawn", Path(), ("a",), (), (), items, draw=draw)


@pytest.mark.parametrize("workers", [1, 2, 5, None])
@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_every_picture_in_order(workers: int | None, batch: int) -> None:
    dataset = _dataset(7)
    result = list(batches(dataset, dataset.test, Preprocessing(8), batch, workers))
    assert [len(part) for part in result[:-1]] == [batch] * (len(result) - 1)
    pixels = torch.cat(result)
    assert pixels.dtype == torch.uint8 and pixels.shape == (7, 3, 8, 8)
    assert pixels[:, 0, 0, 0].tolist() == list(range(7))
    assert pixels[:, 1, 4, 4].tolist() == list(range(0, 14, 2))


def test_has_channels_first_and_clips_crop(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    dataset = Dataset("one", tmp_path, ("a",), (), (), (Item("a.png", 0),))
    [result] = batches(dataset, dataset.test, Preprocessing(8), 4)
    wanted = to_array(Image.open(tmp_path / "a.png"), 8)
    assert np.array_equal(result[0].permute(1, 2, 0).numpy(), wanted)


def test_accepts_no_items() -> None:
    assert list(batches(_dataset(3), (), Preprocessing(8), 4)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_raises_at_the_bad_picture_and_stops_all_threads(workers: int) -> None:
    dataset = _dataset(40)
    before = threading.active_count()
    result = batches(dataset, dataset.test, Preprocessing(8), 3, workers)
    assert len(next(result)) == len(next(result)) == 3
    with pytest.raises(GoproError, match="picture 7 is empty"):
        next(result)
    assert threading.active_count() == before


def test_decodes_a_limited_number_ahead() -> None:
    drawn: list[int] = []

    def open_(item: int, reduced_to: int | None) -> Image.Image:
        drawn.append(item)
        return Image.new("RGB", (4, 4))

    stream = decoded(open_, range(1000), Preprocessing(4), ahead=5, workers=2)
    next(stream)
    stream.close()
    assert len(drawn) <= 5 + 2 * 2 + 1


def test_a_bad_picture_does_not_end_the_stream() -> None:
    dataset = _dataset(9)
    result = list(decoded(dataset.open, dataset.test, Preprocessing(4), ahead=2, workers=2))
    assert [isinstance(one, GoproError) for one in result] == [False] * 7 + [True, False]


def test_unit_range() -> None:
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8)
    result = to_unit(pixels, torch.device("cpu"))
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, torch.tensor([0.0, 0.2, 1.0]))


def test_decodes_at_a_reduced_scale_only_when_asked() -> None:
    asked: list[int | None] = []

    def open_(item: int, reduced_to: int | None) -> Image.Image:
        asked.append(reduced_to)
        return Image.new("RGB", (4, 4))

    for how in (Preprocessing(4), Preprocessing(4, decode="reduced")):
        list(decoded(open_, [0], how, ahead=1))
    assert asked == [None, 4]
