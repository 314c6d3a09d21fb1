"""A step that is tried out: how it is timed, what it counts, and that nothing of it is left."""

from __future__ import annotations

import time

import pytest
import torch

from gopro.methods import find
from gopro.methods.base import Recipe
from gopro.training import timing
from gopro.training.config import TrainSettings
from gopro.training.trainingset import TrainingSet
from small_clips import small_backbone


def test_several_times_and_the_middle_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = iter([0.09, 0.03, 0.001, 0.035, 0.09, 0.001])
    cpu = torch.device("cpu")
    assert 0.029 < timing.often(lambda: time.sleep(next(pauses)), cpu) < 0.06
    monkeypatch.setattr(timing, "_MAX_SECONDS", 0.01)
    assert timing.often(lambda: time.sleep(0.02), cpu) >= 0.02


@pytest.mark.parametrize(
    ("images", "batch", "steps"), [(8, 4, 2), (11, 4, 2), (3, 4, 1), (1, 1, 1), (0, 4, 0)]
)
def test_steps_of_an_epoch(images: int, batch: int, steps: int) -> None:
    assert Recipe(batch=batch).steps(images) == steps


@pytest.mark.parametrize("name", ["gopro", "coop", "tip_adapter", "linear_probe", "zeroshot"])
def test_training_is_so_many_steps_and_the_method_stays_as_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timing, "often", lambda work, device, gradient=True: (work(), 1.0)[1])
    kind = find(name)
    method = kind(small_backbone(), ("red", "green"), kind.Settings())
    before = {key: value.clone() for key, value in method.state_dict().items()}
    side = method.backbone.image_size
    pixels = torch.zeros(3, 3, side, side, dtype=torch.uint8)
    recipe = Recipe(epochs=0 if name == "linear_probe" else 2, batch=4)
    settings = TrainSettings(dataset="pictures")
    data = TrainingSet(pixels, torch.tensor([0, 1, 0]))
    seconds = timing.training_seconds(method, data, recipe, settings, count=11)
    encoding = 11 / 3 if kind.learns_from_features else 0.0
    steps = 0.0 if name in ("linear_probe", "zeroshot") else 4.0
    # what a method makes of all the features takes what it takes
    assert encoding + steps <= seconds < encoding + steps + (30 if encoding else 1e-9)
    after = method.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert all(parameter.grad is None for parameter in method.parameters())


def test_images_that_stay_as_they_are_are_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "often", lambda work, device, gradient=True: (work(), 1.0)[1])
    method = find("coop")(small_backbone(), ("red", "green"), find("coop").Settings())
    side = method.backbone.image_size
    pixels = torch.zeros(2, 3, side, side, dtype=torch.uint8)
    data = TrainingSet(pixels, torch.tensor([0, 1]))
    recipe = Recipe(epochs=3, batch=4, augment="none")
    seconds = timing.training_seconds(method, data, recipe, TrainSettings(dataset="x"), count=8)
    assert seconds == 8 / 2 + 3 * 2


def test_cached_views_are_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "often", lambda work, device, gradient=True: (work(), 1.0)[1])
    encoded: list[int] = []
    method = find("gopro")(small_backbone(), ("red", "green"), find("gopro").Settings())
    encode = type(method).encode_image
    monkeypatch.setattr(
        type(method),
        "encode_image",
        lambda self, pixels: (encoded.append(len(pixels)), encode(self, pixels))[1],
    )
    side = method.backbone.image_size
    pixels = torch.zeros(2, 3, side, side, dtype=torch.uint8)
    data = TrainingSet(pixels, torch.tensor([0, 1]))
    recipe = Recipe(epochs=9, batch=4, view_cache=2)
    seconds = timing.training_seconds(method, data, recipe, TrainSettings(dataset="x"), count=8)
    # a second for four images' views, and for a step; two copies of eight images
    assert seconds == 2 * 8 / 4 + 9 * 2
    assert encoded == [
        12,
        12,
    ]  # three views of four images: timed, and for the step, which has none
