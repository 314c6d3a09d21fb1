"""Cross-validation: parts, and what the methods of the parts have seen."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from gopro import PromptClassifier
from gopro.classifier import crossvalidation
from gopro.classifier.confidence.parts import divided
from gopro.classifier.fitinputs import inputs_of
from gopro.methods import TABLE, find
from gopro.methods.base import Method
from gopro.training.fit import learn_classifier
from gopro.training.trainingset import TrainingSet
from tiny_classifier import Given, Make


def test_parts_hold_each_picture_once_and_all_classes() -> None:
    truth = torch.tensor([0] * 5 + [1] * 7 + [2] * 4)
    parts = divided(truth, 4, seed=1)
    held = torch.cat([one for one, _ in parts])
    assert sorted(held.tolist()) == list(range(16))
    for one, rest in parts:
        assert not set(one.tolist()) & set(rest.tolist())
        assert len(one) == 4
        assert set(truth[rest].tolist()) == {0, 1, 2}
    again = divided(truth, 4, seed=1)
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(parts, again, strict=True))


def test_the_number_of_parts() -> None:
    truth = [0] * 3 + [1] * 9
    assert crossvalidation.folds_of(find("coop"), None, truth) == 3
    assert crossvalidation.folds_of(find("coop"), None, truth * 2) == 4
    assert crossvalidation.folds_of(find("coop"), 5, truth * 2) == 5
    assert crossvalidation.folds_of(find("vpt"), None, truth) == 2
    assert crossvalidation.folds_of(find("coop"), 0, truth) == 0
    assert crossvalidation.folds_of(find("coop"), None, [0, 1, 1]) == 0


def test_why_there_are_no_parts() -> None:
    names, truth = ("ant", "bee", "cat"), [0, 0, 1, 2, 2]

    def why(method: str, asked: int | None, truth: list[int]) -> str:
        return crossvalidation.why_none(find(method), asked, truth, names)

    assert why("coop", None, truth) == "only one training picture of class 'bee'"
    assert why("coop", 3, [0, 1, 2, 2]) == "only one training picture of class 'ant', 'bee'"
    assert why("coop", None, [*truth, 1]) == ""
    assert why("coop", 0, [*truth, 1]) == "--folds 0"
    assert why("promptkd", None, [*truth, 1]) == "the method learns without labels"


def cross_validated(classifier: PromptClassifier, given: Given) -> crossvalidation.OutOfSample:
    inputs = inputs_of(classifier, *given)
    numbered = list(enumerate(inputs.pictures))
    pixels = inputs.training_set(numbered, inputs.new_method(), "none").pixels
    features = crossvalidation.frozen_features(inputs, pixels)
    return crossvalidation.cross_validate(inputs, pixels, features, classifier.recipe, 2)


def test_a_picture_is_scored_by_a_method_without_it(
    make: Make, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[TrainingSet] = []

    def learn(method: Method, data: TrainingSet, *others: Any) -> Any:
        learned.append(data)
        return learn_classifier(method, data, *others)

    monkeypatch.setattr(crossvalidation, "learn_classifier", learn)
    out = cross_validated(make(epochs=1), given)
    first, second = ({picture.numpy().tobytes() for picture in data.pixels} for data in learned)
    assert (len(first), len(second), len(first | second)) == (12, 12, 24)
    # what the first method scored is what the second one learned from
    assert sorted(out.truth[:12].tolist()) == sorted(learned[1].labels.tolist())
    assert out.logits.shape == (24, 4)
    assert all(data.features is not None for data in learned)


def test_a_changed_image_encoder_learns_from_pixels(make: Make, given: Given) -> None:
    out = cross_validated(make(method="vpt", epochs=1), given)
    assert out.logits.shape == (24, 4)


def test_few_parts_for_many_pictures(
    make: Make, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossvalidation, "ENOUGH", 5)
    assert len(cross_validated(make(epochs=1), given).truth) == 12


def test_settings_without_augmented_views() -> None:
    for name in TABLE:
        kind = find(name)
        if kind.without_views:
            assert set(kind.without_views) <= set(vars(kind.Settings()))
    assert {"gopro", "slip", "coprompt"} <= {name for name in TABLE if find(name).without_views}
