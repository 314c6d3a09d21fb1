"""Which training class a name means, and the methods that learn something for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import slow_methods as slow
import torch
from slow_methods import NAMES

from gopro.backbones import Backbone
from gopro.methods import find
from gopro.methods.base import Batch, Method
from gopro.methods.class_indices import class_places

LEARNERS: dict[str, dict[str, Any]] = {
    "coop": {"class_specific": True},
    "gopro_plus": {},
    "linear_probe": {},
    "mmrl": {},
    "promptkd": {},
    "tip_adapter": {},
    "two_stage": {},
}


def learned(backbone: Backbone, name: str, classes: Sequence[str]) -> Method:
    """A method with random weights, in particular those of each class."""
    torch.manual_seed(0)
    kind = find(name)
    method = kind(backbone, classes, kind.Settings(**LEARNERS[name]))
    if name == "promptkd":
        method.set_teacher(learned(backbone, "coop", classes), classes)
        method.teachers = ()  # as a saved one
    if method.learns_from_features:
        method.prepare(backbone.encode_image(torch.rand(3, 3, 32, 32)), torch.arange(3))
    slow.stir(method)
    if name == "two_stage":
        method.end_epoch(5, 10)
        with torch.no_grad():
            method.get_parameter("classifier").normal_()
    return method.eval()


def test_places() -> None:
    assert class_places(["Sea  horse", "cat", "a_b"], ["cat", "sea_horse"]) == [1, 0, None]
    assert class_places([], ["cat"]) == []


def test_places_of_equal_names() -> None:
    trained = ["missile", "cat", "Missile"]
    assert class_places(trained, trained) == [0, 1, 2]
    assert class_places(["missile", "missile", "cat"], trained) == [0, 2, 1]
    assert class_places(["missile"], trained) == [0]
    assert class_places(["missile", "missile"], ["cat", "missile"]) == [1, 1]


@pytest.mark.parametrize("name", sorted(LEARNERS.keys() - {"mmrl", "promptkd"}))
def test_each_of_two_equal_names_has_its_own(name: str, backbone: Backbone, batch: Batch) -> None:
    method = learned(backbone, name, ["missile", "cat", "missile"])
    logits = method.logits(method.encode_image(batch.images["x"]))
    assert (logits[:, 0] - logits[:, 2]).abs().min() > 1e-3


@pytest.mark.parametrize("name", LEARNERS)
def test_a_trained_name_in_another_spelling(name: str, backbone: Backbone, batch: Batch) -> None:
    method = learned(backbone, name, NAMES)
    features = method.encode_image(batch.images["x"])
    other = method.for_classes(["CAT", "golden retriever", "C-130_Hercules"])
    assert torch.equal(other.logits(features), method.logits(features))
