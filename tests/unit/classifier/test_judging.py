"""A calibrated classifier: shares, sets, "none of these", saved and measured."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from gopro import GoproError, PromptClassifier
from gopro.classifier.confidence.judgement import Judgement, as_dict, shown
from gopro.classifier.export import Graph
from gopro.classifier.modelfiles import CALIBRATION, CARD
from gopro.common.errors import UnreadableError
from gopro.data.pixels import stack
from tiny_classifier import Given, Make
from tiny_run import write_photos


@pytest.fixture(scope="session")
def calibrated(make: Make, given: Given) -> PromptClassifier:
    return make(folds=3).fit(*given)


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures without the noise and colours of all classes."""
    folder = write_photos(tmp_path_factory.mktemp("others"), ["x", "y"], count=4, seed=9)
    return sorted(folder.rglob("*.png"))


def test_shares_are_those_of_the_temperature(
    make: Make, given: Given, calibrated: PromptClassifier
) -> None:
    plain = np.log(make().fit(*given).predict_proba(given[0]))
    assert calibrated.calibration_ is not None
    expected = calibrated.calibration_.shares(plain)
    assert np.allclose(calibrated.predict_proba(given[0]), expected, atol=1e-6)
    judged = [one for one in calibrated.judge_each(given[0]) if isinstance(one, Judgement)]
    assert np.allclose(np.stack([one.shares for one in judged]), expected, atol=1e-6)


def test_explained_and_exported_shares_are_the_same(
    calibrated: PromptClassifier, given: Given
) -> None:
    path = given[0][0]
    expected = calibrated.predict_proba([path])[0]
    (best, *_) = calibrated.explain(path).answers
    assert best.probability == pytest.approx(expected.max(), abs=1e-6)
    graph = Graph(calibrated.method_, "uint8", 2, calibrated.temperature)
    (group,) = calibrated.groups([path])
    assert np.allclose(graph(stack(group)).detach().numpy()[0], expected, atol=1e-5)


def test_most_training_pictures_are_known(calibrated: PromptClassifier, given: Given) -> None:
    assert calibrated.is_unknown(given[0]).mean() <= 0.1


def test_sets_hold_the_best_label_and_grow(calibrated: PromptClassifier, given: Given) -> None:
    small, large = (calibrated.predict_sets(given[0], level) for level in (0.5, 0.9))
    best = calibrated.predict(given[0])
    assert all(label in names for label, names in zip(best, small, strict=True))
    assert sum(map(len, small)) <= sum(map(len, large))
    with pytest.raises(GoproError, match="more pictures than the 24"):
        calibrated.predict_sets(given[0], 0.99)


def test_saved_and_loaded(
    calibrated: PromptClassifier, given: Given, others: list[Path], tmp_path: Path
) -> None:
    folder = calibrated.save(tmp_path / "model")
    PromptClassifier.load(folder, device="cpu").with_others(others).save(folder)
    assert "The probabilities are calibrated" in (folder / CARD).read_text()
    loaded = PromptClassifier.load(folder, device="cpu")
    assert np.array_equal(loaded.predict_proba(others), calibrated.predict_proba(others))
    assert loaded.calibration_ is not None
    assert loaded.calibration_.classes.count == 8
    assert loaded.folds == 3
    (folder / CALIBRATION).write_bytes(b"")
    with pytest.raises(GoproError, match="isn't the file that was saved"):
        PromptClassifier.load(folder, device="cpu")
    (folder / CALIBRATION).unlink()
    assert PromptClassifier.load(folder, device="cpu").calibration_ is None


def test_unreadable_pictures_are_all_named_or_left_out(
    calibrated: PromptClassifier, photos: Path, others: list[Path], tmp_path: Path
) -> None:
    broken = [tmp_path / "1.png", tmp_path / "2.png"]
    for path in broken:
        path.touch()
    mixed = [broken[0], *others, broken[1]]
    for action in (
        lambda: calibrated.is_unknown(mixed),
        lambda: calibrated.predict_sets(mixed, 0.9),
        lambda: calibrated.with_others(mixed),
        lambda: calibrated.compare(photos, others=mixed),
    ):
        with pytest.raises(UnreadableError, match="2 of 10 pictures"):
            action()
    measured = calibrated.compare(photos, others=mixed, skip_bad=True)
    assert measured.confidence == calibrated.compare(photos, others=others).confidence
    assert len(measured.unreadable) == 2


def test_pictures_that_others_were_learned_from_are_left_out(
    calibrated: PromptClassifier, photos: Path, others: list[Path]
) -> None:
    taught = calibrated.with_others(others[:3])
    measured = taught.compare(photos, others=others).confidence
    assert measured is not None and measured.unknowns is not None
    assert (measured.unknowns.pictures, measured.unknowns.left_out) == (5, 3)
    assert "5 images of no known class (3 more left out, the" in str(measured.unknowns)
    with pytest.raises(GoproError, match="was fitted on all 3 pictures of no known class"):
        taught.compare(photos, others=others[:3])
    with pytest.raises(GoproError, match="got 1 picture of no known class"):
        calibrated.with_others(others[:1])


def test_others_replace_those_given_before(
    calibrated: PromptClassifier, given: Given, others: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gopro.classifier.confidence.unknown.PICTURES", 2)  # of 3, one is dropped
    again = calibrated.with_others(others[:3]).with_others(others)
    once = calibrated.with_others(others)
    assert len(again.fitted_) == len(once.fitted_) == len(given[0]) + len(others)
    assert torch.equal(again.fitted_.colours, once.fitted_.colours)
    with pytest.raises(GoproError, match=r"2 of 10 pictures of no known class are among"):
        again.with_others([*others, *given[0][:2]])


def test_training_pictures_are_no_others(
    calibrated: PromptClassifier, given: Given, others: list[Path]
) -> None:
    with pytest.raises(GoproError, match="2 of 10 pictures of no known class are among those"):
        calibrated.with_others([*others, *given[0][:2]])


def test_without_calibration(make: Make, given: Given, model: Path, tmp_path: Path) -> None:
    plain = PromptClassifier.load(shutil.copytree(model, tmp_path / "model"), device="cpu")
    assert not (tmp_path / "model" / CALIBRATION).exists()
    (first, *_) = plain.judge_each(given[0])
    assert isinstance(first, Judgement)
    assert (first.known, first.unknown) == (None, False)
    for use in (
        lambda: plain.is_unknown(given[0]),
        lambda: plain.predict_sets(given[0], 0.9),
        lambda: plain.with_others(given[0]),
        lambda: plain.compare(*given, include_fitted=True, others=given[0]),
    ):
        with pytest.raises(GoproError, match="need a calibrated classifier"):
            use()
    one_each = make(folds=None).fit(given[0][::6], given[1][::6])
    assert one_each.calibration_ is None
    with pytest.raises(GoproError, match="folds = -1"):
        make(folds=-1).fit(*given)


def test_other_names_and_zero_shot_are_not_calibrated(calibrated: PromptClassifier) -> None:
    assert calibrated.with_classes(["yak", "zebra"]).calibration_ is None
    assert calibrated.zero_shot().calibration_ is None
    assert calibrated.with_classes(calibrated.class_names_).calibration_ is not None


def test_measured(calibrated: PromptClassifier, photos: Path, others: list[Path]) -> None:
    result = calibrated.compare(photos, confidence=0.5, sets=0.9, others=others)
    measured = result.confidence
    assert measured is not None
    assert measured.answered is not None and measured.sets is not None
    assert measured.unknowns is not None
    held = [path for path in sorted(photos.rglob("*.png")) if int(path.stem) >= 6]
    shares = calibrated.predict_proba(held)
    right = calibrated.classes_[shares.argmax(axis=1)] == [path.parent.name for path in held]
    sure = shares.max(axis=1) >= 0.5
    assert measured.answered.answered == pytest.approx(sure.mean())
    assert sum(one.pictures for one in measured.bins) == 24
    sets = calibrated.predict_sets(held, 0.9)
    covered = [path.parent.name in names for path, names in zip(held, sets, strict=True)]
    assert measured.sets.coverage == pytest.approx(np.mean(covered))
    assert measured.unknowns.named == pytest.approx(calibrated.is_unknown(others).mean())
    assert measured.unknowns.named_known == pytest.approx(calibrated.is_unknown(held).mean())
    assert len(result.confidence_lines()) == 4
    assert right.mean() == pytest.approx(result.accuracy / 100)


def test_an_answer_in_words_and_as_data() -> None:
    names = ("ant", "bee", "cat")
    shares = np.array([0.2, 0.7, 0.1])
    known = Judgement(shares, 1.0, False, np.array([True, True, False]))
    assert shown(known, names, 2, 0.5) == "bee 70.0 %, ant 20.0 %; set: bee, ant"
    assert shown(known, names, 1, 0.8) == "unsure (bee 70.0 %; set: bee, ant)"
    unknown = Judgement(shares, -1.0, True)
    assert shown(unknown, names, 1, 0.8) == "none of these (bee 70.0 %)"
    row = as_dict(known, names, 1, 0.8)
    assert row == {
        "answers": [{"name": "bee", "probability": 0.7}],
        "unknown": False,
        "unsure": True,
        "set": ["bee", "ant"],
    }
    assert set(as_dict(Judgement(shares), names, 1, None)) == {"answers"}
