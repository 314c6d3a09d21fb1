"""PromptClassifier: inputs, predictions and errors."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gopro import GoproError, PromptClassifier
from gopro.methods import TABLE
from tiny_classifier import Given, Make
from tiny_run import CLASSES, write_photos


def state(classifier: PromptClassifier) -> dict[str, torch.Tensor]:
    return classifier.method_.state_dict()


def same(one: PromptClassifier, other: PromptClassifier) -> bool:
    return all(torch.equal(value, state(other)[name]) for name, value in state(one).items())


def test_paths_images_arrays_and_a_folder_teach_the_same(
    make: Make, photos: Path, tmp_path: Path, given: Given
) -> None:
    paths, labels = given
    fitted = make().fit(paths, labels)
    images = [Image.open(path) for path in paths]
    arrays = np.stack([np.asarray(image) for image in images])
    objects = np.empty(len(paths), dtype=object)
    objects[:] = [str(path) for path in paths]
    for pictures in (images, arrays, list(arrays), objects, np.array([str(p) for p in paths])):
        other = make().fit(pictures, np.array(labels))
        assert same(fitted, other)
        assert np.array_equal(fitted.predict_proba(paths), other.predict_proba(pictures))
    for name in CLASSES:
        (tmp_path / "train" / name).mkdir(parents=True)
        for path in paths:
            if path.parent.name == name:
                (tmp_path / "train" / name / path.name).write_bytes(path.read_bytes())
    assert same(fitted, make().fit(str(tmp_path / "train")))
    assert same(fitted, make().fit(tmp_path))


def test_answers(make: Make, given: Given) -> None:
    paths, labels = given
    classifier = make(epochs=12).fit(paths, labels)
    assert classifier.classes_.tolist() == sorted(CLASSES)
    probabilities = classifier.predict_proba(paths)
    assert probabilities.shape == (24, 4)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    predicted = classifier.predict(paths)
    assert predicted.tolist() == classifier.classes_[probabilities.argmax(axis=1)].tolist()
    assert classifier.score(paths, labels) == np.mean(predicted == np.array(labels))
    assert classifier.score(paths, labels) > 0.5  # better than chance
    assert [row["epoch"] for row in classifier.history_] == list(range(1, 13))
    assert classifier.training_["pictures"] == dict.fromkeys(CLASSES, 6)


def test_the_answer_depends_on_neither_batch_nor_order(make: Make, given: Given) -> None:
    paths, labels = given
    classifier = make().fit(paths, labels)
    in_order = classifier.predict_proba(paths)
    classifier.set_params(eval_batch=5, workers=3)
    assert np.allclose(classifier.predict_proba(paths[::-1])[::-1], in_order, atol=1e-6)


def test_a_fit_is_repeatable_and_leaves_the_random_state_alone(make: Make, given: Given) -> None:
    before = torch.get_rng_state()
    one, other = make(seed=3).fit(*given), make(seed=3).fit(*given)
    assert torch.equal(torch.get_rng_state(), before)
    assert same(one, other)
    assert not same(one, make(seed=4).fit(*given))


def test_gopro_on_mini(photos: Path) -> None:
    classifier = PromptClassifier(shots=2, epochs=1, device="cpu", workers=1).fit(photos)
    assert classifier.predict_proba([photos / "ant" / "11.png"]).shape == (1, 4)
    new = classifier.with_classes(["sunflower", "stop sign"])
    assert new.predict([photos / "ant" / "11.png"])[0] in ("sunflower", "stop sign")


@pytest.mark.parametrize("method", list(TABLE))
def test_every_method(make: Make, given: Given, model: Path, tmp_path: Path, method: str) -> None:
    options = {"tcp": {"block": 1, "reduction": 2}, "promptkd": {"teacher": str(model)}}
    classifier = make(method=method, epochs=1, options=options.get(method)).fit(*given)
    expected = classifier.predict_proba(given[0])
    classifier.save(tmp_path / "model")
    loaded = PromptClassifier.load(tmp_path / "model", device="cpu")
    assert np.array_equal(loaded.predict_proba(given[0]), expected)


def test_a_folder_with_parts(make: Make, tmp_path: Path) -> None:
    for part, count in (("train", 4), ("val", 2), ("test", 3)):
        write_photos(tmp_path / part, count=count, seed=count)
    classifier = make(select="best").fit(tmp_path)
    assert sum(classifier.training_["pictures"].values()) == 16
    assert all(0 <= row["val_accuracy"] <= 100 for row in classifier.history_)
    assert classifier.compare(tmp_path).pictures == 12
    measured = classifier.compare(tmp_path).accuracy
    assert classifier.score(tmp_path) == pytest.approx(measured / 100)


def test_validation_as_given(make: Make, given: Given, photos: Path) -> None:
    paths, labels = given
    one = make().fit(paths[::2], labels[::2], validation=(paths[1::2], labels[1::2]))
    assert "val_accuracy" in one.history_[0]
    assert "val_accuracy" in make().fit(paths, labels, validation=photos).history_[0]
    assert "val_accuracy" not in make().fit(paths, labels).history_[0]


def test_labels_that_are_numbers_have_names(make: Make, given: Given) -> None:
    paths, labels = given
    numbers = [CLASSES.index(label) for label in labels]
    plain = make().fit(paths, labels)
    for names in (list(CLASSES), dict(enumerate(CLASSES))):
        classifier = make(class_names=names).fit(paths, numbers)
        assert classifier.classes_.tolist() == [0, 1, 2, 3]
        assert classifier.class_names_ == CLASSES
        assert same(classifier, plain)
        assert classifier.predict(paths).dtype.kind == "i"
    with pytest.raises(GoproError, match="class_names has no name"):
        make(class_names=CLASSES[:2]).fit(paths, numbers)


def test_shots_are_drawn_with_the_seed(make: Make, given: Given) -> None:
    classifier = make(shots=2).fit(*given)
    assert classifier.training_["pictures"] == dict.fromkeys(CLASSES, 2)
    assert same(classifier, make(shots=2).fit(*given))
    with pytest.raises(GoproError, match="use --shots 6 or less"):
        make(shots=7).fit(*given)


def test_other_classes_by_the_same_weights(make: Make, given: Given) -> None:
    paths, labels = given
    classifier = make().fit(paths, labels)
    other = classifier.with_classes(["zebra", "cat", "bee"])
    assert other.classes_.tolist() == ["zebra", "cat", "bee"]
    assert other.method_.context is classifier.method_.context
    assert other.predict_proba(paths).shape == (24, 3)
    assert classifier.predict_proba(paths).shape == (24, 4)
    back = other.with_classes(CLASSES)
    assert np.array_equal(back.predict_proba(paths), classifier.predict_proba(paths))
    own = make(options={"class_specific": True}).fit(paths, labels)
    with pytest.raises(GoproError, match="zebra"):
        own.with_classes(["zebra", "cat"])


@pytest.mark.parametrize(
    "names", [[], ["a", ""], ["a", "A"], ["a_b", "a b"], "abc", ["a", 3], ["a", " _ "], ["a", "\n"]]
)
def test_unusable_class_names(make: Make, given: Given, names: Any) -> None:
    classifier = make(epochs=0).fit(*given)
    with pytest.raises(GoproError, match="name"):
        classifier.with_classes(names)


def test_zero_shot_and_comparison(make: Make, given: Given) -> None:
    paths, labels = given
    classifier = make().fit(paths, labels)
    plain = classifier.zero_shot()
    untrained = make(method="zeroshot").fit(paths, labels)
    assert np.array_equal(plain.predict_proba(paths), untrained.predict_proba(paths))
    assert (plain.method, classifier.method) == ("zeroshot", "coop")
    with pytest.raises(GoproError, match="was fitted on all 24 pictures"):
        classifier.compare(paths, labels)
    result = classifier.compare(paths, labels, include_fitted=True)
    assert (result.fitted_on, result.left_out) == (24, 0)
    assert result.accuracy == pytest.approx(100 * classifier.score(paths, labels))
    assert result.zero_shot == pytest.approx(100 * plain.score(paths, labels))
    assert [row.pictures for row in result.classes] == [6, 6, 6, 6]
    mean = np.mean([row.accuracy for row in result.classes])
    assert mean == pytest.approx(result.accuracy)
    with pytest.raises(GoproError, match="doesn't know the class 'yak'"):
        classifier.compare(paths[:1], ["yak"])


def test_an_unreadable_picture(make: Make, given: Given, tmp_path: Path) -> None:
    paths, labels = given
    classifier = make(eval_batch=2).fit(paths, labels)
    empty = tmp_path / "пустой 空.png"
    empty.touch()
    mixed = [empty, paths[0], tmp_path / "absent.png", paths[1], 7, empty, empty]
    answers = list(classifier.predict_each(mixed))
    assert [isinstance(one, GoproError) for one in answers] == [1, 0, 1, 0, 1, 1, 1]
    assert np.allclose(answers[3], classifier.predict_proba([paths[1]])[0], atol=1e-6)
    for use in (classifier.predict, lambda p: make().fit(p, list("abababa"))):
        with pytest.raises(GoproError, match="empty"):
            use(mixed)


@pytest.mark.parametrize(
    ("settings", "images", "labels", "words"),
    [
        ({}, ["a.png", "b.png"], None, "without labels"),
        ({}, ["a.png", "b.png"], ["a"], "one label for each"),
        ({}, ["a.png", "b.png"], [["a"], ["b"]], "one label for each"),
        ({}, ["a.png", "b.png"], ["a", "a"], "at least two classes"),
        ({}, ["a.png", "b.png"], ["a", "A"], "read the same"),
        ({}, ["a.png", "b.png"], ["a", " "], "has no letters"),
        ({}, ["a.png", "b.png"], np.array(["a", 1], dtype=object), "several kinds"),
        ({}, [], [], "no pictures"),
        ({}, "a.png", ["a"], "the folder a.png and labels"),
        ({}, "absent", None, "no folder absent"),
        ({"epochs": -1}, ["a", "b"], ["a", "b"], "epochs"),
        ({"lr": float("nan")}, ["a", "b"], ["a", "b"], "lr"),
        ({"lr": "fast"}, ["a", "b"], ["a", "b"], "wrong kind"),
        ({"shots": 0}, ["a", "b"], ["a", "b"], "shots"),
        ({"method": "gopra"}, ["a", "b"], ["a", "b"], "did you mean gopro"),
        ({"options": {"n_cxt": 3}}, ["a", "b"], ["a", "b"], "did you mean n_ctx"),
        ({"select": "best"}, ["a", "b"], ["a", "b"], "needs validation"),
        ({"device": "tpu"}, ["a", "b"], ["a", "b"], "device"),
        ({"precision": "fp8"}, ["a", "b"], ["a", "b"], "precision"),
        ({"backbone": "maxi"}, ["a", "b"], ["a", "b"], "backbone"),
    ],
)
def test_bad_input_is_one_line(
    make: Make, settings: dict[str, Any], images: Any, labels: Any, words: str
) -> None:
    with pytest.raises(GoproError, match=words) as caught:
        make(**settings).fit(images, labels)
    assert "\n" not in str(caught.value)


def test_a_failed_fit_changes_nothing(make: Make, given: Given) -> None:
    classifier = make().fit(*given)
    method = classifier.method_
    with pytest.raises(GoproError):
        classifier.fit(["absent.png", "gone.png"], ["a", "b"])
    assert classifier.method_ is method
    assert classifier.classes_.tolist() == sorted(CLASSES)


def test_importing_gopro_loads_nothing_heavy() -> None:
    code = (
        "import sys, gopro; print({'torch', 'numpy', 'sklearn', 'rich'} & set(sys.modules)); "
        "print('PromptClassifier' in gopro.__all__, hasattr(gopro, 'nonsense'))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split("\n")[:2] == ["set()", "True False"]


def test_few_pictures_get_more_epochs() -> None:
    classifier = PromptClassifier()
    default = classifier.recipe(10_000)
    few = classifier.recipe(2 * default.batch)
    assert few.epochs == max(default.epochs, 20)  # 40 steps at least
    assert dataclasses.replace(few, epochs=default.epochs) == default
    assert classifier.set_params(epochs=3).recipe(4).epochs == 3
    assert PromptClassifier(method="linear_probe").recipe(4).epochs == 0


@pytest.mark.parametrize(("epochs", "shots", "steps"), [(1, None, 3), (3, None, 9), (3, 2, 3)])
def test_the_estimated_time_of_a_fit(
    make: Make,
    given: Given,
    monkeypatch: pytest.MonkeyPatch,
    epochs: int,
    shots: int | None,
    steps: int,
) -> None:
    before = torch.get_rng_state()
    monkeypatch.setattr(
        "gopro.training.timing.often", lambda work, device, gradient=True: (work(), 100.0)[1]
    )
    seconds = make(epochs=epochs, shots=shots).expected_seconds(*given)
    assert 100.0 * steps < seconds < 100.0 * steps + 20
    assert torch.equal(torch.get_rng_state(), before)


def test_estimating_changes_no_fit(make: Make, given: Given) -> None:
    fitted = make().fit(*given)
    classifier = make()
    classifier.expected_seconds(*given)
    assert same(fitted, classifier.fit(*given))


def test_the_estimate_for_zero_shot_clip_is_the_reading_time(make: Make, given: Given) -> None:
    assert 0 < make(method="zeroshot", options=None).expected_seconds(*given) < 20
