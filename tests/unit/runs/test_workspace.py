"""What runs of one command share: made once, and given up when there is too much of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gopro.backbones import ImageFeatures
from gopro.backbones import shared as shared_backbones
from gopro.data import Dataset, Item
from gopro.runs import workspace
from gopro.runs.workspace import Workspace
from gopro.training.config import TrainSettings

ITEMS = (Item("a.png", 0), Item("b.png", 1))
CPU = torch.device("cpu")
SET = Dataset("two", None, ("a", "b"), ITEMS, (), ())


class Counted:
    """Makes tensors of 100 bytes and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Tensor:
        self.count += 1
        return torch.zeros(100, dtype=torch.uint8)


@pytest.fixture
def made() -> Counted:
    return Counted()


def test_the_same_pictures_are_made_once(made: Counted) -> None:
    shared = Workspace(1000)
    first = shared.keep("pixels", SET, ITEMS, "exact", made)
    relabelled = [replace(item, label=5) for item in ITEMS]
    assert shared.keep("pixels", SET, relabelled, "exact", made) is first
    assert made.count == 1


@pytest.mark.parametrize(
    ("what", "dataset", "items"),
    [
        ("features", SET, ITEMS),
        ("pixels", replace(SET, name="other"), ITEMS),
        ("pixels", replace(SET, source="/noisy/two"), ITEMS),
        ("pixels", SET, ITEMS[:1]),
        ("pixels", SET, ITEMS[::-1]),
    ],
)
def test_other_pictures_are_not_taken_for_them(
    made: Counted, what: str, dataset: Dataset, items: tuple[Item, ...]
) -> None:
    shared = Workspace(1000)
    shared.keep("pixels", SET, ITEMS, "exact", made)
    shared.keep(what, dataset, items, "exact", made)
    assert made.count == 2


def test_ways_of_decoding_are_kept_apart(made: Counted) -> None:
    shared = Workspace(1000)
    shared.keep("pixels", SET, ITEMS, "exact", made)
    shared.keep("pixels", SET, ITEMS, "reduced", made)
    assert made.count == 2


def test_what_was_not_used_for_longest_goes_first(made: Counted) -> None:
    shared = Workspace(250)
    one, two, three = (replace(SET, name=name) for name in "abc")
    for dataset in (one, two, one, three):
        shared.keep("pixels", dataset, ITEMS, "exact", made)
    assert made.count == 3
    shared.keep("pixels", one, ITEMS, "exact", made)
    assert made.count == 3
    shared.keep("pixels", two, ITEMS, "exact", made)
    assert made.count == 4


def test_a_run_of_its_own_keeps_nothing(made: Counted) -> None:
    alone = Workspace()
    for _ in range(2):
        alone.keep("pixels", SET, ITEMS, "exact", made)
    assert made.count == 2


def test_features_are_weighed_whole() -> None:
    shared = Workspace(4 * 40 - 1)
    calls = []

    def make() -> ImageFeatures:
        calls.append(1)
        return ImageFeatures(*(torch.zeros(1, 10) for _ in range(4)))

    for _ in range(2):
        shared.keep("features", SET, ITEMS, "exact", make)
    assert len(calls) == 2


def test_one_backbone_at_a_time(monkeypatch: pytest.MonkeyPatch, made: Counted) -> None:
    built: list[str] = []

    class Fake:
        def to(self, *_: object) -> Fake:
            return self

    def build(name: str, *_: object, **__: object) -> Fake:
        built.append(name)
        return Fake()

    monkeypatch.setattr(shared_backbones, "_last", None)
    monkeypatch.setattr(shared_backbones, "build", build)
    shared, settings = Workspace(1000), TrainSettings(dataset="world")
    first = shared.backbone(settings, CPU)
    shared.keep("features", SET, ITEMS, "exact", made)
    assert shared.backbone(replace(settings, method="coop", seed=3, epochs=1), CPU) is first
    shared.keep("features", SET, ITEMS, "exact", made)
    assert (built, made.count) == (["lite"], 1)
    shared.backbone(replace(settings, precision="bf16"), CPU)
    shared.keep("features", SET, ITEMS, "exact", made)  # of another tower
    assert (built, made.count) == (["lite", "lite"], 2)


def test_a_data_set_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, int]] = []

    def load(name: str, root: object, *, seed: int) -> Dataset:
        read.append((name, seed))
        return SET

    monkeypatch.setattr(workspace, "load", load)
    shared = Workspace()
    for name, seed in (("world", 1), ("world", 1), ("world", 2), ("dtd", 1)):
        shared.dataset(name, None, seed)
    assert read == [("world", 1), ("world", 2), ("dtd", 1)]
