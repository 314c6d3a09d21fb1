"""Features found by the identity of the pictures' files, without opening them."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from gopro.backbones import Backbone, ImageFeatures
from gopro.data import Dataset, Item
from gopro.methods.base import Method
from gopro.methods.zeroshot import ZeroShot, ZeroShotSettings
from gopro.prediction.encode import features_for
from small_clips import small_backbone
from tiny_run import write_photos

KEYS = [f"{name}/{number:02}.png" for name in ("ant", "bee") for number in range(5)]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    root = write_photos(tmp_path / "animals", ["ant", "bee"], count=5)
    items = tuple(Item(key, 0) for key in KEYS)
    return Dataset("animals", root, ("ant", "bee"), (), (), items)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The keys of the pictures that were opened, with a cache that starts empty."""
    monkeypatch.setenv("GOPRO_CACHE", str(tmp_path / "cache"))
    keys: list[str] = []
    opener = Dataset.open

    def noted(self: Dataset, item: Item, reduced_to: int | None = None) -> Image.Image:
        keys.append(item.key)
        return opener(self, item, reduced_to)

    monkeypatch.setattr(Dataset, "open", noted)
    return keys


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return small_backbone()


@pytest.fixture(scope="module")
def method(backbone: Backbone) -> Method:
    return ZeroShot(backbone, ("ant", "bee"), ZeroShotSettings())


def _read(method: Method, dataset: Dataset, verify: bool = False) -> ImageFeatures:
    return features_for(method, dataset, dataset.test, batch=4, workers=1, verify=verify)


def test_the_second_time_nothing_is_opened(
    method: Method, dataset: Dataset, opened: list[str]
) -> None:
    first = _read(method, dataset)
    assert opened == KEYS
    opened.clear()
    again = _read(method, dataset)
    assert opened == []
    for part in ("embedding", "mean", "std"):
        assert torch.equal(getattr(first, part), getattr(again, part))


def test_only_batches_with_a_changed_file_are_opened(
    method: Method, dataset: Dataset, opened: list[str]
) -> None:
    first = _read(method, dataset)
    opened.clear()
    assert dataset.root is not None
    Image.new("RGB", (32, 32), "white").save(dataset.root / KEYS[5])
    again = _read(method, dataset)
    assert opened == KEYS[4:8]
    same = (first.embedding == again.embedding).all(dim=1)
    assert same.tolist() == [index != 5 for index in range(10)]


def test_another_way_of_decoding_is_another_file(
    method: Method, dataset: Dataset, opened: list[str]
) -> None:
    _read(method, dataset)
    opened.clear()
    features_for(method, dataset, dataset.test, batch=4, workers=1, decode="reduced")
    assert opened == KEYS


def test_a_picture_replaced_unseen_is_found_by_its_pixels(
    method: Method, dataset: Dataset, opened: list[str]
) -> None:
    assert dataset.root is not None
    one, other = (dataset.root / key for key in (KEYS[0], KEYS[9]))
    for path in (one, other):
        Image.open(path).save(path.with_suffix(".bmp"))  # all of the same size
    dataset = replace(dataset, test=(Item("ant/00.bmp", 0), Item("ant/01.png", 0)))
    first = _read(method, dataset)
    path, stat = one.with_suffix(".bmp"), one.with_suffix(".bmp").stat()
    path.write_bytes(other.with_suffix(".bmp").read_bytes())
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    opened.clear()
    assert torch.equal(_read(method, dataset).embedding, first.embedding) and not opened
    with pytest.warns(UserWarning, match="animals: in 1 of 1 batches, pictures have changed"):
        checked = _read(method, dataset, verify=True)
    assert opened == ["ant/00.bmp", "ant/01.png"]
    assert (checked.embedding == first.embedding).all(dim=1).tolist() == [False, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(_read(method, dataset, verify=True).embedding, checked.embedding)
    assert torch.equal(_read(method, dataset).embedding, checked.embedding)


@pytest.mark.parametrize("content", [b"", b"nothing like it"])
def test_a_damaged_file_is_not_a_change_of_pictures(
    method: Method, dataset: Dataset, opened: list[str], tmp_path: Path, content: bytes
) -> None:
    first = _read(method, dataset)
    for file in (tmp_path / "cache").glob("*.safetensors"):
        file.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = _read(method, dataset, verify=True)
        opened.clear()
        assert torch.equal(_read(method, dataset).embedding, first.embedding)
    assert torch.equal(again.embedding, first.embedding) and not opened


def test_without_a_cache_every_picture_is_opened(
    method: Method, dataset: Dataset, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPRO_CACHE", "off")
    for _ in range(2):
        opened.clear()
        _read(method, dataset)
        assert opened == KEYS
